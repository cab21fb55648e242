"""What an application may do in its own name: what its application permissions allow, and what the directory roles of
its service principal allow.

Graph's overview of permissions names the two as two ways of giving an application what it needs, the second being
Entra's role-based access control (https://learn.microsoft.com/en-us/graph/permissions-overview). Either is enough.
What a role allows is what it allows people (`delegated_permission`), with less in three places:

* People may read the directory and register applications because they are members. An application is nobody's member:
  it reads by roles that are for reading, or that administer what is read.
* To own something permits an application nothing by itself (`permission`), so a role does not change that.
* Logs want `AuditLog.Read.All`, and custom security attributes their own permissions, whatever roles are held. So
  say Graph's refusals of the former; of the latter no page says anything, and a role that could be given by who
  administers roles would exempt its holder from every policy.
"""

from __future__ import annotations

from unsecret.model.directory_roles import Role
from unsecret.model.verdict import ALLOWED, Verdict
from unsecret.rules.delegated_permission import DELEGATED
from unsecret.rules.permission import Operation, permitted

_R, _O = Role, Operation
_ADMINISTRATORS = frozenset({_R.GLOBAL_ADMINISTRATOR, _R.APPLICATION_ADMINISTRATOR, _R.CLOUD_APPLICATION_ADMINISTRATOR})
_READERS = _ADMINISTRATORS | {_R.GLOBAL_READER, _R.DIRECTORY_READERS, _R.DIRECTORY_WRITERS}
_READERS_OF_PEOPLE = _READERS | {_R.USER_ADMINISTRATOR, _R.HELPDESK_ADMINISTRATOR}
_READERS_OF_ROLES = _READERS | {_R.PRIVILEGED_ROLE_ADMINISTRATOR}
_NOBODY = frozenset[Role]()

_INSTEAD_OF_MEMBERS: dict[Operation, frozenset[Role]] = {
    _O.READ_APPLICATION: _READERS,
    _O.CREATE_APPLICATION: _ADMINISTRATORS | {_R.APPLICATION_DEVELOPER},
    _O.READ_SERVICE_PRINCIPAL: _READERS,
    _O.READ_ORGANIZATION: _READERS,
    _O.READ_DIRECTORY_OBJECT: _READERS,
    _O.READ_USER: _READERS_OF_PEOPLE,
    _O.READ_OWN_USER: _READERS_OF_PEOPLE,
    _O.READ_DIRECTORY_ROLE: _READERS_OF_ROLES,
    _O.READ_OWN_PERMISSION_GRANT: DELEGATED[_O.READ_PERMISSION_GRANT].roles,
}
"""Who may what every person may."""

_BY_PERMISSION_ONLY = frozenset(
    {
        _O.READ_AUDIT_LOG,
        _O.READ_SIGN_IN_LOG,
        _O.READ_CUSTOM_SECURITY_ATTRIBUTES,
        _O.WRITE_CUSTOM_SECURITY_ATTRIBUTES,
        _O.WRITE_USER_CUSTOM_SECURITY_ATTRIBUTES,
        _O.READ_ATTRIBUTE_DEFINITION,
        _O.WRITE_ATTRIBUTE_DEFINITION,
    }
)


def roles_for(operation: Operation) -> frozenset[Role]:
    """The directory roles of which one is enough for an application to do `operation` without any permission."""
    if operation in _BY_PERMISSION_ONLY:
        return _NOBODY
    if operation in _INSTEAD_OF_MEMBERS:
        return _INSTEAD_OF_MEMBERS[operation]
    row = DELEGATED.get(operation)
    return _NOBODY if row is None or row.to_members or row.to_anybody else row.roles


def permitted_to_application(
    permissions: frozenset[str], roles: frozenset[str], operation: Operation, *, owns_target: bool = False
) -> Verdict:
    """Whether an application that holds these permissions, and whose service principal holds these directory roles
    (template ids), may do `operation`. A refusal names permissions only: they are the narrower remedy."""
    if not roles.isdisjoint(roles_for(operation)):
        return ALLOWED
    return permitted(permissions, operation, owns_target=owns_target)
