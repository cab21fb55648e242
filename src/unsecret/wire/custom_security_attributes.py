"""`customSecurityAttributes`: what exempts a caller from a policy.

https://learn.microsoft.com/en-us/graph/custom-security-attributes-examples

On the wire an attribute set is an object whose members are attributes, between annotations that name
their types; in the noun it is attribute set → attribute → value.
"""

from __future__ import annotations

import re
from typing import Any

from unsecret.wire.expect import an_object, join
from unsecret.wire.shapes import unfit

NAME = re.compile(r"[^\W_]{1,32}")
"""Letters and digits. An exemption names an attribute as `<set>_<attribute>`: with an underscore inside a name,
two different attributes could have the same id, and one could pass for the other."""

_MOST_SETS = 500
_MOST_ATTRIBUTES = 500
_MOST_VALUES = 50
_LONGEST_VALUE = 64
_INT32 = 2**31


def attributes_to_graph(attributes: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """All sets with the annotations that Graph puts beside numbers and collections; null when there are none."""
    return {name: _set_to_graph(values) for name, values in attributes.items()} or None


def _set_to_graph(values: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"@odata.type": "#microsoft.graph.customSecurityAttributeValue"}
    for name, value in values.items():
        annotation = _type_of(value)
        if annotation:
            shown[f"{name}@odata.type"] = annotation
        shown[name] = value
    return shown


def _type_of(value: Any) -> str | None:
    if isinstance(value, list):
        return "#Collection(Int32)" if value and isinstance(value[0], int) else "#Collection(String)"
    return "#Int32" if isinstance(value, int) and not isinstance(value, bool) else None


def attributes_from_graph(value: Any, where: str, current: Any = None) -> dict[str, dict[str, Any]]:
    """The attributes after a write: sets and attributes that it does not name stay, null and the empty
    collection take one away. `current` and the answer are in the noun's form. Raises Invalid."""
    kept = {name: dict(values) for name, values in (current or {}).items()}
    for name, members in _named(value, where, _MOST_SETS).items():
        path = join(where, name)
        values = {**kept.get(name, {}), **_values(members, path)}
        kept[name] = {attribute: item for attribute, item in values.items() if item not in (None, [])}
    return {name: values for name, values in kept.items() if values}


def _values(members: Any, where: str) -> dict[str, Any]:
    named = _named(members, where, _MOST_ATTRIBUTES)
    return {name: _value(value, join(where, name)) for name, value in named.items()}


def _named(value: Any, where: str, most: int) -> dict[str, Any]:
    members = an_object(value, where, value if isinstance(value, dict) else ())
    if len(members) > most:
        raise unfit(f"at most {most} members", where)
    for name in members:
        if not NAME.fullmatch(name):
            raise unfit("names of 1 to 32 letters and digits as members", where)
    return members


def _value(value: Any, where: str) -> Any:
    if isinstance(value, list):
        return _collection(value, where)
    if value is None or isinstance(value, bool) or _is_text(value) or _is_number(value):
        return value
    raise unfit(
        f"a string of at most {_LONGEST_VALUE} characters, a whole number, true or false, or a collection", where
    )


def _collection(values: list[Any], where: str) -> list[Any]:
    """Strings or numbers, never both."""
    if len(values) > _MOST_VALUES or not (all(map(_is_text, values)) or all(map(_is_number, values))):
        raise unfit(f"a collection of at most {_MOST_VALUES} strings or of as many whole numbers", where)
    return values


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_VALUE and value.isprintable()


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_INT32 <= value < _INT32
