"""Who owns an object, and which application permissions a service principal was granted."""

from __future__ import annotations

from secrets import token_bytes

from msgspec import Struct

from unsecret.errors import Conflict, Invalid
from unsecret.model.application import Application, AppRoleAssignment, DirectoryObject, ObjectKind, ServicePrincipal
from unsecret.model.event import Activity, ModifiedProperty, OperationType
from unsecret.model.identifiers import ZERO_GUID, ObjectId, canonical_guid
from unsecret.rules.permission import Operation
from unsecret.store import directory_objects, links
from unsecret.tenant.certificates import base64url
from unsecret.tenant.use_cases.transaction import ObjectKey, Transaction, not_found
from unsecret.wire.directory import AppRoleAssignmentBody, offered_app_roles
from unsecret.wire.logs import as_json

_ADD_OWNER = {
    ObjectKind.APPLICATION: Activity.ADD_OWNER_TO_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Activity.ADD_OWNER_TO_SERVICE_PRINCIPAL,
}
_MAY_ADD_OWNER = {
    ObjectKind.APPLICATION: Operation.ADD_APPLICATION_OWNER,
    ObjectKind.SERVICE_PRINCIPAL: Operation.ADD_SERVICE_PRINCIPAL_OWNER,
}
_REMOVE_OWNER = {
    ObjectKind.APPLICATION: Activity.REMOVE_OWNER_FROM_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Activity.REMOVE_OWNER_FROM_SERVICE_PRINCIPAL,
}


def add_owner(transaction: Transaction, kind: ObjectKind, key: ObjectKey, owner_id: str) -> None:
    """Make a directory object an owner. Raises NotFound, Forbidden, Invalid (it is one already)."""
    target = transaction.find(kind, key)
    transaction.attempt_on(target, _ADD_OWNER[kind], OperationType.ASSIGN)
    transaction.permit_on(_MAY_ADD_OWNER[kind], target)
    guid = canonical_guid(owner_id)
    owner = directory_objects.get_any(transaction.conn, transaction.tenant_id, ObjectId(guid)) if guid else None
    if owner is None:
        raise not_found(owner_id)
    if isinstance(owner, Application):
        raise Invalid("An owner is a user or a service principal; an application object cannot be one.")
    try:
        links.add_owner(transaction.conn, transaction.tenant_id, target.id, owner.id)
    except Conflict as present:
        raise Invalid(
            "One or more added object references already exist for the following modified properties: 'owners'."
        ) from present
    transaction.record(ModifiedProperty("ServicePrincipal.ObjectID", None, as_json(owner.id)))


def remove_owner(transaction: Transaction, kind: ObjectKind, key: ObjectKey, owner_id: str) -> None:
    """Take an owner off. Raises NotFound, Forbidden."""
    target = transaction.find(kind, key)
    transaction.attempt_on(target, _REMOVE_OWNER[kind], OperationType.UNASSIGN)
    transaction.permit_write(target)
    guid = canonical_guid(owner_id)
    if not guid or not links.remove_owner(transaction.conn, transaction.tenant_id, target.id, ObjectId(guid)):
        raise not_found(owner_id)
    transaction.record(ModifiedProperty("ServicePrincipal.ObjectID", as_json(guid), None))


class Grant(Struct, frozen=True):
    """An application permission that is held, with the names of who holds it and of whose it is."""

    assignment: AppRoleAssignment
    principal_name: str | None
    resource_name: str | None


