"""What a Graph property may hold: the building blocks of the property tables.

A shape reads one JSON value: it checks it, completes it with the members that Graph always shows, and gives
back what is to be kept. All shapes are closed, so the depth and the size of what a client can store are
bounded by the tables. Every function here raises Invalid with the path of the member at fault and what is
expected there; the value itself is never repeated, it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from enum import Enum, auto
from typing import Any

from msgspec import Struct, field

from unsecret.errors import Invalid
from unsecret.model.identifiers import canonical_guid
from unsecret.wire.expect import UNSTORABLE, a_list, an_object, join, refuse


class Shape(Struct, frozen=True):
    """`read(value, where, current)` gives what is kept. `default` is what Graph shows when nothing was ever
    written, and what null clears to, unless the member is `required`. `schema` says in JSON Schema what `read`
    takes, for who has to be told beforehand; `read` alone decides."""

    read: Callable[[Any, str, Any], Any]
    default: Any = None
    required: bool = False
    schema: Mapping[str, Any] = field(default_factory=dict)


def take(shape: Shape, value: Any, where: str, current: Any = None) -> Any:
    """The value to keep for the member at `where`; `current` is what is kept now."""
    if value is not None:
        return shape.read(value, where, current)
    if shape.required:
        raise refuse(f"Property '{where}' is required and must not be null.", where)
    return deepcopy(shape.default)


def schema_of(shape: Shape) -> dict[str, Any]:
    """The JSON Schema (2020-12, as OpenAPI 3.1 wants it) of a member of this shape, with null where it may stand."""
    if not shape.schema or shape.required:
        return dict(shape.schema)
    return {"anyOf": [dict(shape.schema), {"type": "null"}]}


def unfit(expected: str, where: str) -> Invalid:
    """The refusal of a value that is not what the table says."""
    return refuse(f"Invalid value specified for property '{where}'. Expected {expected}.", where)


def text(
    *,
    most: int = 1024,
    least: int = 0,
    pattern: re.Pattern[str] | None = None,
    expected: str | None = None,
    required: bool = False,
    default: str | None = None,
) -> Shape:
    """A string of `least` to `most` characters; `expected` says in words what `pattern` asks for."""
    length = f"{least} to {most} characters" if least else f"at most {most} characters"
    words = f"{expected} of {length}" if expected else f"a string of {length}"

    def read(value: Any, where: str, _current: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most or UNSTORABLE.search(value):
            raise unfit(words, where)
        if pattern and not pattern.fullmatch(value):
            raise unfit(words, where)
        return value

    schema: dict[str, Any] = {"type": "string", "minLength": least, "maxLength": most}
    if pattern:
        schema["pattern"] = f"^(?:{pattern.pattern})$"
    return Shape(read, default, required, schema)


def flag(*, default: bool | None = None, required: bool = False) -> Shape:
    """true or false."""

    def read(value: Any, where: str, _current: Any) -> bool:
        if not isinstance(value, bool):
            raise unfit("true or false", where)
        return value

    return Shape(read, default, required, {"type": "boolean"})


def whole(low: int, high: int) -> Shape:
    """A whole number from `low` to `high`."""

    def read(value: Any, where: str, _current: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise unfit(f"a whole number from {low} to {high}", where)
        return value

    return Shape(read, schema={"type": "integer", "minimum": low, "maximum": high})


def guid(*, required: bool = False) -> Shape:
    """A GUID, kept in lower case."""

    def read(value: Any, where: str, _current: Any) -> str:
        found = canonical_guid(value) if isinstance(value, str) else None
        if found is None:
            raise unfit("a GUID", where)
        return found

    return Shape(read, None, required, {"type": "string", "format": "uuid"})


def word(*words: str, default: str | None = None, required: bool = False) -> Shape:
    """One of a closed set of words, in Graph's own spelling."""

    def read(value: Any, where: str, _current: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise unfit(f"one of {', '.join(words)}", where)
        return value

    return Shape(read, default, required, {"type": "string", "enum": list(words)})


def fixed(value: str) -> Shape:
    """What the service says about itself: a client may repeat it and cannot change it."""
    return Shape(lambda _value, _where, _current: value, value)


def many(of: Shape, *, most: int, least: int = 0, unique: bool = False, by: str | None = None) -> Shape:
    """A collection, which a write replaces as a whole. `unique` elements, or records told apart `by` a member."""

    def read(value: Any, where: str, _current: Any) -> list[Any]:
        items = a_list(value, where)
        if not least <= len(items) <= most:
            raise unfit(f"a collection of {least} to {most} elements", where)
        kept = [take(of, item, f"{where}[{index}]") for index, item in enumerate(items)]
        if unique or by:
            _require_unique([item[by] if by else item for item in kept], join(where, by) if by else where)
        return kept

    schema = {"type": "array", "items": schema_of(of), "minItems": least, "maxItems": most, "uniqueItems": unique}
    return Shape(read, [], schema=schema)


def _require_unique(keys: list[Any], where: str) -> None:
    if len(set(keys)) != len(keys):
        raise duplicates(where)


def duplicates(where: str) -> Invalid:
    """The refusal of a collection that has the same twice, with Graph's code and words."""
    return Invalid(
        "Request contains a property with duplicate values.",
        code="DuplicateValue",
        hint=f"Each '{where}' can be there once.",
        target=where,
    )


def record(*, nullable: bool = False, dropped: tuple[str, ...] = (), **members: Shape) -> Shape:
    """A complex value. A write merges: members that it does not name stay as they are, or are Graph's
    defaults in a new one. `nullable` ones are null until written; `dropped` members are read past."""
    known = (*members, *dropped)

    def read(value: Any, where: str, current: Any) -> dict[str, Any]:
        kept = {name: deepcopy(member.default) for name, member in members.items()}
        kept.update(current or {})
        for name, given in an_object(value, where, known).items():
            if name not in dropped:
                kept[name] = take(members[name], given, join(where, name), kept[name])
        for name, member in members.items():
            if member.required and kept[name] is None:
                raise refuse(f"Property '{join(where, name)}' is required.", join(where, name))
        return kept

    default = None if nullable else {name: member.default for name, member in members.items()}
    return Shape(read, default, schema=object_schema({name: schema_of(member) for name, member in members.items()}))


def object_schema(members: Mapping[str, Any], *required: str) -> dict[str, Any]:
    """The JSON Schema of an object with these members and no others, but for OData's annotations."""
    return {
        "type": "object",
        "properties": dict(members),
        "required": list(required),
        "patternProperties": {r"^[A-Za-z]*@odata\.[A-Za-z]+$": {}},
        "additionalProperties": False,
    }


class Access(Enum):
    """What a client may do with a property."""

    WRITE = auto()
    CREATE = auto()
    """Given when the object is created, and not changed afterwards."""
    READ = auto()


class Property(Struct, frozen=True):
    """One row of a resource's table.

    `field` is the field of the noun that keeps it; None means that it is kept in `other`, under its own
    name. `on_select` ones are shown only to who asks for them by name. `instead` says what to do
    when a write is refused, `says` what Graph says first, where that is known.
    """

    shape: Shape
    field: str | None = None
    access: Access = Access.WRITE
    on_select: bool = False
    instead: str = "Leave it out."
    says: str = ""
