"""/servicePrincipals: what signs in, and what it was granted."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from unsecret.model.application import ObjectKind
from unsecret.tenant.call import CREATED, Call, Routes, no_content
from unsecret.tenant.description import described
from unsecret.tenant.directory_objects import encode, property_route, shared_routes, update_object
from unsecret.tenant.use_cases import links, reading, service_principals
from unsecret.tenant.use_cases.links import Grant
from unsecret.wire import collections, json_schemas
from unsecret.wire.directory import (
    app_role_assignment_from_graph,
    app_role_assignment_to_graph,
    directory_object_to_graph,
)
from unsecret.wire.service_principals import service_principal_from_graph


@described(201, takes=json_schemas.NEW_SERVICE_PRINCIPAL)
async def create_service_principal(call: Call) -> Response:
    """POST /servicePrincipals."""
    body = service_principal_from_graph(await call.body(), existing=None)
    principal = await call.write(service_principals.create_service_principal, body)
    return call.entity(encode(principal, call, None), "servicePrincipals", status=CREATED)


@described(204, takes=json_schemas.SERVICE_PRINCIPAL)
async def update_service_principal(call: Call) -> Response:
    """PATCH /servicePrincipals/{id}."""
    body = await call.body()
    writing = call.write(
        service_principals.update_service_principal,
        call.key(),
        lambda existing: service_principal_from_graph(body, existing=existing),
    )
    return await update_object(call, writing)


async def delete_service_principal(call: Call) -> Response:
    """DELETE /servicePrincipals/{id}."""
    await call.write(service_principals.delete_service_principal, call.key())
    return no_content()


def list_owned_objects(call: Call) -> Response:
    """GET /servicePrincipals/{id}/ownedObjects."""
    asked = call.asked(collections.DIRECTORY_OBJECTS)
    page = call.read(reading.list_owned_objects, call.key(), asked.query)
    return call.page(page, lambda obj: directory_object_to_graph(obj, beta=call.beta), "directoryObjects", asked)


def list_app_role_assignments(call: Call) -> Response:
    """GET /servicePrincipals/{id}/appRoleAssignments: the application permissions it holds."""
    return _grants(call, call.read(reading.list_app_role_assignments, call.key()), "appRoleAssignments")


def list_app_role_assigned_to(call: Call) -> Response:
    """GET /servicePrincipals/{id}/appRoleAssignedTo: who holds permissions on it."""
    return _grants(call, call.read(reading.list_app_role_assigned_to, call.key()), "appRoleAssignedTo")


def _grants(call: Call, grants: tuple[Grant, ...], name: str) -> Response:
    context = f"servicePrincipals('{call.path('key')}')/{name}"
    return call.whole(grants, _grant_to_graph, context, collections.APP_ROLE_ASSIGNMENTS)


def _grant_to_graph(grant: Grant) -> dict[str, Any]:
    return app_role_assignment_to_graph(
        grant.assignment, principal_name=grant.principal_name, resource_name=grant.resource_name
    )


@described(201, takes=json_schemas.APP_ROLE_ASSIGNMENT)
async def grant_app_role(call: Call) -> Response:
    """POST /servicePrincipals/{id}/appRoleAssignments and …/appRoleAssignedTo. The URL names one end."""
    asked = app_role_assignment_from_graph(await call.body())
    of_principal = call.request.url.path.endswith("appRoleAssignments")
    end = asked.principal_id if of_principal else asked.resource_id
    grant = await call.write(links.grant_app_role, asked, call.key(), end)
    return call.entity(_grant_to_graph(grant), "appRoleAssignments", status=CREATED)


async def revoke_app_role(call: Call) -> Response:
    """DELETE /servicePrincipals/{id}/appRoleAssignments/{assignmentId}."""
    await call.write(links.revoke_app_role, call.key(), call.path("assignment"))
    return no_content()


async def revoke_app_role_assigned_to(call: Call) -> Response:
    """DELETE /servicePrincipals/{id}/appRoleAssignedTo/{assignmentId}: the same, seen from the resource."""
    await call.write(links.revoke_app_role_assigned_to, call.key(), call.path("assignment"))
    return no_content()


ROUTES: Routes = [
    *shared_routes(ObjectKind.SERVICE_PRINCIPAL),
    ("POST", "/servicePrincipals", create_service_principal),
    ("PATCH", "/servicePrincipals/{key}", update_service_principal),
    ("DELETE", "/servicePrincipals/{key}", delete_service_principal),
    ("GET", "/servicePrincipals/{key}/ownedObjects", list_owned_objects),
    ("GET", "/servicePrincipals/{key}/appRoleAssignments", list_app_role_assignments),
    ("POST", "/servicePrincipals/{key}/appRoleAssignments", grant_app_role),
    ("DELETE", "/servicePrincipals/{key}/appRoleAssignments/{assignment}", revoke_app_role),
    ("GET", "/servicePrincipals/{key}/appRoleAssignedTo", list_app_role_assigned_to),
    ("POST", "/servicePrincipals/{key}/appRoleAssignedTo", grant_app_role),
    ("DELETE", "/servicePrincipals/{key}/appRoleAssignedTo/{assignment}", revoke_app_role_assigned_to),
    property_route(ObjectKind.SERVICE_PRINCIPAL),
]
