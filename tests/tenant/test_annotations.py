"""How much control information an answer holds, by the `Accept` header."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import LocalTenant

NONE = "application/json;odata.metadata=none"


def annotations(shown: Any) -> set[str]:
    if isinstance(shown, list):
        return set().union(*map(annotations, shown))
    if isinstance(shown, dict):
        return {name for name in shown if "@odata" in name}.union(*map(annotations, shown.values()))
    return set()


@pytest.mark.parametrize(
    "accept",
    [
        NONE,
        "application/json; ODATA.Metadata=None",
        "application/json;metadata=none",
        'text/plain, application/json;charset=utf-8;odata.metadata="none"',
        "application/json;odata.metadata=none, application/json;odata.metadata=full;q=0.5",
    ],
)
def test_control_information_is_left_out_for_who_wants_none(tenant: LocalTenant, accept: str) -> None:
    made = tenant.new_application("a")
    answer = tenant.graph("GET", f"/applications/{made['id']}", Accept=accept)
    assert answer.headers["content-type"] == (
        "application/json;odata.metadata=none;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    )
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["odata-version"] == "4.0"
    expected = tenant.get(f"/applications/{made['id']}")
    del expected["@odata.context"]
    assert answer.json() == expected


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json;odata.metadata=minimal",
        "application/json;odata.metadata=full",
        "application/json;odata.metadata=nonesuch",
        "application/json;odata.metadata=",
        "application/json;none",
    ],
)
def test_everybody_else_is_shown_it(tenant: LocalTenant, accept: str) -> None:
    answer = tenant.graph("GET", "/applications", Accept=accept)
    assert "odata.metadata=minimal" in answer.headers["content-type"]
    assert annotations(answer.json()) == {"@odata.context"}


def test_what_leads_on_stays(tenant: LocalTenant) -> None:
    made = [tenant.new_application(f"{number}")["id"] for number in range(2)]
    for path, left in (
        ("/applications?$top=1", {"@odata.nextLink"}),
        ("/applications?$count=true", {"@odata.count"}),
        ("/applications/delta?$select=id", {"@odata.deltaLink"}),
        (f"/directoryObjects/{made[0]}", set()),
        (f"/applications/{made[0]}?$expand=owners", set()),
    ):
        shown = tenant.graph("GET", path, Accept=NONE, ConsistencyLevel="eventual").json()
        assert annotations(shown) == left
    tenant.must("DELETE", f"/applications/{made[1]}")


def test_addresses_are_what_is_asked_for(tenant: LocalTenant) -> None:
    made = tenant.new_application("owned")
    owner = tenant.new_principal(tenant.new_application("owner")["appId"])["id"]
    tenant.must("POST", f"/applications/{made['id']}/owners/$ref", {"@odata.id": f"x/{owner}"})
    (shown,) = tenant.graph("GET", f"/applications/{made['id']}/owners/$ref", Accept=NONE).json()["value"]
    assert owner in shown["@odata.id"]
    (shown,) = tenant.graph("GET", f"/applications/{made['id']}/owners", Accept=NONE).json()["value"]
    assert (shown["id"], annotations(shown)) == (owner, set())


def test_attributes_lose_their_types_and_keep_their_values(tenant: LocalTenant) -> None:
    tenant.define_attribute("Engineering", "Project", isCollection=True)
    principal = tenant.new_principal(tenant.new_application()["appId"])["id"]
    written = {
        "Engineering": {
            "@odata.type": "#Microsoft.DirectoryServices.CustomSecurityAttributeValue",
            "Project@odata.type": "#Collection(String)",
            "Project": ["a", "b"],
        }
    }
    tenant.must("PATCH", f"/servicePrincipals/{principal}", {"customSecurityAttributes": written})
    path = f"/servicePrincipals/{principal}?$select=customSecurityAttributes"
    shown = tenant.graph("GET", path, Accept=NONE).json()
    assert shown == {"customSecurityAttributes": {"Engineering": {"Project": ["a", "b"]}}}


def test_refusals_numbers_and_empty_answers_are_themselves(tenant: LocalTenant) -> None:
    refused = tenant.graph("GET", "/applications/nowhere", Accept=NONE)
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "Request_ResourceNotFound"
    number = tenant.graph("GET", "/applications/$count", Accept=NONE, ConsistencyLevel="eventual")
    assert (number.status_code, number.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    made = tenant.new_application("a")["id"]
    assert tenant.graph("PATCH", f"/applications/{made}", {"displayName": "b"}, Accept=NONE).status_code == 204


def test_each_part_of_a_batch_wants_its_own(tenant: LocalTenant) -> None:
    asked = {"method": "GET", "url": "/applications"}
    parts = [{"id": "1", **asked}, {"id": "2", **asked, "headers": {"Accept": NONE}}]
    answer = tenant.graph("POST", "/$batch", {"requests": parts}, Accept=NONE)
    first, second = sorted(answer.json()["responses"], key=lambda part: part["id"])
    assert annotations(first["body"]) == {"@odata.context"}
    assert annotations(second["body"]) == set()
