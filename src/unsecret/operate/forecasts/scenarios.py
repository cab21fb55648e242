"""What may be put in force, and when: a scenario is a list of phases, each with the policies in force from its day on.

Proposals are made of values, and laid over the policies that the snapshot holds. What a proposal does not mention stays
as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from unsecret.errors import Invalid, NotFound
from unsecret.model.identifiers import PolicyId
from unsecret.model.policy import (
    CREDENTIAL_GROUPS,
    AppManagementPolicy,
    Restriction,
    RestrictionKind,
    Restrictions,
    RestrictionState,
    TenantDefault,
)
from unsecret.model.times_in_words import duration_in_words
from unsecret.operate.forecasts.proposed_policy import proposed
from unsecret.operate.plans.files import bytes_of, read_policies
from unsecret.rules.profiles import PROFILES, proposed_policy
from unsecret.rules.regimes import NOT_LINKED
from unsecret.wire.instants import format_instant
from unsecret.wire.policies import default_policy_from_graph

if TYPE_CHECKING:
    from unsecret.operate.snapshots.snapshot_file import Snapshot

_K = RestrictionKind
AS_IT_IS = "as it is"
EXEMPTION = PolicyId("forecast-exemption")
"""The policy of an application that is exempt: it mentions everything, and forbids nothing."""

NAME_IT = "Name it by its appId, its object id or its display name; `unsecret apps list` shows them."
NAMED = (
    "(list_contains($apps, lower(app_id)) OR list_contains($apps, lower(object_id)) "
    "OR list_contains($apps, lower(display_name)))"
)
"""Whether one of the names in lower case `$apps` is an object's."""


class Policies(Struct, frozen=True, kw_only=True):
    """The policies of a tenant. `moved` says which objects have another custom policy than in the snapshot: object id
    to policy id, or to NOT_LINKED."""

    default: TenantDefault
    customs: tuple[AppManagementPolicy, ...]
    moved: Mapping[str, str] = {}


class Phase(Struct, frozen=True, kw_only=True):
    """What is in force from `starts_at` on."""

    starts_at: datetime
    policies: Policies


class Scenario(Struct, frozen=True, kw_only=True):
    """Phases in order of time; the first begins when the forecast does."""

    name: str
    phases: tuple[Phase, ...]


class Flags(Struct, frozen=True, kw_only=True):
    """A proposal in a few words: no new secrets, or secrets and certificates that live this long at most."""

    block: bool = False
    longest_secret: timedelta | None = None
    longest_certificate: timedelta | None = None

    @property
    def name(self) -> str:
        """What the scenario is called."""
        words = ["block new secrets"] if self.block else []
        if self.longest_secret is not None:
            words.append(f"secrets of {duration_in_words(self.longest_secret)} at most")
        if self.longest_certificate is not None:
            words.append(f"certificates of {duration_in_words(self.longest_certificate)} at most")
        return ", ".join(words)

    @property
    def restrictions(self) -> Restrictions:
        """The entries that say so; the portal keeps secrets and symmetric keys together."""
        blocked = (_K.PASSWORD_ADDITION, _K.SYMMETRIC_KEY_ADDITION) if self.block else ()
        longest = {
            _K.PASSWORD_LIFETIME: self.longest_secret,
            _K.SYMMETRIC_KEY_LIFETIME: self.longest_secret,
            _K.ASYMMETRIC_KEY_LIFETIME: self.longest_certificate,
        }
        limits = tuple(Restriction(kind=kind, max_lifetime=one) for kind, one in longest.items() if one is not None)
        return tuple(Restriction(kind=kind) for kind in blocked) + limits


class Timing(Struct, frozen=True, kw_only=True):
    """From when on a proposal is in force: for all from `start` (None: at once), or until `existing_start` only for
    what was created from `start` on."""

    start: datetime | None = None
    existing_start: datetime | None = None


class Asking(Struct, frozen=True, kw_only=True):
    """What is to be forecast: each file, each profile, and the flags together are a scenario of their own. `exempt`
    names applications."""

    files: tuple[Path, ...] = ()
    profiles: tuple[str, ...] = ()
    flags: Flags = Flags()
    exempt: tuple[str, ...] = ()
    timing: Timing = Timing()


def scenarios(snapshot: Snapshot, asking: Asking, *, now: datetime) -> tuple[Scenario, ...]:
    """The scenarios that are asked for; how it is when nothing is proposed.

    Raises NotFound and Invalid for what is proposed and cannot be.
    """
    before = present(snapshot)
    after = [(file.name, with_file(before, snapshot, file)) for file in asking.files]
    after += [(name, with_profile(before, name)) for name in asking.profiles]
    if asking.flags.restrictions:
        after.append((asking.flags.name, with_flags(before, asking.flags)))
    if not after:
        after = [(AS_IT_IS, before)]
    return tuple(
        scenario(name, before, exempting(policies, snapshot, asking.exempt), asking.timing, now=now)
        for name, policies in after
    )


def present(snapshot: Snapshot) -> Policies:
    """The policies as the snapshot has them."""
    return Policies(default=snapshot.default_policy, customs=snapshot.custom_policies)


def with_flags(policies: Policies, flags: Flags) -> Policies:
    """`policies` with the default saying what `flags` say, too. Raises Invalid for a lifetime of nothing."""
    if any(one is not None and one <= timedelta() for one in (flags.longest_secret, flags.longest_certificate)):
        raise Invalid("A lifetime of nothing forbids everything; to forbid new secrets say --block.")
    return _with_entries(policies, flags.restrictions, flags.restrictions)


