"""`$filter` as SQL. What may be asked of a collection is a table of properties (`properties.py`); this reads it.

Comparisons of words ignore case, as Graph's do on the directory. A comparison is true or false and never unknown, even
where there is no value, so that `not` means what OData says it means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, exists, false, func, literal_column, not_, or_, select, true

from unsecret.errors import Invalid
from unsecret.model.identifiers import canonical_guid
from unsecret.model.query import And, AnyOf, Comparison, Filter, Held, Not, Operator, Or
from unsecret.store.columns import folded, guid, micros
from unsecret.store.expressions import assigned_in, by_code_point

ATTRIBUTES = "customSecurityAttributes"
_LOWER_BOUNDS = (Operator.EQ, Operator.GE, Operator.GT)
_ORDERING = (Operator.GE, Operator.GT, Operator.LE, Operator.LT, Operator.STARTS_WITH)
_LARGEST = 2**31 - 1
_BEFORE_A_WORD = " -_./:,;()[]{}'\"@+&#|\\"
"""What ends one word and begins the next."""

_HIGHEST = "\U0010ffff"
"""Sorts after every character that a name can hold."""


class Scalar(Struct, frozen=True, kw_only=True):
    """A property with one value. `column` None: a property that Graph has and nothing here ever fills.

    `parse` turns the literal of the filter into what the column holds; None from it means that no row can hold it,
    and Invalid that Graph would not take it. `present` says which rows have a value; None: all. With `absent_is_least`
    the column holds something less than every value where there is none, so that a lower bound needs no `present`.
    """

    column: ColumnElement[Any] | None
    operators: frozenset[Operator]
    parse: Callable[[Any, str], Any]
    present: ColumnElement[bool] | None = None
    absent_is_least: bool = False


class Elements(Struct, frozen=True, kw_only=True):
    """A property with many values, each a row of another table: `owner` is `owned_by` there, `tenant_id` its tenant.

    `members` are the properties of one element; the element itself is `""`.
    """

    owner: ColumnElement[int]
    owned_by: ColumnElement[int]
    tenant_id: ColumnElement[bytes]
    conditions: tuple[ColumnElement[bool], ...]
    members: Mapping[str, Scalar]


class OneWord(Struct, frozen=True):
    """A collection that has exactly one word in every row; which of `words` it is stands in `column` as its number."""

    column: ColumnElement[int]
    words: Mapping[str, int]
    operators: frozenset[Operator] = frozenset({Operator.EQ, Operator.NE})


class NoElements(Struct, frozen=True):
    """A collection that Graph has and that is empty in every row."""

    operators: frozenset[Operator]


class Single(Struct, frozen=True):
    """A property with exactly one value, which stands in another table: the one element of `elements`."""

    elements: Elements


class Attributes(Struct, frozen=True):
    """Custom security attributes, in the JSON text that `body` is. They are asked about by Held alone."""

    body: ColumnElement[Any]


Property = Scalar | Elements | OneWord | NoElements | Single | Attributes


def scalar(of: ColumnElement[Any], operators: frozenset[Operator], parse: Callable[[Any, str], Any]) -> Scalar:
    """A property that every row has."""
    return Scalar(column=of, operators=operators, parse=parse)


def optional(of: ColumnElement[Any], operators: frozenset[Operator], parse: Callable[[Any, str], Any]) -> Scalar:
    """A property that may be null."""
    return Scalar(column=of, operators=operators, parse=parse, present=of.is_not(None))


def compile_filter(filter: Filter, properties: Mapping[str, Property], tenant: bytes) -> ColumnElement[bool]:
    """The condition that `filter` puts on the rows of `tenant` that `properties` speak of.

    Raises Invalid: Request_UnsupportedQuery for what Graph does not filter by, Request_BadRequest for a value of
    the wrong type.
    """
    match filter:
        case Comparison():
            return _comparison(filter, properties, tenant)
        case AnyOf():
            return _any_of(filter, properties, tenant)
        case Held():
            return _held(filter, properties)
        case And(parts):
            return and_(true(), *(compile_filter(part, properties, tenant) for part in parts))
        case Or(parts):
            return or_(false(), *(compile_filter(part, properties, tenant) for part in parts))
        case Not(part):
            return not_(compile_filter(part, properties, tenant))


def leads_elsewhere(filter: Filter | None, properties: Mapping[str, Property]) -> bool:
    """Whether the rows that are wanted are best found through the rows of another table."""
    match filter:
        case AnyOf(collection, where):
            return where is not None and isinstance(_property(properties, collection), Elements)
        case And(parts):
            return any(leads_elsewhere(part, properties) for part in parts)
        case _:
            return False


def _comparison(asked: Comparison, properties: Mapping[str, Property], tenant: bytes) -> ColumnElement[bool]:
    about = _property(properties, asked.property)
    if isinstance(about, Single):
        return _of_the_one(asked, about.elements, tenant)
    if not isinstance(about, Scalar):
        raise unsupported(asked.property)
    if asked.operator not in about.operators:
        raise unsupported(asked.property, asked.operator)
    if asked.operator is Operator.IN:
        values = asked.value if isinstance(asked.value, tuple) else (asked.value,)
        return _is_one_of(about, values, asked.property)
    return _compare(about, asked.operator, asked.value, asked.property)


def _held(asked: Held, properties: Mapping[str, Property]) -> ColumnElement[bool]:
    """Graph's `ne` is true of who does not have the attribute, and of several values none may be the one."""
    about = properties.get(ATTRIBUTES)
    if not isinstance(about, Attributes):
        raise unsupported(ATTRIBUTES)
    values = assigned_in(about.body, asked.attribute_set, asked.name)
    match asked.value:
        case bool():
            holds = values.c.kind == str(asked.value).lower()
        case int():
            holds = and_(values.c.kind == "integer", values.c.word == str(asked.value))
        case str() as text:
            starts = asked.operator is Operator.STARTS_WITH
            word = by_code_point(values.c.word) if starts else values.c.word
            holds = and_(
                values.c.kind == "text", _CONDITIONS[Operator.STARTS_WITH if starts else Operator.EQ](word, text)
            )
    found = exists(select(literal_column("1")).select_from(values).where(holds))
    return not_(found) if asked.operator is Operator.NE else found


