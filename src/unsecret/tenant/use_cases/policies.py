"""App management policies: the tenant's default, the custom ones, and what they are linked to.

https://learn.microsoft.com/en-us/graph/api/tenantappmanagementpolicy-update
https://learn.microsoft.com/en-us/graph/api/appmanagementpolicy-post-appliesto
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import msgspec

from unsecret.errors import Conflict, Invalid
from unsecret.model.application import ObjectKind
from unsecret.model.event import Activity, OperationType, Target
from unsecret.model.identifiers import ZERO_GUID, ObjectId, PolicyId, canonical_guid
from unsecret.model.policy import (
    LIFETIME_KINDS,
    AppManagementPolicy,
    CertificateBasedApplicationConfiguration,
    RestrictionKind,
    Restrictions,
    TenantDefault,
)
from unsecret.rules.permission import Operation
from unsecret.store import policies
from unsecret.tenant.use_cases.transaction import POLICY, ObjectKey, Transaction, not_found
from unsecret.wire.logs import policy_properties
from unsecret.wire.trusted_authorities import TrustedConfigurationBody

_ASSIGN = {
    ObjectKind.APPLICATION: Activity.ADD_POLICY_TO_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Activity.ADD_POLICY_TO_SERVICE_PRINCIPAL,
}
_UNASSIGN = {
    ObjectKind.APPLICATION: Activity.REMOVE_POLICY_FROM_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Activity.REMOVE_POLICY_FROM_SERVICE_PRINCIPAL,
}


def update_default_policy(transaction: Transaction, merge: Callable[[TenantDefault], TenantDefault]) -> None:
    """Change the tenant's default policy. `merge` turns the stored policy into the wanted one; it is called
    inside the transaction, so that two administrators who write at once lose nothing.

    Raises Forbidden, Invalid. The policy's id becomes a real one at the first write.
    """
    before = policies.get_default(transaction.conn, transaction.tenant_id)
    transaction.attempt(Activity.UPDATE_POLICY, OperationType.UPDATE, _policy_target(before), POLICY)
    transaction.permit(Operation.WRITE_DEFAULT_POLICY)
    after = merge(before)
    if after.id == ZERO_GUID:
        after = msgspec.structs.replace(after, id=PolicyId(str(uuid.uuid4())))
    _require_measures(_entries(before), after)
    _require_known_authorities(transaction, after)
    policies.put_default(transaction.conn, transaction.tenant_id, after)
    transaction.record(*policy_properties(before, after), target=_policy_target(after))


def create_policy(transaction: Transaction, decode: Callable[[PolicyId], AppManagementPolicy]) -> AppManagementPolicy:
    """Make a custom policy. Raises Forbidden, Invalid."""
    policy_id = PolicyId(str(uuid.uuid4()))
    unread = Target(id=policy_id, display_name=None, type=POLICY)
    transaction.attempt(Activity.ADD_POLICY, OperationType.ADD, unread, POLICY)
    policy = decode(policy_id)
    transaction.attempt(Activity.ADD_POLICY, OperationType.ADD, _policy_target(policy), POLICY)
    transaction.permit(Operation.WRITE_POLICY)
    _require_measures((), policy)
    _require_known_authorities(transaction, policy)
    policies.add_policy(transaction.conn, transaction.tenant_id, policy)
    transaction.record(*policy_properties(None, policy))
    return policy


def update_policy(
    transaction: Transaction, policy_id: str, merge: Callable[[AppManagementPolicy], AppManagementPolicy]
) -> None:
    """Change a custom policy. Raises NotFound, Forbidden, Invalid."""
    before = find_policy(transaction, policy_id)
    transaction.attempt(Activity.UPDATE_POLICY, OperationType.UPDATE, _policy_target(before), POLICY)
    transaction.permit(Operation.WRITE_POLICY)
    after = merge(before)
    _require_measures(_entries(before), after)
    _require_known_authorities(transaction, after)
    policies.replace_policy(transaction.conn, transaction.tenant_id, after)
    transaction.record(*policy_properties(before, after))


def delete_policy(transaction: Transaction, policy_id: str) -> None:
    """Delete a custom policy; what it was linked to follows the tenant's default again."""
    policy = find_policy(transaction, policy_id)
    transaction.attempt(Activity.DELETE_POLICY, OperationType.DELETE, _policy_target(policy), POLICY)
    transaction.permit(Operation.WRITE_POLICY)
    policies.delete_policy(transaction.conn, transaction.tenant_id, policy.id)
    transaction.record(*policy_properties(policy, None))


