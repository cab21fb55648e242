"""azure-identity signs the operator in to a tenant in process: it goes out by the Graph client's own connection."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.issuer import AUDIENCE, NAME, SUBJECT, Network, claims, signed
from tests.local_tenant import BASE, Identity, LocalTenant, Workload
from tests.operate.in_process import InProcess, Waits
from tests.tenant.people import Browser, new_person
from unsecret.errors import Invalid, Unauthenticated, Unreachable
from unsecret.model.directory_roles import Role
from unsecret.operate.graph.azure_sign_in import SECRET_WARNING, AzureTokens
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import Remote
from unsecret.operate.graph.named_tenants import AzureVariables, NamedTenant
from unsecret.operate.graph.permissions import claims_of
from unsecret.tenant.issuers import Issuers
from unsecret.tenant.signing import SigningKeys

ELSEWHERE = "aaaaaaaa-0000-4000-8000-000000000000"


@pytest.fixture
def tenant(tmp_path: Path, migrated: Path, identity: Identity, signing: SigningKeys) -> Iterator[LocalTenant]:
    """A tenant that may ask one issuer, and whose clock is the machine's: azure-identity has no other."""
    network = Network()
    network.publish()
    issuers = Issuers({NAME: NAME}, transport=network)
    local = LocalTenant(shutil.copytree(migrated, tmp_path / "data"), identity, signing, issuers=issuers)
    local.clock.now = datetime.now(UTC)
    local.sign_in_again()
    yield local
    local.close()


@pytest.fixture
def app(tenant: LocalTenant) -> Workload:
    return tenant.as_workload("Application.Read.All")


def prod(tenant: LocalTenant, auth: str, **changed: Any) -> NamedTenant:
    given: dict[str, Any] = {
        "name": "prod",
        "tenant_id": str(tenant.tenant_id),
        "authority": BASE,
        "graph": BASE,
        "cloud": None,
    }
    return NamedTenant(auth=auth, **(given | changed))


def client_of(
    tenant: LocalTenant,
    named: NamedTenant,
    said: list[str],
    *,
    azure: AzureVariables | None = None,
    transport: InProcess | None = None,
    **more: Any,
) -> GraphClient:
    where = Remote(name=named.name, tenant_id=named.tenant_id, authority=BASE, graph=BASE)
    tokens = AzureTokens(named, azure or AzureVariables(), say=more.pop("say", said.append), **more)
    through = transport or InProcess(tenant)
    return GraphClient(where, tokens=tokens, transport=through, sleep=Waits(), chance=lambda: 0.0)


def of(app: Workload) -> str:
    return app.application.app_id


def secret_of(tenant: LocalTenant, app: Workload) -> AzureVariables:
    made = tenant.must("POST", f"/applications/{app.application.id}/addPassword", {})
    return AzureVariables(client_secret=made["secretText"])


