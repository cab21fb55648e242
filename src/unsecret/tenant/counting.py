"""`…/$count`: the bare number of what is listed at the path before it.

https://learn.microsoft.com/en-us/graph/query-parameters#other-odata-url-capabilities
"""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from unsecret.tenant.call import Call, Handler, Route
from unsecret.wire import odata


async def count(listing: Handler, call: Call) -> Response:
    """GET …/$count: the bare number of them, for who says ConsistencyLevel: eventual."""
    odata.require_eventual_for_count(call.request.headers)
    call.only_counts = True
    answer = listing(call)
    return answer if isinstance(answer, Response) else await answer


def counted(path: str, listing: Handler) -> tuple[Route, Route]:
    """The routes of a list and of its number."""
    return ("GET", path, listing), ("GET", f"{path}/$count", partial(count, listing))
