"""Delegated permissions as objects of the directory: look at them, grant them, change and withdraw them.

https://learn.microsoft.com/en-us/graph/api/resources/oauth2permissiongrant. What happens when a person is asked for
consent at sign-in is `signing_in`'s.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from unsecret.errors import Conflict, NotFound
from unsecret.model.application import ObjectKind, ServicePrincipal
from unsecret.model.consent import OAuth2PermissionGrant
from unsecret.model.event import Activity, ModifiedProperty, OperationType
from unsecret.model.identifiers import ObjectId
from unsecret.model.query import And, Comparison, Filter, Operator, Page, Query
from unsecret.rules.permission import Operation
from unsecret.store import consent, users
from unsecret.tenant.use_cases.links import permission_grant_id
from unsecret.tenant.use_cases.people import get_me
from unsecret.tenant.use_cases.transaction import ObjectKey, Transaction, not_found
from unsecret.wire.consent import PermissionGrantBody
from unsecret.wire.logs import as_json


def list_grants(transaction: Transaction, query: Query) -> Page[OAuth2PermissionGrant]:
    """A page of all grants. Raises Forbidden, Invalid (a filter that Graph has not)."""
    transaction.permit(Operation.READ_PERMISSION_GRANT)
    return consent.list(transaction.conn, transaction.tenant_id, query)


def list_grants_of_principal(transaction: Transaction, key: ObjectKey, query: Query) -> Page[OAuth2PermissionGrant]:
    """What was granted to a client's service principal."""
    transaction.permit(Operation.READ_PERMISSION_GRANT)
    principal = transaction.find(ObjectKind.SERVICE_PRINCIPAL, key)
    return consent.list(transaction.conn, transaction.tenant_id, _with(query, "clientId", principal.id))


def list_grants_of_user(transaction: Transaction, id_or_upn: str, query: Query) -> Page[OAuth2PermissionGrant]:
    """What a user granted for themselves."""
    user = users.find(transaction.conn, transaction.tenant_id, id_or_upn)
    own = user is not None and user.id == transaction.caller_id
    transaction.permit(Operation.READ_OWN_PERMISSION_GRANT if own else Operation.READ_PERMISSION_GRANT)
    if user is None:
        raise not_found(id_or_upn)
    return consent.list(transaction.conn, transaction.tenant_id, _with(query, "principalId", user.id))


def list_my_grants(transaction: Transaction, query: Query) -> Page[OAuth2PermissionGrant]:
    """What the signed-in user granted for themselves."""
    return list_grants_of_user(transaction, get_me(transaction).id, query)


def get_grant(transaction: Transaction, grant_id: str) -> OAuth2PermissionGrant:
    """One grant. Raises Forbidden, NotFound."""
    transaction.permit(Operation.READ_PERMISSION_GRANT)
    return _find(transaction, grant_id)


def create_grant(transaction: Transaction, decode: Callable[[], PermissionGrantBody]) -> OAuth2PermissionGrant:
    """Let a client use scopes of a resource, for everybody or for one person. Raises Forbidden, NotFound, Invalid,
    Conflict."""
    transaction.attempt(Activity.ADD_PERMISSION_GRANT, OperationType.ASSIGN, None)
    asked = decode()
    client = _end(transaction, asked.client_id)
    resource = _end(transaction, asked.resource_id)
    transaction.attempt_on(resource, Activity.ADD_PERMISSION_GRANT, OperationType.ASSIGN)
    transaction.permit(Operation.WRITE_PERMISSION_GRANT)
    person = asked.principal_id
    if person is not None and users.get(transaction.conn, transaction.tenant_id, person) is None:
        raise not_found(person)
    grant = OAuth2PermissionGrant(
        id=permission_grant_id(client.id, resource.id, person),
        client_id=client.id,
        consent_type=asked.consent_type,
        principal_id=person,
        resource_id=resource.id,
        scope=asked.scope,
    )
    try:
        consent.add(transaction.conn, transaction.tenant_id, grant)
    except Conflict as present:
        raise Conflict(f"{present.message} Change the scope of the one that is there with PATCH.") from present
    transaction.record(*_changed(None, grant, client, resource), grants=[grant.id])
    return grant


