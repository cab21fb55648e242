"""What holds of the law whatever the tenant, the object, the caller and the change."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.rules.worlds import (
    ACTORS,
    ADDITIONS,
    CUSTOM_ID,
    DEFAULT_ID,
    ENTRIES,
    KINDS,
    LAW,
    OBJECTS,
    World,
    changes,
    customs,
    days,
    lifetimes,
    worlds,
)
from unsecret.model.application import ObjectKind
from unsecret.model.change import Actor, Addition
from unsecret.model.policy import (
    CREDENTIAL_GROUPS,
    GROUP_OF,
    ActorExemption,
    AppManagementPolicy,
    Restriction,
    RestrictionKind,
    RestrictionState,
    TenantDefault,
)
from unsecret.rules.restrictions import RULES

Change = tuple[Addition, ...]
replace = msgspec.structs.replace

CODES: dict[str, str] = {rule.kind: rule.code for rule in RULES}
"""In the order of the rules."""


def _with_every_entry(world: World, **changed: object) -> World:
    """`world` with each entry of each policy changed alike."""
    return world._replace(
        default=replace(
            world.default,
            application_restrictions=tuple(replace(e, **changed) for e in world.default.application_restrictions),
            service_principal_restrictions=tuple(
                replace(e, **changed) for e in world.default.service_principal_restrictions
            ),
        ),
        custom=world.custom
        and replace(world.custom, restrictions=tuple(replace(e, **changed) for e in world.custom.restrictions)),
    )


def _entries(world: World) -> tuple[Restriction, ...]:
    own = world.custom.restrictions if world.custom else ()
    return world.default.application_restrictions + world.default.service_principal_restrictions + own


@LAW
@given(worlds, changes)
def test_a_default_that_is_switched_off_is_never_a_reason(world: World, change: Change) -> None:
    off = world._replace(default=replace(world.default, is_enabled=False))

    assert all(reason.policy_id != DEFAULT_ID for reason in off.decide(change).reasons)


@LAW
@given(worlds, changes)
def test_a_custom_policy_that_is_switched_off_is_as_good_as_none(world: World, change: Change) -> None:
    off = world._replace(custom=world.custom and replace(world.custom, is_enabled=False))

    assert off.decide(change) == world._replace(custom=None).decide(change)


@LAW
@given(worlds, changes)
def test_disabled_restrictions_refuse_nothing(world: World, change: Change) -> None:
    assert _with_every_entry(world, state=RestrictionState.DISABLED).decide(change).allowed


@LAW
@given(worlds)
def test_a_change_that_adds_nothing_is_allowed(world: World) -> None:
    assert world.decide(()).allowed


@LAW
@given(worlds, changes, st.data())
def test_leaving_an_addition_out_adds_no_reason(world: World, change: Change, data: st.DataObject) -> None:
    assume(change)
    left_out = data.draw(st.integers(0, len(change) - 1))
    smaller = change[:left_out] + change[left_out + 1 :]

    assert set(world.decide(smaller).reasons) <= set(world.decide(change).reasons)


@LAW
@given(worlds, changes, changes)
def test_the_reasons_against_two_changes_together_are_those_against_each(
    world: World, one: Change, other: Change
) -> None:
    together = set(world.decide(one + other).reasons)

    assert together == set(world.decide(one).reasons) | set(world.decide(other).reasons)


@LAW
@given(worlds, changes, st.randoms(use_true_random=False))
def test_the_order_of_a_request_matters_neither_to_the_verdict_nor_to_the_rules_named(
    world: World, change: Change, random: Random
) -> None:
    shuffled = list(change)
    random.shuffle(shuffled)
    before, after = world.decide(change), world.decide(tuple(shuffled))

    assert set(before.reasons) == set(after.reasons)
    assert [reason.rule for reason in before.reasons] == [reason.rule for reason in after.reasons]


@LAW
@given(worlds, changes, st.randoms(use_true_random=False))
def test_the_order_of_the_entries_in_a_policy_does_not_matter(world: World, change: Change, random: Random) -> None:
    entries = list(world.default.application_restrictions)
    random.shuffle(entries)
    shuffled = world._replace(default=replace(world.default, application_restrictions=tuple(entries)))

    assert shuffled.decide(change) == world.decide(change)


@LAW
@given(worlds, customs, changes)
def test_a_custom_entry_always_wins_for_its_kind(world: World, custom: AppManagementPolicy, change: Change) -> None:
    linked = world._replace(custom=replace(custom, is_enabled=True))
    said = {entry.kind for entry in custom.restrictions}

    for reason in linked.decide(change).reasons:
        assert (reason.policy_id == CUSTOM_ID) == (reason.rule in said)


@LAW
@given(worlds, changes, worlds)
def test_what_a_custom_policy_defines_does_not_depend_on_the_default(
    world: World, change: Change, elsewhere: World
) -> None:
    other = world._replace(default=elsewhere.default)
    ours = [reason for reason in world.decide(change).reasons if reason.policy_id == CUSTOM_ID]
    theirs = [reason for reason in other.decide(change).reasons if reason.policy_id == CUSTOM_ID]

    assert ours == theirs


@LAW
@given(worlds, changes, lifetimes)
def test_a_longer_maximum_turns_no_allowance_into_a_refusal(world: World, change: Change, more: timedelta) -> None:
    longer = _stretched(world, more)

    assert {r.rule for r in longer.decide(change).reasons} <= {r.rule for r in world.decide(change).reasons}


def _stretched(world: World, more: timedelta) -> World:
    def stretch(entry: Restriction) -> Restriction:
        return replace(entry, max_lifetime=entry.max_lifetime + more) if entry.max_lifetime else entry

    def stretch_default(default: TenantDefault) -> TenantDefault:
        return replace(
            default,
            application_restrictions=tuple(map(stretch, default.application_restrictions)),
            service_principal_restrictions=tuple(map(stretch, default.service_principal_restrictions)),
        )

    def stretch_custom(custom: AppManagementPolicy) -> AppManagementPolicy:
        return replace(custom, restrictions=tuple(map(stretch, custom.restrictions)))

    return world._replace(default=stretch_default(world.default), custom=world.custom and stretch_custom(world.custom))


@LAW
@given(worlds, changes)
def test_who_holds_an_exempt_attribute_is_bound_by_no_entry_that_names_it(world: World, change: Change) -> None:
    exempting = _with_every_entry(world, exclude_actors=(ActorExemption("Set_C", "yes"),))

    assert exempting._replace(actor=Actor(({}, {"Set_C": "yes"}))).decide(change).allowed


@LAW
@given(worlds, changes)
def test_an_attribute_never_adds_a_reason(world: World, change: Change) -> None:
    nobody = world._replace(actor=Actor())

    assert set(world.decide(change).reasons) <= set(nobody.decide(change).reasons)


@LAW
@given(worlds, changes, days, days)
def test_an_older_object_is_never_bound_by_more_than_a_newer_one(
    world: World, change: Change, one: datetime, other: datetime
) -> None:
    older, newer = sorted((one, other))
    of_older = world._replace(governed=replace(world.governed, created_at=older)).decide(change)
    of_newer = world._replace(governed=replace(world.governed, created_at=newer)).decide(change)

    assert set(of_older.reasons) <= set(of_newer.reasons)


@LAW
@given(worlds, changes, days)
def test_a_later_date_spares_more(world: World, change: Change, since: datetime) -> None:
    undated = _with_every_entry(world, restrict_for_apps_created_after=None)
    dated = _with_every_entry(world, restrict_for_apps_created_after=since)

    assert set(dated.decide(change).reasons) <= set(undated.decide(change).reasons)


@LAW
@given(worlds, changes)
def test_only_credentials_of_service_principals_are_judged(world: World, change: Change) -> None:
    principal = world._replace(governed=replace(world.governed, kind=ObjectKind.SERVICE_PRINCIPAL))
    judged = {kind for kind in KINDS if GROUP_OF[kind] in CREDENTIAL_GROUPS}

    assert {reason.rule for reason in principal.decide(change).reasons} <= judged


@LAW
@given(worlds, changes)
def test_every_reason_comes_from_an_enabled_entry_and_names_its_policy(world: World, change: Change) -> None:
    enabled = {entry.kind for entry in _entries(world) if entry.state is RestrictionState.ENABLED}

    for reason in world.decide(change).reasons:
        assert reason.rule in enabled
        assert reason.policy_id in (DEFAULT_ID, CUSTOM_ID)
        assert reason.code == CODES[reason.rule]


@LAW
@given(worlds, changes)
def test_reasons_come_in_the_order_of_the_rules_and_each_once(world: World, change: Change) -> None:
    reasons = world.decide(change).reasons
    places = [list(CODES).index(reason.rule) for reason in reasons]

    assert places == sorted(places)
    assert len(set(reasons)) == len(reasons)


@pytest.mark.parametrize("kind", KINDS)
def test_the_pools_of_these_tests_reach_every_rule(kind: RestrictionKind) -> None:
    """Otherwise the properties above would hold of nothing."""
    alone = [
        World(TenantDefault(id=DEFAULT_ID, is_enabled=True, application_restrictions=(entry,)), None, OBJECTS[0], actor)
        for entry in ENTRIES
        for actor in ACTORS
        if entry.kind is kind
    ]
    allowed = {world.decide((added,)).allowed for world in alone for added in ADDITIONS}

    assert allowed == {True, False}
