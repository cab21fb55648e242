"""Create, change and delete service principals: an application's presence in this tenant."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from unsecret.errors import Conflict, Forbidden, Invalid, UnsecretError
from unsecret.model.application import Application, ObjectKind, ServicePrincipal
from unsecret.model.event import Activity, OperationType
from unsecret.rules.permission import Operation
from unsecret.store import credentials, directory_objects
from unsecret.tenant.use_cases.applications import mirrored
from unsecret.tenant.use_cases.attributes import held_to_definitions
from unsecret.tenant.use_cases.credentials import (
    credentials_changed,
    described,
    key_additions,
    merged_keys,
    require_room,
)
from unsecret.tenant.use_cases.instance_lock import require_unlocked
from unsecret.tenant.use_cases.judging import require_lawful
from unsecret.tenant.use_cases.links import add_first_owners
from unsecret.tenant.use_cases.transaction import ObjectKey, Transaction
from unsecret.wire.logs import modified_properties
from unsecret.wire.service_principals import ServicePrincipalBody

_ATTRIBUTES = "custom_security_attributes"
_OFFER = ("appRoles", "oauth2PermissionScopes")


def create_service_principal(
    transaction: Transaction, decode: Callable[[None], ServicePrincipalBody]
) -> ServicePrincipal:
    """Give an application of this tenant its service principal. `decode` reads the request.

    Raises Forbidden, Invalid (no such application, credentials in the body), Conflict (it has one), PolicyDenied.
    """
    made_id = transaction.attempt_new(ObjectKind.SERVICE_PRINCIPAL, Activity.ADD_SERVICE_PRINCIPAL)
    body = decode(None)
    properties = dict(body.properties)
    app_id, other = properties.pop("app_id"), properties.pop("other", {})
    application = directory_objects.get_by_app_id(
        transaction.conn, transaction.tenant_id, ObjectKind.APPLICATION, app_id
    )
    principal = ServicePrincipal(
        id=made_id,
        app_id=app_id,
        display_name=application.display_name if application else str(app_id),
        created_at=transaction.now,
        app_owner_organization_id=transaction.tenant_id,
    )
    transaction.attempt_on(principal, Activity.ADD_SERVICE_PRINCIPAL, OperationType.ADD)
    _permit_creation(transaction, application, body)
    _refuse_passwords(body)
    if application is None:
        raise Invalid(
            f"The appId '{app_id}' of the service principal does not reference a valid application object.",
            code="NoBackingApplicationObject",
            target="appId",
        )
    if directory_objects.get_by_app_id(transaction.conn, transaction.tenant_id, ObjectKind.SERVICE_PRINCIPAL, app_id):
        raise Conflict(
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{app_id} is already in use."
        )
    principal = mirrored(principal, application)
    principal = msgspec.structs.replace(
        principal,
        **properties,
        other=principal.other | other,
        key_credentials=merged_keys((), body.key_credentials or (), transaction.now),
    )
    principal = _with_defined_attributes(transaction, None, principal)
    require_lawful(transaction, principal, key_additions(transaction, (), principal.key_credentials))
    require_unlocked(transaction, msgspec.structs.replace(principal, key_credentials=()), principal)
    require_room(principal)
    directory_objects.add(transaction.conn, transaction.tenant_id, principal)
    transaction.own(principal)
    transaction.record(*modified_properties(None, principal))
    if principal.key_credentials:
        transaction.record(*described(None, principal), activity=Activity.ADD_SERVICE_PRINCIPAL_CREDENTIALS)
    add_first_owners(transaction, principal, body.owners)
    return principal


def _with_defined_attributes(
    transaction: Transaction, before: ServicePrincipal | None, after: ServicePrincipal
) -> ServicePrincipal:
    held = before.custom_security_attributes if before else {}
    settled = held_to_definitions(transaction, held, after.custom_security_attributes)
    return msgspec.structs.replace(after, custom_security_attributes=settled)


def _permit_creation(transaction: Transaction, application: Application | None, body: ServicePrincipalBody) -> None:
    """What may be done to the application decides; attributes need their own permission here too."""
    if application is None:
        transaction.permit(Operation.CREATE_SERVICE_PRINCIPAL)
    else:
        transaction.permit_on(Operation.CREATE_SERVICE_PRINCIPAL, application)
    if _ATTRIBUTES in body.properties:
        transaction.permit(Operation.WRITE_CUSTOM_SECURITY_ATTRIBUTES)


def upsert_service_principal(
    transaction: Transaction, key: ObjectKey, decode: Callable[[ServicePrincipal | None], ServicePrincipalBody]
) -> ServicePrincipal | None:
    """Change the service principal with this appId, or make it; then it is what is returned. Raises as either does.

    https://learn.microsoft.com/en-us/graph/api/serviceprincipal-upsert
    """
    if transaction.has(ObjectKind.SERVICE_PRINCIPAL, key):
        return update_service_principal(transaction, key, decode)
    return create_service_principal(transaction, decode)


def update_service_principal(
    transaction: Transaction, key: ObjectKey, decode: Callable[[ServicePrincipal], ServicePrincipalBody]
) -> None:
    """Change a service principal. `decode` reads the request against the stored object, inside the transaction.

    Raises NotFound, Forbidden, Invalid, PolicyDenied.
    """
    before = transaction.find(ObjectKind.SERVICE_PRINCIPAL, key)
    transaction.attempt_on(before, Activity.UPDATE_SERVICE_PRINCIPAL, OperationType.UPDATE)
    body = _decoded(transaction, before, decode)
    _permit_update(transaction, before, body)
    _refuse_passwords(body)
    after = msgspec.structs.replace(before, **body.properties)
    after = _with_defined_attributes(transaction, before, after)
    _require_same_offer(transaction, before, after)
    if body.key_credentials is not None:
        keys = merged_keys(before.key_credentials, body.key_credentials, transaction.now)
        after = msgspec.structs.replace(after, key_credentials=keys)
    require_lawful(transaction, after, key_additions(transaction, before.key_credentials, after.key_credentials))
    require_unlocked(transaction, before, after)
    require_room(after)
    directory_objects.replace(transaction.conn, transaction.tenant_id, after)
    if credentials_changed(before, after):
        credentials.set_keys(transaction.conn, transaction.tenant_id, after.id, after.key_credentials)
        transaction.record(*described(before, after), activity=_key_activity(before, after))
    transaction.record(*modified_properties(before, after))


def _decoded(
    transaction: Transaction, before: ServicePrincipal, decode: Callable[[ServicePrincipal], ServicePrincipalBody]
) -> ServicePrincipalBody:
    """What is wrong with a request is said only to who may make one: it can tell what the object holds."""
    try:
        return decode(before)
    except UnsecretError:
        if not transaction.may(Operation.WRITE_CUSTOM_SECURITY_ATTRIBUTES).allowed:
            transaction.permit_write(before)
        raise


def _permit_update(transaction: Transaction, target: ServicePrincipal, body: ServicePrincipalBody) -> None:
    """Custom security attributes need their own permission, and only that one: whoever could give them away
    with Application.ReadWrite.All could exempt themselves from every policy."""
    names = set(body.properties)
    if _ATTRIBUTES in names:
        transaction.permit(Operation.WRITE_CUSTOM_SECURITY_ATTRIBUTES)
    if names != {_ATTRIBUTES} or body.key_credentials is not None:
        transaction.permit_write(target)


def _require_same_offer(transaction: Transaction, before: ServicePrincipal, after: ServicePrincipal) -> None:
    """Raise Forbidden when the permissions that a foreign application offers would change. Whoever could rename
    Microsoft Graph's could turn the least of them into any other."""
    if transaction.is_foreign(before) and any(before.other.get(name) != after.other.get(name) for name in _OFFER):
        raise _not_ours(before, "the permissions that it offers cannot be changed here")


