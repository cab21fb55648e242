"""The index of routes finds what comparing with every route, one after the other, finds."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from contextlib import suppress

import pytest
from starlette.routing import BaseRoute, Route

from tests.local_tenant import LocalTenant
from unsecret.errors import MethodNotAllowed
from unsecret.tenant.app import create_app
from unsecret.tenant.routing import RouteIndex

GUID = "0a1b2c3d-0000-4000-8000-000000000000"
PATHS = (
    "/",
    "//",
    "/health",
    "/health/",
    "/nothing/there",
    f"/{GUID}/oauth2/v2.0/token",
    f"/{GUID}/oauth2/token",
    "/common/discovery/instance",
    "/oauth2/oauth2/token",
    "/v1.0",
    "/v1.0/",
    "/v1.0/oauth2/token",
    "/v1.0/v2.0/.well-known/openid-configuration",
    "/v1.0/nothing/there",
    "/v1.0" + "/x" * 30,
    f"/{GUID}" + "/oauth2" * 30,
    "/beta/applications/{key}",
)


def filled(pattern: str) -> str:
    return pattern.replace("{rest:path}", "a/b/c/d").replace("{", "").replace("}", "")


def router_of(tenant: LocalTenant) -> RouteIndex:
    router = create_app(tenant.services).router
    assert isinstance(router, RouteIndex)
    return router


def found(routes: Sequence[BaseRoute], method: str, path: str) -> list[object]:
    """Who would take the request, and as what."""
    seen: list[object] = []
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    for route in routes:
        match, child = route.matches(dict(scope))
        if match.value:
            seen.append((match, child.get("endpoint"), child.get("path_params")))
    return seen


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_a_path_is_compared_with_every_route_that_matches_it(tenant: LocalTenant, method: str) -> None:
    router = router_of(tenant)
    paths = {*PATHS, *(filled(route.path) for route in router.routes if isinstance(route, Route))}

    for path in paths:
        assert found(router.routes_for(path), method, path) == found(router.routes, method, path), path


def test_few_routes_are_compared(tenant: LocalTenant) -> None:
    router = router_of(tenant)

    assert len(router.routes_for(f"/{GUID}/oauth2/v2.0/token")) < 5
    assert len(router.routes_for(f"/v1.0/applications/{GUID}")) < 15


def test_no_flood_of_paths_fills_the_index(tenant: LocalTenant) -> None:
    router = router_of(tenant)
    routers = {id(router.routes_for(f"/made/up{'/x' * number}/{number}")) for number in range(1000)}

    assert len(routers) < 20


class Word(str):
    """Whether somebody still holds it can be seen."""


def test_a_method_of_any_length_is_not_remembered(tenant: LocalTenant) -> None:
    """HTTP bounds it no more than a path: nobody fills the memory with them."""
    router = router_of(tenant)
    method = Word("M" * 100_000)
    held = weakref.ref(method)
    with suppress(MethodNotAllowed):
        router.find({"type": "http", "method": method, "path": "/v1.0/users", "root_path": "", "headers": []})
    del method
    gc.collect()
    assert held() is None