def _property(properties: Mapping[str, Property], name: str) -> Property | None:
    """What is asked about; scripts write `IsInteractive` and `t/Id`, and Graph lets them."""
    if (found := properties.get(name)) is not None:
        return found
    return next((one for known, one in properties.items() if known.lower() == name.lower()), None)


def _compare(scalar: Scalar, operator: Operator, value: Any, name: str) -> ColumnElement[bool]:
    if value is None:
        return _compare_with_nothing(scalar, operator)
    parsed = scalar.parse(value, name)
    column = scalar.column
    if column is None or parsed is None:
        return true() if operator is Operator.NE else false()
    if operator in _ORDERING and isinstance(parsed, str):
        column = by_code_point(column)
    condition = _CONDITIONS[operator](column, parsed)
    if scalar.present is None or (scalar.absent_is_least and operator in _LOWER_BOUNDS):
        return condition
    if operator is Operator.NE:
        return or_(not_(scalar.present), condition)
    return and_(scalar.present, condition)


def _of_the_one(asked: Comparison, elements: Elements, tenant: bytes) -> ColumnElement[bool]:
    scalar = elements.members[""]
    if asked.operator not in scalar.operators:
        raise unsupported(asked.property, asked.operator)
    owners = select(elements.owned_by).where(elements.tenant_id == tenant, *elements.conditions)
    if asked.operator is Operator.IN:
        values = asked.value if isinstance(asked.value, tuple) else (asked.value,)
        return elements.owner.in_(owners.where(_is_one_of(scalar, values, asked.property)))
    return elements.owner.in_(owners.where(_compare(scalar, asked.operator, asked.value, asked.property)))


def _is_one_of(scalar: Scalar, values: tuple[Any, ...], name: str) -> ColumnElement[bool]:
    """One list and not a chain of comparisons: of those SQLite bears a thousand."""
    absent = _compare_with_nothing(scalar, Operator.EQ) if None in values else false()
    parsed = [scalar.parse(value, name) for value in values if value is not None]
    present = [value for value in parsed if value is not None]
    if scalar.column is None or not present:
        return absent
    return or_(absent, and_(true() if scalar.present is None else scalar.present, scalar.column.in_(present)))


def _compare_with_nothing(scalar: Scalar, operator: Operator) -> ColumnElement[bool]:
    absent = true() if scalar.column is None else false() if scalar.present is None else not_(scalar.present)
    if operator is Operator.EQ:
        return absent
    return not_(absent) if operator is Operator.NE else false()


