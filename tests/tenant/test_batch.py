"""POST /$batch: several requests in one, each of which is answered as if it had come alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import LocalTenant

JSON = {"Content-Type": "application/json"}


def step(identifier: str, method: str, url: str, body: Any = None, **more: Any) -> dict[str, Any]:
    sent = {"body": body, "headers": JSON} if body is not None else {}
    return {"id": identifier, "method": method, "url": url, **sent, **more}


def answers(tenant: LocalTenant, *steps: dict[str, Any], path: str = "/$batch", **options: Any) -> dict[str, Any]:
    """The answers by the id of their requests."""
    body = tenant.must("POST", path, {"requests": list(steps)}, **options)
    assert set(body) == {"responses"}
    return {answer["id"]: answer for answer in body["responses"]}


def test_each_request_is_answered_as_if_it_had_come_alone(tenant: LocalTenant) -> None:
    application = tenant.new_application("one")
    path = f"/applications/{application['id']}"
    answer = answers(
        tenant,
        step("get", "GET", f"{path}?$select=id,displayName"),
        step(
            "list",
            "GET",
            "applications?$filter=displayName eq 'one'&$count=true",
            headers={"ConsistencyLevel": "eventual"},
        ),
        step("make", "POST", "/applications", {"displayName": "two"}),
        step("secret", "POST", f"/v1.0{path}/addPassword", {}),
        step("change", "PATCH", path, {"notes": "n"}),
        step("beta", "GET", f"/beta{path}"),
        step("none", "GET", "/applications/00000000-0000-0000-0000-000000000001"),
        step("verb", "PUT", "/applications", {}),
        step("nowhere", "GET", "/planner"),
    )
    alone = tenant.get(f"{path}?$select=id,displayName")
    assert answer["get"]["body"] == alone
    assert answer["get"]["headers"]["Content-Type"].startswith("application/json;odata.metadata=minimal")
    assert answer["get"]["headers"]["OData-Version"] == "4.0"
    assert answer["list"]["body"]["@odata.count"] == 1
    assert (answer["make"]["status"], answer["make"]["body"]["displayName"]) == (201, "two")
    assert answer["secret"]["body"]["secretText"]
    assert answer["change"]["status"] == 204
    assert "body" not in answer["change"]
    assert answer["beta"]["body"]["@odata.context"].startswith("https://localhost:8443/beta/")
    assert answer["none"]["body"]["error"]["code"] == "Request_ResourceNotFound"
    assert (answer["verb"]["status"], answer["nowhere"]["status"]) == (405, 501)
    assert len(tenant.get("/applications?$filter=displayName eq 'two'")["value"]) == 1


def test_a_next_link_leads_on_outside_of_the_batch(tenant: LocalTenant) -> None:
    for name in "ab":
        tenant.new_application(name)
    page = answers(tenant, step("1", "GET", "/applications?$top=1&$select=id"))["1"]["body"]
    assert tenant.get(page["@odata.nextLink"])["value"]


def test_every_request_has_the_rights_of_who_sent_the_batch(tenant: LocalTenant) -> None:
    reader = tenant.as_workload("Application.Read.All").token
    answer = answers(
        tenant,
        step("read", "GET", "/applications"),
        step("write", "POST", "/applications", {"displayName": "x"}),
        step(
            "lent", "GET", "/policies/defaultAppManagementPolicy", headers={"Authorization": f"Bearer {tenant.token}"}
        ),
        token=reader,
    )
    assert {name: one["status"] for name, one in answer.items()} == {"read": 200, "write": 403, "lent": 403}


def test_a_batch_without_a_token_is_refused_as_a_whole(tenant: LocalTenant) -> None:
    answer = tenant.client.post("/v1.0/$batch", json={"requests": [step("1", "GET", "/applications")]})
    assert answer.status_code == 401


@pytest.mark.promise
def test_no_secret_comes_through_a_batch_after_a_block(tenant: LocalTenant) -> None:
    application = tenant.new_application()
    tenant.block_secrets()
    add = f"/applications/{application['id']}/addPassword"
    answer = answers(tenant, *(step(str(number), "POST", add, {}) for number in range(20)))
    assert {one["status"] for one in answer.values()} == {400}
    assert {one["body"]["error"]["code"] for one in answer.values()} == {"CredentialTypeNotAllowedAsPerAppPolicy"}


def test_requests_wait_for_those_they_depend_on(tenant: LocalTenant) -> None:
    body = {"displayName": "x", "uniqueName": "made-in-a-batch"}
    answer = answers(
        tenant,
        step("read", "GET", "/applications(uniqueName='made-in-a-batch')", dependsOn=["MAKE"]),
        step("make", "POST", "/applications", body),
    )
    assert [answer[name]["status"] for name in ("make", "read")] == [201, 200]


def test_what_depends_on_a_failure_is_not_tried(tenant: LocalTenant) -> None:
    answer = answers(
        tenant,
        step("1", "GET", "/applications/00000000-0000-0000-0000-000000000001"),
        step("2", "POST", "/applications", {"displayName": "never"}, dependsOn=["1"]),
        step("3", "GET", "/applications", dependsOn=["2"]),
        step("4", "GET", "/applications"),
    )
    assert [answer[str(number)]["status"] for number in range(1, 5)] == [404, 424, 424, 200]
    assert answer["2"]["body"]["error"]["code"] == "FailedDependency"
    assert tenant.get("/applications?$filter=displayName eq 'never'")["value"] == []


@pytest.mark.parametrize("url", ["/$batch", "/v1.0/$batch", "$BATCH", "/beta//$batch"])
def test_a_batch_within_a_batch_is_refused(tenant: LocalTenant, url: str) -> None:
    inner = {"requests": [step("1", "GET", "/applications")]}
    assert answers(tenant, step("1", "POST", url, inner))["1"]["status"] == 400


@pytest.mark.parametrize("body", [{"requests": [step("a", "GET", "/x"), step("A", "GET", "/x")]}, {}, []])
def test_a_malformed_batch_does_nothing(tenant: LocalTenant, body: Any) -> None:
    assert tenant.refused("POST", "/beta/$batch", body, status=400)["code"] == "BadRequest"


def test_a_count_comes_as_base64_for_it_is_no_json(tenant: LocalTenant) -> None:
    tenant.new_application("a")
    answer = answers(tenant, step("1", "GET", "/applications/$count", headers={"ConsistencyLevel": "eventual"}))
    assert answer["1"]["headers"]["Content-Type"].startswith("text/plain")
    assert answer["1"]["body"] == "Mg=="


def test_records_of_a_batch_share_its_correlation_id(tenant: LocalTenant) -> None:
    sent = "1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e"
    own = "2f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e"
    steps = [
        step("1", "POST", "/applications", {"displayName": "a"}),
        step("2", "POST", "/applications", {"displayName": "b"}),
    ]
    steps[1]["headers"] = JSON | {"client-request-id": own}
    answers(tenant, *steps, **{"client-request-id": sent})
    assert {row["correlationId"] for row in tenant.audits()[:2]} == {sent, own}
