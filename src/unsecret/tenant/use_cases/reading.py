"""Look things up, once the caller may. Each function runs on one snapshot of the directory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from unsecret.model.application import (
    DirectoryObject,
    ObjectKind,
    Tenant,
)
from unsecret.model.event import AuditEvent, SignIn
from unsecret.model.identifiers import ObjectId, PolicyId, canonical_guid
from unsecret.model.people import AnyObject
from unsecret.model.policy import AppManagementPolicy, CertificateBasedApplicationConfiguration, TenantDefault
from unsecret.model.query import Comparison, Operator, Page, Query
from unsecret.rules.permission import Operation
from unsecret.store import consent, directory_objects, directory_roles, federation, links, logs, policies, tenants
from unsecret.tenant.use_cases.app_roles import named
from unsecret.tenant.use_cases.attributes import permitted_question
from unsecret.tenant.use_cases.policies import find_policy, find_trusted_configuration
from unsecret.tenant.use_cases.transaction import ObjectKey, Transaction, not_found

T = TypeVar("T")

MOST_EXPANDED = 20
"""https://learn.microsoft.com/en-us/graph/query-parameters#expand-parameter"""

_READ = {
    ObjectKind.APPLICATION: Operation.READ_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Operation.READ_SERVICE_PRINCIPAL,
    ObjectKind.USER: Operation.READ_USER,
}


def get_object(
    transaction: Transaction, kind: ObjectKind, key: ObjectKey, *, with_attributes: bool = False
) -> DirectoryObject:
    """One application or service principal; `with_attributes` when its custom security attributes are to be shown.

    Raises Forbidden, NotFound.
    """
    permit_reading(transaction, kind, with_attributes=with_attributes)
    return transaction.find(kind, key)


def get_shaped(transaction: Transaction, kind: ObjectKind, key: ObjectKey, shape: Callable[[DirectoryObject], T]) -> T:
    """What `shape` makes of one application or service principal without its custom security attributes, as
    `Transaction.find_shaped` does. Raises as `get_object` does."""
    permit_reading(transaction, kind, with_attributes=False)
    return transaction.find_shaped(kind, key, shape)


def list_objects(
    transaction: Transaction, kind: ObjectKind, query: Query, *, with_attributes: bool = False
) -> Page[DirectoryObject]:
    """A page of applications or service principals; `with_attributes` as for `get_object`.

    Raises Forbidden, Invalid (a filter that Graph has not).
    """
    permit_reading(transaction, kind, with_attributes=with_attributes)
    asked = permitted_question(transaction, query)
    return directory_objects.list(transaction.conn, transaction.tenant_id, kind, asked)


def permit_reading(transaction: Transaction, kind: ObjectKind, *, with_attributes: bool) -> None:
    """Custom security attributes have a permission of their own, besides the one to read the object."""
    transaction.permit(_READ[kind])
    if with_attributes:
        transaction.permit(Operation.READ_CUSTOM_SECURITY_ATTRIBUTES)


def get_directory_object(transaction: Transaction, object_id: str) -> AnyObject:
    """Any object by its id. Raises Forbidden, NotFound."""
    transaction.permit(Operation.READ_DIRECTORY_OBJECT)
    guid = canonical_guid(object_id)
    found = directory_objects.get_any(transaction.conn, transaction.tenant_id, ObjectId(guid)) if guid else None
    if found is None:
        raise not_found(object_id)
    return found


def get_by_ids(transaction: Transaction, ids: tuple[str, ...], kinds: Collection[ObjectKind]) -> tuple[AnyObject, ...]:
    """The objects with these ids that are of these kinds, each once however often it is named: one may be as long as a
    megabyte. Those that are not there are left out, as Graph does."""
    transaction.permit(Operation.READ_DIRECTORY_OBJECT)
    guids = dict.fromkeys(guid for guid in map(canonical_guid, ids) if guid)
    found = (directory_objects.get_any(transaction.conn, transaction.tenant_id, ObjectId(guid)) for guid in guids)
    return tuple(obj for obj in found if obj is not None and obj.kind in kinds)


def list_owners(transaction: Transaction, kind: ObjectKind, key: ObjectKey) -> tuple[AnyObject, ...]:
    """Who owns an object."""
    return links.owners(transaction.conn, transaction.tenant_id, get_object(transaction, kind, key).id)


def list_linked(
    transaction: Transaction, kind: ObjectKind, objects: Sequence[DirectoryObject], names: Sequence[str]
) -> dict[ObjectId, dict[str, tuple[Any, ...]]]:
    """What hangs on each of `objects` by the relationships `names`: twenty of each at most, as Graph expands.

    Raises Forbidden for a relationship that needs a permission of its own.
    """
    for name in names:
        transaction.permit(_READ_LINK.get(name, _READ[kind]))
    return {obj.id: {name: _LINKED[name](transaction, obj.id)[:MOST_EXPANDED] for name in names} for obj in objects}


def list_owned_objects(
    transaction: Transaction, key: ObjectKey, query: Query, kind: ObjectKind | None
) -> Page[AnyObject]:
    """What a service principal owns."""
    principal = get_object(transaction, ObjectKind.SERVICE_PRINCIPAL, key)
    return links.owned_objects(transaction.conn, transaction.tenant_id, principal.id, query, kind)


