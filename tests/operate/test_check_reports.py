"""What a report of `check` leaves out, counts and lists first; and what is muted."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.operate.checked import (
    BLOCKS,
    NO_SECRETS,
    OFF,
    ZERO,
    Hold,
    Json,
    application,
    both,
    guid,
    of,
    outcomes,
    secret,
)
from tests.operate.policies import custom_policy, entry
from unsecret.model.profile import Mute, Severity
from unsecret.operate.checks.findings import Outcome


def test_only_requirements_of_a_severity_or_worse_are_looked_at(hold: Hold) -> None:
    report = hold(default=both([]), least=Severity.HIGH)

    assert list(outcomes(report)) == [NO_SECRETS]


def mute(**members: Any) -> Mute:
    given: Json = {"subject": "*", "reason": "known", "until": date(2026, 11, 22), **members}
    return Mute(**given)


@pytest.mark.parametrize(
    ("given", "muted", "words"),
    [
        ({}, True, "muted 1 finding until 2026-11-22: known"),
        ({"subject": "ConnectSync*"}, True, "muted 1 finding"),
        ({"subject": "connectsyncprovisioning_?"}, True, "muted 1 finding"),
        ({"subject": "Connect[S]ync*"}, False, "muted nothing"),
        ({"subject": guid(1)}, True, "muted 1 finding"),
        ({"subject": guid(0xC0001)}, True, "muted 1 finding"),
        ({"requirement": "ZERO.*"}, True, "muted 1 finding"),
        ({"requirement": "MS.*"}, False, "muted nothing"),
        ({"check": "credential-long-lived"}, False, "muted nothing"),
        ({"reason": None}, False, "does not mute: it gives no reason"),
        ({"until": None}, False, "does not mute: it has no end date"),
        ({"until": date(2026, 11, 21)}, False, "does not mute: it ended on 2026-11-21"),
    ],
)
def test_a_mute_mutes_with_a_reason_until_its_day(hold: Hold, given: Json, muted: bool, words: str) -> None:
    app = application(1, "ConnectSyncProvisioning_1", passwordCredentials=[secret(1, "2026-11-01", "2027-01-01")])
    default = both(BLOCKS, [entry("asymmetricKeyLifetime", maxLifetime="P180D")])
    report = hold(ZERO, default=default, applications=[app], mutes=[mute(**given)])

    (result,) = [one for one in report.results if one.requirement.id == "ZERO.2"]
    assert (result.found, result.muted) == ((0, 1) if muted else (1, 0))
    assert result.outcome is (Outcome.MUTED if muted else Outcome.FAILS)
    assert words in report.notes[0]


def test_a_custom_policy_can_be_muted_by_name(hold: Hold) -> None:
    lifting = {**custom_policy(OFF), "appliesTo": [{"id": guid(1)}]}
    muting = mute(subject=lifting["displayName"], check="weakened:*")
    limits = [entry(kind, maxLifetime="P180D") for kind in ("passwordLifetime", "symmetricKeyLifetime")]
    given = {"default": both([*BLOCKS, *limits]), "applications": [application(1)], "customs": [lifting]}
    report = hold(**given, mutes=[muting])

    assert outcomes(hold(**given))[NO_SECRETS] is Outcome.FAILS
    assert outcomes(report)[NO_SECRETS] is Outcome.MUTED
    assert report.is_met


def test_all_are_counted_and_some_are_listed(hold: Hold) -> None:
    secrets = [secret(number, "2026-11-01", "2027-01-01") for number in range(1, 6)]
    report = hold(ZERO, applications=[application(1, passwordCredentials=secrets)], most=2)

    assert len(of(report, "ZERO.2")) == 2
    assert next(one.found for one in report.results if one.requirement.id == "ZERO.2") == 5


def test_the_worst_comes_first(hold: Hold) -> None:
    app = application(1, passwordCredentials=[secret(1, "2020-01-01", "2021-01-01")])
    report = hold(ZERO, default=both([]), applications=[app])

    ranks = [one.severity.rank for one in report.findings]
    assert ranks == sorted(ranks)
    assert ranks[0] < ranks[-1]


def test_ids_of_a_strange_snapshot_stand_quoted_in_commands(hold: Hold) -> None:
    strange = {**secret(1, "2026-11-01", "2027-01-01"), "keyId": "$(touch gone)"}
    app = application(1, passwordCredentials=[strange], id="a; touch gone")

    (found,) = of(hold(ZERO, applications=[app]), "ZERO.2")

    assert found.mend == "unsecret remove --app 'a; touch gone' --key '$(touch gone)' --force"
