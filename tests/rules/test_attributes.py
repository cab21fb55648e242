"""What a custom security attribute may hold."""

from __future__ import annotations

from typing import Any

import pytest

from unsecret.model.attributes import AllowedValue, AttributeDefinition, AttributeStatus, AttributeType
from unsecret.rules.attributes import misfit


def _defined(**changed: Any) -> AttributeDefinition:
    given: dict[str, Any] = {
        "attribute_set": "Team",
        "name": "Name",
        "type": AttributeType.STRING,
        "is_collection": False,
        "is_searchable": True,
        "status": AttributeStatus.AVAILABLE,
        "use_predefined_values_only": False,
    } | changed
    return AttributeDefinition(**given)


INTEGER, BOOLEAN = {"type": AttributeType.INTEGER}, {"type": AttributeType.BOOLEAN}
MANY = {"is_collection": True}
FEW = {"use_predefined_values_only": True, "allowed_values": (AllowedValue("a"), AllowedValue("b", is_active=False))}


@pytest.mark.parametrize(
    ("definition", "value", "wrong"),
    [
        ({}, "a", None),
        ({}, 1, "its type is String"),
        ({}, True, "its type is String"),
        ({}, ["a"], "one value"),
        (INTEGER, 1, None),
        (INTEGER, True, "its type is Integer"),
        (INTEGER, "1", "its type is Integer"),
        (BOOLEAN, False, None),
        (BOOLEAN, 0, "its type is Boolean"),
        (MANY, ["a", "b"], None),
        (MANY, "a", "a collection"),
        (MANY, ["a", 1], "its type is String"),
        (FEW, "a", None),
        (FEW, "b", "predefined values only: a"),
        (FEW, "A", "predefined values only: a"),
        (FEW | MANY, ["a", "c"], "predefined values only"),
        ({"status": AttributeStatus.DEPRECATED}, "a", "deprecated"),
    ],
)
def test_a_value_fits_its_definition_or_is_told_why_not(definition: dict[str, Any], value: Any, wrong: str | None):
    found = misfit(_defined(**definition), value)
    assert found is None if wrong is None else wrong in (found or "")
