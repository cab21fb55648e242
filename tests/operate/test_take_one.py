"""One application, read by itself, is what a snapshot of the whole tenant says of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.local_tenant import LocalTenant
from tests.operate.in_process import InProcess, Ticks, Waits, client_of, connection_to
from unsecret.errors import NotFound
from unsecret.operate.applications.one_application import Whole, may_be_created, read_one
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.sign_in import Token
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.operate.snapshots.take import take
from unsecret.operate.snapshots.take_one import take_one


def whole(path: Path, tenant: LocalTenant) -> tuple[Whole, object]:
    now = tenant.clock.now
    with open_snapshot(path) as snapshot:
        found = read_one(snapshot, "Payroll", now=now)
        return found, may_be_created(snapshot, found, now=now)


@pytest.fixture
def furnished(tenant: LocalTenant) -> LocalTenant:
    """An application with everything that can belong to one, another beside it, and policies."""
    payroll = tenant.new_application("Payroll")
    principal = tenant.new_principal(payroll["appId"])
    tenant.new_principal(tenant.new_application("Other")["appId"])
    app = f"/applications/{payroll['id']}"
    tenant.must("POST", f"{app}/addPassword", {})
    tenant.must(
        "POST",
        f"{app}/federatedIdentityCredentials",
        {"name": "main", "issuer": "https://issuer", "subject": "repo", "audiences": ["api://AzureADTokenExchange"]},
    )
    tenant.must("POST", f"{app}/owners/$ref", {"@odata.id": f"https://graph/v1.0/servicePrincipals/{principal['id']}"})
    policy = tenant.must(
        "POST",
        "/policies/appManagementPolicies",
        {
            "displayName": "Short",
            "description": "a",
            "isEnabled": True,
            "restrictions": {
                "passwordCredentials": [
                    {"restrictionType": "passwordLifetime", "maxLifetime": "P30D", "state": "enabled"}
                ]
            },
        },
    )
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{policy['id']}"}
    tenant.must("POST", f"{app}/appManagementPolicies/$ref", reference)
    return tenant


def test_one_application_is_what_the_whole_tenant_says_of_it(
    furnished: LocalTenant, client: GraphClient, tmp_path: Path, ticks: Ticks
) -> None:
    ticks.later()
    now = furnished.clock.now
    take(client, tmp_path / "all", now=now)
    take_one(client, "Payroll", tmp_path / "one", now=now)
    everything, alone = whole(tmp_path / "all", furnished), whole(tmp_path / "one", furnished)
    assert alone == everything
    assert alone[0].application.federated == 1
    assert alone[0].application.owners == ("Payroll",)
    assert ("at most 30 days", "'Short'") in {(one.says, one.policy) for one in alone[0].application.new_secrets}


def test_only_that_application_is_asked_for(furnished: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    with client_of(furnished, tmp_path, kind) as client:
        manifest = take_one(client, "Payroll", tmp_path / "one", now=furnished.clock.now)
    assert not any(one.endswith("it was not read") for one in manifest.not_answered)  # it was never asked for
    assert any(one == "users: it was not read" for one in manifest.not_known)
    listed = [call for call in kind.calls() if call in ("GET /v1.0/applications", "GET /v1.0/servicePrincipals")]
    asked = [one.url.query for one in kind.seen if one.url.path in ("/v1.0/applications", "/v1.0/servicePrincipals")]
    assert len(listed) == len(asked) == 2  # the name is looked up in both lists
    assert all(b"displayName" in query for query in asked)
    assert len(kind.calls()) < 25


def test_what_may_not_be_read_is_said_to_be_missing(furnished: LocalTenant, tmp_path: Path) -> None:
    now = furnished.clock.now
    own = Token(furnished.as_workload("Application.Read.All").token, now + timedelta(hours=1))
    connection = connection_to(furnished, tmp_path)
    with GraphClient(
        connection, tokens=lambda _post, _now: own, transport=InProcess(furnished), sleep=Waits()
    ) as reader:
        manifest = take_one(reader, "Payroll", tmp_path / "one", now=now)
    assert not manifest.is_known("appCredentialSignInActivities")
    assert not manifest.is_known("defaultAppManagementPolicy")
    assert manifest.is_known("owners")
    missing = {one.partition(":")[0] for one in manifest.not_answered}
    assert {"appCredentialSignInActivities", "defaultAppManagementPolicy"} <= missing


def test_an_application_that_is_not_there_is_said_so(client: GraphClient, tmp_path: Path, tenant: LocalTenant) -> None:
    with pytest.raises(NotFound, match="Nobody"):
        take_one(client, "Nobody", tmp_path / "one", now=tenant.clock.now)
