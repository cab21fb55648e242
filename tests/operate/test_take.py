"""A snapshot of a tenant."""

from __future__ import annotations

import zipfile
from pathlib import Path

import httpx2
import pytest

from tests.local_tenant import LocalTenant
from tests.operate.in_process import Answers, InProcess, client_of
from unsecret.errors import Forbidden
from unsecret.operate.client import GraphClient
from unsecret.operate.snapshot_file import open_snapshot
from unsecret.operate.take import take

DENIED = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}


def refusing(path: str) -> Answers:
    """The tenant refuses what begins so."""

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        return httpx2.Response(403, json=DENIED) if request.url.path.startswith(path) else None

    return answer


def test_everything_that_a_tenant_shows_is_known(client: GraphClient, tenant: LocalTenant, tmp_path: Path) -> None:
    app = tenant.new_application("Payroll")
    tenant.must("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "first"}})
    federated = {"name": "pipeline", "issuer": "https://issuer.example", "subject": "main", "audiences": ["api://x"]}
    tenant.must("POST", f"/applications/{app['id']}/federatedIdentityCredentials", federated)
    manifest = take(client, tmp_path / "contoso.snapshot", now=tenant.clock.now)

    assert manifest.not_known == ()
    assert (manifest.tenant_id, manifest.display_name) == (tenant.tenant_id, "Contoso")
    with open_snapshot(tmp_path / "contoso.snapshot") as snapshot:
        credentials = snapshot.database.execute(
            "SELECT c.kind, c.display_name, use FROM credentials AS c JOIN objects AS o USING (object)"
            " WHERE o.display_name = 'Payroll' ORDER BY 1"
        ).fetchall()
    assert credentials == [("federated", "pipeline", "unknown"), ("password", "first", "unused")]


def test_what_is_refused_is_said_to_be_missing(tenant: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    kind.before = refusing("/beta/reports/appCredentialSignInActivities")
    with client_of(tenant, tmp_path, kind) as client:
        manifest = take(client, tmp_path / "contoso.snapshot", now=tenant.clock.now)

    assert manifest.not_known == ("appCredentialSignInActivities: Insufficient privileges.",)


def test_without_applications_there_is_no_snapshot(tenant: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    kind.before = refusing("/v1.0/applications")
    with client_of(tenant, tmp_path, kind) as client, pytest.raises(Forbidden, match="Insufficient"):
        take(client, tmp_path / "contoso.snapshot", now=tenant.clock.now)

    assert not (tmp_path / "contoso.snapshot").exists()


def test_no_token_is_written(client: GraphClient, tenant: LocalTenant, tmp_path: Path) -> None:
    path = tmp_path / "contoso.snapshot"
    take(client, path, now=tenant.clock.now)
    with zipfile.ZipFile(path) as packed:
        content = b"".join(packed.read(name) for name in packed.namelist())

    assert b"eyJ" not in content
    assert b"skiptoken" not in content
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(".*")) == []
