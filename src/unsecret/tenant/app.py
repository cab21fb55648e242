"""The server: one route table, one exception handler, one instant and one request id per request."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unsecret.errors import Invalid, MethodNotAllowed, NotFound, UnsecretError
from unsecret.tenant import (
    app_role_assignments,
    applications,
    attributes,
    audit_logs,
    azure_resource_manager,
    batch,
    clock,
    deleted_items,
    delta,
    directory,
    directory_objects,
    directory_roles,
    federated_credentials,
    oauth2,
    organization,
    permission_grants,
    policies,
    reports,
    service_principals,
    users,
)
from unsecret.tenant.call import (
    NUL,
    Call,
    Routes,
    correlation_id,
    graph_endpoint,
    instant_of,
    json_response,
    request_id,
    shown_path,
    traced,
)
from unsecret.tenant.hand_over import HandOver
from unsecret.tenant.log import get_logger
from unsecret.tenant.openapi import openapi_route
from unsecret.tenant.paths import VERSIONS, CanonicalPaths
from unsecret.tenant.routing import IndexedRouter
from unsecret.tenant.settings import Services
from unsecret.wire.problems import to_graph, unknown_to_graph

log = get_logger(__name__)

GRAPH_ROUTES: Routes = [
    *delta.ROUTES,
    *directory_objects.ROUTES,
    *federated_credentials.ROUTES,
    *applications.ROUTES,
    *app_role_assignments.ROUTES,
    *permission_grants.ROUTES,
    *service_principals.ROUTES,
    *policies.ROUTES,
    *audit_logs.ROUTES,
    *deleted_items.ROUTES,
    *batch.ROUTES,
    *organization.ROUTES,
    *users.ROUTES,
    *directory_roles.ROUTES,
    *attributes.ROUTES,
    *users.REST_OF_ME,
]
"""Served under /v1.0 and /beta."""

BETA_ROUTES: Routes = [*directory.BETA_ROUTES, *reports.BETA_ROUTES]
"""Served under /beta only."""


def create_app(services: Services) -> Starlette:
    """The whole tenant as an ASGI application. The caller opens and closes the store."""
    app = Starlette(
        middleware=[
            Middleware(Unforeseen),
            Middleware(WithoutNul),
            Middleware(CanonicalPaths, words=_words(GRAPH_ROUTES + BETA_ROUTES)),
        ],
        exception_handlers={UnsecretError: _refuse, HTTPException: _refuse_by_status},
    )
    # A path is respelled before it is looked up, so that nothing is redirected to another spelling.
    app.router = IndexedRouter(_routes() + (clock.ROUTES if services.movable_clocks is not None else []))
    app.state.services = services
    app.state.hand_over = HandOver(services.store)
    return app


def _routes() -> list[BaseRoute]:
    plain = [*oauth2.ROUTES, *azure_resource_manager.ROUTES, Route("/health", health)]
    routes: list[BaseRoute] = [*plain, openapi_route(GRAPH_ROUTES, BETA_ROUTES, plain)]
    for version in VERSIONS:
        table = GRAPH_ROUTES + (BETA_ROUTES if version == "beta" else [])
        routes += [
            Route(f"/{version}{path}", graph_endpoint(handler), methods=[method]) for method, path, handler in table
        ]
    for version in VERSIONS:
        routes.append(Route(f"/{version}/{{rest:path}}", graph_endpoint(_not_served), methods=_EVERY_METHOD))
    return routes


_METHOD_NOT_ALLOWED = 405
_EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def _words(routes: Routes) -> Iterable[str]:
    return {segment for _, path, _ in routes for segment in path.split("/") if segment and "{" not in segment}


def health(_: Request) -> Response:
    """GET /health: the process answers."""
    return JSONResponse({"status": "ok"})


def _not_served(call: Call) -> Response:
    """Whatever no route takes: say so, and never pretend with an empty success."""
    request = call.request
    for route in request.app.routes:
        any_property = route.path.endswith("{property}")
        if not any_property and route.matches(request.scope)[0] is Match.PARTIAL:
            raise MethodNotAllowed(f"{request.method} is not possible on {shown_path(request)}.")
    raise call.not_served()


# -- errors ------------------------------------------------------------------------------------------------------


async def _refuse(request: Request, error: Exception) -> Response:
    """An UnsecretError as Graph's body."""
    assert isinstance(error, UnsecretError)
    status, headers, body = to_graph(
        error,
        request_id=request_id(request),
        client_request_id=correlation_id(request),
        now=instant_of(request),
    )
    return traced(json_response(body, status, headers), request)


async def _refuse_by_status(request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself: an unknown path, a verb that the path has not."""
    assert isinstance(error, HTTPException)
    path = shown_path(request)
    if error.status_code == _METHOD_NOT_ALLOWED:
        return await _refuse(request, MethodNotAllowed(f"{request.method} is not possible on {path}."))
    return await _refuse(request, NotFound(f"There is nothing at {path}.", code="ResourceNotFound"))


class WithoutNul:
    """ASGI middleware that refuses an address with a NUL in it: nothing has such a name, and databases differ in what
    they make of the question."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and (NUL in scope["path"] or b"%00" in scope["query_string"]):
            app = await _refuse(Request(scope), Invalid("The address holds a NUL (%00). Leave it out."))
        await app(scope, receive, send)


class Unforeseen:
    """ASGI middleware that answers for what nobody foresaw: the caller learns a request id, the log the rest.

    It ends here. Starlette's own handler would raise the exception on to the server, which prints it as it is,
    and an exception may quote what the log blacks out.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            answer = _fail(Request(scope), error)
            if not begun:
                await answer(scope, receive, send)


def _fail(request: Request, error: Exception) -> Response:
    where = {"request_id": request_id(request), "method": request.method, "path": shown_path(request)}
    log.error("request failed", **where, exc_info=error)
    status, headers, body = unknown_to_graph(
        request_id=request_id(request), client_request_id=correlation_id(request), now=instant_of(request)
    )
    return traced(json_response(body, status, headers), request)
