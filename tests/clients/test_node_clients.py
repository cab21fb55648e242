"""@azure/identity and microsoft-graph-client, on Node.js, sign in and manage applications and policies."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.administrator import MANAGER_ROLES
from tests.clients.certificates import make_certificate
from tests.clients.client_process import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.clients.administrator import Administrator, Registered
    from tests.clients.client_process import ClientProcess
    from tests.running_tenant import RunningTenant

pytestmark = pytest.mark.strangers


@pytest.fixture(scope="module")
def node(start_node_client: Callable[[str], ClientProcess]) -> ClientProcess:
    return start_node_client("graph_client.mjs")


@pytest.fixture(scope="module")
def manager(administrator: Administrator) -> Registered:
    return administrator.register("manager on node", *MANAGER_ROLES)


@pytest.fixture(scope="module")
def who(tenant: RunningTenant, manager: Registered) -> dict[str, Any]:
    return {"tenant_id": tenant.tenant_id, "client_id": manager.app_id, "authority": tenant.authority}


@pytest.fixture(scope="module")
def graph(
    node: ClientProcess,
    tenant: RunningTenant,
    administrator: Administrator,
    manager: Registered,
    who: dict[str, Any],
) -> Callable[..., Any]:
    """Calls Graph through the client: method, path, and a body if there is one."""
    node.call("sign_in", origin=tenant.graph, secret=administrator.add_password(manager), **who)

    def call(method: str, path: str, body: Any = None, **options: Any) -> Any:
        return node.call("call", method=method, path=path, body=body, **options)

    return call


def test_client_secret_credential_gets_a_token_that_graph_takes(
    node: ClientProcess,
    tenant: RunningTenant,
    administrator: Administrator,
    manager: Registered,
    who: dict[str, Any],
) -> None:
    token = node.call("token", secret=administrator.add_password(manager), scope=f"{tenant.graph}/.default", **who)

    assert administrator.send("GET", "/applications", token=token).status_code == 200


def test_client_certificate_credential_gets_a_token_that_graph_takes(
    node: ClientProcess, tenant: RunningTenant, administrator: Administrator, tmp_path: Path
) -> None:
    app = administrator.register("certificate on node", "Application.Read.All")
    certificate = make_certificate(tmp_path, "node")
    administrator.add_certificate(app, certificate)

    token = node.call(
        "token",
        tenant_id=tenant.tenant_id,
        client_id=app.app_id,
        authority=tenant.authority,
        pem_file=str(certificate.pem_file),
        scope=f"{tenant.graph}/.default",
    )

    assert administrator.send("GET", "/applications", token=token).status_code == 200


def test_wrong_secret_raises_with_the_reason(node: ClientProcess, tenant: RunningTenant, who: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="AADSTS7000215"):
        node.call("token", secret="not-the-secret", scope=f"{tenant.graph}/.default", **who)


def test_creates_an_application_and_finds_it_by_both_its_ids(graph: Callable[..., Any]) -> None:
    made = graph("post", "/applications", {"displayName": "Payroll on node"})

    assert graph("get", f"/applications/{made['id']}")["appId"] == made["appId"]
    assert graph("get", f"/applications(appId='{made['appId']}')")["id"] == made["id"]


def test_pages_are_followed_to_the_end(node: ClientProcess, graph: Callable[..., Any]) -> None:
    prefix = f"page {uuid.uuid4()}"
    made = [graph("post", "/applications", {"displayName": f"{prefix} {number}"})["id"] for number in range(5)]

    found = node.call("every_page", path=f"/applications?$filter=startswith(displayName,'{prefix}')&$top=2")

    assert [app["id"] for app in found] == made


def test_blocked_secret_raises_what_graph_says_and_a_certificate_does_not(
    graph: Callable[..., Any], tmp_path: Path
) -> None:
    app = graph("post", "/applications", {"displayName": "Blocked on node"})
    block = [{"restrictionType": "passwordAddition", "state": "enabled"}]
    policy = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": block}}
    graph("patch", "/policies/defaultAppManagementPolicy", policy)
    try:
        with pytest.raises(ClientError) as refused:
            graph("post", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "x"}})
        key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": make_certificate(tmp_path, "allowed").der}
        graph("patch", f"/applications/{app['id']}", {"keyCredentials": [key]})
    finally:
        graph("patch", "/policies/defaultAppManagementPolicy", {"isEnabled": False})

    assert refused.value.details == {"status": 400, "code": "CredentialTypeNotAllowedAsPerAppPolicy"}
    assert len(graph("get", f"/applications/{app['id']}")["keyCredentials"]) == 1
