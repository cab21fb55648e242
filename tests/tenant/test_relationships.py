"""What hangs on an application: shown with it, counted, and found by its name's words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import BASE, LocalTenant

EVENTUAL = {"ConsistencyLevel": "eventual"}


def owned(tenant: LocalTenant, name: str = "owned") -> tuple[dict[str, Any], str]:
    """An application and the id of its owner."""
    application = tenant.new_application(name)
    owner = tenant.as_workload().principal.id
    body = {"@odata.id": f"{BASE}/v1.0/directoryObjects/{owner}"}
    tenant.must("POST", f"/applications/{application['id']}/owners/$ref", body)
    return application, owner


def test_owners_are_shown_with_one_object_and_with_a_list(tenant: LocalTenant) -> None:
    application, owner = owned(tenant)
    one = tenant.get(f"/applications/{application['id']}?$expand=owners")
    assert [(item["@odata.type"], item["id"]) for item in one["owners"]] == [
        ("#microsoft.graph.servicePrincipal", owner)
    ]
    assert one["displayName"] == "owned"
    page = tenant.get("/applications?$select=id&$expand=owners($select=id)")
    assert page["@odata.context"].endswith("$metadata#applications(id,owners(id))")
    owners = {item["id"]: item["owners"] for item in page["value"]}
    assert owners.pop(application["id"]) == [{"@odata.type": "#microsoft.graph.servicePrincipal", "id": owner}]
    assert not any(owners.values())


def test_at_most_twenty_are_shown(tenant: LocalTenant) -> None:
    application = tenant.new_application()
    for _ in range(21):
        made = tenant.new_principal(tenant.new_application()["appId"])
        body = {"@odata.id": f"{BASE}/v1.0/directoryObjects/{made['id']}"}
        tenant.must("POST", f"/applications/{application['id']}/owners/$ref", body)
    assert len(tenant.get(f"/applications/{application['id']}?$expand=owners")["owners"]) == 20


def test_the_policy_and_the_federated_credentials_are_shown(tenant: LocalTenant) -> None:
    application = tenant.new_application()
    path = f"/applications/{application['id']}"
    body = {
        "name": "pipeline",
        "issuer": "https://issuer.example",
        "subject": "s",
        "audiences": ["api://AzureADTokenExchange"],
    }
    tenant.must("POST", f"{path}/federatedIdentityCredentials", body)
    policy = tenant.must("POST", "/policies/appManagementPolicies", {"displayName": "p", "description": "d"})
    link = {"@odata.id": f"{BASE}/v1.0/policies/appManagementPolicies/{policy['id']}"}
    tenant.must("POST", f"{path}/appManagementPolicies/$ref", link)
    shown = tenant.get(f"{path}?$select=id&$expand=federatedIdentityCredentials,appManagementPolicies")
    assert [item["name"] for item in shown["federatedIdentityCredentials"]] == ["pipeline"]
    assert [item["id"] for item in shown["appManagementPolicies"]] == [policy["id"]]


def test_permissions_are_shown_with_who_holds_them(tenant: LocalTenant) -> None:
    workload = tenant.as_workload("Application.Read.All")
    shown = tenant.get(f"/servicePrincipals/{workload.principal.id}?$expand=appRoleAssignments")
    assert [item["resourceDisplayName"] for item in shown["appRoleAssignments"]] == ["Microsoft Graph"]


def test_a_relationship_needs_the_permission_it_would_need_alone(tenant: LocalTenant) -> None:
    reader = tenant.as_workload("Application.Read.All").token
    tenant.get("/applications?$expand=owners", token=reader)
    tenant.refused("GET", "/applications?$expand=appManagementPolicies", token=reader, status=403)


@pytest.mark.parametrize("query", ["$expand=owners($top=1)", "$expand=nothing", "$expand=appRoleAssignments"])
def test_what_cannot_be_expanded_is_refused(tenant: LocalTenant, query: str) -> None:
    tenant.refused("GET", f"/applications?{query}", status=400)


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("/applications", "owners/$count ne 0", {"owned"}),
        ("/applications", "owners/$count eq 0 and startswith(displayName,'o')", {"orphan"}),
        ("/applications", "federatedIdentityCredentials/$count ne 0", set()),
        ("/servicePrincipals", "appRoleAssignments/$count eq 0 and startswith(displayName,'o')", set()),
    ],
)
def test_objects_are_found_by_whether_they_have_any(
    tenant: LocalTenant, path: str, query: str, found: set[str]
) -> None:
    owned(tenant)
    tenant.new_application("orphan")
    answer = tenant.get(f"{path}?$filter={query}&$count=true", **EVENTUAL)
    assert {item["displayName"] for item in answer["value"]} == found


def test_an_owner_that_was_deleted_does_not_count(tenant: LocalTenant) -> None:
    _, owner = owned(tenant)
    tenant.must("DELETE", f"/servicePrincipals/{owner}")
    assert tenant.get("/applications?$filter=owners/$count ne 0&$count=true", **EVENTUAL)["value"] == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ('"displayName:pay"', ["Payroll service", "old-payments"]),
        ('"displayName:SERV"', ["Payroll service"]),
        ('"displayName:service payroll"', ["Payroll service"]),
        ('"displayName:roll"', []),
        ('"displayName:payroll" OR "displayName:100%"', ["Payroll service", "100% done"]),
        ('"displayName:old" AND "displayName:payroll"', []),
    ],
)
def test_a_search_finds_words_by_how_they_begin(tenant: LocalTenant, search: str, found: list[str]) -> None:
    for name in ("Payroll service", "old-payments", "100% done"):
        tenant.new_application(name)
    answer = tenant.get(f"/applications?$search={search.replace('%', '%25')}", **EVENTUAL)
    assert [item["displayName"] for item in answer["value"]] == found


@pytest.mark.parametrize(
    ("path", "kind"), [("/applications", "Application"), ("/servicePrincipals", "ServicePrincipal")]
)
def test_a_new_object_says_where_it_is(tenant: LocalTenant, path: str, kind: str) -> None:
    body = {"displayName": "a"} if path == "/applications" else {"appId": tenant.new_application()["appId"]}
    answer = tenant.graph("POST", path, body)
    place = f"directoryObjects/{answer.json()['id']}/Microsoft.DirectoryServices.{kind}"
    assert answer.headers["location"] == f"{BASE}/v2/{tenant.tenant_id}/{place}"
