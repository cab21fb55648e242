"""Which application permissions a call needs. What people may do: `delegated_permission`.

From the permission tables of the Graph pages, column *Application*:
https://learn.microsoft.com/en-us/graph/api/application-list, …/application-update, …/serviceprincipal-update,
…/appmanagementpolicy-post-appliesto, …/appmanagementpolicy-list-appliesto, …/tenantappmanagementpolicy-get,
…/directoryaudit-list, …/signin-list, …/directoryobject-get, …/organization-list,
…/serviceprincipal-post-approleassignments, …/certificatebasedapplicationconfiguration-get (beta) and
https://learn.microsoft.com/en-us/graph/custom-security-attributes-examples.

`Application.ReadWrite.OwnedBy` creates applications, changes only what the caller owns, and reads everything: "allows
an app to call GET /applications and GET /servicePrincipals to list all" (page serviceprincipal-get). It makes service
principals of applications that the caller owns, and "isn't sufficient to add another owner" (page
application-post-owners). https://github.com/microsoftgraph/microsoft-graph-docs/issues/16138
"""

from __future__ import annotations

from enum import StrEnum, auto
from functools import lru_cache

from unsecret.model.verdict import ALLOWED, Reason, Verdict


class Operation(StrEnum):
    """One per kind of call."""

    READ_APPLICATION = auto()
    WRITE_APPLICATION = auto()
    CREATE_APPLICATION = auto()
    READ_SERVICE_PRINCIPAL = auto()
    WRITE_SERVICE_PRINCIPAL = auto()
    CREATE_SERVICE_PRINCIPAL = auto()
    ADD_APPLICATION_OWNER = auto()
    ADD_SERVICE_PRINCIPAL_OWNER = auto()
    READ_POLICY = auto()
    WRITE_DEFAULT_POLICY = auto()
    WRITE_POLICY = auto()
    ASSIGN_POLICY = auto()
    READ_ASSIGNED_POLICY = auto()
    READ_APPLIES_TO = auto()
    READ_ORGANIZATION = auto()
    READ_DIRECTORY_OBJECT = auto()
    READ_AUDIT_LOG = auto()
    READ_SIGN_IN_LOG = auto()
    READ_APP_ROLE_ASSIGNMENT = auto()
    WRITE_APP_ROLE_ASSIGNMENT = auto()
    WRITE_MICROSOFT_APP_ROLE_ASSIGNMENT = auto()
    WRITE_CUSTOM_SECURITY_ATTRIBUTES = auto()
    WRITE_USER_CUSTOM_SECURITY_ATTRIBUTES = auto()
    READ_CUSTOM_SECURITY_ATTRIBUTES = auto()
    READ_TRUSTED_AUTHORITY = auto()
    WRITE_TRUSTED_AUTHORITY = auto()
    READ_ATTRIBUTE_DEFINITION = auto()
    WRITE_ATTRIBUTE_DEFINITION = auto()
    READ_OWN_USER = auto()
    READ_USER = auto()
    WRITE_USER = auto()
    WRITE_PRIVILEGED_USER = auto()
    READ_DIRECTORY_ROLE = auto()
    WRITE_DIRECTORY_ROLE = auto()
    READ_PERMISSION_GRANT = auto()
    READ_OWN_PERMISSION_GRANT = auto()
    WRITE_PERMISSION_GRANT = auto()


DENIED = "Authorization_RequestDenied"
INSUFFICIENT = "Insufficient privileges to complete the operation."
OWNED_BY = "Application.ReadWrite.OwnedBy"

AnyOf = tuple[str, ...]
"""Permissions of which one is enough, the least privileged first."""

