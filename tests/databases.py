"""Which kind of database the tenants in process are kept in: `UNSECRET_TEST_DATABASE=postgresql`, or a file.

A directory that begins as a copy of a migrated one has its own database: the file that was copied, or, where the
migrated one names a template, a copy of that. Whoever had such a copy gives it back, and it is emptied for the next:
PostgreSQL takes half a second for making and dropping one, and a hundredth for that.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg
from psycopg import sql

from tests import postgresql
from unsecret.store import schema
from unsecret.store.engine import Store

VARIABLE = "UNSECRET_TEST_DATABASE"
KIND = os.environ.get(VARIABLE, "sqlite")
assert KIND in ("sqlite", "postgresql"), f"{VARIABLE} is sqlite or postgresql"

_FILE, _TEMPLATE, _URL = "directory.sqlite", "template.url", "database.url"
_EMPTY = "; ".join(f"DELETE FROM {table.name}" for table in reversed(schema.metadata.sorted_tables))
_LEAVE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"

_MEMORY, _ROOM = Path("/dev/shm"), 2**28

_spare: dict[str, list[str]] = {}
"""The copies of each template that were given back."""


@contextmanager
def migrated_into(directory: Path) -> Generator[Path]:
    """Makes `directory` one that others can begin as copies of."""
    if KIND == "sqlite":
        Store.open(directory / _FILE).close()
        yield directory
        return
    with postgresql.server() as server, postgresql.database_of(server) as template:
        Store.open(template).close()
        (directory / _TEMPLATE).write_text(template)
        _spare[template] = []
        try:
            yield directory
        finally:
            for url in _spare.pop(template):
                postgresql.drop(url)


@contextmanager
def copied(migrated: Path, otherwise: Path) -> Generator[Path]:
    """A copy of a migrated directory, for one test in one process: in memory where the machine has room for that,
    `otherwise` in its usual place. A commit waits for the disk, and half the time of such tests was that waiting; what
    is said of disks and of crashes is shown by servers of their own, whose directories lie on one."""
    place = Path(mkdtemp(dir=_MEMORY)) if _has_room() else otherwise
    try:
        yield Path(shutil.copytree(migrated, place / "data"))
    finally:
        if place is not otherwise:
            shutil.rmtree(place)


def _has_room() -> bool:
    return os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM


class OwnDatabase:
    """The database of a directory. The first who asks for it on PostgreSQL has it made, and gives it back."""

    def __init__(self, directory: Path):
        own, template = directory / _URL, directory / _TEMPLATE
        self._template = template.read_text() if template.exists() and not own.exists() else None
        if self._template is not None:
            own.write_text(_spare[self._template].pop() if _spare[self._template] else _copy_of(self._template))
        self.place = own.read_text() if own.exists() else str(directory / _FILE)

    def content(self) -> bytes:
        """Everything that is kept in it."""
        if not self.place.startswith("postgresql"):
            file = Path(self.place)
            return b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))
        rows = " UNION ALL ".join(
            f"SELECT one::text FROM {table.name} AS one" for table in schema.metadata.sorted_tables
        )
        with psycopg.connect(self.place) as conn:
            return "\n".join(row for (row,) in conn.execute(rows.encode())).encode()

    def give_back(self) -> None:
        """Nobody uses it any more."""
        if self._template is not None:
            with psycopg.connect(postgresql.with_database(self.place, "postgres"), autocommit=True) as conn:
                conn.execute(_LEAVE, (postgresql.name_of(self.place),))
            with psycopg.connect(self.place, autocommit=True) as conn:
                conn.execute(_EMPTY.encode())
            _spare[self._template].append(self.place)


def _copy_of(template: str) -> str:
    name = f"test_{uuid.uuid4().hex}"
    making = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(postgresql.with_database(template, "postgres"), autocommit=True) as conn:
        conn.execute(making.format(sql.Identifier(name), sql.Identifier(postgresql.name_of(template))))
    return postgresql.with_database(template, name)
