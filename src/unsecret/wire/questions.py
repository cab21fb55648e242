"""What a snapshot asks Graph: paths, and the members that are selected.

Everything that a list shows without being asked is asked for by name, because `key` (a certificate's bytes) and
`customSecurityAttributes` are shown to `$select` only, and `$select` leaves out what it does not name.
https://learn.microsoft.com/en-us/graph/api/application-list
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from unsecret.model.snapshot import APPLICATIONS, AUDIT_LOG, EXEMPTED_PEOPLE, SERVICE_PRINCIPALS
from unsecret.wire import applications, service_principals
from unsecret.wire.instants import format_instant

LARGEST_PAGE = 999
"""https://learn.microsoft.com/en-us/graph/paging"""

PAGE_OF_A_LOG = 500

MOST_EXPANDED = 20
"""Of the objects that `$expand` shows; an object with as many may have more."""

MOST_IDS = 1000
"""Of one question for directory objects by id."""

ADVANCED = {"ConsistencyLevel": "eventual"}
"""https://learn.microsoft.com/en-us/graph/aad-advanced-queries"""

ATTRIBUTES = "customSecurityAttributes"
OF_PEOPLE = ("id", "displayName", "userPrincipalName", "mail", "userType", "createdDateTime")
BY_IDS = f"v1.0/directoryObjects/getByIds?$select={','.join(OF_PEOPLE)}"
"""With `accountEnabled` Graph would want a permission more."""

_HIDDEN = frozenset({"deletedDateTime", ATTRIBUTES})

SELECTED: dict[str, tuple[str, ...]] = {
    APPLICATIONS: tuple(name for name in applications.PROPERTIES if name not in _HIDDEN),
    SERVICE_PRINCIPALS: tuple(name for name in service_principals.PROPERTIES if name not in _HIDDEN),
}

LISTS: dict[str, tuple[str, ...]] = {
    "organization": ("v1.0/organization",),
    "attributeSets": ("v1.0/directory/attributeSets",),
    "customSecurityAttributeDefinitions": ("v1.0/directory/customSecurityAttributeDefinitions",),
    "certificateBasedApplicationConfigurations": (
        "beta/directory/certificateAuthorities/certificateBasedApplicationConfigurations",
    ),
    "oauth2PermissionGrants": (f"v1.0/oauth2PermissionGrants?$top={LARGEST_PAGE}",),
    "roleAssignments": ("v1.0/roleManagement/directory/roleAssignments",),
    "roleDefinitions": ("v1.0/roleManagement/directory/roleDefinitions",),
    "appManagementPolicies": ("beta/policies/appManagementPolicies", "v1.0/policies/appManagementPolicies"),
    "appCredentialSignInActivities": ("beta/reports/appCredentialSignInActivities",),
    "servicePrincipalSignInActivities": ("beta/reports/servicePrincipalSignInActivities",),
}
"""Lists that are read as they are. Of several paths the first that is answered counts: beta's policies know more."""

FEDERATED = (
    f"v1.0/applications?$select=id&$filter=federatedIdentityCredentials/$count ne 0&$count=true&$top={LARGEST_PAGE}"
)
"""Who has any federated credential: spares a question for each application. An advanced query."""


def listing(
    collection: str, *, members: Iterable[str] = (), expand: str | None = None, term: str = "", top: int = LARGEST_PAGE
) -> str:
    """The path of a list. Without `members` everything is shown that is shown to whoever asks for nothing."""
    selected = ",".join(members)
    asked = {"$select": selected, "$expand": expand, "$filter": term, "$top": str(top)}
    query = "&".join(f"{name}={quote(value, safe=',$/=:')}" for name, value in asked.items() if value)
    return f"v1.0/{collection}?{query}"


def counting(collection: str, term: str = "") -> str:
    """The path of a number of objects. An advanced query."""
    return f"v1.0/{collection}/$count" + (f"?$filter={quote(term, safe=':')}" if term else "")


def created_between(since: datetime | None, until: datetime | None) -> str:
    """The filter for objects created from `since` to `until`, both included; None is an open end. `ge` and `le` are
    what the directory answers without an advanced query, which could not `$expand`."""
    parts = [("ge", since), ("le", until)]
    return " and ".join(f"createdDateTime {word} {_instant(at)}" for word, at in parts if at)


