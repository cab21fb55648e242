"""Sets and definitions of custom security attributes in Graph's words. What objects hold: `custom_security_attributes`.

https://learn.microsoft.com/en-us/graph/api/resources/attributeset, …/customsecurityattributedefinition, …/allowedvalue
"""

from __future__ import annotations

from collections.abc import Iterable
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
from unsecret.wire.shapes import Access, Property, flag, many, record, take, text, whole, word

MOST_ATTRIBUTES = 500
MOST_VALUES = 100
_DELTA = "allowedValues@delta"
_DELTA_VERSION = "4.01"
"""Of OData, which the client has to name: 4.0 has no deltas."""
_LONGEST_DESCRIPTION = 128
_LONGEST_VALUE = 64

_NAME = text(least=1, most=32, pattern=NAME, expected="letters and digits", required=True)
_VALUE = record(id=text(least=1, most=_LONGEST_VALUE, required=True), isActive=flag(default=True))
_VALUES = many(_VALUE, most=MOST_VALUES, by="id")

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
    "allowedValues": Property(_VALUES, None, Access.CREATE),
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


def attribute_definition_from_graph(
    body: Any, existing: AttributeDefinition | None, *, odata_version: str | None = None
) -> AttributeDefinition:
    """A POST (`existing` is None) or a PATCH, which in OData 4.01 may change some predefined values. Raises Invalid,
    for what cannot go together, too."""
    predefined = existing.allowed_values if existing else None
    if predefined is not None and isinstance(body, dict) and _DELTA in body:
        body = dict(body)
        predefined = _after_delta(predefined, body.pop(_DELTA), odata_version)
    current = attribute_definition_to_graph(existing) if existing else {}
    written = current | read_properties(body, DEFINITION, current=current, creating=existing is None)
    for name in NEEDED:
        require(name, written)
    if predefined is None:
        predefined = _allowed_values(written.get("allowedValues", ()))
    definition = AttributeDefinition(
        attribute_set=written["attributeSet"],
        name=written["name"],
        type=AttributeType(written["type"]),
        is_collection=written["isCollection"],
        is_searchable=written["isSearchable"],
        status=AttributeStatus(written["status"]),
        use_predefined_values_only=written["usePreDefinedValuesOnly"],
        description=written.get("description"),
        allowed_values=predefined,
    )
    _require_sense(definition, existing)
    return definition


def _allowed_values(read: Iterable[dict[str, Any]]) -> tuple[AllowedValue, ...]:
    return tuple(AllowedValue(one["id"], one["isActive"]) for one in read)


def _after_delta(before: tuple[AllowedValue, ...], delta: Any, odata_version: str | None) -> tuple[AllowedValue, ...]:
    """Example 2 of https://learn.microsoft.com/en-us/graph/api/customsecurityattributedefinition-update: values that
    are there already are switched, the others added."""
    if (odata_version or "").strip() != _DELTA_VERSION:
        raise refuse(f"'{_DELTA}' needs the header OData-Version: {_DELTA_VERSION}.", _DELTA)
    if isinstance(delta, list) and any("@removed" in one for one in delta if isinstance(one, dict)):
        raise refuse("Predefined values cannot be removed. Set isActive to false.", _DELTA)
    after = {one.id: one for one in (*before, *_allowed_values(take(_VALUES, delta, _DELTA, None)))}
    if len(after) > MOST_VALUES:
        raise refuse(f"An attribute has at most {MOST_VALUES} predefined values.", _DELTA)
    return tuple(after.values())


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
