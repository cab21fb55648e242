"""Expressions that each database engine spells in its own way."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, TableValuedAlias, Text, bindparam, column, func, literal_column
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


class by_code_point(FunctionElement[Any]):
    """The words, compared code point by code point, as SQLite always does; PostgreSQL would ask the language."""

    inherit_cache = True
    name = "by_code_point"

    def __init__(self, words: ColumnElement[Any]):
        super().__init__(words)
        self.type = words.type


@compiles(by_code_point)
def _as_always(element: by_code_point, compiler: Any, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(by_code_point, "postgresql")
def _with_a_collation(element: by_code_point, compiler: Any, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)}) COLLATE "C"'


class _inside(FunctionElement[Any]):
    """What is in JSON text, at the names that follow. They are ours, and so may stand in the statement as text."""

    inherit_cache = True

    def __init__(self, body: ColumnElement[Any], *path: str):
        super().__init__(body, *(literal_column(f"'{name}'") for name in path))


class _word_in(_inside):
    name, type = "word_in", Text()
    inherit_cache = True


class _flag_in(_inside):
    name, type = "flag_in", Integer()
    inherit_cache = True


class _elements_in(_inside):
    name = "elements_in"
    inherit_cache = True


class _word_of(FunctionElement[Any]):
    name, type = "word_of", Text()
    inherit_cache = True


class _assigned_in(FunctionElement[Any]):
    name = "assigned_in"
    inherit_cache = True


def assigned_in(body: ColumnElement[Any], attribute_set: str, name: str) -> TableValuedAlias:
    """The values of a custom security attribute in the JSON text, a row each: `kind` is `text`, `integer`, `true` or
    `false`, and `word` the value as text. The names are anybody's and so are bound; they are letters and digits."""
    asked = _assigned_in(body, bindparam(None, attribute_set, Text), bindparam(None, name, Text))
    return asked.table_valued(column("kind", Text), column("word", Text), joins_implicitly=True)


@compiles(_assigned_in, "sqlite")
def _assigned(element: _assigned_in, compiler: Any, **options: Any) -> str:
    """json_each gives what is no array as the one row that it is."""
    body, attribute_set, name = (compiler.process(clause, **options) for clause in element.clauses)
    path = f"""'$.custom_security_attributes."' || {attribute_set} || '"."' || {name} || '"'"""
    return f"(SELECT type AS kind, CAST(value AS TEXT) AS word FROM json_each({body}, {path}))"  # noqa: S608


@compiles(_assigned_in, "postgresql")
def _assigned_there(element: _assigned_in, compiler: Any, **options: Any) -> str:
    """What is no array is made the one element of an array."""
    body, attribute_set, name = (compiler.process(clause, **options) for clause in element.clauses)
    found = f"json_extract_path({body}::json, 'custom_security_attributes', {attribute_set}, {name})"
    several = f"CASE json_typeof({found}) WHEN 'array' THEN {found} ELSE json_build_array({found}) END"
    kind = "CASE json_typeof(one) WHEN 'string' THEN 'text' WHEN 'number' THEN 'integer' ELSE one::text END"
    return f"(SELECT {kind} AS kind, one #>> '{{}}' AS word FROM json_array_elements({several}) AS several(one))"  # noqa: S608


def word_of(element: ColumnElement[Any]) -> ColumnElement[str]:
    """The string that an element of `elements_in` is, lower-cased."""
    return func.lower(_word_of(element))


@compiles(_word_of)
def _bare(element: _word_of, compiler: Any, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_word_of, "postgresql")
def _unquoted(element: _word_of, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} #>> '{{}}')"


def text_in(body: ColumnElement[Any], *path: str) -> ColumnElement[str]:
    """The string at `path` of the JSON text, lower-cased; NULL where there is none. Slow: every row is read for it."""
    return func.lower(_word_in(body, *path))


def flag_in(body: ColumnElement[Any], *path: str) -> ColumnElement[int]:
    """The boolean at `path`, as 1 or 0; NULL where there is none."""
    return _flag_in(body, *path)


def elements_in(body: ColumnElement[Any], *path: str) -> TableValuedAlias:
    """The elements of the array at `path`, a row each, in the column `value`; none where there is no array."""
    return _elements_in(body, *path).table_valued("value", joins_implicitly=True)


@compiles(_word_in, "sqlite")
@compiles(_flag_in, "sqlite")
def _extracted(element: _inside, compiler: Any, **options: Any) -> str:
    return f"json_extract({_body_and_path(element, compiler, **options)})"


@compiles(_elements_in, "sqlite")
def _each(element: _elements_in, compiler: Any, **options: Any) -> str:
    return f"json_each({_body_and_path(element, compiler, **options)})"


def _body_and_path(element: _inside, compiler: Any, **options: Any) -> str:
    body, *names = (compiler.process(clause, **options) for clause in element.clauses)
    path = "".join(f".{name}" for name in names).replace("'", '"')
    return f"{body}, '${path}'"


@compiles(_word_in, "postgresql")
def _word(element: _inside, compiler: Any, **options: Any) -> str:
    return f"json_extract_path_text({_json_and_names(element, compiler, **options)})"


@compiles(_flag_in, "postgresql")
def _flag(element: _inside, compiler: Any, **options: Any) -> str:
    return f"{_word(element, compiler, **options)}::boolean::integer"


@compiles(_elements_in, "postgresql")
def _elements(element: _inside, compiler: Any, **options: Any) -> str:
    """json_array_elements refuses what is no array, and null is none."""
    found = f"json_extract_path({_json_and_names(element, compiler, **options)})"
    return f"json_array_elements(CASE json_typeof({found}) WHEN 'array' THEN {found} END)"


def _json_and_names(element: _inside, compiler: Any, **options: Any) -> str:
    body, *names = (compiler.process(clause, **options) for clause in element.clauses)
    return ", ".join((f"{body}::json", *names))
