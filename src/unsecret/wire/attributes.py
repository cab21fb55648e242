"""Sets and definitions of custom security attributes in Graph's words. What objects hold: `custom_security_attributes`.

https://learn.microsoft.com/en-us/graph/api/resources/attributeset, …/customsecurityattributedefinition, …/allowedvalue
"""

from __future__ import annotations

from typing import Any

import msgspec

from unsecret.model.attributes import (
    AllowedValue,
    AttributeDefinition,
    AttributeSet,
    AttributeStatus,
    AttributeType,
)
from unsecret.wire.custom_security_attributes import NAME
from unsecret.wire.expect import refuse
from unsecret.wire.properties import read_properties, require
from unsecret.wire.shapes import Access, Property, flag, many, record, text, whole, word

MOST_ATTRIBUTES = 500
MOST_VALUES = 100
_LONGEST_DESCRIPTION = 128
_LONGEST_VALUE = 64

_NAME = text(least=1, most=32, pattern=NAME, expected="letters and digits", required=True)
_VALUE = record(id=text(least=1, most=_LONGEST_VALUE, required=True), isActive=flag(default=True))

SET: dict[str, Property] = {
    "id": Property(_NAME, None, Access.CREATE),
    "description": Property(text(most=_LONGEST_DESCRIPTION)),
    "maxAttributesPerSet": Property(whole(1, MOST_ATTRIBUTES)),
}

DEFINITION: dict[str, Property] = {
    "id": Property(text(), None, Access.READ),
    "attributeSet": Property(_NAME, None, Access.CREATE),
    "name": Property(_NAME, None, Access.CREATE),
    "description": Property(text(most=_LONGEST_DESCRIPTION)),
    "type": Property(word(*(str(one) for one in AttributeType), required=True), None, Access.CREATE),
    "isCollection": Property(flag(required=True), None, Access.CREATE),
    "isSearchable": Property(flag(required=True), None, Access.CREATE),
    "status": Property(word(*(str(one) for one in AttributeStatus), required=True)),
    "usePreDefinedValuesOnly": Property(flag(required=True)),
    "allowedValues": Property(many(_VALUE, most=MOST_VALUES, by="id"), None, Access.CREATE),
}
NEEDED = ("attributeSet", "name", "type", "isCollection", "isSearchable", "status", "usePreDefinedValuesOnly")

ALLOWED_VALUE: dict[str, Property] = {
    "id": Property(text(least=1, most=_LONGEST_VALUE, required=True), None, Access.CREATE),
    "isActive": Property(flag(required=True)),
}


def attribute_set_to_graph(shown: AttributeSet) -> dict[str, Any]:
    """An attributeSet."""
    return {"id": shown.id, "description": shown.description, "maxAttributesPerSet": shown.max_attributes_per_set}


def attribute_set_from_graph(body: Any, existing: AttributeSet | None) -> AttributeSet:
    """A POST (`existing` is None) or a PATCH. Raises Invalid."""
    current = attribute_set_to_graph(existing) if existing else {}
    written = current | read_properties(body, SET, current=current, creating=existing is None)
    require("id", written)
    return AttributeSet(
        id=written["id"],
        description=written.get("description"),
        max_attributes_per_set=written.get("maxAttributesPerSet"),
    )


def attribute_definition_to_graph(shown: AttributeDefinition) -> dict[str, Any]:
    """A customSecurityAttributeDefinition; its allowed values are a collection of their own."""
    return {
        "attributeSet": shown.attribute_set,
        "description": shown.description,
        "id": shown.id,
        "isCollection": shown.is_collection,
        "isSearchable": shown.is_searchable,
        "name": shown.name,
        "status": str(shown.status),
        "type": str(shown.type),
        "usePreDefinedValuesOnly": shown.use_predefined_values_only,
    }


def attribute_definition_from_graph(body: Any, existing: AttributeDefinition | None) -> AttributeDefinition:
    """A POST (`existing` is None) or a PATCH. Raises Invalid, for what cannot go together, too."""
    current = attribute_definition_to_graph(existing) if existing else {}
    written = current | read_properties(body, DEFINITION, current=current, creating=existing is None)
    for name in NEEDED:
        require(name, written)
    values = [AllowedValue(one["id"], one["isActive"]) for one in written.get("allowedValues", ())]
    definition = AttributeDefinition(
        attribute_set=written["attributeSet"],
        name=written["name"],
        type=AttributeType(written["type"]),
        is_collection=written["isCollection"],
        is_searchable=written["isSearchable"],
        status=AttributeStatus(written["status"]),
        use_predefined_values_only=written["usePreDefinedValuesOnly"],
        description=written.get("description"),
        allowed_values=existing.allowed_values if existing else tuple(values),
    )
    _require_sense(definition, existing)
    return definition


def _require_sense(definition: AttributeDefinition, existing: AttributeDefinition | None) -> None:
    if definition.type is AttributeType.BOOLEAN and definition.is_collection:
        raise refuse("Property 'isCollection' cannot be true when type is Boolean.", "isCollection")
    if definition.type is AttributeType.BOOLEAN and definition.use_predefined_values_only:
        raise refuse(
            "Property 'usePreDefinedValuesOnly' cannot be true when type is Boolean.", "usePreDefinedValuesOnly"
        )
    if existing and definition.use_predefined_values_only and not existing.use_predefined_values_only:
        raise refuse(
            "Property 'usePreDefinedValuesOnly' cannot be changed from false to true.", "usePreDefinedValuesOnly"
        )


def allowed_value_to_graph(value: AllowedValue) -> dict[str, Any]:
    """An allowedValue."""
    return {"id": value.id, "isActive": value.is_active}


def allowed_value_from_graph(body: Any, existing: AllowedValue | None) -> AllowedValue:
    """A POST (`existing` is None) or a PATCH. Raises Invalid."""
    current = allowed_value_to_graph(existing) if existing else {}
    written = current | read_properties(body, ALLOWED_VALUE, current=current, creating=existing is None)
    for name in ALLOWED_VALUE:
        require(name, written)
    return msgspec.structs.replace(existing or AllowedValue(written["id"]), is_active=written["isActive"])
