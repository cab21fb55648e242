"""How the token service answers: OAuth's JSON, never to be stored, with the ids that a request is found by."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from unsecret.errors import Invalid, TooLarge, Unavailable, UnsecretError
from unsecret.model.application import Tenant
from unsecret.tenant.call import REQUEST_ID, correlation_id, instant_of, machine_instant_of
from unsecret.tenant.certificates import base64url
from unsecret.tenant.random_guids import random_guid
from unsecret.tenant.settings import Services
from unsecret.wire.aadsts import TokenRefused, refusal_body

_JSON = "application/json; charset=utf-8"
_NOT_STORED = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
_TRACE = "unsecret.trace"
_UNAUTHORIZED = 401


class Trace(Struct, frozen=True, kw_only=True):
    """One request to the token service. `token_id` (`uti`) is the request's own id in the form tokens carry it.
    `machine_now` is `now` by the machine's clock rather than the tenant's."""

    now: datetime
    machine_now: datetime
    trace_id: str
    token_id: str
    correlation_id: str


def trace_of(request: Request) -> Trace:
    """The trace of this request, made when it is first asked for."""
    noted = request.scope
    if (trace := noted.get(_TRACE)) is None:
        own = noted[REQUEST_ID] = random_guid()
        trace = noted[_TRACE] = Trace(
            now=instant_of(request),
            machine_now=machine_instant_of(request),
            trace_id=own,
            token_id=base64url(bytes.fromhex(own.replace("-", ""))),
            correlation_id=_correlation_id(request),
        )
    return trace


def in_time_of(trace: Trace, services: Services, tenant: Tenant) -> Trace:
    """`trace` by the clock of `tenant`, which the request's address may not have named."""
    if services.movable_clocks is None:
        return trace
    return msgspec.structs.replace(trace, now=trace.machine_now + services.movable_clocks.offset_of(tenant.id))


def answer(body: Any, request: Request, *, status: int = 200, headers: Mapping[str, str] = _NOT_STORED) -> Response:
    """`body` as JSON with the request's ids."""
    trace = trace_of(request)
    traced = {"x-ms-request-id": trace.trace_id, "client-request-id": trace.correlation_id}
    if (origin := getattr(request.state, "readable_from", None)) is not None:
        traced |= {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    return Response(msgspec.json.encode(body), status, {**headers, **traced}, _JSON)


def refusing(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """`endpoint`, with what it raises turned into OAuth's error body."""

    @wraps(endpoint)
    async def refused(request: Request) -> Response:
        trace = trace_of(request)
        try:
            return await endpoint(request)
        except UnsecretError as error:
            refusal = as_refusal(error)
            body = refusal_body(refusal, trace_id=trace.trace_id, correlation_id=trace.correlation_id, now=trace.now)
            return answer(body, request, status=refusal.status, headers=_NOT_STORED | _challenge(request, refusal))

    return refused


def as_refusal(error: UnsecretError) -> TokenRefused:
    """`error` as the token service says it. Raises what it cannot say."""
    if isinstance(error, TokenRefused):
        return error
    if isinstance(error, Unavailable):
        return TokenRefused(90033)
    if isinstance(error, Invalid | TooLarge):
        return TokenRefused(9002313, reason=error.message)
    raise error


def _challenge(request: Request, refusal: TokenRefused) -> dict[str, str]:
    """RFC 6749 §5.2: who tried the Authorization header is told which scheme it takes."""
    if refusal.status == _UNAUTHORIZED and "authorization" in request.headers:
        return {"WWW-Authenticate": "Basic"}
    return {}


def _correlation_id(request: Request) -> str:
    """The client's own id: in a header, or (MSAL for Node) in the query."""
    if not request.scope["query_string"]:
        return correlation_id(request)
    try:
        return str(uuid.UUID(request.query_params["client-request-id"]))
    except (KeyError, ValueError):
        return correlation_id(request)
