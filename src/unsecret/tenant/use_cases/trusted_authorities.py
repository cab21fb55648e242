"""The authorities of a list that certificates can be held to, one by one (beta).

https://learn.microsoft.com/en-us/graph/api/resources/certificateauthorityasentity?view=graph-rest-beta. A list is never
empty: a policy that points to an empty one would refuse every certificate.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import msgspec

from unsecret.errors import Invalid
from unsecret.model.event import Activity, OperationType, Target
from unsecret.model.policy import CertificateBasedApplicationConfiguration, TrustedAuthority
from unsecret.rules.permission import Operation
from unsecret.store import policies
from unsecret.tenant.use_cases.policies import find_trusted_configuration
from unsecret.tenant.use_cases.transaction import POLICY, Transaction, not_found
from unsecret.wire.trusted_authorities import MOST_AUTHORITIES

Configuration = CertificateBasedApplicationConfiguration
_AUTHORITIES = "trustedCertificateAuthorities"


def update_trusted_configuration(
    transaction: Transaction, configuration_id: str, merge: Callable[[Configuration], Configuration]
) -> Configuration:
    """Change the name or the description of a list. Raises NotFound, Forbidden, Invalid."""
    configuration = _to_change(transaction, configuration_id)
    return _store(transaction, merge(configuration))


def list_trusted_authorities(transaction: Transaction, configuration_id: str) -> tuple[TrustedAuthority, ...]:
    """The authorities of a list. Raises NotFound, Forbidden."""
    transaction.permit(Operation.READ_TRUSTED_AUTHORITY)
    return find_trusted_configuration(transaction, configuration_id).trusted_certificate_authorities


def get_trusted_authority(transaction: Transaction, configuration_id: str, authority_id: str) -> TrustedAuthority:
    """One of them. Raises NotFound, Forbidden."""
    transaction.permit(Operation.READ_TRUSTED_AUTHORITY)
    return _named(find_trusted_configuration(transaction, configuration_id), authority_id)


def create_trusted_authority(
    transaction: Transaction, configuration_id: str, decode: Callable[[], TrustedAuthority]
) -> TrustedAuthority:
    """Trust one more. Raises NotFound, Forbidden, Invalid (the list is full)."""
    configuration = _to_change(transaction, configuration_id)
    made = msgspec.structs.replace(decode(), id=str(uuid.uuid4()))
    _store(transaction, _holding(configuration, (*configuration.trusted_certificate_authorities, made)))
    return made


def update_trusted_authority(
    transaction: Transaction,
    configuration_id: str,
    authority_id: str,
    merge: Callable[[TrustedAuthority], TrustedAuthority],
) -> TrustedAuthority:
    """Change one. Raises NotFound, Forbidden, Invalid."""
    configuration = _to_change(transaction, configuration_id)
    present = _named(configuration, authority_id)
    changed = merge(present)
    kept = (changed if one is present else one for one in configuration.trusted_certificate_authorities)
    _store(transaction, _holding(configuration, tuple(kept)))
    return changed


def delete_trusted_authority(transaction: Transaction, configuration_id: str, authority_id: str) -> None:
    """Trust one no longer. Raises NotFound, Forbidden, Invalid (it is the last)."""
    configuration = _to_change(transaction, configuration_id)
    gone = _named(configuration, authority_id)
    kept = tuple(one for one in configuration.trusted_certificate_authorities if one is not gone)
    _store(transaction, _holding(configuration, kept))


def _to_change(transaction: Transaction, configuration_id: str) -> Configuration:
    configuration = find_trusted_configuration(transaction, configuration_id)
    target = Target(id=configuration.id, display_name=configuration.display_name, type="Policy")
    transaction.attempt(Activity.UPDATE_TRUSTED_AUTHORITIES, OperationType.UPDATE, target, POLICY)
    transaction.permit(Operation.WRITE_TRUSTED_AUTHORITY)
    return configuration


def _holding(configuration: Configuration, authorities: tuple[TrustedAuthority, ...]) -> Configuration:
    if not 1 <= len(authorities) <= MOST_AUTHORITIES:
        raise Invalid(
            f"'{_AUTHORITIES}' must hold at least one and at most {MOST_AUTHORITIES} authorities.", target=_AUTHORITIES
        )
    return msgspec.structs.replace(configuration, trusted_certificate_authorities=authorities)


def _store(transaction: Transaction, configuration: Configuration) -> Configuration:
    policies.replace_trusted_configuration(transaction.conn, transaction.tenant_id, configuration)
    transaction.record()
    return configuration


def _named(configuration: Configuration, authority_id: str) -> TrustedAuthority:
    wanted = authority_id.casefold()
    for authority in configuration.trusted_certificate_authorities:
        if authority.id and authority.id == wanted:
            return authority
    raise not_found(authority_id)
