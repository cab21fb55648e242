"""/oauth2PermissionGrants/delta: every grant, and then which came, changed or went."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import LocalTenant
from tests.tenant.test_delta import lost, now, read
from unsecret.model.identifiers import GRAPH_APP_ID

GRANTS, DELTA = "/oauth2PermissionGrants", "/oauth2PermissionGrants/delta"
GONE = {"reason": "deleted"}


@pytest.fixture
def ends(tenant: LocalTenant) -> dict[str, Any]:
    client = tenant.new_principal(tenant.new_application("client")["appId"])
    graph = tenant.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id")
    return {"clientId": client["id"], "resourceId": graph["id"]}


def granted(tenant: LocalTenant, ends: dict[str, Any], person: str | None = None) -> dict[str, Any]:
    kind = "Principal" if person else "AllPrincipals"
    body = ends | {"consentType": kind, "principalId": person, "scope": "User.Read"}
    made = tenant.must("POST", GRANTS, body)
    return {name: value for name, value in made.items() if name != "@odata.context"}


def test_grants_come_change_and_go_in_a_delta_of_their_own(tenant: LocalTenant, ends: dict[str, Any]) -> None:
    first = granted(tenant, ends)
    told, link = read(tenant, DELTA)
    assert told == [first]
    assert "/v1.0/oauth2PermissionGrants/delta?$deltatoken=" in link

    second = granted(tenant, ends, tenant.as_person().user.id)
    told, link = read(tenant, link)
    assert told == [second]
    tenant.must("PATCH", f"{GRANTS}/{first['id']}", {"scope": "Mail.Read"})
    tenant.must("DELETE", f"{GRANTS}/{second['id']}")
    told, link = read(tenant, link)
    assert told == [first | {"scope": "Mail.Read"}, {"id": second["id"], "@removed": GONE}]
    assert read(tenant, link)[0] == []


def test_what_becomes_of_those_whom_a_grant_is_for_is_a_change_of_it(tenant: LocalTenant, ends: dict[str, Any]) -> None:
    who = tenant.as_person().user.id
    everybodys, own = granted(tenant, ends), granted(tenant, ends, who)
    link = now(tenant, DELTA)
    tenant.must("PATCH", f"/servicePrincipals/{ends['resourceId']}", {"notes": "nothing to do with a grant"})
    told, link = read(tenant, link)
    assert told == []

    tenant.must("DELETE", f"/users/{who}")
    told, link = read(tenant, link)
    assert told == [{"id": own["id"], "@removed": GONE}]
    tenant.must("POST", f"/directory/deletedItems/{who}/restore", {})
    told, link = read(tenant, link)
    assert told == [own]

    tenant.must("DELETE", f"/servicePrincipals/{ends['clientId']}")
    tenant.must("DELETE", f"/directory/deletedItems/{ends['clientId']}")
    told, link = read(tenant, link)
    assert sorted(one["id"] for one in told) == sorted([everybodys["id"], own["id"]])
    assert all(one["@removed"] == GONE for one in told)


def test_a_record_about_many_grants_is_told_whole(tenant: LocalTenant, ends: dict[str, Any]) -> None:
    ids = {granted(tenant, ends, tenant.as_person().user.id)["id"] for _ in range(4)}
    link = now(tenant, DELTA)
    tenant.must("DELETE", f"/servicePrincipals/{ends['clientId']}")
    told, link = read(tenant, link)
    assert {one["id"] for one in told} == ids
    tenant.must("DELETE", f"/directory/deletedItems/{ends['clientId']}")
    page = tenant.get(link, Prefer="odata.maxpagesize=2")
    assert {one["id"] for one in page["value"]} == ids


def test_one_can_follow_single_grants_and_select(tenant: LocalTenant, ends: dict[str, Any]) -> None:
    followed, other = granted(tenant, ends), granted(tenant, ends, tenant.as_person().user.id)
    told, link = read(tenant, f"{DELTA}?$filter=id eq '{followed['id']}'&$select=scope")
    assert told == [{"id": followed["id"], "scope": "User.Read"}]
    for one in (followed, other):
        tenant.must("PATCH", f"{GRANTS}/{one['id']}", {"scope": "Mail.Read"})
    assert read(tenant, link)[0] == [{"id": followed["id"], "scope": "Mail.Read"}]


def test_a_client_takes_its_grants_along_when_its_application_is_deleted(tenant: LocalTenant) -> None:
    app = tenant.new_application("client")
    client = tenant.new_principal(app["appId"])
    graph = tenant.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id")
    made = granted(tenant, {"clientId": client["id"], "resourceId": graph["id"]})
    link = now(tenant, DELTA)
    tenant.must("DELETE", f"/applications/{app['id']}")
    assert read(tenant, link)[0] == [{"id": made["id"], "@removed": GONE}]


def test_a_state_of_grants_is_known_of_grants_only(tenant: LocalTenant, ends: dict[str, Any]) -> None:
    granted(tenant, ends, tenant.as_person().user.id)
    lost(tenant, now(tenant, "/users/delta").replace("/users/", "/oauth2PermissionGrants/"))
    lost(tenant, now(tenant, DELTA).replace("/oauth2PermissionGrants/", "/users/"))


def test_the_log_does_not_name_what_it_is_not_about(tenant: LocalTenant, ends: dict[str, Any]) -> None:
    granted(tenant, ends)
    (row,) = [one for one in tenant.audits() if one["activityDisplayName"] == "Add delegated permission grant"]
    assert [one["id"] for one in row["targetResources"]] == [ends["resourceId"]]


def test_delta_of_grants_needs_the_right_to_read_them(tenant: LocalTenant) -> None:
    tenant.refused("GET", DELTA, status=403, token=tenant.as_workload("Application.Read.All").token)
    assert tenant.graph("GET", DELTA, token=tenant.as_workload("Directory.Read.All").token).status_code == 200
