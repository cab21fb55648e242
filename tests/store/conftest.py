"""A fresh directory for each test, in each kind of database. A kind added to KINDS runs the whole suite on it.

A test that is about one kind says so: `@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import postgresql
from tests.store.nouns import TENANT, tenant
from unsecret.store import schema, tenants
from unsecret.store.columns import guid
from unsecret.store.engine import Store

KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which kind of database."""
    return request.param


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with its tables and one tenant, to start from."""
    path = tmp_path_factory.mktemp("sqlite") / "directory.sqlite"
    _fill(str(path))
    return path


@pytest.fixture(scope="session")
def migrated_database() -> Iterator[str]:
    """A database with its tables. It is emptied for each test: that is quicker than making one."""
    with postgresql.server() as server, postgresql.database_of(server) as url:
        _fill(url)
        yield url


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a directory of the test's own, with one tenant."""
    if kind == "sqlite":
        path = tmp_path / "directory.sqlite"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        return f"sqlite:///{path}"
    url = request.getfixturevalue("migrated_database")
    empty_but_for_the_tenant(url)
    return url


@pytest.fixture
def empty(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a directory may be made."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path}/new/directory.sqlite"
        return
    with postgresql.database_of(request.getfixturevalue("migrated_database")) as url:
        yield url


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """The directory, open."""
    opened = Store.open(database)
    yield opened
    opened.close()


def _fill(place: str) -> None:
    store = Store.open(place)
    store.write(lambda conn: tenants.add_tenant(conn, tenant(TENANT))).result()
    store.close()


def empty_but_for_the_tenant(url: str) -> None:
    of_others = f"WHERE tenant_id <> '\\x{guid(TENANT).hex()}'"
    tables = [table.name for table in reversed(schema.metadata.sorted_tables)]
    kept = ("tenant", "tenant_domain")
    commands = [f"DELETE FROM {name} {of_others if name in kept else ''}" for name in tables]
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("; ".join([*commands, "UPDATE tenant SET clock_offset = 0"]).encode())
