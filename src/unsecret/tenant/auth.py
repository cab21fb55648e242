"""Who is calling: an access token becomes a Caller.

Graph and Azure Resource Manager take v1.0 tokens only, so there is exactly one issuer per tenant, and the
tenant that a token is for stands in its signed claims.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from unsecret.errors import Unauthenticated
from unsecret.model.event import Caller
from unsecret.model.identifiers import AppId, ObjectId, TenantId, canonical_guid
from unsecret.tenant.settings import Services
from unsecret.tenant.signing import TENANT_PLACEHOLDER

V1_ISSUER = f"https://sts.windows.net/{TENANT_PLACEHOLDER}/"
"""The issuer of v1.0 tokens, on every host."""

_SCHEME = "bearer"


def authenticate(header: str | None, services: Services, now: datetime) -> Caller:
    """The caller that the `Authorization` header proves, for Graph.

    Raises Unauthenticated with Graph's code and words. That the tenant is still there is for whoever reads
    the directory to find out.
    """
    return _authenticate(header, services, services.settings.graph_audiences, now)


def authenticate_arm(header: str | None, services: Services, now: datetime) -> Caller:
    """As `authenticate`, for Azure Resource Manager."""
    return _authenticate(header, services, services.settings.arm_audiences, now)


def _authenticate(header: str | None, services: Services, audiences: Collection[str], now: datetime) -> Caller:
    scheme, _, token = (header or "").strip().partition(" ")
    if scheme.lower() != _SCHEME or not token.strip():
        raise Unauthenticated("Access token is empty.")
    claims = services.signing.verify(token.strip(), audiences=audiences, issuers=(V1_ISSUER,), now=now)
    return _caller(claims)


def _caller(claims: dict[str, Any]) -> Caller:
    """The claims of an application's token as a Caller; anything that is not one is refused."""
    tenant_id, app_id, object_id = (_guid(claims, name) for name in ("tid", "appid", "oid"))
    roles = claims.get("roles", [])
    name = claims.get("app_displayname", "")
    if claims.get("idtyp") != "app" or not isinstance(roles, list) or not isinstance(name, str):
        raise _not_an_application()
    return Caller(
        tenant_id=TenantId(tenant_id),
        app_id=AppId(app_id),
        service_principal_id=ObjectId(object_id),
        display_name=name,
        roles=frozenset(role for role in roles if isinstance(role, str)),
    )


def _guid(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    guid = canonical_guid(value) if isinstance(value, str) else None
    if guid is None:
        raise _not_an_application()
    return guid


def _not_an_application() -> Unauthenticated:
    return Unauthenticated("Access token validation failure. The token is not an application's.")
