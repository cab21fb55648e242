"""/applications/delta and its like: everything there is, and then what was changed since."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from starlette.responses import Response

from unsecret.errors import Gone
from unsecret.model.application import ObjectKind
from unsecret.model.delta import Change, Changes
from unsecret.model.people import AnyObject, User
from unsecret.tenant.call import Call, Routes, json_response, name_of
from unsecret.tenant.directory_objects import COLLECTIONS, encode, shows_attributes
from unsecret.tenant.use_cases import changes, grant_changes
from unsecret.tenant.use_cases.transaction import Transaction
from unsecret.wire import collections, odata
from unsecret.wire.consent import permission_grant_to_graph
from unsecret.wire.deltas import DeltaAsked, begin_again, delta_link, parse_delta, removed_to_graph
from unsecret.wire.users import user_to_graph

T = TypeVar("T")

_COLLECTIONS = {**COLLECTIONS, ObjectKind.USER: collections.USERS}
_GRANTS = "oauth2PermissionGrants"


def list_changes(kind: ObjectKind, call: Call) -> Response:
    """GET /applications/delta: everything, and then what was changed since the last time."""
    request = call.request
    asked = parse_delta(request.query_params.multi_items(), request.headers, collection=_COLLECTIONS[kind])

    use_case = partial(changes.list_changes, kind=kind, with_attributes=shows_attributes(asked.select))
    return _answer(call, name_of(kind), asked, use_case, lambda obj: _encoded(obj, call, asked.select))


def list_grant_changes(call: Call) -> Response:
    """GET /oauth2PermissionGrants/delta: all grants, and then which were made, changed or withdrawn since."""
    request = call.request
    asked = parse_delta(
        request.query_params.multi_items(),
        request.headers,
        collection=collections.PERMISSION_GRANTS,
        identifier=lambda text: text,
    )
    return _answer(call, _GRANTS, asked, grant_changes.list_grant_changes, permission_grant_to_graph)


def _answer(
    call: Call,
    name: str,
    asked: DeltaAsked,
    use_case: Callable[[Transaction, DeltaAsked], Changes[T]],
    encoded: Callable[[T], dict[str, Any]],
) -> Response:
    address = f"{call.base_url}/{call.version}/{name}/delta"
    if call.services.mischief:
        asked = msgspec.structs.replace(asked, top=call.services.mischief.page_size(asked.top))
    try:
        found = call.read(use_case, asked)
    except Gone as lost:
        raise Gone(lost.message, code=lost.code, location=begin_again(address)) from None

    def shown(change: Change[T]) -> dict[str, Any]:
        if change.object is None:
            return removed_to_graph(change)
        return odata.select(encoded(change.object), asked.select)

    link, following = delta_link(address, found.state, is_last=found.is_last)
    context = odata.context_url(call.base_url, call.version, name, asked.select)
    return json_response({"@odata.context": context, link: following, "value": [shown(item) for item in found.items]})


def _encoded(obj: AnyObject, call: Call, select: odata.Names) -> dict[str, Any]:
    if isinstance(obj, User):
        return user_to_graph(obj, selected=select, with_attributes=shows_attributes(select))
    return encode(obj, call, select)


ROUTES: Routes = [
    *(("GET", f"/{name_of(kind)}/delta", partial(list_changes, kind)) for kind in ObjectKind),
    ("GET", f"/{_GRANTS}/delta", list_grant_changes),
]
