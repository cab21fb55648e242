"""What documents, scanners and other tools publish as policies, held against every profile."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.snapshots import TAKEN_AT, snapshot_of
from unsecret.operate.checks.check import check
from unsecret.operate.checks.findings import Outcome, Report
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.rules.profiles import HOUSEKEEPING, PROFILES

Json = dict[str, Any]

BODIES = Path(__file__).parents[3] / "shared" / "data" / "app-management-policies" / "bodies"
POLICY = "9eedc333-2700-42b1-8980-2fda146400b6"
OLD_APP = "00000001-0000-4000-8000-000000000000"
OLD_PRINCIPAL = "00000002-0000-4000-8000-000000000000"
NEVER_CREATED = "0001-01-01T00:00:00Z"
"""What PowerShell writes as `/Date(-62135596800000)/`."""

pytestmark = pytest.mark.skipif(not BODIES.exists(), reason="the published bodies are not there")


def published(name: str) -> Json:
    """A published body in Graph's own spelling."""
    text = (BODIES / f"{name}.json").read_text().replace("/Date(-62135596800000)/", NEVER_CREATED)
    body = json.loads(re.sub(r'"([A-Z])(\w*)":', lambda found: f'"{found[1].lower()}{found[2]}":', text))
    return {
        "isEnabled": True,
        **{name: value for name, value in body.items() if not name.startswith("@")},
        "id": POLICY,
    }


def held(folder: Path, profile: str, default: Json, customs: tuple[Json, ...] = ()) -> Report:
    """A tenant with this policy, and one application and one service principal from before all of it."""
    old = {"appId": OLD_APP, "displayName": "Old", "createdDateTime": "2014-01-01T00:00:00Z"}
    collections = {
        "applications": [{**old, "id": OLD_APP}],
        "servicePrincipals": [{**old, "id": OLD_PRINCIPAL}],
        "defaultAppManagementPolicy": [default],
        "appManagementPolicies": customs,
    }
    with open_snapshot(snapshot_of(folder / "tenant.snapshot", collections)) as snapshot:
        return check(snapshot, PROFILES[profile], now=TAKEN_AT)


HOUSEKEEPING_IDS = {one.id for one in HOUSEKEEPING}
NOTHING_HELD = {"microsoft": {"MS.5", "MS.6"}, "cisa": set(), "cis": set(), "zero-secrets": {"ZERO.2"}}
"""What holds although no policy is right: nobody holds a credential here."""

EVERYTHING = {name: {one.id for one in profile.requirements} for name, profile in PROFILES.items()}
HOLDS = {
    "graph-docs-v1-get-default": NOTHING_HELD,  # nothing configured: no scanner may pass it
    "identifier-uri-get-default": NOTHING_HELD,
    "maester-mt1002-sample": NOTHING_HELD,  # applications only, from 2021 on, for a year: passes `isEnabled eq true`
    "graph-docs-patch-2021style": NOTHING_HELD,
    "graph-docs-beta-patch-full": NOTHING_HELD,
    "entra-docs-tutorial-enforce-secret-standards": NOTHING_HELD,  # says nothing of service principals
    "scubagear-base-compliant": EVERYTHING,
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", HOLDS)
def test_what_a_published_policy_meets(tmp_path: Path, name: str, profile: str) -> None:
    report = held(tmp_path, profile, published(name))

    met = {one.requirement.id for one in report.results if one.outcome is Outcome.HOLDS} - HOUSEKEEPING_IDS
    assert met == HOLDS[name][profile]


def test_dates_that_powershell_printed_are_not_known_rather_than_guessed(tmp_path: Path) -> None:
    report = held(tmp_path, "cisa", published("m365dsc-example"))

    assert {one.outcome for one in report.results if one.requirement.kinds} == {Outcome.NOT_KNOWN}


def test_the_tutorial_spares_what_is_there_and_forgets_service_principals(tmp_path: Path) -> None:
    report = held(tmp_path, "microsoft", published("entra-docs-tutorial-enforce-secret-standards"))

    found = {one.check for one in report.findings if one.requirement == "MS.1"}
    assert found == {"spares-existing", "not-restricted"}


def test_a_custom_policy_that_allows_a_year_weakens_a_good_default(tmp_path: Path) -> None:
    custom = {**published("tmf-custom-policy"), "id": OLD_PRINCIPAL, "appliesTo": [{"id": OLD_APP}]}
    custom.pop("present")
    report = held(tmp_path, "cis", published("scubagear-base-compliant"), (custom,))

    assert [(one.requirement, one.check) for one in report.findings if one.subject.policy_id == OLD_PRINCIPAL] == [
        ("5.1.5.3", "weakened:spares-existing"),
        ("5.1.5.4", "weakened:limit-too-long"),
        ("5.1.5.4", "weakened:spares-existing"),
        ("5.1.5.6", "weakened:spares-existing"),
    ]