def find_policy(transaction: Transaction, policy_id: str) -> AppManagementPolicy:
    """The custom policy with this id. Raises NotFound."""
    guid = canonical_guid(policy_id)
    policy = policies.get_policy(transaction.conn, transaction.tenant_id, PolicyId(guid)) if guid else None
    if policy is None:
        raise not_found(policy_id)
    return policy


def assign_policy(transaction: Transaction, kind: ObjectKind, key: ObjectKey, decode: Callable[[], str]) -> None:
    """Link a custom policy to an application or service principal, which can have one.

    Raises NotFound, Forbidden, Invalid (it has this or another one already: Graph answers both with 400).
    """
    target = transaction.find(kind, key)
    transaction.attempt_on(target, _ASSIGN[kind], OperationType.ASSIGN)
    transaction.permit(Operation.ASSIGN_POLICY)
    policy = find_policy(transaction, decode())
    try:
        policies.link(transaction.conn, transaction.tenant_id, policy.id, target.id)
    except Conflict as taken:
        present = policies.policy_of(transaction.conn, transaction.tenant_id, target.id)
        raise _assigned_already(policy, present, target.display_name) from taken
    transaction.record(*policy_properties(None, policy))


def _assigned_already(policy: AppManagementPolicy, present: AppManagementPolicy | None, name: str | None) -> Invalid:
    """Graph's words first. For the same policy once more they are those that CIPP takes as a success
    (https://github.com/KelvinTegelaar/CIPP-API, Update-AppManagementPolicy); for another one those of a sibling link
    (https://github.com/microsoftgraph/microsoft-graph-docs/issues/21746)."""
    if present is not None and present.id == policy.id:
        return Invalid(
            "One or more added object references already exist for the following modified properties: "
            "'appManagementPolicies'."
        )
    return Invalid(
        "Request contains property changes that would result in property-uniqueness violation(s). Please retry your "
        f"request with corrected values. A policy is already assigned to '{name}'"
        f"{f': {present.display_name!r} ({present.id})' if present else ''}. "
        "An application can have one app management policy: remove that assignment first.",
        code="Request_MultipleObjectsWithSameKeyValue",
    )


def unassign_policy(transaction: Transaction, kind: ObjectKind, key: ObjectKey, policy_id: str) -> None:
    """Take a custom policy off; the object follows the tenant's default again. Raises NotFound, Forbidden."""
    target = transaction.find(kind, key)
    transaction.attempt_on(target, _UNASSIGN[kind], OperationType.UNASSIGN)
    transaction.permit(Operation.ASSIGN_POLICY)
    policy = find_policy(transaction, policy_id)
    if not policies.unlink(transaction.conn, transaction.tenant_id, policy.id, target.id):
        raise not_found(policy_id)
    transaction.record(*policy_properties(policy, None))


def _policy_target(policy: TenantDefault | AppManagementPolicy | CertificateBasedApplicationConfiguration) -> Target:
    return Target(id=policy.id, display_name=policy.display_name, type="Policy")


def _entries(policy: TenantDefault | AppManagementPolicy) -> Restrictions:
    if isinstance(policy, TenantDefault):
        return policy.application_restrictions + policy.service_principal_restrictions
    return policy.restrictions


