"""The directory in a PostgreSQL database, which several processes and machines may share.

A work of `Store.write` has its tenant to itself: the transaction begins with the tenant's advisory lock, and with
a share of the lock on everything. At READ COMMITTED each statement after that sees whatever was committed before the
lock was had, so what a work reads is true until it commits, over all servers. A transaction holds the lock of one
tenant and then asks for no other, so none waits for another in a circle.

What a read sees is one snapshot (REPEATABLE READ). Connections are libpq's: the URL may name several hosts, an
`sslmode`, a service; a password is best left to PGPASSFILE or PGPASSWORD, which libpq reads itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg
from psycopg import conninfo
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import QueuePool

from unsecret.errors import Invalid, Unavailable
from unsecret.model.identifiers import TenantId
from unsecret.store import migrations, tenants
from unsecret.store.statement import driver_error, driver_of
from unsecret.store.transaction import WriteTransaction
from unsecret.store.writer import APPENDING, EVERYTHING, Scope, Writer

LANES = 4
"""Connections that write for this process, besides the one that appends: so many tenants are written to at a time."""

OLDEST_VERSION = 130000
"""As libpq counts: 13.0."""

_KEPT_READERS = 4
_MOST_READERS = 16
_CONNECT_SECONDS = 5
_ABANDONED_SECONDS = 60
"""A transaction whose server says nothing for so long is ended, and its lock free."""

_EVERYTHING_LOCK = 0x756E736563726574  # "unsecret", so that we meet nobody else's locks in a shared database
_MIGRATION_LOCK = _EVERYTHING_LOCK + 1
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"


class PostgresqlDatabase:
    """An open database: connections that read, and writers for as many tenants at a time."""

    def __init__(self, engine: Engine):
        """Use `PostgresqlDatabase.open`."""
        self._engine = engine
        self._appender, self._writer = self._new_writer(1), self._new_writer(LANES)

    @classmethod
    def open(cls, place: str, *, max_pages: int | None, busy_seconds: float) -> PostgresqlDatabase:  # noqa: ARG003
        """See `Database.open`."""
        _require_readable(place)
        connector = _Connector(place, busy_seconds)
        with closing(_first_connection(connector)) as driver:
            _require_usable(driver)
        engine = _engine(connector)
        try:
            _prepare(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    @staticmethod
    def refusal(error: BaseException, *, committing: bool = False) -> Unavailable | None:
        """See `Database.refusal`. When the connection is lost under a commit, nobody can say what became of it."""
        cause = driver_error(error)
        if not isinstance(cause, psycopg.Error) or (remedy := _remedy(cause)) is None:
            return None
        if committing and _is_lost(cause):
            return Unavailable(f"{remedy} What was asked for may or may not have been done: look before you try again.")
        return Unavailable(f"{remedy} Nothing was changed.")

    @contextmanager
    def read(self) -> Generator[Connection]:
        """See `Store.read`."""
        with self._engine.connect() as conn:
            _begin_reading(conn)
            try:
                yield conn
            finally:
                with suppress(psycopg.OperationalError):  # lost: what went wrong has been said before
                    driver_of(conn).rollback()

    @contextmanager
    def read_marked(self, tenant_id: TenantId) -> Generator[tuple[Connection, bytes | None]]:
        """See `Store.questions`."""
        with self.read() as conn:
            yield conn, tenants.mark_of(conn, tenant_id)

    def writer(self, scope: Scope) -> Writer:
        """Who does the works of `scope`."""
        return self._appender if scope == APPENDING else self._writer

    def close(self) -> None:
        """See `Store.close`."""
        self._appender.close()
        self._writer.close()
        self._engine.dispose()

    def _new_writer(self, lanes: int) -> Writer:
        transactions = [WriteTransaction(self._engine, begin=_begin_writing) for _ in range(lanes)]
        return Writer(transactions, self.refusal, mixed=False)


def _begin_reading(conn: Connection) -> None:
    """A kept connection may have died since it was last used, and then so have the others that are kept."""
    try:
        driver_of(conn).execute(_BEGIN_READING)
    except psycopg.OperationalError:
        conn.invalidate()
        conn.engine.pool.dispose()
        driver_of(conn).execute(_BEGIN_READING)


def _begin_writing(conn: Connection, scope: Scope) -> None:
    """Begins, and waits for the locks, in one message."""
    driver_of(conn).execute(f"{_BEGIN}{_locks(scope)}")


def _locks(scope: Scope) -> str:
    if scope == APPENDING:
        return ""
    if scope == EVERYTHING:
        return f"; SELECT pg_advisory_xact_lock({_EVERYTHING_LOCK})"
    tenant = int.from_bytes(scope[:8], signed=True)
    return f"; SELECT pg_advisory_xact_lock_shared({_EVERYTHING_LOCK}); SELECT pg_advisory_xact_lock({tenant})"


class _Connector:
    """Connects. After a failure it waits a little longer each time before it knocks again, and until then says no at
    once: a database that is coming up is not helped by everybody at its door."""

    def __init__(self, place: str, busy_seconds: float):
        self._place = place
        self._settings = (
            f"SET lock_timeout = {max(1, int(busy_seconds * 1000))}; "
            f"SET idle_in_transaction_session_timeout = {_ABANDONED_SECONDS * 1000}; "
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        self._state = threading.Lock()
        self._failure: psycopg.OperationalError | None = None
        self._pause = 0.0
        self._not_before = 0.0

    def __call__(self) -> psycopg.Connection[Any]:
        """Raises psycopg.OperationalError."""
        with self._state:
            if self._failure is not None and time.monotonic() < self._not_before:
                raise psycopg.OperationalError(str(self._failure))
        try:
            conn = psycopg.connect(
                self._place,
                autocommit=True,
                connect_timeout=_CONNECT_SECONDS,
                application_name="unsecret",
                tcp_user_timeout=_ABANDONED_SECONDS * 1000,
            )
            conn.execute(self._settings.encode())
        except psycopg.OperationalError as failure:
            self._failed(failure)
            raise
        with self._state:
            self._failure, self._pause = None, 0.0
        return conn

    def _failed(self, failure: psycopg.OperationalError) -> None:
        with self._state:
            self._failure = failure
            self._pause = min(2.0, self._pause * 2 or 0.05)
            self._not_before = time.monotonic() + self._pause


def _engine(connector: _Connector) -> Engine:
    return create_engine(
        "postgresql+psycopg://",
        creator=connector,
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
        poolclass=QueuePool,
        pool_size=_KEPT_READERS + LANES + 1,
        max_overflow=_MOST_READERS - _KEPT_READERS,
        pool_use_lifo=True,
        hide_parameters=True,  # an error of the database is logged, and what somebody asked for is not
    )


def _prepare(engine: Engine) -> None:
    """The tables, under a lock: of several first starts one does the work."""
    with engine.connect() as conn:
        if not migrations.is_current(conn):
            _migrate(conn)


def _first_connection(connector: _Connector) -> psycopg.Connection[Any]:
    """Raises Unavailable with PostgreSQL's own words, which later would reach whoever asked the tenant something."""
    try:
        return connector()
    except psycopg.OperationalError as error:
        remedy = _remedy(error) or _LOST
        raise Unavailable(f"{remedy} It was said: {' '.join(str(error).split())}") from error


