"""Several requests in one: the body of `POST /$batch`, and the bodies inside it.

https://learn.microsoft.com/en-us/graph/json-batching
"""

from __future__ import annotations

import base64
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from unsecret.errors import Invalid

MOST_REQUESTS = 20
MALFORMED = "BadRequest"
"""The code with which Graph refuses a batch as a whole."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_VERSIONED = re.compile(r"/(?:v1\.0|beta)(?:/|$)", re.IGNORECASE)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_SPOKEN_FOR = frozenset({"authorization", "host", "connection", "transfer-encoding", "content-length", "upgrade"})
"""Headers that belong to the request that carries the others."""

_LONGEST_ID = 256
_CASING = {
    name.lower(): name
    for name in ("Cache-Control", "Content-Type", "Location", "OData-Version", "Retry-After", "WWW-Authenticate")
}
"""The members of a JSON object are told apart by case, and clients look for these."""


class BatchedRequest(Struct, frozen=True, kw_only=True):
    """One of the requests. `path` begins with the version and is decoded, `query` is as in a URL; `headers` have
    lower-case names; `depends_on` are ids as their requests spell them."""

    id: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    depends_on: tuple[str, ...]


class Ask(Struct, frozen=True):
    """A request that is to go into a batch. `path` is relative to the version, or absolute on this tenant."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = {}


def batch_to_graph(asks: Sequence[Ask]) -> dict[str, Any]:
    """The body of `POST /$batch`; every path begins with a slash. The id of each is its place."""
    return {"requests": [_step(str(place), ask) for place, ask in enumerate(asks)]}


def _step(identifier: str, ask: Ask) -> dict[str, Any]:
    step: dict[str, Any] = {"id": identifier, "method": ask.method, "url": ask.path}
    headers = dict(ask.headers)
    if ask.body is not None:
        step["body"] = ask.body
        headers = {"Content-Type": "application/json", **headers}
    return step | ({"headers": headers} if headers else {})


def answers_from_graph(body: Any, count: int) -> list[tuple[int, Mapping[str, str], Any]]:
    """Status, headers and body of each of the `count` requests, in their order; Graph gives them in any.

    Raises Invalid when one of them has no answer.
    """
    responses = body.get("responses") if isinstance(body, dict) else None
    listed = [one for one in responses if isinstance(one, dict)] if isinstance(responses, list) else []
    by_id = {one.get("id"): one for one in listed if isinstance(one.get("status"), int)}
    if missing := [str(place) for place in range(count) if str(place) not in by_id]:
        raise Invalid(
            f"The tenant left {len(missing)} of {count} requests of a batch without an answer.", code="UnexpectedAnswer"
        )
    found = [by_id[str(place)] for place in range(count)]
    return [(one["status"], _answered_headers(one.get("headers")), one.get("body")) for one in found]


def _answered_headers(sent: Any) -> dict[str, str]:
    """Names in lower case; Graph writes them in several ways."""
    return {str(name).lower(): str(value) for name, value in sent.items()} if isinstance(sent, dict) else {}


def batch_from_graph(body: Any, *, version: str) -> tuple[BatchedRequest, ...]:
    """The requests of a batch that was sent to `version`, in their order.

    Raises Invalid when any of them is malformed: nothing of such a batch is done.
    """
    steps = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(steps, list) or not steps:
        raise _malformed("Invalid batch payload format: 'requests' must be a list of at least one request.")
    if len(steps) > MOST_REQUESTS:
        raise _malformed(f"Number of batch request steps exceed max value of {MOST_REQUESTS}.")
    steps = [_with_text_id(step) for step in steps]
    ids = _ids(steps)
    requests = tuple(_request(step, ids, version) for step in steps)
    _require_an_order(requests)
    return requests


