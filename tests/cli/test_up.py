"""Starting a tenant, finding it, stopping it, and several tenants in one server."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.running_tenant import STOPS_WITHIN, UNSECRET, RunningTenant


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def log(data: Path) -> str:
    return (data.parent / f"{data.name}.log").read_text()


def stopped_at(tenant: RunningTenant) -> int:
    tenant.process.send_signal(signal.SIGINT)
    return tenant.process.wait(STOPS_WITHIN)


def unsecret(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in the home of the tenant in `data`, which is not named to it."""
    home = str(data.parent / f"{data.name}.home")
    return subprocess.run(
        [str(UNSECRET), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": home, **environment},
    )


def test_a_tenant_greets_is_found_as_the_last_one_stops_cleanly_and_goes_on(data: Path) -> None:
    with RunningTenant.start(data, "--empty") as tenant:
        assert unsecret(data, "block", "--yes").returncode == 0
        assert stopped_at(tenant) == 0
    greeting = log(data)
    for said in (tenant.graph, tenant.client_id, str(tenant.ca), str(tenant.certificate), "unsecret block"):
        assert said in greeting
    assert greeting.endswith("Stopped. Everything is kept for the next start.\n")

    gone = unsecret(data, "status")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert f"hint: Start it: unsecret up --data {data}" in gone.stderr

    with RunningTenant.start(data, "--sample") as again:
        assert again.tenant_id == tenant.tenant_id
        assert "Default policy: on" in unsecret(data, "status").stdout


def test_a_tenant_begins_with_the_sample_organisation(data: Path) -> None:
    with RunningTenant.start(data):
        status = json.loads(unsecret(data, "status", "-o", "json").stdout)
    assert status["organisation"] == "Contoso (sample)"
    assert status["applications"]["with_secrets"] > 0


def test_tenants_are_added_to_a_running_server_and_keep_apart(data: Path) -> None:
    with RunningTenant.start(data, "--empty") as tenant:
        (added,) = json.loads(unsecret(data, "tenant", "add", "--name", "Fabrikam", "--empty", "-o", "json").stdout)
        own = Path(added["directory"])
        assert own == data / "tenants" / added["id"]
        assert (own / "administrator.pem").stat().st_mode & 0o077 == 0
        assert unsecret(data, "block", "--yes", "--data", str(own)).returncode == 0

        assert "Default policy: on" in unsecret(data, "status", "--data", str(own)).stdout
        assert "Default policy: off" in unsecret(data, "status").stdout
        assert "Default policy: off" in unsecret(data, "status", "--data", f"{data}/tenants/{tenant.tenant_id}").stdout
        listed = json.loads(unsecret(data, "tenant", "list", "-o", "json").stdout)
        assert [one["id"] for one in listed] == [tenant.tenant_id, added["id"]]

    assert not (own / "connection.json").exists()
    with RunningTenant.start(data):
        assert "Default policy: on" in unsecret(data, "status", "--data", str(own)).stdout


def test_a_domain_belongs_to_one_tenant_and_a_refusal_leaves_nothing_behind(data: Path) -> None:
    with RunningTenant.start(data, "--empty"):
        assert unsecret(data, "tenant", "add", "--domain", "contoso.example", "--empty").returncode == 0
        refused = unsecret(data, "tenant", "add", "--domain", "Contoso.example", "--empty")
    assert refused.returncode == 1
    assert "belongs to another tenant" in refused.stderr
    assert [folder.name for folder in (data / "tenants").iterdir() if folder.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["up", "--empty", "--sample"], "--empty and --sample exclude each other"),
        (["up", "--host", "nowhere.invalid", "--port", "0"], "is not an address of this machine"),
        (["tenant", "add"], "There is no local tenant in"),
        (["tenant", "list"], "There is no local tenant in"),
        (["status"], "No local tenant was started yet"),
    ],
)
def test_what_cannot_be_started_or_found_is_said_and_nothing_is_made(
    data: Path, arguments: list[str], words: str
) -> None:
    done = unsecret(data, *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert not (data.parent / f"{data.name}.home" / ".local" / "share").exists()


def test_a_second_server_does_not_take_the_first_ones_place(data: Path) -> None:
    with RunningTenant.start(data, "--empty"):
        done = unsecret(data, "up", "--data", str(data), "--port", "0")
        assert done.returncode == 1
        assert "A server is running on" in done.stderr
        assert unsecret(data, "status").returncode == 0