def with_profile(policies: Policies, name: str) -> Policies:
    """`policies` with the default meeting a profile, such as `cisa`. Raises NotFound."""
    if (profile := PROFILES.get(name)) is None:
        raise NotFound(f"There is no profile '{name}'; there are {', '.join(PROFILES)}.")
    asked = proposed_policy(profile)
    return _with_entries(policies, asked.application_restrictions, asked.service_principal_restrictions)


def with_file(policies: Policies, snapshot: Snapshot, file: Path) -> Policies:
    """What a policy file in TOML makes of them, or a body of the default policy in Graph's JSON.

    Raises NotFound and Invalid, naming what is wrong in the file.
    """
    if file.suffix.lower() == ".json":
        try:
            body = msgspec.json.decode(bytes_of(file))
        except msgspec.DecodeError as problem:
            raise Invalid(f"{file} is not JSON: {problem}.") from None
        return replace(policies, default=default_policy_from_graph(body, current=policies.default, beta=True))
    proposal = proposed(read_policies(file), snapshot)
    linked = snapshot.database.execute(
        "SELECT object_id, custom_policy_id FROM objects WHERE custom_policy_id IS NOT NULL"
    ).fetchall()
    before, after = {str(target): str(policy) for target, policy in linked}, dict(proposal.assigned)
    moved = {target: NOT_LINKED for target in before if target not in after}
    moved |= {str(target): str(policy) for target, policy in after.items() if before.get(target) != policy}
    return Policies(default=proposal.default, customs=proposal.policies, moved=moved)


def exempting(policies: Policies, snapshot: Snapshot, apps: Iterable[str]) -> Policies:
    """`policies`, of which none binds the objects of these applications: appIds, object ids or display names.

    Raises NotFound.
    """
    object_ids = [object_id for app in apps for object_id in _objects_of(snapshot, app)]
    nothing = tuple(Restriction(kind=kind, state=RestrictionState.DISABLED) for kind in RestrictionKind)
    exemption = AppManagementPolicy(id=EXEMPTION, display_name="exempt", is_enabled=True, restrictions=nothing)
    moved = {**policies.moved, **dict.fromkeys(object_ids, EXEMPTION)}
    return replace(policies, customs=(*policies.customs, exemption), moved=moved) if object_ids else policies


def _objects_of(snapshot: Snapshot, app: str) -> list[str]:
    rows = snapshot.database.execute(
        f"SELECT object_id FROM objects WHERE app IN (SELECT app FROM objects WHERE {NAMED})", {"apps": [app.lower()]}
    ).fetchall()
    if not rows:
        raise NotFound(f"There is no application '{app}'.", hint=NAME_IT)
    return [object_id for (object_id,) in rows]


def scenario(name: str, before: Policies, after: Policies, timing: Timing, *, now: datetime) -> Scenario:
    """`before`, until the proposal `after` comes into force as `timing` says. Raises Invalid for days the wrong way
    round."""
    start, existing = timing.start or now, timing.existing_start
    if existing is not None and existing <= start:
        raise Invalid("What exists already cannot be bound before what is new.")
    phases = [Phase(starts_at=now, policies=before)]
    if existing is None:
        phases.append(Phase(starts_at=start, policies=after))
    else:
        phases.append(Phase(starts_at=start, policies=_for_newcomers(before, after, start)))
        phases.append(Phase(starts_at=existing, policies=after))
    begun = [one for one in phases if one.starts_at <= now][-1:]
    ahead = [one for one in phases if one.starts_at > now]
    when = [f"from {format_instant(start)[:10]}"] if timing.start else []
    when += [f"what exists from {format_instant(existing)[:10]}"] if existing else []
    phases = [replace(one, starts_at=max(one.starts_at, now)) for one in (*begun, *ahead)]
    return Scenario(name=", ".join((name, *when)), phases=tuple(phases))


def _with_entries(
    policies: Policies, applications: Sequence[Restriction], principals: Sequence[Restriction]
) -> Policies:
    default = policies.default
    changed = replace(
        default,
        is_enabled=True,
        application_restrictions=_replaced(default.application_restrictions, applications),
        service_principal_restrictions=_replaced(
            default.service_principal_restrictions, [one for one in principals if one.group in CREDENTIAL_GROUPS]
        ),
    )
    return replace(policies, default=changed)


def _replaced(old: Restrictions, new: Sequence[Restriction]) -> Restrictions:
    """Entries of a kind that is there already keep whom they exempt."""
    exempt = {one.kind: one.exclude_actors for one in old}
    kinds = {one.kind for one in new}
    kept = tuple(one for one in old if one.kind not in kinds)
    return kept + tuple(replace(one, exclude_actors=exempt.get(one.kind, ())) for one in new)


def _for_newcomers(before: Policies, after: Policies, since: datetime) -> Policies:
    """`after`, with every entry that `before` does not have binding only what is created from `since` on."""
    known = {policy.id: policy.restrictions for policy in before.customs if policy.is_enabled}
    old = before.default if before.default.is_enabled else TenantDefault()
    new = after.default
    return replace(
        after,
        default=replace(
            new,
            application_restrictions=_later(old.application_restrictions, new.application_restrictions, since),
            service_principal_restrictions=_later(
                old.service_principal_restrictions, new.service_principal_restrictions, since
            ),
        ),
        customs=tuple(
            replace(policy, restrictions=_later(known.get(policy.id, ()), policy.restrictions, since))
            for policy in after.customs
        ),
    )


def _later(before: Restrictions, after: Restrictions, since: datetime) -> Restrictions:
    def later(entry: Restriction) -> Restriction:
        start = max(entry.restrict_for_apps_created_after or since, since)
        return replace(entry, restrict_for_apps_created_after=start)

    return tuple(entry if entry in before else later(entry) for entry in after)
