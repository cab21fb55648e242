"""People sign in by MSAL for Python and by Azure CLI, the pages answered as a browser would."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.azure_cli import AzureCli
from tests.clients.client_process import ClientProcess, client_environment
from tests.clients.conftest import AZ, CLIENTS_PYTHON, SCRIPTS
from tests.clients.web_page import WebPage
from tests.running_tenant import GIVES_UP_AT_429, RunningTenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.clients.administrator import Administrator

pytestmark = pytest.mark.strangers

PASSWORD = "Correct-Horse-7-Battery"
GRAPH_COMMAND_LINE_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
REDIRECT = "http://localhost:53421"
ASKS_WITHIN = 60.0  # seconds


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    """A tenant with its proxy: MSAL forgets the port of an authority when it asks whose a name is."""
    data = tmp_path_factory.mktemp("tenant") / "data"
    with RunningTenant.start(data, "--empty", "--intercept", "0", mischief=GIVES_UP_AT_429) as running:
        yield running


@pytest.fixture(scope="module")
def proxied(tenant: RunningTenant) -> dict[str, str]:
    return {"HTTPS_PROXY": tenant.connection["proxy"], "NO_PROXY": "localhost,127.0.0.1,::1"}


@pytest.fixture(scope="module")
def msal(
    tenant: RunningTenant, proxied: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClientProcess]:
    if not CLIENTS_PYTHON.exists():
        pytest.skip("the real clients are not installed: run `make strangers`")
    home = tmp_path_factory.mktemp("msal")
    environment = client_environment(tenant, home) | proxied
    process = ClientProcess(CLIENTS_PYTHON, SCRIPTS / "msal_client.py", environment, home / "stderr")
    yield process
    process.close()


@pytest.fixture(scope="module")
def ada(administrator: Administrator) -> dict[str, Any]:
    domain = administrator.call("GET", "/organization")["value"][0]["verifiedDomains"][0]["name"]
    body = {
        "accountEnabled": True,
        "displayName": "Ada Berg",
        "mailNickname": "ada",
        "userPrincipalName": f"ada@{domain}",
        "passwordProfile": {"password": PASSWORD, "forceChangePasswordNextSignIn": False},
    }
    return administrator.call("POST", "/users", body)


@pytest.fixture
def browser(tenant: RunningTenant) -> Iterator[WebPage]:
    page = WebPage(tenant)
    yield page
    page.close()


def sign_in(browser: WebPage, ada: dict[str, Any]) -> None:
    browser.send(account=ada["userPrincipalName"], password=PASSWORD)


@pytest.mark.parametrize("authority", ["organizations", "own"])
def test_msal_signs_somebody_in_by_code_and_refreshes(
    msal: ClientProcess,
    tenant: RunningTenant,
    administrator: Administrator,
    browser: WebPage,
    ada: dict[str, Any],
    authority: str,
) -> None:
    name = tenant.tenant_id if authority == "own" else authority
    msal.call("new_person", name=name, authority=f"{tenant.authority}/{name}", client_id=GRAPH_COMMAND_LINE_TOOLS)
    browser.open(msal.call("begin_code_flow", name=name, scopes=["User.Read"], redirect_uri=REDIRECT))
    sign_in(browser, ada)

    result = msal.call("end_code_flow", name=name, answer=browser.answer)

    assert "access_token" in result, result
    claims = result["id_token_claims"]
    assert (claims["oid"], claims["tid"]) == (ada["id"], tenant.tenant_id)
    assert administrator.send("GET", "/me", token=result["access_token"]).json()["id"] == ada["id"]
    cached = msal.call("silently", name=name, scopes=["User.Read"], force_refresh=False)
    assert cached["account"]["username"] == ada["userPrincipalName"]
    assert cached["account"]["home_account_id"] == f"{ada['id']}.{tenant.tenant_id}"
    assert cached["result"]["access_token"] == result["access_token"]
    renewed = msal.call("silently", name=name, scopes=["User.Read"], force_refresh=True)["result"]
    assert renewed["token_source"] == "identity_provider"
    assert renewed["access_token"] != result["access_token"]


def test_msal_signs_somebody_in_by_device_code(
    msal: ClientProcess, tenant: RunningTenant, browser: WebPage, ada: dict[str, Any]
) -> None:
    authority = f"{tenant.authority}/organizations"
    msal.call("new_person", name="device", authority=authority, client_id=GRAPH_COMMAND_LINE_TOOLS)
    shown = msal.call("begin_device_flow", name="device", scopes=["User.Read"])
    browser.open(shown["verification_uri"])
    browser.send(code=shown["user_code"])
    sign_in(browser, ada)
    browser.send(choice="accept")

    result = msal.call("end_device_flow", name="device")

    assert result["id_token_claims"]["preferred_username"] == ada["userPrincipalName"]


def test_msal_signs_somebody_in_by_password_and_hears_when_it_is_wrong(
    msal: ClientProcess, tenant: RunningTenant, ada: dict[str, Any]
) -> None:
    authority = f"https://login.microsoftonline.com/{tenant.tenant_id}"
    msal.call("new_person", name="password", authority=authority, client_id=GRAPH_COMMAND_LINE_TOOLS)
    arguments = {"name": "password", "username": ada["userPrincipalName"], "scopes": ["User.Read"]}

    assert "access_token" in msal.call("by_password", password=PASSWORD, **arguments)
    refused = msal.call("by_password", password="wrong", **arguments)

    assert refused["error_codes"] == [50126]


@pytest.mark.skipif(not AZ.exists(), reason="the real clients are not installed: run `make strangers`")
def test_az_signs_somebody_in_by_password(
    tenant: RunningTenant, proxied: dict[str, str], ada: dict[str, Any], tmp_path: Path
) -> None:
    az = AzureCli(AZ, tenant, tmp_path / "home", tmp_path / "configuration")
    az.environment |= proxied
    who = ("--username", ada["userPrincipalName"], "--password", PASSWORD)
    outcome = az.run("login", *who, "--allow-no-subscriptions")
    assert outcome.exit_code == 0, outcome.stderr
    (account,) = json.loads(outcome.stdout)
    assert account["user"] == {"name": ada["userPrincipalName"], "type": "user"}

    assert az.json("ad", "signed-in-user", "show")["id"] == ada["id"]


def test_az_signs_somebody_in_by_device_code(
    new_azure_cli: Callable[[], AzureCli], browser: WebPage, ada: dict[str, Any], tenant: RunningTenant
) -> None:
    az = new_azure_cli()
    with az.start("login", "--use-device-code", "--allow-no-subscriptions") as process:
        page, code = _asked(process)
        browser.open(page)
        browser.send(code=code)
        sign_in(browser, ada)
        browser.send(choice="accept")
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    (account,) = json.loads(output)
    assert account["tenantId"] == tenant.tenant_id
    assert az.json("rest", "--url", f"{tenant.graph}/v1.0/me")["id"] == ada["id"]


def _asked(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The page and the code that az tells the person at the terminal."""
    assert process.stderr is not None
    said = ""
    watchdog = threading.Timer(ASKS_WITHIN, process.kill)
    watchdog.start()
    try:
        for line in process.stderr:
            said += line
            if found := re.search(r"open the page (\S+) and enter the code (\S+) to", line):
                return found[1], found[2]
    finally:
        watchdog.cancel()
    raise AssertionError(f"az did not ask anybody to sign in:\n{said}")
