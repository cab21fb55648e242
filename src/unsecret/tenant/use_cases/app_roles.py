"""App roles: who was granted which role of which resource. Granted to an application they are its permissions.

https://learn.microsoft.com/en-us/graph/api/serviceprincipal-post-approleassignments, …/user-post-approleassignments
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from unsecret.errors import Conflict, Invalid, UnsecretError
from unsecret.model.application import Application, AppRoleAssignment, ObjectKind, ServicePrincipal
from unsecret.model.event import Activity, ModifiedProperty, OperationType
from unsecret.model.identifiers import ZERO_GUID, ObjectId
from unsecret.model.people import AnyObject, User
from unsecret.rules.permission import Operation
from unsecret.store import directory_objects, links, users
from unsecret.tenant.use_cases.links import new_assignment_id
from unsecret.tenant.use_cases.transaction import USER_MANAGEMENT, ObjectKey, Transaction, not_found, target_of
from unsecret.wire.directory import AppRoleAssignmentBody, offered_app_roles
from unsecret.wire.logs import as_json

_ASSIGNMENT_ID = re.compile(r"[\w-]{43}", re.ASCII)
Principal = ServicePrincipal | User
Finder = Callable[[Transaction], AnyObject]
"""How the object that the URL names is found."""


class Grant(Struct, frozen=True):
    """A role that is held, with who holds it and the name of whose it is."""

    assignment: AppRoleAssignment
    principal: AnyObject | None
    resource_name: str | None


def by_key(key: ObjectKey) -> Finder:
    """A service principal that the URL names by its id or appId."""
    return lambda transaction: transaction.find(ObjectKind.SERVICE_PRINCIPAL, key)


def by_name(id_or_upn: str) -> Finder:
    """A user that the URL names by id or userPrincipalName."""

    def find(transaction: Transaction) -> User:
        user = users.find(transaction.conn, transaction.tenant_id, id_or_upn)
        if user is None:
            raise not_found(id_or_upn)
        return user

    return find


def list_app_role_assignments(transaction: Transaction, find: Finder) -> tuple[ObjectId, tuple[Grant, ...]]:
    """The id of a service principal or a user, and the roles that it holds."""
    of = _readable(transaction, find).id
    return of, named(transaction, links.app_role_assignments(transaction.conn, transaction.tenant_id, of))


def list_app_role_assigned_to(transaction: Transaction, find: Finder) -> tuple[ObjectId, tuple[Grant, ...]]:
    """The id of a service principal, and who holds roles of it."""
    of = _readable(transaction, find).id
    return of, named(transaction, links.app_role_assigned_to(transaction.conn, transaction.tenant_id, of))


def get_app_role_assignment(transaction: Transaction, find: Finder, assignment_id: str) -> Grant:
    """One role that is held, seen from its holder. Raises NotFound."""
    return _one(list_app_role_assignments(transaction, find)[1], assignment_id)


def get_app_role_assigned_to(transaction: Transaction, find: Finder, assignment_id: str) -> Grant:
    """One role that is held, seen from the resource. Raises NotFound."""
    return _one(list_app_role_assigned_to(transaction, find)[1], assignment_id)


def grant_app_role(
    transaction: Transaction,
    decode: Callable[[], AppRoleAssignmentBody],
    find: Finder,
    end: Callable[[AppRoleAssignmentBody], ObjectId],
) -> Grant:
    """Grant a role.

    `find` gives what the URL names, and `end` is the one of the two ends that it has to be. Raises NotFound, Forbidden,
    Invalid (no such role; granted already).
    """
    named = find(transaction)
    _announce(transaction, named, OperationType.ASSIGN)
    asked = decode()
    principal, resource = _principal(transaction, asked), _resource(transaction, asked)
    _announce(transaction, principal, OperationType.ASSIGN)
    _permit_writing(transaction, resource)
    if named.id != end(asked):
        raise _no_reference(
            "The object in the URL and the one in the body differ: principalId belongs to appRoleAssignments, "
            "resourceId to appRoleAssignedTo."
        )
    value = _require_grantable(resource, asked.app_role_id, principal)
    assignment = AppRoleAssignment(
        id=new_assignment_id(),
        principal_id=principal.id,
        resource_id=resource.id,
        app_role_id=asked.app_role_id,
        created_at=transaction.now,
    )
    try:
        links.add_app_role_assignment(transaction.conn, transaction.tenant_id, assignment)
    except Conflict as held:
        raise Invalid("Permission being assigned already exists on the object", target="appRoleId") from held
    transaction.record(
        ModifiedProperty("AppRole.Id", None, as_json(asked.app_role_id)),
        ModifiedProperty("AppRole.Value", None, as_json(value)),
        ModifiedProperty("TargetId.ServicePrincipalNames", None, as_json(resource.app_id)),
    )
    return Grant(assignment, principal, resource.display_name)


def revoke_app_role(transaction: Transaction, find: Finder, assignment_id: str) -> None:
    """Withdraw a role from the principal that holds it. Raises NotFound, Forbidden."""
    principal = find(transaction)
    _announce(transaction, principal, OperationType.UNASSIGN)
    held = links.app_role_assignments(transaction.conn, transaction.tenant_id, principal.id)
    _revoke(transaction, held, assignment_id)


def revoke_app_role_assigned_to(transaction: Transaction, find: Finder, assignment_id: str) -> None:
    """The same, seen from the resource. The record is about the principal that held the role."""
    resource = find(transaction)
    _announce(transaction, resource, OperationType.UNASSIGN)
    given = links.app_role_assigned_to(transaction.conn, transaction.tenant_id, resource.id)
    holder = next((grant.principal_id for grant in given if grant.id == assignment_id), None)
    principal = _any(transaction, holder) if holder is not None else None
    if principal is not None:
        _announce(transaction, principal, OperationType.UNASSIGN)
    _revoke(transaction, given, assignment_id)


def _readable(transaction: Transaction, find: Finder) -> AnyObject:
    """What the URL names, once the caller may see what hangs on it: their own assignments anybody may."""
    try:
        named = find(transaction)
    except UnsecretError:
        transaction.permit(Operation.READ_APP_ROLE_ASSIGNMENT)
        raise
    if isinstance(named, User):
        own = named.id == transaction.caller_id
        transaction.permit(Operation.READ_OWN_USER if own else Operation.READ_APP_ROLE_ASSIGNMENT)
    else:
        transaction.permit_on(Operation.READ_APP_ROLE_ASSIGNMENT, named)
    return named


def _permit_writing(transaction: Transaction, resource: ServicePrincipal) -> None:
    """Whose the role is decides: of Microsoft's own resources only who administers roles gives any."""
    if transaction.is_foreign(resource):
        transaction.permit(Operation.WRITE_MICROSOFT_APP_ROLE_ASSIGNMENT)
    else:
        transaction.permit_on(Operation.WRITE_APP_ROLE_ASSIGNMENT, resource)


