"""What a person at the terminal sees of app management policies: before a block, during it and after."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.administrator import MANAGER_ROLES
from tests.running_tenant import GIVES_UP_AT_429

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.clients.administrator import Administrator
    from tests.clients.azure_cli import AzureCli, Outcome

pytestmark = pytest.mark.strangers
MISCHIEF = GIVES_UP_AT_429

DEFAULT_POLICY = "/policies/defaultAppManagementPolicy"
POLICIES = "/policies/appManagementPolicies"


@pytest.fixture(scope="module")
def az(new_azure_cli: Callable[[], AzureCli], administrator: Administrator) -> AzureCli:
    """Azure CLI, signed in by secret as an application that may manage applications and policies."""
    manager = administrator.register("manager", *MANAGER_ROLES)
    cli = new_azure_cli()
    signed_in = cli.sign_in_by_secret(manager.app_id, administrator.add_password(manager))
    assert signed_in.exit_code == 0, signed_in.stderr
    return cli


@pytest.fixture
def app(az: AzureCli) -> dict[str, Any]:
    """An application made by az."""
    return az.json("ad", "app", "create", "--display-name", f"app {uuid.uuid4()}")


@pytest.fixture(autouse=True)
def _secrets_allowed_in_the_end(administrator: Administrator) -> Iterator[None]:
    yield
    administrator.block_secrets(enabled=False)


def password_addition(state: str) -> dict[str, Any]:
    return {"passwordCredentials": [{"restrictionType": "passwordAddition", "state": state}]}


def append_secret(az: AzureCli, app: dict[str, Any]) -> Outcome:
    return az.run("ad", "app", "credential", "reset", "--id", app["appId"], "--append", "--years", "1")


def assert_refused_in_graphs_words(az: AzureCli, app: dict[str, Any], policy_id: str) -> None:
    """The command fails, shows the server's message and not a word more, and makes no secret."""
    refused = append_secret(az, app)

    assert refused.exit_code == 1
    assert refused.stdout == ""
    words = refused.stderr.strip()
    assert words.startswith(f"ERROR: Credential type not allowed as per assigned policy '{policy_id}'. ")
    assert len(words.splitlines()) == 1
    raw = az.run(*az.rest_arguments("POST", f"/applications/{app['id']}/addPassword", {}))
    assert words == f"ERROR: {error_of(raw)['message']}"
    assert az.json("ad", "app", "credential", "list", "--id", app["appId"]) == []


def error_of(refused: Outcome) -> dict[str, Any]:
    """`az rest` shows the whole body of a refusal: `ERROR: Bad Request({…})`."""
    assert refused.exit_code == 1
    assert refused.stderr.startswith("ERROR: Bad Request(")
    return json.loads(refused.stderr.partition("(")[2].strip().removesuffix(")"))["error"]


@pytest.mark.promise
def test_block_by_az_rest_stops_credential_reset_until_it_is_lifted(az: AzureCli) -> None:
    app = az.json("ad", "app", "create", "--display-name", "Blocked by az rest")
    blocked = {"isEnabled": True, "applicationRestrictions": password_addition("enabled")}
    allowed = {"isEnabled": True, "applicationRestrictions": password_addition("disabled")}

    assert az.rest("PATCH", DEFAULT_POLICY, blocked) is None
    policy = az.rest("GET", DEFAULT_POLICY)
    assert policy["isEnabled"] is True
    assert policy["applicationRestrictions"]["passwordCredentials"][0]["state"] == "enabled"
    assert_refused_in_graphs_words(az, app, policy["id"])

    az.rest("PATCH", DEFAULT_POLICY, allowed)
    assert append_secret(az, app).exit_code == 0


@pytest.mark.promise
def test_block_by_unsecret_stops_credential_reset_until_it_is_lifted(az: AzureCli, app: dict[str, Any]) -> None:
    done = az.tenant.run("block", "--yes")
    assert done.returncode == 0, done.stderr
    policy = az.rest("GET", DEFAULT_POLICY)
    assert_refused_in_graphs_words(az, app, policy["id"])

    lifted = az.tenant.run("allow", "--yes")
    assert lifted.returncode == 0, lifted.stderr
    assert append_secret(az, app).exit_code == 0


def test_secret_made_before_the_block_still_signs_in(
    az: AzureCli, app: dict[str, Any], administrator: Administrator, new_azure_cli: Callable[[], AzureCli]
) -> None:
    made = az.json("ad", "app", "credential", "reset", "--id", app["appId"], "--append", "--years", "1")
    az.json("ad", "sp", "create", "--id", app["appId"])

    administrator.block_secrets()

    assert new_azure_cli().sign_in_by_secret(app["appId"], made["password"]).exit_code == 0


