"""Long lists are read in ranges of dates, several at a time, and nothing is lost or there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.operate.canned import TAKEN, Canned, CannedTransport, application_id
from tests.operate.in_process import Waits
from unsecret.errors import Unavailable
from unsecret.model.snapshot import Manifest
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import Connection
from unsecret.operate.graph.sign_in import Token
from unsecret.operate.snapshots.date_ranges import EARLIEST, Range, cut
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.operate.snapshots.take import take

MANY = 4100


@pytest.fixture(scope="module")
def lists() -> Canned:
    """Made once; what was asked is forgotten for each test by `canned`."""
    return Canned(applications=MANY)


@pytest.fixture
def canned(lists: Canned) -> Canned:
    lists.asked.clear()
    lists.counts_are_off_by = 0
    lists.refused = None
    return lists


def taken(canned: Canned, path: Path, *, transport: httpx2.BaseTransport | None = None) -> Manifest:
    connection = Connection(
        data=path.parent,
        tenant_id="00000000-0000-0000-0000-000000000001",
        authority=canned.base,
        graph=canned.base,
        ca=path,
        client_id="",
        certificate=path,
    )
    client = GraphClient(
        connection,
        transport=transport or CannedTransport(canned),
        tokens=lambda _post, now: Token("a token", now + timedelta(hours=1)),
        sleep=Waits(),
        at_once=4,
    )
    with client:
        return take(client, path, now=TAKEN)


def ids_in(path: Path) -> list[str]:
    with open_snapshot(path) as snapshot:
        return [one["id"] for one in snapshot.objects("applications")]


EVERYBODY = [application_id(number) for number in range(MANY)]


def test_every_object_is_there_once_also_those_without_a_date(canned: Canned, tmp_path: Path) -> None:
    manifest = taken(canned, tmp_path / "long.snapshot")

    assert sorted(ids_in(tmp_path / "long.snapshot")) == EVERYBODY
    assert manifest.collections["applications"].count == MANY
    ranges = {
        one.split("$skiptoken")[0] for one in canned.asked if one.startswith("applications?") and "%20ge%20" in one
    }
    assert len(ranges) > 2


def test_owners_of_objects_without_a_date_are_asked_for_one_by_one(canned: Canned, tmp_path: Path) -> None:
    taken(canned, tmp_path / "long.snapshot")

    asked = [one for one in canned.asked if one.startswith("applications/") and "/owners" in one]
    assert len(asked) == MANY // 100


def test_owners_that_are_refused_one_by_one_are_said_to_be_missing(canned: Canned, tmp_path: Path) -> None:
    canned.refused = "/owners"
    manifest = taken(canned, tmp_path / "long.snapshot")

    assert manifest.collections["owners"].missing == "Insufficient privileges."


def test_when_fewer_are_read_than_were_counted_the_whole_list_is_read(canned: Canned, tmp_path: Path) -> None:
    canned.counts_are_off_by = 3
    taken(canned, tmp_path / "long.snapshot")

    assert sorted(ids_in(tmp_path / "long.snapshot")) == EVERYBODY
    whole = [
        one for one in canned.asked if one.startswith("applications?") and "filter" not in one and "$top=999" in one
    ]
    assert len(whole) == 5


class Interrupted(CannedTransport):
    """A network that breaks down for good after so many answers."""

    left = 40

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.left -= 1
        return super().handle_request(request) if self.left > 0 else httpx2.Response(500)


def test_an_interrupted_take_goes_on_where_it_was(canned: Canned, tmp_path: Path) -> None:
    path = tmp_path / "long.snapshot"
    with pytest.raises(Unavailable):
        taken(canned, path, transport=Interrupted(canned))
    before = {one for one in canned.asked if "%20ge%20" in one and "$count" not in one}
    canned.asked.clear()
    taken(canned, path)

    assert before
    assert not [one for one in canned.asked if one.startswith("applications/$count?$filter")]
    again = [one for one in canned.asked if one in before]
    assert len(again) < len(before)
    assert sorted(ids_in(path)) == EVERYBODY
    assert [file.name for file in tmp_path.iterdir()] == ["long.snapshot"]


class Busy(CannedTransport):
    """A tenant that is busy for longer than the client waits for one answer: nine times at each page."""

    def __init__(self, canned: Canned):
        super().__init__(canned)
        self.refused: Counter[str] = Counter()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        asked = str(request.url)
        self.refused[asked] += 1
        if "keyCredentials" in asked and self.refused[asked] < 10:
            return httpx2.Response(429, headers={"Retry-After": "20"})
        return super().handle_request(request)


def test_a_list_that_is_throttled_for_long_is_waited_for(canned: Canned, tmp_path: Path) -> None:
    taken(canned, tmp_path / "long.snapshot", transport=Busy(canned))

    assert sorted(ids_in(tmp_path / "long.snapshot")) == EVERYBODY


seconds = st.integers(min_value=-(10**8), max_value=5 * 10**8)


@given(created=st.lists(seconds, max_size=200), bulk=st.integers(0, 50), most=st.integers(1, 40))
def test_ranges_hold_every_date_and_no_more_than_asked(created: list[int], bulk: int, most: int) -> None:
    dates = [EARLIEST + timedelta(seconds=one) for one in [*created, *([1234567] * bulk)]]

    def count_all(ranges: Sequence[Range]) -> Iterable[int]:
        return [sum(holds(one, date) for date in dates) for one in ranges]

    ranges = cut(count_all, now=datetime(2026, 11, 22, tzinfo=UTC), most=most)

    assert all(any(holds(one, date) for one in ranges) for date in dates)
    for one in ranges:
        inside = {date for date in dates if holds(one, date)}
        assert one.count <= most or len(inside) <= 3 or one.since is None or one.until is None
    assert [one.until for one in ranges[:-1]] == [one.since for one in ranges[1:]]


def holds(one: Range, date: datetime) -> bool:
    return (one.since is None or one.since <= date) and (one.until is None or date <= one.until)