def _announce(transaction: Transaction, principal: AnyObject, operation: OperationType) -> None:
    giving = operation is OperationType.ASSIGN
    if isinstance(principal, User):
        activity = Activity.ADD_APP_ROLE_TO_USER if giving else Activity.REMOVE_APP_ROLE_FROM_USER
        transaction.attempt(activity, operation, target_of(principal), USER_MANAGEMENT)
    else:
        activity = Activity.ADD_APP_ROLE_ASSIGNMENT if giving else Activity.REMOVE_APP_ROLE_ASSIGNMENT
        transaction.attempt_on(principal, activity, operation)


def _principal(transaction: Transaction, asked: AppRoleAssignmentBody) -> Principal:
    found = _any(transaction, asked.principal_id)
    if found is None or isinstance(found, Application):
        transaction.permit(Operation.WRITE_APP_ROLE_ASSIGNMENT)
        raise _no_reference(f"There is no principal '{asked.principal_id}' that could hold a role.")
    return found


def _resource(transaction: Transaction, asked: AppRoleAssignmentBody) -> ServicePrincipal:
    found = _any(transaction, asked.resource_id)
    if not isinstance(found, ServicePrincipal):
        transaction.permit(Operation.WRITE_APP_ROLE_ASSIGNMENT)
        raise _no_reference(f"There is no service principal '{asked.resource_id}' that could give one.")
    return found


def _no_reference(why: str) -> Invalid:
    """Graph's words for an end that is not there, which clients wait for and try again (Terraform's provider, bicep),
    and for one that is not the one in the URL (https://github.com/microsoftgraph/microsoft-graph-docs/issues/9738)."""
    return Invalid(f"Not a valid reference update. {why}")


def _any(transaction: Transaction, object_id: ObjectId) -> AnyObject | None:
    return directory_objects.get_any(transaction.conn, transaction.tenant_id, object_id)


def _revoke(transaction: Transaction, grants: tuple[AppRoleAssignment, ...], assignment_id: str) -> None:
    grant = next((grant for grant in grants if grant.id == assignment_id), None)
    resource = _any(transaction, grant.resource_id) if grant else None
    if grant is None or not isinstance(resource, ServicePrincipal):
        transaction.permit(Operation.WRITE_APP_ROLE_ASSIGNMENT)
        raise _not_there(assignment_id)
    _permit_writing(transaction, resource)
    links.remove_app_role_assignment(transaction.conn, transaction.tenant_id, assignment_id)
    transaction.record(ModifiedProperty("AppRole.Id", as_json(grant.app_role_id), None))


def _require_grantable(resource: ServicePrincipal, app_role_id: str, principal: Principal) -> str:
    """The value of a role that `resource` offers to such principals; "" for the zero GUID, which is default access.
    Raises Invalid for any other: roles for people are no applications', nor the other way round, and roles that are
    switched off are nobody's."""
    if app_role_id == ZERO_GUID:
        return ""
    for role in offered_app_roles(resource, (app_role_id,)):
        fits = role.is_for_people if isinstance(principal, User) else role.is_for_applications
        if role.is_enabled and fits:
            return role.value
    raise Invalid(f"Permission being assigned was not found on application '{resource.app_id}'.", target="appRoleId")


def named(transaction: Transaction, assignments: tuple[AppRoleAssignment, ...]) -> tuple[Grant, ...]:
    """`assignments` with who holds them and whose they are.

    Each object is looked up once: one end is the same in all, and may hold a long list of roles.
    """
    ends = {end for assignment in assignments for end in (assignment.principal_id, assignment.resource_id)}
    found = {end: obj for end in ends if (obj := _any(transaction, end)) is not None}
    names = {end: obj.display_name for end, obj in found.items()}
    return tuple(Grant(one, found.get(one.principal_id), names.get(one.resource_id)) for one in assignments)


def _one(grants: tuple[Grant, ...], assignment_id: str) -> Grant:
    found = next((grant for grant in grants if grant.assignment.id == assignment_id), None)
    if found is None:
        raise _not_there(assignment_id)
    return found


def _not_there(assignment_id: str) -> UnsecretError:
    """What is no id of an assignment at all is told apart
    (https://github.com/microsoftgraph/microsoft-graph-docs/issues/5869)."""
    if _ASSIGNMENT_ID.fullmatch(assignment_id) is None:
        return Invalid("Invalid resource identifier for EntitlementGrant.")
    return not_found(assignment_id)
