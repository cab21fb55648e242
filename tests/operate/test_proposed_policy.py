"""A policy file over a snapshot: what the forecast judges by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.operate.policies import custom_policy, default_policy, entry, section
from tests.snapshots import snapshot_of
from unsecret.errors import Invalid, NotFound
from unsecret.model.policy import RestrictionKind
from unsecret.operate.forecasts.proposed_policy import proposed
from unsecret.operate.snapshots.snapshot_file import Snapshot, open_snapshot
from unsecret.wire.policy_files import read_policy_file

APP, PRINCIPAL, APP_ID = (f"00000000-0000-4000-9000-00000000000{n}" for n in (1, 2, 3))
OTHER, OTHER_ID = (f"00000000-0000-4000-9000-00000000000{n}" for n in (4, 5))
PRESENT: dict[str, Any] = custom_policy([entry("passwordAddition", state="disabled")])
BLOCK = """
[defaultAppManagementPolicy]
isEnabled = true
[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials]
passwordAddition = { state = "enabled" }
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    objects = {
        "applications": [
            {"id": APP, "appId": APP_ID, "displayName": "Payroll"},
            {"id": OTHER, "appId": OTHER_ID, "displayName": "Twin", "appManagementPolicies": [{"id": PRESENT["id"]}]},
        ],
        "servicePrincipals": [
            {"id": PRINCIPAL, "appId": APP_ID, "displayName": "Payroll"},
            {"id": "00000000-0000-4000-9000-000000000006", "appId": APP, "displayName": "Twin"},
        ],
        "defaultAppManagementPolicy": [
            default_policy(applications=section([entry("passwordLifetime", maxLifetime="P90D")]), is_enabled=False)
        ],
        "appManagementPolicies": [PRESENT],
    }
    path = snapshot_of(tmp_path_factory.mktemp("snapshot") / "tenant.zip", objects)
    with open_snapshot(path) as opened:
        yield opened


def test_a_file_is_laid_over_what_is_there(snapshot: Snapshot) -> None:
    proposal = proposed(read_policy_file(BLOCK), snapshot)

    kinds = {one.kind for one in proposal.default.application_restrictions}
    assert kinds == {RestrictionKind.PASSWORD_LIFETIME, RestrictionKind.PASSWORD_ADDITION}
    assert proposal.default.is_enabled
    assert proposal.policies == snapshot.custom_policies
    assert proposal.assigned == {OTHER: PRESENT["id"]}


def test_a_new_policy_binds_both_faces_of_its_application(snapshot: Snapshot) -> None:
    text = "[[appManagementPolicies]]\ndisplayName = 'Free'\nisEnabled = true\nappliesTo = [{ app = 'Payroll' }]"

    proposal = proposed(read_policy_file(text), snapshot)

    made = proposal.policies[-1]
    assert made.display_name == "Free"
    assert proposal.assigned == {OTHER: PRESENT["id"], APP: made.id, PRINCIPAL: made.id}


@pytest.mark.parametrize(
    ("text", "assigned"),
    [
        ("displayName = 'Exempt'\nabsent = true", {}),
        (f"displayName = 'Exempt'\nappliesTo = [{{ app = '{OTHER_ID}', absent = true }}]", {}),
        (f"displayName = 'Exempt'\nappliesTo = [{{ app = '{OTHER}', on = 'application' }}]", {OTHER: PRESENT["id"]}),
        (
            f"displayName = 'Exempt'\nappliesTo = [{{ app = '{OTHER}', absent = true }}]\n[[appManagementPolicies]]\n"
            f"displayName = 'New'\nappliesTo = [{{ app = '{OTHER}' }}]",
            {OTHER: "00000000-0000-4000-8000-000000000002"},
        ),
    ],
)
def test_assignments_are_taken_away_where_the_file_says_so(
    snapshot: Snapshot, text: str, assigned: dict[str, str]
) -> None:
    assert proposed(read_policy_file(f"[[appManagementPolicies]]\n{text}"), snapshot).assigned == assigned


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (f"displayName = 'New'\nappliesTo = [{{ app = '{OTHER}' }}]", Invalid, "has the custom policy"),
        ("displayName = 'New'\nappliesTo = [{ app = 'Nobody' }]", NotFound, "no application 'Nobody'"),
        ("displayName = 'New'\nappliesTo = [{ app = 'Twin' }]", Invalid, "Several applications"),
        (
            f"displayName = 'New'\nappliesTo = [{{ app = '{OTHER}', on = 'servicePrincipal' }}]",
            NotFound,
            "no servicePrincipal",
        ),
        (f"id = '{APP}'", NotFound, "no custom policy with the id"),
    ],
)
def test_what_is_not_there_is_named(snapshot: Snapshot, text: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        proposed(read_policy_file(f"[[appManagementPolicies]]\n{text}"), snapshot)
