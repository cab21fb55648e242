"""Directory roles and who holds them, in Graph's two ways of telling it.

https://learn.microsoft.com/en-us/graph/api/resources/directoryrole, …/directoryroletemplate, …/unifiedroledefinition,
…/unifiedroleassignment
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from unsecret.model.directory_roles import PRIVILEGED, RoleDefinition
from unsecret.model.people import DirectoryRoleAssignment
from unsecret.wire.properties import read_properties, require
from unsecret.wire.shapes import Access, Property, guid, text

_ASSIGNMENT: dict[str, Property] = {
    "id": Property(text(), None, Access.READ),
    "principalId": Property(guid(required=True)),
    "principalOrganizationId": Property(text(), None, Access.READ),
    "resourceScope": Property(text(), None, Access.READ),
    "roleDefinitionId": Property(guid(required=True)),
    "directoryScopeId": Property(text(least=1, most=256), None),
    "appScopeId": Property(text(), None, Access.READ),
    "condition": Property(text(), None, Access.READ),
}


class RoleAssignmentBody(Struct, frozen=True, kw_only=True):
    """A role as asked for: who is to hold which, and where."""

    principal_id: str
    role_definition_id: str
    directory_scope_id: str


def role_to_graph(role: RoleDefinition, *, object_id: str) -> dict[str, Any]:
    """A `directoryRole`; its id is the tenant's own."""
    return {
        "id": object_id,
        "deletedDateTime": None,
        "description": role.description,
        "displayName": role.display_name,
        "roleTemplateId": str(role.role),
    }


def role_template_to_graph(role: RoleDefinition) -> dict[str, Any]:
    """A `directoryRoleTemplate`."""
    return {
        "id": str(role.role),
        "deletedDateTime": None,
        "description": role.description,
        "displayName": role.display_name,
    }


def role_definition_to_graph(role: RoleDefinition, *, beta: bool) -> dict[str, Any]:
    """A `unifiedRoleDefinition`. What a role permits is not listed action by action: that is the law's own table.
    Beta says which roles Microsoft calls privileged."""
    shown = {
        "id": str(role.role),
        "description": role.description,
        "displayName": role.display_name,
        "isBuiltIn": True,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "templateId": str(role.role),
        "version": "1",
        "rolePermissions": [],
    }
    return {**shown, "isPrivileged": role.role in PRIVILEGED} if beta else shown


def role_assignment_to_graph(assignment: DirectoryRoleAssignment, *, tenant_id: str) -> dict[str, Any]:
    """A `unifiedRoleAssignment`."""
    return {
        "id": assignment.id,
        "principalId": assignment.principal_id,
        "principalOrganizationId": tenant_id,
        "resourceScope": assignment.directory_scope_id,
        "directoryScopeId": assignment.directory_scope_id,
        "roleDefinitionId": assignment.role_definition_id,
    }


def role_assignment_from_graph(body: Any) -> RoleAssignmentBody:
    """The body of a POST to roleAssignments. Raises Invalid."""
    written = read_properties(body, _ASSIGNMENT, current={}, creating=True)
    for name in ("principalId", "roleDefinitionId", "directoryScopeId"):
        require(name, written)
    return RoleAssignmentBody(
        principal_id=written["principalId"],
        role_definition_id=written["roleDefinitionId"],
        directory_scope_id=written["directoryScopeId"] or "/",
    )
