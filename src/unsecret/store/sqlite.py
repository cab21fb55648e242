"""The directory in one SQLite file.

In WAL mode with `synchronous=FULL`: an answered write survives the loss of power. Transactions are begun and
ended in so many words, on connections that the driver and SQLAlchemy both regard as autocommitting, because the sqlite3
module's own transaction control begins too late (https://docs.sqlalchemy.org/en/21/dialects/sqlite.html, "Transactions
with SQLite and the sqlite3 driver"). A writing transaction takes the write lock of the whole file when it begins, so
that what it reads cannot change before it commits, whichever process would like to.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import QueuePool

from unsecret.errors import Unavailable, Unsupported
from unsecret.model.identifiers import TenantId
from unsecret.store import migrations
from unsecret.store.columns import guid
from unsecret.store.statement import driver_error, driver_of
from unsecret.store.transaction import WriteTransaction
from unsecret.store.writer import Scope, Writer

_BEGIN_WRITING = "BEGIN IMMEDIATE"
_LOOK_AGAIN_SECONDS = 0.0002
_AFTER_YOU_SECONDS = 0.0004
_KEPT_READERS = 16
_PAGES_BETWEEN_CHECKPOINTS = 10_000
"""40 MB of log before it is folded into the file: a page that many commits touched is then written back once."""

_WRITERS_CACHE_KIB = 32 * 1024
"""At most; a small directory takes what it needs. A batch of writes touches an index here and there for each of them,
and of a large directory SQLite's usual 2 MB hold hardly the pages of one batch."""

_LARGEST_IDLE_LOG = 64 * 1024 * 1024
_opening = threading.Lock()


class SqliteFile:
    """An open file: connections that read, and the one writer of this process, whose lock is the whole file's."""

    def __init__(self, readers: Engine, writing: Engine, turns: _Turns):
        """Use `SqliteFile.open`."""
        self._readers = readers
        self._idle: list[Connection] = []
        self._closed = False
        self._writing = writing
        self._writer = Writer(
            [WriteTransaction(writing, begin=lambda conn, _scope: turns.begin(conn))], self.refusal, mixed=True
        )

    @classmethod
    def open(cls, place: str, *, max_pages: int | None, busy_seconds: float) -> SqliteFile:
        """See `Database.open`."""
        url = _url(place)
        with _opening:
            _create_for_owner_only(Path(url.database or ""))
            pragmas = _pragmas(max_pages)
            preparing = _engine(url, (*pragmas, "foreign_keys=OFF"), busy_seconds)  # a migration may replace a table
            try:
                _prepare(preparing, busy_seconds)
                readers = _engine(url, (*pragmas, "query_only=ON"), busy_seconds)
                # _Turns does the waiting, so SQLite does none.
                writing = _engine(url, (*pragmas, "busy_timeout=0", f"cache_size=-{_WRITERS_CACHE_KIB}"), busy_seconds)
                return cls(readers, writing, _Turns(busy_seconds))
            finally:
                preparing.dispose()

    @staticmethod
    def refusal(error: BaseException, *, committing: bool = False) -> Unavailable | None:  # noqa: ARG004
        """See `Database.refusal`. A commit that fails has changed nothing."""
        cause = driver_error(error)
        if isinstance(cause, sqlite3.Error) and (remedy := _REMEDIES.get(_primary_code(cause))) is not None:
            return Unavailable(f"{remedy} Nothing was changed.")
        return None

    def read(self) -> _Reading:
        """See `Store.read`."""
        return _Reading(self)

    def read_marked(self, tenant_id: TenantId) -> _ReadingMarked:
        """See `Store.questions`."""
        return _ReadingMarked(self, guid(tenant_id))

    def borrow(self) -> Connection:
        """A connection that reads. Taking one from the pool costs more than what most requests ask of it."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._readers.connect()

    def give_back(self, conn: Connection) -> None:
        """Takes what `borrow` gave."""
        if self._closed or len(self._idle) >= _KEPT_READERS:
            conn.close()
        else:
            self._idle.append(conn)

    def writer(self, scope: Scope) -> Writer:  # noqa: ARG002 - the lock is the whole file's
        """Who does the works of `scope`."""
        return self._writer

    def close(self) -> None:
        """See `Store.close`."""
        self._writer.close()
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        self._writing.dispose()
        self._readers.dispose()


class _Reading(AbstractContextManager[Connection]):
    """One consistent state of the file. A generator would do the same and take longer than what is mostly asked."""

    __slots__ = ("_conn", "_file")

    def __init__(self, file: SqliteFile):
        self._file = file
        self._conn = file.borrow()

    def __enter__(self) -> Connection:
        try:
            driver_of(self._conn).execute("BEGIN")
        except BaseException:
            self.__exit__()
            raise
        return self._conn

    def __exit__(self, *_: object) -> None:
        driver_of(self._conn).rollback()
        self._file.give_back(self._conn)


class _ReadingMarked(AbstractContextManager[tuple[Connection, bytes | None]]):
    """As `_Reading`, of a tenant whose mark is asked for.

    The question for the mark is left unfinished. Until it ends, all that is asked on the connection sees the state that
    it saw (https://www.sqlite.org/lang_transaction.html, "implicit transactions"), without a statement that begins and
    another that ends: each of them lets go of the interpreter, and who waits for it takes it, and has to give it back.
    """

    __slots__ = ("_conn", "_file", "_question", "_tenant")

    def __init__(self, file: SqliteFile, tenant: bytes):
        self._file = file
        self._tenant = tenant
        self._conn = file.borrow()

    def __enter__(self) -> tuple[Connection, bytes | None]:
        try:
            self._question = driver_of(self._conn).execute(_MARK_AND_MORE, (self._tenant,))
            return self._conn, self._question.fetchone()[0]
        except BaseException:
            self._file.give_back(self._conn)
            raise

    def __exit__(self, *_: object) -> None:
        self._question.close()
        self._file.give_back(self._conn)


_MARK_AND_MORE = "SELECT mark FROM tenant WHERE tenant_id = ?" + " UNION ALL SELECT NULL" * 2
"""The rows after the first are never fetched: they are there so that the question is not at its end."""


def _url(url_or_path: str) -> URL:
    url = make_url(url_or_path) if "://" in url_or_path else URL.create("sqlite", database=url_or_path)
    if url.get_backend_name() != "sqlite":
        raise Unsupported(
            "The directory can be kept in SQLite or in PostgreSQL. Give the path of a file, or a URL that begins with "
            "postgresql://"
        )
    if url.database in (None, "", ":memory:"):
        raise Unsupported("The directory must be a file: several connections share it. Give the path of a file.")
    return url


def _create_for_owner_only(path: Path) -> None:
    """Makes an empty file that nobody else can read; SQLite gives its companions the same mode.

    An existing file is not even opened: closing a descriptor would drop the locks that SQLite holds through another.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        if not os.path.exists(path):
            raise Unavailable(_REMEDIES[sqlite3.SQLITE_CANTOPEN]) from error


class _Turns:
    """Takes turns at SQLite's write lock with other processes.

    SQLite's own waiting looks at the lock every tenth of a second in the end, and of two busy processes one would
    hardly ever find it free. This looks a few thousand times a second, and who has had to wait lets the other go first
    next time.
    """

    def __init__(self, busy_seconds: float):
        self._patience = busy_seconds
        self._had_to_wait = False

    def begin(self, conn: Connection) -> None:
        """Begins a writing transaction. Raises the driver's error when the lock is not to be had in time."""
        if self._had_to_wait:
            time.sleep(_AFTER_YOU_SECONDS)
        tries = _patiently(_BEGIN_WRITING, conn, self._patience)
        self._had_to_wait = tries > 1


def _patiently(command: str, conn: Connection, patience: float) -> int:
    """Runs `command` until nobody else is in its way; the number of times that took."""
    deadline, tries = time.monotonic() + patience, 1
    while True:
        try:
            driver_of(conn).execute(command).fetchall()
            return tries
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_LOOK_AGAIN_SECONDS)
        tries += 1


