"""What newer versions need their administrator application to be allowed, given to the one of an older tenant."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import structs

from unsecret.model.application import Application, ObjectKind, ServicePrincipal
from unsecret.model.event import Activity, AuditEvent, ModifiedProperty, OperationType, Outcome
from unsecret.model.identifiers import GRAPH_APP_ID, TenantId
from unsecret.model.query import And, AnyOf, Comparison, Operator, Query
from unsecret.store import directory_objects, links, logs
from unsecret.store.published_permissions import app_role_id
from unsecret.tenant.bootstrap import ADMINISTRATOR_UNIQUE_NAME, grant
from unsecret.tenant.graph_permissions import ADMINISTRATOR_PERMISSIONS
from unsecret.tenant.use_cases.transaction import APPLICATION_MANAGEMENT, new_event_id, target_of
from unsecret.wire.logs import as_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ROLE = "AppRole.Id"
_MOST_REMOVALS = 1000


def give_missing_permissions(conn: Connection, tenant_id: TenantId, *, now: datetime) -> tuple[str, ...]:
    """Give the administrator application what it was not made with, on record as nobody's doing; returns the names.

    Only to the application that the tenant was made with: of what anybody made later it is known who did. What somebody
    took from it stays taken.
    """
    application = directory_objects.get_by_unique_name(conn, tenant_id, ADMINISTRATOR_UNIQUE_NAME)
    if application is None or application.created_by_app_id is not None:
        return ()
    principal = _principal_of(conn, tenant_id, application)
    graph = directory_objects.get_by_app_id(conn, tenant_id, ObjectKind.SERVICE_PRINCIPAL, GRAPH_APP_ID)
    if principal is None or graph is None:
        return ()
    held = {one.app_role_id for one in links.app_role_assignments(conn, tenant_id, principal.id)}
    missing = [name for name in ADMINISTRATOR_PERMISSIONS if app_role_id(name) not in held]
    if not missing:
        return ()
    taken = _taken_from(conn, tenant_id, principal)
    given = tuple(name for name in missing if as_json(app_role_id(name)) not in taken)
    grant(conn, tenant_id, principal, graph, given, at=now)
    for name in given:
        logs.add_audit(conn, tenant_id, _record(principal, name, now))
    return given


def _principal_of(conn: Connection, tenant_id: TenantId, application: Application) -> ServicePrincipal | None:
    return directory_objects.get_by_app_id(conn, tenant_id, ObjectKind.SERVICE_PRINCIPAL, application.app_id)


def _taken_from(conn: Connection, tenant_id: TenantId, principal: ServicePrincipal) -> set[str | None]:
    """The ids, as JSON, of the roles that somebody has withdrawn."""
    withdrawn = And(
        (
            Comparison("activityDisplayName", Operator.EQ, Activity.REMOVE_APP_ROLE_ASSIGNMENT),
            Comparison("result", Operator.EQ, Outcome.SUCCESS.value),
            AnyOf("targetResources", Comparison("id", Operator.EQ, principal.id)),
        )
    )
    found = logs.list_audits(conn, tenant_id, Query(filter=withdrawn, top=_MOST_REMOVALS)).items
    return {
        changed.old_value
        for event in found
        for target in event.targets
        for changed in target.modified_properties
        if changed.display_name == _ROLE
    }


def _record(principal: ServicePrincipal, permission: str, now: datetime) -> AuditEvent:
    correlation_id = str(uuid.uuid4())
    changed = (
        ModifiedProperty(_ROLE, None, as_json(app_role_id(permission))),
        ModifiedProperty("AppRole.Value", None, as_json(permission)),
        ModifiedProperty("TargetId.ServicePrincipalNames", None, as_json(GRAPH_APP_ID)),
    )
    return AuditEvent(
        id=new_event_id(correlation_id),
        at=now,
        activity=Activity.ADD_APP_ROLE_ASSIGNMENT,
        category=APPLICATION_MANAGEMENT,
        operation_type=OperationType.ASSIGN,
        result=Outcome.SUCCESS,
        result_reason="",
        correlation_id=correlation_id,
        caller=None,
        targets=(structs.replace(target_of(principal), modified_properties=changed),),
    )
