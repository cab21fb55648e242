"""What little there is of Azure Resource Manager: no subscription, or by setting one with nothing in it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient

from tests.local_tenant import BASE, LocalTenant
from tests.witnesses import Noted
from unsecret.tenant.app import create_app
from unsecret.tenant.settings import server_settings


@pytest.fixture
def with_subscription(tenant: LocalTenant) -> TestClient:
    """The same tenant, on a server that lists a subscription."""
    settings = server_settings(Path("/nowhere"), port=8443, subscription=True)
    services = msgspec.structs.replace(tenant.services, settings=settings)
    headers = {"Authorization": f"Bearer {tenant.token}"}
    return TestClient(Noted(create_app(services)), base_url=BASE, headers=headers)


def test_there_is_no_subscription(tenant: LocalTenant) -> None:
    assert tenant.get(f"{BASE}/subscriptions?api-version=2022-12-01")["value"] == []


def test_the_caller_sees_its_own_tenant(tenant: LocalTenant) -> None:
    (shown,) = tenant.get(f"{BASE}/tenants?api-version=2022-12-01")["value"]
    assert shown["tenantId"] == tenant.tenant_id


def test_a_subscription_that_was_asked_for_is_always_the_same_and_has_nowhere_to_make_anything(
    with_subscription: TestClient, tenant: LocalTenant
) -> None:
    (first,) = with_subscription.get("/subscriptions").json()["value"]
    (second,) = with_subscription.get("/subscriptions").json()["value"]

    assert first == second
    assert (first["tenantId"], first["state"]) == (tenant.tenant_id, "Enabled")
    assert with_subscription.get(f"{first['id']}/locations").json() == {"value": []}


def test_another_subscription_is_not_found(with_subscription: TestClient) -> None:
    answer = with_subscription.get("/subscriptions/00000000-0000-0000-0000-000000000000/locations")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SubscriptionNotFound")


def test_nobody_sees_subscriptions_without_a_token(with_subscription: TestClient) -> None:
    assert with_subscription.get("/subscriptions", headers={"Authorization": ""}).status_code == 401


def test_azure_cli_is_told_where_everything_is(tenant: LocalTenant) -> None:
    """It reads the document without a token, and indexes it by name."""
    shown = tenant.client.get("/metadata/endpoints?api-version=2022-09-01").json()
    assert shown["authentication"]["loginEndpoint"] == shown["resourceManager"] == BASE
