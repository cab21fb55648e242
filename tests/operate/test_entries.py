"""Comparing policies by what they mean, and putting entries into words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operate.policies import default_policy, entry, exemption, section
from unsecret.errors import Invalid
from unsecret.operate.policies.entries import Difference, differences, in_words, require_policy

PASSWORD = entry("passwordAddition")
LIFETIME = entry("passwordLifetime", maxLifetime="P90D")


def of(*passwords: dict[str, Any]) -> dict[str, Any]:
    return default_policy(applications=section(list(passwords)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(of(PASSWORD, LIFETIME), of(LIFETIME, PASSWORD), id="order"),
        pytest.param(of(PASSWORD), of({"restrictionType": "passwordAddition"}), id="null and absent, state left out"),
        pytest.param(of(LIFETIME), of({**LIFETIME, "maxLifetime": "P90DT0H0M0S"}), id="how a duration is written"),
        pytest.param(
            of({**PASSWORD, "restrictForAppsCreatedAfterDateTime": "2027-01-01T00:00:00Z"}),
            of({**PASSWORD, "restrictForAppsCreatedAfterDateTime": "2027-01-01T01:00:00.0000000+01:00"}),
            id="how an instant is written",
        ),
        pytest.param(of(), {**of(), "id": "00000000-0000-0000-0000-000000000000"}, id="the id"),
        pytest.param(of(), {**of(), "applicationRestrictions": None}, id="an empty section and none"),
    ],
)
def test_policies_that_mean_the_same_do_not_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert differences(one, other) == ()


def test_an_entry_that_went_missing_is_named() -> None:
    (first, *_) = differences(of(PASSWORD, LIFETIME), of(PASSWORD))
    assert first.what == "applicationRestrictions.passwordCredentials.passwordLifetime"
    assert first.found is None


def test_a_member_that_changed_is_named_with_both_values() -> None:
    assert differences(of(LIFETIME), of({**LIFETIME, "maxLifetime": "P30D"})) == (
        Difference("applicationRestrictions.passwordCredentials.passwordLifetime.maxLifetime", "P90D", "P30D"),
    )


def test_a_second_entry_of_a_kind_is_a_difference() -> None:
    assert differences(of(PASSWORD), of(PASSWORD, {**PASSWORD, "state": "disabled"}))


def test_excluded_callers_count() -> None:
    assert differences(of(PASSWORD), of({**PASSWORD, "excludeActors": exemption("Pipeline")}))


def test_members_that_are_not_known_count() -> None:
    assert differences(of({**PASSWORD, "colour": "green"}), of(PASSWORD))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "not set"),
        (PASSWORD, "enabled"),
        ({**PASSWORD, "state": "disabled"}, "disabled"),
        (LIFETIME, "enabled, at most 90 days"),
        (
            {**LIFETIME, "restrictForAppsCreatedAfterDateTime": "2027-01-01T00:00:00Z"},
            "enabled for those created from 2027-01-01T00:00:00Z, at most 90 days",
        ),
        (
            {**PASSWORD, "excludeActors": exemption("Pipeline")},
            "enabled, except callers with PolicyExemptions_AppManagementExemption=Pipeline",
        ),
    ],
)
def test_an_entry_is_told_on_one_line(given: dict[str, Any] | None, words: str) -> None:
    assert in_words(given) == words


@pytest.mark.parametrize("answer", [None, [], "OK", {}, {"isEnabled": None}, {"value": []}])
def test_what_is_no_policy_is_not_taken_for_one(answer: Any) -> None:
    with pytest.raises(Invalid, match="did not answer with a policy"):
        require_policy(answer, "beta/policies/defaultAppManagementPolicy")
