"""Opening the directory's database. Everything in which the engines differ is in `sqlite.py` and `postgresql.py`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection

from unsecret.errors import Invalid, Unavailable, Unsupported
from unsecret.model.application import Tenant
from unsecret.model.identifiers import TenantId
from unsecret.store import tenants
from unsecret.store.columns import guid
from unsecret.store.questions import Answers, Questions
from unsecret.store.sqlite import SqliteFile
from unsecret.store.writer import APPENDING, EVERYTHING, Job, PromisedJob, Scope, Writer

__all__ = ["Connection", "Store", "scope_of"]

T = TypeVar("T")

BUSY_SECONDS = 30.0
"""How long a writer waits for another process's transaction before it answers Unavailable."""

_POSTGRESQL = ("postgresql://", "postgres://")


class Database(Protocol):
    """What an engine gives a Store."""

    @classmethod
    def open(cls, place: str, *, max_pages: int | None, busy_seconds: float) -> Database:
        """See `Store.open`. Raises the driver's own errors, Unavailable and Unsupported."""
        ...

    @staticmethod
    def refusal(error: BaseException, *, committing: bool = False) -> Unavailable | None:
        """The refusal, with its remedy, that an error of the driver amounts to; None when it is a mistake of ours."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """A connection in one consistent state, which cannot write."""
        ...

    def read_marked(self, tenant_id: TenantId) -> AbstractContextManager[tuple[Connection, bytes | None]]:
        """As `read`, with the tenant's mark in that state (`tenants.mark_of`)."""
        ...

    def writer(self, scope: Scope) -> Writer:
        """Who does the works that need `scope` for themselves."""
        ...

    def close(self) -> None:
        """Commits what waits, then closes."""
        ...


class Store:
    """One open directory. Safe to share between threads; other processes and machines may have the same one open.

    Reads run beside each other and beside the writers. What a work of `write` reads stays true until it is committed,
    whoever else writes in its tenant, in whichever process: it has that tenant to itself.
    """

    def __init__(self, database: Database):
        """Use `Store.open`."""
        self._database = database
        self._answers = Answers()

    @classmethod
    def open(
        cls, url_or_path: str | Path, *, max_pages: int | None = None, busy_seconds: float = BUSY_SECONDS
    ) -> Store:
        """Opens the database, made and migrated first where that is needed.

        `url_or_path` is the path of an SQLite file, an SQLAlchemy URL of one, or a libpq URL of a PostgreSQL database.
        `max_pages` bounds a file, in pages of 4 KiB, as a full disk would; `busy_seconds` is how long a write waits
        for other processes. Raises Unavailable when the database cannot be opened, is damaged, or is newer than this
        software; Unsupported for another database, and for PostgreSQL without its driver.
        """
        place = str(url_or_path)
        kind = _kind_of(place)
        with _telling(kind):
            return cls(kind.open(place, max_pages=max_pages, busy_seconds=busy_seconds))

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A connection that sees one consistent state of the directory and cannot write."""
        try:
            with self._database.read() as conn:
                yield conn
        except Exception as error:
            _tell(type(self._database), error)
            raise

    def questions(self, tenant_id: TenantId) -> AbstractContextManager[Questions]:
        """As `read`, for questions about one tenant that are asked again and again: see `questions.py`."""
        return _Asking(self._database, self._answers, tenant_id)

    def find_tenant(self, name: str) -> Tenant | None:
        """As `tenants.find_tenant`. Who was found is not looked for again."""
        if (known := self._answers.tenant(name)) is not None:
            return known
        with self.read() as conn:
            tenant = tenants.find_tenant(conn, name)
        if tenant is not None:
            self._answers.found(name, tenant)
        return tenant

    def write(self, work: Callable[[Connection], T], tenant_id: TenantId | None = None) -> Future[T]:
        """Runs `work` in a transaction on a writing thread, alone in the tenant `tenant_id`; without one, alone in
        the whole directory.

        The future is resolved once the work is on disk. What `work` raises undoes the work alone and is the future's
        exception; it is Unavailable when nothing could be committed. `work` must neither commit nor wait for another
        write, and writes nothing in another tenant than its own. A work that wants to go on after a failure of its
        own uses `transaction.savepoint`.
        """
        return self._promised(PromisedJob(work, scope_of(tenant_id)))

    def append(self, work: Callable[[Connection], T]) -> Future[T]:
        """As `write`, alone in nothing: for a work that reads nothing and only adds rows which nothing that is decided
        depends on, such as the record of a sign-in. It waits for nobody's turn."""
        return self._promised(PromisedJob(work, APPENDING))

    def submit(self, job: Job[Any]) -> None:
        """As `write`, or `append` where the scope is `APPENDING`, for who is told in another way than by a future."""
        self._database.writer(job.scope).submit(job)

    def _promised(self, job: PromisedJob[T]) -> Future[T]:
        self.submit(job)
        return job.future

    def close(self) -> None:
        """Commits what waits, then closes. Later writes are refused with Unavailable."""
        self._database.close()


class _Asking(AbstractContextManager[Questions]):
    """See `Store.questions`. A generator takes as long as a question does."""

    __slots__ = ("_answers", "_database", "_reading", "_tenant_id")

    def __init__(self, database: Database, answers: Answers, tenant_id: TenantId):
        self._database = database
        self._answers = answers
        self._tenant_id = tenant_id

    def __enter__(self) -> Questions:
        try:
            self._reading = self._database.read_marked(self._tenant_id)
            conn, mark = self._reading.__enter__()
        except Exception as error:
            _tell(type(self._database), error)
            raise
        return Questions(conn, self._tenant_id, self._answers.known(self._tenant_id, mark))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._reading.__exit__(kind, error, trace)
        if isinstance(error, Exception):
            _tell(type(self._database), error)


def scope_of(tenant_id: TenantId | None) -> Scope:
    """What a work in this tenant, or without one in all of them, has to itself."""
    return EVERYTHING if tenant_id is None else guid(tenant_id)


@contextmanager
def _telling(kind: type[Database]) -> Generator[None]:
    """Turns the database's own troubles into Unavailable."""
    try:
        yield
    except Exception as error:
        _tell(kind, error)
        raise


def _tell(kind: type[Database], error: Exception) -> None:
    """Raise Unavailable when `error` is the database's own trouble."""
    if (refusal := kind.refusal(error)) is not None:
        raise refusal from error


def require_postgresql(url: str) -> None:
    """Raise Invalid when it is no URL of PostgreSQL, without saying it: a password may be in it."""
    if not url.startswith(_POSTGRESQL):
        raise Invalid(
            "The database cannot be that: its URL begins with postgresql://, such as postgresql://user@host/name. "
            "Without one the directory is kept in a file in the directory of the tenant."
        )


def without_password(url: str) -> str:
    """The URL of a PostgreSQL database as it may be shown: without a password, wherever libpq lets one stand
    (https://www.postgresql.org/docs/current/libpq-connect.html)."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    options = [one for one in parts.query.split("&") if "password" not in unquote(one.partition("=")[0]).lower()]
    query = f"?{'&'.join(options)}" if any(options) else ""
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}{query}"


def _kind_of(url_or_path: str) -> type[Database]:
    if not url_or_path.startswith(_POSTGRESQL):
        return SqliteFile
    try:
        from unsecret.store.postgresql import PostgresqlDatabase
    except ImportError as missing:
        raise Unsupported(
            "PostgreSQL needs its driver, which is not installed: python -m pip install 'unsecret[postgresql]'"
        ) from missing
    return PostgresqlDatabase
