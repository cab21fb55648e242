"""Sets and definitions of custom security attributes. Names are told apart without regard to case, as in Entra."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from unsecret.errors import Conflict
from unsecret.model.attributes import AttributeDefinition, AttributeSet
from unsecret.model.identifiers import TenantId
from unsecret.store.columns import body_of, folded, guid
from unsecret.store.live_objects import not_found
from unsecret.store.schema import attribute_definition, attribute_set
from unsecret.store.statement import Insertion, Statement

_set, _definition = attribute_set.c, attribute_definition.c
_decode_set = msgspec.json.Decoder(AttributeSet).decode
_decode_definition = msgspec.json.Decoder(AttributeDefinition).decode

_SET_NAMED = (_set.tenant_id == bindparam("tenant_id"), _set.folded_name == bindparam("name"))
_DEFINITION_NAMED = (
    _definition.tenant_id == bindparam("tenant_id"),
    _definition.folded_set == bindparam("set_name"),
    _definition.folded_name == bindparam("name"),
)
_GET_SET = Statement(select(_set.body).where(*_SET_NAMED))
_GET_DEFINITION = Statement(select(_definition.body).where(*_DEFINITION_NAMED))
_SETS = Statement(select(_set.body).where(_set.tenant_id == bindparam("tenant_id")).order_by(_set.id))
_DEFINITIONS = Statement(
    select(_definition.body).where(_definition.tenant_id == bindparam("tenant_id")).order_by(_definition.id)
)
_ADD_SET = Insertion(attribute_set)
_ADD_DEFINITION = Insertion(attribute_definition)
_REPLACE_SET = Statement(update(attribute_set).values(body=bindparam("new_body")).where(*_SET_NAMED))
_REPLACE_DEFINITION = Statement(
    update(attribute_definition).values(body=bindparam("new_body")).where(*_DEFINITION_NAMED)
)


def add_set(conn: Connection, tenant_id: TenantId, made: AttributeSet) -> None:
    """Raises Conflict when there is a set of this name."""
    if get_set(conn, tenant_id, made.id) is not None:
        raise _taken("id", made.id)
    _ADD_SET.run(conn, tenant_id=guid(tenant_id), folded_name=folded(made.id), body=body_of(made))


def get_set(conn: Connection, tenant_id: TenantId, name: str) -> AttributeSet | None:
    """The set of this name, in any case."""
    found = _GET_SET.one(conn, tenant_id=guid(tenant_id), name=folded(name))
    return _decode_set(found[0]) if found else None


def list_sets(conn: Connection, tenant_id: TenantId) -> tuple[AttributeSet, ...]:
    """Every set, oldest first."""
    return tuple(_decode_set(body) for (body,) in _SETS.all(conn, tenant_id=guid(tenant_id)))


def replace_set(conn: Connection, tenant_id: TenantId, changed: AttributeSet) -> None:
    """Raises NotFound."""
    values = {"tenant_id": guid(tenant_id), "name": folded(changed.id)}
    if not _REPLACE_SET.run(conn, new_body=body_of(changed), **values):
        raise not_found(changed.id)


def add_definition(conn: Connection, tenant_id: TenantId, made: AttributeDefinition) -> None:
    """Raises Conflict when the set has an attribute of this name."""
    if get_definition(conn, tenant_id, made.attribute_set, made.name) is not None:
        raise _taken("name", made.id)
    _ADD_DEFINITION.run(
        conn,
        tenant_id=guid(tenant_id),
        folded_set=folded(made.attribute_set),
        folded_name=folded(made.name),
        body=body_of(made),
    )


def get_definition(conn: Connection, tenant_id: TenantId, set_name: str, name: str) -> AttributeDefinition | None:
    """The attribute of this name in the set of that name, both in any case."""
    values = {"tenant_id": guid(tenant_id), "set_name": folded(set_name), "name": folded(name)}
    found = _GET_DEFINITION.one(conn, **values)
    return _decode_definition(found[0]) if found else None


def list_definitions(conn: Connection, tenant_id: TenantId) -> tuple[AttributeDefinition, ...]:
    """Every definition, oldest first."""
    return tuple(_decode_definition(body) for (body,) in _DEFINITIONS.all(conn, tenant_id=guid(tenant_id)))


def replace_definition(conn: Connection, tenant_id: TenantId, changed: AttributeDefinition) -> None:
    """Raises NotFound."""
    values = {
        "tenant_id": guid(tenant_id),
        "set_name": folded(changed.attribute_set),
        "name": folded(changed.name),
    }
    if not _REPLACE_DEFINITION.run(conn, new_body=body_of(changed), **values):
        raise not_found(changed.id)


def _taken(property: str, value: str) -> Conflict:
    return Conflict(
        f"Another object with the same value for property {property} already exists. "
        f"Choose another name than '{value}'.",
        target=property,
    )
