"""Whether an answer has the shape of a policy, as far as anything is read of it.

Members that this software does not know may be anything. Of those that it knows, another type would be taken for
something that is not there: a policy whose entries cannot be read would look like one that has none.
https://learn.microsoft.com/en-us/graph/api/resources/appmanagementpolicy
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, field

from unsecret.errors import Invalid

_SECTIONS = ("applicationRestrictions", "servicePrincipalRestrictions", "restrictions")
_INNER = "applicationRestrictions"


class _Caller(Struct, rename="camel"):
    id: str | None = None
    operator: str | None = None
    kind: str | None = field(default=None, name="@odata.type")


class _Excluded(Struct, rename="camel"):
    custom_security_attributes: list[_Caller] | None = None


class _Entry(Struct, rename="camel"):
    state: str | None = None
    restrict_for_apps_created_after_date_time: str | None = None
    max_lifetime: str | None = None
    exclude_actors: _Excluded | None = None


class _Listed(Struct, rename="camel"):
    """In a list an entry says its kind itself."""

    restriction_type: str


class _Policy(Struct, rename="camel"):
    id: str | None = None
    display_name: str | None = None
    description: str | None = None
    is_enabled: bool | None = None


def require_policy_shape(policy: Any, where: str) -> None:
    """Raises Invalid, with `where` it was found, for what cannot be read as a policy."""
    try:
        msgspec.convert(policy, _Policy)
        for entry, is_listed in _entries(policy):
            msgspec.convert(entry, _Entry)
            if is_listed:
                msgspec.convert(entry, _Listed)
    except msgspec.ValidationError as problem:
        raise Invalid(f"{where} holds what is no policy: {problem}.", code="UnexpectedAnswer") from None


def _entries(policy: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    for name in _SECTIONS:
        for group, value in _members(policy.get(name), name):
            is_inner = name == "restrictions" and group == _INNER
            groups = _members(value, group) if is_inner else [(group, value)]
            for name_of_group, entries in groups:
                if isinstance(entries, list):
                    yield from ((one, True) for one in entries)
                else:
                    yield from ((one, False) for _, one in _members(entries, name_of_group))


def _members(value: Any, name: str) -> list[tuple[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, dict):
        raise msgspec.ValidationError(f"'{name}' is {type(value).__name__}, expected an object or a list")
    return [(member, one) for member, one in value.items() if "@" not in member and one is not None]
