"""/applications/delta and its like: everything there is, and then what was changed since."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from starlette.responses import Response

from unsecret.errors import Gone
from unsecret.model.application import ObjectKind
from unsecret.model.delta import Change
from unsecret.model.people import AnyObject, User
from unsecret.tenant.call import Call, Routes, json_response, name_of
from unsecret.tenant.directory_objects import COLLECTIONS, encode, shows_attributes
from unsecret.tenant.use_cases import changes
from unsecret.wire import collections, odata
from unsecret.wire.deltas import begin_again, delta_link, parse_delta, removed_to_graph
from unsecret.wire.users import user_to_graph

_COLLECTIONS = {**COLLECTIONS, ObjectKind.USER: collections.USERS}


def list_changes(kind: ObjectKind, call: Call) -> Response:
    """GET /applications/delta: everything, and then what was changed since the last time."""
    address = f"{call.base_url}/{call.version}/{name_of(kind)}/delta"
    request = call.request
    asked = parse_delta(request.query_params.multi_items(), request.headers, collection=_COLLECTIONS[kind])
    if call.services.mischief:
        asked = msgspec.structs.replace(asked, top=call.services.mischief.page_size(asked.top))
    try:
        found = call.read(changes.list_changes, kind, asked, with_attributes=shows_attributes(asked.select))
    except Gone as lost:
        raise Gone(lost.message, code=lost.code, location=begin_again(address)) from None

    def shown(change: Change[AnyObject]) -> dict[str, Any]:
        if change.object is None:
            return removed_to_graph(change)
        return odata.select(_encoded(change.object, call, asked.select), asked.select)

    link, following = delta_link(address, found.state, is_last=found.is_last)
    context = odata.context_url(call.base_url, call.version, name_of(kind), asked.select)
    return json_response({"@odata.context": context, link: following, "value": [shown(item) for item in found.items]})


def _encoded(obj: AnyObject, call: Call, select: odata.Names) -> dict[str, Any]:
    if isinstance(obj, User):
        return user_to_graph(obj, selected=select, with_attributes=shows_attributes(select))
    return encode(obj, call, select)


ROUTES: Routes = [("GET", f"/{name_of(kind)}/delta", partial(list_changes, kind)) for kind in ObjectKind]
