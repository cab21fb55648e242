"""Several processes on one directory: the first start, writing side by side, and sudden death."""

from __future__ import annotations

import sqlite3
import time

import pytest

from tests.store import children
from tests.store.nouns import TENANT, application
from unsecret.model.application import Application, ObjectKind
from unsecret.store import directory_objects, tenants
from unsecret.store.engine import Store

A = ObjectKind.APPLICATION


@pytest.fixture
def app(store: Store) -> Application:
    """An application to add secrets to."""
    app = application()
    store.write(lambda conn: directory_objects.add(conn, TENANT, app)).result()
    return app


def key_ids(store: Store, app: Application) -> set[str]:
    """Of the secrets that are there."""
    with store.read() as conn:
        found = directory_objects.get(conn, TENANT, A, app.id)
    return {secret.key_id for secret in found.password_credentials} if found else set()


def test_of_several_first_starts_one_makes_the_tables(empty: str) -> None:
    started = [children.start("open-first", empty) for _ in range(3)]
    children.begin(*started)
    said = [line for child in started for line in children.ended(child)]
    assert sorted(said) == ["Conflict", "Conflict", "added"]
    store = Store.open(empty)
    with store.read() as conn:
        assert [found.id for found in tenants.list_tenants(conn)] == [TENANT]
    store.close()


def test_two_processes_write_side_by_side_and_both_get_their_turn(
    store: Store, database: str, app: Application
) -> None:
    started = [children.start("add-passwords", database, app.id, "300") for _ in range(2)]
    children.begin(*started)
    said = {line for child in started for line in children.ended(child)}
    assert len(said) == 600
    assert key_ids(store, app) == said


def test_a_name_that_two_processes_want_goes_to_one(store: Store, database: str) -> None:
    names = [f"name-{number}" for number in range(40)]
    started = [children.start("add-named", database, *names) for _ in range(2)]
    children.begin(*started)
    said = [line for child in started for line in children.ended(child)]
    assert sorted(said) == sorted([*names, *["Taken"] * 40])


def test_sudden_death_under_load_loses_no_answered_write(store: Store, database: str, app: Application) -> None:
    answered: set[str] = set()
    for round in range(3):
        child = children.start("add-passwords", database, app.id, "100000")
        children.begin(child)
        said = children.lines_of(child)
        answered.update(next(said) for _ in range(150 + 50 * round))
        child.kill()
        answered.update(line for line in said if len(line) == 36)
        children.close(child)
        assert answered <= key_ids(store, app)
    began = time.monotonic()
    store.write(lambda conn: directory_objects.add(conn, TENANT, application())).result(10)
    assert time.monotonic() - began < 5
    if database.startswith("sqlite:"):
        _require_whole(database.removeprefix("sqlite:///"))


def _require_whole(path: str) -> None:
    with sqlite3.connect(path) as checked:
        assert checked.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert checked.execute("PRAGMA foreign_key_check").fetchall() == []
    checked.close()
