"""Who consented to what: the delegated permissions that a client has on a resource, for everybody or for one person.

Of one client, one resource and one person (or everybody) there is one grant at most. What was granted to or by the
deleted has no part in it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, exists, literal_column, select, update

from unsecret.errors import Conflict
from unsecret.model.consent import OAuth2PermissionGrant
from unsecret.model.identifiers import ObjectId, TenantId
from unsecret.model.query import Page, Query
from unsecret.store.columns import body_of, guid
from unsecret.store.live_objects import not_found, require_row, row_of
from unsecret.store.paging import Collection, bodies_of, page_of
from unsecret.store.properties import PERMISSION_GRANTS
from unsecret.store.schema import directory_object, oauth2_permission_grant
from unsecret.store.statement import Insertion, Statement

_grant = oauth2_permission_grant.c
_decode = msgspec.json.Decoder(OAuth2PermissionGrant).decode


def _is_live(end: ColumnElement[Any]) -> ColumnElement[bool]:
    named = directory_object.alias()
    return exists(select(literal_column("1")).where(named.c.id == end, named.c.deleted_at.is_(None)))


_LIVE = (
    _is_live(_grant.client_row),
    _is_live(_grant.resource_row),
    _grant.principal_row.is_(None) | _is_live(_grant.principal_row),
)
_IN_TENANT = _grant.tenant_id == bindparam("tenant_id")


def _of_ends(column: ColumnElement[Any]) -> Select[tuple[Any]]:
    return select(column).where(
        _grant.client_row == bindparam("client_row"), _grant.resource_row == bindparam("resource_row")
    )


_GET = Statement(select(_grant.body).where(_IN_TENANT, _grant.grant_id == bindparam("grant_id"), *_LIVE))
_OF_ALL = Statement(_of_ends(_grant.body).where(_grant.principal_row.is_(None)))
_OF_ONE = Statement(_of_ends(_grant.body).where(_grant.principal_row == bindparam("principal_row")))
_OF_CLIENT = Statement(
    select(_grant.body).where(_IN_TENANT, _grant.client_row == bindparam("client_row"), *_LIVE).order_by(_grant.id)
)
_END = (
    select(directory_object.c.id)
    .where(
        directory_object.c.tenant_id == bindparam("tenant_id"), directory_object.c.object_id == bindparam("object_id")
    )
    .scalar_subquery()
)
_OF_END = Statement(
    select(_grant.grant_id)
    .where(_IN_TENANT, (_grant.client_row == _END) | (_grant.resource_row == _END) | (_grant.principal_row == _END))
    .order_by(_grant.id)
)
_ADD = Insertion(oauth2_permission_grant)
_REPLACE = Statement(
    update(oauth2_permission_grant)
    .values(scope=bindparam("scope"), body=bindparam("body"))
    .where(_IN_TENANT, _grant.grant_id == bindparam("grant_id"))
)
_REMOVE = Statement(delete(oauth2_permission_grant).where(_IN_TENANT, _grant.grant_id == bindparam("grant_id")))

_COLLECTION = Collection(
    row=_grant.id,
    tenant_id=_grant.tenant_id,
    columns=(_grant.body,),
    conditions=_LIVE,
    properties=PERMISSION_GRANTS,
    orders={},
)
_grants_in = bodies_of(OAuth2PermissionGrant)
_NO_ROW = -1


def add(conn: Connection, tenant_id: TenantId, grant: OAuth2PermissionGrant) -> None:
    """Raises NotFound for the ends, and Conflict when there is a grant of these already."""
    if _find(conn, tenant_id, grant.client_id, grant.resource_id, grant.principal_id):
        raise Conflict("Permission entry already exists.", target="scope")
    principal = None if grant.principal_id is None else require_row(conn, tenant_id, grant.principal_id)
    _ADD.run(
        conn,
        tenant_id=guid(tenant_id),
        grant_id=grant.id,
        client_row=require_row(conn, tenant_id, grant.client_id),
        resource_row=require_row(conn, tenant_id, grant.resource_id),
        principal_row=principal,
        scope=grant.scope,
        body=body_of(grant),
    )


def get(conn: Connection, tenant_id: TenantId, grant_id: str) -> OAuth2PermissionGrant | None:
    """The grant with this id."""
    found = _GET.one(conn, tenant_id=guid(tenant_id), grant_id=grant_id)
    return _decode(found[0]) if found else None


def grants_of_client(conn: Connection, tenant_id: TenantId, client_id: ObjectId) -> tuple[OAuth2PermissionGrant, ...]:
    """What was granted to a client's service principal, for everybody and for single people, oldest first."""
    values = {"tenant_id": guid(tenant_id), "client_row": row_of(conn, tenant_id, client_id) or _NO_ROW}
    return tuple(_decode(body) for (body,) in _OF_CLIENT.all(conn, **values))


def ids_with_end(conn: Connection, tenant_id: TenantId, object_id: ObjectId) -> tuple[str, ...]:
    """The ids of all grants to, on or for an object, deleted or not."""
    return tuple(row[0] for row in _OF_END.all(conn, tenant_id=guid(tenant_id), object_id=guid(object_id)))


def replace(conn: Connection, tenant_id: TenantId, grant: OAuth2PermissionGrant) -> None:
    """Writes the scopes; who and what a grant is for never changes. Raises NotFound."""
    values = {"tenant_id": guid(tenant_id), "grant_id": grant.id, "scope": grant.scope}
    if not _REPLACE.run(conn, body=body_of(grant), **values):
        raise not_found(grant.id)


def remove(conn: Connection, tenant_id: TenantId, grant_id: str) -> bool:
    """False when there is no such grant."""
    return _REMOVE.run(conn, tenant_id=guid(tenant_id), grant_id=grant_id) > 0


def list(conn: Connection, tenant_id: TenantId, query: Query) -> Page[OAuth2PermissionGrant]:
    """A page of grants, oldest first. Raises Invalid as `directory_objects.list` does."""
    return page_of(conn, _COLLECTION, tenant_id, query, _grants_in)


def _find(
    conn: Connection, tenant_id: TenantId, client_id: ObjectId, resource_id: ObjectId, user_id: ObjectId | None
) -> OAuth2PermissionGrant | None:
    """The one grant of a client on a resource for a user, or for everybody."""
    rows = [row_of(conn, tenant_id, one) for one in (client_id, resource_id)]
    if None in rows:
        return None
    ends = {"client_row": rows[0], "resource_row": rows[1]}
    if user_id is None:
        found = _OF_ALL.one(conn, **ends)
    else:
        found = _OF_ONE.one(conn, principal_row=row_of(conn, tenant_id, user_id) or _NO_ROW, **ends)
    return _decode(found[0]) if found else None
