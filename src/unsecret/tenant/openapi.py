"""GET /openapi.json: this tenant in OpenAPI 3.1, made from the route table.

It holds nothing about anybody's directory, and clients are made from it before there is a token to ask with; so it is
given to everybody. What a route's handler says about itself (`description.py`) makes its entry exact.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unsecret import __version__
from unsecret.tenant.call import Routes
from unsecret.tenant.description import Description, description_of, name_of, said_by
from unsecret.wire.problems import STATUS, UNKNOWN_STATUS

_PARAMETER = re.compile(r"\{(\w+)(:\w+)?\}")
_HIDDEN = frozenset({"HEAD", "OPTIONS"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_SUCCESS = {"GET": (200,), "POST": (200, 201, 202, 204), "PUT": (200, 201, 204), "PATCH": (200, 204), "DELETE": (204,)}
_NO_CONTENT = 204
_JSON = "application/json"

_QUERY: dict[str, Any] = {
    "$select": {"type": "string", "examples": ["id,displayName"]},
    "$filter": {"type": "string", "examples": ["startswith(displayName,'a')"]},
    "$orderby": {"type": "string", "examples": ["displayName desc"]},
    "$top": {"type": "integer", "minimum": 1, "maximum": 999},
    "$count": {"type": "boolean"},
    "$skiptoken": {"type": "string"},
    "$expand": {"type": "string"},
    "$search": {"type": "string"},
}

GRAPH_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "innerError"],
            "properties": {
                "code": {"type": "string", "minLength": 1},
                "message": {"type": "string", "minLength": 1},
                "details": {"type": "array", "items": {"type": "object"}},
                "innerError": {
                    "type": "object",
                    "required": ["date", "request-id", "client-request-id"],
                    "properties": {
                        "date": {"type": "string"},
                        "request-id": {"type": "string", "format": "uuid"},
                        "client-request-id": {"type": "string", "format": "uuid"},
                    },
                },
            },
        }
    },
}
"""https://learn.microsoft.com/en-us/graph/errors"""


def openapi_route(graph: Routes, beta: Routes, plain: Iterable[Route]) -> Route:
    """The route of the document, which is made when somebody first asks for it."""
    own = tuple(plain)

    @cache
    def encoded() -> bytes:
        return msgspec.json.encode(document(graph, beta, own))

    def openapi(_: Request) -> Response:
        """GET /openapi.json: this tenant in OpenAPI 3.1."""
        return Response(encoded(), media_type=_JSON)

    return Route("/openapi.json", openapi, methods=["GET"])


def document(graph: Routes, beta: Routes, plain: Iterable[Route]) -> dict[str, Any]:
    """`graph` are the routes of v1.0 and beta, `beta` those of beta alone, `plain` the routes outside Graph."""
    paths: dict[str, dict[str, Any]] = {}
    ids: Counter[str] = Counter()

    def add(path: str, method: str, name: str, operation: dict[str, Any]) -> None:
        ids[name] += 1
        operation["operationId"] = name if ids[name] == 1 else f"{name}_{ids[name]}"
        paths.setdefault(_PARAMETER.sub(r"{\1}", path), {}).setdefault(method.lower(), operation)

    for version, table in (("v1.0", graph), ("beta", [*graph, *beta])):
        for method, path, handler in table:
            name = f"{version}.{path.split('/')[1]}.{name_of(handler)}"
            add(f"/{version}{path}", method, name, _graph_operation(method, path, handler, beta=version == "beta"))
    for route in plain:
        for method in sorted((route.methods or set()) - _HIDDEN):
            add(route.path, method, name_of(route.endpoint), _plain_operation(method, route))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "unsecret: a local tenant",
            "version": __version__,
            "description": "Microsoft Graph and the token service of Entra, as far as this tenant serves them.",
        },
        "servers": [{"url": "/"}],
        "security": [],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": {"GraphError": GRAPH_ERROR},
            "responses": {"refused": _json("Refused, with the reason and what to do.", _ref("schemas", "GraphError"))},
        },
    }


def _graph_operation(method: str, path: str, handler: Callable[..., Any], *, beta: bool) -> dict[str, Any]:
    said = description_of(handler)
    operation = _operation(handler, path, said, method, beta=beta)
    if method == "GET":
        operation["parameters"] += [_query(name, schema) for name, schema in _QUERY.items()]
        operation["parameters"].append(
            {"name": "ConsistencyLevel", "in": "header", "schema": {"type": "string", "enum": ["eventual"]}}
        )
    refused = {str(status): _ref("responses", "refused") for status in sorted({*STATUS.values(), UNKNOWN_STATUS})}
    for status, answer in operation["responses"].items():
        if status != str(_NO_CONTENT):
            answer["content"] = {"text/plain": {}} if path.endswith("/$count") else {_JSON: {}}
    operation["responses"] |= refused
    operation["security"] = [{"token": []}]
    return operation


def _plain_operation(method: str, route: Route) -> dict[str, Any]:
    """Outside Graph an answer may also be a page or a redirection, and a refusal is OAuth's."""
    said = description_of(route.endpoint)
    operation = _operation(route.endpoint, route.path, said, method, beta=False)
    if not said.gives:
        operation["responses"] = {"2XX": {"description": "Done."}, "3XX": {"description": "Go on elsewhere."}}
    operation["responses"] |= {"4XX": {"description": "Refused."}, "503": {"description": "Not now."}}
    return operation


def _operation(handler: Callable[..., Any], path: str, said: Description, method: str, *, beta: bool) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": _summary(handler),
        "parameters": [_in_path(name) for name, _ in _PARAMETER.findall(path)],
        "responses": {str(status): _done(status) for status in said.gives or _SUCCESS[method]},
    }
    if (schema := said.body(beta=beta)) is not None and method in _WITH_BODY:
        operation["requestBody"] = {"required": said.needs_body, "content": {said.content: {"schema": schema}}}
    elif method in _WITH_BODY:
        operation["requestBody"] = {"content": {_JSON: {"schema": {"type": "object"}}}}
    return operation


def _summary(handler: Callable[..., Any]) -> str:
    where, what = said_by(handler)
    return what or where


def _done(status: int) -> dict[str, Any]:
    return {"description": "Done, nothing to show."} if status == _NO_CONTENT else {"description": "Done."}


def _json(words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {_JSON: {"schema": schema}}}


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}
