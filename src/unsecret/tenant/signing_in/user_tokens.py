"""What stands in the tokens that people are signed in with, and in the answer that carries them.

https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference, …/id-token-claims-reference.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from unsecret.model.application import ServicePrincipal, Tenant
from unsecret.model.event import CredentialType
from unsecret.model.people import User
from unsecret.tenant.certificates import base64url
from unsecret.tenant.discovery import v1_issuer, v2_issuer
from unsecret.tenant.signing_in.scopes import EMAIL, OFFLINE_ACCESS, OPENID, AskedScopes, shown_scope
from unsecret.tenant.token_answers import Trace
from unsecret.tenant.token_claims import EXPIRES_IN
from unsecret.tenant.token_requests import Endpoint
from unsecret.tenant.token_resources import Resource

_BACKDATED = timedelta(minutes=5)
_LIFETIME = timedelta(hours=1)
_PUBLIC, _SECRET, _CERTIFICATE = "0", "1", "2"
_NO_ROLE = "b79fbf4d-3ef9-4689-8143-76b194e85509"  # what every person has who holds no directory role
_PASSWORD = ["pwd"]


class UserGranted(Struct, frozen=True, kw_only=True):
    """Tokens that may be issued: to which client, for whom, for what. `scope` has the bare names of the permissions;
    `directory_roles` are template ids, `roles` the person's app roles on the resource."""

    tenant: Tenant
    client: ServicePrincipal
    user: User
    resource: Resource
    asked: AskedScopes
    scope: tuple[str, ...]
    signed_in_at: datetime
    directory_roles: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    credential_type: CredentialType = CredentialType.NONE
    capabilities: tuple[str, ...] = ()
    nonce: str | None = None
    ip_address: str | None = None


def access_token_claims(granted: UserGranted, trace: Trace, *, authority: str) -> dict[str, Any]:
    """The claims of an access token; the resource decides the version."""
    claims = _times(trace) | _v2(granted, authority) if granted.resource.wants_v2_tokens else _v1(granted, trace)
    shared: dict[str, Any] = {
        "aio": base64url(os.urandom(24)),
        "name": granted.user.display_name,
        "oid": granted.user.id,
        "scp": " ".join(value for value in granted.scope if value != OFFLINE_ACCESS),
        "sub": pairwise(granted, granted.resource.principal.app_id),
        "tid": granted.tenant.id,
        "uti": trace.token_id,
    }
    if granted.roles:
        shared["roles"] = list(granted.roles)
    if granted.capabilities:
        shared["xms_cc"] = list(granted.capabilities)
    return claims | shared


def id_token_claims(granted: UserGranted, trace: Trace, *, authority: str, endpoint: Endpoint) -> dict[str, Any]:
    """The claims of an id token: of the version whose endpoint was asked."""
    user, is_v2 = granted.user, endpoint is Endpoint.V2
    claims: dict[str, Any] = {
        "aud": granted.client.app_id,
        "iss": v2_issuer(authority, granted.tenant.id) if is_v2 else v1_issuer(granted.tenant.id),
        **_times(trace),
        "aio": base64url(os.urandom(24)),
        "auth_time": int(granted.signed_in_at.timestamp()),
        "name": user.display_name,
        "oid": user.id,
        "sub": pairwise(granted, granted.client.app_id),
        "tid": granted.tenant.id,
        "uti": trace.token_id,
        "ver": "2.0" if is_v2 else "1.0",
    }
    if is_v2:
        claims["preferred_username"] = user.user_principal_name
    else:
        claims |= {"amr": _PASSWORD, "unique_name": user.user_principal_name, "upn": user.user_principal_name}
    if granted.nonce is not None:
        claims["nonce"] = granted.nonce
    if EMAIL in granted.asked.openid_connect and user.mail:
        claims["email"] = user.mail
    return claims


