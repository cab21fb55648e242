"""Expressions that each database engine spells in its own way."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, TableValuedAlias, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class unindexed(FunctionElement[Any]):
    """The column itself, but no reason to choose an index.

    SQLite, which keeps no statistics here, takes every equality for a good lead: it would look at each of a tenant's
    million objects to see whether it is one of the three that a policy is linked to.
    """

    inherit_cache = True
    name = "unindexed"

    def __init__(self, column: ColumnElement[Any]):
        super().__init__(column)
        self.type = column.type


@compiles(unindexed)
def _as_it_is(element: unindexed, compiler: Any, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(unindexed, "sqlite")
def _with_a_plus(element: unindexed, compiler: Any, **options: Any) -> str:
    """https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_"""
    return f"+{compiler.process(element.clauses, **options)}"


def text_in(body: ColumnElement[Any], *path: str) -> ColumnElement[str]:
    """The string at `path` of the JSON text, lower-cased; NULL where there is none. Slow: every row is read for it."""
    return func.lower(func.json_extract(body, _path(path)))


def flag_in(body: ColumnElement[Any], *path: str) -> ColumnElement[Any]:
    """The boolean at `path`, as 1 or 0; NULL where there is none."""
    return func.json_extract(body, _path(path))


def elements_in(body: ColumnElement[Any], *path: str) -> TableValuedAlias:
    """The elements of the array at `path`, a row each, in the column `value`."""
    return func.json_each(body, _path(path)).table_valued("value", joins_implicitly=True)


def _path(names: tuple[str, ...]) -> str:
    return "$" + "".join(f'."{name}"' for name in names)
