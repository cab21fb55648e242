"""The commands as people and scripts run them: in a process of their own, against a running tenant."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running_tenant import UNSECRET, RunningTenant
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import read_connection

DEFAULT = "/beta/policies/defaultAppManagementPolicy"
FOUR = ["applications: passwordAddition", "applications: symmetricKeyAddition"]
FOUR += [where.replace("applications", "service principals") for where in FOUR]


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    with RunningTenant.start(tmp_path_factory.mktemp("cli") / "data", "--empty") as running:
        yield running


@pytest.fixture(scope="module")
def graph(tenant: RunningTenant) -> Iterator[GraphClient]:
    """For what a test needs to be there, or looks up afterwards."""
    with GraphClient(read_connection(tenant.data)) as client:
        yield client


@pytest.fixture
def unblocked(tenant: RunningTenant, graph: GraphClient) -> RunningTenant:
    """The tenant with a default policy that is off and says nothing, however the last test left it."""
    nothing = {"passwordCredentials": [], "keyCredentials": []}
    off = {"isEnabled": False, "applicationRestrictions": nothing, "servicePrincipalRestrictions": nothing}
    graph.send("PATCH", DEFAULT, body=off)
    return tenant


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def answer(tenant: RunningTenant, *arguments: str) -> Any:
    return json.loads(succeeded(tenant.run(*arguments)))


def new_application(graph: GraphClient, name: str) -> Any:
    return graph.send("POST", "applications", body={"displayName": name}).body


def environment(tenant: RunningTenant) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tenant.data), "UNSECRET_DATA": str(tenant.data)}


def at_a_terminal(tenant: RunningTenant, typed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with a terminal as standard input, on which `typed` is typed."""
    keyboard, terminal = pty.openpty()
    os.write(keyboard, typed.encode())
    try:
        return subprocess.run(
            [str(UNSECRET), *arguments],
            stdin=terminal,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=tenant.environment,
        )
    finally:
        os.close(keyboard)
        os.close(terminal)


def test_a_dry_run_shows_the_change_and_changes_nothing(unblocked: RunningTenant, graph: GraphClient) -> None:
    before = graph.get(DEFAULT)
    for flag in ("--dry-run", "--what-if"):
        done = unblocked.run("block", flag, "-o", "json")
        assert done.returncode == 2, done.stderr
        (planned,) = json.loads(done.stdout)["policies"]
        assert planned["outcome"] == "pending"
        assert [line["what"] for line in planned["changes"]] == ["policy", *FOUR]
        assert planned["requests"][0]["method"] == "PATCH"
    assert graph.get(DEFAULT) == before


@pytest.mark.parametrize("verb", [["block"], ["graph", "DELETE", "/applications/x"]])
def test_where_nobody_can_be_asked_nothing_is_changed(
    unblocked: RunningTenant, graph: GraphClient, verb: list[str]
) -> None:
    before = graph.get(DEFAULT)
    done = unblocked.run(*verb)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Nothing was changed: this needs your yes" in done.stderr
    assert "hint: Add --yes" in done.stderr
    assert graph.get(DEFAULT) == before


@pytest.mark.parametrize("verb", ["block", "allow"])
@pytest.mark.parametrize("apps", [["--app"], ["--app", "--yes"], ["--app", "", "--yes"], ["--app=", "--yes"]])
def test_an_app_option_that_names_nothing_never_means_the_whole_tenant(
    unblocked: RunningTenant, graph: GraphClient, verb: str, apps: list[str]
) -> None:
    before = graph.get(DEFAULT)
    done = unblocked.run(verb, *apps)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--app names nothing" in done.stderr or "No application has an empty name" in done.stderr
    assert graph.get(DEFAULT) == before


@pytest.mark.parametrize("typed", ["n\n", "\n", "yessir\n"])
def test_whoever_does_not_say_yes_changes_nothing(unblocked: RunningTenant, graph: GraphClient, typed: str) -> None:
    before = graph.get(DEFAULT)
    done = at_a_terminal(unblocked, typed, "block")
    assert done.returncode == 1
    assert "Change the tenant default policy? [y/N]" in done.stderr
    assert graph.get(DEFAULT) == before


