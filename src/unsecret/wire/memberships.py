"""The bodies of the actions on memberships.

https://learn.microsoft.com/en-us/graph/api/directoryobject-getmemberobjects, …/directoryobject-checkmemberobjects
"""

from __future__ import annotations

from typing import Any

from unsecret.errors import Invalid
from unsecret.wire.shapes import object_schema

MOST_CHECKED = 20
"""Ids in one request, as documented."""

SECURITY_ENABLED_ONLY = object_schema({"securityEnabledOnly": {"type": "boolean"}}, "securityEnabledOnly")
_IDS = {"type": "array", "items": {"type": "string"}, "maxItems": MOST_CHECKED}
GROUP_IDS = object_schema({"groupIds": _IDS}, "groupIds")
OBJECT_IDS = object_schema({"ids": _IDS}, "ids")


def security_enabled_only_from_graph(body: Any) -> bool:
    """Whether only security groups are asked for. Raises Invalid."""
    asked = body.get("securityEnabledOnly") if isinstance(body, dict) else None
    if not isinstance(asked, bool):
        raise Invalid("This action needs 'securityEnabledOnly', true or false.", target="securityEnabledOnly")
    return asked


def ids_from_graph(body: Any, name: str) -> tuple[str, ...]:
    """The ids that are to be checked. Raises Invalid."""
    ids = body.get(name) if isinstance(body, dict) else None
    if not isinstance(ids, list) or not all(isinstance(text, str) for text in ids):
        raise Invalid(f"This action needs '{name}', a list of ids.", target=name)
    if len(ids) > MOST_CHECKED:
        raise Invalid(f"At most {MOST_CHECKED} ids are checked at a time.", target=name)
    return tuple(ids)