def answer_body(
    granted: UserGranted,
    *,
    access_token: str,
    id_token: str | None,
    refresh_token: str | None,
    client_info: bool,
    endpoint: Endpoint,
    now: datetime,
) -> dict[str, Any]:
    """The body of the token endpoint's answer. The v1.0 endpoint writes its numbers as text."""
    body: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": shown_scope(granted.asked, granted.scope),
        "expires_in": EXPIRES_IN,
        "ext_expires_in": EXPIRES_IN,
        "access_token": access_token,
    }
    if endpoint is Endpoint.V1:
        starts = int(now.timestamp())
        body |= {"expires_in": str(EXPIRES_IN), "ext_expires_in": str(EXPIRES_IN)}
        body |= {"expires_on": str(starts + EXPIRES_IN), "not_before": str(starts)}
        body |= {"resource": granted.resource.identifier, "scope": " ".join(granted.scope)}
    if refresh_token is not None:
        body["refresh_token"] = refresh_token
    if id_token is not None:
        body["id_token"] = id_token
    if client_info:
        body["client_info"] = client_info_of(granted.user, granted.tenant)
    return body


def client_info_of(user: User, tenant: Tenant) -> str:
    """What MSAL tells accounts apart by."""
    return base64url(msgspec.json.encode({"uid": user.id, "utid": tenant.id}))


def wants_id_token(asked: AskedScopes) -> bool:
    """Whether an id token was asked for."""
    return OPENID in asked.openid_connect


def wants_refresh_token(asked: AskedScopes) -> bool:
    """Whether a refresh token was asked for."""
    return OFFLINE_ACCESS in asked.openid_connect


def pairwise(granted: UserGranted, audience: str) -> str:
    """`sub`: the same person for the same audience, and another for every other audience."""
    named = f"{granted.tenant.id}/{granted.user.id}/{audience}"
    return base64url(hashlib.sha256(named.encode()).digest())


def _times(trace: Trace) -> dict[str, Any]:
    starts, ends = int((trace.now - _BACKDATED).timestamp()), int((trace.now + _LIFETIME).timestamp())
    return {"iat": starts, "nbf": starts, "exp": ends}


def _v1(granted: UserGranted, trace: Trace) -> dict[str, Any]:
    issuer, user = v1_issuer(granted.tenant.id), granted.user
    claims: dict[str, Any] = {
        "aud": granted.resource.identifier,
        "iss": issuer,
        **_times(trace),
        "acr": "1",
        "amr": _PASSWORD,
        "appid": granted.client.app_id,
        "appidacr": _authentication(granted),
        "idp": issuer,
        "ipaddr": granted.ip_address or "",
        "unique_name": user.user_principal_name,
        "upn": user.user_principal_name,
        "ver": "1.0",
    }
    for claim, name in (("given_name", "givenName"), ("family_name", "surname")):
        if user.other.get(name):
            claims[claim] = user.other[name]
    if granted.resource.is_microsoft:
        claims |= {
            "app_displayname": granted.client.display_name,
            "idtyp": "user",
            "tenant_region_scope": "WW",
            "wids": [*granted.directory_roles, _NO_ROLE],
            "xms_idrel": "1 24",
            "xms_tcdt": int(granted.tenant.created_at.timestamp()),
        }
    return claims


def _v2(granted: UserGranted, authority: str) -> dict[str, Any]:
    return {
        "aud": granted.resource.principal.app_id,
        "iss": v2_issuer(authority, granted.tenant.id),
        "azp": granted.client.app_id,
        "azpacr": _authentication(granted),
        "preferred_username": granted.user.user_principal_name,
        "ver": "2.0",
    }


def _authentication(granted: UserGranted) -> str:
    """`appidacr`, `azpacr`: 0 for a public client, 1 for a secret, 2 for a certificate or another's assertion."""
    return {CredentialType.NONE: _PUBLIC, CredentialType.CLIENT_SECRET: _SECRET}.get(
        granted.credential_type, _CERTIFICATE
    )
