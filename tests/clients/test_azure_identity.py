"""azure-identity signs in by secret and by certificate, blocking and asynchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.certificates import Certificate, make_certificate
from tests.clients.client_process import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.administrator import Administrator, Registered
    from tests.clients.client_process import ClientProcess
    from tests.running_tenant import RunningTenant

pytestmark = pytest.mark.strangers


@pytest.fixture(scope="module")
def identity(start_client: Callable[[str], ClientProcess]) -> ClientProcess:
    return start_client("azure_identity_client.py")


@pytest.fixture(scope="module")
def app(administrator: Administrator) -> Registered:
    return administrator.register("azure-identity", "Application.Read.All")


@pytest.fixture(scope="module")
def certificate(administrator: Administrator, app: Registered, tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    made = make_certificate(tmp_path_factory.mktemp("certificate"), "azure-identity")
    administrator.add_certificate(app, made)
    return made


@pytest.fixture
def arguments(tenant: RunningTenant, app: Registered) -> dict[str, Any]:
    return {
        "tenant_id": tenant.tenant_id,
        "client_id": app.app_id,
        "authority": tenant.authority,
        "scope": f"{tenant.graph}/.default",
    }


BLOCKING_AND_NOT = pytest.mark.parametrize("prefix", ["", "async_"], ids=["blocking", "async"])


@BLOCKING_AND_NOT
def test_client_secret_credential_gets_a_token_that_graph_takes(
    identity: ClientProcess,
    administrator: Administrator,
    app: Registered,
    arguments: dict[str, Any],
    prefix: str,
) -> None:
    secret = administrator.add_password(app)

    token = identity.call(f"{prefix}by_secret", secret=secret, **arguments)

    assert administrator.send("GET", "/applications", token=token).status_code == 200


@BLOCKING_AND_NOT
@pytest.mark.parametrize("send_chain", [False, True], ids=["thumbprint only", "with the chain"])
@pytest.mark.parametrize("form", ["pem_file", "pfx_file"])
def test_certificate_credential_gets_a_token_that_graph_takes(
    identity: ClientProcess,
    administrator: Administrator,
    certificate: Certificate,
    arguments: dict[str, Any],
    prefix: str,
    form: str,
    send_chain: bool,
) -> None:
    file = str(getattr(certificate, form))

    token = identity.call(f"{prefix}by_certificate", file=file, send_chain=send_chain, **arguments)

    assert administrator.send("GET", "/applications", token=token).status_code == 200


@BLOCKING_AND_NOT
def test_wrong_secret_raises_with_the_code_that_people_search_for(
    identity: ClientProcess, arguments: dict[str, Any], prefix: str
) -> None:
    with pytest.raises(ClientError) as refused:
        identity.call(f"{prefix}by_secret", secret="not-the-secret", **arguments)

    assert refused.value.kind == "ClientAuthenticationError"
    assert "AADSTS7000215" in refused.value.message
    assert "not-the-secret" not in refused.value.message


@BLOCKING_AND_NOT
def test_unknown_application_raises_with_the_code_that_people_search_for(
    identity: ClientProcess, arguments: dict[str, Any], prefix: str
) -> None:
    nobody = arguments | {"client_id": "aaaaaaaa-0000-4000-8000-000000000000"}

    with pytest.raises(ClientError) as refused:
        identity.call(f"{prefix}by_secret", secret="whatever", **nobody)

    assert "AADSTS700016" in refused.value.message