_CONDITIONS: dict[Operator, Callable[[Any, Any], ColumnElement[bool]]] = {
    Operator.EQ: lambda column, value: column == value,
    Operator.NE: lambda column, value: column != value,
    Operator.GE: lambda column, value: column >= value,
    Operator.GT: lambda column, value: column > value,
    Operator.LE: lambda column, value: column <= value,
    Operator.LT: lambda column, value: column < value,
    # A range and not LIKE: an index serves it, and nothing in the value is a wildcard.
    Operator.STARTS_WITH: lambda column, value: and_(column >= value, column < value + _HIGHEST),
    Operator.ENDS_WITH: lambda column, value: column.endswith(value, autoescape=True),
    Operator.HAS_WORD: lambda column, value: or_(
        column.startswith(value, autoescape=True),
        *(column.contains(before + value, autoescape=True) for before in _BEFORE_A_WORD),
    ),
    Operator.CONTAINS: lambda column, value: column.contains(value, autoescape=True),
}


def _any_of(asked: AnyOf, properties: Mapping[str, Property], tenant: bytes) -> ColumnElement[bool]:
    match _property(properties, asked.collection):
        case Elements() as elements:
            if asked.where is None:  # one look for each object, and not a list of all that have any
                linked = (elements.owned_by == elements.owner, *elements.conditions)
                if asked.at_least == 1:
                    return exists(select(true()).where(*linked))
                return select(func.count()).where(*linked).scalar_subquery() >= asked.at_least
            where = compile_filter(asked.where, elements.members, tenant)
            owners = select(elements.owned_by).where(elements.tenant_id == tenant, *elements.conditions, where)
            return elements.owner.in_(owners)
        case OneWord(column, words, operators):
            where = asked.where
            if asked.at_least > 1:
                return false()
            matching = [number for word, number in words.items() if where is None or _holds(where, word, operators)]
            return column.in_(matching) if matching else false()
        case NoElements(operators):
            if asked.where is not None:
                _holds(asked.where, "", operators)  # for what it refuses
            return false()
        case _:
            raise unsupported(asked.collection)


def _holds(filter: Filter, element: str, operators: frozenset[Operator]) -> bool:
    match filter:
        case Comparison("", operator, str(value)) if operator in operators:
            return _WORD_CONDITIONS[operator](folded(element), folded(value))
        case And(parts) | Or(parts):  # each part is looked at, for what it refuses
            held = [_holds(part, element, operators) for part in parts]
            return all(held) if isinstance(filter, And) else any(held)
        case Not(part):
            return not _holds(part, element, operators)
    raise unsupported("any")


_WORD_CONDITIONS: dict[Operator, Callable[[str, str], bool]] = {
    Operator.EQ: lambda element, value: element == value,
    Operator.NE: lambda element, value: element != value,
    Operator.STARTS_WITH: lambda element, value: element.startswith(value),
}


def words(value: Any, name: str) -> str:
    """A string, in the form in which it is compared."""
    if not isinstance(value, str):
        raise _wrong_type(name, "a string in single quotes")
    return folded(value)


def exact_words(value: Any, name: str) -> str:
    """A string that is compared with its case."""
    words(value, name)
    return value


def exact_guid(value: Any, name: str) -> bytes:
    """A GUID; on the directory's own identifiers Graph refuses everything else."""
    if not isinstance(value, str) or canonical_guid(value) is None:
        raise _wrong_type(name, "a GUID")
    return guid(value)


def guid_in_a_string(value: Any, name: str) -> bytes | None:
    """A GUID where Graph's type is a plain string: other strings are allowed and equal nothing."""
    return guid(words(value, name)) or None


def instant_literal(value: Any, name: str) -> int:
    """A date with its zone."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _wrong_type(name, "a date and time such as 2026-01-31T00:00:00Z")
    return micros(value)


def number(value: Any, name: str) -> int:
    """A whole number, or the nearest that a column can hold."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(name, "a whole number")
    return max(-_LARGEST, min(value, _LARGEST))


def flag(value: Any, name: str) -> int:
    """true or false, as 1 or 0."""
    if not isinstance(value, bool):
        raise _wrong_type(name, "true or false")
    return int(value)


def unsupported(name: str, operator: Operator | None = None) -> Invalid:
    """Graph's refusal of a question that it could understand and does not answer."""
    what = f"The operator '{operator}' on property '{name}'" if operator else f"Filtering by '{name}'"
    return Invalid(
        f"{what} is not supported. Leave it out of $filter and choose among the answers yourself.",
        code="Request_UnsupportedQuery",
        target=name,
    )


def _wrong_type(name: str, expected: str) -> Invalid:
    return Invalid(f"Invalid value specified for property '{name}' in $filter. It must be {expected}.", target=name)
