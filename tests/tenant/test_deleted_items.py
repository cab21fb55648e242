"""/directory/deletedItems: what was deleted can be seen, brought back, or taken away for good."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import LocalTenant

ROOT = "/directory/deletedItems"
APPS, PRINCIPALS = f"{ROOT}/microsoft.graph.application", f"{ROOT}/microsoft.graph.servicePrincipal"
ADVANCED = {"ConsistencyLevel": "eventual"}


def deleted(tenant: LocalTenant, name: str = "app", **body: Any) -> dict:
    """An application that was just deleted."""
    application = tenant.new_application(name, **body)
    tenant.must("DELETE", f"/applications/{application['id']}")
    return application


def names(tenant: LocalTenant, path: str, **options) -> list[str]:
    return [item["displayName"] for item in tenant.get(path, **options)["value"]]


def activities(tenant: LocalTenant, object_id: str) -> list[str]:
    """What was done to an object, newest first."""
    rows = tenant.audits()
    return [row["activityDisplayName"] for row in rows if any(t["id"] == object_id for t in row["targetResources"])]


# -- looking -----------------------------------------------------------------------------------------------------


def test_a_deleted_application_is_listed_with_the_instant_of_its_deletion(tenant: LocalTenant) -> None:
    application = deleted(tenant, "gone")
    tenant.new_application("live")
    answer = tenant.get(APPS)
    assert answer["@odata.context"].endswith("/$metadata#applications")
    assert [(item["id"], item["deletedDateTime"]) for item in answer["value"]] == [
        (application["id"], "2026-11-22T12:00:00Z")
    ]


def test_its_service_principal_is_listed_beside_it(tenant: LocalTenant) -> None:
    application = tenant.new_application("gone")
    principal = tenant.new_principal(application["appId"])
    tenant.must("DELETE", f"/applications/{application['id']}")
    assert [item["id"] for item in tenant.get(PRINCIPALS)["value"]] == [principal["id"]]


def test_one_item_is_shown_with_its_type(tenant: LocalTenant) -> None:
    application = deleted(tenant, "gone")
    item = tenant.get(f"{ROOT}/{application['id']}")
    assert item["@odata.type"] == "#microsoft.graph.application"
    assert item["@odata.context"].endswith("/$metadata#directoryObjects/$entity")
    assert item["deletedDateTime"] == "2026-11-22T12:00:00Z"
    assert tenant.get(f"{ROOT}/{application['id']}?$select=id").keys() == {"@odata.context", "@odata.type", "id"}


def test_a_live_object_is_no_deleted_item(tenant: LocalTenant) -> None:
    application = tenant.new_application()
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/restore")):
        error = tenant.refused(method, f"{ROOT}/{application['id']}{path}", status=404)
        assert error["code"] == "Request_ResourceNotFound"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["c", "b", "a"]),
        ("?$top=2", ["c", "b"]),
        ("?$filter=displayName eq 'b'", ["b"]),
        ("?$filter=startswith(displayName,'c')", ["c"]),
        ("?$orderby=displayName", ["a", "b", "c"]),
        ("?$orderby=deletedDateTime&$count=true", ["a", "b", "c"]),
        ("?$filter=deletedDateTime ge 2026-11-22T13:00:00Z", ["c", "b"]),
    ],
)
def test_the_list_takes_the_usual_questions(tenant: LocalTenant, query: str, found: list[str]) -> None:
    for name in "abc":
        deleted(tenant, name)
        tenant.clock.move(hours=1)
        tenant.sign_in_again()
    assert names(tenant, APPS + query, **ADVANCED) == found


def test_pages_of_it_lead_to_one_another_and_they_can_be_counted(tenant: LocalTenant) -> None:
    for name in "abc":
        deleted(tenant, name)
    first = tenant.get(f"{APPS}?$top=2")
    assert len(tenant.get(first["@odata.nextLink"])["value"]) == 1
    assert tenant.get(f"{APPS}?$count=true", **ADVANCED)["@odata.count"] == 3
    assert tenant.graph("GET", f"{APPS}/$count", **ADVANCED).text == "3"


def test_sorting_by_the_instant_needs_an_advanced_query(tenant: LocalTenant) -> None:
    error = tenant.refused("GET", f"{APPS}?$orderby=deletedDateTime", status=400)
    assert error["code"] == "Request_UnsupportedQuery"


# -- bringing back -----------------------------------------------------------------------------------------------


def test_a_restored_application_is_what_it_was(tenant: LocalTenant) -> None:
    application = tenant.new_application("back", uniqueName="back", identifierUris=["api://back-again"])
    tenant.must("POST", f"/applications/{application['id']}/addPassword", {})
    before = tenant.get(f"/applications/{application['id']}")
    tenant.must("DELETE", f"/applications/{application['id']}")
    restored = tenant.must("POST", f"{ROOT}/{application['id']}/restore")
    assert restored["@odata.type"] == "#microsoft.graph.application"
    assert restored["deletedDateTime"] is None
    assert tenant.get(f"/applications/{application['id']}") == before
    assert names(tenant, APPS) == []


def test_its_service_principal_stays_deleted_until_it_is_restored_itself(tenant: LocalTenant) -> None:
    application = tenant.new_application("before")
    principal = tenant.new_principal(application["appId"])
    tenant.must("DELETE", f"/applications/{application['id']}")
    error = tenant.refused("POST", f"{ROOT}/{principal['id']}/restore", status=400)
    assert error["code"] == "NoBackingApplicationObject"
    tenant.must("POST", f"{ROOT}/{application['id']}/restore")
    tenant.refused("GET", f"/servicePrincipals/{principal['id']}", status=404)
    tenant.must("PATCH", f"/applications/{application['id']}", {"displayName": "after"})
    assert tenant.must("POST", f"{ROOT}/{principal['id']}/restore")["displayName"] == "after"
    assert tenant.get(f"/servicePrincipals/{principal['id']}")["displayName"] == "after"


def test_a_service_principal_whose_place_is_taken_stays_deleted(tenant: LocalTenant) -> None:
    application = tenant.new_application()
    principal = tenant.new_principal(application["appId"])
    tenant.must("DELETE", f"/servicePrincipals/{principal['id']}")
    tenant.new_principal(application["appId"])
    error = tenant.refused("POST", f"{ROOT}/{principal['id']}/restore", status=409)
    assert error["code"] == "Request_MultipleObjectsWithSameKeyValue"
    assert [item["id"] for item in tenant.get(PRINCIPALS)["value"]] == [principal["id"]]


def test_a_restored_application_can_sign_in_again(tenant: LocalTenant) -> None:
    workload = tenant.as_workload("Application.Read.All")
    tenant.must("DELETE", f"/applications/{workload.application.id}")
    tenant.must("POST", f"{ROOT}/{workload.application.id}/restore")
    tenant.must("POST", f"{ROOT}/{workload.principal.id}/restore")
    token = tenant.sign_in(workload.application.app_id)
    tenant.get("/applications", token=token)


# -- the law -----------------------------------------------------------------------------------------------------


@pytest.mark.promise
@pytest.mark.parametrize(
    ("max_lifetime", "code"),
    [(None, "CredentialTypeNotAllowedAsPerAppPolicy"), ("P30D", "CredentialInvalidLifetimeAsPerAppPolicy")],
)
def test_a_restore_brings_back_no_secret_that_could_not_be_made_now(
    tenant: LocalTenant, max_lifetime: str | None, code: str
) -> None:
    application = tenant.new_application()
    tenant.must("POST", f"/applications/{application['id']}/addPassword", {})
    tenant.must("DELETE", f"/applications/{application['id']}")
    tenant.block_secrets(max_lifetime=max_lifetime)
    error = tenant.refused("POST", f"{ROOT}/{application['id']}/restore", status=400)
    assert error["code"] == code
    tenant.refused("GET", f"/applications/{application['id']}", status=404)
    failure = tenant.audits()[0]
    assert (failure["activityDisplayName"], failure["result"]) == ("Restore application", "failure")


def test_a_secret_that_has_ended_holds_nobody_back(tenant: LocalTenant) -> None:
    application = tenant.new_application()
    body = {"passwordCredential": {"endDateTime": "2026-11-22T13:00:00Z"}}
    tenant.must("POST", f"/applications/{application['id']}/addPassword", body)
    tenant.must("DELETE", f"/applications/{application['id']}")
    tenant.block_secrets()
    tenant.clock.move(hours=2)
    tenant.sign_in_again()
    tenant.must("POST", f"{ROOT}/{application['id']}/restore")


def test_its_own_policy_comes_back_with_it_and_decides(tenant: LocalTenant) -> None:
    application = tenant.new_application()
    tenant.must("POST", f"/applications/{application['id']}/addPassword", {})
    entry = {"restrictionType": "passwordAddition", "state": "disabled"}
    body = {"displayName": "e", "description": "e", "isEnabled": True, "restrictions": {"passwordCredentials": [entry]}}
    policy = tenant.must("POST", "/policies/appManagementPolicies", body)
    link = {"@odata.id": f"https://localhost:8443/v1.0/policies/appManagementPolicies/{policy['id']}"}
    tenant.must("POST", f"/applications/{application['id']}/appManagementPolicies/$ref", link)
    tenant.must("DELETE", f"/applications/{application['id']}")
    tenant.block_secrets()
    tenant.must("POST", f"{ROOT}/{application['id']}/restore")


# -- for good ----------------------------------------------------------------------------------------------------


def test_what_was_purged_is_gone_and_its_names_are_free(tenant: LocalTenant) -> None:
    body: dict[str, Any] = {"uniqueName": "taken", "identifierUris": ["api://taken-name"]}
    application = deleted(tenant, **body)
    tenant.refused("POST", "/applications", {"displayName": "next", **body}, status=400)
    tenant.must("DELETE", f"{ROOT}/{application['id']}")
    tenant.refused("GET", f"{ROOT}/{application['id']}", status=404)
    tenant.new_application("next", **body)
    assert activities(tenant, application["id"])[0] == "Hard Delete application"


def test_thirty_days_later_it_is_gone_by_itself(tenant: LocalTenant) -> None:
    body: dict[str, Any] = {"uniqueName": "taken", "identifierUris": ["api://taken-name"]}
    application = deleted(tenant, **body)
    tenant.clock.move(days=29, hours=23)
    tenant.sign_in_again()
    assert names(tenant, APPS) == ["app"]
    tenant.clock.move(hours=1)
    tenant.sign_in_again()
    assert names(tenant, APPS) == []
    tenant.refused("POST", f"{ROOT}/{application['id']}/restore", status=404)
    tenant.new_application("next", **body)
    cleared = next(row for row in tenant.audits() if row["activityDisplayName"] == "Hard Delete application")
    assert cleared["initiatedBy"] == {"user": None, "app": None}
    assert cleared["targetResources"][0]["id"] == application["id"]


# -- who may -----------------------------------------------------------------------------------------------------


def test_who_may_look_bring_back_and_take_away(tenant: LocalTenant) -> None:
    application = deleted(tenant)
    path = f"{ROOT}/{application['id']}"
    nobody = tenant.as_workload("Organization.Read.All").token
    reader = tenant.as_workload("Application.Read.All").token
    for method, where in (("GET", APPS), ("GET", path), ("POST", f"{path}/restore"), ("DELETE", path)):
        tenant.refused(method, where, token=nobody, status=403)
    tenant.get(APPS, token=reader)
    tenant.get(path, token=reader)
    for method, where in (("POST", f"{path}/restore"), ("DELETE", path)):
        tenant.refused(method, where, token=reader, status=403)


def test_attributes_of_what_was_deleted_are_not_for_every_reader(tenant: LocalTenant) -> None:
    principal = tenant.new_principal(tenant.new_application()["appId"])
    tenant.give_attributes(principal["id"], Engineering_Level="confidential")
    tenant.must("DELETE", f"/servicePrincipals/{principal['id']}")
    asked = f"{PRINCIPALS}?$select=id,customSecurityAttributes"
    tenant.refused("GET", asked, token=tenant.as_workload("Application.Read.All").token, status=403)
    allowed = tenant.as_workload("Application.Read.All", "CustomSecAttributeAssignment.Read.All")
    assert "confidential" in tenant.graph("GET", asked, token=allowed.token).text


def test_an_owner_may_bring_back_its_own_and_nothing_else(tenant: LocalTenant) -> None:
    owner = tenant.as_workload("Application.ReadWrite.OwnedBy")
    own = tenant.must("POST", "/applications", {"displayName": "own"}, token=owner.token)
    tenant.must("DELETE", f"/applications/{own['id']}", token=owner.token)
    other = deleted(tenant)
    tenant.must("POST", f"{ROOT}/{own['id']}/restore", token=owner.token)
    tenant.refused("POST", f"{ROOT}/{other['id']}/restore", token=owner.token, status=403)


@pytest.mark.parametrize("kind", ["servicePrincipal", "user"])
def test_what_is_deleted_is_counted(tenant: LocalTenant, kind: str) -> None:
    principal = tenant.new_principal(tenant.new_application()["appId"])
    person = tenant.as_person()
    tenant.must("DELETE", f"/servicePrincipals/{principal['id']}")
    tenant.must("DELETE", f"/users/{person.user.id}")
    answer = tenant.graph("GET", f"/directory/deletedItems/microsoft.graph.{kind}/$count", ConsistencyLevel="eventual")
    assert answer.text.lstrip("\ufeff") == "1"
