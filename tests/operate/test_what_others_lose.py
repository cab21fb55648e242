"""What writers of whole collections lose, and an apply keeps; what they send, and an apply does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.local_tenant import LocalTenant
from tests.operate.applies import run
from tests.operate.in_process import InProcess, Ticks, client_of
from tests.operate.test_plan import DEFAULT
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.plans.apply import Became

CALLER = {
    "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
    "id": "Ci_Pipeline",
    "operator": "equals",
    "value": "A",
}
STAGED = [
    {
        "restrictionType": "passwordAddition",
        "state": "disabled",
        "restrictForAppsCreatedAfterDateTime": "2026-01-31T00:00:00Z",
        "excludeActors": {"customSecurityAttributes": [CALLER]},
    },
    {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P180D"},
]
BLOCK = """[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials]
passwordAddition = { state = "enabled" }
"""


def stage(tenant: LocalTenant) -> None:
    tenant.must("PATCH", DEFAULT, {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": STAGED}})


def passwords_of(tenant: LocalTenant) -> dict[str, dict[str, Any]]:
    entries = tenant.get(DEFAULT)["applicationRestrictions"]["passwordCredentials"]
    return {one["restrictionType"]: one for one in entries}


def test_a_writer_of_whole_collections_loses_dates_callers_and_lifetimes(tenant: LocalTenant) -> None:
    """What a standard of a management tool sends: its own entries with the date of year one, and nothing else."""
    stage(tenant)
    everyone = {"restrictForAppsCreatedAfterDateTime": "0001-01-01T00:00:00Z", "maxLifetime": None}
    theirs = [{"restrictionType": "passwordAddition", "state": "enabled", **everyone}]

    tenant.must("PATCH", DEFAULT, {"applicationRestrictions": {"passwordCredentials": theirs}})

    left = passwords_of(tenant)
    assert "passwordLifetime" not in left
    assert left["passwordAddition"]["excludeActors"] is None
    assert left["passwordAddition"]["restrictForAppsCreatedAfterDateTime"] == "0001-01-01T00:00:00Z"


def test_ours_changes_the_state_and_keeps_the_rest(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks, tmp_path: Path
) -> None:
    stage(tenant)
    ticks.later()

    run(client, tmp_path / "state", BLOCK)

    left = passwords_of(tenant)
    assert left["passwordLifetime"]["maxLifetime"] == "P180D"
    assert left["passwordAddition"]["state"] == "enabled"
    assert left["passwordAddition"]["restrictForAppsCreatedAfterDateTime"] == "2026-01-31T00:00:00Z"
    assert left["passwordAddition"]["excludeActors"]["customSecurityAttributes"] == [CALLER]


@pytest.mark.parametrize(
    "entry",
    [
        {"restrictionType": "PasswordAddition", "state": "enabled"},
        {"restrictionType": "passwordAddition", "restrictForAppsCreatedAfterDateTime": "/Date(1767225600000)/"},
    ],
    ids=["casing", "date"],
)
def test_what_other_tools_send_is_refused_and_ours_never_sends_it(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks, tmp_path: Path, transport: InProcess, entry: dict[str, Any]
) -> None:
    tenant.refused("PATCH", DEFAULT, {"applicationRestrictions": {"passwordCredentials": [entry]}}, status=400)
    dated = BLOCK.replace('"enabled" }', '"enabled", restrictForAppsCreatedAfterDateTime = 2026-01-01 }')

    run(client, tmp_path / "state", dated)

    (sent,) = [one for one in transport.seen if one.method == "PATCH"][-1:]
    assert b'"restrictionType":"passwordAddition"' in sent.content
    assert b'"2026-01-01T00:00:00Z"' in sent.content


def test_a_write_that_the_tenant_takes_and_drops_is_told(tenant: LocalTenant, tmp_path: Path) -> None:
    def drops_writes(request: httpx2.Request) -> httpx2.Response | None:
        return httpx2.Response(204) if request.method == "PATCH" else None

    with client_of(tenant, tmp_path, InProcess(tenant, drops_writes)) as client:
        (outcome,) = run(client, tmp_path / "state", BLOCK)

    assert outcome.became is Became.FAILED
    assert "does not read as it should: applicationRestrictions should be {'passwordCredentials'" in str(outcome.error)
