"""Clients that have Microsoft's hosts built in reach the tenant through its proxy, and are none the wiser."""

from __future__ import annotations

import json
import subprocess
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.administrator import MANAGER_ROLES, Administrator, Registered
from tests.clients.certificates import make_certificate
from tests.clients.client_process import client_environment
from tests.clients.conftest import CLIENTS_PYTHON, NODE_CLIENTS, PROWLER
from tests.clients.mailbox import mailbox
from tests.running_tenant import GIVES_UP_AT_429, RunningTenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.strangers

M365 = NODE_CLIENTS / "node_modules" / ".bin" / "m365"
EXPIRY_CHECKER = CLIENTS_PYTHON.with_name("entra-expiry-checker")
READER_ROLES = ("Application.Read.All", "Directory.Read.All", "Policy.Read.All", "AuditLog.Read.All")
SECONDS = 240.0


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    """A tenant with the proxy, and the subscription that prowler insists on."""
    data = tmp_path_factory.mktemp("tenant") / "data"
    with RunningTenant.start(
        data, "--empty", "--intercept", "0", "--subscription", mischief=GIVES_UP_AT_429
    ) as running:
        yield running


@pytest.fixture
def environment(tenant: RunningTenant, tmp_path: Path) -> dict[str, str]:
    """What a client has to be told; the machine's own variables stay outside."""
    proxy = tenant.connection["proxy"]
    return client_environment(tenant, tmp_path / "home") | {"HTTPS_PROXY": proxy, "NO_PROXY": "localhost,127.0.0.1"}


def run(*command: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd, timeout=SECONDS, check=False)


def add_secret(administrator: Administrator, app: dict[str, Any], name: str, *, days: int) -> None:
    ends = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    body = {"passwordCredential": {"displayName": name, "endDateTime": ends}}
    administrator.call("POST", f"/applications/{app['id']}/addPassword", body)


# -- CLI for Microsoft 365 ----------------------------------------------------------------------------------------


