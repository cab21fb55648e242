"""Starting a tenant, finding it, stopping it, and several tenants in one server."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running_tenant import STOPS_WITHIN, UNSECRET, RunningTenant
from unsecret.cli.hosting import open_existing_store
from unsecret.errors import Invalid
from unsecret.operate.graph.connection import read_connection

NOBODY = 65534


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    """For what leaves it as it was."""
    with RunningTenant.start(tmp_path_factory.mktemp("server") / "data", "--empty") as running:
        yield running


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
    people = data / "people.json"
    assert str(people) in log(data)
    assert stat.S_IMODE(people.stat().st_mode) == 0o600
    assert {"Global Administrator"} <= {role for one in json.loads(people.read_text()) for role in one["roles"]}
    assert not any(one["password"] in log(data) for one in json.loads(people.read_text()))
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
        (["up", "--host", "192.0.2.1", "--port", "0"], "is not an address of this machine. Choose another with --host"),
        (["up", "--port", "0", "--database", "localhost/unsecret"], "its URL begins with postgresql://"),
        (["tenant", "list", "--database", "localhost/unsecret"], "its URL begins with postgresql://"),
        (["up", "--port", "0", "--issuer", "http://issuer.example"], "both are https addresses"),
        (["up", "--port", "0", "--issuer-ca", __file__], "cannot be read as authorities of issuers"),
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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--name", ""], "has 1 to 256 characters"),
        (["--name", "  "], "has 1 to 256 characters"),
        (["--name", "x" * 257], "this has 257"),
        (["--domain", ""], "is no domain"),
        (["--domain", "not a domain"], "'not a domain.onmicrosoft.com' is no domain"),
        (["--domain", "a-.example"], "is no domain"),
        (["--domain", "two..dots"], "is no domain"),
        (["--domain", "bücher.example"], "xn--"),
        (["--domain", f"{'a' * 64}.example"], "1 to 63 letters"),
        (["--domain", f"{'a.' * 124}example"], "is no domain"),
    ],
)
def test_a_name_or_a_domain_that_cannot_be_one_makes_no_tenant(
    server: RunningTenant, arguments: list[str], words: str
) -> None:
    done = server.run("tenant", "add", "--empty", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert len(json.loads(server.run("tenant", "list", "-o", "json").stdout)) == 1


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("Größe & Söhne", "greshne.onmicrosoft.com"),
        ("株式会社", "tenant2.onmicrosoft.com"),
        ("L" * 256, f"{'l' * 63}."),
    ],
)
def test_a_domain_is_made_of_any_name(data: Path, name: str, domain: str) -> None:
    with RunningTenant.start(data, "--empty") as server:
        (added,) = json.loads(server.run("tenant", "add", "--name", name, "--empty", "-o", "json").stdout)
    assert (added["displayName"], added["domain"][: len(domain)]) == (name, domain)


def test_the_directory_of_an_added_tenant_stands_for_its_server(data: Path) -> None:
    with RunningTenant.start(data, "--empty") as server:
        (added,) = json.loads(server.run("tenant", "add", "--name", "Fabrikam", "--empty", "-o", "json").stdout)
        done = server.run("up", "--data", added["directory"], "--port", "0")
        assert done.returncode == 1
        assert f"A server is running on {data} already" in done.stderr
        assert sorted(file.name for file in Path(added["directory"]).iterdir()) == [
            "administrator.pem",
            "connection.json",
        ]


def test_a_home_that_cannot_be_written_to_is_no_reason_not_to_start(data: Path) -> None:
    (data.parent / f"{data.name}.home").write_text("in the way")
    with RunningTenant.start(data, "--empty") as server:
        assert server.run("status").returncode == 0
    assert f"so other commands need --data {data}" in log(data)


@contextmanager
def unreadable(directory: Path) -> Generator[None]:
    """For a moment the directory is another user's; root, whom no mode stops, becomes another user."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    else:
        directory.chmod(0)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        else:
            directory.chmod(0o700)


@pytest.mark.parametrize("look", [read_connection, open_existing_store])
def test_another_users_directory_is_said_to_be_that(data: Path, look: Callable[[Path], object]) -> None:
    data.mkdir(mode=0o700)
    with unreadable(data), pytest.raises(Invalid, match=f"{data} may not be read by this user") as refusal:
        look(data)
    assert "the user who started the server" in (refusal.value.hint or "")


def test_a_second_server_does_not_take_the_first_ones_place(data: Path) -> None:
    with RunningTenant.start(data, "--empty"):
        done = unsecret(data, "up", "--data", str(data), "--port", "0")
        assert done.returncode == 1
        assert "A server is running on" in done.stderr
        assert unsecret(data, "status").returncode == 0
