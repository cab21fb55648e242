"""appRoleAssignments of service principals and people, and appRoleAssignedTo of a resource."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import Any

from starlette.responses import Response

from unsecret.model.identifiers import ObjectId
from unsecret.model.people import User
from unsecret.tenant.call import CREATED, Call, Routes, no_content
from unsecret.tenant.counting import counted
from unsecret.tenant.description import described
from unsecret.tenant.use_cases import app_roles, people
from unsecret.tenant.use_cases.app_roles import Finder, Grant
from unsecret.wire import collections, json_schemas
from unsecret.wire.directory import app_role_assignment_from_graph, app_role_assignment_to_graph

_PRINCIPALS, _USERS = "servicePrincipals", "users"


def _finder(of: str, call: Call) -> Finder:
    return app_roles.by_key(call.key()) if of == _PRINCIPALS else app_roles.by_name(call.path("key"))


def grant_to_graph(grant: Grant) -> dict[str, Any]:
    """A role that is held, in Graph's shape."""
    principal = grant.principal
    return app_role_assignment_to_graph(
        grant.assignment,
        principal_name=principal.display_name if principal else None,
        principal_type="User" if isinstance(principal, User) else "ServicePrincipal",
        resource_name=grant.resource_name,
    )


def _whole(of: str, call: Call, found: tuple[ObjectId, tuple[Grant, ...]], name: str) -> Response:
    """The context names the object by its id, however the URL does."""
    object_id, grants = found
    return call.whole(grants, grant_to_graph, f"{of}('{object_id}')/{name}", collections.APP_ROLE_ASSIGNMENTS)


def list_app_role_assignments(of: str, call: Call) -> Response:
    """GET /servicePrincipals/{id}/appRoleAssignments: the roles it holds; those of an application are permissions."""
    return _whole(of, call, call.read(app_roles.list_app_role_assignments, _finder(of, call)), "appRoleAssignments")


def list_my_app_role_assignments(call: Call) -> Response:
    """GET /me/appRoleAssignments: the roles of who is signed in."""
    if call.caller.user is None:
        raise people.not_delegated()
    me = call.caller.user.id
    found = call.read(app_roles.list_app_role_assignments, app_roles.by_name(me))
    return _whole(_USERS, call, found, "appRoleAssignments")


def get_app_role_assignment(of: str, call: Call) -> Response:
    """GET /servicePrincipals/{id}/appRoleAssignments/{assignmentId}: one of them."""
    select = call.asked(collections.APP_ROLE_ASSIGNMENTS).select
    grant = call.read(app_roles.get_app_role_assignment, _finder(of, call), call.path("assignment"))
    return call.entity(grant_to_graph(grant), "appRoleAssignments", select=select)


def list_app_role_assigned_to(of: str, call: Call) -> Response:
    """GET /servicePrincipals/{id}/appRoleAssignedTo: who holds roles of it."""
    return _whole(of, call, call.read(app_roles.list_app_role_assigned_to, _finder(of, call)), "appRoleAssignedTo")


def get_app_role_assigned_to(of: str, call: Call) -> Response:
    """GET /servicePrincipals/{id}/appRoleAssignedTo/{assignmentId}: one of them, seen from the resource."""
    select = call.asked(collections.APP_ROLE_ASSIGNMENTS).select
    grant = call.read(app_roles.get_app_role_assigned_to, _finder(of, call), call.path("assignment"))
    return call.entity(grant_to_graph(grant), "appRoleAssignments", select=select)


@described(201, takes=json_schemas.APP_ROLE_ASSIGNMENT)
async def grant_app_role(of: str, call: Call) -> Response:
    """POST …/appRoleAssignments and …/appRoleAssignedTo: grant a role. The URL names one end."""
    reading = await call.reading(app_role_assignment_from_graph)
    of_principal = call.request.url.path.endswith("appRoleAssignments")
    end = attrgetter("principal_id" if of_principal else "resource_id")
    grant = await call.write(app_roles.grant_app_role, reading, _finder(of, call), end)
    return call.entity(grant_to_graph(grant), "appRoleAssignments", status=CREATED)


async def revoke_app_role(of: str, call: Call) -> Response:
    """DELETE …/appRoleAssignments/{assignmentId}: withdraw a role."""
    await call.write(app_roles.revoke_app_role, _finder(of, call), call.path("assignment"))
    return no_content()


async def revoke_app_role_assigned_to(of: str, call: Call) -> Response:
    """DELETE …/appRoleAssignedTo/{assignmentId}: the same, seen from the resource."""
    await call.write(app_roles.revoke_app_role_assigned_to, _finder(of, call), call.path("assignment"))
    return no_content()


def _of(of: str) -> Routes:
    root = f"/{of}/{{key}}/appRoleAssignments"
    return [
        *counted(root, partial(list_app_role_assignments, of)),
        ("POST", root, partial(grant_app_role, of)),
        ("GET", f"{root}/{{assignment}}", partial(get_app_role_assignment, of)),
        ("DELETE", f"{root}/{{assignment}}", partial(revoke_app_role, of)),
    ]


_ASSIGNED_TO = f"/{_PRINCIPALS}/{{key}}/appRoleAssignedTo"

ROUTES: Routes = [
    *_of(_PRINCIPALS),
    *_of(_USERS),
    *counted("/me/appRoleAssignments", list_my_app_role_assignments),
    *counted(_ASSIGNED_TO, partial(list_app_role_assigned_to, _PRINCIPALS)),
    ("POST", _ASSIGNED_TO, partial(grant_app_role, _PRINCIPALS)),
    ("GET", f"{_ASSIGNED_TO}/{{assignment}}", partial(get_app_role_assigned_to, _PRINCIPALS)),
    ("DELETE", f"{_ASSIGNED_TO}/{{assignment}}", partial(revoke_app_role_assigned_to, _PRINCIPALS)),
]
"""Before the routes of service principals, whose last one takes any property."""
