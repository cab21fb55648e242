"""Objects that are there: not deleted, and of the tenant that asks."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.sql.elements import ColumnElement

from unsecret.errors import NotFound
from unsecret.model.identifiers import TenantId
from unsecret.store.columns import guid
from unsecret.store.expressions import unindexed
from unsecret.store.schema import directory_object
from unsecret.store.statement import Statement

_object = directory_object.c

LIVE: ColumnElement[bool] = (_object.tenant_id == bindparam("tenant_id")) & _object.deleted_at.is_(None)
"""For statements that take `tenant_id` and say which object."""

STILL_LIVE: ColumnElement[bool] = (unindexed(_object.tenant_id) == bindparam("tenant_id")) & _object.deleted_at.is_(
    None
)
"""For statements that come to an object from another row."""

_row = select(_object.id).where(LIVE, _object.object_id == bindparam("object_id"))
_ROW = Statement(_row)
LIVE_ROW = _row.scalar_subquery()
"""For statements that take `tenant_id` and `object_id`, and touch what hangs on the object."""


def row_of(conn: Connection, tenant_id: TenantId, object_id: str) -> int | None:
    """The row of a live object of either kind."""
    found = _ROW.one(conn, tenant_id=guid(tenant_id), object_id=guid(object_id))
    return found[0] if found else None


def require_row(conn: Connection, tenant_id: TenantId, object_id: str) -> int:
    """`row_of`, or NotFound."""
    if (row := row_of(conn, tenant_id, object_id)) is None:
        raise not_found(object_id)
    return row


def not_found(object_id: str) -> NotFound:
    """Graph's words for an identifier that names nothing (observed on live tenants)."""
    return NotFound(
        f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present."
    )
