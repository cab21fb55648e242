"""Objects that were deleted and can be restored for a while; see `directory_objects.delete`.

A deleted object keeps its row, names and links. What its time has run out for is nobody's to see any more, whether or
not its row is still there: every question here takes the instant `since` which deletions count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, delete, literal_column, null, select, update

from unsecret.errors import Conflict
from unsecret.model.application import ObjectKind
from unsecret.model.deleted import DeletedObject
from unsecret.model.identifiers import ObjectId, TenantId
from unsecret.model.query import Page, Query
from unsecret.store.columns import guid, instant, micros
from unsecret.store.directory_objects import with_credentials
from unsecret.store.live_objects import not_found
from unsecret.store.paging import Collection, page_of
from unsecret.store.properties import APPLICATIONS, DELETED_ORDERS, SERVICE_PRINCIPALS, USERS
from unsecret.store.schema import APPLICATION, SERVICE_PRINCIPAL, USER, directory_object, owner
from unsecret.store.statement import Statement

_object = directory_object.c
_deleted = directory_object.alias("deleted")
_owner_object = directory_object.alias("owner_object")

_FOUND = (_object.id, _object.kind, _object.body, _object.deleted_at)
_is_deleted = _object.deleted_at.is_not(None)
_named = (_object.tenant_id == bindparam("tenant_id"), _object.object_id == bindparam("object_id"), _is_deleted)
_GET = Statement(select(*_FOUND).where(*_named, _object.deleted_at > bindparam("since")))
_EXPIRED = Statement(
    select(*_FOUND)
    .where(
        _object.tenant_id == bindparam("tenant_id"),
        _object.kind.in_([literal_column(str(kind)) for kind in (APPLICATION, SERVICE_PRINCIPAL, USER)]),
        _is_deleted,
        _object.deleted_at <= bindparam("until"),
    )
    .limit(literal_column("100"))
)
_HOLDER = Statement(
    select(_object.id)
    .join(
        _deleted,
        (_deleted.c.app_id == _object.app_id)
        & (_deleted.c.kind == _object.kind)
        & (_deleted.c.tenant_id == _object.tenant_id),
    )
    .where(
        _deleted.c.tenant_id == bindparam("tenant_id"),
        _deleted.c.object_id == bindparam("object_id"),
        _object.deleted_at.is_(None),
    )
)
_RESTORE = Statement(update(directory_object).values(deleted_at=null()).where(*_named))
_PURGE = Statement(delete(directory_object).where(*_named))
_OWNS = Statement(
    select(owner.c.id)
    .join(_owner_object, _owner_object.c.id == owner.c.owner_row)
    .join(_deleted, _deleted.c.id == owner.c.object_row)
    .where(
        _owner_object.c.tenant_id == bindparam("tenant_id"),
        _owner_object.c.object_id == bindparam("owner_id"),
        _owner_object.c.deleted_at.is_(None),
        _deleted.c.tenant_id == bindparam("tenant_id"),
        _deleted.c.object_id == bindparam("object_id"),
    )
)


def list_deleted(
    conn: Connection, tenant_id: TenantId, kind: ObjectKind, query: Query, *, since: datetime
) -> Page[DeletedObject]:
    """A page of one kind. Raises Invalid as `directory_objects.list` does."""
    whole = _COLLECTIONS[kind]
    remembered = (*whole.conditions, _object.deleted_at > micros(since))
    collection = msgspec.structs.replace(whole, conditions=remembered)
    return page_of(conn, collection, tenant_id, query, lambda rows: _nouns(conn, rows))


def get_deleted(conn: Connection, tenant_id: TenantId, object_id: ObjectId, *, since: datetime) -> DeletedObject | None:
    """The deleted object with this id, whichever its kind, with its credentials."""
    found = _GET.one(conn, tenant_id=guid(tenant_id), object_id=guid(object_id), since=micros(since))
    return _nouns(conn, [found])[0] if found else None


def expired(conn: Connection, tenant_id: TenantId, *, until: datetime) -> Sequence[DeletedObject]:
    """Some of those that were deleted `until` then and are still kept: a hundred at most, so that whoever clears them
    away is not held up."""
    return _nouns(conn, _EXPIRED.all(conn, tenant_id=guid(tenant_id), until=micros(until)))


def owns(conn: Connection, tenant_id: TenantId, owner_id: ObjectId, object_id: ObjectId) -> bool:
    """Whether `owner_id` is an owner of the deleted object."""
    values = {"tenant_id": guid(tenant_id), "owner_id": guid(owner_id), "object_id": guid(object_id)}
    return _OWNS.one(conn, **values) is not None


def restore(conn: Connection, tenant_id: TenantId, object_id: ObjectId) -> None:
    """Makes it an object like any other. Raises NotFound, and Conflict when its place has been taken: a new service
    principal of the same application."""
    values = {"tenant_id": guid(tenant_id), "object_id": guid(object_id)}
    if _HOLDER.one(conn, **values):
        raise Conflict("Another object with the same value for property appId already exists.", target="appId")
    if not _RESTORE.run(conn, **values):
        raise not_found(object_id)


def purge(conn: Connection, tenant_id: TenantId, object_id: ObjectId) -> None:
    """Takes the object away for good, with its credentials, links and names. Raises NotFound."""
    if not _PURGE.run(conn, tenant_id=guid(tenant_id), object_id=guid(object_id)):
        raise not_found(object_id)


def _nouns(conn: Connection, rows: Sequence[tuple[int, int, str, int]]) -> Sequence[DeletedObject]:
    objects = with_credentials(conn, [row[:3] for row in rows])
    return [
        DeletedObject(object=obj, deleted_at=instant(deleted_at))
        for obj, (*_, deleted_at) in zip(objects, rows, strict=True)
    ]


_COLLECTIONS = {
    kind: Collection(
        row=_object.id,
        tenant_id=_object.tenant_id,
        columns=_FOUND,
        conditions=(_object.kind == literal_column(str(number)), _is_deleted),
        properties=properties,
        orders=DELETED_ORDERS,
        newest_first=_object.deleted_at,
    )
    for kind, number, properties in (
        (ObjectKind.APPLICATION, APPLICATION, APPLICATIONS),
        (ObjectKind.SERVICE_PRINCIPAL, SERVICE_PRINCIPAL, SERVICE_PRINCIPALS),
        (ObjectKind.USER, USER, USERS),
    )
}