def test_policy_assigned_to_a_service_principal_binds_its_own_secrets_alone(az: AzureCli, app: dict[str, Any]) -> None:
    principal = az.json("ad", "sp", "create", "--id", app["appId"])
    body = {"displayName": "no secrets", "description": "for one service principal", "isEnabled": True}
    policy = az.rest("POST", POLICIES, body | {"restrictions": password_addition("enabled")})
    reference = {"@odata.id": f"{az.tenant.graph}/v1.0{POLICIES}/{policy['id']}"}

    az.rest("POST", f"/servicePrincipals/{principal['id']}/appManagementPolicies/$ref", reference)

    refused = az.run("ad", "sp", "credential", "reset", "--id", app["appId"], "--append")
    assert refused.exit_code == 1
    assert f"ERROR: Credential type not allowed as per assigned policy '{policy['id']}'. " in refused.stderr
    assert append_secret(az, app).exit_code == 0


def test_create_for_rbac_is_refused_in_the_same_words(az: AzureCli, administrator: Administrator) -> None:
    policy_id = administrator.block_secrets()

    refused = az.run("ad", "sp", "create-for-rbac", "--name", "blocked pipeline")

    assert refused.exit_code == 1
    assert f"ERROR: Credential type not allowed as per assigned policy '{policy_id}'. " in refused.stderr


def test_certificates_are_still_taken_while_secrets_are_blocked(
    az: AzureCli, app: dict[str, Any], administrator: Administrator
) -> None:
    administrator.block_secrets()

    az.json("ad", "app", "credential", "reset", "--id", app["appId"], "--create-cert", "--append")

    assert len(az.json("ad", "app", "credential", "list", "--id", app["appId"], "--cert")) == 1


def test_custom_policy_exempts_the_application_that_it_is_assigned_to(
    az: AzureCli, app: dict[str, Any], administrator: Administrator
) -> None:
    blocking_policy_id = administrator.block_secrets()
    exempt = {"displayName": "exempt", "description": "may have secrets", "isEnabled": True}
    policy = az.rest("POST", POLICIES, exempt | {"restrictions": password_addition("disabled")})
    assigned = f"/applications/{app['id']}/appManagementPolicies"

    reference = {"@odata.id": f"{az.tenant.graph}/v1.0{POLICIES}/{policy['id']}"}
    assert az.rest("POST", f"{assigned}/$ref", reference) is None
    assert [item["id"] for item in az.rest("GET", assigned)["value"]] == [policy["id"]]
    assert [item["id"] for item in az.rest("GET", f"{POLICIES}/{policy['id']}/appliesTo")["value"]] == [app["id"]]
    assert append_secret(az, app).exit_code == 0

    assert az.rest("DELETE", f"{assigned}/{policy['id']}/$ref") is None
    refused = append_secret(az, app)
    assert f"assigned policy '{blocking_policy_id}'" in refused.stderr


def test_custom_policy_is_read_patched_and_deleted(az: AzureCli) -> None:
    body = {"displayName": "short", "description": "thirty days", "isEnabled": True}
    lifetime = {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P30D"}
    policy = az.rest("POST", POLICIES, body | {"restrictions": {"passwordCredentials": [lifetime]}})
    path = f"{POLICIES}/{policy['id']}"

    assert az.rest("PATCH", path, {"isEnabled": False}) is None
    read = az.rest("GET", path)
    assert (read["isEnabled"], read["displayName"]) == (False, "short")
    assert read["restrictions"]["passwordCredentials"][0]["maxLifetime"] == "P30D"

    assert az.rest("DELETE", path) is None
    assert policy["id"] not in [item["id"] for item in az.rest("GET", POLICIES)["value"]]


def test_lifetime_over_the_policy_is_refused_in_graphs_words(az: AzureCli, app: dict[str, Any]) -> None:
    lifetime = {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P90D"}
    restrictions = {"passwordCredentials": [lifetime]}
    az.rest("PATCH", DEFAULT_POLICY, {"isEnabled": True, "applicationRestrictions": restrictions})

    refused = append_secret(az, app)

    assert refused.exit_code == 1
    policy_id = az.rest("GET", DEFAULT_POLICY)["id"]
    expected = f"ERROR: Credential lifetime exceeds the max value allowed as per assigned policy '{policy_id}'. "
    assert refused.stderr.startswith(expected)
    in_a_month = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%d")
    az.json("ad", "app", "credential", "reset", "--id", app["appId"], "--append", "--end-date", in_a_month)