def done_between(since: datetime, until: datetime | None) -> str:
    """The path of the audit log from `since` to `until`, both included; None is an open end."""
    terms = [f"activityDateTime {word} {format_instant(at)}" for word, at in (("ge", since), ("le", until)) if at]
    return f"v1.0/auditLogs/{AUDIT_LOG}?$filter={quote(' and '.join(terms))}&$top={PAGE_OF_A_LOG}"


NOT_DATED = "createdDateTime eq null"
"""The filter for objects that do not say when they were created. Only for advanced queries."""


def not_dated(collection: str, members: Iterable[str]) -> str:
    """The path of the objects that do not say when they were created. An advanced query."""
    return listing(collection, members=members, term=NOT_DATED) + "&$count=true"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def owners_of(collection: str, object_id: str) -> str:
    """All owners of one object."""
    return f"v1.0/{collection}/{object_id}/owners?$top={LARGEST_PAGE}"


def roles_held_by(principal_id: str) -> str:
    """All application permissions of one service principal."""
    return f"v1.0/servicePrincipals/{principal_id}/appRoleAssignments?$top={LARGEST_PAGE}"


def federated_of(application_id: str) -> str:
    """The federated credentials of one application; beta shows claimsMatchingExpression, too."""
    return f"beta/applications/{application_id}/federatedIdentityCredentials"


def federated_of_identity(principal_id: str) -> str:
    """The federated credentials of one managed identity. Graph's schema has this list, and no page describes it."""
    return f"beta/servicePrincipals/{principal_id}/federatedIdentityCredentials"


def may_be_federated(kind: str | None, names: Iterable[str] | None) -> bool:
    """Whether a service principal of this type, with these `alternativeNames`, is a managed identity that may have
    federated credentials: one that is assigned by users. Whether it is stands in a name of it, `isExplicit=True`.
    https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-view-managed-identity-service-principal
    """
    return kind == "ManagedIdentity" and "isexplicit=false" not in {one.lower() for one in names or ()}


RELATED: dict[str, tuple[str, str]] = {
    "appManagementPolicies": ("appliesTo", "v1.0/policies/appManagementPolicies/{id}/appliesTo"),
    "customSecurityAttributeDefinitions": (
        "allowedValues",
        "v1.0/directory/customSecurityAttributeDefinitions/{id}/allowedValues",
    ),
    "certificateBasedApplicationConfigurations": (
        "trustedCertificateAuthorities",
        "beta/directory/certificateAuthorities/certificateBasedApplicationConfigurations/{id}"
        "/trustedCertificateAuthorities",
    ),
}
"""What of these is read object by object: the member that it becomes, and the path. They are few."""

NEEDS: dict[str, str] = {
    "organization": "Organization.Read.All",
    "users": "Directory.Read.All",
    APPLICATIONS: "Application.Read.All",
    SERVICE_PRINCIPALS: "Application.Read.All",
    "defaultAppManagementPolicy": "Policy.Read.All",
    "appManagementPolicies": "Policy.Read.All",
    "appRoleAssignments": "Application.Read.All",
    "oauth2PermissionGrants": "Directory.Read.All",
    "roleAssignments": "RoleManagement.Read.Directory",
    "roleDefinitions": "RoleManagement.Read.Directory",
    "attributeSets": "CustomSecAttributeDefinition.Read.All",
    "customSecurityAttributeDefinitions": "CustomSecAttributeDefinition.Read.All",
    ATTRIBUTES: "CustomSecAttributeAssignment.Read.All",
    EXEMPTED_PEOPLE: "CustomSecAttributeAssignment.Read.All",
    "certificateBasedApplicationConfigurations": "AppCertTrustConfiguration.Read.All",
    AUDIT_LOG: "AuditLog.Read.All",
    "appCredentialSignInActivities": "AuditLog.Read.All",
    "servicePrincipalSignInActivities": "AuditLog.Read.All",
}
"""The least permission of an application that each is shown to, from the tables of Graph's pages. Directory.Read.All
holds Organization.Read.All, Application.Read.All and RoleManagement.Read.Directory."""

BESIDES: dict[str, str] = {AUDIT_LOG: "Directory.Read.All"}
"""What is needed besides. https://learn.microsoft.com/en-us/graph/api/directoryaudit-list"""
