"""The rank of an application, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from unsecret.rules.privileges import Grade, Privilege
from unsecret.rules.risk import Facts, Level, risk_of

TAKES_OVER = Privilege("RoleManagement.ReadWrite.Directory", Grade.TENANT, "can make anybody an administrator")
READS = Privilege("Mail.Read", Grade.DATA, "can read what belongs to everybody")

FACTS = some.builds(
    Facts,
    live_secrets=some.integers(0, 5),
    used_secrets=some.integers(0, 5),
    unused_secrets=some.integers(0, 5),
    longest_days=some.integers(0, 4000),
    expired=some.integers(0, 5),
    owners=some.none() | some.integers(0, 3),
    is_multi_tenant=some.booleans(),
    privileges=some.lists(some.sampled_from([TAKES_OVER, READS]), max_size=3).map(tuple),
)


@pytest.mark.parametrize(
    ("facts", "level", "first"),
    [
        (Facts(owners=1), Level.NONE, None),
        (Facts(owners=None), Level.NONE, None),
        (Facts(live_secrets=1, longest_days=90, owners=1), Level.LOW, "can sign in with a secret"),
        (Facts(live_secrets=1, longest_days=365, owners=0), Level.MEDIUM, "can sign in with a secret"),
        (Facts(live_secrets=1, longest_days=3650, owners=1), Level.MEDIUM, "a secret lives 3650 days"),
        (Facts(live_secrets=1, longest_days=90, owners=1, privileges=(TAKES_OVER,)), Level.HIGH, TAKES_OVER.name),
        (Facts(owners=1, privileges=(TAKES_OVER,)), Level.LOW, TAKES_OVER.name),
    ],
)
def test_a_rank_begins_with_its_weightiest_reason(facts: Facts, level: Level, first: str | None) -> None:
    risk = risk_of(facts)
    assert risk.level is level
    assert (risk.grounds[0].words.startswith(first) if first else risk.grounds == ()) is True


@given(FACTS)
def test_the_score_is_the_sum_of_its_reasons_and_at_most_a_hundred(facts: Facts) -> None:
    risk = risk_of(facts)
    assert risk.score == min(100, sum(ground.points for ground in risk.grounds))
    assert list(risk.grounds) == sorted(risk.grounds, key=lambda ground: -ground.points)


@given(FACTS)
def test_more_reach_never_makes_an_application_safer(facts: Facts) -> None:
    more = replace(facts, privileges=(*facts.privileges, TAKES_OVER))
    assert risk_of(more).score >= risk_of(facts).score


@given(FACTS)
def test_what_is_not_known_is_no_reason(facts: Facts) -> None:
    said = [ground.words for ground in risk_of(replace(facts, owners=None)).grounds]
    assert "nobody owns it" not in said
