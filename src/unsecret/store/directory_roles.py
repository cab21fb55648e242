"""Which directory roles people and service principals hold. Those of deleted principals have no part in it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, delete, literal_column, select

from unsecret.errors import Conflict
from unsecret.model.identifiers import ObjectId, TenantId
from unsecret.model.people import DirectoryRoleAssignment
from unsecret.store.columns import guid, guid_text
from unsecret.store.live_objects import require_row
from unsecret.store.schema import directory_object, directory_role_assignment
from unsecret.store.statement import Insertion, Statement

_object, _held = directory_object.c, directory_role_assignment.c

_columns = (_held.assignment_id, _held.role_definition_id, _object.object_id, _held.directory_scope_id)
_ASSIGNMENTS = (
    select(*_columns)
    .join(directory_object, _object.id == _held.principal_row)
    .where(_held.tenant_id == bindparam("tenant_id"), _object.deleted_at.is_(None))
    .order_by(_held.id)
)
_ALL = Statement(_ASSIGNMENTS)
_GET = Statement(_ASSIGNMENTS.where(_held.assignment_id == bindparam("assignment_id")))
_OF_PRINCIPAL = Statement(_ASSIGNMENTS.where(_object.object_id == bindparam("principal_id")))
_OF_ROLE = Statement(_ASSIGNMENTS.where(_held.role_definition_id == bindparam("role_definition_id")))
_HELD_EVERYWHERE = Statement(
    select(_held.role_definition_id)
    .join(directory_object, _object.id == _held.principal_row)
    .where(
        _object.tenant_id == bindparam("tenant_id"),
        _object.object_id == bindparam("principal_id"),
        _object.deleted_at.is_(None),
        _held.directory_scope_id == bindparam("everywhere"),
    )
)
_HOLDER = Statement(
    select(literal_column("1"))
    .select_from(directory_role_assignment)
    .where(
        _held.principal_row == bindparam("principal_row"),
        _held.role_definition_id == bindparam("role_definition_id"),
        _held.directory_scope_id == bindparam("directory_scope_id"),
    )
)
_ADD = Insertion(directory_role_assignment)
_REMOVE = Statement(
    delete(directory_role_assignment).where(
        _held.tenant_id == bindparam("tenant_id"), _held.assignment_id == bindparam("assignment_id")
    )
)

EVERYWHERE = "/"
"""`directoryScopeId` of the whole tenant."""


def add(conn: Connection, tenant_id: TenantId, assignment: DirectoryRoleAssignment) -> None:
    """Raises NotFound for the principal, and Conflict when it holds the role in that scope already."""
    values = {
        "principal_row": require_row(conn, tenant_id, assignment.principal_id),
        "role_definition_id": guid(assignment.role_definition_id),
        "directory_scope_id": assignment.directory_scope_id,
    }
    if _HOLDER.one(conn, **values):
        raise Conflict(
            "A conflicting object with one or more of the specified property values is present in the directory: the "
            "principal holds this role already. Nothing needs to be added.",
            target="roleDefinitionId",
        )
    _ADD.run(conn, tenant_id=guid(tenant_id), assignment_id=assignment.id, **values)


def remove(conn: Connection, tenant_id: TenantId, assignment_id: str) -> bool:
    """False when there is no such assignment."""
    return _REMOVE.run(conn, tenant_id=guid(tenant_id), assignment_id=assignment_id) > 0


def get(conn: Connection, tenant_id: TenantId, assignment_id: str) -> DirectoryRoleAssignment | None:
    """The assignment with this id."""
    found = _assignments(_GET.all(conn, tenant_id=guid(tenant_id), assignment_id=assignment_id))
    return found[0] if found else None


def all_assignments(conn: Connection, tenant_id: TenantId) -> tuple[DirectoryRoleAssignment, ...]:
    """Every assignment, oldest first."""
    return _assignments(_ALL.all(conn, tenant_id=guid(tenant_id)))


def assignments_of(
    conn: Connection, tenant_id: TenantId, principal_id: ObjectId
) -> tuple[DirectoryRoleAssignment, ...]:
    """What a principal holds, oldest first."""
    return _assignments(_OF_PRINCIPAL.all(conn, tenant_id=guid(tenant_id), principal_id=guid(principal_id)))


def assignments_to(conn: Connection, tenant_id: TenantId, role_id: str) -> tuple[DirectoryRoleAssignment, ...]:
    """Who holds a role, oldest first."""
    return _assignments(_OF_ROLE.all(conn, tenant_id=guid(tenant_id), role_definition_id=guid(role_id)))


def roles_of(conn: Connection, tenant_id: TenantId, principal_id: ObjectId) -> frozenset[str]:
    """The template ids of the roles that a live principal holds for the whole tenant. One statement: every call of a
    signed-in user asks it."""
    values = {"tenant_id": guid(tenant_id), "principal_id": guid(principal_id), "everywhere": EVERYWHERE}
    return frozenset(guid_text(role) for (role,) in _HELD_EVERYWHERE.all(conn, **values))


def _assignments(rows: list[tuple[Any, ...]]) -> tuple[DirectoryRoleAssignment, ...]:
    return tuple(
        DirectoryRoleAssignment(
            id=identifier,
            role_definition_id=guid_text(role),
            principal_id=ObjectId(guid_text(principal)),
            directory_scope_id=scope,
        )
        for identifier, role, principal, scope in rows
    )
