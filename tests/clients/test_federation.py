"""azure-identity and Azure CLI sign in with tokens of another issuer, which the tenant asks for its keys."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.client_process import ClientError
from tests.issuer import AUDIENCE, GITHUB, SUBJECT, Served, claims, serving, signed
from tests.running_tenant import GIVES_UP_AT_429, RunningTenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.clients.administrator import Administrator, Registered
    from tests.clients.azure_cli import AzureCli
    from tests.clients.client_process import ClientProcess

pytestmark = pytest.mark.strangers

BRANCH = "repo:contoso/payroll:ref:refs/heads/main"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("issuer")) as served:
        yield served


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory, issuer: Served) -> Iterator[RunningTenant]:
    """A tenant that may ask the issuer, and that is told where GitHub is."""
    named = ("--issuer", issuer.name, "--issuer", f"{GITHUB}={issuer.name}/github", "--issuer-ca", str(issuer.ca))
    with RunningTenant.start(
        tmp_path_factory.mktemp("tenant") / "data", "--empty", *named, mischief=GIVES_UP_AT_429
    ) as running:
        yield running


@pytest.fixture(scope="module")
def app(administrator: Administrator, issuer: Served) -> Registered:
    """An application without a secret or a certificate, which trusts a workload of the issuer and one of GitHub's."""
    made = administrator.register("workload", "Application.Read.All")
    for name, by, subject in (("cluster", issuer.name, SUBJECT), ("branch", GITHUB, BRANCH)):
        body = {"name": name, "issuer": by, "subject": subject, "audiences": [AUDIENCE]}
        administrator.call("POST", f"/applications/{made.object_id}/federatedIdentityCredentials", body)
    return made


def token(issuer: str, **changed: Any) -> str:
    now = int(time.time())
    return signed(claims(iss=issuer, iat=now, nbf=now, exp=now + 600, **changed))


@pytest.fixture(scope="module")
def identity(start_client: Callable[[str], ClientProcess]) -> ClientProcess:
    return start_client("azure_identity_client.py")


@pytest.fixture
def arguments(tenant: RunningTenant, app: Registered) -> dict[str, Any]:
    return {
        "tenant_id": tenant.tenant_id,
        "client_id": app.app_id,
        "authority": tenant.authority,
        "scope": f"{tenant.graph}/.default",
    }


def test_client_assertion_credential_exchanges_a_token(
    identity: ClientProcess, administrator: Administrator, issuer: Served, arguments: dict[str, Any]
) -> None:
    issued = identity.call("by_assertion", token=token(issuer.name), **arguments)

    assert administrator.send("GET", "/applications", token=issued).status_code == 200


def test_workload_identity_credential_exchanges_what_is_in_its_file(
    identity: ClientProcess, administrator: Administrator, issuer: Served, arguments: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(token(issuer.name))

    issued = identity.call("by_workload_identity", token_file=str(file), **arguments)

    assert administrator.send("GET", "/applications", token=issued).status_code == 200


def test_a_token_of_another_subject_raises_with_the_code_that_people_search_for(
    identity: ClientProcess, issuer: Served, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as refused:
        identity.call("by_assertion", token=token(issuer.name, sub="somebody else"), **arguments)

    assert "AADSTS700213" in refused.value.message


def test_az_signs_in_with_a_token_that_plays_the_part_of_github(
    new_azure_cli: Callable[[], AzureCli], tenant: RunningTenant, app: Registered
) -> None:
    az = new_azure_cli()
    signing_in = ("login", "--service-principal", "-u", app.app_id, "--tenant", tenant.tenant_id)

    signed_in = az.run(*signing_in, "--federated-token", token(GITHUB, sub=BRANCH), "--allow-no-subscriptions")

    assert signed_in.exit_code == 0, signed_in.stderr
    listed = az.json("ad", "app", "federated-credential", "list", "--id", app.app_id)
    assert [one["name"] for one in listed] == ["cluster", "branch"]


def test_az_manages_federated_credentials(
    new_azure_cli: Callable[[], AzureCli], administrator: Administrator, tmp_path: Path
) -> None:
    manager = administrator.register("manager", "Application.ReadWrite.All")
    az = new_azure_cli()
    signed_in = az.sign_in_by_secret(manager.app_id, administrator.add_password(manager))
    assert signed_in.exit_code == 0, signed_in.stderr
    other = administrator.register("other")
    parameters = json.dumps({"name": "deploy", "issuer": GITHUB, "subject": "x", "audiences": [AUDIENCE]})
    on_it = ("--id", other.app_id)

    made = az.json("ad", "app", "federated-credential", "create", *on_it, "--parameters", parameters)
    changed = parameters.replace('"x"', '"y"')
    az.json(
        *("ad", "app", "federated-credential", "update", *on_it),
        *("--federated-credential-id", "deploy", "--parameters", changed),
    )
    shown = az.json("ad", "app", "federated-credential", "show", *on_it, "--federated-credential-id", made["id"])
    assert shown["subject"] == "y"
    az.json("ad", "app", "federated-credential", "delete", *on_it, "--federated-credential-id", "deploy")
    assert az.json("ad", "app", "federated-credential", "list", *on_it) == []
