"""Custom security attributes: define them, and hold what is assigned to the definitions.

https://learn.microsoft.com/en-us/graph/api/directory-post-customsecurityattributedefinitions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from unsecret.errors import Conflict, Invalid
from unsecret.model.attributes import AllowedValue, AttributeDefinition, AttributeSet
from unsecret.model.event import Activity, ModifiedProperty, OperationType, Target
from unsecret.model.query import And, Comparison, Filter, Held, Not, Operator, Or, Query
from unsecret.rules.attributes import misfit, unaskable
from unsecret.rules.permission import Operation
from unsecret.store import attributes
from unsecret.store.filters import ATTRIBUTES
from unsecret.tenant.use_cases.transaction import Transaction, not_found
from unsecret.wire.attributes import MOST_ATTRIBUTES, MOST_VALUES, attribute_definition_to_graph, attribute_set_to_graph
from unsecret.wire.custom_security_attributes import NAME
from unsecret.wire.logs import as_json

Assigned = dict[str, dict[str, Any]]
_CATEGORY = "AttributeManagement"
_ASKED_BY = frozenset({Operator.EQ, Operator.NE, Operator.STARTS_WITH})
"""https://learn.microsoft.com/en-us/graph/api/resources/user#properties"""


def held_to_definitions(transaction: Transaction, before: Assigned, after: Assigned) -> Assigned:
    """`after`, spelt as the definitions spell it. Raises Invalid when what differs from `before` is not defined, or its
    definition does not let it be. What was assigned before there were definitions stays."""
    settled: Assigned = {}
    for set_name, held in after.items():
        for name, value in held.items():
            if before.get(set_name, {}).get(name) == value:
                settled.setdefault(set_name, {})[name] = value
                continue
            definition = _assignable(transaction, set_name, name, value)
            settled.setdefault(definition.attribute_set, {})[definition.name] = value
    return settled


def _assignable(transaction: Transaction, set_name: str, name: str, value: Any) -> AttributeDefinition:
    definition = attributes.get_definition(transaction.conn, transaction.tenant_id, set_name, name)
    target = f"customSecurityAttributes.{set_name}.{name}"
    if definition is None:
        raise Invalid(
            f"The custom security attribute '{set_name}_{name}' is not defined. Define it first, with POST "
            "/directory/customSecurityAttributeDefinitions.",
            target=target,
        )
    wrong = misfit(definition, value)
    if wrong is not None:
        raise Invalid(f"The value of '{definition.id}' cannot be assigned: {wrong}.", target=target)
    return definition


def permitted_question(transaction: Transaction, query: Query) -> Query:
    """`query`, with what it asks about custom security attributes as the store answers it. Raises Forbidden for a
    caller who may not see them, who could find out all about them by asking; Invalid for what cannot be asked."""
    return (
        query if query.filter is None else msgspec.structs.replace(query, filter=_permitted(transaction, query.filter))
    )


def _permitted(transaction: Transaction, asked: Filter) -> Filter:
    match asked:
        case And(parts):
            return And(tuple(_permitted(transaction, part) for part in parts))
        case Or(parts):
            return Or(tuple(_permitted(transaction, part) for part in parts))
        case Not(part):
            return Not(_permitted(transaction, part))
        case Comparison() if asked.property.partition("/")[0] == ATTRIBUTES:
            transaction.permit(Operation.READ_CUSTOM_SECURITY_ATTRIBUTES)
            return _held(transaction, asked)
        case _:
            return asked


def _held(transaction: Transaction, asked: Comparison) -> Held:
    """Names are found in any case, values by their case. Who has an attribute that is not defined any more, or never
    was, is found by what they have."""
    _, *names = asked.property.split("/")
    value = asked.value
    named = len(names) == 2 and all(map(NAME.fullmatch, names))
    if not named or asked.operator not in _ASKED_BY or not isinstance(value, str | int):
        raise Invalid(
            "Custom security attributes are filtered by customSecurityAttributes/<set>/<attribute> and eq, ne or "
            "startsWith, with a string, a whole number, true or false.",
            code="Request_UnsupportedQuery",
            target="$filter",
        )
    definition = attributes.get_definition(transaction.conn, transaction.tenant_id, *names)
    if definition is None:
        return Held(*names, asked.operator, value)
    wrong = unaskable(definition, value)
    if wrong is not None:
        raise Invalid(f"'{definition.id}' cannot be compared so in $filter: {wrong}.", target="$filter")
    return Held(definition.attribute_set, definition.name, asked.operator, value)


def list_attribute_sets(transaction: Transaction) -> tuple[AttributeSet, ...]:
    """All sets."""
    transaction.permit(Operation.READ_ATTRIBUTE_DEFINITION)
    return attributes.list_sets(transaction.conn, transaction.tenant_id)


def get_attribute_set(transaction: Transaction, name: str) -> AttributeSet:
    """One of them. Raises NotFound."""
    transaction.permit(Operation.READ_ATTRIBUTE_DEFINITION)
    return _set(transaction, name)


def create_attribute_set(transaction: Transaction, decode: Callable[[], AttributeSet]) -> AttributeSet:
    """A new set. Raises Forbidden, Conflict, Invalid (there are too many)."""
    transaction.attempt(Activity.ADD_ATTRIBUTE_SET, OperationType.ADD, None, _CATEGORY)
    made = decode()
    _announce(transaction, Activity.ADD_ATTRIBUTE_SET, OperationType.ADD, made.id)
    if len(attributes.list_sets(transaction.conn, transaction.tenant_id)) >= MOST_ATTRIBUTES:
        raise Invalid(f"There are {MOST_ATTRIBUTES} attribute sets already; no more fit.")
    attributes.add_set(transaction.conn, transaction.tenant_id, made)
    transaction.record(_changed(None, attribute_set_to_graph(made)))
    return made


