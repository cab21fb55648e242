"""A fresh directory for each test, in a real file. A kind of database added to DATABASES runs the whole suite on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.nouns import TENANT, tenant
from unsecret.store import tenants
from unsecret.store.engine import Store

DATABASES = ("sqlite",)


@pytest.fixture(scope="session", params=DATABASES)
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with its tables and one tenant, to start from."""
    path = tmp_path_factory.mktemp(request.param) / "directory.sqlite"
    store = Store.open(path)
    store.write(lambda conn: tenants.add_tenant(conn, tenant(TENANT))).result()
    store.close()
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> str:
    """The URL of a directory of the test's own."""
    path = tmp_path / "directory.sqlite"
    shutil.copy(migrated, path)
    return f"sqlite:///{path}"


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """The directory, open."""
    opened = Store.open(database)
    yield opened
    opened.close()
