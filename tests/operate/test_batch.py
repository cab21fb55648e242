"""Many requests through the operator's client: in batches, several at once, in their order whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import httpx2
import msgspec
import pytest

from tests.local_tenant import BASE, LocalTenant
from tests.operate.in_process import InProcess, Waits, client_of, connection_to
from unsecret.errors import Forbidden, Invalid, NotFound, Throttled, Unreachable
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.side_by_side import in_order
from unsecret.operate.graph.sign_in import Token
from unsecret.wire.batches import Ask

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def applications(tenant: LocalTenant) -> list[str]:
    return [tenant.new_application(f"app {number}")["id"] for number in range(45)]


def by_id(ids: list[str]) -> Iterator[Ask]:
    return (Ask("GET", f"/applications/{one}?$select=id") for one in ids)


def test_answers_come_in_the_order_of_the_requests_whatever_the_tenant_does(
    client: GraphClient, applications: list[str]
) -> None:
    """A third of all requests is throttled in this tenant, inside batches as well."""
    asked = [*applications, NOBODY, *reversed(applications)]
    answers = list(client.batch(by_id(asked)))
    assert [one.body.get("id") for one in answers] == [*applications, None, *reversed(applications)]


def test_what_is_refused_stops_nobody_else(client: GraphClient, applications: list[str]) -> None:
    found = [one.refusal for one in client.batch(by_id([applications[0], NOBODY, applications[1]]))]
    assert [type(one) for one in found] == [type(None), NotFound, type(None)]


def test_twenty_go_into_one_call(tenant: LocalTenant, tmp_path: Path, kind: InProcess, applications: list[str]) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        list(client.batch(by_id(applications)))
    sizes = sorted(len(msgspec.json.decode(one.content)["requests"]) for one in kind.seen if "$batch" in str(one.url))
    assert sizes == [5, 20, 20]


def test_only_what_was_throttled_is_sent_again_after_the_longest_pause(
    tenant: LocalTenant, tmp_path: Path, kind: InProcess, applications: list[str]
) -> None:
    waits, sent = Waits(), []

    def throttle(request: httpx2.Request) -> httpx2.Response | None:
        if not request.url.path.endswith("$batch"):
            return None
        sent.append([one["url"] for one in msgspec.json.decode(request.content)["requests"]])
        if len(sent) > 1:
            return None
        said = {"code": "TooManyRequests", "message": "Wait."}
        busy = [
            {"id": one, "status": 429, "headers": {"Retry-After": pause}, "body": {"error": said}}
            for one, pause in (("2", "3"), ("0", "5"))
        ]
        return httpx2.Response(200, json={"responses": [*busy, {"id": "1", "status": 200, "body": {"id": "first"}}]})

    kind.before = throttle
    with client_of(tenant, tmp_path, kind, sleep=waits) as client:
        answers = list(client.batch(by_id(applications[:3])))
    assert [one.body["id"] for one in answers] == [applications[0], "first", applications[2]]
    assert [len(one) for one in sent] == [3, 2]
    assert waits == [5.0]


def test_who_is_throttled_for_good_is_told_so(tenant: LocalTenant, tmp_path: Path, kind: InProcess) -> None:
    waits = Waits()
    answer = {"id": "0", "status": 429, "headers": {"retry-after": "20"}, "body": {"error": {"message": "Wait."}}}
    kind.before = lambda request: (
        httpx2.Response(200, json={"responses": [answer]}) if request.url.path.endswith("$batch") else None
    )
    with client_of(tenant, tmp_path, kind, sleep=waits) as client:
        (found,) = client.batch(by_id([NOBODY]))
    assert isinstance(found.refusal, Throttled)
    assert sum(waits) <= 60


def test_writes_and_headers_go_through_a_batch(client: GraphClient, tenant: LocalTenant) -> None:
    made = list(client.batch(Ask("POST", "applications", body={"displayName": f"made {n}"}) for n in range(3)))
    assert [one.status for one in made] == [201] * 3
    asked = Ask(
        "GET", "applications/$count?$filter=startswith(displayName,'made')", headers={"ConsistencyLevel": "eventual"}
    )
    assert [one.status for one in client.batch([asked])] == [200]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("beta/applications", r"cannot go into a batch of v1\.0"),
        ("https://graph.microsoft.com/v1.0/applications", "a token is sent to no other place"),
    ],
)
def test_a_batch_leads_nowhere_else(client: GraphClient, path: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        list(client.batch([Ask("GET", path)]))


def test_a_next_link_of_this_tenant_goes_into_a_batch(client: GraphClient) -> None:
    assert [one.status for one in client.batch([Ask("GET", f"{BASE}/v1.0/applications?$top=1")])] == [200]


def test_an_answer_that_is_missing_is_an_error(client: GraphClient, transport: InProcess) -> None:
    client.get("organization")
    transport.before = lambda _request: httpx2.Response(200, json={"responses": [{"id": "7", "status": 200}]})
    with pytest.raises(Invalid, match="left 1 of 1 requests of a batch without an answer"):
        list(client.batch([Ask("GET", "applications")]))


def test_things_are_done_several_at_once_and_no_more_than_that() -> None:
    together = threading.Barrier(4, timeout=10)
    answers = list(in_order(lambda one: (together.wait(), one)[1], range(16), at_once=4))
    assert answers == list(range(16))


def test_an_endless_list_is_read_as_it_is_needed() -> None:
    read = count()
    answers = in_order(lambda one: one, read, at_once=4)
    assert [next(answers) for _ in range(10)] == list(range(10))
    assert next(read) < 30


def test_the_first_error_is_raised_and_what_has_not_begun_never_does() -> None:
    begun: list[int] = []

    def fail(one: int) -> int:
        begun.append(one)
        time.sleep(0.01)
        if one == 3:
            raise Forbidden("no")
        return one

    with pytest.raises(Forbidden):
        list(in_order(fail, range(1000), at_once=2))
    assert len(begun) < 20


def test_when_it_is_over_nothing_of_it_goes_on() -> None:
    """Whoever gives up takes away the files that the others were writing to."""
    running: list[int] = []

    def act(one: int) -> None:
        if one == 0:
            raise Forbidden("no")
        running.append(one)
        time.sleep(0.05)
        running.remove(one)

    with pytest.raises(Forbidden):
        list(in_order(act, range(8), at_once=4))
    assert running == []


def test_who_only_waits_is_hurried_at_an_interruption() -> None:
    closed = threading.Event()

    def things() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(in_order(lambda _one: closed.wait(60), things(), at_once=4, interrupted=closed.set))
    assert closed.is_set()


def test_many_threads_sign_in_once(tenant: LocalTenant, tmp_path: Path, kind: InProcess) -> None:
    asked: list[int] = []

    def tokens(_post: object, now) -> Token:
        asked.append(1)
        time.sleep(0.05)
        return Token(tenant.token, now + timedelta(minutes=5))

    with GraphClient(connection_to(tenant, tmp_path), transport=kind, clock=tenant.clock, tokens=tokens) as client:
        assert len(list(client.each(client.get, ["organization"] * 12))) == 12
    assert len(asked) == 1


def test_a_client_that_is_closed_waits_no_longer(tenant: LocalTenant, tmp_path: Path, kind: InProcess) -> None:
    kind.before = lambda _request: httpx2.Response(429, headers={"retry-after": "50"}, json={})
    begun, refused = time.monotonic(), []

    def asks() -> None:
        with pytest.raises(Unreachable) as found:
            client.get("organization")
        refused.append(found)

    with GraphClient(connection_to(tenant, tmp_path), transport=kind, clock=tenant.clock) as client:
        waiting = threading.Thread(target=asks)
        waiting.start()
        while not kind.seen:
            time.sleep(0.01)
    waiting.join(10)
    assert refused
    assert time.monotonic() - begun < 10
