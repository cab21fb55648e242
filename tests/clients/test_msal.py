"""MSAL for Python signs in with every credential that it knows, and hears plainly when it may not."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.certificates import Certificate, make_certificate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.clients.administrator import Administrator, Registered
    from tests.clients.client_process import ClientProcess
    from tests.running_tenant import RunningTenant

pytestmark = pytest.mark.strangers


@pytest.fixture(scope="module")
def msal(start_client: Callable[[str], ClientProcess]) -> ClientProcess:
    return start_client("msal_client.py")


@pytest.fixture(scope="module")
def app(administrator: Administrator) -> Registered:
    return administrator.register("msal", "Application.Read.All")


@pytest.fixture(scope="module")
def certificate(administrator: Administrator, app: Registered, tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    made = make_certificate(tmp_path_factory.mktemp("certificate"), "msal")
    administrator.add_certificate(app, made)
    return made


def sign_in(msal: ClientProcess, tenant: RunningTenant, app: Registered, credential: Any) -> dict[str, Any]:
    return msal.call(
        "sign_in",
        authority=f"{tenant.authority}/{tenant.tenant_id}",
        client_id=app.app_id,
        credential=credential,
        scope=f"{tenant.graph}/.default",
    )


def claims_of(token: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def test_signs_in_by_secret_and_graph_takes_the_token(
    msal: ClientProcess, tenant: RunningTenant, administrator: Administrator, app: Registered
) -> None:
    secret = administrator.add_password(app)

    token = sign_in(msal, tenant, app, secret)["result"]["access_token"]

    claims = claims_of(token)
    assert (claims["appid"], claims["tid"], claims["idtyp"]) == (app.app_id, tenant.tenant_id, "app")
    assert claims["roles"] == ["Application.Read.All"]
    assert administrator.send("GET", "/applications", token=token).status_code == 200


def test_token_without_the_permission_may_read_and_not_write(
    msal: ClientProcess, tenant: RunningTenant, administrator: Administrator, app: Registered
) -> None:
    secret = administrator.add_password(app)
    token = sign_in(msal, tenant, app, secret)["result"]["access_token"]

    refused = administrator.send("POST", "/applications", {"displayName": "not to be"}, token=token)

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Authorization_RequestDenied")


def by_thumbprint(certificate: Certificate) -> dict[str, Any]:
    return {"private_key": certificate.private_key, "thumbprint": certificate.thumbprint}


def by_thumbprint_and_chain(certificate: Certificate) -> dict[str, Any]:
    return by_thumbprint(certificate) | {"public_certificate": certificate.public_certificate}


def by_public_certificate(certificate: Certificate) -> dict[str, Any]:
    return {"private_key": certificate.private_key, "public_certificate": certificate.public_certificate}


def by_pfx(certificate: Certificate) -> dict[str, Any]:
    return {"private_key_pfx_path": str(certificate.pfx_file)}


def by_pfx_and_chain(certificate: Certificate) -> dict[str, Any]:
    return by_pfx(certificate) | {"public_certificate": True}


@pytest.mark.parametrize(
    ("credential", "algorithm", "named_by"),
    [
        pytest.param(by_thumbprint, "RS256", {"x5t"}, id="private key and thumbprint"),
        pytest.param(by_thumbprint_and_chain, "RS256", {"x5t", "x5c"}, id="the same with the chain"),
        pytest.param(by_public_certificate, "PS256", {"x5t#S256", "x5c"}, id="private key and certificate"),
        pytest.param(by_pfx, "PS256", {"x5t#S256"}, id="pfx"),
        pytest.param(by_pfx_and_chain, "PS256", {"x5t#S256", "x5c"}, id="pfx with the chain"),
    ],
)
def test_signs_in_by_certificate(
    msal: ClientProcess,
    tenant: RunningTenant,
    app: Registered,
    certificate: Certificate,
    credential: Callable[[Certificate], dict[str, Any]],
    algorithm: str,
    named_by: set[str],
) -> None:
    answer = sign_in(msal, tenant, app, credential(certificate))

    # MSAL chose what the case is about; else the case proves less than its name says.
    header = answer["assertion_header"]
    assert (header["alg"], {"x5t", "x5t#S256", "x5c"} & set(header)) == (algorithm, named_by)
    assert claims_of(answer["result"]["access_token"])["appid"] == app.app_id


def test_certificate_of_somebody_else_is_refused(
    msal: ClientProcess, tenant: RunningTenant, app: Registered, certificate: Certificate, tmp_path: Path
) -> None:
    other = make_certificate(tmp_path, "other")

    answer = sign_in(msal, tenant, app, by_public_certificate(other))

    assert (answer["status"], answer["result"]["error"]) == (401, "invalid_client")
    assert "access_token" not in answer["result"]


def test_stolen_thumbprint_without_its_key_is_refused(
    msal: ClientProcess, tenant: RunningTenant, app: Registered, certificate: Certificate, tmp_path: Path
) -> None:
    other = make_certificate(tmp_path, "other")

    answer = sign_in(msal, tenant, app, {"private_key": other.private_key, "thumbprint": certificate.thumbprint})

    assert (answer["status"], answer["result"]["error"]) == (401, "invalid_client")


def test_wrong_secret_is_refused_with_the_code_that_people_search_for(
    msal: ClientProcess, tenant: RunningTenant, app: Registered
) -> None:
    answer = sign_in(msal, tenant, app, "not-the-secret")

    assert answer["status"] == 401
    assert answer["result"]["error"] == "invalid_client"
    assert answer["result"]["error_codes"] == [7000215]
    assert answer["result"]["error_description"].startswith("AADSTS7000215: ")
    assert "not-the-secret" not in json.dumps(answer["result"])


def test_removed_secret_no_longer_signs_in(
    msal: ClientProcess, tenant: RunningTenant, administrator: Administrator, app: Registered
) -> None:
    added = administrator.call("POST", f"/applications/{app.object_id}/addPassword", {})
    assert "access_token" in sign_in(msal, tenant, app, added["secretText"])["result"]

    administrator.call("POST", f"/applications/{app.object_id}/removePassword", {"keyId": added["keyId"]})

    assert sign_in(msal, tenant, app, added["secretText"])["status"] == 401
