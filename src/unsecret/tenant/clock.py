"""The tenant's movable clock. No part of Graph; there only when the server was started with `--now`."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from unsecret.model.identifiers import TenantId
from unsecret.tenant.call import Call, Routes, graph_endpoint, instant_of, json_response, machine_instant_of
from unsecret.tenant.use_cases import clock
from unsecret.wire.clock import clock_to_json, movement_from_json


def read_clock(call: Call) -> Response:
    """GET /{tenant}/unsecret/clock: what it says."""
    call.read(clock.require_administrator, call.path("tenant"))
    return json_response(clock_to_json(instant_of(call.request)))


async def move_clock(call: Call) -> Response:
    """PATCH /{tenant}/unsecret/clock: `{"now": instant}` sets it, `{"move": duration}` moves it on."""
    movement = movement_from_json(await call.body())
    machine_now = machine_instant_of(call.request)
    moved = await call.write(clock.move_clock, call.path("tenant"), movement, machine_now=machine_now)
    return json_response(clock_to_json(moved))


CLOCK_PATH = "/{tenant}/unsecret/clock"


def clock_url(origin: str, tenant_id: TenantId) -> str:
    """Where the clock of this tenant is read and moved."""
    return origin + CLOCK_PATH.format(tenant=tenant_id)


TABLE: Routes = [("GET", CLOCK_PATH, read_clock), ("PATCH", CLOCK_PATH, move_clock)]
"""As Graph's routes are written, but outside its paths."""

ROUTES = [Route(path, graph_endpoint(handler), methods=[method]) for method, path, handler in TABLE]