def update_attribute_set(transaction: Transaction, name: str, change: Callable[[AttributeSet], AttributeSet]) -> None:
    """Another description or limit. Raises Forbidden, NotFound."""
    _announce(transaction, Activity.UPDATE_ATTRIBUTE_SET, OperationType.UPDATE, name)
    before = _set(transaction, name)
    after = change(before)
    attributes.replace_set(transaction.conn, transaction.tenant_id, after)
    transaction.record(_changed(attribute_set_to_graph(before), attribute_set_to_graph(after)))


def list_attribute_definitions(transaction: Transaction) -> tuple[AttributeDefinition, ...]:
    """All definitions."""
    transaction.permit(Operation.READ_ATTRIBUTE_DEFINITION)
    return attributes.list_definitions(transaction.conn, transaction.tenant_id)


def get_attribute_definition(transaction: Transaction, identifier: str) -> AttributeDefinition:
    """One of them. Raises NotFound."""
    transaction.permit(Operation.READ_ATTRIBUTE_DEFINITION)
    return _definition(transaction, identifier)


def create_attribute_definition(
    transaction: Transaction, decode: Callable[[], AttributeDefinition]
) -> AttributeDefinition:
    """A new attribute of a set. Raises Forbidden, NotFound (no such set), Conflict, Invalid (there are too many)."""
    transaction.attempt(Activity.ADD_ATTRIBUTE_DEFINITION, OperationType.ADD, None, _CATEGORY)
    made = decode()
    _announce(transaction, Activity.ADD_ATTRIBUTE_DEFINITION, OperationType.ADD, made.id)
    of = _set(transaction, made.attribute_set)
    present = attributes.list_definitions(transaction.conn, transaction.tenant_id)
    in_set = sum(one.attribute_set == of.id for one in present)
    if len(present) >= MOST_ATTRIBUTES or in_set >= (of.max_attributes_per_set or MOST_ATTRIBUTES):
        raise Invalid(f"The attribute set '{of.id}', or the tenant, has as many attributes as it can have.")
    made = msgspec.structs.replace(made, attribute_set=of.id)
    attributes.add_definition(transaction.conn, transaction.tenant_id, made)
    transaction.record(_changed(None, attribute_definition_to_graph(made)))
    return made


def update_attribute_definition(
    transaction: Transaction, identifier: str, change: Callable[[AttributeDefinition], AttributeDefinition]
) -> None:
    """Another description or status, or free values. Raises Forbidden, NotFound, Invalid."""
    _announce(transaction, Activity.UPDATE_ATTRIBUTE_DEFINITION, OperationType.UPDATE, identifier)
    before = _definition(transaction, identifier)
    _replace(transaction, before, change(before))


def add_allowed_value(transaction: Transaction, identifier: str, decode: Callable[[], AllowedValue]) -> AllowedValue:
    """One more predefined value. Raises Forbidden, NotFound, Conflict, Invalid (there are too many)."""
    _announce(transaction, Activity.UPDATE_ATTRIBUTE_DEFINITION, OperationType.UPDATE, identifier)
    value = decode()
    before = _definition(transaction, identifier)
    if any(one.id == value.id for one in before.allowed_values):
        raise Conflict(f"The value '{value.id}' is there already. Nothing needs to be added.", target="id")
    if len(before.allowed_values) >= MOST_VALUES:
        raise Invalid(f"'{before.id}' has {MOST_VALUES} predefined values already; no more fit.")
    after = msgspec.structs.replace(before, allowed_values=(*before.allowed_values, value))
    _replace(transaction, before, after)
    return value


def update_allowed_value(
    transaction: Transaction, identifier: str, value_id: str, change: Callable[[AllowedValue], AllowedValue]
) -> None:
    """Switch a predefined value on or off. Raises Forbidden, NotFound."""
    _announce(transaction, Activity.UPDATE_ATTRIBUTE_DEFINITION, OperationType.UPDATE, identifier)
    before = _definition(transaction, identifier)
    if all(one.id != value_id for one in before.allowed_values):
        raise not_found(value_id)
    values = tuple(change(one) if one.id == value_id else one for one in before.allowed_values)
    _replace(transaction, before, msgspec.structs.replace(before, allowed_values=values))


def _replace(transaction: Transaction, before: AttributeDefinition, after: AttributeDefinition) -> None:
    attributes.replace_definition(transaction.conn, transaction.tenant_id, after)
    transaction.record(_changed(attribute_definition_to_graph(before), attribute_definition_to_graph(after)))


def _set(transaction: Transaction, name: str) -> AttributeSet:
    found = attributes.get_set(transaction.conn, transaction.tenant_id, name)
    if found is None:
        raise not_found(name)
    return found


def _definition(transaction: Transaction, identifier: str) -> AttributeDefinition:
    set_name, _, name = identifier.partition("_")
    found = attributes.get_definition(transaction.conn, transaction.tenant_id, set_name, name)
    if found is None:
        raise not_found(identifier)
    return found


def _announce(transaction: Transaction, activity: Activity, operation_type: OperationType, name: str) -> None:
    target = Target(id=name[:256], display_name=name[:256], type="CustomSecurityAttribute")
    transaction.attempt(activity, operation_type, target, _CATEGORY)
    transaction.permit(Operation.WRITE_ATTRIBUTE_DEFINITION)


def _changed(before: dict[str, Any] | None, after: dict[str, Any]) -> ModifiedProperty:
    return ModifiedProperty("Definition", as_json(before) if before else None, as_json(after))
