"""Reading a request body against a resource's table of properties.

https://learn.microsoft.com/en-us/graph/api/application-update: what a PATCH does not name stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from unsecret.errors import Invalid
from unsecret.model.identifiers import canonical_guid
from unsecret.wire.expect import refuse, without_control_information
from unsecret.wire.instants import parse_instant
from unsecret.wire.shapes import Access, Property, object_schema, schema_of, take

Table = Mapping[str, Property]
"""Graph's name of a property → what it is, in the order in which Graph shows them."""


def shown_by_default(table: Table) -> dict[str, Any]:
    """What Graph shows of an object of which nothing was ever written."""
    return {name: row.shape.default for name, row in table.items() if not row.on_select}


def on_select(table: Table) -> dict[str, Any]:
    """The properties that are shown only when `$select` names them, with their defaults."""
    return {name: row.shape.default for name, row in table.items() if row.on_select}


def read_properties(body: Any, table: Table, *, current: Mapping[str, Any], creating: bool) -> dict[str, Any]:
    """Graph's names → values to keep, for the properties that `body` writes. `current` is the object as Graph
    shows it now (its defaults, when `creating`).

    Clients send back what they were given: a property that they may not write is passed over when it says
    what it said before, and refused otherwise. Raises Invalid, which names the property.
    """
    written = {}
    for name, value in _members(body).items():
        row = table.get(name)
        if row is None:
            raise _unknown(name, table)
        if row.access is Access.WRITE or (creating and row.access is Access.CREATE):
            written[name] = take(row.shape, value, name, current.get(name))
        elif not _same(value, current.get(name)):
            raise _not_writable(name, row)
    return written


def under_key(body: Any, name: str, key: str | None) -> Any:
    """`body` with the `key` by which the address names what is to be made. Raises Invalid when it says another."""
    if key is None or not isinstance(body, dict):
        return body
    if not _same(body.get(name, key), key):
        raise refuse(f"Property '{name}' differs from the key in the address.", name)
    return {**body, name: key}


def body_schema(table: Table, *required: str, creating: bool) -> dict[str, Any]:
    """The JSON Schema of the bodies that `read_properties` takes. A property that this request cannot write is marked
    readOnly: it may be sent back as it was shown."""
    members = {}
    for name, row in table.items():
        writable = row.access is Access.WRITE or (creating and row.access is Access.CREATE)
        members[name] = schema_of(row.shape) | ({} if writable else {"readOnly": True})
    return object_schema(members, *required)


def require(name: str, written: Mapping[str, Any]) -> None:
    """Raise Invalid when a new object lacks the property that it cannot be without."""
    if name not in written:
        raise refuse(f"Property '{name}' is required.", name)


def fields_of(
    written: Mapping[str, Any], table: Table, other: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Graph's names → fields of the noun, with `other` among them when it changes. What is as Graph shows it by
    default is not kept."""
    fields: dict[str, Any] = {}
    kept = dict(other)
    for name, value in written.items():
        field = table[name].field
        if field:
            fields[field] = frozen(value)
        elif value == defaults[name]:
            kept.pop(name, None)
        else:
            kept[name] = value
    return fields if kept == other else {**fields, "other": kept}


def frozen(value: Any) -> Any:
    """A collection as the nouns keep it."""
    return tuple(value) if isinstance(value, list) else value


def _members(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Invalid("The body of the request must be a JSON object.")
    return without_control_information(body)


def _unknown(name: str, table: Table) -> Invalid:
    shown = name[:64]
    near = get_close_matches(shown, table, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else " It is not a property of this resource."
    return refuse(f"Invalid property '{shown}'.{hint}", shown)


def _not_writable(name: str, row: Property) -> Invalid:
    when = "cannot be changed after the object was created" if row.access is Access.CREATE else "is read-only"
    said = row.says or f"Property '{name}' {when}."
    return refuse(f"{said} {row.instead}", name)


def _same(sent: Any, shown: Any) -> bool:
    """Whether `sent` repeats what was shown. Clients reformat instants and the case of GUIDs, drop members
    that are null and add control information."""
    if isinstance(sent, dict) and isinstance(shown, dict):
        return all("@" in name or (name in shown and _same(value, shown[name])) for name, value in sent.items())
    if isinstance(sent, list) and isinstance(shown, list):
        return len(sent) == len(shown) and all(map(_same, sent, shown))
    if isinstance(sent, str) and isinstance(shown, str):
        return sent == shown or _same_guid(sent, shown) or _same_instant(sent, shown)
    return sent == shown and type(sent) is type(shown)


def _same_guid(sent: str, shown: str) -> bool:
    return canonical_guid(sent) == canonical_guid(shown) is not None


def _same_instant(sent: str, shown: str) -> bool:
    try:
        return parse_instant(sent) == parse_instant(shown)
    except Invalid:
        return False