def written(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize("auth", ["certificate", "default"])
def test_a_certificate_in_a_file(tenant: LocalTenant, app: Workload, tmp_path: Path, auth: str) -> None:
    file = written(tmp_path / "app.pem", tenant.identity.pem)
    transport = InProcess(tenant)
    named = prod(tenant, auth, client_id=of(app), certificate=file)
    with client_of(tenant, named, said := [], transport=transport) as client:
        assert client.get("applications")["value"]
        client.get("applications")
    assert said == []
    assert sum(one.endswith("/token") for one in transport.calls(tokens=True)) == 1


@pytest.mark.parametrize("auth", ["workload-identity", "default"])
def test_the_token_of_a_workload_in_a_file(tenant: LocalTenant, app: Workload, tmp_path: Path, auth: str) -> None:
    trust = {"name": "workload", "issuer": NAME, "subject": SUBJECT, "audiences": [AUDIENCE]}
    tenant.must("POST", f"/applications/{app.application.id}/federatedIdentityCredentials", trust)
    now = int(tenant.clock.now.timestamp())
    file = written(tmp_path / "token", signed(claims(iat=now, nbf=now, exp=now + 600)))
    with client_of(tenant, prod(tenant, auth, client_id=of(app), token_file=file), []) as client:
        assert client.get("applications")["value"]


@pytest.mark.parametrize("auth", ["client-secret", "default"])
def test_a_secret_works_and_is_warned_of(tenant: LocalTenant, app: Workload, auth: str) -> None:
    azure = secret_of(tenant, app)
    with client_of(tenant, prod(tenant, auth, client_id=of(app)), said := [], azure=azure) as client:
        assert client.get("applications")["value"]
    assert said == [SECRET_WARNING]


def test_a_person_types_a_code_and_consents_to_what_the_verb_needs(tenant: LocalTenant) -> None:
    ada = new_person(tenant, "ada", Role.GLOBAL_ADMINISTRATOR)
    seen: list[str] = []

    def approve(words: str) -> None:
        browser = Browser(tenant)
        browser.open(words.split(" open ")[1].split(" ", maxsplit=1)[0].removeprefix(BASE))
        browser.send(code=words.rsplit(" ", 1)[1])
        browser.sign_in(ada)
        assert "You have signed in" in browser.accept().text
        seen.append(words)

    wanted = ("Policy.Read.All", "Application.Read.All")
    with client_of(tenant, prod(tenant, "device-code"), [], say=approve, permissions=wanted) as client:
        assert client.get("policies/defaultAppManagementPolicy")["displayName"]
        client.get("applications")
        claims = claims_of(client._bearer())
    assert len(seen) == 1
    assert f"sign in to tenant 'prod' ({tenant.tenant_id})" in seen[0]
    assert set(wanted) <= set(claims["scp"].split())
    assert claims["oid"] == ada.id


def test_who_signs_in_is_told_why_it_failed_and_no_secret(tenant: LocalTenant, app: Workload) -> None:
    azure = AzureVariables(client_secret="not-the-secret")
    named = prod(tenant, "client-secret", client_id=of(app))
    with client_of(tenant, named, [], azure=azure) as client, pytest.raises(Unauthenticated) as refused:
        client.get("applications")
    assert "Signing in to tenant 'prod'" in refused.value.message
    assert "AADSTS7000215" in refused.value.message
    assert "not-the-secret" not in refused.value.message


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_certificate_that_is_no_use_is_named(
    tenant: LocalTenant, app: Workload, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "app.pem"
    if content:
        written(file, content)
    named = prod(tenant, "certificate", client_id=of(app), certificate=file)
    with client_of(tenant, named, []) as client, pytest.raises(Invalid, match="Tenant 'prod': "):
        client.get("applications")


def test_a_token_of_another_tenant_is_not_used(tenant: LocalTenant, app: Workload, tmp_path: Path) -> None:
    """A machine's identity and a signed-in Azure CLI have a tenant of their own. Here it is a sign-in service that
    answers for another tenant than it was asked for."""

    def mistaken(request: httpx2.Request) -> httpx2.Response | None:
        path = request.url.path.replace(ELSEWHERE, str(tenant.tenant_id))
        if path.endswith("/token"):
            answer = {"access_token": app.token, "expires_in": 3600, "token_type": "Bearer"}
            return httpx2.Response(200, json=answer)
        return tenant.client.get(path)

    file = written(tmp_path / "app.pem", tenant.identity.pem)
    named = prod(tenant, "certificate", tenant_id=ELSEWHERE, client_id=of(app), certificate=file)
    with (
        client_of(tenant, named, [], transport=InProcess(tenant, before=mistaken)) as client,
        pytest.raises(Unauthenticated, match=f"Tenant 'prod' is {ELSEWHERE}, and certificate signed in to tenant"),
    ):
        client.get("applications")


def test_a_managed_identity_needs_the_id_of_its_tenant(tenant: LocalTenant) -> None:
    """It signs in to the tenant that it is of, whichever was named; by a domain nobody could tell."""
    named = prod(tenant, "managed-identity", tenant_id="contoso.com")
    with client_of(tenant, named, []) as client, pytest.raises(Invalid, match="Name the tenant by its id"):
        client.get("applications")


def test_a_sign_in_service_that_is_away_is_unreachable_as_graph_is(
    tenant: LocalTenant, app: Workload, tmp_path: Path
) -> None:
    def away(_request: httpx2.Request) -> httpx2.Response | None:
        raise httpx2.ConnectError("Connection refused")

    file = written(tmp_path / "app.pem", tenant.identity.pem)
    named = prod(tenant, "certificate", client_id=of(app), certificate=file)
    transport = InProcess(tenant, before=away)
    with client_of(tenant, named, [], transport=transport) as client, pytest.raises(Unreachable, match="Connection"):
        client.get("applications")


def test_azure_identity_is_imported_when_somebody_signs_in_and_not_before() -> None:
    imported = "import sys, unsecret.operate.graph.azure_sign_in"
    program = f"{imported}; sys.exit('azure' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
