"""/applications/delta and /servicePrincipals/delta: everything there is, and then what was changed since."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from tests.local_tenant import LocalTenant

APPS, PRINCIPALS = "/applications/delta", "/servicePrincipals/delta"


def read(tenant: LocalTenant, url: str, **options: Any) -> tuple[list[dict[str, Any]], str]:
    """All that is told from `url` on, and the link to what comes after."""
    told: list[dict[str, Any]] = []
    while True:
        answer = tenant.get(url, **options)
        told += answer["value"]
        assert ("@odata.nextLink" in answer) != ("@odata.deltaLink" in answer)
        if "@odata.deltaLink" in answer:
            return told, answer["@odata.deltaLink"]
        url = answer["@odata.nextLink"]


def names(told: list[dict[str, Any]]) -> list[str]:
    return sorted(item["displayName"] for item in told)


def now(tenant: LocalTenant, path: str = APPS, query: str = "") -> str:
    """A link to what comes after now."""
    told, link = read(tenant, f"{path}?$deltatoken=latest{query}")
    assert told == []
    return link


@pytest.mark.parametrize("spelling", [APPS, "/applications/microsoft.graph.delta()", "/applications/delta()"])
def test_the_first_reading_gives_everything_and_a_link_to_the_next(tenant: LocalTenant, spelling: str) -> None:
    made = tenant.new_application("a")
    told, link = read(tenant, spelling)
    assert tenant.get(f"/applications/{made['id']}").items() >= next(i for i in told if i["id"] == made["id"]).items()
    assert "/v1.0/applications/delta?$deltatoken=" in link
    assert read(tenant, link)[0] == []


def test_the_first_reading_comes_in_pages_and_misses_nothing_that_happens_meanwhile(tenant: LocalTenant) -> None:
    for name in "abc":
        tenant.new_application(name)
    page = tenant.get(APPS, Prefer="odata.maxpagesize=2")
    first = page["value"][0]
    tenant.must("PATCH", f"/applications/{first['id']}", {"displayName": "renamed"})
    rest, link = read(tenant, page["@odata.nextLink"])
    assert len(page["value"] + rest) == len(tenant.get("/applications")["value"])
    assert names(read(tenant, link)[0]) == ["renamed"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"notes": "n"}),
        ("PATCH", "", {"appRoles": []}),
        ("POST", "/addPassword", {}),
        ("POST", "/owners/$ref", "owner"),
    ],
)
def test_every_kind_of_change_is_told(tenant: LocalTenant, method: str, path: str, body: Any) -> None:
    made = tenant.new_application("a")
    owner = tenant.as_workload().principal.id
    link = now(tenant)
    if body == "owner":
        body = {"@odata.id": f"https://localhost:8443/v1.0/directoryObjects/{owner}"}
    tenant.must(method, f"/applications/{made['id']}{path}", body)
    told, after = read(tenant, link)
    assert [item["id"] for item in told] == [made["id"]]
    assert read(tenant, after)[0] == []


def test_an_object_that_was_changed_often_is_told_once_as_it_is_now(tenant: LocalTenant) -> None:
    link = now(tenant)
    made = tenant.new_application("first")
    for name in ("second", "third"):
        tenant.must("PATCH", f"/applications/{made['id']}", {"displayName": name})
    assert names(read(tenant, link)[0]) == ["third"]


def test_changes_come_in_pages_too(tenant: LocalTenant) -> None:
    link = now(tenant)
    for name in "abcde":
        tenant.new_application(name)
    answer = tenant.get(link, Prefer="odata.maxpagesize=2")
    assert names(answer["value"]) == ["a", "b"]
    told, _ = read(tenant, answer["@odata.nextLink"], Prefer="odata.maxpagesize=2")
    assert names(told) == ["c", "d", "e"]


def test_refusals_are_no_changes(tenant: LocalTenant) -> None:
    tenant.block_secrets()
    made = tenant.new_application("a")
    link = now(tenant)
    tenant.refused("POST", f"/applications/{made['id']}/addPassword", {}, status=400)
    assert read(tenant, link)[0] == []


def test_what_was_deleted_is_told_to_be_restorable_and_then_gone(tenant: LocalTenant) -> None:
    made = tenant.new_application("a")
    item = f"/directory/deletedItems/{made['id']}"
    link = now(tenant)
    tenant.must("DELETE", f"/applications/{made['id']}")
    told, link = read(tenant, link)
    assert told == [{"id": made["id"], "@removed": {"reason": "changed"}}]
    tenant.must("POST", f"{item}/restore")
    told, link = read(tenant, link)
    assert names(told) == ["a"]
    tenant.must("DELETE", f"/applications/{made['id']}")
    tenant.must("DELETE", item)
    told, link = read(tenant, link)
    assert told == [{"id": made["id"], "@removed": {"reason": "deleted"}}]
    assert read(tenant, link)[0] == []


def test_what_time_took_away_is_told(tenant: LocalTenant) -> None:
    made = tenant.new_application("a")
    tenant.must("DELETE", f"/applications/{made['id']}")
    tenant.clock.move(days=29)
    tenant.sign_in_again()
    link = now(tenant)
    tenant.clock.move(days=2)
    tenant.sign_in_again()
    tenant.new_application("b")
    told, _ = read(tenant, link)
    assert [item.get("@removed") for item in told] == [{"reason": "deleted"}, None]


def test_service_principals_follow_their_applications_into_the_delta(tenant: LocalTenant) -> None:
    made = tenant.new_application("before")
    principal = tenant.new_principal(made["appId"])
    link = now(tenant, PRINCIPALS)
    tenant.must("PATCH", f"/applications/{made['id']}", {"displayName": "after"})
    told, link = read(tenant, link)
    assert [(item["id"], item["displayName"]) for item in told] == [(principal["id"], "after")]
    tenant.must("DELETE", f"/applications/{made['id']}")
    assert read(tenant, link)[0] == [{"id": principal["id"], "@removed": {"reason": "changed"}}]


def test_people_come_and_go_in_a_delta_of_their_own(tenant: LocalTenant) -> None:
    domain = tenant.get("/organization")["value"][0]["verifiedDomains"][0]["name"]
    body = {
        "displayName": "Ada",
        "userPrincipalName": f"ada@{domain}",
        "mailNickname": "ada",
        "accountEnabled": True,
        "passwordProfile": {"password": "correct-Horse-7-battery"},
    }
    link = now(tenant, "/users/delta")
    user = tenant.must("POST", "/users", body)
    told, link = read(tenant, link)
    assert [(item["id"], item["displayName"]) for item in told] == [(user["id"], "Ada")]
    assert user["id"] in [item["id"] for item in read(tenant, "/users/delta")[0]]
    tenant.must("DELETE", f"/users/{user['id']}")
    told, link = read(tenant, link)
    assert told == [{"id": user["id"], "@removed": {"reason": "changed"}}]
    tenant.must("DELETE", f"/directory/deletedItems/{user['id']}")
    assert read(tenant, link)[0] == [{"id": user["id"], "@removed": {"reason": "deleted"}}]


def test_what_was_selected_in_the_beginning_is_told_ever_after(tenant: LocalTenant) -> None:
    link = now(tenant, query="&$select=displayName")
    made = tenant.new_application("a")
    answer = tenant.get(link)
    assert answer["value"] == [{"id": made["id"], "displayName": "a"}]
    assert answer["@odata.context"].endswith("#applications(id,displayName)")


def test_one_can_follow_single_objects(tenant: LocalTenant) -> None:
    one, other = tenant.new_application("one"), tenant.new_application("other")
    told, link = read(tenant, f"{APPS}?$filter=id eq '{one['id']}' or id eq '{tenant.new.client_id}'")
    assert names(told) == ["one"]
    for made in (one, other):
        tenant.must("PATCH", f"/applications/{made['id']}", {"notes": "n"})
    assert names(read(tenant, link)[0]) == ["one"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$top=5", "Request_UnsupportedQuery"),
        ("$orderby=displayName", "Request_UnsupportedQuery"),
        ("$expand=owners", "Request_UnsupportedQuery"),
        ("$count=true", "Request_UnsupportedQuery"),
        ("$filter=displayName eq 'a'", "Request_UnsupportedQuery"),
        ("$filter=id ne '00000000-0000-0000-0000-000000000001'", "Request_UnsupportedQuery"),
        ("$select=nonsense", "Request_BadRequest"),
        ("$deltatoken=nonsense", "Request_BadRequest"),
        ("$skiptoken=bm9uc2Vuc2U", "Request_BadRequest"),
        ("$deltatoken=a&$deltatoken=b", "Request_BadRequest"),
    ],
)
def test_what_delta_cannot_be_asked(tenant: LocalTenant, query: str, code: str) -> None:
    assert tenant.refused("GET", f"{APPS}?{query}", status=400)["code"] == code


def lost(tenant: LocalTenant, link: str) -> None:
    """The state is gone, and the answer says where to begin again."""
    answer = tenant.graph("GET", link)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "resyncRequired")
    told, _ = read(tenant, answer.headers["location"])
    assert told


def test_a_state_is_known_for_seven_days(tenant: LocalTenant) -> None:
    link = now(tenant)
    tenant.clock.move(days=6, hours=23)
    tenant.sign_in_again()
    assert read(tenant, link)[0] == []
    tenant.clock.move(hours=1)
    tenant.sign_in_again()
    lost(tenant, link)


def test_a_state_of_another_collection_is_not_known(tenant: LocalTenant) -> None:
    token = now(tenant, PRINCIPALS).partition("deltatoken=")[2]
    lost(tenant, f"{APPS}?$deltatoken={token}")


@pytest.mark.parametrize(("member", "value"), [(2, "2026-11-22T12:00:00"), (3, -1), (3, 2**70)])
def test_a_state_that_was_made_up_is_badly_formed(tenant: LocalTenant, member: int, value: Any) -> None:
    token = now(tenant).partition("deltatoken=")[2]
    state = json.loads(urlsafe_b64decode(token + "=="))
    state[member] = value
    forged = urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")
    for option in ("$deltatoken", "$skiptoken"):
        tenant.refused("GET", f"{APPS}?{option}={forged}", status=400)


def test_delta_needs_the_right_to_read(tenant: LocalTenant) -> None:
    nobody = tenant.as_workload("Organization.Read.All").token
    reader = tenant.as_workload("Application.Read.All").token
    tenant.refused("GET", APPS, status=403, token=nobody)
    read(tenant, APPS, token=reader)
    tenant.refused("GET", f"{PRINCIPALS}?$select=customSecurityAttributes", status=403, token=reader)
