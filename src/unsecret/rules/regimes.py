"""What binds which objects of a tenant, asked of the law once for all that are alike.

Which entry governs, and whether it is to be obeyed, is asked of `governing` once for every kind of object, linked
policy and restriction, and whether it includes an object once for every span of time between the dates of entries: a
few thousand questions for the largest tenant.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct

from unsecret.model.application import ObjectKind
from unsecret.model.change import Actor, Governed
from unsecret.model.identifiers import AppId, TenantId
from unsecret.model.policy import AppManagementPolicy, Restriction, RestrictionKind, TenantDefault
from unsecret.rules.governing import binds, governing
from unsecret.rules.restrictions import RULES

_LONG_BEFORE, _LONG_AFTER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

NOT_LINKED = ""
"""What stands for the policy of an object that is linked to none."""


class Law(Struct, frozen=True, kw_only=True):
    """The policies of a tenant and who is asking: nobody exempt, unless said otherwise."""

    tenant_id: TenantId
    verified_domains: tuple[str, ...] = ()
    default: TenantDefault = TenantDefault()
    customs: tuple[AppManagementPolicy, ...] = ()
    actor: Actor = Actor()


class Effective(NamedTuple):
    """An entry that binds, its date aside, and the policy it stands in."""

    policy_id: str
    entry: Restriction


Regime = dict[RestrictionKind, Effective]
"""What binds the objects of one kind that are linked to one policy. Each object's own date is still to be compared."""

Regimes = Mapping[tuple[ObjectKind, str], Regime]
"""By kind of object and linked policy, which is NOT_LINKED for none."""


class Span(NamedTuple):
    """What binds the objects of a regime that were created within this time, its end excluded; None is without end."""

    kind: ObjectKind
    policy: str
    since: datetime | None
    until: datetime | None
    entries: Regime


def regimes(law: Law, linked: Iterable[str]) -> dict[tuple[ObjectKind, str], Regime]:
    """The regime of each kind of object under each of the policies `linked`; under one that the law does not hold, and
    under NOT_LINKED, the tenant's default."""
    customs = {policy.id.lower(): policy for policy in law.customs}
    sections = (law.default.application_restrictions, law.default.service_principal_restrictions)
    mentioned = {entry.kind for one in (*sections, *(policy.restrictions for policy in law.customs)) for entry in one}
    return {
        (kind, policy): _regime(law, kind, customs.get(policy.lower()), mentioned)
        for policy in linked
        for kind in (ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL)
    }


def _regime(
    law: Law, kind: ObjectKind, custom: AppManagementPolicy | None, mentioned: Container[RestrictionKind]
) -> Regime:
    sample = _sample(law, kind, _LONG_AFTER)
    found: Regime = {}
    for rule in (rule for rule in RULES if rule.kind in mentioned):
        decides = governing(rule.kind, law.default, custom, sample)
        if decides and binds(decides[1], sample, law.actor):
            found[rule.kind] = Effective(decides[0].id, decides[1])
    return found


def _sample(law: Law, kind: ObjectKind, created_at: datetime) -> Governed:
    return Governed(kind=kind, tenant_id=law.tenant_id, app_id=AppId(""), created_at=created_at)


def spans(law: Law, found: Regimes, kinds: Collection[RestrictionKind]) -> Iterator[Span]:
    """What the regimes say of `kinds`, each parted at the dates of its entries. Mostly there are none."""
    for (kind, policy), regime in found.items():
        entries = {name: one for name, one in regime.items() if name in kinds}
        dates = {date for one in entries.values() if (date := one.entry.restrict_for_apps_created_after)}
        for since, until in itertools.pairwise((None, *sorted(dates), None)):
            sample = _sample(law, kind, since or _LONG_BEFORE)
            bound = {name: one for name, one in entries.items() if binds(one.entry, sample, law.actor)}
            yield Span(kind, policy, since, until, bound)
