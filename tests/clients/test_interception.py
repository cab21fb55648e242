"""Clients that have Microsoft's hosts built in work through the interception proxy, told by their environment alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.clients.azure_cli import AzureCli
from tests.clients.client_process import ClientError, ClientProcess, client_environment
from tests.clients.conftest import AZ, CLIENTS_PYTHON, SCRIPTS
from tests.running_tenant import GIVES_UP_AT_429, RunningTenant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.strangers,
    pytest.mark.skipif(
        not (CLIENTS_PYTHON.exists() and AZ.exists()), reason="the real clients are not installed: run `make strangers`"
    ),
]


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    """A tenant with its proxy."""
    data = tmp_path_factory.mktemp("tenant") / "data"
    with RunningTenant.start(data, "--sample", "--intercept", "0", mischief=GIVES_UP_AT_429) as running:
        yield running


def proxied(tenant: RunningTenant, home: Path) -> dict[str, str]:
    """What `up` prints for such clients."""
    environment = client_environment(tenant, home)
    return environment | {"HTTPS_PROXY": tenant.connection["proxy"], "NO_PROXY": "localhost,127.0.0.1,::1"}


@pytest.fixture(scope="module")
def client(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientProcess]:
    home = tmp_path_factory.mktemp("client")
    script = SCRIPTS / "intercepted_client.py"
    process = ClientProcess(CLIENTS_PYTHON, script, proxied(tenant, home), home / "stderr")
    yield process
    process.close()


def test_azure_identity_and_requests_reach_the_tenant_as_microsofts_cloud(
    tenant: RunningTenant, client: ClientProcess
) -> None:
    names = client.call(
        "applications_by_azure_identity",
        tenant_id=tenant.tenant_id,
        client_id=tenant.client_id,
        file=str(tenant.certificate),
    )

    assert "unsecret administrator" in names
    assert len(names) > 1


def test_a_client_that_asks_for_another_host_is_refused_by_name_and_does_not_wait(client: ClientProcess) -> None:
    with pytest.raises(ClientError, match=r"403 unsecret does not answer for dc\.services\.visualstudio\.com:443"):
        client.call("fetch", url="https://dc.services.visualstudio.com/v2/track")


def test_azure_cli_works_in_its_own_cloud_with_instance_discovery(tenant: RunningTenant, tmp_path: Path) -> None:
    cli = AzureCli(AZ, tenant, tmp_path / "home", tmp_path / "configuration")
    del cli.environment["AZURE_CORE_INSTANCE_DISCOVERY"]
    cli.environment |= proxied(tenant, tmp_path / "home")

    signed_in = cli.sign_in_by_certificate(tenant.client_id, tenant.certificate)

    assert signed_in.exit_code == 0, signed_in.stderr
    assert cli.json("cloud", "show")["name"] == "AzureCloud"
    made = cli.json("ad", "app", "create", "--display-name", "Through the proxy")
    reset = cli.json("ad", "app", "credential", "reset", "--append", "--id", made["appId"])
    assert reset["tenant"] == tenant.tenant_id
    policy = cli.json("rest", "--url", "https://graph.microsoft.com/v1.0/policies/defaultAppManagementPolicy")
    assert policy["@odata.context"].startswith("https://graph.microsoft.com/v1.0/$metadata#")


def test_every_tenant_of_the_server_says_where_the_proxy_is(tenant: RunningTenant) -> None:
    (added,) = json.loads(tenant.run("tenant", "add", "--name", "Other", "--empty", "-o", "json").stdout)
    own = json.loads((tenant.data / "tenants" / added["id"] / "connection.json").read_text())

    assert own["proxy"] == tenant.connection["proxy"]
    assert f"export HTTPS_PROXY={own['proxy']} " in tenant.log.read_text()
