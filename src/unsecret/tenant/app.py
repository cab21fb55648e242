"""The server: one route table, one place where errors are answered, one instant and one request id per request."""

from __future__ import annotations

from functools import cache, lru_cache

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from unsecret.errors import Invalid, MethodNotAllowed, UnsecretError
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
    memberships,
    oauth2,
    organization,
    permission_grants,
    policies,
    reports,
    service_principals,
    users,
)
from unsecret.tenant.annotations import as_accepted
from unsecret.tenant.call import (
    NAMED_TENANT,
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
from unsecret.tenant.headers import IndexedRequest
from unsecret.tenant.json_bodies import NUL
from unsecret.tenant.log import get_logger
from unsecret.tenant.openapi import openapi_route
from unsecret.tenant.paths import LENGTH_OF_ID, VERSIONS, canonical_path, tenant_in
from unsecret.tenant.routing import LONGEST_REMEMBERED_PATH, MOST_REMEMBERED_PATHS, NOT_ALLOWED, RouteIndex
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
    *memberships.ROUTES,
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
    app = Tenant()
    # A path is respelled before it is looked up, so that nothing is redirected to another spelling.
    app.router = app.index = RouteIndex([*_routes(), *(clock.ROUTES if services.movable_clocks is not None else [])])
    app.state.services = services
    app.state.hand_over = HandOver(services.store)
    return app


class Tenant(Starlette):
    """Starlette's application with one layer around its routes. Starlette has one for each thing that there is to do,
    and another around each route: a dozen calls deep, they took as long as many an answer.

    Whatever happens is answered here. Starlette's own layer would raise what nobody foresaw on to the server, which
    prints it as it is, and an exception may quote what the log blacks out.
    """

    index: RouteIndex

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; or the server's own affairs, which are Starlette's."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        request = IndexedRequest(scope, receive, send)
        try:
            answer = await self._answer(request)
        except UnsecretError as error:
            answer = _refusal(request, error)
            error.__traceback__ = None  # its frames hold the error, which holds them
        except Exception as error:
            answer = _failure(request, error)
        if b";" in request.accepted:
            answer = as_accepted(answer, request)
        try:
            await answer(scope, receive, send)
        except Exception as error:
            _failure(request, error)  # the client has the beginning of an answer, or is gone: the log learns the rest

    async def _answer(self, request: Request) -> Response:
        scope = request.scope
        if NUL in scope["path"] or b"%00" in scope["query_string"]:
            # Nothing has such a name, and databases differ in what they make of the question.
            raise Invalid("The address holds a NUL (%00). Leave it out.")
        sent, scope["path"] = scope["path"], _canonical(scope["path"])
        if len(sent) - len(scope["path"]) > LENGTH_OF_ID:  # else no tenant was left out of it
            scope[NAMED_TENANT] = tenant_in(sent)
        route = self.index.find(scope)
        answer = route.endpoint(request)
        return answer if isinstance(answer, Response) else await answer


@cache
def _routes() -> tuple[Route, ...]:
    """The same for every tenant of the process: they know nothing of any."""
    plain = [*oauth2.ROUTES, *azure_resource_manager.ROUTES, Route("/health", health)]
    routes: list[Route] = [*plain, openapi_route(GRAPH_ROUTES, BETA_ROUTES, plain)]
    for version in VERSIONS:
        table = GRAPH_ROUTES + (BETA_ROUTES if version == "beta" else [])
        routes += [
            Route(f"/{version}{path}", graph_endpoint(handler), methods=[method]) for method, path, handler in table
        ]
    for version in VERSIONS:
        routes.append(Route(f"/{version}/{{rest:path}}", graph_endpoint(_not_served), methods=_EVERY_METHOD))
    return tuple(routes)


_EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]

_WORDS = {
    segment.casefold(): segment
    for _, path, _ in GRAPH_ROUTES + BETA_ROUTES
    for segment in path.split("/")
    if segment and "{" not in segment
}
"""Segments that routes use: case-folded, and as they are spelled."""


def _canonical(path: str) -> str:
    """See `canonical_path`."""
    return _remembered(path) if len(path) <= LONGEST_REMEMBERED_PATH else canonical_path(path, _WORDS)


@lru_cache(maxsize=MOST_REMEMBERED_PATHS)
def _remembered(path: str) -> str:
    return canonical_path(path, _WORDS)


def health(_: Request) -> Response:
    """GET /health: the process answers."""
    return JSONResponse({"status": "ok"})


def _not_served(call: Call) -> Response:
    """Whatever no route takes: say so, and never pretend with an empty success."""
    request = call.request
    for route in request.app.routes:
        # What is POSTed to stands in the place of a key, but is an action: getAvailableExtensionProperties.
        anything = route.path.endswith("{property}") or (request.method == "POST" and route.path.endswith("}"))
        if not anything and route.matches(request.scope)[0] is Match.PARTIAL:
            raise MethodNotAllowed(f"{NOT_ALLOWED} {request.method} is not possible on {shown_path(request)}.")
    raise call.not_served()


# -- errors ------------------------------------------------------------------------------------------------------


def _refusal(request: Request, error: UnsecretError) -> Response:
    """An UnsecretError as Graph's body."""
    status, headers, body = to_graph(
        error,
        request_id=request_id(request),
        client_request_id=correlation_id(request),
        now=instant_of(request),
    )
    return traced(json_response(body, status, headers), request)


def _failure(request: Request, error: Exception) -> Response:
    """The answer to what nobody foresaw: the caller learns a request id, the log the rest."""
    where = {"request_id": request_id(request), "method": request.method, "path": shown_path(request)}
    log.error("request failed", **where, exc_info=error)
    status, headers, body = unknown_to_graph(
        request_id=request_id(request), client_request_id=correlation_id(request), now=instant_of(request)
    )
    return traced(json_response(body, status, headers), request)
