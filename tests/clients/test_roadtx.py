"""roadtx, a tool of those who attack and defend Entra, signs in and calls Graph."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.administrator import MANAGER_ROLES
from tests.clients.certificates import make_certificate
from tests.clients.client_process import client_environment
from tests.clients.conftest import CLIENTS_PYTHON

if TYPE_CHECKING:
    from tests.clients.administrator import Administrator, Registered
    from tests.running_tenant import RunningTenant

pytestmark = pytest.mark.strangers

ROADTX = CLIENTS_PYTHON.with_name("roadtx")


@pytest.fixture
def roadtx(tenant: RunningTenant, tmp_path: Path) -> Any:
    """Runs `roadtx ARGUMENTS` in a home of its own, which keeps the tokens."""
    if not ROADTX.exists():
        pytest.skip("the real clients are not installed: run `make strangers`")
    environment = client_environment(tenant, tmp_path / "home")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROADTX), "-a", tenant.authority.removeprefix("https://"), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60, check=False
        )

    return run


@pytest.fixture(scope="module")
def app(administrator: Administrator) -> Registered:
    return administrator.register("roadtx", *MANAGER_ROLES)


def sign_in_as(tenant: RunningTenant, app: Registered) -> tuple[str, ...]:
    return ("appauth", "-c", app.app_id, "-t", tenant.tenant_id)


@pytest.mark.parametrize("form", ["v2.0 endpoint", "v1.0 endpoint"])
def test_signs_in_by_secret_and_calls_graph(
    roadtx: Any, tenant: RunningTenant, administrator: Administrator, app: Registered, form: str
) -> None:
    wanted = ("-s", f"{tenant.graph}/.default") if form == "v2.0 endpoint" else ("-r", f"{tenant.graph}/")

    signed_in = roadtx(*sign_in_as(tenant, app), "-p", administrator.add_password(app), *wanted)
    asked = roadtx("graphrequest", f"{tenant.graph}/v1.0/applications/{app.object_id}")

    assert signed_in.returncode == 0, signed_in.stderr
    assert json.loads(asked.stdout)["appId"] == app.app_id


def test_signs_in_by_certificate_whose_assertion_has_its_numbers_as_text(
    roadtx: Any, tenant: RunningTenant, administrator: Administrator, tmp_path: Path
) -> None:
    app = administrator.register("roadtx by certificate", "Application.Read.All")
    certificate = make_certificate(tmp_path, "roadtx")
    administrator.add_certificate(app, certificate)
    key = tmp_path / "roadtx.key"
    key.write_text(certificate.private_key)

    pems = ("--cert-pem", str(certificate.public_file), "--key-pem", str(key))
    signed_in = roadtx(*sign_in_as(tenant, app), *pems, "-s", f"{tenant.graph}/.default")

    assert signed_in.returncode == 0, signed_in.stderr
    assert (tmp_path / ".roadtools_auth").exists()


def test_is_told_why_a_secret_was_refused(roadtx: Any, tenant: RunningTenant, app: Registered) -> None:
    refused = roadtx(*sign_in_as(tenant, app), "-p", "no-secret-at-all", "-s", f"{tenant.graph}/.default")

    assert "AADSTS7000215" in refused.stdout + refused.stderr
