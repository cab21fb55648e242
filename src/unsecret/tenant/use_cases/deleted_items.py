"""What was deleted: look at it, bring it back, or take it away for good.

https://learn.microsoft.com/en-us/graph/api/resources/directory, …/directory-deleteditems-restore: an item is kept for
30 days, and restoring an application does not restore its service principal. Whether a policy is asked is not
documented; here a restore brings back nothing that could not be created now.
"""

from __future__ import annotations

from unsecret.errors import Conflict, Invalid
from unsecret.model.application import Application, DirectoryObject, ObjectKind, ServicePrincipal
from unsecret.model.change import Addition, PasswordAdded
from unsecret.model.deleted import KEPT_FOR, DeletedObject
from unsecret.model.event import Activity, OperationType
from unsecret.model.identifiers import ObjectId, canonical_guid
from unsecret.model.people import AnyObject, User
from unsecret.model.query import Page, Query
from unsecret.rules.permission import Operation
from unsecret.store import consent, deleted_objects, directory_objects, users
from unsecret.tenant.use_cases.applications import mirrored
from unsecret.tenant.use_cases.attributes import permitted_question
from unsecret.tenant.use_cases.clearing import HARD_DELETE, clear_expired
from unsecret.tenant.use_cases.credentials import described, key_additions
from unsecret.tenant.use_cases.judging import application_additions, require_lawful
from unsecret.tenant.use_cases.reading import permit_reading
from unsecret.tenant.use_cases.transaction import (
    APPLICATION_MANAGEMENT,
    USER_MANAGEMENT,
    Transaction,
    not_found,
    target_of,
)

_READ = {
    ObjectKind.APPLICATION: Operation.READ_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Operation.READ_SERVICE_PRINCIPAL,
    ObjectKind.USER: Operation.READ_USER,
}
_WRITE = {
    ObjectKind.APPLICATION: Operation.WRITE_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Operation.WRITE_SERVICE_PRINCIPAL,
    ObjectKind.USER: Operation.WRITE_PRIVILEGED_USER,
}
_RESTORE = {
    ObjectKind.APPLICATION: Activity.RESTORE_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Activity.RESTORE_SERVICE_PRINCIPAL,
    ObjectKind.USER: Activity.RESTORE_USER,
}


def list_deleted(
    transaction: Transaction, kind: ObjectKind, query: Query, *, with_attributes: bool = False
) -> Page[DeletedObject]:
    """A page of one kind, what was deleted last first; `with_attributes` when custom security attributes are shown.

    Raises Forbidden, Invalid (a filter that Graph has not).
    """
    permit_reading(transaction, kind, with_attributes=with_attributes)
    since = transaction.now - KEPT_FOR
    asked = permitted_question(transaction, query)
    return deleted_objects.list_deleted(transaction.conn, transaction.tenant_id, kind, asked, since=since)


def list_none(transaction: Transaction) -> tuple[AnyObject, ...]:
    """What was deleted of a kind that is not kept here: nothing. Raises Forbidden."""
    transaction.permit(Operation.READ_DIRECTORY_OBJECT)
    return ()


def get_deleted(transaction: Transaction, object_id: str, *, with_attributes: bool = False) -> DeletedObject:
    """One deleted object of any kind; its custom security attributes need a permission of their own. Raises Forbidden,
    NotFound."""
    found = _look_up(transaction, object_id)
    transaction.permit(Operation.READ_APPLICATION if found is None else _READ[found.object.kind])
    if with_attributes:
        transaction.permit(Operation.READ_CUSTOM_SECURITY_ATTRIBUTES)
    if found is None:
        raise not_found(object_id)
    return found


