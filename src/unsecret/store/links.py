"""Who owns what, and which application permissions a service principal holds. Deleted objects have no part in it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, delete, literal_column, select

from unsecret.errors import Conflict
from unsecret.model.application import AppRoleAssignment, ObjectKind
from unsecret.model.identifiers import ObjectId, TenantId
from unsecret.model.people import AnyObject
from unsecret.model.query import Page, Query
from unsecret.store.columns import guid, guid_text, instant, micros
from unsecret.store.directory_objects import list_linked, with_credentials
from unsecret.store.live_objects import LIVE, STILL_LIVE, require_row, row_of
from unsecret.store.schema import app_role_assignment, directory_object, owner
from unsecret.store.statement import Insertion, Statement

_object, _owner, _assignment = directory_object.c, owner.c, app_role_assignment.c
_owned = directory_object.alias("owned")
_principal = directory_object.alias("principal")
_resource = directory_object.alias("resource")

_OWNERSHIP = (
    _object.object_id == bindparam("owner_id"),
    LIVE,
    _owned.c.tenant_id == bindparam("tenant_id"),
    _owned.c.object_id == bindparam("object_id"),
    _owned.c.deleted_at.is_(None),
)
_OWNS = Statement(
    select(_owner.id)
    .join(directory_object, _object.id == _owner.owner_row)
    .join(_owned, _owned.c.id == _owner.object_row)
    .where(*_OWNERSHIP)
)
_OWNERS = Statement(
    select(_object.id, _object.kind, _object.body)
    .join(owner, _owner.owner_row == _object.id)
    .where(STILL_LIVE, _owner.object_row == bindparam("object_row"))
    .order_by(_owner.id)
)
_ADD_OWNER = Insertion(owner)
_REMOVE_OWNER = Statement(delete(owner).where(_owner.id == bindparam("row")))

_ADD_ASSIGNMENT = Insertion(app_role_assignment)
_ASSIGNMENT_HOLDER = Statement(
    select(literal_column("1"))
    .select_from(app_role_assignment)
    .where(
        _assignment.tenant_id == bindparam("tenant_id"),
        (_assignment.assignment_id == bindparam("assignment_id"))
        | (
            (_assignment.principal_row == bindparam("principal_row"))
            & (_assignment.resource_row == bindparam("resource_row"))
            & (_assignment.app_role_id == bindparam("app_role_id"))
        ),
    )
)
_REMOVE_ASSIGNMENT = Statement(
    delete(app_role_assignment).where(
        _assignment.tenant_id == bindparam("tenant_id"), _assignment.assignment_id == bindparam("assignment_id")
    )
)
_ASSIGNMENTS = (
    select(
        _assignment.assignment_id,
        _principal.c.object_id,
        _resource.c.object_id,
        _assignment.app_role_id,
        _assignment.created_at,
    )
    .join(_principal, _principal.c.id == _assignment.principal_row)
    .join(_resource, _resource.c.id == _assignment.resource_row)
    .where(_principal.c.deleted_at.is_(None), _resource.c.deleted_at.is_(None))
    .order_by(_assignment.id)
)


def _of_end(end: Any) -> Statement:
    return Statement(
        _ASSIGNMENTS.where(end.c.tenant_id == bindparam("tenant_id"), end.c.object_id == bindparam("object_id"))
    )


_HELD_BY = _of_end(_principal)
_ASSIGNED_TO = _of_end(_resource)


def add_owner(conn: Connection, tenant_id: TenantId, object_id: ObjectId, owner_id: ObjectId) -> None:
    """Raises NotFound for either end, and Conflict when `owner_id` is an owner already."""
    object_row, owner_row = require_row(conn, tenant_id, object_id), require_row(conn, tenant_id, owner_id)
    if owns(conn, tenant_id, owner_id, object_id):
        raise Conflict(
            "One or more added object references already exist for the following modified properties: 'owners'. "
            "Nothing needs to be added.",
            target="owners",
        )
    _ADD_OWNER.run(conn, tenant_id=guid(tenant_id), object_row=object_row, owner_row=owner_row)


def remove_owner(conn: Connection, tenant_id: TenantId, object_id: ObjectId, owner_id: ObjectId) -> bool:
    """False when `owner_id` is not an owner."""
    found = _ownership(conn, tenant_id, owner_id, object_id)
    return found is not None and _REMOVE_OWNER.run(conn, row=found[0]) > 0


def owners(conn: Connection, tenant_id: TenantId, object_id: ObjectId) -> tuple[AnyObject, ...]:
    """The owners in the order in which they were added."""
    row = row_of(conn, tenant_id, object_id)
    return tuple(with_credentials(conn, _OWNERS.all(conn, tenant_id=guid(tenant_id), object_row=row)))


def owns(conn: Connection, tenant_id: TenantId, owner_id: ObjectId, object_id: ObjectId) -> bool:
    """Whether `owner_id` is an owner of `object_id`."""
    return _ownership(conn, tenant_id, owner_id, object_id) is not None


def owned_objects(
    conn: Connection, tenant_id: TenantId, owner_id: ObjectId, query: Query, kind: ObjectKind | None = None
) -> Page[AnyObject]:
    """A page of what the object owns, of one kind or of all. Raises Invalid as `directory_objects.list` does."""
    row = row_of(conn, tenant_id, owner_id)
    return list_linked(conn, tenant_id, select(_owner.object_row).where(_owner.owner_row == row), query, kind)


def add_app_role_assignment(conn: Connection, tenant_id: TenantId, assignment: AppRoleAssignment) -> None:
    """Raises NotFound for either end, and Conflict when the id is taken or the permission is held already."""
    values = {
        "tenant_id": guid(tenant_id),
        "assignment_id": assignment.id,
        "principal_row": require_row(conn, tenant_id, assignment.principal_id),
        "resource_row": require_row(conn, tenant_id, assignment.resource_id),
        "app_role_id": guid(assignment.app_role_id),
    }
    if _ASSIGNMENT_HOLDER.one(conn, **values):
        raise Conflict(
            "Permission being assigned already exists on the object. Nothing needs to be added.", target="appRoleId"
        )
    _ADD_ASSIGNMENT.run(conn, created_at=micros(assignment.created_at), **values)


def remove_app_role_assignment(conn: Connection, tenant_id: TenantId, assignment_id: str) -> bool:
    """False when there is no such assignment."""
    return _REMOVE_ASSIGNMENT.run(conn, tenant_id=guid(tenant_id), assignment_id=assignment_id) > 0


def app_role_assignments(
    conn: Connection, tenant_id: TenantId, principal_id: ObjectId
) -> tuple[AppRoleAssignment, ...]:
    """What a service principal holds, oldest first."""
    return _assignments(_HELD_BY.all(conn, tenant_id=guid(tenant_id), object_id=guid(principal_id)))


def app_role_assigned_to(conn: Connection, tenant_id: TenantId, resource_id: ObjectId) -> tuple[AppRoleAssignment, ...]:
    """Who holds permissions on a resource's service principal, oldest first."""
    return _assignments(_ASSIGNED_TO.all(conn, tenant_id=guid(tenant_id), object_id=guid(resource_id)))


def _ownership(conn: Connection, tenant_id: TenantId, owner_id: ObjectId, object_id: ObjectId) -> tuple[int] | None:
    values = {"tenant_id": guid(tenant_id), "owner_id": guid(owner_id), "object_id": guid(object_id)}
    return _OWNS.one(conn, **values)


def _assignments(rows: list[tuple[Any, ...]]) -> tuple[AppRoleAssignment, ...]:
    return tuple(
        AppRoleAssignment(
            id=identifier,
            principal_id=ObjectId(guid_text(principal)),
            resource_id=ObjectId(guid_text(resource)),
            app_role_id=guid_text(role),
            created_at=instant(created_at),
        )
        for identifier, principal, resource, role, created_at in rows
    )
