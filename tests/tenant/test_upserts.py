"""PATCH with `Prefer: create-if-missing`: what is not there is made, under the key that the client chose.

https://learn.microsoft.com/en-us/graph/api/application-upsert, …/serviceprincipal-upsert
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import LocalTenant

NAMED = "/applications(uniqueName='app-65278')"
UPSERT = {"Prefer": "create-if-missing"}


def upsert(tenant: LocalTenant, path: str, body: Any, **options: Any) -> Any:
    return tenant.graph("PATCH", path, body, **UPSERT, **options)


def test_an_application_that_is_not_there_is_made_and_then_changed(tenant: LocalTenant) -> None:
    made = upsert(tenant, NAMED, {"displayName": "Display name"})
    assert made.status_code == 201
    assert made.json()["uniqueName"] == "app-65278"
    assert made.json()["@odata.context"].endswith("/v1.0/$metadata#applications/$entity")
    assert made.headers["location"].endswith("Microsoft.DirectoryServices.Application")
    changed = upsert(tenant, NAMED, {"displayName": "Another"})
    assert (changed.status_code, changed.content) == (204, b"")
    assert tenant.get(NAMED)["displayName"] == "Another"
    assert [one["activityDisplayName"] for one in tenant.audits()][:2] == ["Update application", "Add application"]


def test_a_service_principal_that_is_not_there_is_made_and_then_changed(tenant: LocalTenant) -> None:
    app_id = tenant.new_application("My App")["appId"]
    path = f"/servicePrincipals(appId='{app_id}')"
    made = upsert(tenant, path, {"displayName": "My app instance"})
    assert made.status_code == 201
    shown = made.json()
    assert (shown["appId"], shown["displayName"], shown["appDisplayName"]) == (app_id, "My app instance", "My App")
    assert shown["@odata.context"].endswith("/v1.0/$metadata#servicePrincipals/$entity")
    assert upsert(tenant, path, {"appRoleAssignmentRequired": True}).status_code == 204
    assert tenant.get(path)["appRoleAssignmentRequired"] is True


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (NAMED, {}),
        ("/servicePrincipals(appId='1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e')", {}),
        ("/applications(appId='1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e')", UPSERT),
        ("/applications/1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e", UPSERT),
        ("/servicePrincipals/1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e", UPSERT),
    ],
)
def test_nothing_is_made_unasked_or_under_a_key_that_nobody_chooses(
    tenant: LocalTenant, path: str, headers: dict[str, str]
) -> None:
    tenant.refused("PATCH", path, {"displayName": "new"}, status=404, **headers)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (NAMED, {}),
        (NAMED, {"displayName": "a", "uniqueName": "another"}),
        (NAMED, ["displayName"]),
        ("/servicePrincipals(appId='1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e')", {"displayName": "nothing behind it"}),
        ("/servicePrincipals(appId='1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e')", {"appId": "another"}),
        ("/servicePrincipals(appId='no guid')", {}),
    ],
)
def test_what_a_post_would_refuse_is_refused(tenant: LocalTenant, path: str, body: Any) -> None:
    before = len(tenant.get("/applications")["value"]), len(tenant.get("/servicePrincipals")["value"])
    tenant.refused("PATCH", path, body, status=400, **UPSERT)
    assert before == (len(tenant.get("/applications")["value"]), len(tenant.get("/servicePrincipals")["value"]))


def test_policies_and_permissions_bind_an_upsert_as_they_bind_a_post(tenant: LocalTenant) -> None:
    tenant.block_secrets()
    body = {"displayName": "a", "passwordCredentials": [{"displayName": "secret"}]}
    error = tenant.refused("PATCH", NAMED, body, status=400, **UPSERT)
    assert error["code"] == "CredentialTypeNotAllowedAsPerAppPolicy"
    reader = tenant.as_workload("Application.Read.All")
    tenant.refused("PATCH", NAMED, {"displayName": "a"}, status=403, token=reader.token, **UPSERT)
    tenant.refused("GET", NAMED, status=404)
