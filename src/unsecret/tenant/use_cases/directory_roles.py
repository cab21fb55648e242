"""Directory roles: who holds which, and giving and withdrawing them.

https://learn.microsoft.com/en-us/graph/api/rbacapplication-post-roleassignments
"""

from __future__ import annotations

from collections.abc import Callable

from unsecret.errors import Conflict, Invalid, Unsupported
from unsecret.model.application import Application, ObjectKind
from unsecret.model.directory_roles import ROLE_DEFINITIONS, Role, RoleDefinition
from unsecret.model.event import Activity, ModifiedProperty, OperationType
from unsecret.model.identifiers import ObjectId, canonical_guid
from unsecret.model.people import AnyObject, DirectoryRoleAssignment
from unsecret.rules.permission import Operation
from unsecret.store import directory_objects
from unsecret.store import directory_roles as kept
from unsecret.tenant.use_cases.links import new_assignment_id
from unsecret.tenant.use_cases.reading import get_directory_object
from unsecret.tenant.use_cases.transaction import ROLE_MANAGEMENT, ObjectKey, Transaction, not_found, target_of
from unsecret.wire.directory_roles import RoleAssignmentBody
from unsecret.wire.logs import as_json
from unsecret.wire.odata import DIVERGENCES

_EVERYWHERE = "/"


def list_roles(transaction: Transaction) -> tuple[RoleDefinition, ...]:
    """Every role that this tenant knows. All of them are active."""
    transaction.permit(Operation.READ_DIRECTORY_ROLE)
    return tuple(ROLE_DEFINITIONS.values())


def get_role(transaction: Transaction, names: Callable[[RoleDefinition], bool], shown: str) -> RoleDefinition:
    """The role that `names` picks, which the URL calls `shown`. Raises NotFound."""
    found = next((role for role in list_roles(transaction) if names(role)), None)
    if found is None:
        raise not_found(shown)
    return found


def list_members(
    transaction: Transaction, names: Callable[[RoleDefinition], bool], shown: str
) -> tuple[AnyObject, ...]:
    """Who holds a role for the whole tenant."""
    return _members(transaction, get_role(transaction, names, shown))


def list_members_of_all(transaction: Transaction) -> dict[Role, tuple[AnyObject, ...]]:
    """Who holds each role."""
    return {role.role: _members(transaction, role) for role in list_roles(transaction)}


def _members(transaction: Transaction, role: RoleDefinition) -> tuple[AnyObject, ...]:
    held = kept.assignments_to(transaction.conn, transaction.tenant_id, role.role)
    found = (_holder(transaction, one) for one in held if one.directory_scope_id == _EVERYWHERE)
    return tuple(holder for holder in found if holder is not None)


def list_role_assignments(
    transaction: Transaction, principal_id: str | None = None, role_id: str | None = None
) -> tuple[DirectoryRoleAssignment, ...]:
    """Who holds what; all of it, or what one principal holds, or who holds one role."""
    transaction.permit(Operation.READ_DIRECTORY_ROLE)
    conn, tenant_id = transaction.conn, transaction.tenant_id
    if principal_id is not None:
        held = kept.assignments_of(conn, tenant_id, ObjectId(principal_id))
        return tuple(one for one in held if role_id in (None, one.role_definition_id))
    return kept.assignments_to(conn, tenant_id, role_id) if role_id else kept.all_assignments(conn, tenant_id)


def get_role_assignment(transaction: Transaction, assignment_id: str) -> DirectoryRoleAssignment:
    """One of them. Raises NotFound."""
    transaction.permit(Operation.READ_DIRECTORY_ROLE)
    return _find(transaction, assignment_id)


def list_holders(
    transaction: Transaction, assignments: tuple[DirectoryRoleAssignment, ...]
) -> dict[ObjectId, AnyObject]:
    """The principals of some assignments, by their ids."""
    transaction.permit(Operation.READ_DIRECTORY_ROLE)
    found = {one.principal_id: _holder(transaction, one) for one in assignments}
    return {identifier: holder for identifier, holder in found.items() if holder is not None}


def list_principal_roles(transaction: Transaction, key: ObjectKey) -> tuple[DirectoryRoleAssignment, ...]:
    """The directory roles of a service principal. Raises NotFound, Forbidden."""
    transaction.permit(Operation.READ_SERVICE_PRINCIPAL)
    principal = transaction.find(ObjectKind.SERVICE_PRINCIPAL, key)
    return kept.assignments_of(transaction.conn, transaction.tenant_id, principal.id)