def _require_usable(driver: psycopg.Connection[Any]) -> None:
    """Raises Unavailable for a database that would compare words in another way than we do, or cannot be written."""
    if driver.info.server_version < OLDEST_VERSION:
        raise Unavailable(f"This PostgreSQL is too old: {OLDEST_VERSION // 10_000} or newer is needed.")
    is_utf8 = driver.info.parameter_status("server_encoding") == "UTF8"
    if not is_utf8 or driver.execute("SELECT lower('ÀΣЖ')").fetchone() != ("àσж",):
        raise Unavailable(
            "The database does not know small letters from capital ones beyond a to z. Make it anew: "
            "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
        )
    if driver.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
        raise Unavailable(_READ_ONLY)


def _migrate(conn: Connection) -> None:
    driver = driver_of(conn)
    driver.execute(f"BEGIN; SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
    try:
        if not migrations.is_current(conn):  # another may have been first
            migrations.upgrade(conn)
        driver.execute("COMMIT")
    finally:
        driver.rollback()


_READ_ONLY = "The database can only be read: it is a standby, or was set so. Point to the one that is written to."
_LOST = "The connection to PostgreSQL was lost, or cannot be made. See that it runs and can be reached from here."
_LATE = "Another server is writing and did not finish in time. Try again shortly."
_TOGETHER = "Two writes were in each other's way. Try again."
_REMEDIES = {
    "08": _LOST,
    "25006": _READ_ONLY,
    "25P03": _LOST,
    "28": "PostgreSQL does not let this user in. Look at user and password in the URL, PGPASSFILE and pg_hba.conf.",
    "3D000": "There is no such database in PostgreSQL. Make it: createdb --encoding=UTF8 --template=template0 NAME",
    "40": _TOGETHER,
    "42501": "PostgreSQL does not let this user do that. Make it the owner of the database.",
    "53100": "The disk that holds the database is full. Free some space there and try again.",
    "53300": "PostgreSQL has no connection left for us. Raise its max_connections, or run fewer workers.",
    "53": "PostgreSQL has run out of memory or room. Look at its log.",
    "55P03": _LATE,
    "57014": _LATE,
    "57": _LOST,
    "58": "The disk that holds the database failed to read or write. Look at PostgreSQL's log.",
    "XX001": "The database is damaged. Restore it from a backup.",
    "XX002": "The database is damaged. Restore it from a backup.",
}
"""By SQLSTATE, or by its class, which is the first two characters
(https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


def _require_readable(place: str) -> None:
    """Raises Invalid. What the driver says about it may have a piece of the password in it, so nobody is told."""
    try:
        parts = conninfo.conninfo_to_dict(place)
        if str(parts.get("port", "")).replace(",", "").isdigit() or "port" not in parts:
            return
    except psycopg.ProgrammingError:
        pass
    raise Invalid(
        "This is no URL of a PostgreSQL database. It looks like postgresql://user@host:5432/name, with libpq's options "
        "after a ?. A special character in a name or a password is percent-encoded: % is %25, / is %2F, @ is %40."
    )


def _remedy(error: psycopg.Error) -> str | None:
    if error.sqlstate is None:
        return _LOST if isinstance(error, psycopg.OperationalError) else None
    return _REMEDIES.get(error.sqlstate) or _REMEDIES.get(error.sqlstate[:2])


def _is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, so that there was nobody to tell us more."""
    return error.sqlstate is None or _REMEDIES.get(error.sqlstate, _REMEDIES.get(error.sqlstate[:2])) == _LOST
