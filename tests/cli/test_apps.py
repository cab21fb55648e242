"""`unsecret apps`, as people run it on a snapshot and on a tenant."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_tenant import RunningTenant
from unsecret.operate.snapshots.snapshot_file import open_snapshot


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    with RunningTenant.start(tmp_path_factory.mktemp("apps") / "data", "--sample") as running:
        yield running


@pytest.fixture(scope="module")
def snapshot(tenant: RunningTenant) -> Path:
    file = tenant.data / "tenant.unsecret"
    assert tenant.run("snapshot", str(file)).returncode == 0
    return file


def printed(tenant: RunningTenant, *arguments: str) -> str:
    done = tenant.run("apps", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_riskiest_application_comes_first_with_its_reasons(tenant: RunningTenant) -> None:
    table = printed(tenant, "list")
    first = next(line for line in table.splitlines() if line.startswith("Directory Sync Helper"))
    assert "high" in first
    assert "Directory.ReadWrite.All: can change groups, people and applications" in first
    assert table.splitlines()[4].startswith("Directory Sync Helper")


def test_of_several_secrets_the_first_and_the_last_end_are_told(tenant: RunningTenant, snapshot: Path) -> None:
    asked = ("list", "--snapshot", str(snapshot), "-o", "csv")
    rows = {row[0]: row[2] for row in csv.reader(io.StringIO(printed(tenant, *asked)))}
    query = "applications[?display_name=='Directory Sync Helper'].secrets | [0].[live, next_end_at, ends_at]"
    live, first, last = json.loads(printed(tenant, "list", "--snapshot", str(snapshot), "--query", query))
    assert rows["Directory Sync Helper"] == f"{live}: first ends {first[:10]}, last {last[:10]}"
    assert rows["Intranet Search"].startswith("1 until ")


def test_the_page_that_lies_ready_is_the_page_that_is_worked_out(tenant: RunningTenant, snapshot: Path) -> None:
    ready = printed(tenant, "list", "--snapshot", str(snapshot))
    assert ready == printed(tenant, "list", "--snapshot", str(snapshot), "--sort", "risk")


def test_every_form_names_every_application(tenant: RunningTenant, snapshot: Path) -> None:
    asked = ("list", "--snapshot", str(snapshot), "--with", "secrets")
    names = {one["display_name"] for one in json.loads(printed(tenant, *asked, "-o", "json"))["applications"]}
    assert "Payroll Export" in names
    assert {row[0] for row in list(csv.reader(io.StringIO(printed(tenant, *asked, "-o", "csv"))))[1:]} == names
    for form in ("md", "html"):
        assert all(name in printed(tenant, *asked, "-o", form) for name in names)


def test_a_query_picks_from_the_json(tenant: RunningTenant, snapshot: Path) -> None:
    query = "applications[?secrets.live > `2`].display_name"
    assert json.loads(printed(tenant, "list", "--snapshot", str(snapshot), "--query", query)) == [
        "Directory Sync Helper"
    ]


def test_what_is_muted_with_a_reason_is_left_out_and_said_to_be(
    tenant: RunningTenant, snapshot: Path, tmp_path: Path
) -> None:
    (tmp_path / "mutes.toml").write_text(
        '[[mute]]\nsubject = "Directory*"\nreason = "goes in May"\nuntil = 2099-01-01\n'
        '[[mute]]\nsubject = "Payroll*"\nuntil = 2099-01-01\n'
    )
    page = printed(tenant, "list", "--snapshot", str(snapshot), "--mutes", str(tmp_path / "mutes.toml"))
    assert "\nDirectory Sync Helper" not in page
    assert "muted 1 finding until 2099-01-01: goes in May" in page
    assert "\nPayroll Export" in page
    assert "The mute of 'Payroll*' does not mute: it gives no reason." in page


def test_one_application_is_shown_whole(tenant: RunningTenant, snapshot: Path) -> None:
    page = printed(tenant, "show", "Payroll Export", "--snapshot", str(snapshot))
    for said in ("set up by the vendor", "expired", "maria@", "User.Read.All", "Risk: "):
        assert said in page
    assert "Not known" not in printed(tenant, "show", "payroll export")  # of the tenant; nothing is withheld there


def test_an_application_that_is_not_there_is_an_error_with_a_remedy(tenant: RunningTenant, snapshot: Path) -> None:
    done = tenant.run("apps", "show", "Nobody", "--snapshot", str(snapshot))
    assert done.returncode == 1
    assert "There is no application 'Nobody'." in done.stderr
    assert "hint:" in done.stderr


def test_what_binds_an_application_is_what_would_happen(tenant: RunningTenant, snapshot: Path) -> None:
    done = tenant.run("explain", "Warehouse Scanner", "--snapshot", str(snapshot), "-o", "json")
    found = json.loads(done.stdout)
    may = {one["what"]: one for one in found["may_be_created"]["application"]}
    assert may["a client secret"]["limit"] == "90 days"
    assert may["a certificate"]["allowed"] is True


def test_one_story_is_told_of_one_application(tenant: RunningTenant, tmp_path: Path) -> None:
    """A secret of 90 days is allowed: to the listing, to the forecast, and to what explains it."""
    policies, after = tmp_path / "default.toml", tmp_path / "after.unsecret"
    policies.write_text(
        "[defaultAppManagementPolicy]\nisEnabled = true\n"
        "[defaultAppManagementPolicy.applicationRestrictions.keyCredentials]\n"
        'asymmetricKeyLifetime = { state = "enabled", maxLifetime = "P730D" }\n'
    )
    assert tenant.run("apply", str(policies), "--yes").returncode == 0
    exempting = ("exempt", "add", "Payroll Export", "--until", "2999-01-31", "--reason", "it moves", "--yes")
    assert tenant.run(*exempting).returncode == 0
    assert tenant.run("snapshot", str(after)).returncode == 0
    asked = ("--snapshot", str(after))

    told = tenant.run("forecast", *asked, "-o", "csv").stdout
    said = tenant.run("explain", "Warehouse Scanner", *asked).stdout
    exempt = [tenant.run(*verb, "Payroll Export", *asked).stdout for verb in (("explain",), ("apps", "show"))]

    [row] = [row for row in csv.DictReader(io.StringIO(told)) if row["application"] == "Warehouse Scanner"]
    assert row["new_secret"].startswith("refused for 180 days by 'Partner applications: secrets")
    assert "yes, for at most 90 days" in said
    [governed] = [line for line in said.splitlines() if line.startswith("Governed by: ")]
    assert "the tenant default" in governed
    assert "'Partner applications: secrets for at most 90 days'" in governed
    assert all("Exempt until 2999-01-31: it moves." in one for one in exempt)


def test_an_error_is_explained_with_the_name_of_the_policy(tenant: RunningTenant, snapshot: Path) -> None:
    with open_snapshot(snapshot) as opened:
        [policy] = opened.custom_policies
    said = f"Credential lifetime exceeds the max value allowed as per assigned policy '{policy.id}'."
    done = tenant.run("explain", "--error", "-", "--snapshot", str(snapshot), typed=said)
    assert policy.display_name in done.stdout
    assert "--end-date" in done.stdout


@pytest.mark.parametrize("other", [("--tenant", "azure"), ("--data", "elsewhere")])
def test_a_file_or_a_tenant_is_asked_never_both(tenant: RunningTenant, snapshot: Path, other: tuple[str, str]) -> None:
    done = tenant.run("apps", "list", "--snapshot", str(snapshot), *other)
    assert done.returncode == 1
    assert f"--snapshot names a file, {other[0]} a tenant" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("Payroll Export", "--error", "x")])
def test_an_application_or_an_error_is_explained_never_both(tenant: RunningTenant, arguments: tuple[str, ...]) -> None:
    done = tenant.run("explain", *arguments)
    assert done.returncode == 1
    assert "one of the two" in done.stderr


def test_the_log_is_read_by_a_verb(tenant: RunningTenant) -> None:
    done = tenant.run("audit", "--last", "P1D", "--kind", "applications", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["records"] == []
