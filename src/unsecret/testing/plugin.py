"""Fixtures for pytest: `entra_tenant`, a fresh tenant for one test, and `entra_server`, what they all live in.

    def test_it_says_that_secrets_are_blocked(entra_tenant):
        app = entra_tenant.new_application("under test")
        entra_tenant.block_secrets()
        …

Whoever does not ask for a fixture pays for this file and nothing else: no library is loaded, nothing is started.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unsecret.testing.server import EntraServer
    from unsecret.testing.tenant import EntraTenant

ARGUMENTS = "unsecret_up"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one setting."""
    parser.addini(
        ARGUMENTS,
        "what to start the server of entra_tenant with, as options of `unsecret up`, such as --mischief on",
        type="args",
        default=[],
    )


@pytest.fixture(scope="session")
def entra_server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[EntraServer]:
    """The server that the tenants of all tests live in, one for all workers of pytest-xdist. It ends with the last
    of them, however that ends."""
    from unsecret.testing.server import shared_server

    run = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):  # of pytest-xdist: every worker has a folder in the run's
        run = run.parent
    with shared_server(run / "unsecret", tuple(request.config.getini(ARGUMENTS))) as server:
        yield server


@pytest.fixture
def entra_tenant(entra_server: EntraServer) -> Iterator[EntraTenant]:
    """A fresh, empty tenant that nobody else has, with a clock that can be moved. See EntraTenant."""
    with entra_server.new_tenant() as tenant:
        yield tenant