@pytest.fixture
def m365(environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `m365 ARGUMENTS` in a home of its own."""
    if not M365.exists():
        pytest.skip("the real clients are not installed: run `make strangers`")
    environment["CLIMICROSOFT365_DISABLETELEMETRY"] = "1"

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run(str(M365), *arguments, "--output", "json", env=environment, cwd=tmp_path)

    return call


@pytest.fixture(scope="module")
def manager(administrator: Administrator) -> Registered:
    return administrator.register("manager of Microsoft 365", *MANAGER_ROLES)


def m365_login(m365: Any, tenant: RunningTenant, app: Registered, *credential: str) -> None:
    who = ("--appId", app.app_id, "--tenant", tenant.tenant_id)
    done = m365("login", *who, *credential)
    assert done.returncode == 0, done.stdout + done.stderr


def test_cli_for_microsoft_365_signs_in_by_secret_and_manages_applications(
    m365: Any, tenant: RunningTenant, administrator: Administrator, manager: Registered
) -> None:
    m365_login(m365, tenant, manager, "--authType", "secret", "--secret", administrator.add_password(manager))
    name = f"made by m365 {uuid.uuid4()}"

    added = json.loads(m365("entra", "app", "add", "--name", name, "--withSecret").stdout)
    listed = json.loads(m365("entra", "app", "list").stdout)
    removed = m365("entra", "app", "remove", "--name", name, "--force")

    assert added["secrets"][0]["value"]
    assert name in [app["displayName"] for app in listed]
    assert removed.returncode == 0, removed.stderr
    assert administrator.send("GET", f"/applications/{added['objectId']}").status_code == 404


def test_cli_for_microsoft_365_signs_in_by_certificate_and_shows_the_policies(
    m365: Any, tenant: RunningTenant, administrator: Administrator, tmp_path: Path
) -> None:
    app = administrator.register("m365 by certificate", *MANAGER_ROLES)
    certificate = make_certificate(tmp_path, "m365")
    administrator.add_certificate(app, certificate)
    m365_login(m365, tenant, app, "--authType", "certificate", "--certificateFile", str(certificate.pem_file))

    shown = m365("request", "--url", "@graph/policies/defaultAppManagementPolicy")

    assert json.loads(shown.stdout)["isEnabled"] is False


def test_cli_for_microsoft_365_tells_its_user_why_a_secret_was_refused(
    m365: Any, tenant: RunningTenant, administrator: Administrator, manager: Registered
) -> None:
    m365_login(m365, tenant, manager, "--authType", "secret", "--secret", administrator.add_password(manager))
    administrator.block_secrets()
    try:
        refused = m365("entra", "app", "add", "--name", "blocked", "--withSecret")
    finally:
        administrator.block_secrets(enabled=False)

    assert refused.returncode != 0
    assert "Credential type not allowed as per assigned policy" in refused.stdout + refused.stderr


# -- Entra expiry checker -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not EXPIRY_CHECKER.exists(), reason="the real clients are not installed: run `make strangers`")
def test_expiry_checker_mails_about_the_secret_that_ends_soon_and_about_no_other(
    administrator: Administrator, environment: dict[str, str], tenant: RunningTenant, tmp_path: Path
) -> None:
    reader = administrator.register("expiry checker", *READER_ROLES)
    due = administrator.call("POST", "/applications", {"displayName": "Due soon"})
    fine = administrator.call("POST", "/applications", {"displayName": "Fine for long"})
    add_secret(administrator, due, "ends in ten days", days=10)
    add_secret(administrator, fine, "ends in a year", days=365)
    with mailbox() as inbox:
        settings = {
            "AZURE_TENANT_ID": tenant.tenant_id,
            "AZURE_CLIENT_ID": reader.app_id,
            "AZURE_CLIENT_SECRET": administrator.add_password(reader),
            "EMAIL_PROVIDER": "smtp",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(inbox.port),
            "SMTP_USER": "checker",
            "SMTP_PASSWORD": "not checked",
            "SMTP_USE_TLS": "false",
            "FROM_EMAIL": "checker@contoso.com",
            "DEFAULT_NOTIFICATION_EMAIL": "owners@contoso.com",
            "DAYS_THRESHOLD": "30",
        }
        done = run(str(EXPIRY_CHECKER), env=environment | settings, cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    mails = [message.as_string() for message in inbox.messages]
    assert any("Due soon" in mail for mail in mails), done.stdout
    assert not any("Fine for long" in mail for mail in mails)


# -- prowler ------------------------------------------------------------------------------------------------------


@pytest.mark.prowler
@pytest.mark.skipif(not PROWLER.exists(), reason="prowler is not installed: run `make prowler`, 1.4 GB")
def test_prowler_finds_the_application_whose_secret_has_expired(
    administrator: Administrator, environment: dict[str, str], tenant: RunningTenant, tmp_path: Path
) -> None:
    scanner = administrator.register("prowler", *READER_ROLES, "Organization.Read.All")
    fine = administrator.call("POST", "/applications", {"displayName": "Good for a year"})
    add_secret(administrator, fine, "fine", days=365)
    expired = administrator.call("POST", "/applications", {"displayName": "Already expired"})
    ends = datetime.now(UTC) - timedelta(days=1)
    past = {"startDateTime": (ends - timedelta(days=30)).isoformat(), "endDateTime": ends.isoformat()}
    administrator.call("POST", f"/applications/{expired['id']}/addPassword", {"passwordCredential": past})
    settings = {
        "AZURE_TENANT_ID": tenant.tenant_id,
        "AZURE_CLIENT_ID": scanner.app_id,
        "AZURE_CLIENT_SECRET": administrator.add_password(scanner),
        "SSL_CERT_FILE": environment["SSL_CERT_FILE"],
    }
    check = "entra_app_registration_credential_not_expired"
    to = tmp_path / "output"
    what = ("--sp-env-auth", "--check", check, "--output-formats", "json-ocsf", "--output-directory", str(to))

    done = run(str(PROWLER), "azure", *what, env=environment | settings, cwd=tmp_path)

    assert done.returncode == 3, done.stdout + done.stderr  # prowler's way to say that it found something
    (report,) = to.glob("*.ocsf.json")
    verdicts = {
        finding["resources"][0]["name"].partition(" (")[0]: finding["status_code"]
        for finding in json.loads(report.read_text())
    }
    assert verdicts["Already expired"] == "FAIL"
    assert verdicts["Good for a year"] == "PASS"
