"""The body of a batch, and what stands in its answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from unsecret.errors import Invalid
from unsecret.wire.batches import batch_from_graph, batched_answer

JSON = {"Content-Type": "application/json"}


def step(identifier: str = "1", method: str = "GET", url: str = "/applications", **more: Any) -> dict[str, Any]:
    return {"id": identifier, "method": method, "url": url, **more}


def read(*steps: dict[str, Any]):
    return batch_from_graph({"requests": list(steps)}, version="v1.0")


@pytest.mark.parametrize(
    ("url", "path", "query"),
    [
        ("/applications", "/v1.0/applications", ""),
        ("applications", "/v1.0/applications", ""),
        ("/v1.0/applications", "/v1.0/applications", ""),
        ("beta/applications", "/beta/applications", ""),
        ("/betas", "/v1.0/betas", ""),
        ("/applications?$filter=displayName eq 'ä'", "/v1.0/applications", "$filter=displayName%20eq%20'%C3%A4'"),
        ("/applications?$filter=a%20eq+1", "/v1.0/applications", "$filter=a%20eq+1"),
        ("/applications(appId='a%2Db')", "/v1.0/applications(appId='a-b')", ""),
    ],
)
def test_addresses_are_relative_and_may_name_a_version(url: str, path: str, query: str) -> None:
    (request,) = read(step(url=url))
    assert (request.path, request.query) == (path, query)


def test_bodies_are_json_or_base64() -> None:
    one, other = read(
        step("1", "POST", body={"a": None}, headers=JSON),
        step("2", "PATCH", body="_-8=", headers={"content-type": "image/png"}),
    )
    assert one.body == b'{"a":null}'
    assert other.body == b"\xff\xef"


def test_who_calls_is_not_for_a_request_to_say() -> None:
    sent = {"Authorization": "Bearer other", "Host": "elsewhere", "Content-Length": "1", "ConsistencyLevel": "eventual"}
    assert read(step(headers=sent))[0].headers == {"consistencylevel": "eventual"}


def test_a_number_is_an_id_as_text() -> None:
    """Scripts count their requests."""
    assert [request.id for request in read({**step(), "id": 0}, {**step(), "id": 1})] == ["0", "1"]


def test_dependencies_are_found_in_any_case() -> None:
    assert read(step("A"), step("b", dependsOn=["a", "A"]))[1].depends_on == ("A",)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "requests"),
        ([], "requests"),
        ({}, "requests"),
        ({"requests": []}, "at least one"),
        ({"requests": {}}, "requests"),
        ({"requests": [1]}, "'id'"),
        ({"requests": [step(str(number)) for number in range(21)]}, "exceed max value of 20"),
        ({"requests": [step(""), step("2")]}, "'id'"),
        ({"requests": [{**step(), "id": 1.0}]}, "'id'"),
        ({"requests": [{**step(), "id": True}]}, "'id'"),
        ({"requests": [{**step(), "id": 1}, step("1")]}, "more than one"),
        ({"requests": [step("a"), step("A")]}, "more than one"),
        ({"requests": [step(method="BREW")]}, "'method'"),
        ({"requests": [{**step(), "method": None}]}, "'method'"),
        ({"requests": [step(url="https://graph.microsoft.com/v1.0/users")]}, "relative"),
        ({"requests": [step(url="/")]}, "relative"),
        ({"requests": [{**step(), "url": 1}]}, "relative"),
        ({"requests": [step(headers=[])]}, "'headers'"),
        ({"requests": [step(headers={"a b": "c"})]}, "no header"),
        ({"requests": [step(headers={"a": "c\r\nd: e"})]}, "no header"),
        ({"requests": [step(headers={"a": 1})]}, "no header"),
        ({"requests": [step(body={})]}, "Content-Type header or body"),
        ({"requests": [step(method="POST", headers=JSON)]}, "Content-Type header or body"),
        ({"requests": [step(method="POST", body="?", headers={"content-type": "image/png"})]}, "base64"),
        ({"requests": [step(method="POST", body={}, headers={"content-type": "image/png"})]}, "base64"),
        ({"requests": [step(dependsOn="1")]}, "'dependsOn'"),
        ({"requests": [step(dependsOn=["2"])]}, "not in the batch"),
        ({"requests": [step(dependsOn=["1"])]}, "depend on one another"),
        ({"requests": [step("1", dependsOn=["2"]), step("2", dependsOn=["1"])]}, "depend on one another"),
    ],
)
def test_a_malformed_batch_is_refused_as_a_whole(body: Any, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        batch_from_graph(body, version="v1.0")
    assert refused.value.code == "BadRequest"


def test_twenty_requests_are_taken() -> None:
    assert len(read(*(step(str(number)) for number in range(20)))) == 20


def test_an_answer_is_json_within_json_or_base64() -> None:
    one = batched_answer("1", 200, [("content-type", "application/json"), ("content-length", "2")], b'{"a":1}')
    assert msgspec.json.decode(msgspec.json.encode(one)) == {
        "id": "1",
        "status": 200,
        "headers": {"Content-Type": "application/json"},
        "body": {"a": 1},
    }
    assert batched_answer("2", 200, [("content-type", "text/plain")], b"3")["body"] == "Mw=="
    assert batched_answer("3", 204, [], b"") == {"id": "3", "status": 204, "headers": {}}
