"""Strangers: unmodified clients of Microsoft's cloud, each against a tenant of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.administrator import Administrator
from tests.clients.azure_cli import AzureCli, prepare_cloud
from tests.clients.client_process import ClientProcess, client_environment
from tests.running_tenant import UNKIND, RunningTenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
CLIENTS_PYTHON = ROOT / ".venv-strangers" / "bin" / "python"
AZ = ROOT / ".venv-az" / "bin" / "az"
PROWLER = ROOT / ".venv-prowler" / "bin" / "prowler"
NODE_CLIENTS = ROOT / ".node-strangers"
NEEDED_BY = {
    "start_client": CLIENTS_PYTHON,
    "new_azure_cli": AZ,
    "start_node_client": NODE_CLIENTS / "node_modules",
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip before a tenant is started for a client that is not there."""
    for fixture, program in NEEDED_BY.items():
        if fixture in getattr(item, "fixturenames", ()) and not program.exists():
            pytest.skip("the real clients are not installed: run `make strangers`")


@pytest.fixture(scope="module")
def tenant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    """An empty tenant for the tests of one file. Their client has to bear the usual mischief, unless the file says that
    it cannot: `MISCHIEF`, with the reason."""
    mischief = getattr(request.module, "MISCHIEF", UNKIND)
    with RunningTenant.start(tmp_path_factory.mktemp("tenant") / "data", "--empty", mischief=mischief) as running:
        yield running


@pytest.fixture(scope="module")
def administrator(tenant: RunningTenant) -> Iterator[Administrator]:
    signed_in = Administrator(tenant)
    yield signed_in
    signed_in.close()


@pytest.fixture(scope="module")
def start_client(
    tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], ClientProcess]]:
    """Starts a script of tests/clients/scripts in the clients' environment; ends it with the file."""
    home = tmp_path_factory.mktemp("client")
    started: list[ClientProcess] = []

    def start(script: str) -> ClientProcess:
        errors = home / f"{script}.stderr"
        process = ClientProcess(CLIENTS_PYTHON, SCRIPTS / script, client_environment(tenant, home), errors)
        started.append(process)
        return process

    yield start
    for process in started:
        process.close()


@pytest.fixture(scope="module")
def start_node_client(
    tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], ClientProcess]]:
    """As `start_client`, for a script that runs on Node.js."""
    home = tmp_path_factory.mktemp("node")
    environment = client_environment(tenant, home) | {"NODE_CLIENTS": str(NODE_CLIENTS)}
    started: list[ClientProcess] = []

    def start(script: str) -> ClientProcess:
        process = ClientProcess(Path("node"), SCRIPTS / script, environment, home / f"{script}.stderr")
        started.append(process)
        return process

    yield start
    for process in started:
        process.close()


@pytest.fixture(scope="module")
def new_azure_cli(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], AzureCli]:
    """Makes an Azure CLI that knows the tenant's cloud, has signed in nobody and remembers nothing.

    A second sign-in in one configuration may succeed from the CLI's own cache without asking the server at all,
    so a test that is about signing in needs a new one.
    """
    prepared = tmp_path_factory.mktemp("az") / "prepared"
    prepare_cloud(AZ, tenant, prepared)
    return partial(_copied, tenant, prepared, tmp_path_factory)


def _copied(tenant: RunningTenant, prepared: Path, factory: pytest.TempPathFactory) -> AzureCli:
    return AzureCli.with_configuration(AZ, tenant, factory.mktemp("az"), prepared)
