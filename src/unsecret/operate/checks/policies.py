"""Where policies fall short of a profile: the tenant default, and every custom policy that weakens it for somebody.

Each kind of object is asked about with each custom policy that anything of its kind is linked to, and without one:
`rules.shortfalls` answers from what governs it. Here faults of the same entries are put together, and whom they concern
is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.model.application import FACES, ObjectKind
from unsecret.model.policy import AppManagementPolicy, RestrictionState, TenantDefault
from unsecret.model.profile import Requirement
from unsecret.model.times_in_words import duration_in_words
from unsecret.operate.checks.findings import Finding, Subject
from unsecret.operate.checks.mending import FAMILY_OF, Family, forecasting, restricting
from unsecret.operate.policies.block import DEFAULT_POLICY
from unsecret.operate.policies.change import POLICIES
from unsecret.operate.policies.entries import DEFAULT_TITLE, Json, excluded_callers, in_words, is_enabled, max_lifetime
from unsecret.operate.policies.portal_shape import Divergence, diverging
from unsecret.operate.snapshots.rows import to_column
from unsecret.rules.governing import CREATED_WHEN_UNKNOWN, Policy
from unsecret.rules.shortfalls import Fault, Shortfall, shortfalls, since
from unsecret.wire.instants import format_instant
from unsecret.wire.restrictions import restriction_to_graph
from unsecret.wire.terms import term_in

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PORTAL_LOCKED = "portal-locked"
WEAKENED = "weakened:"
"""Before the fault of a custom policy, which is weaker than the profile for those whom it binds."""

NAMED = 10
"""How many of the objects that a custom policy binds are named in a finding."""

WORDS = {ObjectKind.APPLICATION: "applications", ObjectKind.SERVICE_PRINCIPAL: "service principals"}


class Bound(Struct, frozen=True):
    """How many objects of one kind a custom policy binds, and the names of the first."""

    count: int
    names: tuple[str, ...]


class Policies:
    """The policies of a tenant, whom each custom policy binds, and how old that is: asked once, whatever is checked."""

    def __init__(self, default: TenantDefault, customs: tuple[AppManagementPolicy, ...], database: DuckDBPyConnection):
        self.default = default
        self.customs: dict[str, AppManagementPolicy] = {policy.id: policy for policy in customs}
        self._database = database
        self._older: dict[datetime, dict[tuple[ObjectKind, str | None], int]] = {}

    @cached_property
    def bound(self) -> dict[tuple[ObjectKind, str], Bound]:
        """By kind of object and custom policy."""
        question = f"""
            SELECT kind, custom_policy_id, count(*), min(object, {NAMED})
            FROM objects WHERE custom_policy_id IS NOT NULL GROUP BY ALL
        """
        found = self._database.execute(question).fetchall()
        names = self._names([number for *_rest, first in found for number in first])
        return {
            (ObjectKind(kind), policy): Bound(count, tuple(names[number] for number in first))
            for kind, policy, count, first in found
        }

    def _names(self, objects: list[int]) -> dict[int, str]:
        """What they are called. No object is looked at behind the last of them: they lie in their order."""
        question = """
            SELECT object, coalesce(display_name, object_id) FROM objects
            WHERE object <= $last AND object IN (SELECT unnest($objects::UINTEGER[]))
        """
        facts = {"last": max(objects, default=0), "objects": objects}
        return dict(self._database.execute(question, facts).fetchall())

    def older(self, start: datetime, section: ObjectKind, among: Iterable[str | None]) -> int:
        """How many objects of a kind, linked to one of these custom policies (None for none), are older than that."""
        if start not in self._older:
            question = """
                SELECT kind, custom_policy_id, count(*) FROM objects
                WHERE coalesce(created_at, $unknown) < $start GROUP BY ALL
            """
            facts = {"unknown": to_column(CREATED_WHEN_UNKNOWN), "start": to_column(start)}
            rows = self._database.execute(question, facts).fetchall()
            self._older[start] = {(ObjectKind(kind), policy): count for kind, policy, count in rows}
        return sum(self._older[start].get((section, policy), 0) for policy in among)


class Fallen(Struct, frozen=True):
    """A shortfall of one section, and the custom policies (None for none) of the objects that it concerns."""

    section: ObjectKind
    shortfall: Shortfall
    among: tuple[str | None, ...]


class Group(Struct, frozen=True):
    """The same fault of the entries of one policy that one command mends. `own` is a custom policy's id, or nothing."""

    own: str
    fault: Fault
    family: Family
    fallen: tuple[Fallen, ...]

    @property
    def policy(self) -> Policy:
        """Whose fault it is."""
        return self.fallen[0].shortfall.policy


