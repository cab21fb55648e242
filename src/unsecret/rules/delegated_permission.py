"""What an application may do on behalf of a signed-in person: no more than its scopes, and no more than the person.

Scopes are from column *Delegated* of Graph's permission tables, roles from the lists of supported roles on the same
pages: https://learn.microsoft.com/en-us/graph/api/application-update, …/serviceprincipal-addpassword,
…/serviceprincipal-post-approleassignments, …/tenantappmanagementpolicy-update, …/appmanagementpolicy-post,
…/directoryaudit-list, …/oauth2permissiongrant-post, …/directory-post-customsecurityattributedefinitions,
…/directoryrole-list. For people without a role:
https://learn.microsoft.com/en-us/entra/fundamentals/users-default-permissions. Members may read the directory,
register applications and manage what they own.

Roles of the directory are no roles for custom security attributes, a Global Administrator's included: whoever could
assign them could exempt themselves from every policy.
"""

from __future__ import annotations

from msgspec import Struct

from unsecret.model.directory_roles import ROLE_DEFINITIONS, Role
from unsecret.model.verdict import Reason, Verdict
from unsecret.rules.permission import DENIED, INSUFFICIENT, OWNED_BY, REQUIRED, AnyOf, Operation

_ALL_OF_THE_USER = "Directory.AccessAsUser.All"
"""Whatever the person may do in the directory itself; policies, logs and attributes are not in it."""


class SignedIn(Struct, frozen=True, kw_only=True):
    """What a delegated call brings: the scopes in the token, the roles that the person holds now (template ids), and
    whether they are a member or a guest."""

    scopes: frozenset[str]
    roles: frozenset[str]
    is_member: bool = True


class Delegated(Struct, frozen=True, kw_only=True):
    """A row of the table: one scope of every group, and one of the roles, or to be the owner of the target, or no more
    than a member of the tenant, or anybody who signed in."""

    scopes: tuple[AnyOf, ...]
    roles: frozenset[Role]
    to_owners: bool = False
    to_members: bool = False
    to_anybody: bool = False


_R, _O = Role, Operation
_GLOBAL = frozenset({_R.GLOBAL_ADMINISTRATOR})
_APPLICATIONS = _GLOBAL | {_R.APPLICATION_ADMINISTRATOR, _R.CLOUD_APPLICATION_ADMINISTRATOR}
_READERS = _GLOBAL | {_R.GLOBAL_READER}
_POLICY_WRITERS = _APPLICATIONS | {_R.SECURITY_ADMINISTRATOR}
_POLICY_READERS = _READERS | _POLICY_WRITERS
_LOG_READERS = _READERS | {_R.SECURITY_ADMINISTRATOR, _R.SECURITY_READER, _R.REPORTS_READER}
_DIRECTORY_READERS = frozenset(_R) - {
    _R.ATTRIBUTE_ASSIGNMENT_ADMINISTRATOR,
    _R.ATTRIBUTE_ASSIGNMENT_READER,
    _R.ATTRIBUTE_DEFINITION_ADMINISTRATOR,
    _R.ATTRIBUTE_DEFINITION_READER,
}
_GRANT_READERS = _APPLICATIONS | {
    _R.GLOBAL_READER,
    _R.DIRECTORY_READERS,
    _R.DIRECTORY_WRITERS,
    _R.PRIVILEGED_ROLE_ADMINISTRATOR,
    _R.USER_ADMINISTRATOR,
}
_ATTRIBUTE_READERS = frozenset(
    {
        _R.ATTRIBUTE_ASSIGNMENT_ADMINISTRATOR,
        _R.ATTRIBUTE_ASSIGNMENT_READER,
        _R.ATTRIBUTE_DEFINITION_ADMINISTRATOR,
        _R.ATTRIBUTE_DEFINITION_READER,
    }
)


def _as_user(*scopes: str) -> tuple[AnyOf, ...]:
    return ((*scopes, _ALL_OF_THE_USER),)


