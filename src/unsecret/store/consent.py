"""Which delegated permissions clients were granted, for everybody or for one person. Grants to, on and of what was
deleted have no part in it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update

from unsecret.model.consent import OAuth2PermissionGrant
from unsecret.model.identifiers import ObjectId, TenantId
from unsecret.store.columns import body_of, guid
from unsecret.store.live_objects import require_row
from unsecret.store.schema import directory_object, oauth2_permission_grant
from unsecret.store.statement import Insertion, Statement

_grant = oauth2_permission_grant.c
_client = directory_object.alias("client")
_resource = directory_object.alias("resource")
_principal = directory_object.alias("principal")
_decode = msgspec.json.Decoder(OAuth2PermissionGrant).decode
_NAMED = (_grant.tenant_id == bindparam("tenant_id"), _grant.grant_id == bindparam("grant_id"))
_LIVE_GRANTS = (
    select(_grant.body)
    .join(_client, _client.c.id == _grant.client_row)
    .join(_resource, _resource.c.id == _grant.resource_row)
    .outerjoin(_principal, _principal.c.id == _grant.principal_row)
    .where(_client.c.deleted_at.is_(None), _resource.c.deleted_at.is_(None), _principal.c.deleted_at.is_(None))
    .order_by(_grant.id)
)

_ADD = Insertion(oauth2_permission_grant)
_GET = Statement(_LIVE_GRANTS.where(*_NAMED))
_OF_CLIENT = Statement(
    _LIVE_GRANTS.where(_client.c.tenant_id == bindparam("tenant_id"), _client.c.object_id == bindparam("client_id"))
)
_REPLACE = Statement(
    update(oauth2_permission_grant).values(scope=bindparam("new_scope"), body=bindparam("new_body")).where(*_NAMED)
)
_REMOVE = Statement(delete(oauth2_permission_grant).where(*_NAMED))


def add(conn: Connection, tenant_id: TenantId, grant: OAuth2PermissionGrant) -> None:
    """Writes a new grant. Raises NotFound for the client, the resource or the person."""
    _ADD.run(
        conn,
        tenant_id=guid(tenant_id),
        grant_id=grant.id,
        client_row=require_row(conn, tenant_id, grant.client_id),
        resource_row=require_row(conn, tenant_id, grant.resource_id),
        principal_row=require_row(conn, tenant_id, grant.principal_id) if grant.principal_id else None,
        scope=grant.scope,
        body=body_of(grant),
    )


def get(conn: Connection, tenant_id: TenantId, grant_id: str) -> OAuth2PermissionGrant | None:
    """The grant with this id."""
    row = _GET.one(conn, tenant_id=guid(tenant_id), grant_id=grant_id)
    return _decode(row[0]) if row else None


def grants_of_client(conn: Connection, tenant_id: TenantId, client_id: ObjectId) -> tuple[OAuth2PermissionGrant, ...]:
    """What was granted to a client's service principal, for everybody and for single people, oldest first."""
    rows = _OF_CLIENT.all(conn, tenant_id=guid(tenant_id), client_id=guid(client_id))
    return tuple(_decode(body) for (body,) in rows)


def replace(conn: Connection, tenant_id: TenantId, grant: OAuth2PermissionGrant) -> None:
    """Writes the `scope` of a grant, which is all of it that can change."""
    _REPLACE.run(conn, tenant_id=guid(tenant_id), grant_id=grant.id, new_scope=grant.scope, new_body=body_of(grant))


def remove(conn: Connection, tenant_id: TenantId, grant_id: str) -> bool:
    """False when there is no such grant."""
    return _REMOVE.run(conn, tenant_id=guid(tenant_id), grant_id=grant_id) > 0