def policy_findings(asked: Requirement, policies: Policies, *, now: datetime) -> Iterator[Finding]:
    """Each fault of each policy that `asked` meets, once for all entries that one command mends."""
    together: dict[tuple[str, Fault, Family], list[Fallen]] = {}
    for fallen in _fallen(asked, policies):
        one = fallen.shortfall
        if one.fault is Fault.SPARES_EXISTING and not _spares(fallen, policies, now):
            continue
        own = one.policy.id if isinstance(one.policy, AppManagementPolicy) else ""
        together.setdefault((own, one.fault, FAMILY_OF[one.kind]), []).append(fallen)
    for (own, fault, family), found in together.items():
        group = Group(own, fault, family, tuple(found))
        evidence = [*_evidence(group.fallen, policies)]
        if own:
            evidence += [_whom(own, policies), *_granted(policies.customs[own])]
        yield _finding(asked, group, tuple(evidence), now)


def _fallen(asked: Requirement, policies: Policies) -> Iterator[Fallen]:
    for section in asked.sections:
        linked = [None, *sorted(policy for kind, policy in policies.bound if kind is section)]
        for kind in asked.kinds:
            found: dict[tuple[str, Fault], tuple[Shortfall, list[str | None]]] = {}
            for custom_id in linked:
                custom = policies.customs.get(custom_id) if custom_id else None
                for one in shortfalls(asked, kind, policies.default, custom, section):
                    found.setdefault((one.policy.id, one.fault), (one, []))[1].append(custom_id)
            yield from (Fallen(section, one, tuple(among)) for one, among in found.values())


def _spares(fallen: Fallen, policies: Policies, now: datetime) -> bool:
    """Whether the date leaves anybody out: those who are there already, or those who come before it."""
    start = _start(fallen)
    return start is not None and (start > now or policies.older(start, fallen.section, fallen.among) > 0)


def _start(fallen: Fallen) -> datetime | None:
    return since(fallen.shortfall.entry) if fallen.shortfall.entry else None


def _finding(asked: Requirement, group: Group, evidence: tuple[str, ...], now: datetime) -> Finding:
    limits = (asked.longest, *_limits(group.policy, group.family.value))
    command = restricting(
        group.family,
        longest=limits,
        policy_id=group.own or None,
        all_callers=group.fault is Fault.EXCLUDES_CALLERS,
    )
    return Finding(
        id=f"{asked.id}/{group.fault}/{group.own or 'default'}/{group.family.name.lower()}",
        requirement=asked.id,
        check=f"{WEAKENED}{group.fault}" if group.own else group.fault.value,
        severity=asked.severity,
        subject=_subject(group.policy),
        why=_why(asked, group, now),
        evidence=evidence,
        mend=command,
        advice=CUSTOM_ADVICE if group.own else f"{DEFAULT_ADVICE}{forecasting(group.family, longest=limits)}",
        standards=asked.standards,
    )


def _subject(policy: Policy) -> Subject:
    if isinstance(policy, AppManagementPolicy):
        words, path = f"custom policy '{policy.display_name}'", f"{POLICIES}/{policy.id}"
        return Subject(words=words, path=path, policy_id=policy.id, display_name=policy.display_name)
    return Subject(words=DEFAULT_TITLE, path=DEFAULT_POLICY, policy_id=policy.id)


def _limits(policy: Policy, kinds: Iterable[str]) -> tuple[Any, ...]:
    entries = (
        policy.restrictions
        if isinstance(policy, AppManagementPolicy)
        else (*policy.application_restrictions, *policy.service_principal_restrictions)
    )
    return tuple(
        entry.max_lifetime for entry in entries if entry.kind in kinds and entry.state is RestrictionState.ENABLED
    )


