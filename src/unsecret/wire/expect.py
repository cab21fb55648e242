"""Reading the members of a JSON body: each function gives a value of the right type or names the member at fault.

`where` is the path to the value as a reader of the body would write it (`restrictions.passwordCredentials[0].state`).
Every function raises Invalid with that path in its message and as its target.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from unsecret.errors import Invalid, Unsupported
from unsecret.model.identifiers import canonical_guid

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""No database takes a NUL, no encoder a lone surrogate."""

LONGEST_TEXT = 1024
LONGEST_WORD = 256
MOST_WORDS = 1000
"""Where no page of Graph's names a limit: characters of a name or a description, of an element of a list, and how many
elements a list has. A decision reads every list that applies, and all tenants wait for it."""

_SHOWN = 64
"""How many characters of an unreadable value are repeated in the error."""


def refuse(message: str, where: str) -> Invalid:
    """An Invalid whose target is the member at `where`."""
    return Invalid(message, target=where or None)


def an_object(
    value: Any, where: str, members: Collection[str], *, beta_members: Collection[str] = ()
) -> dict[str, Any]:
    """`value` as a JSON object without its control information.

    A member that is not in `members` is refused: a misspelt restriction that were ignored would leave the
    organisation less protected than its administrator believes. `beta_members` are named as such.
    """
    if not isinstance(value, dict):
        raise refuse(f"Expected an object{_at(where)}, found {_kind(value)}.", where)
    read = without_control_information(value)
    for name in read:
        if name not in members:
            raise _unknown(name, where, members, beta_members)
    return read


def without_control_information(value: dict[str, Any]) -> dict[str, Any]:
    """The members of a JSON object but for `@odata.type`, `x@odata.context` and their like, which OData lets a client
    repeat anywhere and which change nothing. Raises Unsupported for those that would: `x@odata.bind` makes a
    relationship, `x@delta` changes a part of a collection (OData 4.01)."""
    for name in value:
        if name.endswith(("@delta", "@odata.delta")):
            raise Unsupported(
                f"'{name[:256]}' is not supported: a collection is written as a whole.",
                hint="Send all of it, without '@delta'.",
                target=name[:256],
            )
        if name.endswith("@odata.bind"):
            raise Unsupported(
                f"'{name[:256]}' is not supported: relationships are not made while writing an object.",
                hint="Create the object first, then POST the reference to its …/$ref.",
                target=name[:256],
            )
    return {name: member for name, member in value.items() if "@" not in name}


def a_list(value: Any, where: str) -> list[Any]:
    """`value` as a JSON array."""
    if not isinstance(value, list):
        raise refuse(f"Expected an array{_at(where)}, found {_kind(value)}.", where)
    return value


def a_bool(value: Any, where: str) -> bool:
    """`value` as a JSON boolean; the words "true" and "false" in quotes are not one."""
    if not isinstance(value, bool):
        raise refuse(f"Expected true or false{_at(where)}, found {_kind(value)}.", where)
    return value


def a_string(value: Any, where: str) -> str:
    """`value` as a JSON string, which may be empty."""
    if not isinstance(value, str):
        raise refuse(f"Expected a string{_at(where)}, found {_kind(value)}.", where)
    if UNSTORABLE.search(value):
        raise refuse(f"The string{_at(where)} holds a character that cannot be stored.", where)
    return value


def a_text(value: Any, where: str) -> str:
    """`value` as a string with something in it besides white space."""
    if not a_string(value, where).strip():
        raise refuse(f"Property '{where}' is required and must not be empty.", where)
    return value


def a_guid(value: Any, where: str) -> str:
    """`value` as a lower-case GUID."""
    guid = canonical_guid(a_string(value, where))
    if guid is None:
        raise refuse(f"Expected a GUID{_at(where)}, found '{value[:_SHOWN]}'.", where)
    return guid


def a_name(value: Any, where: str, *, longest: int = LONGEST_TEXT) -> str:
    """`value` as a string of bounded length, which may be empty."""
    return _short(a_string(value, where), longest, where)


def strings(value: Any, where: str) -> tuple[str, ...]:
    """`value` as an array of non-empty strings; null is the empty array."""
    items = [] if value is None else a_list(value, where)
    if len(items) > MOST_WORDS:
        raise refuse(f"Property '{where}' lists {len(items)} values; at most {MOST_WORDS} fit.", where)
    paths = [f"{where}[{index}]" for index in range(len(items))]
    return tuple(_short(a_text(item, path), LONGEST_WORD, path) for item, path in zip(items, paths, strict=True))


def join(where: str, name: str) -> str:
    """The path of member `name` of the object at `where`."""
    return f"{where}.{name}" if where else name


def _short(text: str, longest: int, where: str) -> str:
    if len(text) > longest:
        raise refuse(f"The string{_at(where)} is longer than {longest} characters.", where)
    return text


def _unknown(name: str, where: str, members: Collection[str], beta_members: Collection[str]) -> Invalid:
    """Graph's sentence, which names the member alone, and what would have been right
    (https://github.com/Microsoft365DSC/Microsoft365DSC/issues/7182, /7201: names are told apart by case)."""
    path = join(where, name)
    if name in beta_members:
        return refuse(
            f"Invalid property '{name}'. '{path}' does not exist on the v1.0 endpoint; use the beta endpoint for it.",
            path,
        )
    at = f" at '{where}'" if where else ""
    return refuse(f"Invalid property '{name[:256]}'. Expected {_one_of(members)}{at}.", path)


def _one_of(words: Collection[str]) -> str:
    return f"one of {', '.join(words)}" if words else "no properties here"


def _at(where: str) -> str:
    return f" for property '{where}'" if where else " as the request body"


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")
