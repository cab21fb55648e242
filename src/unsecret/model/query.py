"""A question to a collection, as a value: what `$filter`, `$top`, `$skiptoken` and `$orderby` ask for.

Property names are Graph's own (`displayName`, `signInAudience`, `status/errorCode`), because a question is
asked in Graph's words and each reader of it has its own table from those words to what it keeps.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Guid(str):
    """A GUID that was written without quotes: Graph tells it from a string that looks like one."""

    __slots__ = ()


Literal = str | int | bool | datetime | None


class Operator(StrEnum):
    """Comparisons of `$filter`; the last one is what `$search` asks."""

    EQ = "eq"
    NE = "ne"
    GE = "ge"
    GT = "gt"
    LE = "le"
    LT = "lt"
    IN = "in"
    STARTS_WITH = "startswith"
    ENDS_WITH = "endswith"
    CONTAINS = "contains"
    HAS_WORD = "has a word that begins with"


class Comparison(Struct, frozen=True):
    """`property operator value`; for IN, `value` is a tuple. A nested property is a path with slashes."""

    property: str
    operator: Operator
    value: Literal | tuple[Literal, ...]


class AnyOf(Struct, frozen=True):
    """`collection/any(x: …)`. Inside, the element itself is the property `""` and its members are `keyId` etc.
    Without a condition: there are `at_least` so many."""

    collection: str
    where: Filter | None
    at_least: int = 1


class And(Struct, frozen=True):
    """All of `parts` hold."""

    parts: tuple[Filter, ...]


class Or(Struct, frozen=True):
    """One of `parts` holds, or several."""

    parts: tuple[Filter, ...]


class Not(Struct, frozen=True):
    """`part` does not hold."""

    part: Filter


class Held(Struct, frozen=True):
    """A custom security attribute `attribute_set/name` compared with `value`, by its case; of several values one is
    enough. A client's question is a Comparison: it becomes this once it is known that the client may see attributes,
    and nothing else of it can be answered."""

    attribute_set: str
    name: str
    operator: Operator
    value: str | int | bool


Filter = Comparison | AnyOf | Held | And | Or | Not


class OrderBy(Struct, frozen=True):
    """The property that a collection is sorted by."""

    property: str
    descending: bool = False


class Query(Struct, frozen=True, kw_only=True):
    """`after` is the cursor that the last page ended with (opaque to everyone but the store). With `count` a `top` of 0
    asks for the number alone."""

    filter: Filter | None = None
    order_by: OrderBy | None = None
    top: int = 100
    after: str | None = None
    count: bool = False


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """One page of answers; `next` is the cursor of the page after it, `count` the whole number when asked for."""

    items: tuple[T, ...]
    next: str | None = None
    count: int | None = None