def _require_measures(before: Restrictions, after: TenantDefault | AppManagementPolicy) -> None:
    """A lifetime needs its measure even where it is disabled: CIPP could make no exemption from one without
    (https://github.com/CyberDrain/CIPP/pull/448). What was kept so already may be sent back. Raises Invalid."""
    for entry in _entries(after):
        if entry.kind in LIFETIME_KINDS and entry.max_lifetime is None and entry not in before:
            raise Invalid(
                f"Property 'maxLifetime' is required for {entry.kind}, even for a disabled one; "
                "give a duration such as P90D.",
                target="maxLifetime",
            )


# -- trusted certificate authorities (beta) ------------------------------------------------------------------------

MOST_CONFIGURATIONS = 100
"""A tenant's limit of certificateBasedApplicationConfigurations."""


def _require_known_authorities(transaction: Transaction, policy: TenantDefault | AppManagementPolicy) -> None:
    """A restriction that points to a list of authorities which is not there would refuse every certificate."""
    wanted = {
        configuration_id
        for entry in _entries(policy)
        if entry.kind is RestrictionKind.TRUSTED_CERTIFICATE_AUTHORITY
        for configuration_id in entry.certificate_based_application_configuration_ids
    }
    if not wanted:
        return
    known = {
        configuration.id
        for configuration in policies.list_trusted_configurations(transaction.conn, transaction.tenant_id)
    }
    for configuration_id in sorted(wanted - known):
        raise Invalid(
            f"There is no certificateBasedApplicationConfiguration with the id '{configuration_id}'. "
            "Create it first under /directory/certificateAuthorities.",
            target="certificateBasedApplicationConfigurationIds",
        )


def create_trusted_configuration(
    transaction: Transaction, decode: Callable[[], TrustedConfigurationBody]
) -> CertificateBasedApplicationConfiguration:
    """Keep a list of certificate authorities that policies can point to. Raises Forbidden, Invalid (limit)."""
    made_id = ObjectId(str(uuid.uuid4()))
    unread = Target(id=made_id, display_name=None, type=POLICY)
    transaction.attempt(Activity.ADD_TRUSTED_AUTHORITIES, OperationType.ADD, unread, POLICY)
    asked = decode()
    configuration = CertificateBasedApplicationConfiguration(
        id=made_id,
        display_name=asked.display_name,
        description=asked.description,
        trusted_certificate_authorities=tuple(
            msgspec.structs.replace(authority, id=str(uuid.uuid4()))
            for authority in asked.trusted_certificate_authorities
        ),
    )
    transaction.attempt(Activity.ADD_TRUSTED_AUTHORITIES, OperationType.ADD, _policy_target(configuration), POLICY)
    transaction.permit(Operation.WRITE_TRUSTED_AUTHORITY)
    present = policies.list_trusted_configurations(transaction.conn, transaction.tenant_id)
    if len(present) >= MOST_CONFIGURATIONS:
        raise Invalid(f"A tenant can have {MOST_CONFIGURATIONS} certificateBasedApplicationConfigurations.")
    policies.add_trusted_configuration(transaction.conn, transaction.tenant_id, configuration)
    transaction.record()
    return configuration


def delete_trusted_configuration(transaction: Transaction, configuration_id: str) -> None:
    """Delete a list of authorities. Raises NotFound, Forbidden."""
    configuration = find_trusted_configuration(transaction, configuration_id)
    transaction.attempt(
        Activity.DELETE_TRUSTED_AUTHORITIES, OperationType.DELETE, _policy_target(configuration), POLICY
    )
    transaction.permit(Operation.WRITE_TRUSTED_AUTHORITY)
    policies.delete_trusted_configuration(transaction.conn, transaction.tenant_id, configuration.id)
    transaction.record()


def find_trusted_configuration(
    transaction: Transaction, configuration_id: str
) -> CertificateBasedApplicationConfiguration:
    """The list of authorities with this id. Raises NotFound."""
    guid = canonical_guid(configuration_id)
    conn, tenant_id = transaction.conn, transaction.tenant_id
    configuration = policies.get_trusted_configuration(conn, tenant_id, ObjectId(guid)) if guid else None
    if configuration is None:
        raise not_found(configuration_id)
    return configuration
