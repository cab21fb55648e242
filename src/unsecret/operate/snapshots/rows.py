"""What a question to a snapshot's columns is answered: rows by name, instants with their zone.

DuckDB's TIMESTAMP has no zone; what is in a snapshot's columns is UTC (`wire.columns`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def to_column(at: datetime) -> datetime:
    """An instant as a column has it: UTC, without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


@overload
def from_column(at: datetime) -> datetime: ...
@overload
def from_column(at: None) -> None: ...
@overload
def from_column(at: datetime | None) -> datetime | None: ...
def from_column(at: datetime | None) -> datetime | None:
    """An instant of a column, with its zone."""
    return at and at.replace(tzinfo=UTC)


def rows(database: DuckDBPyConnection, question: str, facts: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The rows that answer `question`, each value by its column's name."""
    cursor = database.execute(question, facts)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, map(_zoned, row), strict=True)) for row in cursor.fetchall()]


def _zoned(value: Any) -> Any:
    return from_column(value) if isinstance(value, datetime) else value