def _policies_of(transaction: Transaction, object_id: ObjectId) -> tuple[AppManagementPolicy, ...]:
    policy = policies.policy_of(transaction.conn, transaction.tenant_id, object_id)
    return (policy,) if policy else ()


_LINKED: dict[str, Callable[[Transaction, ObjectId], tuple[Any, ...]]] = {
    "owners": lambda do, of: links.owners(do.conn, do.tenant_id, of),
    "appManagementPolicies": _policies_of,
    "federatedIdentityCredentials": lambda do, of: federation.federated_credentials_of(do.conn, do.tenant_id, of),
    "appRoleAssignments": lambda do, of: named(do, links.app_role_assignments(do.conn, do.tenant_id, of)),
    "appRoleAssignedTo": lambda do, of: named(do, links.app_role_assigned_to(do.conn, do.tenant_id, of)),
    "oauth2PermissionGrants": lambda do, of: consent.grants_of_client(do.conn, do.tenant_id, of),
    "memberOf": lambda do, of: directory_roles.assignments_of(do.conn, do.tenant_id, of),
}
_READ_LINK = {
    "appManagementPolicies": Operation.READ_ASSIGNED_POLICY,
    "appRoleAssignments": Operation.READ_APP_ROLE_ASSIGNMENT,
    "appRoleAssignedTo": Operation.READ_APP_ROLE_ASSIGNMENT,
    "oauth2PermissionGrants": Operation.READ_PERMISSION_GRANT,
}


def get_default_policy(transaction: Transaction) -> TenantDefault:
    """The tenant's default policy; there always is one."""
    transaction.permit(Operation.READ_POLICY)
    return policies.get_default(transaction.conn, transaction.tenant_id)


def get_policy(transaction: Transaction, policy_id: str) -> AppManagementPolicy:
    """One custom policy."""
    transaction.permit(Operation.READ_POLICY)
    return find_policy(transaction, policy_id)


def list_policies(transaction: Transaction, query: Query) -> Page[AppManagementPolicy]:
    """A page of custom policies."""
    transaction.permit(Operation.READ_POLICY)
    return policies.list_policies(transaction.conn, transaction.tenant_id, query)


def list_applies_to(transaction: Transaction, policy_id: str, query: Query) -> Page[AnyObject]:
    """The objects that a custom policy is linked to."""
    transaction.permit(Operation.READ_APPLIES_TO)
    policy = find_policy(transaction, policy_id)
    return policies.applies_to(transaction.conn, transaction.tenant_id, policy.id, query)


def list_bound(transaction: Transaction, found: Sequence[AppManagementPolicy]) -> dict[PolicyId, tuple[AnyObject, ...]]:
    """The first of what each custom policy is linked to."""
    transaction.permit(Operation.READ_APPLIES_TO)
    first = Query(top=MOST_EXPANDED)
    conn, tenant_id = transaction.conn, transaction.tenant_id
    return {policy.id: policies.applies_to(conn, tenant_id, policy.id, first).items for policy in found}


def list_assigned_policies(
    transaction: Transaction, kind: ObjectKind, key: ObjectKey
) -> tuple[AppManagementPolicy, ...]:
    """The custom policy of an object: none or one."""
    transaction.permit(Operation.READ_ASSIGNED_POLICY)
    return _policies_of(transaction, transaction.find(kind, key).id)


def list_trusted_configurations(transaction: Transaction) -> tuple[CertificateBasedApplicationConfiguration, ...]:
    """The tenant's lists of certificate authorities."""
    transaction.permit(Operation.READ_TRUSTED_AUTHORITY)
    return policies.list_trusted_configurations(transaction.conn, transaction.tenant_id)


def get_trusted_configuration(
    transaction: Transaction, configuration_id: str
) -> CertificateBasedApplicationConfiguration:
    """One list of certificate authorities."""
    transaction.permit(Operation.READ_TRUSTED_AUTHORITY)
    return find_trusted_configuration(transaction, configuration_id)


def get_organization(transaction: Transaction) -> Tenant:
    """The tenant itself."""
    transaction.permit(Operation.READ_ORGANIZATION)
    tenant = tenants.get_tenant(transaction.conn, transaction.tenant_id)
    if tenant is None:
        raise not_found(transaction.tenant_id)
    return tenant


def list_audits(transaction: Transaction, query: Query) -> Page[AuditEvent]:
    """A page of directory audits, newest first."""
    transaction.permit(Operation.READ_AUDIT_LOG)
    return logs.list_audits(transaction.conn, transaction.tenant_id, query)


def list_sign_ins(transaction: Transaction, query: Query) -> Page[SignIn]:
    """A page of sign-ins, newest first."""
    transaction.permit(Operation.READ_SIGN_IN_LOG)
    return logs.list_sign_ins(transaction.conn, transaction.tenant_id, query)


def get_audit(transaction: Transaction, event_id: str) -> AuditEvent:
    """One directory audit."""
    return _only(list_audits(transaction, _by_id(event_id)), event_id)


def get_sign_in(transaction: Transaction, sign_in_id: str) -> SignIn:
    """One sign-in."""
    return _only(list_sign_ins(transaction, _by_id(sign_in_id)), sign_in_id)


def _by_id(identifier: str) -> Query:
    return Query(filter=Comparison("id", Operator.EQ, identifier), top=1)


def _only(page: Page[T], identifier: str) -> T:
    if not page.items:
        raise not_found(identifier)
    return page.items[0]
