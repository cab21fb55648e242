"""What people and service principals are members of: directory roles. There are no groups and no administrative units
here, so of those the lists are empty, and truly so.

https://learn.microsoft.com/en-us/graph/api/user-list-memberof, …/serviceprincipal-list-memberof,
…/directoryobject-getmembergroups, …/directoryobject-getmemberobjects, …/directoryobject-checkmembergroups and
…/directoryobject-checkmemberobjects. In the last four roles are named by the ids that they have in this tenant, those
of `/directoryRoles`; what is checked may name them by their templates', too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from unsecret.model.directory_roles import ROLE_DEFINITIONS, Role, RoleDefinition
from unsecret.model.people import DirectoryRoleAssignment
from unsecret.tenant.call import Call, Handler, Routes
from unsecret.tenant.counting import counted
from unsecret.tenant.description import described
from unsecret.tenant.directory_roles import id_here
from unsecret.tenant.paths import kind_in
from unsecret.tenant.use_cases import directory_roles, people
from unsecret.wire import collections, memberships
from unsecret.wire.directory_roles import role_to_graph

_ROLES, _NONE_HERE = "directoryrole", frozenset({"group", "administrativeunit"})
_CONTEXT = "Collection(Edm.String)"

Held = Callable[[Call], tuple[DirectoryRoleAssignment, ...]]
"""Asks what the object that a URL names is a member of."""


def _of_me(call: Call) -> tuple[DirectoryRoleAssignment, ...]:
    return call.read(people.list_my_roles)


def _of_user(call: Call) -> tuple[DirectoryRoleAssignment, ...]:
    return call.read(people.list_user_roles, call.path("key"))


def _of_principal(call: Call) -> tuple[DirectoryRoleAssignment, ...]:
    return call.read(directory_roles.list_principal_roles, call.key())


def _of_object(call: Call) -> tuple[DirectoryRoleAssignment, ...]:
    return call.read(directory_roles.list_object_roles, call.path("key"))


def list_member_of(held: Held, call: Call) -> Response:
    """GET …/memberOf: the directory roles that somebody holds; there are no groups here."""
    return _shown(call, held(call))


def list_member_of_kind(held: Held, call: Call) -> Response:
    """GET …/memberOf/…: those that are a `directoryRole`; of groups and administrative units there are none."""
    kind = kind_in(call.path("kind"))
    if kind != _ROLES and kind not in _NONE_HERE:
        raise call.not_served()
    roles = held(call)
    return _shown(call, roles if kind == _ROLES else ())


def _shown(call: Call, assignments: tuple[DirectoryRoleAssignment, ...]) -> Response:
    return call.whole(
        assignments,
        lambda assignment: held_role_to_graph(assignment, call),
        "directoryObjects",
        collections.RELATED_OBJECTS,
    )


def held_role_to_graph(assignment: DirectoryRoleAssignment, call: Call) -> dict[str, Any]:
    """What somebody holds, as a directoryRole object of `memberOf`."""
    role = ROLE_DEFINITIONS[Role(assignment.role_definition_id)]
    shown = role_to_graph(role, object_id=id_here(call, role))
    return {"@odata.type": "#microsoft.graph.directoryRole", **shown}


def _roles(assignments: tuple[DirectoryRoleAssignment, ...]) -> list[RoleDefinition]:
    return [ROLE_DEFINITIONS[Role(one.role_definition_id)] for one in assignments]


@described(200, takes=memberships.SECURITY_ENABLED_ONLY)
async def get_memberships(held: Held, call: Call) -> Response:
    """POST …/getMemberGroups: the ids of the roles that somebody holds; of security groups there are none."""
    only_groups = memberships.security_enabled_only_from_graph(await call.body())
    roles = _roles(held(call))
    answer = call.value([] if only_groups else [id_here(call, role) for role in roles], _CONTEXT)
    answer.headers["location"] = call.base_url
    return answer


@described(200, takes=memberships.GROUP_IDS)
async def check_groups(held: Held, call: Call) -> Response:
    """POST …/checkMemberGroups: those of some groups that somebody is a member of, which are none."""
    memberships.ids_from_graph(await call.body(), "groupIds")
    held(call)
    return call.value([], _CONTEXT)


@described(200, takes=memberships.OBJECT_IDS)
async def check_objects(held: Held, call: Call) -> Response:
    """POST …/checkMemberObjects: those of some roles that somebody holds, by the ids that were asked for."""
    asked = memberships.ids_from_graph(await call.body(), "ids")
    roles = _roles(held(call))
    known = {name for role in roles for name in (id_here(call, role), str(role.role))}
    return call.value([name for name in asked if name.lower() in known], _CONTEXT)


def _actions(root: str, held: Held) -> Routes:
    actions: list[tuple[str, Callable[..., Any]]] = [
        ("getMemberGroups", get_memberships),
        ("getMemberObjects", get_memberships),
        ("checkMemberGroups", check_groups),
        ("checkMemberObjects", check_objects),
    ]
    return [("POST", f"{root}/{name}", partial(handler, held)) for name, handler in actions]


def _lists(root: str, held: Held) -> Routes:
    whole: Handler = partial(list_member_of, held)
    of_kind: Handler = partial(list_member_of_kind, held)
    names = ("memberOf", "transitiveMemberOf")
    return [
        *(route for name in names for route in counted(f"{root}/{name}", whole)),
        *(("GET", f"{root}/{name}/{{kind}}", of_kind) for name in names),
    ]


ROUTES: Routes = [
    *_lists("/me", _of_me),
    *_actions("/me", _of_me),
    *_lists("/users/{key}", _of_user),
    *_actions("/users/{key}", _of_user),
    *_lists("/servicePrincipals/{key}", _of_principal),
    *_actions("/servicePrincipals/{key}", _of_principal),
    *_actions("/directoryObjects/{key}", _of_object),
]
"""Before the routes of service principals, the last of which takes any word for a property."""
