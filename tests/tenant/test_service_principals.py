"""/servicePrincipals: an application's presence in the tenant."""

from __future__ import annotations

import pytest

from tests.local_tenant import NOW, LocalTenant


def test_a_service_principal_is_made_for_an_application_of_the_tenant(tenant: LocalTenant) -> None:
    made = tenant.new_application("Payroll", identifierUris=["api://payroll"])
    principal = tenant.new_principal(made["appId"])
    assert principal["@odata.context"].endswith("#servicePrincipals/$entity")
    assert (principal["appId"], principal["displayName"]) == (made["appId"], "Payroll")
    assert principal["servicePrincipalNames"] == [made["appId"], "api://payroll"]
    assert principal["appOwnerOrganizationId"] == tenant.tenant_id
    assert tenant.get(f"/servicePrincipals(appId='{made['appId']}')")["id"] == principal["id"]


def test_an_application_has_one_service_principal(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    tenant.new_principal(made["appId"])
    error = tenant.refused("POST", "/servicePrincipals", {"appId": made["appId"]}, status=409)
    assert error["code"] == "Request_MultipleObjectsWithSameKeyValue"


def test_a_deleted_service_principal_can_be_made_again(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    first = tenant.new_principal(made["appId"])
    tenant.must("DELETE", f"/servicePrincipals/{first['id']}")
    assert tenant.get(f"/applications/{made['id']}")["appId"] == made["appId"]
    second = tenant.new_principal(made["appId"])
    assert second["id"] != first["id"]
    tenant.refused("GET", f"/servicePrincipals/{first['id']}", status=404)


def test_the_permissions_of_a_deleted_service_principal_are_not_its_successors(tenant: LocalTenant) -> None:
    workload = tenant.as_workload("Application.Read.All")
    path = f"/servicePrincipals/{workload.principal.id}"
    assert len(tenant.get(f"{path}/appRoleAssignments")["value"]) == 1
    tenant.must("DELETE", path)
    successor = tenant.new_principal(workload.application.app_id)
    assert tenant.get(f"/servicePrincipals/{successor['id']}/appRoleAssignments")["value"] == []


def test_an_app_role_is_granted_listed_and_withdrawn(tenant: LocalTenant) -> None:
    holder = tenant.new_principal(tenant.new_application("holder")["appId"])
    graph = tenant.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")
    role = next(role["id"] for role in graph["appRoles"] if role["value"] == "Application.Read.All")
    body = {"principalId": holder["id"], "resourceId": graph["id"], "appRoleId": role}
    granted = tenant.must("POST", f"/servicePrincipals/{holder['id']}/appRoleAssignments", body)
    assert (granted["principalDisplayName"], granted["resourceDisplayName"]) == ("holder", "Microsoft Graph")
    held = tenant.get(f"/servicePrincipals/{holder['id']}/appRoleAssignments")["value"]
    assert [grant["id"] for grant in held] == [granted["id"]]
    assert granted["id"] in {
        grant["id"] for grant in tenant.get(f"/servicePrincipals/{graph['id']}/appRoleAssignedTo")["value"]
    }
    tenant.refused("POST", f"/servicePrincipals/{holder['id']}/appRoleAssignments", body, status=400)
    tenant.must("DELETE", f"/servicePrincipals/{graph['id']}/appRoleAssignedTo/{granted['id']}")
    assert tenant.get(f"/servicePrincipals/{holder['id']}/appRoleAssignments")["value"] == []


def test_a_disabled_service_principal_signs_nobody_in(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    principal = tenant.new_principal(made["appId"])
    secret = tenant.must("POST", f"/servicePrincipals/{principal['id']}/addPassword", {})["secretText"]
    form = {"client_id": made["appId"], "client_secret": secret}
    assert tenant.token_request(**form).status_code == 200
    tenant.must("PATCH", f"/servicePrincipals/{principal['id']}", {"accountEnabled": False})
    assert tenant.token_request(**form).json()["error_codes"] == [7000112]
    tenant.must("PATCH", f"/servicePrincipals/{principal['id']}", {"accountEnabled": True})
    assert tenant.token_request(**form).status_code == 200


def test_the_secrets_of_application_and_principal_are_two_stores(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    principal = tenant.new_principal(made["appId"])
    tenant.must("POST", f"/servicePrincipals/{principal['id']}/addPassword", {})
    assert tenant.get(f"/applications/{made['id']}")["passwordCredentials"] == []
    assert len(tenant.get(f"/servicePrincipals/{principal['id']}")["passwordCredentials"]) == 1


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"displayName": "after"}, {"displayName": "after", "appDisplayName": "after"}),
        ({"signInAudience": "AzureADMultipleOrgs"}, {"signInAudience": "AzureADMultipleOrgs"}),
        ({"web": {"redirectUris": ["https://a.example/cb"]}}, {"replyUrls": ["https://a.example/cb"]}),
    ],
    ids=["its name", "its audience", "its redirect URIs"],
)
def test_what_an_application_changes_its_principal_shows(tenant: LocalTenant, change: dict, shown: dict) -> None:
    made = tenant.new_application("before")
    principal = tenant.new_principal(made["appId"])
    tenant.must("PATCH", f"/applications/{made['id']}", change)
    after = tenant.get(f"/servicePrincipals/{principal['id']}")
    assert {name: after[name] for name in shown} == shown


