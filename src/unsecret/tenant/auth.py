"""Who is calling: an access token becomes a Caller.

Graph and Azure Resource Manager take v1.0 tokens only, so there is exactly one issuer per tenant, and the
tenant that a token is for stands in its signed claims. What is read of them:

| claim | an application's token | a user's token |
| --- | --- | --- |
| `tid` | the tenant | the tenant |
| `appid`, `app_displayname` | the application | the client that the user is signed in to |
| `idtyp` | `app` | `user`, or absent |
| `oid` | the service principal | the user |
| `roles` / `scp` | application permissions, a list | delegated permissions, a string with spaces between |
| `name`, `upn` or `unique_name` | | the user's display name and userPrincipalName |

`wids` is not read: which directory roles somebody holds is looked up when they matter, so that a role ends at once.
https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from unsecret.errors import Unauthenticated
from unsecret.model.event import Caller, SignedInUser
from unsecret.model.identifiers import AppId, ObjectId, TenantId, canonical_guid
from unsecret.tenant.settings import Services
from unsecret.tenant.signing import REMEMBERED_TOKENS, TENANT_PLACEHOLDER, Claims

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
    token = token.strip()
    claims = services.signing.verify(token, audiences=audiences, issuers=(V1_ISSUER,), now=now)
    return _caller(claims)


@lru_cache(maxsize=REMEMBERED_TOKENS)
def _caller(claims: Claims) -> Caller:
    """The claims as a Caller; what is neither an application's nor a user's is refused."""
    tenant_id, app_id, object_id = (_guid(claims, name) for name in ("tid", "appid", "oid"))
    caller = Caller(
        tenant_id=TenantId(tenant_id), app_id=AppId(app_id), display_name=_text(claims, "app_displayname") or ""
    )
    match claims.get("idtyp"):
        case "app":
            return _application(caller, ObjectId(object_id), claims)
        case "user" | None:
            return _user(caller, ObjectId(object_id), claims)
    raise _nobody()


def _application(caller: Caller, object_id: ObjectId, claims: dict[str, Any]) -> Caller:
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or "scp" in claims:
        raise _nobody()
    roles = frozenset(role for role in roles if isinstance(role, str))
    return msgspec.structs.replace(caller, service_principal_id=object_id, roles=roles)


def _user(caller: Caller, object_id: ObjectId, claims: dict[str, Any]) -> Caller:
    scopes, upn = _text(claims, "scp"), _text(claims, "upn") or _text(claims, "unique_name")
    if scopes is None or upn is None:
        raise _nobody()
    user = SignedInUser(id=object_id, display_name=_text(claims, "name") or upn, user_principal_name=upn)
    return msgspec.structs.replace(caller, user=user, scopes=frozenset(scopes.split()))


def _text(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is not None and not isinstance(value, str):
        raise _nobody()
    return value


def _guid(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    guid = canonical_guid(value) if isinstance(value, str) else None
    if guid is None:
        raise _nobody()
    return guid


def _nobody() -> Unauthenticated:
    return Unauthenticated("Access token validation failure. The token is neither an application's nor a user's.")
