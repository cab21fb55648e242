"""Which restrictions govern an object, from which policy, and whether they bind it: `rules.governing` in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from unsecret.model.application import ObjectKind
from unsecret.model.change import Actor, Governed
from unsecret.model.identifiers import AppId, TenantId
from unsecret.model.policy import AppManagementPolicy, Restriction, RestrictionKind, RestrictionState, TenantDefault
from unsecret.model.times_in_words import duration_in_words
from unsecret.operate.policies.entries import TENANT_DEFAULT
from unsecret.rules.governing import CREATED_WHEN_UNKNOWN, Policy, binds, governing
from unsecret.rules.restriction_words import restriction_in_words
from unsecret.wire.instants import format_instant

ANYBODY = Actor()
"""A caller whom no exemption names."""

_K = RestrictionKind


class Restricted(Struct, frozen=True, kw_only=True):
    """One restriction that a policy holds for an object. `policy` is the policy's name; `why_not` says why it does not
    bind this object, None when it does."""

    kind: RestrictionKind
    what: str
    policy_id: str
    policy: str
    is_custom: bool
    says: str
    max_lifetime: timedelta | None = None
    why_not: str | None = None


class NewSecrets(Struct, frozen=True, kw_only=True):
    """What may be done on a face: `says` is `blocked`, `allowed` or how long a secret may live. `policy` is the name of
    the policy that says so, None where none does."""

    on: ObjectKind
    says: str
    policy: str | None = None


def face(
    kind: ObjectKind,
    *,
    tenant_id: str,
    app_id: str,
    created_at: datetime | None,
    domains: Iterable[str] = (),
    requested_access_token_version: int | None = None,
    signs_in_with_saml: bool = False,
) -> Governed:
    """An object as the law sees it."""
    return Governed(
        requested_access_token_version=requested_access_token_version,
        signs_in_with_saml=signs_in_with_saml,
        kind=kind,
        tenant_id=TenantId(tenant_id),
        app_id=AppId(app_id),
        created_at=created_at,
        verified_domains=tuple(domains),
    )


def restrictions_on(
    default: TenantDefault, custom: AppManagementPolicy | None, governed: Governed, actor: Actor = ANYBODY
) -> Iterator[Restricted]:
    """Every restriction that decides about this object, in Graph's order of kinds."""
    for kind in RestrictionKind:
        if found := governing(kind, default, custom, governed):
            yield _restricted(kind, *found, governed, actor)


def new_secrets(default: TenantDefault, custom: AppManagementPolicy | None, governed: Governed) -> NewSecrets:
    """What the policies say about a new client secret on this object."""
    bound = {one.kind: one for one in restrictions_on(default, custom, governed) if one.why_not is None}
    if block := bound.get(_K.PASSWORD_ADDITION):
        return NewSecrets(on=governed.kind, says="blocked", policy=block.policy)
    if limit := bound.get(_K.PASSWORD_LIFETIME):
        return NewSecrets(on=governed.kind, says=limit.says, policy=limit.policy)
    return NewSecrets(on=governed.kind, says="allowed")


def policy_name(policy: Policy) -> str:
    """What people call a policy."""
    return f"'{policy.display_name}'" if isinstance(policy, AppManagementPolicy) else f"the {TENANT_DEFAULT}"


def _restricted(
    kind: RestrictionKind, policy: Policy, entry: Restriction, governed: Governed, actor: Actor
) -> Restricted:
    return Restricted(
        kind=kind,
        what=restriction_in_words(kind),
        policy_id=policy.id,
        policy=policy_name(policy),
        is_custom=isinstance(policy, AppManagementPolicy),
        says=f"at most {duration_in_words(entry.max_lifetime)}" if entry.max_lifetime is not None else "not allowed",
        max_lifetime=entry.max_lifetime,
        why_not=None if binds(entry, governed, actor) else _why_not(entry, governed),
    )


def _why_not(entry: Restriction, governed: Governed) -> str:
    if entry.state is RestrictionState.DISABLED:
        return "the entry is disabled"
    since = entry.restrict_for_apps_created_after
    if since and (governed.created_at or CREATED_WHEN_UNKNOWN) < since:
        return f"only what was created from {format_instant(since)} is bound"
    return "an exemption applies"
