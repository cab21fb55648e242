"""Every remaining command of Azure CLI's `az ad app` and `az ad sp`."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.clients.administrator import MANAGER_ROLES, MICROSOFT_GRAPH
from tests.running_tenant import GIVES_UP_AT_429

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.administrator import Administrator, Registered
    from tests.clients.azure_cli import AzureCli

pytestmark = pytest.mark.strangers
MISCHIEF = GIVES_UP_AT_429

READ_ALL_APPLICATIONS = "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"
USER_READ = "e1fe6dd8-ba31-4d61-89e7-88639da4683d"
GITHUB = {
    "name": "deploy",
    "issuer": "https://token.actions.githubusercontent.com",
    "subject": "repo:contoso/payroll:ref:refs/heads/main",
    "description": "deploys the payroll",
    "audiences": ["api://AzureADTokenExchange"],
}


@pytest.fixture(scope="module")
def manager(administrator: Administrator) -> Registered:
    """An application that may manage applications, what they may do and what they are granted."""
    roles = (*MANAGER_ROLES, "AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All")
    return administrator.register("family manager", *roles, "Directory.Read.All")


@pytest.fixture(scope="module")
def az(new_azure_cli: Callable[[], AzureCli], administrator: Administrator, manager: Registered) -> AzureCli:
    cli = new_azure_cli()
    signed_in = cli.sign_in_by_secret(manager.app_id, administrator.add_password(manager))
    assert signed_in.exit_code == 0, signed_in.stderr
    return cli


@pytest.fixture
def app_id(az: AzureCli) -> str:
    """The appId of an application made by az."""
    return az.json("ad", "app", "create", "--display-name", f"app {uuid.uuid4()}")["appId"]


@pytest.fixture
def principal_id(az: AzureCli, app_id: str) -> str:
    """The object id of its service principal."""
    return az.json("ad", "sp", "create", "--id", app_id)["id"]


# -- az ad app ---------------------------------------------------------------------------------------------------


def test_app_update_changes_what_is_named_and_nothing_else(az: AzureCli, app_id: str) -> None:
    before = az.json("ad", "app", "show", "--id", app_id)

    az.json("ad", "app", "update", "--id", app_id, "--display-name", "Renamed", "--identifier-uris", f"api://{app_id}")
    az.json("ad", "app", "update", "--id", app_id, "--web-redirect-uris", "https://app.contoso.com/back")

    after = az.json("ad", "app", "show", "--id", app_id)
    assert (after["displayName"], after["identifierUris"]) == ("Renamed", [f"api://{app_id}"])
    assert after["web"]["redirectUris"] == ["https://app.contoso.com/back"]
    assert (after["createdDateTime"], after["signInAudience"]) == (before["createdDateTime"], before["signInAudience"])


def test_app_update_sets_any_property(az: AzureCli, app_id: str) -> None:
    az.json("ad", "app", "update", "--id", app_id, "--set", "notes=moved to certificates")

    assert az.json("ad", "app", "show", "--id", app_id)["notes"] == "moved to certificates"


def test_app_roles_are_declared_and_taken_back(az: AzureCli, app_id: str) -> None:
    role = {
        "allowedMemberTypes": ["Application"],
        "description": "reads",
        "displayName": "Reader",
        "isEnabled": True,
        "value": "Read",
    }
    az.json("ad", "app", "update", "--id", app_id, "--app-roles", json.dumps([role]))

    assert [role["value"] for role in az.json("ad", "app", "show", "--id", app_id)["appRoles"]] == ["Read"]


def test_app_owners_are_added_listed_and_removed(
    az: AzureCli, administrator: Administrator, app_id: str, principal_id: str
) -> None:
    owner = administrator.register("owner", "Application.Read.All").service_principal_id

    az.json("ad", "app", "owner", "add", "--id", app_id, "--owner-object-id", owner)
    az.json("ad", "app", "owner", "add", "--id", app_id, "--owner-object-id", owner)  # az looks first: no error
    owners = az.json("ad", "app", "owner", "list", "--id", app_id)
    az.json("ad", "app", "owner", "remove", "--id", app_id, "--owner-object-id", owner)

    assert [found["id"] for found in owners] == [owner]
    assert az.json("ad", "app", "owner", "list", "--id", app_id) == []


def test_app_permissions_are_added_listed_and_deleted(az: AzureCli, app_id: str) -> None:
    permission = ("ad", "app", "permission")
    wanted = (f"{READ_ALL_APPLICATIONS}=Role", f"{USER_READ}=Scope")
    az.json(*permission, "add", "--id", app_id, "--api", MICROSOFT_GRAPH, "--api-permissions", *wanted)

    az.json(*permission, "delete", "--id", app_id, "--api", MICROSOFT_GRAPH, "--api-permissions", USER_READ)

    (api,) = az.json(*permission, "list", "--id", app_id)
    assert api["resourceAccess"] == [{"id": READ_ALL_APPLICATIONS, "type": "Role"}]


def test_delegated_permission_is_granted_and_listed(az: AzureCli, app_id: str, principal_id: str) -> None:
    permission = ("ad", "app", "permission")
    az.json(*permission, "grant", "--id", app_id, "--api", MICROSOFT_GRAPH, "--scope", "User.Read openid")

    (granted,) = az.json(*permission, "list-grants", "--id", app_id)

    assert (granted["clientId"], granted["consentType"]) == (principal_id, "AllPrincipals")
    assert set(granted["scope"].split()) == {"User.Read", "openid"}


def test_granting_again_replaces_what_was_granted(az: AzureCli, app_id: str, principal_id: str) -> None:
    for scope in ("User.Read", "User.ReadBasic.All"):
        az.json("ad", "app", "permission", "grant", "--id", app_id, "--api", MICROSOFT_GRAPH, "--scope", scope)

    (granted,) = az.json("ad", "app", "permission", "list-grants", "--id", app_id)

    assert granted["scope"] == "User.ReadBasic.All"


def test_federated_credentials_are_created_shown_updated_and_deleted(az: AzureCli, app_id: str) -> None:
    federated = ("ad", "app", "federated-credential")
    made = az.json(*federated, "create", "--id", app_id, "--parameters", json.dumps(GITHUB))
    change = json.dumps({"subject": "repo:contoso/payroll:environment:prod"})

    az.json(*federated, "update", "--id", app_id, "--federated-credential-id", "deploy", "--parameters", change)
    shown = az.json(*federated, "show", "--id", app_id, "--federated-credential-id", made["id"])
    listed = az.json(*federated, "list", "--id", app_id)
    az.json(*federated, "delete", "--id", app_id, "--federated-credential-id", "deploy")

    assert (shown["name"], shown["subject"]) == ("deploy", "repo:contoso/payroll:environment:prod")
    assert [credential["id"] for credential in listed] == [made["id"]]
    assert az.json(*federated, "list", "--id", app_id) == []


def test_admin_consent_is_refused_by_az_itself_outside_of_microsofts_clouds(az: AzureCli, app_id: str) -> None:
    refused = az.run("ad", "app", "permission", "admin-consent", "--id", app_id)

    assert refused.exit_code != 0
    assert "sovereign" in refused.stderr


# -- az ad sp ----------------------------------------------------------------------------------------------------


def test_sp_update_changes_the_service_principal(az: AzureCli, app_id: str, principal_id: str) -> None:
    az.json("ad", "sp", "update", "--id", app_id, "--set", "accountEnabled=false")

    assert az.json("ad", "sp", "show", "--id", principal_id)["accountEnabled"] is False


def test_sp_credentials_are_listed_and_deleted(az: AzureCli, app_id: str, principal_id: str) -> None:
    credential = ("ad", "sp", "credential")
    for _ in range(2):
        az.json(*credential, "reset", "--id", app_id, "--append")
    first, second = az.json(*credential, "list", "--id", app_id)

    az.json(*credential, "delete", "--id", app_id, "--key-id", first["keyId"])

    assert [left["keyId"] for left in az.json(*credential, "list", "--id", app_id)] == [second["keyId"]]


def test_sp_owners_are_listed(az: AzureCli, administrator: Administrator, app_id: str, principal_id: str) -> None:
    owner = administrator.register("sp owner", "Application.Read.All").service_principal_id
    reference = {"@odata.id": f"{az.tenant.graph}/v1.0/directoryObjects/{owner}"}
    administrator.call("POST", f"/servicePrincipals/{principal_id}/owners/$ref", reference)

    owners = az.json("ad", "sp", "owner", "list", "--id", app_id)

    assert [found["id"] for found in owners] == [owner]


def test_sp_delete_takes_the_service_principal_and_leaves_the_application(
    az: AzureCli, app_id: str, principal_id: str
) -> None:
    az.json("ad", "sp", "delete", "--id", app_id)

    assert az.run("ad", "sp", "show", "--id", app_id).exit_code == 3
    assert az.json("ad", "app", "show", "--id", app_id)["appId"] == app_id


def test_create_for_rbac_with_a_certificate_signs_in_by_it(az: AzureCli, new_azure_cli: Callable[[], AzureCli]) -> None:
    made = az.json("ad", "sp", "create-for-rbac", "--name", "by certificate", "--create-cert")

    signed_in = new_azure_cli().sign_in_by_certificate(made["appId"], made["fileWithCertAndPrivateKey"])

    assert signed_in.exit_code == 0, signed_in.stderr


def test_sp_list_shows_all(az: AzureCli, principal_id: str) -> None:
    assert principal_id in [found["id"] for found in az.json("ad", "sp", "list", "--all")]