def test_whoever_says_yes_blocks_and_a_second_block_writes_nothing(
    unblocked: RunningTenant, graph: GraphClient
) -> None:
    done = at_a_terminal(unblocked, "y\n", "block")
    assert done.returncode == 0, done.stderr
    assert "applications: passwordAddition" in done.stdout
    assert "read back" in done.stderr
    assert graph.get(DEFAULT)["isEnabled"] is True

    again = unblocked.run("block", "-o", "json")
    assert (again.returncode, json.loads(again.stdout)["policies"][0]["outcome"]) == (0, "unchanged")
    assert "Nothing to do" in again.stderr


def test_a_blocked_secret_is_refused_in_graphs_words_and_allowed_after_allow(
    unblocked: RunningTenant, graph: GraphClient
) -> None:
    app = new_application(graph, "Refused")
    path = f"/applications/{app['id']}/addPassword"
    succeeded(unblocked.run("block", "--yes"))

    refused = unblocked.run("graph", "POST", path, "--body", "{}", "--yes")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "error: Credential type not allowed as per assigned policy" in refused.stderr

    succeeded(unblocked.run("allow", "--yes"))
    assert answer(unblocked, "graph", "POST", path, "--body", "{}", "--yes")["secretText"]


def test_entries_that_would_wake_up_are_warned_of_before_the_question(
    unblocked: RunningTenant, graph: GraphClient
) -> None:
    asleep = {
        "applicationRestrictions": {
            "keyCredentials": [{"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "P30D"}]
        }
    }
    graph.send("PATCH", DEFAULT, body=asleep)

    done = at_a_terminal(unblocked, "n\n", "block")
    warning = "Switching it on also activates: applications: asymmetricKeyLifetime (enabled, at most 30 days)"
    assert done.stderr.index(warning) < done.stderr.index("and activate the 1 entry warned of above? [y/N]")


def test_no_name_steers_the_terminal_at_the_question(unblocked: RunningTenant, graph: GraphClient) -> None:
    app = new_application(graph, "\x1b[2KHarmless")
    done = at_a_terminal(unblocked, "n\n", "block", "--app", app["id"])
    assert "Harmless'? [y/N]" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_limit_and_a_date_are_written_as_asked(unblocked: RunningTenant, graph: GraphClient) -> None:
    succeeded(unblocked.run("block", "--max-lifetime", "P90D", "--from", "2027-01-01", "--yes"))
    for section in ("applicationRestrictions", "servicePrincipalRestrictions"):
        written = graph.get(DEFAULT)[section]["passwordCredentials"]
        assert [one["restrictionType"] for one in written] == ["passwordLifetime", "symmetricKeyLifetime"]
        assert {one["maxLifetime"] for one in written} == {"P90D"}
        assert {one["restrictForAppsCreatedAfterDateTime"] for one in written} == {"2027-01-01T00:00:00Z"}


def test_single_applications_are_blocked_and_exempted_by_name_and_id(
    unblocked: RunningTenant, graph: GraphClient
) -> None:
    one, other = new_application(graph, "Payroll Export"), new_application(graph, "Warehouse")
    succeeded(unblocked.run("block", "--app", "Payroll Export", other["appId"], "--yes"))
    for app in (one, other):
        done = unblocked.run("graph", "POST", f"/applications/{app['id']}/addPassword", "--body", "{}", "--yes")
        assert "Credential type not allowed" in done.stderr

    succeeded(unblocked.run("allow", "--app", one["id"], "--yes"))
    succeeded(unblocked.run("graph", "POST", f"/applications/{one['id']}/addPassword", "--body", "{}", "--yes"))


def test_status_is_a_page_for_people_and_json_for_scripts(unblocked: RunningTenant) -> None:
    page = succeeded(unblocked.run("status"))
    assert "Default policy: off" in page
    assert "Not known" in page
    read = answer(unblocked, "status", "-o", "json")
    assert read["tenant_id"] == unblocked.tenant_id
    assert read["is_enabled"] is False


def test_graph_takes_a_body_from_a_file_and_from_standard_input(tenant: RunningTenant, tmp_path: Path) -> None:
    body = tmp_path / "app.json"
    body.write_text('{"displayName": "From a file"}')
    assert (
        answer(tenant, "graph", "post", "applications", "--body", f"@{body}", "--yes")["displayName"] == "From a file"
    )

    piped = subprocess.run(
        [str(UNSECRET), "graph", "POST", "/v1.0/applications", "--body", "-", "--yes"],
        input='{"displayName": "From a pipe"}',
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment(tenant),
    )
    assert json.loads(piped.stdout)["displayName"] == "From a pipe"


def test_graph_follows_all_pages_when_asked(tenant: RunningTenant, graph: GraphClient) -> None:
    for number in range(3):
        new_application(graph, f"page {number}")
    path = "/applications?$filter=startswith(displayName,'page ')&$top=2"
    assert "@odata.nextLink" in answer(tenant, "graph", "GET", path)
    assert len(answer(tenant, "graph", "GET", path, "--all")["value"]) == 3


def test_graph_sends_headers(tenant: RunningTenant) -> None:
    path = "/applications?$count=true&$top=1"
    counted = answer(tenant, "graph", "GET", path, "-H", "ConsistencyLevel: eventual")
    assert counted["@odata.count"] >= 1


def test_a_change_without_an_answer_says_so_and_prints_nothing(tenant: RunningTenant) -> None:
    done = tenant.run("graph", "PATCH", DEFAULT, "--body", '{"isEnabled": false}', "--yes")
    assert (done.returncode, done.stdout) == (0, "")
    assert "204, no content" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["graph", "BREW", "/tea"], "BREW is not a method"),
        (["graph", "POST", "/applications", "--body", "{", "--yes"], "--body is not JSON"),
        (["graph", "POST", "/applications", "--body", "@/nowhere", "--yes"], "/nowhere cannot be read"),
        (["graph", "POST", "/applications", "--body", "@", "--yes"], "--body is empty"),
        (["graph", "POST", "/applications", "--body", "", "--yes"], "--body is empty"),
        (["graph", "GET", "/applications", "--body", "{}"], "GET sends no --body"),
        (["graph", "POST", "/applications", "--all", "--yes"], "--all reads every page of a collection; POST"),
        (["graph", "GET", "/applications", "-H", "Authorization: Bearer mine"], "is written by unsecret itself"),
        (["graph", "GET", "/applications", "-H", "ConsistencyLevel"], "--header takes NAME:VALUE"),
        (["graph", "GET", "/applications", "-H", "größe: 1"], "--header takes NAME:VALUE"),
        (["graph", "GET", "/applications", "-H", "x: größe"], "--header takes NAME:VALUE"),
        (["graph", "GET", "/applications", "-H", "x: 1\r\ny: 2"], "--header takes NAME:VALUE"),
        (["graph", "GET", "https://graph.microsoft.com/v1.0/me"], "a token is sent to no other place"),
        (["block", "--from", "tomorrow"], "Cannot read 'tomorrow'; expected a date such as 2026-01-31, or an instant"),
        (["block", "--from", "2026-13-45"], "Cannot read '2026-13-45'; expected a date"),
        (["block", "--max-lifetime", "90 days"], "Cannot read '90 days'"),
        (["block", "--max-lifetime", "PT0S", "--dry-run"], "leave --max-lifetime out"),
        (["block", "--app", "nobody", "--dry-run"], "There is no application with the name 'nobody'"),
        (["block", "--apps", "nobody"], "Unknown option"),
        (["block", "everything"], "Not expected here: everything"),
        (["status", "--data", ""], "Name a directory"),
        (["up", "--data", "", "--port", "0"], "Name a directory"),
        (["up", "--port", "1.5"], "'1.5' is no port"),
        (["up", "--port", "65536"], "'65536' is no port"),
        (["blokc"], 'Did you mean "block"'),
        (["status", "--data", "/nowhere"], "No local tenant is running in /nowhere"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tenant: RunningTenant, arguments: list[str], words: str) -> None:
    done = tenant.run(*arguments)
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[0].removeprefix("error: ")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_reader_that_leaves_early_is_no_trouble(tenant: RunningTenant) -> None:
    line = f"{UNSECRET} graph GET /servicePrincipals | true"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment(tenant),
    )
    assert [line for line in done.stderr.splitlines() if "is busy (429); asking again" not in line] == []
