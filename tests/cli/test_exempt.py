"""`unsecret exempt` on a tenant whose clock moves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.running_tenant import RunningTenant

UNTIL = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
UNTIL_LATER = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    with RunningTenant.start(tmp_path_factory.mktemp("exempt") / "data", "--sample", "--now", "now") as running:
        assert running.run("block", "--yes").returncode == 0
        yield running


def test_an_exemption_is_shown_granted_listed_and_withdrawn_after_its_last_day(tenant: RunningTenant) -> None:
    asked = ("exempt", "add", "Payroll Export", "--until", UNTIL, "--reason", "the vendor migrates")
    assert tenant.run(*asked, "--dry-run").returncode == 2
    assert "needs your yes" in tenant.run(*asked).stderr
    granted = tenant.run(*asked, "--yes", "--tenant", "local")
    assert (granted.returncode, "unsecret exemption: Payroll Export" in granted.stdout) == (0, True)
    assert re.search(r"To go back: unsecret apply \S+\.rollback\.toml --tenant local\n", granted.stderr)

    listed = tenant.run("exempt", "list", "-o", "json")
    assert listed.returncode == 0
    [exemption] = json.loads(listed.stdout)["exemptions"]
    assert (exemption["who"], exemption["until"], exemption["state"]) == (["Payroll Export"], UNTIL, "running")
    assert "No exemption is to be withdrawn." in tenant.run("exempt", "expire", "--yes").stdout

    assert tenant.run("clock", "--move", "P32D").returncode == 0
    assert tenant.run("exempt", "list").returncode == 3
    assert tenant.run("exempt", "expire", "--dry-run").returncode == 2
    assert tenant.run("exempt", "expire", "--yes").returncode == 0
    assert json.loads(tenant.run("exempt", "list", "-o", "json").stdout)["exemptions"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "Payroll Export", "--until", "2020-01-01", "--reason", "late"), "is over"),
        (("add", "Payroll Export", "--until", "soon", "--reason", "x"), "expected a date"),
        (("add", "Payroll Export", "--until", "2027-02-29", "--reason", "x"), "expected a date"),
        (("add", "Payroll Export", "--until", "2099-01-01T00:00:00+14:00", "--reason", "x"), "expected a date"),
        (("add", "Payroll Export", "--until", "2099-01-01", "--reason", " "), "needs a reason"),
        (("add", "Nobody", "--until", "2099-01-01", "--reason", "x"), "no application"),
        (("remove", "Intranet Search"), "no exemption with a term"),
    ],
)
def test_what_cannot_be_exempt_is_an_error_in_plain_words(
    tenant: RunningTenant, arguments: tuple[str, ...], said: str
) -> None:
    done = tenant.run("exempt", *arguments)
    assert done.returncode == 1
    assert said in done.stderr


def test_an_exemption_that_others_came_to_share_is_not_removed_for_one_of_them(tenant: RunningTenant) -> None:
    asked = ("exempt", "add", "Payroll Export", "--until", UNTIL_LATER, "--reason", "shared by hand", "--yes")
    assert tenant.run(*asked).returncode == 0
    [exemption] = json.loads(tenant.run("exempt", "list", "-o", "json").stdout)["exemptions"]
    found = tenant.run("graph", "GET", "/applications?$filter=displayName eq 'Intranet Search'&$select=id")
    other = json.loads(found.stdout)["value"][0]["id"]
    reference = {
        "@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{exemption['policy_id']}"
    }
    path = f"/applications/{other}/appManagementPolicies/$ref"
    assert tenant.run("graph", "POST", path, "--body", json.dumps(reference), "--yes").returncode == 0
    refused = tenant.run("exempt", "remove", "Payroll Export", "--yes")
    assert (refused.returncode, "Intranet Search" in refused.stderr) == (1, True)
    assert len(json.loads(tenant.run("exempt", "list", "-o", "json").stdout)["exemptions"]) == 1


def test_an_attribute_is_not_taken_from_anybody_unasked(tenant: RunningTenant) -> None:
    """Of two callers with one last day, one is exempt no longer: no policy changes, and yet it is asked."""
    for who in ("Payroll Export", "Intranet Search"):
        asked = ("exempt", "add", who, "--caller", "--until", UNTIL_LATER, "--reason", "builds", "--yes")
        assert tenant.run(*asked).returncode == 0

    unasked = tenant.run("exempt", "remove", "Payroll Export", "--caller")
    assert (unasked.returncode, "needs your yes" in unasked.stderr) == (1, True)
    found = json.loads(tenant.run("exempt", "list", "-o", "json").stdout)["exemptions"]
    assert {name for one in found if one["subject"] == "callers" for name in one["who"]} == {
        "Payroll Export",
        "Intranet Search",
    }
    assert tenant.run("exempt", "remove", "Payroll Export", "--caller", "--yes").returncode == 0
