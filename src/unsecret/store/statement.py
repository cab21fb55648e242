"""Statements that are written once, compiled once, and run on the driver's own cursor.

SQLAlchemy's `Connection.execute` costs about 20 µs a call, the driver about 4. One `addPassword` runs a dozen
statements on the one thread that writes, so there this difference *is* the throughput. Questions whose shape
depends on the caller (`$filter`) go through `Connection.execute`, which keeps a cache of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table
    from sqlalchemy.sql.expression import ClauseElement


_ROWS_A_STATEMENT = 32  # each has a text and a place in the driver's cache for every number of rows up to this


def driver_of(conn: Connection) -> Any:
    """The driver's connection. Of those that we use each has an `execute` that gives back a cursor."""
    return conn.connection.dbapi_connection


def driver_error(error: BaseException) -> BaseException:
    """The error as the driver raised it, without what SQLAlchemy wraps around it."""
    return error.orig or error if isinstance(error, DBAPIError) else error


class Statement:
    """A Core statement with named parameters, ready to run; values are driver values (see `columns.py`). `ending` is
    what both databases say in the same words, and Core in another way for each."""

    def __init__(self, clause: ClauseElement, *, ending: str = ""):
        self._clause = clause
        self._ending = ending
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def one(self, conn: Connection, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        rows = self._execute(conn, values).fetchall()
        return rows[0] if rows else None

    def all(self, conn: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """Every row."""
        return self._execute(conn, values).fetchall()

    def run(self, conn: Connection, **values: Any) -> int:
        """The number of rows that were written."""
        return self._execute(conn, values).rowcount

    def run_many(self, conn: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Runs once for each of `rows`."""
        text, constants = self._text(conn)
        driver_of(conn).cursor().executemany(text, [{**constants, **row} for row in rows])

    def compiled_for(self, dialect: Any) -> tuple[str, dict[str, Any]]:
        """Named parameters: both drivers take a mapping, and the order of the parameters stays our secret."""
        style = "named" if dialect.name == "sqlite" else "pyformat"
        compiled: Any = self._clause.compile(dialect=type(dialect)(paramstyle=style))
        return str(compiled) + self._ending, {
            name: value for name, value in compiled.params.items() if value is not None
        }

    def _execute(self, conn: Connection, values: dict[str, Any]) -> Any:
        text, constants = self._text(conn)
        return driver_of(conn).execute(text, {**constants, **values} if constants else values)

    def _text(self, conn: Connection) -> tuple[str, dict[str, Any]]:
        dialect = conn.dialect
        if (compiled := self._compiled.get(dialect.name)) is None:
            compiled = self._compiled[dialect.name] = self.compiled_for(dialect)
        return compiled


class Insertion(Statement):
    """Puts a row into `table`; every column but `id` must be given."""

    def __init__(self, table: Table):
        self._table = table
        self._names = [column.name for column in table.c if column.name != "id"]
        self._of_several: dict[tuple[str, int], tuple[str, list[tuple[int, str]]]] = {}
        super().__init__(insert(table).values({name: bindparam(name) for name in self._names}).inline())

    def rows(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Several rows in one statement: the driver lets go of the interpreter, and another thread take it, once for
        each statement that it runs."""
        for first in range(0, len(rows), _ROWS_A_STATEMENT):
            some = rows[first : first + _ROWS_A_STATEMENT]
            text, order = self._for(conn, len(some))
            driver_of(conn).execute(text, [some[number][name] for number, name in order])

    def _for(self, conn: Connection, count: int) -> tuple[str, list[tuple[int, str]]]:
        """The statement for `count` rows, and which row's which value comes next: by their places, hundreds of values
        are bound in two thirds of the time that their names take."""
        dialect: Any = conn.dialect
        if (known := self._of_several.get((dialect.name, count))) is None:
            place = {f"{name}_{number}": (number, name) for number in range(count) for name in self._names}
            each = [{name: bindparam(f"{name}_{number}") for name in self._names} for number in range(count)]
            style = "qmark" if dialect.name == "sqlite" else "format"
            compiled: Any = insert(self._table).values(each).inline().compile(dialect=type(dialect)(paramstyle=style))
            known = (str(compiled), [place[name] for name in compiled.positiontup])
            self._of_several[(dialect.name, count)] = known
        return known

    def run(self, conn: Connection, **values: Any) -> int:
        """The number of rows that were written, which is one."""
        return self._insert(conn, values).rowcount

    def row(self, conn: Connection, **values: Any) -> int:
        """The `id` of the row. SQLite has RETURNING too, at twice the price of the whole insertion."""
        if conn.dialect.name == "sqlite":
            return self._insert(conn, values).lastrowid
        return self._insert(conn, values, " RETURNING id").fetchone()[0]

    def _insert(self, conn: Connection, values: Mapping[str, Any], returning: str = "") -> Any:
        text, order = self._for(conn, 1)
        return driver_of(conn).execute(text + returning, [values[name] for _, name in order])