def grant_app_role(transaction: Transaction, asked: AppRoleAssignmentBody, key: ObjectKey, end: ObjectId) -> Grant:
    """Grant an application permission.

    `key` is what the URL names, and `end` the one of the two ends that it has to be. Raises NotFound, Forbidden,
    Invalid (no such role; granted already).
    https://learn.microsoft.com/en-us/graph/api/serviceprincipal-post-approleassignments
    """
    principal = transaction.find(ObjectKind.SERVICE_PRINCIPAL, ObjectKey("id", asked.principal_id))
    transaction.attempt_on(principal, Activity.ADD_APP_ROLE_ASSIGNMENT, OperationType.ASSIGN)
    transaction.permit(Operation.WRITE_APP_ROLE_ASSIGNMENT)
    resource = transaction.find(ObjectKind.SERVICE_PRINCIPAL, ObjectKey("id", asked.resource_id))
    if transaction.find(ObjectKind.SERVICE_PRINCIPAL, key).id != end:
        raise Invalid(
            "The object in the URL and the one in the body differ: principalId belongs to appRoleAssignments, "
            "resourceId to appRoleAssignedTo."
        )
    value = _require_grantable(resource, asked.app_role_id)
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
        raise Invalid("Permission being assigned already exists on the object.", target="appRoleId") from held
    transaction.record(
        ModifiedProperty("AppRole.Id", None, as_json(asked.app_role_id)),
        ModifiedProperty("AppRole.Value", None, as_json(value)),
        ModifiedProperty("TargetId.ServicePrincipalNames", None, as_json(resource.app_id)),
    )
    return Grant(assignment, principal.display_name, resource.display_name)


def revoke_app_role(transaction: Transaction, principal_key: ObjectKey, assignment_id: str) -> None:
    """Withdraw an application permission from the principal that holds it. Raises NotFound, Forbidden."""
    principal = _permit_revoking(transaction, principal_key)
    held = links.app_role_assignments(transaction.conn, transaction.tenant_id, principal.id)
    _revoke(transaction, held, assignment_id)


def revoke_app_role_assigned_to(transaction: Transaction, resource_key: ObjectKey, assignment_id: str) -> None:
    """The same, seen from the resource. The record is about the principal that held the permission."""
    resource = _permit_revoking(transaction, resource_key)
    given = links.app_role_assigned_to(transaction.conn, transaction.tenant_id, resource.id)
    holder = next((grant.principal_id for grant in given if grant.id == assignment_id), None)
    if holder is not None:
        principal = transaction.find(ObjectKind.SERVICE_PRINCIPAL, ObjectKey("id", holder))
        transaction.attempt_on(principal, Activity.REMOVE_APP_ROLE_ASSIGNMENT, OperationType.UNASSIGN)
    _revoke(transaction, given, assignment_id)


def _permit_revoking(transaction: Transaction, key: ObjectKey) -> DirectoryObject:
    named = transaction.find(ObjectKind.SERVICE_PRINCIPAL, key)
    transaction.attempt_on(named, Activity.REMOVE_APP_ROLE_ASSIGNMENT, OperationType.UNASSIGN)
    transaction.permit(Operation.WRITE_APP_ROLE_ASSIGNMENT)
    return named


def _revoke(transaction: Transaction, grants: tuple[AppRoleAssignment, ...], assignment_id: str) -> None:
    grant = next((grant for grant in grants if grant.id == assignment_id), None)
    if grant is None:
        raise not_found(assignment_id)
    links.remove_app_role_assignment(transaction.conn, transaction.tenant_id, assignment_id)
    transaction.record(ModifiedProperty("AppRole.Id", as_json(grant.app_role_id), None))


def _require_grantable(resource: ServicePrincipal, app_role_id: str) -> str:
    """The value of an application permission that `resource` offers; "" for the zero GUID, which is no permission in
    particular. Raises Invalid for any other: roles for people and roles that are switched off are no applications'."""
    if app_role_id == ZERO_GUID:
        return ""
    roles = (
        role for role in offered_app_roles(resource, (app_role_id,)) if role.is_enabled and role.is_for_applications
    )
    values = {role.id: role.value for role in roles}
    if app_role_id not in values:
        raise Invalid(
            f"Permission being assigned was not found on application '{resource.app_id}'.", target="appRoleId"
        )
    return values[app_role_id]


def new_assignment_id() -> str:
    """Graph's assignment ids are 32 random bytes in base64url."""
    return base64url(token_bytes(32))
