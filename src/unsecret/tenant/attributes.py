"""/directory/attributeSets and /directory/customSecurityAttributeDefinitions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from unsecret.errors import Invalid
from unsecret.model.attributes import AttributeDefinition
from unsecret.model.query import And, Comparison, Filter, Operator, Page
from unsecret.tenant.call import CREATED, Call, Routes, no_content
from unsecret.tenant.counting import counted
from unsecret.tenant.description import described
from unsecret.tenant.use_cases import attributes
from unsecret.tenant.use_cases.transaction import not_found
from unsecret.wire import collections, json_schemas, odata
from unsecret.wire.attributes import (
    allowed_value_from_graph,
    allowed_value_to_graph,
    attribute_definition_from_graph,
    attribute_definition_to_graph,
    attribute_set_from_graph,
    attribute_set_to_graph,
)

_SETS = "/directory/attributeSets"
_DEFINITIONS = "/directory/customSecurityAttributeDefinitions"
_VALUES = f"{_DEFINITIONS}/{{key}}/allowedValues"


def list_attribute_sets(call: Call) -> Response:
    """GET /directory/attributeSets: the sets of custom security attributes."""
    sets = call.read(attributes.list_attribute_sets)
    return call.whole(sets, attribute_set_to_graph, _SETS.removeprefix("/"), collections.ATTRIBUTE_SETS)


def get_attribute_set(call: Call) -> Response:
    """GET /directory/attributeSets/{name}: one of them."""
    select = call.asked(collections.ATTRIBUTE_SETS).select
    found = call.read(attributes.get_attribute_set, call.path("key"))
    return call.entity(attribute_set_to_graph(found), _SETS.removeprefix("/"), select=select)


@described(201, takes=json_schemas.NEW_ATTRIBUTE_SET)
async def create_attribute_set(call: Call) -> Response:
    """POST /directory/attributeSets: a new set."""
    reading = partial(await call.reading(attribute_set_from_graph), existing=None)
    made = await call.write(attributes.create_attribute_set, reading)
    return call.entity(attribute_set_to_graph(made), _SETS.removeprefix("/"), status=CREATED)


@described(204, takes=json_schemas.ATTRIBUTE_SET)
async def update_attribute_set(call: Call) -> Response:
    """PATCH /directory/attributeSets/{name}: another description or limit."""
    reading = await call.reading(attribute_set_from_graph)
    await call.write(attributes.update_attribute_set, call.path("key"), reading)
    return no_content()


def list_attribute_definitions(call: Call) -> Response:
    """GET /directory/customSecurityAttributeDefinitions: the attributes of all sets."""
    asked = call.asked(collections.ATTRIBUTE_DEFINITIONS, expands=True)
    found = call.read(attributes.list_attribute_definitions)
    chosen = _meeting(asked.query.filter)
    items = tuple(one for one in found if chosen(attribute_definition_to_graph(one)))
    page = Page(items=items, count=len(items) if asked.query.count else None)
    return call.page(page, partial(_expanded, asked), _DEFINITIONS.removeprefix("/"), asked)


def _expanded(asked: odata.Asked, definition: AttributeDefinition) -> dict[str, Any]:
    """With its predefined values, for whom `$expand` asks."""
    shown = attribute_definition_to_graph(definition)
    for name in asked.expand:
        of = asked.within.get(name)
        shown[name] = [odata.select(allowed_value_to_graph(value), of) for value in definition.allowed_values]
    return shown


def _meeting(filter: Filter | None) -> Callable[[dict[str, Any]], bool]:
    """They are few: a filter is answered by looking at each."""
    match filter:
        case None:
            return lambda _: True
        case And(parts):
            tests = [_meeting(part) for part in parts]
            return lambda shown: all(test(shown) for test in tests)
        case Comparison(name, Operator.EQ, value):
            return lambda shown: _folded(shown.get(name)) == _folded(value)
    raise Invalid("Definitions are filtered by eq, joined with and.", code="Request_UnsupportedQuery", target="$filter")


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def get_attribute_definition(call: Call) -> Response:
    """GET /directory/customSecurityAttributeDefinitions/{set_name}: one of them."""
    asked = call.asked(collections.ATTRIBUTE_DEFINITIONS, expands=True)
    found = call.read(attributes.get_attribute_definition, call.path("key"))
    return call.expanded_entity(_expanded(asked, found), _DEFINITIONS.removeprefix("/"), asked)


@described(201, takes=json_schemas.NEW_ATTRIBUTE_DEFINITION)
async def create_attribute_definition(call: Call) -> Response:
    """POST /directory/customSecurityAttributeDefinitions: a new attribute of a set."""
    reading = partial(await call.reading(attribute_definition_from_graph), existing=None)
    made = await call.write(attributes.create_attribute_definition, reading)
    return call.entity(attribute_definition_to_graph(made), _DEFINITIONS.removeprefix("/"), status=CREATED)


@described(204, takes=json_schemas.ATTRIBUTE_DEFINITION)
async def update_attribute_definition(call: Call) -> Response:
    """PATCH /directory/customSecurityAttributeDefinitions/{set_name}: another description or status, or free values."""
    version = call.request.headers.get("odata-version")
    reading = await call.reading(partial(attribute_definition_from_graph, odata_version=version))
    await call.write(attributes.update_attribute_definition, call.path("key"), reading)
    return no_content()


def list_allowed_values(call: Call) -> Response:
    """GET …/customSecurityAttributeDefinitions/{set_name}/allowedValues: its predefined values."""
    found = call.read(attributes.get_attribute_definition, call.path("key"))
    context = f"directory/customSecurityAttributeDefinitions('{found.id}')/allowedValues"
    return call.whole(found.allowed_values, allowed_value_to_graph, context, collections.ALLOWED_VALUES)


def get_allowed_value(call: Call) -> Response:
    """GET …/allowedValues/{value}: one of them."""
    found = call.read(attributes.get_attribute_definition, call.path("key"))
    value = next((one for one in found.allowed_values if one.id == call.path("value")), None)
    if value is None:
        raise not_found(call.path("value"))
    return call.entity(allowed_value_to_graph(value), f"{_DEFINITIONS.removeprefix('/')}('{found.id}')/allowedValues")


@described(201, takes=json_schemas.ALLOWED_VALUE)
async def add_allowed_value(call: Call) -> Response:
    """POST …/customSecurityAttributeDefinitions/{set_name}/allowedValues: one more predefined value."""
    reading = partial(await call.reading(allowed_value_from_graph), existing=None)
    made = await call.write(attributes.add_allowed_value, call.path("key"), reading)
    context = f"directory/customSecurityAttributeDefinitions('{call.path('key')}')/allowedValues"
    return call.entity(allowed_value_to_graph(made), context, status=CREATED)


@described(204, takes=json_schemas.CHANGED_ALLOWED_VALUE)
async def update_allowed_value(call: Call) -> Response:
    """PATCH …/allowedValues/{value}: switch it on or off."""
    reading = await call.reading(allowed_value_from_graph)
    await call.write(attributes.update_allowed_value, call.path("key"), call.path("value"), reading)
    return no_content()


ROUTES: Routes = [
    *counted(_SETS, list_attribute_sets),
    ("POST", _SETS, create_attribute_set),
    ("GET", f"{_SETS}/{{key}}", get_attribute_set),
    ("PATCH", f"{_SETS}/{{key}}", update_attribute_set),
    *counted(_DEFINITIONS, list_attribute_definitions),
    ("POST", _DEFINITIONS, create_attribute_definition),
    ("GET", f"{_DEFINITIONS}/{{key}}", get_attribute_definition),
    ("PATCH", f"{_DEFINITIONS}/{{key}}", update_attribute_definition),
    *counted(_VALUES, list_allowed_values),
    ("POST", _VALUES, add_allowed_value),
    ("GET", f"{_VALUES}/{{value}}", get_allowed_value),
    ("PATCH", f"{_VALUES}/{{value}}", update_allowed_value),
]
