"""The writing connection: one transaction at a time, one savepoint within it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from unsecret.store.statement import driver_of


@contextmanager
def savepoint(conn: Connection) -> Generator[None]:
    """Within a work of `Store.write`: an exception that leaves the block takes with it what the block wrote.

    It does what `Connection.begin_nested` does, in a tenth of the time.
    """
    driver = driver_of(conn)
    driver.execute("SAVEPOINT step")
    try:
        yield
    except BaseException:
        driver.execute("ROLLBACK TO SAVEPOINT step")
        raise
    finally:
        driver.execute("RELEASE SAVEPOINT step")


def undo_work(conn: Connection) -> None:
    """Within a work of `Store.write`: take back all that it has written so far. It can go on, and write something else
    instead."""
    driver_of(conn).execute("ROLLBACK TO SAVEPOINT work")


class WriteTransaction:
    """Begins and ends transactions in so many words, on a connection that nobody else uses.

    `begin` must take the lock on the scope at once: what a work reads must still be true when it commits. A
    connection that is lost is replaced when the next transaction begins.
    """

    def __init__(self, engine: Engine, *, begin: Callable[[Connection, bytes], None]):
        self._engine = engine
        self._begin = begin
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """What works are given."""
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def begin(self, scope: bytes) -> None:
        """Waits for the lock on `scope`."""
        kept = self._connection is not None
        try:
            self._begin(self.connection, scope)
        except Exception:
            if not kept or not self._is_gone():
                raise
            self._drop()  # it died since it was last used
            self._begin(self.connection, scope)

    def commit(self) -> None:
        """Returns once everything is on disk. Raises when the transaction was lost before: where a work has swallowed
        an error, PostgreSQL does not refuse the COMMIT but says that it rolled back."""
        if getattr(self._execute("COMMIT"), "statusmessage", "COMMIT") != "COMMIT":
            raise RuntimeError("the transaction was rolled back: a work has swallowed an error of the database")

    def rollback(self) -> None:
        """Undoes the transaction, if there is one."""
        if self._connection is None:
            return
        try:
            driver_of(self._connection).rollback()
        except BaseException:
            self._drop()
            raise

    def set_savepoint(self) -> None:
        """What follows can be undone alone."""
        self._execute("SAVEPOINT work")

    def release_savepoint(self) -> None:
        """What followed belongs to the transaction."""
        self._execute("RELEASE SAVEPOINT work")

    def undo_to_savepoint(self) -> None:
        """Raises when the database has already undone the whole transaction by itself, as SQLite may on a full disk."""
        self._execute("ROLLBACK TO SAVEPOINT work")
        self.release_savepoint()

    def close(self) -> None:
        """Gives the connection back."""
        if self._connection is not None:
            self._connection.close()

    def _is_gone(self) -> bool:
        """psycopg says when a connection was lost; SQLite's cannot be."""
        return getattr(driver_of(self.connection), "closed", False)

    def _drop(self) -> None:
        """What one connection died of, those that are kept have died of, too."""
        lost, self._connection = self._connection, None
        if lost is not None:
            lost.invalidate()
            lost.close()
            self._engine.pool.dispose()

    def _execute(self, command: str) -> Any:
        return driver_of(self.connection).execute(command)
