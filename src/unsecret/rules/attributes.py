"""May an attribute hold a value? Its definition says so.

https://learn.microsoft.com/en-us/entra/fundamentals/custom-security-attributes-overview
"""

from __future__ import annotations

from typing import Any

from unsecret.model.attributes import AttributeDefinition, AttributeStatus, AttributeType


def misfit(definition: AttributeDefinition, value: Any) -> str | None:
    """What is wrong with `value`, in words; None when the attribute may hold it."""
    if definition.status is AttributeStatus.DEPRECATED:
        return "it is deprecated and takes no new values"
    if isinstance(value, list) is not definition.is_collection:
        return "it holds a collection" if definition.is_collection else "it holds one value and no collection"
    values = value if isinstance(value, list) else [value]
    if not all(_is_of(definition.type, one) for one in values):
        return f"its type is {definition.type}"
    if definition.use_predefined_values_only:
        allowed = {one.id for one in definition.allowed_values if one.is_active}
        if not {str(one) for one in values} <= allowed:
            return f"it holds predefined values only: {', '.join(sorted(allowed)) or 'there are none yet'}"
    return None


def unaskable(definition: AttributeDefinition, value: Any) -> str | None:
    """Why nobody can be found by whether their attribute is `value`, in words; None when they can. Of an attribute that
    is not searchable the values are not indexed
    (https://learn.microsoft.com/en-us/graph/api/resources/customsecurityattributedefinition)."""
    if not definition.is_searchable:
        return "it is not searchable"
    return None if _is_of(definition.type, value) else f"its type is {definition.type}"


def _is_of(kind: AttributeType, value: Any) -> bool:
    match kind:
        case AttributeType.BOOLEAN:
            return isinstance(value, bool)
        case AttributeType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case AttributeType.STRING:
            return isinstance(value, str)