def update_grant(transaction: Transaction, grant_id: str, decode: Callable[[], str | None]) -> None:
    """Change the scopes of a grant; None leaves them. Raises Forbidden, NotFound, Invalid."""
    before, client, resource = _announced(transaction, grant_id, Activity.ADD_PERMISSION_GRANT, OperationType.UPDATE)
    scope = decode()
    after = before if scope is None else msgspec.structs.replace(before, scope=scope)
    consent.replace(transaction.conn, transaction.tenant_id, after)
    transaction.record(*_changed(before, after, client, resource), grants=[after.id])


def delete_grant(transaction: Transaction, grant_id: str) -> None:
    """Withdraw a grant. Raises Forbidden, NotFound."""
    grant, client, resource = _announced(
        transaction, grant_id, Activity.REMOVE_PERMISSION_GRANT, OperationType.UNASSIGN
    )
    consent.remove(transaction.conn, transaction.tenant_id, grant.id)
    transaction.record(*_changed(grant, None, client, resource), grants=[grant.id])


def _announced(
    transaction: Transaction, grant_id: str, activity: Activity, operation_type: OperationType
) -> tuple[OAuth2PermissionGrant, ServicePrincipal, ServicePrincipal]:
    """The grant and its two ends, once the caller may change it."""
    grant = consent.get(transaction.conn, transaction.tenant_id, grant_id)
    if grant is None:
        transaction.permit(Operation.WRITE_PERMISSION_GRANT)
        raise not_found(grant_id)
    client, resource = _end(transaction, grant.client_id), _end(transaction, grant.resource_id)
    transaction.attempt_on(resource, activity, operation_type)
    transaction.permit(Operation.WRITE_PERMISSION_GRANT)
    return grant, client, resource


def _find(transaction: Transaction, grant_id: str) -> OAuth2PermissionGrant:
    grant = consent.get(transaction.conn, transaction.tenant_id, grant_id)
    if grant is None:
        raise not_found(grant_id)
    return grant


def _end(transaction: Transaction, object_id: ObjectId) -> ServicePrincipal:
    try:
        return transaction.find(ObjectKind.SERVICE_PRINCIPAL, ObjectKey("id", object_id))
    except NotFound:
        transaction.permit(Operation.WRITE_PERMISSION_GRANT)
        raise


def _with(query: Query, property: str, value: str) -> Query:
    only: Filter = Comparison(property, Operator.EQ, value)
    return msgspec.structs.replace(query, filter=only if query.filter is None else And((only, query.filter)))


def _changed(
    before: OAuth2PermissionGrant | None,
    after: OAuth2PermissionGrant | None,
    client: ServicePrincipal,
    resource: ServicePrincipal,
) -> tuple[ModifiedProperty, ...]:
    """The names are those that detections of illicit consent look for
    (https://github.com/Azure/Azure-Sentinel, "Suspicious application consent")."""
    states = (before, after)
    return (
        ModifiedProperty("DelegatedPermissionGrant.Scope", *(as_json(one.scope) if one else None for one in states)),
        ModifiedProperty(
            "DelegatedPermissionGrant.ConsentType", *(as_json(one.consent_type) if one else None for one in states)
        ),
        ModifiedProperty("ServicePrincipal.ObjectID", None, as_json(client.id)),
        ModifiedProperty("ServicePrincipal.DisplayName", None, as_json(client.display_name)),
        ModifiedProperty("ServicePrincipal.AppId", None, as_json(client.app_id)),
        ModifiedProperty("TargetId.ServicePrincipalNames", None, as_json(resource.app_id)),
    )
