"""/directory/deletedItems: what was deleted in the last 30 days."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.responses import Response

from unsecret.model.application import ObjectKind
from unsecret.model.deleted import DeletedObject
from unsecret.tenant.call import Call, Route, Routes, name_of, no_content
from unsecret.tenant.counting import counted
from unsecret.tenant.directory_objects import encode, shows_attributes
from unsecret.tenant.use_cases import deleted_items
from unsecret.tenant.use_cases.transaction import not_found
from unsecret.wire import collections
from unsecret.wire.directory import deleted_to_graph, directory_object_to_graph

_ROOT = "/directory/deletedItems"


def list_deleted(kind: ObjectKind, call: Call) -> Response:
    """GET /directory/deletedItems/microsoft.graph.application: those that can still be restored."""
    asked = call.asked(collections.DELETED[kind])
    page = call.read(deleted_items.list_deleted, kind, asked.query, with_attributes=shows_attributes(asked.select))

    def shown(item: DeletedObject) -> dict[str, Any]:
        return deleted_to_graph(encode(item.object, call, asked.select), item.deleted_at)

    return call.page(page, shown, name_of(kind), asked)


def list_none(context: str, call: Call) -> Response:
    """GET /directory/deletedItems/microsoft.graph.group: of groups and administrative units there are none here."""
    shown = partial(directory_object_to_graph, beta=call.beta)
    return call.whole(call.read(deleted_items.list_none), shown, context, collections.RELATED_OBJECTS)


def get_deleted(call: Call) -> Response:
    """GET /directory/deletedItems/{id}: one of any kind."""
    select = call.asked(collections.DIRECTORY_OBJECTS).select
    item = call.read(deleted_items.get_deleted, call.path("key"))
    body = deleted_to_graph(directory_object_to_graph(item.object, beta=call.beta), item.deleted_at)
    return call.entity(body, "directoryObjects", select=select)


def get_deleted_as(kind: ObjectKind, call: Call) -> Response:
    """GET /directory/deletedItems/{id}/microsoft.graph.application: one, if it is of that kind."""
    select = call.asked(collections.DELETED[kind]).select
    item = call.read(deleted_items.get_deleted, call.path("key"), with_attributes=shows_attributes(select))
    if item.object.kind is not kind:
        raise not_found(call.path("key"))
    return call.entity(
        deleted_to_graph(encode(item.object, call, select), item.deleted_at), name_of(kind), select=select
    )


async def restore(call: Call) -> Response:
    """POST /directory/deletedItems/{id}/restore: bring it back. Graph answers 200, with the object."""
    restored = await call.write(deleted_items.restore, call.path("key"))
    return call.entity(directory_object_to_graph(restored, beta=call.beta), "directoryObjects")


async def purge(call: Call) -> Response:
    """DELETE /directory/deletedItems/{id}: take it away for good."""
    await call.write(deleted_items.purge, call.path("key"))
    return no_content()


def _of_kind(kind: ObjectKind) -> tuple[Route, ...]:
    cast = f"microsoft.graph.{kind.value}"
    return (
        *counted(f"{_ROOT}/{cast}", partial(list_deleted, kind)),
        ("GET", f"{_ROOT}/{{key}}/{cast}", partial(get_deleted_as, kind)),
    )


ROUTES: Routes = [
    *_of_kind(ObjectKind.APPLICATION),
    *_of_kind(ObjectKind.SERVICE_PRINCIPAL),
    *_of_kind(ObjectKind.USER),
    *counted(f"{_ROOT}/microsoft.graph.group", partial(list_none, "groups")),
    *counted(f"{_ROOT}/microsoft.graph.administrativeUnit", partial(list_none, "administrativeUnits")),
    ("GET", f"{_ROOT}/{{key}}", get_deleted),
    ("DELETE", f"{_ROOT}/{{key}}", purge),
    ("POST", f"{_ROOT}/{{key}}/restore", restore),
]