def _evidence(fallen: tuple[Fallen, ...], policies: Policies) -> Iterator[str]:
    """What the entries say, and for dates how many they leave out."""
    yield from _said({(WORDS[one.section], one.shortfall.kind.value): _entry_words(one) for one in fallen})
    spared: dict[str, int] = {}
    for one in fallen:
        start, words = _start(one), WORDS[one.section]
        if start and one.shortfall.fault is Fault.SPARES_EXISTING:
            spared[words] = max(spared.get(words, 0), policies.older(start, one.section, one.among))
    yield from (f"{words} that were there before: {count}" for words, count in spared.items() if count)


def _entry_words(fallen: Fallen) -> str:
    entry = fallen.shortfall.entry
    return in_words(restriction_to_graph(entry) if entry else None)


def _said(entries: dict[tuple[str, str], str]) -> Iterator[str]:
    """Entries by whom they bind and kind, in words: those that say the same once."""
    for words in dict.fromkeys(entries.values()):
        places = [place for place, said in entries.items() if said == words]
        whom = tuple(dict.fromkeys(place[0] for place in places))
        kinds = tuple(dict.fromkeys(place[1] for place in places))
        if len(places) == len(whom) * len(kinds):
            yield f"{' and '.join(whom)}: {', '.join(kinds)} {words}"
        else:
            yield from (f"{section}: {kind} {words}" for section, kind in places)


def _whom(own: str, policies: Policies) -> str:
    bound = {kind: one for (kind, policy), one in policies.bound.items() if policy == own}
    named = [f"{words} '{name}'" for kind, words in FACES.items() if kind in bound for name in bound[kind].names]
    count = sum(one.count for one in bound.values())
    more = f" and {count - NAMED} more" if count > NAMED else ""
    return f"binds {', '.join(named[:NAMED])}{more}"


def _granted(custom: AppManagementPolicy) -> Iterator[str]:
    if term := term_in(custom.description):
        yield f"granted until {term.until}: {term.reason}"


_WHY = {
    Fault.POLICY_OFF: "The tenant default policy is off; nothing that it says binds anybody.",
    Fault.NOT_RESTRICTED: "There is no such restriction.",
    Fault.DISABLED: "The restriction is there and disabled; that the policy is on changes nothing.",
    Fault.EXCLUDES_CALLERS: "Callers who hold a certain custom security attribute are not bound.",
}


def _why(asked: Requirement, group: Group, now: datetime) -> str:
    if group.fault is Fault.LIMIT_TOO_LONG and asked.longest_accepted:
        return f"The restriction allows longer lifetimes than {duration_in_words(asked.longest_accepted)}."
    if group.fault is Fault.DISABLED and group.own:
        return "The custom policy lifts the restriction for whatever it is linked to."
    dates = [start for one in group.fallen if (start := _start(one))]
    if group.fault is Fault.SPARES_EXISTING and dates:
        ahead = " That day is still to come: until then it binds nobody." if max(dates) > now else ""
        return f"The restriction binds only what was created from {format_instant(max(dates))}.{ahead}"
    return _WHY[group.fault]


CUSTOM_ADVICE = "If it is meant so, mute it with a reason and an end date."
DEFAULT_ADVICE = "See first whom it will stop: "
PORTAL_ADVICE = "The command makes the entries equal, and no longer than the shortest of them."


def portal_findings(asked: Requirement, policy: Json) -> Iterator[Finding]:
    """Each setting of the tenant default that the portal's editor is locked for."""
    for one in diverging(policy):
        yield _locked(asked, policy, one)


def _locked(asked: Requirement, policy: Json, found: Divergence) -> Finding:
    family = next(family for family in Family if family.value == found.kinds)
    enabled = [entry for _place, entry in found.entries if entry and is_enabled(entry)]
    return Finding(
        id=f"{asked.id}/{PORTAL_LOCKED}/default/{family.name.lower()}",
        requirement=asked.id,
        check=PORTAL_LOCKED,
        severity=asked.severity,
        subject=Subject(words=DEFAULT_TITLE, path=DEFAULT_POLICY, policy_id=str(policy.get("id"))),
        why=f"The portal's setting “{found.label}” can no longer be edited: its entries differ.",
        evidence=tuple(_said({place: in_words(entry) for place, entry in found.entries})),
        mend=restricting(
            family,
            longest=[max_lifetime(entry) for entry in enabled],
            all_callers=any(excluded_callers(entry) for entry in enabled),
        ),
        advice=PORTAL_ADVICE,
        standards=asked.standards,
    )
