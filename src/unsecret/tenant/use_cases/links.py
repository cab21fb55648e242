"""Who owns an object, and which application permissions a service principal was granted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from secrets import token_bytes
from uuid import UUID

from unsecret.errors import Conflict, Invalid
from unsecret.model.application import Application, DirectoryObject, ObjectKind
from unsecret.model.event import Activity, ModifiedProperty, OperationType
from unsecret.model.identifiers import ObjectId, canonical_guid
from unsecret.model.people import AnyObject
from unsecret.rules.permission import Operation
from unsecret.store import directory_objects, links
from unsecret.tenant.certificates import base64url
from unsecret.tenant.use_cases.transaction import ObjectKey, Transaction, not_found
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


def add_owner(transaction: Transaction, kind: ObjectKind, key: ObjectKey, decode: Callable[[], str]) -> None:
    """Make a directory object an owner. Raises NotFound, Forbidden, Invalid (it is one already)."""
    target = transaction.find(kind, key)
    transaction.attempt_on(target, _ADD_OWNER[kind], OperationType.ASSIGN)
    transaction.permit_on(_MAY_ADD_OWNER[kind], target)
    owner = _owner(transaction, decode())
    try:
        links.add_owner(transaction.conn, transaction.tenant_id, target.id, owner.id)
    except Conflict as present:
        raise Invalid(
            "One or more added object references already exist for the following modified properties: 'owners'."
        ) from present
    transaction.record(_owned_by(owner))


def add_first_owners(transaction: Transaction, made: DirectoryObject, owner_ids: Iterable[ObjectId]) -> None:
    """The owners that a new object was asked for with, who may have its maker among them. To name oneself asks for
    nothing more than making it. Raises NotFound, Forbidden, Invalid."""
    for owner_id in owner_ids:
        if (
            owner_id != transaction.caller_id
        ):  # before it is looked up: who may not, learns of nobody whether they exist
            transaction.permit_on(_MAY_ADD_OWNER[made.kind], made)
        owner = _owner(transaction, owner_id)
        if links.owns(transaction.conn, transaction.tenant_id, owner.id, made.id):
            continue
        links.add_owner(transaction.conn, transaction.tenant_id, made.id, owner.id)
        transaction.record(_owned_by(owner), activity=_ADD_OWNER[made.kind])


def _owner(transaction: Transaction, owner_id: str) -> AnyObject:
    """The object that is to own another."""
    guid = canonical_guid(owner_id)
    owner = directory_objects.get_any(transaction.conn, transaction.tenant_id, ObjectId(guid)) if guid else None
    if owner is None:
        raise not_found(owner_id)
    if isinstance(owner, Application):
        raise Invalid("An owner is a user or a service principal; an application object cannot be one.")
    return owner


def _owned_by(owner: AnyObject) -> ModifiedProperty:
    return ModifiedProperty("ServicePrincipal.ObjectID", None, as_json(owner.id))


def remove_owner(transaction: Transaction, kind: ObjectKind, key: ObjectKey, owner_id: str) -> None:
    """Take an owner off. Raises NotFound, Forbidden."""
    target = transaction.find(kind, key)
    transaction.attempt_on(target, _REMOVE_OWNER[kind], OperationType.UNASSIGN)
    transaction.permit_write(target)
    guid = canonical_guid(owner_id)
    if not guid or not links.remove_owner(transaction.conn, transaction.tenant_id, target.id, ObjectId(guid)):
        raise not_found(owner_id)
    transaction.record(ModifiedProperty("ServicePrincipal.ObjectID", as_json(guid), None))


def new_assignment_id() -> str:
    """Graph's assignment ids are 32 random bytes in base64url."""
    return base64url(token_bytes(32))


def permission_grant_id(client_id: ObjectId, resource_id: ObjectId, principal_id: ObjectId | None) -> str:
    """Graph's ids of delegated permission grants are made of those that they are for (recorded)."""
    ends = [client_id, resource_id, *([principal_id] if principal_id else [])]
    return base64url(b"".join(UUID(end).bytes_le for end in ends))