def _not_ours(principal: ServicePrincipal, limit: str) -> Forbidden:
    return Forbidden(
        f"Insufficient privileges to complete the operation. '{principal.display_name}' is another organization's "
        f"application: {limit}."
    )


def _key_activity(before: ServicePrincipal, after: ServicePrincipal) -> Activity:
    added = {key.key_id for key in after.key_credentials} - {key.key_id for key in before.key_credentials}
    return Activity.ADD_SERVICE_PRINCIPAL_CREDENTIALS if added else Activity.REMOVE_SERVICE_PRINCIPAL_CREDENTIALS


def _refuse_passwords(body: ServicePrincipalBody) -> None:
    if body.password_credentials:
        raise Invalid(
            "The property 'passwordCredentials' of a service principal cannot be written. "
            "Use addPassword and removePassword.",
            target="passwordCredentials",
        )


def delete_service_principal(transaction: Transaction, key: ObjectKey) -> None:
    """Delete a service principal (softly). Its application stays."""
    principal = transaction.find(ObjectKind.SERVICE_PRINCIPAL, key)
    transaction.attempt_on(principal, Activity.REMOVE_SERVICE_PRINCIPAL, OperationType.DELETE)
    transaction.permit_write(principal)
    if transaction.is_foreign(principal):
        raise _not_ours(principal, "it cannot be deleted, for nobody here could make it again")
    directory_objects.delete(
        transaction.conn, transaction.tenant_id, ObjectKind.SERVICE_PRINCIPAL, principal.id, at=transaction.now
    )
    transaction.record()
