"""Azure CLI manages applications, service principals and their credentials as on any Entra tenant."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.administrator import MANAGER_ROLES
from tests.clients.certificates import make_certificate
from tests.running_tenant import GIVES_UP_AT_429

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.administrator import Administrator, Registered
    from tests.clients.azure_cli import AzureCli

pytestmark = pytest.mark.strangers
MISCHIEF = GIVES_UP_AT_429


@pytest.fixture(scope="module")
def manager(administrator: Administrator) -> Registered:
    """An application that may manage applications and policies."""
    return administrator.register("manager", *MANAGER_ROLES)


@pytest.fixture(scope="module")
def az(new_azure_cli: Callable[[], AzureCli], administrator: Administrator, manager: Registered) -> AzureCli:
    """Azure CLI, signed in by secret as the manager."""
    cli = new_azure_cli()
    signed_in = cli.sign_in_by_secret(manager.app_id, administrator.add_password(manager))
    assert signed_in.exit_code == 0, signed_in.stderr
    return cli


@pytest.fixture
def app(az: AzureCli) -> dict[str, Any]:
    """An application made by az."""
    return az.json("ad", "app", "create", "--display-name", f"app {uuid.uuid4()}")


def test_signs_in_by_secret(az: AzureCli, manager: Registered) -> None:
    account = az.json("account", "show")

    assert account["user"] == {"name": manager.app_id, "type": "servicePrincipal"}
    assert account["tenantId"] == az.tenant.tenant_id


def test_signs_in_by_certificate_and_works_with_it(
    new_azure_cli: Callable[[], AzureCli], administrator: Administrator, tmp_path: Path
) -> None:
    reader = administrator.register("reader by certificate", "Application.Read.All")
    certificate = make_certificate(tmp_path, "reader")
    administrator.add_certificate(reader, certificate)
    cli = new_azure_cli()

    signed_in = cli.sign_in_by_certificate(reader.app_id, certificate.pem_file)

    assert signed_in.exit_code == 0, signed_in.stderr
    assert cli.json("ad", "app", "show", "--id", reader.app_id)["id"] == reader.object_id


def test_wrong_secret_does_not_sign_in(new_azure_cli: Callable[[], AzureCli], manager: Registered) -> None:
    refused = new_azure_cli().sign_in_by_secret(manager.app_id, "not-the-secret")

    assert refused.exit_code == 1
    assert "AADSTS7000215" in refused.stderr


def test_creates_shows_and_lists_applications(az: AzureCli) -> None:
    made = az.json("ad", "app", "create", "--display-name", "Payroll")

    assert az.json("ad", "app", "show", "--id", made["appId"])["displayName"] == "Payroll"
    assert az.json("ad", "app", "show", "--id", made["id"])["appId"] == made["appId"]
    assert [app["id"] for app in az.json("ad", "app", "list", "--display-name", "Payr")] == [made["id"]]
    assert made["id"] in [app["id"] for app in az.json("ad", "app", "list", "--all")]


def test_creating_the_same_name_again_updates_the_first(az: AzureCli) -> None:
    first = az.json("ad", "app", "create", "--display-name", "Once")

    again = az.json("ad", "app", "create", "--display-name", "Once", "--sign-in-audience", "AzureADMultipleOrgs")

    assert (again["id"], again["signInAudience"]) == (first["id"], "AzureADMultipleOrgs")


def test_deleted_application_is_not_found(az: AzureCli, app: dict[str, Any]) -> None:
    az.json("ad", "app", "delete", "--id", app["appId"])

    gone = az.run("ad", "app", "show", "--id", app["appId"])

    assert gone.exit_code == 3
    assert app["appId"] in gone.stderr


def test_credential_reset_appends_a_secret_for_a_year(
    az: AzureCli, new_azure_cli: Callable[[], AzureCli], app: dict[str, Any]
) -> None:
    az.json("ad", "app", "credential", "reset", "--id", app["appId"])
    reset = az.json("ad", "app", "credential", "reset", "--id", app["appId"], "--append", "--years", "1")

    assert (reset["appId"], reset["tenant"]) == (app["appId"], az.tenant.tenant_id)
    listed = az.json("ad", "app", "credential", "list", "--id", app["appId"])
    assert len(listed) == 2
    ends_at = max(datetime.fromisoformat(secret["endDateTime"].replace("Z", "+00:00")) for secret in listed)
    assert timedelta(days=364) < ends_at - datetime.now(UTC) < timedelta(days=367)
    az.json("ad", "sp", "create", "--id", app["appId"])
    assert new_azure_cli().sign_in_by_secret(app["appId"], reset["password"]).exit_code == 0


def test_credential_reset_without_append_leaves_one_secret(az: AzureCli, app: dict[str, Any]) -> None:
    for _ in range(2):
        az.json("ad", "app", "credential", "reset", "--id", app["appId"])

    assert len(az.json("ad", "app", "credential", "list", "--id", app["appId"])) == 1


def test_credential_is_deleted_by_its_id(az: AzureCli, app: dict[str, Any]) -> None:
    for _ in range(2):
        az.json("ad", "app", "credential", "reset", "--id", app["appId"], "--append")
    first, second = az.json("ad", "app", "credential", "list", "--id", app["appId"])

    az.json("ad", "app", "credential", "delete", "--id", app["appId"], "--key-id", first["keyId"])

    left = az.json("ad", "app", "credential", "list", "--id", app["appId"])
    assert [secret["keyId"] for secret in left] == [second["keyId"]]


def test_certificate_that_az_makes_is_appended_and_signs_in(
    az: AzureCli, new_azure_cli: Callable[[], AzureCli], app: dict[str, Any], tmp_path: Path
) -> None:
    """az makes an X.509 version 1 certificate signed with SHA-1; then it sends all certificates back, without keys."""
    reset = ("ad", "app", "credential", "reset", "--id", app["appId"])
    own = make_certificate(tmp_path, "own")
    az.json(*reset, "--cert", f"@{own.public_file}", "--append")
    made = az.json(*reset, "--create-cert", "--append")

    assert len(az.json("ad", "app", "credential", "list", "--id", app["appId"], "--cert")) == 2
    az.json("ad", "sp", "create", "--id", app["appId"])
    for pem_file in (own.pem_file, Path(made["fileWithCertAndPrivateKey"])):
        signed_in = new_azure_cli().sign_in_by_certificate(app["appId"], pem_file)
        assert signed_in.exit_code == 0, signed_in.stderr


def test_certificate_is_deleted_and_the_other_still_signs_in(
    az: AzureCli, new_azure_cli: Callable[[], AzureCli], app: dict[str, Any], tmp_path: Path
) -> None:
    kept, removed = make_certificate(tmp_path, "kept"), make_certificate(tmp_path, "removed")
    for certificate in (removed, kept):
        file = f"@{certificate.public_file}"
        az.json("ad", "app", "credential", "reset", "--id", app["appId"], "--cert", file, "--append")
    first, second = az.json("ad", "app", "credential", "list", "--id", app["appId"], "--cert")

    az.json("ad", "app", "credential", "delete", "--id", app["appId"], "--cert", "--key-id", first["keyId"])

    left = az.json("ad", "app", "credential", "list", "--id", app["appId"], "--cert")
    assert [key["keyId"] for key in left] == [second["keyId"]]
    az.json("ad", "sp", "create", "--id", app["appId"])
    assert new_azure_cli().sign_in_by_certificate(app["appId"], kept.pem_file).exit_code == 0
    assert new_azure_cli().sign_in_by_certificate(app["appId"], removed.pem_file).exit_code == 1


def test_service_principal_is_created_shown_and_listed(az: AzureCli, app: dict[str, Any]) -> None:
    made = az.json("ad", "sp", "create", "--id", app["appId"])

    assert az.json("ad", "sp", "show", "--id", app["appId"])["id"] == made["id"]
    listed = az.json("ad", "sp", "list", "--display-name", app["displayName"])
    assert [principal["id"] for principal in listed] == [made["id"]]


def test_service_principal_gets_a_secret_of_its_own(
    az: AzureCli, new_azure_cli: Callable[[], AzureCli], app: dict[str, Any]
) -> None:
    az.json("ad", "sp", "create", "--id", app["appId"])

    reset = az.json("ad", "sp", "credential", "reset", "--id", app["appId"], "--append")

    assert az.json("ad", "app", "credential", "list", "--id", app["appId"]) == []
    assert new_azure_cli().sign_in_by_secret(app["appId"], reset["password"]).exit_code == 0


def test_create_for_rbac_makes_an_identity_that_signs_in(az: AzureCli, new_azure_cli: Callable[[], AzureCli]) -> None:
    made = az.json("ad", "sp", "create-for-rbac", "--name", "pipeline")

    assert made["displayName"] == "pipeline"
    assert new_azure_cli().sign_in_by_secret(made["appId"], made["password"]).exit_code == 0


def test_permission_is_added_to_what_the_application_asks_for(az: AzureCli, app: dict[str, Any]) -> None:
    graph_id, read_all = "00000003-0000-0000-c000-000000000000", "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"
    permission = ("--api", graph_id, "--api-permissions", f"{read_all}=Role")

    az.json("ad", "app", "permission", "add", "--id", app["appId"], *permission)

    asked = az.json("ad", "app", "permission", "list", "--id", app["appId"])
    assert [(api["resourceAppId"], api["resourceAccess"]) for api in asked] == [
        (graph_id, [{"id": read_all, "type": "Role"}])
    ]


def test_unknown_application_is_refused_in_words(az: AzureCli) -> None:
    unknown = str(uuid.uuid4())

    refused = az.run(*az.rest_arguments("GET", f"/applications/{unknown}"))

    assert refused.exit_code == 1
    body = json.loads(refused.stderr.partition("(")[2].strip().removesuffix(")"))
    assert body["error"]["code"] == "Request_ResourceNotFound"
    assert unknown in body["error"]["message"]