def restore(transaction: Transaction, object_id: str) -> AnyObject:
    """Make a deleted object live again, with its credentials, owners and policy.

    Raises NotFound, Forbidden, Conflict (its place was taken), Invalid (a service principal without its application),
    PolicyDenied when it holds what could not be added now; whichever it is, the object stays deleted.
    """
    obj = _announced(transaction, object_id, _RESTORE, OperationType.UPDATE)
    if isinstance(obj, ServicePrincipal):
        obj = _following(transaction, obj)
    if isinstance(obj, User):
        return _restored_user(transaction, obj)
    try:
        deleted_objects.restore(transaction.conn, transaction.tenant_id, obj.id)
    except Conflict as taken:
        raise Conflict(
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{obj.app_id} is already in use."
        ) from taken
    require_lawful(transaction, obj, _brought_back(transaction, obj))
    if isinstance(obj, ServicePrincipal):
        directory_objects.replace(transaction.conn, transaction.tenant_id, obj)
    transaction.record(*(described(None, obj) if obj.password_credentials or obj.key_credentials else ()))
    return obj


def _restored_user(transaction: Transaction, user: User) -> User:
    deleted_objects.restore(transaction.conn, transaction.tenant_id, user.id)
    restored = users.rename_restored(transaction.conn, transaction.tenant_id, user)
    transaction.record()
    return restored


def purge(transaction: Transaction, object_id: str) -> None:
    """Take a deleted object away for good. Raises NotFound, Forbidden."""
    obj = _announced(transaction, object_id, HARD_DELETE, OperationType.DELETE)
    grants = consent.ids_with_end(transaction.conn, transaction.tenant_id, obj.id)
    deleted_objects.purge(transaction.conn, transaction.tenant_id, obj.id)
    transaction.record(grants=grants)


def _look_up(transaction: Transaction, object_id: str) -> DeletedObject | None:
    identifier = canonical_guid(object_id)
    if identifier is None:
        return None
    since = transaction.now - KEPT_FOR
    return deleted_objects.get_deleted(transaction.conn, transaction.tenant_id, ObjectId(identifier), since=since)


def _announced(
    transaction: Transaction, object_id: str, activities: dict[ObjectKind, Activity], operation_type: OperationType
) -> AnyObject:
    """The deleted object, once the caller may change it and a refusal will be recorded."""
    found = _look_up(transaction, object_id)
    if found is None:
        raise not_found(object_id)
    obj = found.object
    category = USER_MANAGEMENT if isinstance(obj, User) else APPLICATION_MANAGEMENT
    transaction.attempt(activities[obj.kind], operation_type, target_of(obj), category)
    caller = transaction.caller_id
    owned = caller is not None and deleted_objects.owns(transaction.conn, transaction.tenant_id, caller, obj.id)
    transaction.permit(_WRITE[obj.kind], owns_target=owned)
    clear_expired(transaction)
    return obj


def _following(transaction: Transaction, principal: ServicePrincipal) -> ServicePrincipal:
    """`principal` as its application says it is by now: that may have changed since.

    https://learn.microsoft.com/en-us/entra/identity-platform/howto-restore-app: a service principal cannot be restored
    without an active application.
    """
    application = directory_objects.get_by_app_id(
        transaction.conn, transaction.tenant_id, ObjectKind.APPLICATION, principal.app_id
    )
    if application is None:
        raise Invalid(
            f"The appId '{principal.app_id}' of the service principal does not reference a valid application object. "
            "Restore the application first.",
            code="NoBackingApplicationObject",
            target="appId",
        )
    return mirrored(principal, application)


def _brought_back(transaction: Transaction, obj: DirectoryObject) -> list[Addition]:
    """All that comes to life again, as the law sees it. A credential that has ended proves nothing."""
    change: list[Addition] = [
        PasswordAdded(start_at=password.start_at, end_at=password.end_at)
        for password in obj.password_credentials
        if password.end_at > transaction.now
    ]
    keys = [key for key in obj.key_credentials if key.end_at > transaction.now]
    change += key_additions(transaction, (), keys)
    return change + (application_additions(obj, None) if isinstance(obj, Application) else [])
