"""Opening a directory, and the troubles that a disk can make."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.store.nouns import TENANT, application, tenant
from unsecret.errors import Unavailable, Unsupported
from unsecret.model.application import ObjectKind
from unsecret.model.query import Query
from unsecret.store import directory_objects, tenants
from unsecret.store.engine import Store, without_password
from unsecret.store.transaction import savepoint

A = ObjectKind.APPLICATION
IN_A_FILE = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
SOON = 10.0
SOME_PAGES = 160
"""Room for the tables and a few objects."""


@pytest.fixture
def path(database: str) -> Path:
    """The file."""
    return Path(database.removeprefix("sqlite:///"))


@pytest.fixture
def small(database: str) -> Iterator[Store]:
    """A directory on a disk that is nearly full."""
    store = Store.open(database, max_pages=SOME_PAGES)
    yield store
    store.close()


def adding(*sizes: int) -> Any:
    """A work that adds an application of each size, in bytes."""

    def work(conn: Any) -> None:
        for size in sizes:
            directory_objects.add(conn, TENANT, application(other={"notes": "x" * size}))

    return work


def count(store: Store) -> int | None:
    """How many applications there are."""
    with store.read() as conn:
        return directory_objects.list(conn, TENANT, A, Query(top=1, count=True)).count


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p%40ss@h/db?sslmode=require", "postgresql://u@h/db?sslmode=require"),
        ("postgresql://u@h1:1,h2:2/db?password=p&sslmode=require", "postgresql://u@h1:1,h2:2/db?sslmode=require"),
        ("postgresql://h/db?SSLp%61ssword=p", "postgresql://h/db"),
        ("postgres:///db?service=x", "postgres:///db?service=x"),
        ("postgresql://u:a:b@%2Fvar%2Frun/db", "postgresql://u@%2Fvar%2Frun/db"),
    ],
)
def test_a_password_is_not_shown_with_the_database(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_new_directory_is_made_with_its_folder_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "directory.sqlite"
    store = Store.open(path)
    store.write(lambda conn: tenants.add_tenant(conn, tenant(TENANT))).result(SOON)
    modes = {name.name: stat.S_IMODE(name.stat().st_mode) for name in path.parent.iterdir()}
    store.close()
    assert set(modes.values()) == {0o600}
    assert "directory.sqlite-wal" in modes


@IN_A_FILE
def test_a_path_and_a_url_open_the_same_directory(path: Path, store: Store) -> None:
    store.write(adding(1)).result(SOON)
    for place in (path, str(path), f"sqlite:///{path}"):
        again = Store.open(place)
        assert count(again) == 1
        again.close()


@IN_A_FILE
@pytest.mark.parametrize("pragma", [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_every_connection_is_durable_and_strict(store: Store, pragma: tuple[str, Any]) -> None:
    name, wanted = pragma

    def ask(conn: Any) -> Any:
        return conn.exec_driver_sql(f"PRAGMA {name}").scalar()

    assert store.write(ask).result(SOON) == wanted
    with store.read() as first, store.read() as second:
        assert [ask(first), ask(second)] == [wanted, wanted]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql+pymysql://localhost/x"])
def test_a_place_that_cannot_be_shared_is_refused_with_a_remedy(url: str) -> None:
    with pytest.raises(Unsupported, match="Give the path of a file"):
        Store.open(url)


@IN_A_FILE
def test_a_full_disk_is_unavailable_names_the_remedy_and_writes_nothing_by_halves(small: Store) -> None:
    small.write(adding(1000)).result(SOON)
    before = count(small)
    with pytest.raises(Unavailable, match=r"disk.*full.*Free some space"):
        small.write(adding(*[50_000] * 40)).result(SOON)
    assert count(small) == before


def in_a_savepoint(work: Any) -> Any:
    """The same, in a savepoint of its own."""

    def wrapped(conn: Any) -> None:
        with savepoint(conn):
            work(conn)

    return wrapped


@IN_A_FILE
@pytest.mark.parametrize("wrapped", [lambda work: work, in_a_savepoint], ids=["plain", "in a savepoint"])
def test_who_shares_a_transaction_with_a_work_that_does_not_fit_is_served_or_told(small: Store, wrapped: Any) -> None:
    """On a full disk SQLite may undo the whole transaction, and not the one statement: then all are told so."""
    for _ in range(5):
        before = count(small) or 0
        futures = [small.write(wrapped(adding(*sizes))) for sizes in ((100,), (50_000,) * 40, (100,))]
        first, too_big, last = (future.exception(SOON) for future in futures)
        assert isinstance(too_big, Unavailable)
        assert "Free some space" in too_big.message
        assert all(isinstance(refusal, Unavailable | None) for refusal in (first, last))
        assert count(small) == before + [first, last].count(None)
    small.write(adding(100)).result(SOON)


@IN_A_FILE
def test_writes_succeed_again_once_there_is_space(small: Store) -> None:
    with pytest.raises(Unavailable):
        small.write(adding(*[50_000] * 40)).result(SOON)
    small.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 100000")).result(SOON)
    small.write(adding(*[50_000] * 40)).result(SOON)
    assert count(small) == 40


@IN_A_FILE
def test_a_directory_can_be_read_while_its_disk_is_full(small: Store) -> None:
    small.write(adding(100)).result(SOON)
    with pytest.raises(Unavailable):
        small.write(adding(*[50_000] * 40)).result(SOON)
    assert count(small) == 1


@IN_A_FILE
def test_another_process_that_holds_the_lock_too_long_makes_writes_unavailable(path: Path) -> None:
    store = Store.open(path, busy_seconds=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    futures = [store.write(adding(1)) for _ in range(5)]
    for future in futures:
        with pytest.raises(Unavailable, match="Another process is writing"):
            future.result(SOON)
    assert count(store) == 0
    other.execute("ROLLBACK")
    other.close()
    store.write(adding(1)).result(SOON)
    assert count(store) == 1
    store.close()


def test_a_file_that_is_no_database_is_unavailable_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "directory.sqlite"
    path.write_text("This is a diary. " * 1000)
    with pytest.raises(Unavailable, match="not a database"):
        Store.open(path)
    assert path.read_text().startswith("This is a diary.")


def test_a_file_that_cannot_be_opened_is_unavailable_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "folder", tmp_path / "file" / "directory.sqlite"):
        with pytest.raises(Unavailable, match="cannot be opened"):
            Store.open(path)


@IN_A_FILE
@pytest.mark.parametrize("page", [1, 3, 7])
def test_a_damaged_file_is_unavailable_and_not_an_unknown_error(path: Path, page: int) -> None:
    store = Store.open(path)
    for _ in range(20):
        store.write(adding(3000)).result(SOON)
    store.close()
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(os.urandom(4096) * 12)
    with pytest.raises(Unavailable, match=r"damaged|not a database"):
        use(path)


def use(path: Path) -> None:
    """Writes and reads a little of everything."""
    store = Store.open(path)
    try:
        store.write(adding(*[3000] * 20)).result(SOON)
        with store.read() as conn:
            directory_objects.list(conn, TENANT, A, Query(count=True))
            tenants.list_tenants(conn)
    finally:
        store.close()


def test_a_mistake_in_a_work_stays_what_it_is(store: Store) -> None:
    future = store.write(lambda conn: conn.exec_driver_sql("SELECT nonsense"))
    assert not isinstance(future.exception(SOON), Unavailable)
    with pytest.raises(ZeroDivisionError), store.read():
        _ = 1 / 0
    assert count(store) == 0
