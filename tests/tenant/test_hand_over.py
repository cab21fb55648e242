"""What one turn of the event loop hands to the store goes together, and each gets its own outcome back."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from tests.databases import OwnDatabase
from tests.store.nouns import TENANT, sign_in
from unsecret.errors import Conflict, Unavailable
from unsecret.model.query import Query
from unsecret.store import logs
from unsecret.store.engine import Store
from unsecret.tenant.hand_over import HandOver

NOTHING = text("SELECT 1")


@pytest.fixture
def store(tmp_path: Path, migrated: Path) -> Iterator[Store]:
    database = OwnDatabase(shutil.copytree(migrated, tmp_path / "data"))
    opened = Store.open(database.place)
    yield opened
    opened.close()
    database.give_back()


def answering(number: int):
    def work(conn: Connection) -> int:
        conn.execute(NOTHING)
        return number

    return work


def refusing(conn: Connection) -> int:
    raise Conflict("taken")


def test_each_gets_its_own_outcome(store: Store) -> None:
    async def all_at_once() -> list[object]:
        hand_over = HandOver(store)
        works = [answering(1), refusing, answering(3)]
        return await asyncio.gather(*(hand_over.write(work, TENANT) for work in works), return_exceptions=True)

    first, second, third = asyncio.run(all_at_once())

    assert (first, type(second), third) == (1, Conflict, 3)


def test_a_work_whose_waiter_has_gone_before_the_turn_ends_is_not_begun(store: Store) -> None:
    begun = []

    async def leave() -> None:
        gone = HandOver(store).write(begun.append, TENANT)
        asyncio.ensure_future(gone).cancel()
        await asyncio.sleep(0)

    asyncio.run(leave())
    store.write(lambda conn: None, TENANT).result()

    assert begun == []


def test_a_sign_in_is_recorded_though_its_client_has_gone(store: Store) -> None:
    attempts = [sign_in() for _ in range(40)]

    async def record() -> None:
        hand_over = HandOver(store)
        gone, *stay = [asyncio.ensure_future(hand_over.record(TENANT, attempt)) for attempt in attempts]
        gone.cancel()
        await asyncio.gather(*stay)

    asyncio.run(record())

    with store.read() as conn:
        assert {found.id for found in logs.list_sign_ins(conn, TENANT, Query(top=100)).items} == {
            attempt.id for attempt in attempts
        }


def test_nobody_is_told_that_a_sign_in_is_recorded_when_it_is_not(store: Store) -> None:
    async def record() -> list[object]:
        hand_over = HandOver(store)
        return await asyncio.gather(*(hand_over.record(TENANT, sign_in()) for _ in range(3)), return_exceptions=True)

    store.close()

    assert [type(outcome) for outcome in asyncio.run(record())] == [Unavailable] * 3


def test_an_event_loop_that_came_later_has_turns_of_its_own(store: Store) -> None:
    hand_over = HandOver(store)

    async def write(number: int) -> int:
        return await hand_over.write(answering(number), TENANT)

    assert [asyncio.run(write(number)) for number in range(3)] == [0, 1, 2]