def batched_answer(identifier: str, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """One of the answers. JSON stays JSON; anything else becomes base64."""
    shown = {_CASING.get(name.lower(), name): value for name, value in headers if name.lower() != "content-length"}
    answer: dict[str, Any] = {"id": identifier, "status": status, "headers": shown}
    if body:
        is_json = "json" in shown.get("Content-Type", "").lower()
        answer["body"] = msgspec.Raw(body) if is_json else base64.b64encode(body).decode()
    return answer


def _with_text_id(step: Any) -> Any:
    """Scripts count their requests and send the number as it is, which comes back as text: so do Maester, EntraExporter
    and others with every batch (https://github.com/maester365/maester, Invoke-MtGraphRequest.ps1)."""
    if not isinstance(step, dict) or type(step.get("id")) is not int:
        return step
    return {**step, "id": str(step["id"])}


def _ids(steps: list[Any]) -> dict[str, str]:
    """Folded id → the id as it was sent. Ids are compared without regard to case."""
    ids: dict[str, str] = {}
    for step in steps:
        identifier = step.get("id") if isinstance(step, dict) else None
        if not isinstance(identifier, str) or not 0 < len(identifier) <= _LONGEST_ID:
            raise _malformed(f"Every request of a batch needs an 'id', a string of 1 to {_LONGEST_ID} characters.")
        if identifier.casefold() in ids:
            raise _malformed(f"The id '{identifier}' is used by more than one request of the batch.")
        ids[identifier.casefold()] = identifier
    return ids


def _request(step: dict[str, Any], ids: Mapping[str, str], version: str) -> BatchedRequest:
    identifier = step["id"]
    method = step.get("method")
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise _malformed(f"Request '{identifier}': 'method' must be one of {', '.join(sorted(_METHODS))}.")
    path, query = _address(identifier, step.get("url"), version)
    headers = _headers(identifier, step.get("headers"))
    return BatchedRequest(
        id=identifier,
        method=method.upper(),
        path=path,
        query=query,
        headers=headers,
        body=_body(step, method.upper(), headers),
        depends_on=_dependencies(identifier, step.get("dependsOn"), ids),
    )


def _address(identifier: str, url: Any, version: str) -> tuple[str, str]:
    """The path, decoded, and the query string. Clients leave blanks and more in the query as they are."""
    if not isinstance(url, str) or not url.strip("/") or "://" in url.partition("?")[0]:
        raise _malformed(f"Request '{identifier}': 'url' must be relative, such as /applications?$top=1.")
    path, _, query = url.partition("?")
    path = "/" + path.lstrip("/")
    if not _VERSIONED.match(path):
        path = f"/{version}{path}"
    return unquote(path), quote(query, safe=string.punctuation, errors="replace")


def _headers(identifier: str, sent: Any) -> dict[str, str]:
    """Those that count for the one request: who calls, and through which connection, is the batch's to say."""
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise _malformed(f"Request '{identifier}': 'headers' must be an object.")
    for name, value in sent.items():
        if not _TOKEN.fullmatch(name) or not isinstance(value, str) or not (value.isprintable() and value.isascii()):
            raise _malformed(f"Request '{identifier}': '{name[:64]}' is no header that could be sent.")
    return {name.lower(): value for name, value in sent.items() if name.lower() not in _SPOKEN_FOR}


def _body(step: dict[str, Any], method: str, headers: Mapping[str, str]) -> bytes:
    """The page on batching: whoever writes sends a body, be it empty, and says what it is."""
    body, kind = step.get("body"), headers.get("content-type", "")
    if "body" not in step and method not in _WITH_BODY:
        return b""
    if not kind or "body" not in step:
        raise _malformed(f"Write request id : {step['id']} does not contain Content-Type header or body.")
    if "json" in kind.casefold():
        return msgspec.json.encode(body)
    try:
        text = str(body).translate(str.maketrans("-_", "+/")).rstrip("=")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:  # binascii.Error is one
        raise _malformed(f"Request '{step['id']}': a body that is not JSON is sent as base64.") from None


def _dependencies(identifier: str, sent: Any, ids: Mapping[str, str]) -> tuple[str, ...]:
    if sent is None:
        return ()
    if not isinstance(sent, list) or not all(isinstance(name, str) for name in sent):
        raise _malformed(f"Request '{identifier}': 'dependsOn' must be a list of ids.")
    unknown = [name for name in sent if name.casefold() not in ids]
    if unknown:
        raise _malformed(f"Request '{identifier}' depends on '{unknown[0][:64]}', which is not in the batch.")
    return tuple(dict.fromkeys(ids[name.casefold()] for name in sent))


def _require_an_order(requests: tuple[BatchedRequest, ...]) -> None:
    """Raise Invalid when requests wait for one another."""
    waiting = {request.id: set(request.depends_on) for request in requests}
    while ready := [identifier for identifier, others in waiting.items() if not others & waiting.keys()]:
        for identifier in ready:
            del waiting[identifier]
    if waiting:
        raise _malformed(f"The requests {', '.join(sorted(waiting))} depend on one another.")


def _malformed(message: str) -> Invalid:
    return Invalid(message, code=MALFORMED)
