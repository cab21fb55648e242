"""Looking into `body`, the JSON text of a noun: the one place that knows how a database engine does it.

Slow, since every row has to be read; what is asked for often stands in a column of its own.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, TableValuedAlias, func


def text_in(body: ColumnElement[Any], *path: str) -> ColumnElement[str]:
    """The string at `path`, lower-cased; NULL where there is none."""
    return func.lower(func.json_extract(body, _path(path)))


def flag_in(body: ColumnElement[Any], *path: str) -> ColumnElement[Any]:
    """The boolean at `path`, as 1 or 0; NULL where there is none."""
    return func.json_extract(body, _path(path))


def elements_in(body: ColumnElement[Any], *path: str) -> TableValuedAlias:
    """The elements of the array at `path`, a row each, in the column `value`."""
    return func.json_each(body, _path(path)).table_valued("value", joins_implicitly=True)


def _path(names: tuple[str, ...]) -> str:
    return "$" + "".join(f'."{name}"' for name in names)