def test_the_principals_of_a_new_tenant_show_what_their_applications_say(tenant: LocalTenant) -> None:
    application, principal = tenant.seed_application(
        created_at=NOW, sign_in_audience="AzureADMultipleOrgs", web_redirect_uris=("https://a.example/cb",)
    )
    seeded = tenant.get(f"/servicePrincipals/{principal.id}")
    tenant.must("DELETE", f"/servicePrincipals/{principal.id}")
    again = tenant.new_principal(application.app_id)
    own = ("@odata.context", "id", "createdDateTime")
    assert {k: v for k, v in seeded.items() if k not in own} == {k: v for k, v in again.items() if k not in own}


def test_service_principals_are_counted(tenant: LocalTenant) -> None:
    listed = tenant.get("/servicePrincipals?$top=999")["value"]
    answer = tenant.graph("GET", "/servicePrincipals/$count", ConsistencyLevel="eventual")
    assert (answer.text.lstrip("\ufeff"), answer.headers["content-type"].partition(";")[0]) == (
        str(len(listed)),
        "text/plain",
    )


def test_a_property_of_a_service_principal_has_a_path(tenant: LocalTenant) -> None:
    made = tenant.new_principal(tenant.new_application("by path")["appId"])
    assert tenant.get(f"/servicePrincipals/{made['id']}/displayName")["value"] == "by path"


def test_an_owner_of_a_service_principal_comes_and_goes_and_sees_what_it_owns(tenant: LocalTenant) -> None:
    made = tenant.new_principal(tenant.new_application("owned")["appId"])
    owner = tenant.new_principal(tenant.new_application("owner")["appId"])
    reference = {"@odata.id": f"https://localhost:8443/v1.0/directoryObjects/{owner['id']}"}
    tenant.must("POST", f"/servicePrincipals/{made['id']}/owners/$ref", reference)
    owned = tenant.get(f"/servicePrincipals/{owner['id']}/ownedObjects")["value"]
    assert [(one["@odata.type"], one["id"]) for one in owned] == [("#microsoft.graph.servicePrincipal", made["id"])]
    tenant.must("DELETE", f"/servicePrincipals/{made['id']}/owners/{owner['id']}/$ref")
    assert tenant.get(f"/servicePrincipals/{made['id']}/owners")["value"] == []
    assert tenant.get(f"/servicePrincipals/{owner['id']}/ownedObjects")["value"] == []
