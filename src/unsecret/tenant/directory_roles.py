"""/directoryRoles, /directoryRoleTemplates and /roleManagement/directory: the same roles, told in two ways."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from unsecret.errors import Invalid
from unsecret.model.directory_roles import ROLE_DEFINITIONS, Role, RoleDefinition
from unsecret.model.people import AnyObject, DirectoryRoleAssignment
from unsecret.model.query import And, Comparison, Filter, Operator, Page
from unsecret.tenant.call import CREATED, Call, Routes, no_content
from unsecret.tenant.counting import counted
from unsecret.tenant.description import described
from unsecret.tenant.relationships import relationship
from unsecret.tenant.use_cases import directory_roles
from unsecret.wire import collections, json_schemas, odata
from unsecret.wire.directory import directory_object_to_graph
from unsecret.wire.directory_roles import (
    RoleAssignmentBody,
    role_assignment_from_graph,
    role_assignment_to_graph,
    role_definition_to_graph,
    role_template_to_graph,
    role_to_graph,
)
from unsecret.wire.references import reference_from_graph

_DEFINITIONS = "/roleManagement/directory/roleDefinitions"
_ASSIGNMENTS = "/roleManagement/directory/roleAssignments"


def id_here(call: Call, role: RoleDefinition) -> str:
    """A role's object id differs from tenant to tenant; its template's does not."""
    return str(uuid.uuid5(uuid.UUID(call.caller.tenant_id), role.role))


def _named(call: Call) -> Callable[[RoleDefinition], bool]:
    """How the URL names a role: by id, or by `roleTemplateId=…`."""
    key = call.key()
    if key.name == "id":
        return lambda role: id_here(call, role) == key.value.lower()
    if key.name == "roleTemplateId":
        return lambda role: role.role == key.value.lower()
    raise Invalid(f"'{key.name}' is not a key of directoryRole. Use the object id, or (roleTemplateId='…').")


def list_roles(call: Call) -> Response:
    """GET /directoryRoles: the roles of the directory, all of which are active."""
    found = call.read(directory_roles.list_roles)
    asked = call.asked(collections.ACTIVE_ROLES, expands=True)
    members = call.read(directory_roles.list_members_of_all) if "members" in asked.expand else None

    def encode(role: RoleDefinition) -> dict[str, Any]:
        shown = role_to_graph(role, object_id=id_here(call, role))
        if members is not None:
            holders = (directory_object_to_graph(holder, beta=call.beta) for holder in members[role.role])
            shown["members"] = [odata.select(holder, asked.within.get("members")) for holder in holders]
        return shown

    return call.whole(found, encode, "directoryRoles", collections.ACTIVE_ROLES)


def list_role_templates(call: Call) -> Response:
    """GET /directoryRoleTemplates: the roles by the ids that they have in every tenant."""
    found = call.read(directory_roles.list_roles)
    return call.whole(found, role_template_to_graph, "directoryRoleTemplates", collections.DIRECTORY_ROLES)


def list_role_definitions(call: Call) -> Response:
    """GET /roleManagement/directory/roleDefinitions: the roles once more."""
    found = call.read(directory_roles.list_roles)
    shown = partial(role_definition_to_graph, beta=call.beta)
    return call.whole(found, shown, _DEFINITIONS.removeprefix("/"), collections.ROLE_DEFINITIONS)


def get_role(call: Call) -> Response:
    """GET /directoryRoles/{id}: one of them."""
    select = call.asked(collections.DIRECTORY_ROLES).select
    role = call.read(directory_roles.get_role, _named(call), call.path("key"))
    return call.entity(role_to_graph(role, object_id=id_here(call, role)), "directoryRoles", select=select)


def get_role_template(call: Call) -> Response:
    """GET /directoryRoleTemplates/{id}: one of them."""
    select = call.asked(collections.DIRECTORY_ROLES).select
    role = call.read(directory_roles.get_role, _by_template(call), call.path("key"))
    return call.entity(role_template_to_graph(role), "directoryRoleTemplates", select=select)


def get_role_definition(call: Call) -> Response:
    """GET /roleManagement/directory/roleDefinitions/{id}: one of them."""
    select = call.asked(collections.ROLE_DEFINITIONS).select
    role = call.read(directory_roles.get_role, _by_template(call), call.path("key"))
    return call.entity(role_definition_to_graph(role, beta=call.beta), _DEFINITIONS.removeprefix("/"), select=select)


def _by_template(call: Call) -> Callable[[RoleDefinition], bool]:
    wanted = call.path("key").lower()
    return lambda role: role.role == wanted


def _members(call: Call) -> tuple[AnyObject, ...]:
    return call.read(directory_roles.list_members, _named(call), call.path("key"))


@described(204, takes=json_schemas.REFERENCE)
async def assign_role(call: Call) -> Response:
    """POST /directoryRoles/{id}/members/$ref: give it to somebody."""
    reading = await call.reading(reference_from_graph)
    role = call.read(directory_roles.get_role, _named(call), call.path("key"))

    def asked() -> RoleAssignmentBody:
        return RoleAssignmentBody(principal_id=reading(), role_definition_id=role.role, directory_scope_id="/")

    await call.write(directory_roles.assign_role, asked)
    return no_content()


async def remove_member(call: Call) -> Response:
    """DELETE /directoryRoles/{id}/members/{memberId}/$ref: withdraw it."""
    await call.write(directory_roles.remove_member, _named(call), call.path("key"), call.path("member"))
    return no_content()


def list_role_assignments(call: Call) -> Response:
    """GET /roleManagement/directory/roleAssignments: who holds what, filtered by principalId and roleDefinitionId."""
    asked = call.asked(collections.ROLE_ASSIGNMENTS, expands=True)
    wanted = _equalities(asked.query.filter)
    found = call.read(directory_roles.list_role_assignments, wanted.get("principalId"), wanted.get("roleDefinitionId"))
    found = tuple(one for one in found if wanted.get("directoryScopeId") in (None, one.directory_scope_id))
    page = Page(items=found, count=len(found) if asked.query.count else None)
    return call.page(page, _expanded(call, found, asked.expand), _ASSIGNMENTS.removeprefix("/"), asked)


def get_role_assignment(call: Call) -> Response:
    """GET /roleManagement/directory/roleAssignments/{id}: one of them."""
    asked = call.asked(collections.ROLE_ASSIGNMENTS, expands=True)
    found = call.read(directory_roles.get_role_assignment, call.path("key"))
    body = _expanded(call, (found,), asked.expand)(found)
    return call.entity(body, _ASSIGNMENTS.removeprefix("/"), select=asked.select)


def _expanded(
    call: Call, assignments: tuple[DirectoryRoleAssignment, ...], expand: tuple[str, ...]
) -> Callable[[DirectoryRoleAssignment], dict[str, Any]]:
    holders = call.read(directory_roles.list_holders, assignments) if "principal" in expand else {}

    def encode(assignment: DirectoryRoleAssignment) -> dict[str, Any]:
        body = role_assignment_to_graph(assignment, tenant_id=call.caller.tenant_id)
        if assignment.principal_id in holders:
            body["principal"] = directory_object_to_graph(holders[assignment.principal_id], beta=call.beta)
        if "roleDefinition" in expand:
            role = ROLE_DEFINITIONS[Role(assignment.role_definition_id)]
            body["roleDefinition"] = role_definition_to_graph(role, beta=call.beta)
        return body

    return encode


def _equalities(filter: Filter | None) -> dict[str, str]:
    match filter:
        case None:
            return {}
        case And(parts):
            return {name: value for part in parts for name, value in _equalities(part).items()}
        case Comparison(name, Operator.EQ, str() as value):
            return {name: value.lower()}
    raise Invalid(
        "Role assignments are filtered by principalId, roleDefinitionId and directoryScopeId with eq, joined with and.",
        code="Request_UnsupportedQuery",
        target="$filter",
    )


@described(201, takes=json_schemas.ROLE_ASSIGNMENT)
async def create_role_assignment(call: Call) -> Response:
    """POST /roleManagement/directory/roleAssignments: give a role to a person or a service principal."""
    made = await call.write(directory_roles.assign_role, await call.reading(role_assignment_from_graph))
    body = role_assignment_to_graph(made, tenant_id=call.caller.tenant_id)
    return call.entity(body, _ASSIGNMENTS.removeprefix("/"), status=CREATED)


async def revoke_role(call: Call) -> Response:
    """DELETE /roleManagement/directory/roleAssignments/{id}: withdraw it."""
    await call.write(directory_roles.revoke_role, call.path("key"))
    return no_content()


ROUTES: Routes = [
    *counted("/directoryRoles", list_roles),
    ("GET", "/directoryRoles/{key}", get_role),
    *relationship("/directoryRoles/{key}/members", "member", _members),
    ("POST", "/directoryRoles/{key}/members/$ref", assign_role),
    ("DELETE", "/directoryRoles/{key}/members/{member}/$ref", remove_member),
    *counted("/directoryRoleTemplates", list_role_templates),
    ("GET", "/directoryRoleTemplates/{key}", get_role_template),
    *counted(_DEFINITIONS, list_role_definitions),
    ("GET", f"{_DEFINITIONS}/{{key}}", get_role_definition),
    *counted(_ASSIGNMENTS, list_role_assignments),
    ("POST", _ASSIGNMENTS, create_role_assignment),
    ("GET", f"{_ASSIGNMENTS}/{{key}}", get_role_assignment),
    ("DELETE", f"{_ASSIGNMENTS}/{{key}}", revoke_role),
]
