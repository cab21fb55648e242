"""Custom security attributes: which there are, and what they may hold.

https://learn.microsoft.com/en-us/graph/api/resources/customsecurityattributedefinition
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class AttributeType(StrEnum):
    """`type` of a definition."""

    STRING = "String"
    INTEGER = "Integer"
    BOOLEAN = "Boolean"


class AttributeStatus(StrEnum):
    """`status` of a definition; what is deprecated keeps its values and takes no new ones."""

    AVAILABLE = "Available"
    DEPRECATED = "Deprecated"


class AllowedValue(Struct, frozen=True):
    """A value that an attribute with predefined values may hold, as long as it is active."""

    id: str
    is_active: bool = True


class AttributeSet(Struct, frozen=True, kw_only=True):
    """A named group of attributes; its name is its id."""

    id: str
    description: str | None = None
    max_attributes_per_set: int | None = None


class AttributeDefinition(Struct, frozen=True, kw_only=True):
    """One attribute of a set."""

    attribute_set: str
    name: str
    type: AttributeType
    is_collection: bool
    is_searchable: bool
    status: AttributeStatus
    use_predefined_values_only: bool
    description: str | None = None
    allowed_values: tuple[AllowedValue, ...] = ()

    @property
    def id(self) -> str:
        """`<set>_<name>`, as exemptions name it."""
        return f"{self.attribute_set}_{self.name}"
