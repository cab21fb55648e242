"""`Accept: application/json;odata.metadata=none`: answers without what says how to read them.

https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_metadatanoneodatametadatanone:
control information is left out, but for links to the rest and numbers. CLI for Microsoft 365 asks so every time.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.responses import Response

from unsecret.tenant.headers import IndexedRequest

_LEVEL = re.compile(rb"\bmetadata\s*=\s*\"?(\w+)", re.IGNORECASE)
_NONE, _MINIMAL = b"odata.metadata=none", b"odata.metadata=minimal"
_ODATA = "@odata."
_KEPT = frozenset({"nextLink", "deltaLink", "count", "id"})
"""`id` is what an entity reference consists of, and nothing else here has one."""


def as_accepted(answer: Response, request: IndexedRequest) -> Response:
    """`answer` with as many annotations as the `Accept` header wants; `full` is as much as `minimal` here.

    The answer to a batch stays as it is: each of its parts was asked for with a header of its own.
    """
    level = _LEVEL.search(request.accepted)
    kind = answer.headers.get("content-type", "").encode("latin-1")
    in_parts = request.scope["path"].endswith("/$batch")
    if level is None or level[1].lower() != b"none" or _MINIMAL not in kind or in_parts:
        return answer
    answer.body = msgspec.json.encode(_bare(msgspec.json.decode(answer.body)))
    own = {b"content-type": kind.replace(_MINIMAL, _NONE), b"content-length": str(len(answer.body)).encode()}
    answer.raw_headers = [(name, own.get(name, value)) for name, value in answer.raw_headers]
    return answer


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if isinstance(value, dict):
        return {name: _bare(one) for name, one in value.items() if _stays(name)}
    return value


def _stays(name: str) -> bool:
    _, annotation, term = name.partition(_ODATA)
    return not annotation or term in _KEPT
