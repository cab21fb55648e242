"""`unsecret up --from` and `unsecret tenant add --from`: a tenant that begins as another was."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests import postgresql
from tests.running_tenant import RunningTenant

TENANT = "7d2d0c1b-4c2c-4c58-9b6a-1de0a2a3f001"
APPLICATION = "7d2d0c1b-4c2c-4c58-9b6a-1de0a2a3f002"
EXPORT: dict[str, Any] = {
    "unsecret": "export/1",
    "organization": {
        "id": TENANT,
        "displayName": "Fabrikam",
        "createdDateTime": "2016-02-03T04:05:06Z",
        "verifiedDomains": [
            {"name": "fabrikam.example", "isInitial": False},
            {"name": "fabrikam.onmicrosoft.com", "isInitial": True},
        ],
    },
    "applications": [
        {
            "id": APPLICATION,
            "appId": "7d2d0c1b-4c2c-4c58-9b6a-1de0a2a3f003",
            "displayName": "Payroll",
            "createdDateTime": "2018-01-01T00:00:00Z",
            "owners": [{"id": "7d2d0c1b-4c2c-4c58-9b6a-1de0a2a3f009"}],
        }
    ],
}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    file = tmp_path / "export.json"
    file.write_text(json.dumps(EXPORT))
    return file


def refused(data: Path, *arguments: str) -> str:
    """What `up` says when it does not start."""
    with pytest.raises(AssertionError) as said, RunningTenant.start(data, *arguments):
        pass
    return str(said.value)


def test_a_tenant_begins_as_another_was(tmp_path: Path, export: Path) -> None:
    data = tmp_path / "data"
    with RunningTenant.start(data, "--from", str(export)) as server:
        assert server.tenant_id == TENANT
        said = server.log.read_text()
        assert "loaded 1 applications" in said
        assert "skipped applications[0] (Payroll): owner 7d2d0c1b-4c2c-4c58-9b6a-1de0a2a3f009: that object" in said
        app = json.loads(server.run("graph", "GET", f"/applications/{APPLICATION}").stdout)
        assert (app["displayName"], app["createdDateTime"]) == ("Payroll", "2018-01-01T00:00:00Z")
        again = server.run("tenant", "add", "--from", str(export))
        assert again.returncode == 1
        assert f"The tenant '{TENANT}' exists already" in again.stderr
    assert re.search("There is a tenant in .* already", refused(data, "--from", str(export)))


def test_a_tenant_is_added_as_another_was(tmp_path: Path, export: Path) -> None:
    with RunningTenant.start(tmp_path / "data", "--empty") as server:
        added = json.loads(server.run("tenant", "add", "--from", str(export), "-o", "json").stdout)
        assert [(one["id"], one["domain"]) for one in added] == [(TENANT, "fabrikam.onmicrosoft.com")]
        names = server.run("tenant", "add", "--from", str(export), "--name", "Other")
        assert "a tenant that is loaded keeps its own" in names.stderr


def test_an_export_that_cannot_be_loaded_leaves_nothing(tmp_path: Path, export: Path) -> None:
    wrong = EXPORT | {"applications": [EXPORT["applications"][0], {"displayName": "no id"}]}
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(wrong))
    data = tmp_path / "data"
    assert re.search(r"nothing of it was.*\n +applications\[1\] \(no id\)", refused(data, "--from", str(bad)))
    with RunningTenant.start(data, "--from", str(export)) as server:
        assert server.tenant_id == TENANT


@pytest.mark.parametrize("also", ["--empty", "--sample"])
def test_one_beginning_is_enough(tmp_path: Path, export: Path, also: str) -> None:
    assert re.search("--from says what the tenant begins with", refused(tmp_path / "data", "--from", str(export), also))


def test_all_of_it_is_the_same_on_postgresql(tmp_path: Path, export: Path) -> None:
    data, mischief = tmp_path / "data", "pages=1,lag=1,seed=5"
    with postgresql.server() as server, postgresql.database_of(server) as url:
        begin = ("--from", str(export), "--now", "2019-05-01", "--database", url)
        with RunningTenant.start(data, *begin, mischief=mischief) as server:
            assert server.tenant_id == TENANT
            assert server.run("clock").stdout.startswith("2019-05-01")
            made = server.run("graph", "POST", "/applications", "--body", '{"displayName": "Ledger"}', "--yes")
            assert json.loads(made.stdout)["createdDateTime"].startswith("2019-05-01")
            assert server.run("status").returncode == 0
        assert f"Start it: unsecret up --data {data} --database {shlex.quote(url)}\n" in server.run("status").stderr
        assert re.search("There is a tenant in .* already", refused(data, *begin))
        with RunningTenant.start(data, "--database", url) as again:
            found = json.loads(again.run("graph", "GET", "/applications").stdout)["value"]
            assert {"Payroll", "Ledger"} < {one["displayName"] for one in found}
            assert "if its directory is in PostgreSQL" in again.run("tenant", "add", "--name", "Other").stderr
            twice = again.run("tenant", "add", "--from", str(export), "--database", url)
            assert f"The tenant '{TENANT}' exists already" in twice.stderr
        with pytest.raises(AssertionError, match="does not go back"):
            RunningTenant.start(data, "--now", "2018-01-01", "--database", url).__enter__()
