"""What stands in an access token, in the two forms that Entra has.

https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference. The claims that only
mean something inside Microsoft's own services (`rh`, `xms_ftd`, `xms_rd`) are left out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import Struct

from unsecret.model.application import ServicePrincipal, Tenant
from unsecret.model.event import CredentialType
from unsecret.tenant.certificates import base64url
from unsecret.tenant.discovery import v1_issuer, v2_issuer
from unsecret.tenant.random_guids import random_16
from unsecret.tenant.token_answers import Trace
from unsecret.tenant.token_resources import Resource

EXPIRES_IN = 3599
"""Seconds, as the answer says. The token itself runs from five minutes ago to an hour from now, as Entra's do."""

_BACKDATED = timedelta(minutes=5)
_LIFETIME = timedelta(hours=1)
_APP_ONLY_WID = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"  # what every application's token has; not a directory role
_SECRET, _CERTIFICATE = "1", "2"


class Granted(Struct, frozen=True, kw_only=True):
    """A token that may be issued: to whom, for what, and how the client proved itself. `roles` are app roles of the
    resource by name, `directory_roles` template ids."""

    tenant: Tenant
    client: ServicePrincipal
    resource: Resource
    roles: list[str]
    directory_roles: list[str]
    credential_type: CredentialType
    capabilities: tuple[str, ...]


def claims_of(granted: Granted, trace: Trace, *, authority: str) -> dict[str, Any]:
    """The claims of the token; the resource decides the version."""
    starts, ends = int((trace.now - _BACKDATED).timestamp()), int((trace.now + _LIFETIME).timestamp())
    times = {"iat": starts, "nbf": starts, "exp": ends}
    if granted.resource.wants_v2_tokens:
        return _v2(granted, trace, times, authority)
    return _v1(granted, trace, times)


def _v1(granted: Granted, trace: Trace, times: dict[str, int]) -> dict[str, Any]:
    issuer = v1_issuer(granted.tenant.id)
    claims: dict[str, Any] = {"aud": granted.resource.identifier, "iss": issuer, **times, "aio": _aio()}
    if granted.resource.is_microsoft:
        claims["app_displayname"] = granted.client.display_name
    claims |= {"appid": granted.client.app_id, "appidacr": _authentication(granted), "idp": issuer}
    if granted.resource.is_microsoft:
        claims["idtyp"] = "app"
    claims |= _who(granted, trace) | {"ver": "1.0"}
    if granted.resource.is_microsoft:
        claims |= {
            "tenant_region_scope": "WW",
            "wids": [*granted.directory_roles, _APP_ONLY_WID],
            "xms_idrel": "7 28",
            "xms_tcdt": int(granted.tenant.created_at.timestamp()),
        }
    return claims | _capabilities(granted)


def _v2(granted: Granted, trace: Trace, times: dict[str, int], authority: str) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "aud": granted.resource.principal.app_id,
        "iss": v2_issuer(authority, granted.tenant.id),
        **times,
        "aio": _aio(),
        "azp": granted.client.app_id,
        "azpacr": _authentication(granted),
    }
    return claims | _who(granted, trace) | {"ver": "2.0"} | _capabilities(granted)


def _who(granted: Granted, trace: Trace) -> dict[str, Any]:
    roles = {"roles": granted.roles} if granted.roles else {}
    return {
        "oid": granted.client.id,
        **roles,
        "sub": granted.client.id,
        "tid": granted.tenant.id,
        "uti": trace.token_id,
    }


def _authentication(granted: Granted) -> str:
    """`appidacr`, `azpacr`: 1 for a secret, 2 for a certificate."""
    return _SECRET if granted.credential_type is CredentialType.CLIENT_SECRET else _CERTIFICATE


def _capabilities(granted: Granted) -> dict[str, Any]:
    return {"xms_cc": list(granted.capabilities)} if granted.capabilities else {}


def _aio() -> str:
    """Opaque, and different in every token."""
    return base64url(random_16() + random_16()[:8])
