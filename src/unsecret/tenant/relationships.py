"""Lists of directory objects that hang on another, asked for as clients do besides the plain list: those of one kind,
their number, their addresses alone.

https://learn.microsoft.com/en-us/graph/api/application-list-owners,
https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html (casts, `$count`, `$ref`)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from unsecret.model.application import ObjectKind
from unsecret.model.people import AnyObject
from unsecret.model.query import Page, Query
from unsecret.tenant.call import Call, Routes, json_response, name_of
from unsecret.tenant.counting import counted
from unsecret.tenant.paths import kind_in
from unsecret.tenant.use_cases.transaction import not_found
from unsecret.wire import collections, odata
from unsecret.wire.directory import directory_object_to_graph, reference_to_graph

Related = Callable[[Call], Sequence[AnyObject]]
"""Asks for what hangs on the object that a URL names."""

Owned = Callable[[Call, Query, ObjectKind | None], Page[AnyObject]]
"""As `Related`, a page at a time: of what somebody owns there may be much."""

_KINDS: dict[str, tuple[ObjectKind | None, str]] = {
    **{kind.value.casefold(): (kind, name_of(kind)) for kind in ObjectKind},
    "group": (None, "groups"),
    "device": (None, "devices"),
}
"""What can stand in such a list and how a list of it is called. Groups and devices there are none of."""
_OWNED_KINDS = (ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL)
"""People are nobody's."""


def list_related(related: Related, call: Call) -> Response:
    """GET …/owners, …/members: all of them."""
    return call.whole(
        related(call),
        lambda obj: directory_object_to_graph(obj, beta=call.beta),
        "directoryObjects",
        collections.RELATED_OBJECTS,
    )


def list_related_of_kind(related: Related, call: Call) -> Response:
    """GET …/owners/microsoft.graph.user: those of one kind."""
    kind, context = _kind(call)
    found = [obj for obj in related(call) if obj.kind is kind]
    return call.whole(found, partial(_untyped, call), context, collections.RELATED_OBJECTS)


def list_references(related: Related, call: Call) -> Response:
    """GET …/owners/$ref: their addresses alone."""
    references = [_reference(obj, call) for obj in related(call)]
    context = odata.context_url(call.base_url, call.version, "Collection($ref)", None)
    return json_response({"@odata.context": context, "value": references})


def get_reference(name: str, related: Related, call: Call) -> Response:
    """GET …/owners/{id}/$ref: whether it is one of them, and its address."""
    wanted = call.path(name)
    for obj in related(call):
        if obj.id == wanted.lower():
            context = odata.context_url(call.base_url, call.version, "$ref", None)
            return json_response({"@odata.context": context, **_reference(obj, call)})
    raise not_found(wanted)


def list_owned(owned: Owned, call: Call) -> Response:
    """GET …/ownedObjects: what somebody owns."""
    asked = call.asked(collections.DIRECTORY_OBJECTS)
    page = owned(call, asked.query, None)
    return call.page(page, lambda obj: directory_object_to_graph(obj, beta=call.beta), "directoryObjects", asked)


def list_owned_of_kind(owned: Owned, call: Call) -> Response:
    """GET …/ownedObjects/microsoft.graph.application: those of one kind."""
    kind, context = _kind(call)
    asked = call.asked(collections.DIRECTORY_OBJECTS)
    can_be_owned = kind in _OWNED_KINDS
    page = owned(call, asked.query, kind if can_be_owned else None)
    if not can_be_owned:
        page = Page(items=(), count=0 if asked.query.count else None)
    return call.page(page, partial(_untyped, call), context, asked)


def _kind(call: Call) -> tuple[ObjectKind | None, str]:
    """The kind that ends the path, and how a list of it is called."""
    found = _KINDS.get(kind_in(call.path("kind")))
    if found is None:
        raise call.not_served()
    return found


def _untyped(call: Call, obj: AnyObject) -> dict[str, Any]:
    """Without its type, which the path has said."""
    shown = directory_object_to_graph(obj, beta=call.beta)
    del shown["@odata.type"]
    return shown


def _reference(obj: AnyObject, call: Call) -> dict[str, str]:
    return reference_to_graph(obj, f"{call.base_url}/v2/{call.caller.tenant_id}")


def relationship(path: str, name: str, related: Related) -> Routes:
    """All ways of asking at `path`, an object of which is `{name}` in the table of routes."""
    return [
        *counted(path, partial(list_related, related)),
        ("GET", f"{path}/$ref", partial(list_references, related)),
        ("GET", f"{path}/{{{name}}}/$ref", partial(get_reference, name, related)),
        ("GET", f"{path}/{{kind}}", partial(list_related_of_kind, related)),
    ]


def owned_objects(root: str, owned: Owned) -> Routes:
    """What somebody owns, all of it and by kind."""
    path = f"{root}/ownedObjects"
    return [
        *counted(path, partial(list_owned, owned)),
        *counted(f"{path}/{{kind}}", partial(list_owned_of_kind, owned)),
    ]