_READS_APPLICATIONS: AnyOf = (
    "Application.Read.All",
    OWNED_BY,
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
_READS_DIRECTORY: AnyOf = ("Directory.Read.All", "Directory.ReadWrite.All")
_READS_POLICIES: AnyOf = (
    "Policy.Read.All",
    "Policy.Read.ApplicationConfiguration",
    "Policy.ReadWrite.ApplicationConfiguration",
)
_WRITES_POLICIES: AnyOf = ("Policy.ReadWrite.ApplicationConfiguration",)
_READS_LOGS: AnyOf = ("AuditLog.Read.All",)
_READS_USERS: AnyOf = ("User.Read.All", "User.ReadWrite.All", *_READS_DIRECTORY)
_WRITES_USERS: AnyOf = ("User.ReadWrite.All", "Directory.ReadWrite.All")
_WRITES_ROLES: AnyOf = ("RoleManagement.ReadWrite.Directory",)
_GRANTS_ROLES = (("AppRoleAssignment.ReadWrite.All",), _READS_APPLICATIONS)
_WRITES_GRANTS: AnyOf = ("DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All")
_READS_GRANTS: AnyOf = ("Directory.Read.All", *_WRITES_GRANTS)
_WRITES_ATTRIBUTES: AnyOf = ("CustomSecAttributeAssignment.ReadWrite.All",)
_WRITES_DEFINITIONS: AnyOf = ("CustomSecAttributeDefinition.ReadWrite.All",)

REQUIRED: dict[Operation, tuple[AnyOf, ...]] = {
    Operation.READ_APPLICATION: (_READS_APPLICATIONS,),
    Operation.WRITE_APPLICATION: ((OWNED_BY, "Application.ReadWrite.All"),),
    Operation.CREATE_APPLICATION: (("AppRegistration.Create", OWNED_BY, "Application.ReadWrite.All"),),
    Operation.READ_SERVICE_PRINCIPAL: (_READS_APPLICATIONS,),
    Operation.WRITE_SERVICE_PRINCIPAL: ((OWNED_BY, "Application.ReadWrite.All", "Directory.ReadWrite.All"),),
    Operation.CREATE_SERVICE_PRINCIPAL: ((OWNED_BY, "Application.ReadWrite.All", "Directory.ReadWrite.All"),),
    Operation.ADD_APPLICATION_OWNER: (("Application.ReadWrite.All",),),
    Operation.ADD_SERVICE_PRINCIPAL_OWNER: (("Application.ReadWrite.All", "Directory.ReadWrite.All"),),
    Operation.READ_POLICY: (_READS_POLICIES,),
    Operation.WRITE_DEFAULT_POLICY: (_WRITES_POLICIES,),
    Operation.WRITE_POLICY: (_WRITES_POLICIES,),
    Operation.ASSIGN_POLICY: (_READS_APPLICATIONS, _WRITES_POLICIES),
    Operation.READ_ASSIGNED_POLICY: (_READS_APPLICATIONS, _READS_POLICIES),
    Operation.READ_APPLIES_TO: (_READS_APPLICATIONS, _READS_POLICIES),
    Operation.READ_ORGANIZATION: (("Organization.Read.All", "Organization.ReadWrite.All", *_READS_DIRECTORY),),
    Operation.READ_DIRECTORY_OBJECT: (_READS_DIRECTORY,),
    Operation.READ_AUDIT_LOG: (_READS_LOGS, _READS_DIRECTORY),
    Operation.READ_SIGN_IN_LOG: (_READS_LOGS,),
    Operation.READ_APP_ROLE_ASSIGNMENT: (_READS_APPLICATIONS,),
    Operation.WRITE_APP_ROLE_ASSIGNMENT: _GRANTS_ROLES,
    Operation.WRITE_MICROSOFT_APP_ROLE_ASSIGNMENT: _GRANTS_ROLES,
    Operation.WRITE_CUSTOM_SECURITY_ATTRIBUTES: (_WRITES_ATTRIBUTES, _READS_APPLICATIONS),
    Operation.WRITE_USER_CUSTOM_SECURITY_ATTRIBUTES: (_WRITES_ATTRIBUTES, _READS_USERS),
    Operation.READ_CUSTOM_SECURITY_ATTRIBUTES: (
        ("CustomSecAttributeAssignment.Read.All", "CustomSecAttributeAssignment.ReadWrite.All"),
    ),
    Operation.READ_TRUSTED_AUTHORITY: (
        ("AppCertTrustConfiguration.Read.All", "AppCertTrustConfiguration.ReadWrite.All"),
    ),
    Operation.WRITE_TRUSTED_AUTHORITY: (("AppCertTrustConfiguration.ReadWrite.All",),),
    Operation.READ_ATTRIBUTE_DEFINITION: (("CustomSecAttributeDefinition.Read.All", *_WRITES_DEFINITIONS),),
    Operation.WRITE_ATTRIBUTE_DEFINITION: (_WRITES_DEFINITIONS,),
    Operation.READ_OWN_USER: (_READS_USERS,),
    Operation.READ_USER: (_READS_USERS,),
    Operation.WRITE_USER: (_WRITES_USERS,),
    Operation.WRITE_PRIVILEGED_USER: (_WRITES_USERS, _WRITES_ROLES),
    Operation.READ_DIRECTORY_ROLE: (("RoleManagement.Read.Directory", *_WRITES_ROLES, *_READS_DIRECTORY),),
    Operation.WRITE_DIRECTORY_ROLE: (_WRITES_ROLES,),
    Operation.READ_PERMISSION_GRANT: (_READS_GRANTS,),
    Operation.READ_OWN_PERMISSION_GRANT: (_READS_GRANTS,),
    Operation.WRITE_PERMISSION_GRANT: (_WRITES_GRANTS,),
}
"""What each operation needs: one permission of every group."""

_ONLY_WHAT_IS_OWNED = frozenset(
    {Operation.WRITE_APPLICATION, Operation.WRITE_SERVICE_PRINCIPAL, Operation.CREATE_SERVICE_PRINCIPAL}
)
"""Where OWNED_BY is enough only on what the caller owns; for a new service principal that is its application."""


@lru_cache(maxsize=1024)
def permitted(roles: frozenset[str], operation: Operation, *, owns_target: bool = False) -> Verdict:
    """Whether the application permissions in a token allow `operation` (on something that the caller owns, or not)."""
    if operation in _ONLY_WHAT_IS_OWNED and not owns_target:
        roles -= {OWNED_BY}
    missing = [group for group in REQUIRED[operation] if roles.isdisjoint(group)]
    return Verdict((_denied(operation, missing),)) if missing else ALLOWED


def _denied(operation: Operation, missing: list[AnyOf]) -> Reason:
    needed = ", and ".join(" or ".join(group) for group in missing)
    message = f"{INSUFFICIENT} Grant the calling application the application permission {needed}"
    if operation in _ONLY_WHAT_IS_OWNED:
        message += f" ({OWNED_BY} is enough only on what it owns)"
    return Reason(rule=operation, code=DENIED, message=f"{message}.")