def _engine(url: URL, pragmas: Iterable[str], busy_seconds: float) -> Engine:
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
        poolclass=QueuePool,
        pool_size=_KEPT_READERS,
        max_overflow=-1,
        pool_use_lifo=True,
        hide_parameters=True,  # an error of the database is logged, and what somebody asked for is not
    )
    commands = [f"PRAGMA {pragma}" for pragma in pragmas]

    @event.listens_for(engine, "connect")
    def set_up(driver: sqlite3.Connection, _record: object) -> None:
        for command in commands:
            driver.execute(command)
        driver.create_function("lower", 1, _lower, deterministic=True)

    return engine


def _lower(value: Any) -> Any:
    """SQLite's own `lower` knows ASCII only; PostgreSQL's knows every letter, as Python's does."""
    return value.lower() if isinstance(value, str) else value


def _pragmas(max_pages: int | None) -> tuple[str, ...]:
    """Of every connection. The bound on pages is there for tests of a full disk."""
    bound = () if max_pages is None else (f"max_page_count={max_pages}",)
    return (
        "synchronous=FULL",
        "foreign_keys=ON",
        f"wal_autocheckpoint={_PAGES_BETWEEN_CHECKPOINTS}",
        f"journal_size_limit={_LARGEST_IDLE_LOG}",
        *bound,
    )


def _prepare(engine: Engine, busy_seconds: float) -> None:
    """Write-ahead logging, then the tables, under the write lock: of several first starts one does the work."""
    with engine.connect() as conn:
        # The switch needs the file alone for a moment, and SQLite does not wait for that by itself.
        _patiently("PRAGMA journal_mode=WAL", conn, busy_seconds)
        if not migrations.is_current(conn):
            _migrate(conn)


def _migrate(conn: Connection) -> None:
    driver_of(conn).execute(_BEGIN_WRITING)
    try:
        migrations.upgrade(conn)
        driver_of(conn).execute("COMMIT")
    finally:
        driver_of(conn).rollback()


_REMEDIES = {
    sqlite3.SQLITE_FULL: "The disk that holds the directory is full. Free some space there and try again.",
    sqlite3.SQLITE_BUSY: "Another process is writing to the directory and did not finish in time. Try again shortly.",
    sqlite3.SQLITE_LOCKED: "Another process is writing to the directory and did not finish in time. Try again shortly.",
    sqlite3.SQLITE_READONLY: "The directory's file is read-only. Give this user the right to write it, and its folder.",
    sqlite3.SQLITE_CANTOPEN: "The directory's file cannot be opened. See that its folder exists and is writable.",
    sqlite3.SQLITE_IOERR: "The disk that holds the directory failed to read or write. Look at the system log.",
    sqlite3.SQLITE_CORRUPT: "The directory's file is damaged. Restore it from a backup, or start with an empty one.",
    sqlite3.SQLITE_NOTADB: "The directory's file is not a database. Point to another file, or move this one away.",
}


def _primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension in the upper bits."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