def list_object_roles(transaction: Transaction, object_id: str) -> tuple[DirectoryRoleAssignment, ...]:
    """The directory roles of whatever has this id; an application has none. Raises NotFound, Forbidden."""
    found = get_directory_object(transaction, object_id)
    return kept.assignments_of(transaction.conn, transaction.tenant_id, found.id)


def assign_role(transaction: Transaction, decode: Callable[[], RoleAssignmentBody]) -> DirectoryRoleAssignment:
    """Give a role to a person or a service principal. Raises NotFound, Forbidden, Invalid (no such role, or a principal
    that cannot hold one), Unsupported (for a part of the tenant only), Conflict (it is held already)."""
    transaction.attempt(Activity.ADD_MEMBER_TO_ROLE, OperationType.ASSIGN, None, ROLE_MANAGEMENT)
    asked = decode()
    holder = directory_objects.get_any(transaction.conn, transaction.tenant_id, ObjectId(asked.principal_id))
    if holder is None:
        transaction.permit(Operation.WRITE_DIRECTORY_ROLE)
        raise not_found(asked.principal_id)
    transaction.attempt(Activity.ADD_MEMBER_TO_ROLE, OperationType.ASSIGN, target_of(holder), ROLE_MANAGEMENT)
    transaction.permit(Operation.WRITE_DIRECTORY_ROLE)
    role = _definition(asked.role_definition_id)
    if isinstance(holder, Application):
        raise Invalid("A role is held by a user or a service principal; an application object cannot hold one.")
    if asked.directory_scope_id != _EVERYWHERE:
        raise Unsupported(
            "This local tenant gives roles for the whole tenant only. Write '/' as the directoryScopeId.",
            hint=DIVERGENCES,
            target="directoryScopeId",
        )
    assignment = DirectoryRoleAssignment(id=new_assignment_id(), role_definition_id=role.role, principal_id=holder.id)
    try:
        kept.add(transaction.conn, transaction.tenant_id, assignment)
    except Conflict as held:
        raise Invalid(held.message, target=held.target) from held
    transaction.record(*_changed(None, role))
    return assignment


def revoke_role(transaction: Transaction, assignment_id: str) -> None:
    """Withdraw a role. Raises NotFound, Forbidden."""
    transaction.permit(Operation.READ_DIRECTORY_ROLE)
    _withdraw(transaction, _find(transaction, assignment_id))


def remove_member(
    transaction: Transaction, names: Callable[[RoleDefinition], bool], shown: str, principal_id: str
) -> None:
    """The same, told by role and principal. Raises NotFound, Forbidden."""
    role = get_role(transaction, names, shown)
    identifier = canonical_guid(principal_id) or ""
    held = kept.assignments_of(transaction.conn, transaction.tenant_id, ObjectId(identifier))
    assignment = next((one for one in held if one.role_definition_id == role.role), None)
    if assignment is None:
        raise not_found(principal_id)
    _withdraw(transaction, assignment)


def _withdraw(transaction: Transaction, assignment: DirectoryRoleAssignment) -> None:
    holder = _holder(transaction, assignment)
    if holder is None:
        raise not_found(assignment.id)
    transaction.attempt(Activity.REMOVE_MEMBER_FROM_ROLE, OperationType.UNASSIGN, target_of(holder), ROLE_MANAGEMENT)
    transaction.permit(Operation.WRITE_DIRECTORY_ROLE)
    kept.remove(transaction.conn, transaction.tenant_id, assignment.id)
    transaction.record(*_changed(_definition(assignment.role_definition_id), None))


def _find(transaction: Transaction, assignment_id: str) -> DirectoryRoleAssignment:
    found = kept.get(transaction.conn, transaction.tenant_id, assignment_id)
    if found is None:
        raise not_found(assignment_id)
    return found


def _holder(transaction: Transaction, assignment: DirectoryRoleAssignment) -> AnyObject | None:
    return directory_objects.get_any(transaction.conn, transaction.tenant_id, assignment.principal_id)


def _definition(role_id: str) -> RoleDefinition:
    try:
        return ROLE_DEFINITIONS[Role(role_id)]
    except ValueError:
        raise Invalid(
            f"The role definition '{role_id}' does not exist here. GET /roleManagement/directory/roleDefinitions lists "
            "those that do.",
            target="roleDefinitionId",
        ) from None


def _changed(old: RoleDefinition | None, new: RoleDefinition | None) -> tuple[ModifiedProperty, ...]:
    """https://learn.microsoft.com/en-us/entra/identity/monitoring-health/reference-audit-activities"""
    return (
        ModifiedProperty("Role.DisplayName", *(as_json(one.display_name) if one else None for one in (old, new))),
        ModifiedProperty("Role.TemplateId", *(as_json(one.role) if one else None for one in (old, new))),
    )
