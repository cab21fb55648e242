"""What was changed since: told by the log of directory audits, whose rows grow in the order of the changes.

Every change is recorded in its own transaction with the ids of what it changed, so that nothing else has to be kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, literal, select

from unsecret.model.event import Activity, Outcome
from unsecret.model.identifiers import ObjectId, TenantId
from unsecret.model.people import AnyObject
from unsecret.store.columns import folded, guid, guid_text, instant
from unsecret.store.directory_objects import with_credentials
from unsecret.store.schema import directory_object
from unsecret.store.schema_records import audit_event, audit_target
from unsecret.store.statement import Statement

_GRANT = "oAuth2PermissionGrant:"

_object, _event, _target = directory_object.c, audit_event.c, audit_target.c

_NEWEST = Statement(select(func.max(_target.event_row)).where(_target.tenant_id == bindparam("tenant_id")))
_SUCCEEDED = (
    select(_target.event_row, _target.folded_target_id, _event.folded_activity)
    .join(audit_event, _event.id == _target.event_row)
    .where(_target.tenant_id == bindparam("tenant_id"), _event.result == literal(Outcome.SUCCESS.value))
)
_SINCE = Statement(
    _SUCCEEDED.where(_target.event_row > bindparam("known")).order_by(_target.event_row).limit(bindparam("most"))
)
_RECORD = Statement(_SUCCEEDED.where(_target.event_row == bindparam("record")))
_FOUND = Statement(
    select(_object.id, _object.kind, _object.body, _object.object_id, _object.deleted_at).where(
        _object.tenant_id == bindparam("tenant_id"), _object.object_id == bindparam("object_id")
    )
)


class Touched(Struct, frozen=True, kw_only=True):
    """Something that a successful change was about, at the record `row`, and what the change was called last."""

    row: int
    id: ObjectId
    activity: str


class Found(Struct, frozen=True, kw_only=True):
    """An object that is in the directory, deleted or not."""

    object: AnyObject
    deleted_at: datetime | None


def newest(conn: Connection, tenant_id: TenantId) -> int:
    """The record of the last change; 0 before the first."""
    found = _NEWEST.one(conn, tenant_id=guid(tenant_id))
    return found[0] if found and found[0] is not None else 0


def since(conn: Connection, tenant_id: TenantId, known: int, *, most: int) -> tuple[Sequence[Touched], bool]:
    """What was changed after the record `known`, in order and at most so many, or as many as the first record is
    about; and whether that is all of it."""
    rows = _SINCE.all(conn, tenant_id=guid(tenant_id), known=known, most=most + 1)
    is_all = len(rows) <= most
    if not is_all:  # one record may be about several objects, and is not cut in two
        whole = [row for row in rows if row[0] != rows[-1][0]]
        rows = whole or _RECORD.all(conn, tenant_id=guid(tenant_id), record=rows[0][0])
    return [Touched(row=row, id=ObjectId(target), activity=activity) for row, target, activity in rows], is_all


def found(conn: Connection, tenant_id: TenantId, ids: Iterable[ObjectId]) -> dict[ObjectId, Found]:
    """Those of `ids` that are kept, by id."""
    tenant = guid(tenant_id)
    asked = (_FOUND.one(conn, tenant_id=tenant, object_id=guid(identifier)) for identifier in ids)
    rows = [row for row in asked if row]
    objects = with_credentials(conn, [row[:3] for row in rows])
    return {
        ObjectId(guid_text(object_id)): Found(object=obj, deleted_at=None if at is None else instant(at))
        for obj, (*_, object_id, at) in zip(objects, rows, strict=True)
    }


def mark_of_grant(grant_id: str) -> str:
    """What a delegated permission grant is called among the ids of what was changed: its own id is no GUID, and
    letters of either case are told apart in it."""
    return _GRANT + grant_id


def marked_grant(identifier: str) -> str | None:
    """The id of the grant that a mark stands for, None for the id of anything else."""
    return identifier.removeprefix(_GRANT) if identifier.startswith(_GRANT) else None


def is_called(touched: Touched, activity: Activity) -> bool:
    """Whether the change is recorded under that name."""
    return touched.activity == folded(activity)