_READS_APPLICATIONS = _as_user(
    "Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"
)
_WRITES_SERVICE_PRINCIPALS = _as_user("Application.ReadWrite.All", "Directory.ReadWrite.All")
_READS_USERS = (
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
_WRITES_USERS = _as_user("User.ReadWrite.All", "Directory.ReadWrite.All")
_READS_ATTRIBUTES = REQUIRED[_O.READ_CUSTOM_SECURITY_ATTRIBUTES]
_WRITES_GRAPH_ROLES = _GLOBAL | {_R.PRIVILEGED_ROLE_ADMINISTRATOR}


def _row(
    roles: frozenset[Role],
    scopes: tuple[AnyOf, ...],
    *,
    to_owners: bool = False,
    to_members: bool = False,
    to_anybody: bool = False,
) -> Delegated:
    return Delegated(scopes=scopes, roles=roles, to_owners=to_owners, to_members=to_members, to_anybody=to_anybody)


DELEGATED: dict[Operation, Delegated] = {
    _O.READ_APPLICATION: _row(_DIRECTORY_READERS, _READS_APPLICATIONS, to_members=True),
    _O.WRITE_APPLICATION: _row(_APPLICATIONS, _as_user("Application.ReadWrite.All"), to_owners=True),
    _O.CREATE_APPLICATION: _row(
        _APPLICATIONS | {_R.APPLICATION_DEVELOPER},
        _as_user("AppRegistration.Create", "Application.ReadWrite.All"),
        to_members=True,
    ),
    _O.READ_SERVICE_PRINCIPAL: _row(_DIRECTORY_READERS, _READS_APPLICATIONS, to_members=True),
    _O.WRITE_SERVICE_PRINCIPAL: _row(_APPLICATIONS, _WRITES_SERVICE_PRINCIPALS, to_owners=True),
    _O.CREATE_SERVICE_PRINCIPAL: _row(_APPLICATIONS, _WRITES_SERVICE_PRINCIPALS, to_owners=True),
    _O.ADD_APPLICATION_OWNER: _row(_APPLICATIONS, _WRITES_SERVICE_PRINCIPALS, to_owners=True),
    _O.ADD_SERVICE_PRINCIPAL_OWNER: _row(_APPLICATIONS, _WRITES_SERVICE_PRINCIPALS, to_owners=True),
    _O.READ_POLICY: _row(_POLICY_READERS, REQUIRED[_O.READ_POLICY]),
    _O.WRITE_DEFAULT_POLICY: _row(_POLICY_WRITERS, REQUIRED[_O.WRITE_DEFAULT_POLICY]),
    _O.WRITE_POLICY: _row(_APPLICATIONS, REQUIRED[_O.WRITE_POLICY]),
    _O.ASSIGN_POLICY: _row(_APPLICATIONS, (*_READS_APPLICATIONS, *REQUIRED[_O.WRITE_POLICY])),
    _O.READ_ASSIGNED_POLICY: _row(_POLICY_READERS, (*_READS_APPLICATIONS, *REQUIRED[_O.READ_POLICY])),
    _O.READ_APPLIES_TO: _row(_POLICY_READERS, (*_READS_APPLICATIONS, *REQUIRED[_O.READ_POLICY])),
    _O.READ_ORGANIZATION: _row(
        _DIRECTORY_READERS,
        _as_user("User.Read", *REQUIRED[_O.READ_ORGANIZATION][0]),
        to_anybody=True,
    ),
    _O.READ_DIRECTORY_OBJECT: _row(
        _DIRECTORY_READERS, _as_user(*REQUIRED[_O.READ_DIRECTORY_OBJECT][0]), to_members=True
    ),
    _O.READ_AUDIT_LOG: _row(_LOG_READERS, REQUIRED[_O.READ_AUDIT_LOG]),
    _O.READ_SIGN_IN_LOG: _row(_LOG_READERS, REQUIRED[_O.READ_SIGN_IN_LOG]),
    _O.READ_APP_ROLE_ASSIGNMENT: _row(_GRANT_READERS, _READS_APPLICATIONS, to_owners=True),
    _O.WRITE_APP_ROLE_ASSIGNMENT: _row(
        _APPLICATIONS | {_R.PRIVILEGED_ROLE_ADMINISTRATOR, _R.USER_ADMINISTRATOR, _R.DIRECTORY_WRITERS},
        (("AppRoleAssignment.ReadWrite.All",), *_READS_APPLICATIONS),
        to_owners=True,
    ),
    _O.WRITE_MICROSOFT_APP_ROLE_ASSIGNMENT: _row(
        _WRITES_GRAPH_ROLES, (("AppRoleAssignment.ReadWrite.All",), *_READS_APPLICATIONS)
    ),
    _O.READ_CUSTOM_SECURITY_ATTRIBUTES: _row(_ATTRIBUTE_READERS, _READS_ATTRIBUTES),
    _O.WRITE_CUSTOM_SECURITY_ATTRIBUTES: _row(
        frozenset({_R.ATTRIBUTE_ASSIGNMENT_ADMINISTRATOR}),
        (("CustomSecAttributeAssignment.ReadWrite.All",), *_READS_APPLICATIONS),
    ),
    _O.WRITE_USER_CUSTOM_SECURITY_ATTRIBUTES: _row(
        frozenset({_R.ATTRIBUTE_ASSIGNMENT_ADMINISTRATOR}),
        (("CustomSecAttributeAssignment.ReadWrite.All",), *_as_user(*_READS_USERS[1:])),
    ),
    _O.READ_ATTRIBUTE_DEFINITION: _row(_ATTRIBUTE_READERS, REQUIRED[_O.READ_ATTRIBUTE_DEFINITION]),
    _O.WRITE_ATTRIBUTE_DEFINITION: _row(
        frozenset({_R.ATTRIBUTE_DEFINITION_ADMINISTRATOR}), REQUIRED[_O.WRITE_ATTRIBUTE_DEFINITION]
    ),
    _O.READ_TRUSTED_AUTHORITY: _row(_POLICY_READERS, REQUIRED[_O.READ_TRUSTED_AUTHORITY]),
    _O.WRITE_TRUSTED_AUTHORITY: _row(_APPLICATIONS, REQUIRED[_O.WRITE_TRUSTED_AUTHORITY]),
    _O.READ_OWN_USER: _row(_DIRECTORY_READERS, _as_user("User.Read", "User.ReadWrite", *_READS_USERS), to_anybody=True),
    _O.READ_USER: _row(_DIRECTORY_READERS, _as_user(*_READS_USERS), to_members=True),
    _O.WRITE_USER: _row(_GLOBAL | {_R.USER_ADMINISTRATOR}, _WRITES_USERS),
    _O.WRITE_PRIVILEGED_USER: _row(_GLOBAL, _WRITES_USERS),
    _O.READ_DIRECTORY_ROLE: _row(_DIRECTORY_READERS, _as_user(*REQUIRED[_O.READ_DIRECTORY_ROLE][0]), to_members=True),
    _O.WRITE_DIRECTORY_ROLE: _row(_WRITES_GRAPH_ROLES, REQUIRED[_O.WRITE_DIRECTORY_ROLE]),
    _O.READ_PERMISSION_GRANT: _row(_GRANT_READERS, _as_user(*REQUIRED[_O.READ_PERMISSION_GRANT][0])),
    _O.READ_OWN_PERMISSION_GRANT: _row(
        _GRANT_READERS, _as_user(*REQUIRED[_O.READ_PERMISSION_GRANT][0]), to_anybody=True
    ),
    _O.WRITE_PERMISSION_GRANT: _row(
        _APPLICATIONS | {_R.PRIVILEGED_ROLE_ADMINISTRATOR}, _as_user(*REQUIRED[_O.WRITE_PERMISSION_GRANT][0])
    ),
}
"""What each operation needs of a client and of the person who uses it."""


def needed(operation: Operation) -> Delegated:
    """The row of an operation. One that nobody thought of yet is a Global Administrator's."""
    row = DELEGATED.get(operation)
    if row is not None:
        return row
    scopes = tuple(tuple(name for name in group if name != OWNED_BY) for group in REQUIRED[operation])
    return Delegated(scopes=scopes, roles=_GLOBAL)


def permitted_to(person: SignedIn, operation: Operation, *, owns_target: bool = False) -> Verdict:
    """Whether the client may do `operation` for `person` (on something that they own, or not): both its scopes and the
    person have to allow it. Every reason against it is told."""
    row = needed(operation)
    reasons = []
    missing = [group for group in row.scopes if person.scopes.isdisjoint(group)]
    if missing:
        scopes = ", and ".join(" or ".join(group) for group in missing)
        reasons.append(_denied(operation, f"Grant the client the delegated permission {scopes}."))
    if not _may(person, row, owns_target=owns_target):
        reasons.append(_denied(operation, _missing_role(row)))
    return Verdict(tuple(reasons))


def _may(person: SignedIn, row: Delegated, *, owns_target: bool) -> bool:
    return (
        row.to_anybody
        or not person.roles.isdisjoint(row.roles)
        or (person.is_member and (row.to_members or (row.to_owners and owns_target)))
    )


def _missing_role(row: Delegated) -> str:
    names = sorted(ROLE_DEFINITIONS[role].display_name for role in row.roles)
    instead = ", or make them an owner of it" if row.to_owners else ""
    return f"Assign the signed-in user the directory role {' or '.join(names)}{instead}."


def _denied(operation: Operation, remedy: str) -> Reason:
    return Reason(rule=operation, code=DENIED, message=f"{INSUFFICIENT} {remedy}")
