"""/oauth2PermissionGrants: delegated permissions that were granted to clients."""

from __future__ import annotations

from starlette.responses import Response

from unsecret.model.consent import OAuth2PermissionGrant
from unsecret.model.query import Page
from unsecret.tenant.call import CREATED, Call, Routes, no_content
from unsecret.tenant.counting import counted
from unsecret.tenant.description import described
from unsecret.tenant.use_cases import consents
from unsecret.wire import collections, json_schemas, odata
from unsecret.wire.consent import permission_grant_from_graph, permission_grant_to_graph, scope_from_graph

_CONTEXT = "oauth2PermissionGrants"


def _page(call: Call, page: Page[OAuth2PermissionGrant], asked: odata.Asked) -> Response:
    return call.page(page, permission_grant_to_graph, _CONTEXT, asked)


def list_grants(call: Call) -> Response:
    """GET /oauth2PermissionGrants: all of them."""
    asked = call.asked(collections.PERMISSION_GRANTS)
    return _page(call, call.read(consents.list_grants, asked.query), asked)


def list_grants_of_principal(call: Call) -> Response:
    """GET /servicePrincipals/{id}/oauth2PermissionGrants: what was granted to a client."""
    asked = call.asked(collections.PERMISSION_GRANTS)
    return _page(call, call.read(consents.list_grants_of_principal, call.key(), asked.query), asked)


def list_grants_of_user(call: Call) -> Response:
    """GET /users/{id}/oauth2PermissionGrants: what somebody granted for themselves."""
    asked = call.asked(collections.PERMISSION_GRANTS)
    return _page(call, call.read(consents.list_grants_of_user, call.path("key"), asked.query), asked)


def list_my_grants(call: Call) -> Response:
    """GET /me/oauth2PermissionGrants: what the signed-in user granted for themselves."""
    asked = call.asked(collections.PERMISSION_GRANTS)
    return _page(call, call.read(consents.list_my_grants, asked.query), asked)


def get_grant(call: Call) -> Response:
    """GET /oauth2PermissionGrants/{id}: one of them."""
    select = call.asked(collections.PERMISSION_GRANTS).select
    grant = call.read(consents.get_grant, call.path("key"))
    return call.entity(permission_grant_to_graph(grant), _CONTEXT, select=select)


@described(201, takes=json_schemas.NEW_PERMISSION_GRANT)
async def create_grant(call: Call) -> Response:
    """POST /oauth2PermissionGrants: let a client use scopes of a resource, for everybody or for one person."""
    grant = await call.write(consents.create_grant, await call.reading(permission_grant_from_graph))
    answer = call.entity(permission_grant_to_graph(grant), _CONTEXT, status=CREATED)
    return call.placed(answer, f"{_CONTEXT}/{grant.id}")


@described(204, takes=json_schemas.PERMISSION_GRANT)
async def update_grant(call: Call) -> Response:
    """PATCH /oauth2PermissionGrants/{id}: change its scopes."""
    await call.write(consents.update_grant, call.path("key"), await call.reading(scope_from_graph))
    return no_content()


async def delete_grant(call: Call) -> Response:
    """DELETE /oauth2PermissionGrants/{id}: withdraw it."""
    await call.write(consents.delete_grant, call.path("key"))
    return no_content()


ROUTES: Routes = [
    *counted("/oauth2PermissionGrants", list_grants),
    ("POST", "/oauth2PermissionGrants", create_grant),
    ("GET", "/oauth2PermissionGrants/{key}", get_grant),
    ("PATCH", "/oauth2PermissionGrants/{key}", update_grant),
    ("DELETE", "/oauth2PermissionGrants/{key}", delete_grant),
    *counted("/servicePrincipals/{key}/oauth2PermissionGrants", list_grants_of_principal),
    *counted("/users/{key}/oauth2PermissionGrants", list_grants_of_user),
    *counted("/me/oauth2PermissionGrants", list_my_grants),
]
"""Before the routes of service principals, whose last one takes any property."""
