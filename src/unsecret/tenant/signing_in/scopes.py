"""What a client asks to do for somebody: scopes of one resource, and the few of OpenID Connect.

https://learn.microsoft.com/en-us/entra/identity-platform/scopes-oidc. A scope without a resource in front of it is
Microsoft Graph's. A token is for one resource, so scopes of several are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.model.application import ServicePrincipal, Tenant
from unsecret.store.questions import Questions
from unsecret.tenant.settings import ServerSettings
from unsecret.tenant.token_resources import Resource, find_resource
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

OPENID, PROFILE, EMAIL, OFFLINE_ACCESS = "openid", "profile", "email", "offline_access"
OPENID_CONNECT = (OPENID, PROFILE, EMAIL, OFFLINE_ACCESS)
GRAPH = "https://graph.microsoft.com"

MOST_SCOPES = 100
_DEFAULT = ".default"


class AskedScopes(Struct, frozen=True, kw_only=True):
    """Scopes as they were asked for. `verbatim` is every one of them, `values` those of `resource` by their bare names,
    `default` whether all that is agreed was asked for, `openid_connect` the others."""

    verbatim: tuple[str, ...]
    resource: str
    values: tuple[str, ...] = ()
    default: bool = False
    openid_connect: tuple[str, ...] = ()


class OfferedScope(Struct, frozen=True, kw_only=True):
    """A delegated permission that a resource offers. People may consent to it themselves unless `admin_only`."""

    id: str
    value: str
    admin_only: bool
    description: str


def read_scopes(text: str) -> AskedScopes:
    """The `scope` parameter. Raises TokenRefused: 70011 for a malformed one, 28000 for several resources."""
    verbatim = tuple(dict.fromkeys(text.split()))
    if len(verbatim) > MOST_SCOPES:
        raise TokenRefused(70011, scope=f"{len(verbatim)} scopes")
    openid_connect, values, resources = [], [], []
    for scope in verbatim:
        resource, value = _parts(scope)
        if value in OPENID_CONNECT and resource == GRAPH:
            openid_connect.append(value)
            continue
        if not resource or not value:
            raise TokenRefused(70011, scope=scope)
        values.append(value)
        resources.append(resource)
    if len(set(resources)) > 1:
        raise TokenRefused(28000, scope=text)
    default = _DEFAULT in values
    if default and len(values) > 1:
        raise TokenRefused(70011, scope=text)
    return AskedScopes(
        verbatim=verbatim,
        resource=resources[0] if resources else GRAPH,
        values=() if default else tuple(values),
        default=default,
        openid_connect=tuple(openid_connect),
    )


def all_of(resource: str) -> AskedScopes:
    """What the v1.0 endpoints ask for with `resource`: all that is agreed, an id token and a refresh token."""
    verbatim = (f"{resource}/{_DEFAULT}",)
    return AskedScopes(
        verbatim=verbatim, resource=resource, default=True, openid_connect=(OPENID, PROFILE, OFFLINE_ACCESS)
    )


def offered_scopes(principal: ServicePrincipal) -> dict[str, OfferedScope]:
    """The delegated permissions of a resource that are switched on, by their names in small letters."""
    offered = principal.other.get("oauth2PermissionScopes") or ()
    return {
        scope["value"].lower(): OfferedScope(
            id=scope["id"],
            value=scope["value"],
            admin_only=scope.get("type") != "User",
            description=scope.get("userConsentDisplayName") or scope.get("adminConsentDisplayName") or scope["value"],
        )
        for scope in offered
        if scope.get("value") and scope.get("isEnabled", True)
    }


def require_resource(
    conn: Connection, tenant: Tenant, asked: AskedScopes, settings: ServerSettings, client_name: str
) -> tuple[Resource, tuple[OfferedScope, ...]]:
    """The resource in `tenant`, and those of its permissions that are asked for by name.

    Raises TokenRefused: 500011 and 500014 as `find_resource`, 650053 for a permission that it does not offer.
    """
    resource = find_resource(Questions(conn, tenant.id), tenant, asked.resource, settings)
    offered = offered_scopes(resource.principal)
    unknown = next((value for value in asked.values if value.lower() not in offered), None)
    if unknown is not None:
        raise TokenRefused(650053, app=client_name, scope=unknown, resource=resource.principal.display_name)
    return resource, tuple(offered[value.lower()] for value in asked.values)


def shown_scope(asked: AskedScopes, granted: tuple[str, ...]) -> str:
    """The `scope` of the answer: what was granted, by the names that were asked for, so that a client's cache finds its
    token again. `offline_access` is never named, as in Entra."""
    prefix = next((scope.rpartition("/")[0] + "/" for scope in asked.verbatim if "/" in scope), "")
    others = [value for value in granted if value not in OPENID_CONNECT]
    named = [*(f"{prefix}{value}" for value in others), *asked.verbatim, *asked.openid_connect]
    return " ".join(dict.fromkeys(name for name in named if name != OFFLINE_ACCESS))


def _parts(scope: str) -> tuple[str, str]:
    """`https://graph.microsoft.com/User.Read` is a resource and a value; a resource that ends in a slash is written
    with two. A bare word is Graph's."""
    resource, slash, value = scope.rpartition("/")
    return (resource, value) if slash else (GRAPH, scope)
