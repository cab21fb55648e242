"""A tenant that is not local, for the commands: named in the settings, signed in to with azure-identity."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_commands import at_a_terminal
from tests.running_tenant import RunningTenant
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import read_connection


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    """A tenant of `unsecret up` under the name `prod`; to the commands it is anybody's."""
    with RunningTenant.start(tmp_path_factory.mktemp("real") / "data", "--empty") as running:
        settings = Path(running.environment["HOME"]) / ".config" / "unsecret" / "config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(
            f'[tenants.prod]\ntenant_id = "{running.tenant_id}"\nauthority = "{running.authority}"\n'
            f'graph = "{running.graph}"\nca = "{running.ca}"\nauth = "certificate"\n'
            f'client_id = "{running.client_id}"\ncertificate = "{running.certificate}"\n'
        )
        yield running


def test_a_named_tenant_is_read(tenant: RunningTenant) -> None:
    done = tenant.run("status", "--tenant", "prod")
    assert done.returncode == 0, done.stderr
    assert tenant.tenant_id in done.stdout
    assert "WARNING" not in done.stderr


def test_the_question_names_the_tenant_its_id_and_where_it_is(tenant: RunningTenant) -> None:
    done = at_a_terminal(tenant, "n\n", "block", "--tenant", "prod")
    assert f"tenant default policy, in tenant 'prod' ({tenant.tenant_id}, at {tenant.graph})? [y/N]" in done.stderr
    assert "Nothing was changed" in done.stderr


def test_without_a_terminal_it_needs_yes_and_then_says_what_was_changed_where(tenant: RunningTenant) -> None:
    refused = tenant.run("block", "--tenant", "prod")
    assert (refused.returncode, "needs your yes" in refused.stderr) == (1, True)
    done = tenant.run("block", "--tenant", "prod", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"in tenant 'prod' ({tenant.tenant_id}, at {tenant.graph})? yes" in done.stderr
    with GraphClient(read_connection(tenant.data)) as graph:
        assert graph.get("policies/defaultAppManagementPolicy")["isEnabled"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("status", "--tenant", "nobody"), "There is no tenant 'nobody' in the settings. There are: prod."),
        (("status", "--tenant", "prod", "--data", "."), "--tenant and --data exclude each other"),
    ],
)
def test_a_tenant_that_cannot_be_meant_is_an_error(
    tenant: RunningTenant, arguments: tuple[str, ...], words: str
) -> None:
    done: subprocess.CompletedProcess[str] = tenant.run(*arguments)
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
