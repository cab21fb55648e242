"""Which entry of which policy governs an object, and whether that entry binds this call.

https://learn.microsoft.com/en-us/graph/api/resources/applicationauthenticationmethodpolicy
"""

from __future__ import annotations

from datetime import UTC, datetime

from unsecret.model.application import ObjectKind
from unsecret.model.change import Actor, Governed
from unsecret.model.policy import (
    CREDENTIAL_GROUPS,
    GROUP_OF,
    ActorExemption,
    AppManagementPolicy,
    Restriction,
    RestrictionGroup,
    RestrictionKind,
    Restrictions,
    RestrictionState,
    TenantDefault,
)

CREATED_WHEN_UNKNOWN = datetime(2019, 1, 1, tzinfo=UTC)
"""Objects without `createdDateTime` count as created on this day (stated on the update pages of both policies)."""

Policy = TenantDefault | AppManagementPolicy


def governing(
    kind: RestrictionKind, default: TenantDefault, custom: AppManagementPolicy | None, governed: Governed
) -> tuple[Policy, Restriction] | None:
    """The policy and the entry that decide about `kind` for this object, or None when nothing does.

    Precedence is per restriction: what the linked, enabled custom policy defines is decided by it alone, even when the
    entry there is disabled or its date spares the object; the rest is decided by the tenant default.
    """
    if governed.kind is ObjectKind.SERVICE_PRINCIPAL and GROUP_OF[kind] not in CREDENTIAL_GROUPS:
        return None
    if custom and custom.is_enabled and (entry := _entry(custom.restrictions, kind)):
        return custom, entry
    if default.is_enabled and (entry := _entry(_section(default, governed.kind), kind)):
        return default, entry
    return None


def binds(restriction: Restriction, governed: Governed, actor: Actor) -> bool:
    """Whether this entry is to be obeyed: it is enabled, its date includes the object, nobody and nothing is exempt."""
    return (
        restriction.state is RestrictionState.ENABLED
        and _covers_age(restriction, governed)
        and not _is_exempt(restriction.exclude_actors, actor)
        and not _is_excluded(restriction, governed)
    )


def _section(default: TenantDefault, kind: ObjectKind) -> Restrictions:
    return (
        default.application_restrictions if kind is ObjectKind.APPLICATION else default.service_principal_restrictions
    )


def _entry(restrictions: Restrictions, kind: RestrictionKind) -> Restriction | None:
    return next((entry for entry in restrictions if entry.kind is kind), None)


def _covers_age(restriction: Restriction, governed: Governed) -> bool:
    """The date includes itself: objects created on or after it are restricted."""
    since = restriction.restrict_for_apps_created_after
    return since is None or (governed.created_at or CREATED_WHEN_UNKNOWN) >= since


def _is_exempt(exemptions: tuple[ActorExemption, ...], actor: Actor) -> bool:
    """One principal of the call that holds one listed value is enough; an exemption without a value exempts nobody."""
    return any(
        exemption.value is not None and attributes.get(exemption.id) == exemption.value
        for exemption in exemptions
        for attributes in actor.attributes
    )


def _is_excluded(restriction: Restriction, governed: Governed) -> bool:
    """The two exclusions that only identifier-URI entries have. An exclusion that was never set excludes nothing."""
    if restriction.group is not RestrictionGroup.IDENTIFIER_URIS:
        return False
    takes_v2_tokens = governed.requested_access_token_version == 2
    return bool(
        (restriction.exclude_apps_receiving_v2_tokens and takes_v2_tokens)
        or (restriction.exclude_saml and governed.signs_in_with_saml)
    )
