"""/$batch: up to twenty requests in one. Each goes through the whole application like any other request.

Reads are answered one after another, and writes wait for the store together: what does not depend on one another shares
a commit. https://learn.microsoft.com/en-us/graph/json-batching
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Scope

from unsecret.errors import FailedDependency, Invalid
from unsecret.tenant.call import Call, Routes, correlation_id, json_response, request_id
from unsecret.tenant.description import described
from unsecret.wire import json_schemas
from unsecret.wire.batches import MALFORMED, BatchedRequest, batch_from_graph, batched_answer
from unsecret.wire.problems import to_graph

_FIRST_FAILURE = 400
_INSIDE = "unsecret.batch"
"""In the scope of a request that came in a batch."""

_HANDED_ON = (b"authorization", b"host", b"user-agent")
"""Headers of the batch that hold for every request in it: it is the same caller, at the same address."""

Answer = dict[str, Any]


@described(200, takes=json_schemas.BATCH)
async def batch(call: Call) -> Response:
    """POST /$batch: several requests in one."""
    if call.request.scope.get(_INSIDE):
        raise Invalid("A batch cannot hold another batch.", code=MALFORMED)
    requests = batch_from_graph(await call.body(), version=call.version)
    running: dict[str, asyncio.Task[Answer]] = {}
    for request in requests:
        running[request.id] = asyncio.create_task(_answered(request, call, running))
    return json_response({"responses": list(await asyncio.gather(*running.values()))})


async def _answered(request: BatchedRequest, call: Call, running: Mapping[str, asyncio.Task[Answer]]) -> Answer:
    """The answer to one request, once those before it are done."""
    for identifier in request.depends_on:
        if (await running[identifier])["status"] >= _FIRST_FAILURE:
            return _not_tried(request, identifier, call)
    answer: dict[str, Any] = {"status": 500, "headers": [], "body": bytearray()}
    body = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> Message:
        return body.pop() if body else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.update(status=message["status"], headers=message["headers"])
        elif message["type"] == "http.response.body":
            answer["body"] += message.get("body", b"")

    await call.request.app(_scope(request, call), receive, send)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer["headers"]]
    return batched_answer(request.id, answer["status"], headers, bytes(answer["body"]))


def _scope(request: BatchedRequest, call: Call) -> Scope:
    """The ASGI scope of the request, as if it had come over the connection of the batch."""
    outer = call.request.scope
    own = {"client-request-id": correlation_id(call.request), "content-length": str(len(request.body))}
    headers = [(name, value) for name, value in outer["headers"] if name.lower() in _HANDED_ON]
    for name, value in (own | dict(request.headers)).items():
        headers = [(known, kept) for known, kept in headers if known.lower() != name.encode()]
        headers.append((name.encode(), value.encode()))
    return {
        "type": "http",
        "asgi": outer.get("asgi", {"version": "3.0"}),
        "http_version": outer.get("http_version", "1.1"),
        "method": request.method,
        "scheme": outer.get("scheme", "https"),
        "path": request.path,
        "raw_path": request.path.encode(errors="replace"),
        "query_string": request.query.encode(),
        "root_path": "",
        "headers": headers,
        "client": outer.get("client"),
        "server": outer.get("server"),
        _INSIDE: True,
    }


def _not_tried(request: BatchedRequest, failed: str, call: Call) -> Answer:
    """424 (RFC 4918, section 11.4)."""
    error = FailedDependency(f"This request was not tried, because request '{failed}', which it depends on, failed.")
    status, headers, body = to_graph(
        error,
        request_id=request_id(call.request),
        client_request_id=correlation_id(call.request),
        now=call.circumstances.now,
    )
    shown = json_response(body, status, headers)
    return batched_answer(request.id, status, list(shown.headers.items()), bytes(shown.body))


ROUTES: Routes = [("POST", "/$batch", batch)]
