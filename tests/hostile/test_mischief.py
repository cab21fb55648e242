"""Lawful mischief: what a client may be put through, and what is never touched by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from tests.local_tenant import BASE, LocalTenant
from tests.running_tenant import RunningTenant
from unsecret.errors import Invalid
from unsecret.tenant.app import create_app
from unsecret.tenant.mischief import MOST_REFUSALS, Mischief, MischiefSettings, mischief_from

LAG = 2.0


class Seconds:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


Unkind = Callable[..., LocalTenant]


@pytest.fixture
def unkind(tenant: LocalTenant, seconds: Seconds) -> Iterator[Unkind]:
    """The tenant through a door with mischief."""
    made: list[Mischief] = []
    honest = tenant.client

    def put_up_to(**settings: Any) -> LocalTenant:
        mischief = Mischief(MischiefSettings(**settings), tenant.store, clock=seconds)
        made.append(mischief)
        tenant.client = TestClient(create_app(replace(tenant.services, mischief=mischief)), base_url=BASE)
        return tenant

    yield put_up_to
    tenant.client = honest
    for mischief in made:
        mischief.close()


def names(tenant: LocalTenant, query: str = "") -> tuple[list[str], list[int]]:
    """The names of all applications, page by page, and how many were on each page."""
    found, sizes, link = [], [], f"/applications?$select=displayName{query}"
    while link:
        page = tenant.get(link)
        found += [one["displayName"] for one in page["value"]]
        sizes.append(len(page["value"]))
        link = page.get("@odata.nextLink")
    return found, sizes


@pytest.mark.parametrize("query", ["", "&$top=2", "&$top=999", "&$filter=startswith(displayName,'app')"])
def test_small_pages_hold_everything_once_and_never_more_than_asked(unkind: Unkind, query: str) -> None:
    tenant = unkind(pages=3)
    for number in range(12):
        tenant.new_application(f"app {number}")

    found, sizes = names(tenant, query)

    assert {f"app {number}" for number in range(12)} <= set(found)
    assert len(found) == len(set(found))
    assert max(sizes) <= (2 if "$top=2" in query else 3)
    assert len(set(sizes)) > 1  # of random size


def test_a_count_counts_all_pages(unkind: Unkind) -> None:
    tenant = unkind(pages=1)
    tenant.new_application("one")
    tenant.new_application("two")
    counted = tenant.get("/applications?$count=true", ConsistencyLevel="eventual")
    assert counted["@odata.count"] > len(counted["value"])


def test_a_share_of_requests_is_refused_in_graphs_words_mostly_saying_how_long(unkind: Unkind) -> None:
    tenant = unkind(throttled=0.5, seed=1)
    answers = [tenant.graph("GET", "/applications?$top=1") for _ in range(100)]
    refused = [answer for answer in answers if answer.status_code == 429]

    assert 30 < len(refused) < 70
    assert {answer.json()["error"]["code"] for answer in refused} == {"TooManyRequests"}
    told = [answer.headers["retry-after"] for answer in refused if "retry-after" in answer.headers]
    assert set(told) == {"1", "2", "3"}
    assert 0 < len(refused) - len(told) < len(told)


def test_whoever_goes_on_trying_gets_through(unkind: Unkind) -> None:
    tenant = unkind(throttled=1)
    statuses = [tenant.graph("GET", "/applications?$top=1").status_code for _ in range(8)]
    assert statuses == [429, 429, 429, 200] * 2
    assert statuses.index(200) == MOST_REFUSALS


def test_a_write_that_is_refused_did_not_happen(unkind: Unkind) -> None:
    tenant = unkind(throttled=1)
    assert tenant.graph("POST", "/applications", {"displayName": "never"}).status_code == 429
    for _ in range(MOST_REFUSALS - 1):
        tenant.graph("GET", "/applications")
    assert "never" not in [one["displayName"] for one in tenant.get("/applications")["value"]]


def test_a_token_is_given_however_much_mischief_there_is(unkind: Unkind) -> None:
    tenant = unkind(throttled=1, lag=LAG, pages=1)
    workload = tenant.as_workload("Application.Read.All")
    assert workload.token
    assert tenant.sign_in(workload.application.app_id)


def seen(tenant: LocalTenant, app_id: str, times: int = 40) -> set[int]:
    return {tenant.graph("GET", f"/applications/{app_id}").status_code for _ in range(times)}


def test_what_was_just_made_may_be_missing_and_is_there_after_the_lag(unkind: Unkind, seconds: Seconds) -> None:
    tenant = unkind(lag=LAG, seed=1)
    made = tenant.new_application("young")["id"]
    assert seen(tenant, made) == {200, 404}
    seconds.now += LAG
    assert seen(tenant, made) == {200}


def test_what_was_just_changed_may_be_shown_as_it_was(unkind: Unkind, seconds: Seconds) -> None:
    tenant = unkind(lag=LAG, seed=1)
    made = tenant.new_application("before")["id"]
    seconds.now += LAG
    tenant.must("PATCH", f"/applications/{made}", {"displayName": "after"})
    assert {tenant.get(f"/applications/{made}")["displayName"] for _ in range(40)} == {"before", "after"}
    seconds.now += LAG
    assert {tenant.get(f"/applications/{made}")["displayName"] for _ in range(40)} == {"after"}


def test_a_read_is_never_further_behind_than_the_lag(unkind: Unkind, seconds: Seconds) -> None:
    tenant = unkind(lag=LAG, seed=1)
    made = tenant.new_application("0")["id"]
    for step in range(1, 30):
        seconds.now += 0.3
        tenant.must("PATCH", f"/applications/{made}", {"displayName": str(step)})
        answer = tenant.graph("GET", f"/applications/{made}")
        if answer.status_code == 200:
            assert (step - int(answer.json()["displayName"])) * 0.3 < LAG + 0.3


def test_a_block_binds_at_once_however_far_reads_are_behind(unkind: Unkind) -> None:
    tenant = unkind(lag=LAG, seed=1)
    made = tenant.new_application("blocked")["id"]
    tenant.block_secrets()
    for _ in range(20):
        tenant.refused("POST", f"/applications/{made}/addPassword", {}, status=400)


def test_the_same_seed_does_the_same_to_the_same_requests(unkind: Unkind) -> None:
    def statuses(seed: int) -> list[int]:
        tenant = unkind(throttled=0.5, seed=seed)
        return [tenant.graph("GET", "/organization").status_code for _ in range(30)]

    assert statuses(7) == statuses(7)
    assert statuses(7) != statuses(8)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("off", None),
        ("", None),
        ("on", MischiefSettings(pages=5, throttled=0.1, lag=2, seed=9)),
        ("pages=3", MischiefSettings(pages=3, seed=9)),
        ("throttled=0.25, lag=0.5, seed=7", MischiefSettings(throttled=0.25, lag=0.5, seed=7)),
    ],
)
def test_mischief_is_said_in_one_line(text: str, settings: MischiefSettings | None) -> None:
    assert mischief_from(text, seed=9) == settings
    if settings:
        assert mischief_from(str(settings), seed=0) == settings


@pytest.mark.parametrize(
    "text", ["yes", "pages", "pages=0", "pages=1000", "pages=x", "throttled=2", "lag=-1", "lag=nan", "lag=1,lag=2", ","]
)
def test_what_cannot_be_read_is_refused_with_what_can(text: str) -> None:
    with pytest.raises(Invalid, match="Mischief"):
        mischief_from(text, seed=9)


def test_a_running_server_says_how_to_do_the_same_again_and_ends_tidily(tmp_path: Path) -> None:
    with RunningTenant.start(tmp_path / "data", mischief="pages=2,lag=1,seed=5") as running:
        assert running.run("status").returncode == 0
    said = running.log.read_text()
    assert "--mischief pages=2,throttled=0,lag=1,seed=5" in said
    assert "Stopped." in said
    assert not list((tmp_path / "data").glob("*-wal"))
