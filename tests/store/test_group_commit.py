"""One writer commits for all who wait: nobody is answered early, and nobody pays for a neighbour."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future, wait
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import text

from tests.store.nouns import DIGEST, TENANT, application, password
from unsecret.errors import Conflict, Unavailable
from unsecret.model.application import ObjectKind
from unsecret.model.query import Query
from unsecret.store import credentials, directory_objects
from unsecret.store.engine import Store
from unsecret.store.statement import driver_of
from unsecret.store.transaction import savepoint

A = ObjectKind.APPLICATION
SOON = 10.0


class Gate:
    """Holds the writing thread inside a work, so that a test can choose what the next batch consists of."""

    def __init__(self, store: Store):
        # What is run for the first time takes long, and a batch must not.
        store.write(adding("first of all", then=RuntimeError("undone"))).exception(SOON)
        self._reached, self._open = threading.Event(), threading.Event()
        self.future = store.write(self._work)
        assert self._reached.wait(SOON)

    def _work(self, conn: Any) -> str:
        self._reached.set()
        assert self._open.wait(SOON)
        return "through"

    def open(self) -> None:
        """Lets the writer go on."""
        self._open.set()


def adding(*names: str, then: BaseException | None = None) -> Any:
    """A work that adds an application of each name, and then perhaps fails."""

    def work(conn: Any) -> str:
        for name in names:
            directory_objects.add(conn, TENANT, application(display_name=name))
        if then is not None:
            raise then
        return names[0]

    return work


def names_in(store: Store) -> list[str]:
    """What is there."""
    with store.read() as conn:
        return [app.display_name for app in directory_objects.list(conn, TENANT, A, Query()).items]


def test_a_failed_work_takes_nothing_of_its_neighbours_with_it(store: Store) -> None:
    gate = Gate(store)
    works = [
        adding("first"),
        adding("half", "way", then=RuntimeError("mine")),
        adding("second"),
        adding("third", then=KeyError("mine too")),
        adding("fourth"),
    ]
    futures = [store.write(work) for work in works]
    gate.open()
    wait(futures, SOON)
    assert [futures[number].result() for number in (0, 2, 4)] == ["first", "second", "fourth"]
    assert isinstance(futures[1].exception(), RuntimeError)
    assert isinstance(futures[3].exception(), KeyError)
    assert names_in(store) == ["first", "second", "fourth"]


def test_a_record_that_comes_first_and_fails_takes_nothing_of_its_neighbours_with_it(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def failing(conn: Any) -> None:
        adding("half")(conn)
        begun.set()
        assert go_on.wait(SOON)
        raise RuntimeError("mine")

    failed = store.append(failing)
    assert begun.wait(SOON)
    neighbours = [store.append(adding(name)) for name in ("first", "second")]
    go_on.set()

    assert isinstance(failed.exception(SOON), RuntimeError)
    assert [neighbour.result(SOON) for neighbour in neighbours] == names_in(store) == ["first", "second"]


def test_a_record_that_swallows_an_error_is_there_or_is_refused(store: Store) -> None:
    """PostgreSQL undoes a transaction in which anything failed, and answers its COMMIT all the same."""

    def swallowing(conn: Any) -> None:
        adding("there")(conn)
        with suppress(Exception):
            driver_of(conn).execute("SELECT nothing FROM nowhere")

    written = store.append(swallowing).exception(SOON) is None

    assert names_in(store) == (["there"] if written else [])


def test_a_work_sees_what_its_neighbours_did_and_nothing_of_those_that_failed(store: Store) -> None:
    gate = Gate(store)
    seen: list[list[str]] = []

    def look(conn: Any) -> None:
        page = directory_objects.list(conn, TENANT, A, Query())
        seen.append([app.display_name for app in page.items])

    futures = [store.write(work) for work in (adding("kept"), look, adding("undone", then=RuntimeError()), look)]
    gate.open()
    wait(futures, SOON)
    assert seen == [["kept"], ["kept"]]


def test_no_answer_before_the_commit(store: Store) -> None:
    """While one work of the batch is still running, the finished ones are neither answered nor visible."""
    gate = Gate(store)
    finished, hold = threading.Event(), threading.Event()
    early = store.write(adding("early"))
    refused = store.write(adding("refused", then=Conflict("taken")))

    def late(conn: Any) -> None:
        finished.set()
        assert hold.wait(SOON)

    last = store.write(late)
    gate.open()
    assert finished.wait(SOON)
    assert not early.done()
    assert not refused.done()
    assert names_in(store) == []
    hold.set()
    assert early.result(SOON) == "early"
    assert names_in(store) == ["early"]
    assert isinstance(refused.exception(SOON), Conflict)
    last.result(SOON)


def test_an_answered_write_is_visible_to_every_other_connection(store: Store, database: str) -> None:
    other = Store.open(database)
    for number in range(20):
        store.write(adding(str(number))).result(SOON)
        assert names_in(other)[-1] == str(number)
    other.close()


def test_a_transaction_that_is_lost_refuses_the_batch_and_not_the_writes_after_it(store: Store) -> None:
    gate = Gate(store)
    before = store.write(adding("before"))
    store.write(lambda conn: driver_of(conn).rollback())
    gate.open()
    assert isinstance(before.exception(SOON), Unavailable)
    assert "Nothing was changed" in str(before.exception(SOON))
    assert store.write(adding("after")).result(SOON) == "after"
    assert names_in(store) == ["after"]


def test_a_savepoint_of_ones_own_undoes_its_block_alone(store: Store) -> None:
    def work(conn: Any) -> str:
        adding("kept")(conn)
        with pytest.raises(Conflict), savepoint(conn):
            adding("undone", then=Conflict("taken"))(conn)
        with savepoint(conn), savepoint(conn):
            adding("nested")(conn)
        return "done"

    assert store.write(work).result(SOON) == "done"
    assert names_in(store) == ["kept", "nested"]


def test_sqlalchemys_own_savepoints_work_inside_a_work(store: Store) -> None:
    def work(conn: Any) -> None:
        nested = conn.begin_nested()
        adding("undone")(conn)
        nested.rollback()
        with conn.begin_nested():
            adding("kept")(conn)

    for _ in range(2):
        store.write(work).result(SOON)
    assert names_in(store) == ["kept", "kept"]


def test_a_write_that_was_cancelled_in_time_is_not_done(store: Store) -> None:
    gate = Gate(store)
    unwanted, wanted = store.write(adding("unwanted")), store.write(adding("wanted"))
    assert unwanted.cancel()
    gate.open()
    wanted.result(SOON)
    with pytest.raises(CancelledError):
        unwanted.result(SOON)
    assert names_in(store) == ["wanted"]


def test_closing_does_what_was_asked_before_and_refuses_what_comes_after(store: Store, database: str) -> None:
    gate = Gate(store)
    futures = [store.write(adding(str(number))) for number in range(600)]
    closing = threading.Thread(target=store.close)
    closing.start()
    gate.open()
    closing.join(SOON)
    assert [future.result(0) for future in futures] == [str(number) for number in range(600)]
    assert isinstance(store.write(adding("late")).exception(SOON), Unavailable)
    store.close()
    again = Store.open(database)
    with again.read() as conn:
        assert directory_objects.list(conn, TENANT, A, Query(count=True)).count == 600
    again.close()


def test_many_threads_write_and_none_is_lost_or_doubled(store: Store) -> None:
    app = application()
    store.write(lambda conn: directory_objects.add(conn, TENANT, app)).result(SOON)
    wanted = [[password() for _ in range(10)] for _ in range(16)]

    def write(secrets: list) -> None:
        for secret in secrets:
            store.write(
                lambda conn, secret=secret: credentials.add_password(conn, TENANT, app.id, secret, DIGEST)
            ).result(SOON)

    threads = [threading.Thread(target=write, args=(secrets,)) for secrets in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    with store.read() as conn:
        found = directory_objects.get(conn, TENANT, A, app.id)
    assert found is not None
    assert sorted(secret.key_id for secret in found.password_credentials) == sorted(
        secret.key_id for secrets in wanted for secret in secrets
    )


def test_only_one_of_those_who_race_for_a_name_gets_it(store: Store, database: str) -> None:
    """Through two stores on one file: the check and the write it permits are one transaction."""
    other = Store.open(database)
    for number in range(10):
        name = f"name-{number}"
        futures: list[Future[None]] = [
            place.write(lambda conn, name=name: directory_objects.add(conn, TENANT, application(unique_name=name)))
            for place in (store, other) * 3
        ]
        refusals = [future.exception(SOON) for future in futures]
        assert refusals.count(None) == 1
        assert [refusal for refusal in refusals if refusal is not None and not isinstance(refusal, Conflict)] == []
    other.close()


def test_a_read_sees_one_state_while_others_write(store: Store) -> None:
    store.write(adding("before")).result(SOON)
    with store.read() as conn:
        first = directory_objects.list(conn, TENANT, A, Query()).items
        store.write(adding("meanwhile")).result(SOON)
        assert directory_objects.list(conn, TENANT, A, Query()).items == first
    assert names_in(store) == ["before", "meanwhile"]


def test_a_reading_connection_cannot_write(store: Store) -> None:
    with pytest.raises(Unavailable), store.read() as conn:
        conn.execute(text("DELETE FROM tenant"))
    with store.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM tenant")).scalar() == 1
