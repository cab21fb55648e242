"""What a client reads before it asks for a token: where everything is, and which keys sign.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc. All addresses are on the host
that the request came to. `common`, `organizations` and `consumers` stand for no tenant in particular; their
documents say `{tenantid}` where an issuer names one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unsecret.model.application import Tenant
from unsecret.tenant.auth import V1_ISSUER
from unsecret.tenant.settings import LOGIN_HOSTS, ServerSettings, Services, is_own_url, login_authority, origin
from unsecret.tenant.signing import TENANT_PLACEHOLDER
from unsecret.tenant.token_answers import answer, refusing
from unsecret.wire.aadsts import TokenRefused

TENANTLESS = frozenset({"common", "organizations", "consumers"})

_CACHED = {"Cache-Control": "max-age=86400, private", "Access-Control-Allow-Origin": "*"}
_GRANT_TYPES = [
    *("authorization_code", "refresh_token", "client_credentials", "password"),
    "urn:ietf:params:oauth:grant-type:device_code",
]
_CLAIMS = [
    *("sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host"),
    *("aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver"),
    *("at_hash", "c_hash", "email"),
]


def find_tenant(request: Request) -> Tenant | None:
    """The tenant that the path names, by id or verified domain; None for the names that stand for none.

    Raises TokenRefused 90002 when there is no such tenant.
    """
    services: Services = request.app.state.services
    name = request.path_params["tenant"]
    if name.lower() in TENANTLESS:
        return None
    if (tenant := services.store.find_tenant(name)) is None:
        raise TokenRefused(90002, tenant=name)
    return tenant


def v2_issuer(authority: str, tenant_id: str) -> str:
    """`iss` of v2.0 tokens that are asked for at `authority` (an origin)."""
    return f"{login_authority(authority)}/{tenant_id}/v2.0"


def v1_issuer(tenant_id: str) -> str:
    """`iss` of v1.0 tokens, on every host."""
    return V1_ISSUER.replace(TENANT_PLACEHOLDER, tenant_id)


def token_endpoint(authority: str, tenant_id: str, *, v2: bool) -> str:
    """Where tokens are asked for."""
    return f"{authority}/{tenant_id}/oauth2/v2.0/token" if v2 else f"{authority}/{tenant_id}/oauth2/token"


def is_token_audience(audience: str, tenant: Tenant, settings: ServerSettings) -> bool:
    """Whether a client assertion with this `aud` is meant for us: either token endpoint or either issuer of the
    tenant, under any of its names, on any host that this server answers to."""
    if audience == v1_issuer(tenant.id):
        return True
    if not is_own_url(audience, settings):
        return False
    name, _, rest = urlsplit(audience).path.strip("/").partition("/")
    known = {tenant.id, *(domain.lower() for domain in tenant.verified_domains)}
    return name.lower() in known and rest in ("oauth2/v2.0/token", "oauth2/token", "v2.0", "")


@refusing
async def openid_configuration_v2(request: Request) -> Response:
    """GET /{tenant}/v2.0/.well-known/openid-configuration"""
    return answer(_configuration(request, v2=True), request, headers=_CACHED)


@refusing
async def openid_configuration_v1(request: Request) -> Response:
    """GET /{tenant}/.well-known/openid-configuration"""
    return answer(_configuration(request, v2=False), request, headers=_CACHED)


@refusing
async def keys_v2(request: Request) -> Response:
    """GET /{tenant}/discovery/v2.0/keys: each key with the issuer it signs for."""
    services: Services = request.app.state.services
    _, tenant_id = _names(find_tenant(request), request)
    return answer(services.signing.jwks(v2_issuer(_authority(request), tenant_id)), request, headers=_CACHED)


@refusing
async def keys_v1(request: Request) -> Response:
    """GET /{tenant}/discovery/keys"""
    services: Services = request.app.state.services
    find_tenant(request)
    return answer(services.signing.jwks(), request, headers=_CACHED)


@refusing
async def instance(request: Request) -> Response:
    """GET /common/discovery/instance: is this authority one of ours, and which hosts are the same to a cache?

    https://learn.microsoft.com/en-us/entra/msal/ describes who asks: MSAL, before it sends a credential to a
    host that it was not built with.
    """
    services: Services = request.app.state.services
    asked = request.query_params.get("authorization_endpoint", "")
    if not is_own_url(asked, services.settings):
        raise TokenRefused(50049)
    parts = urlsplit(asked)
    tenant = parts.path.strip("/").split("/")[0] or "common"
    host = parts.netloc.lower()
    own = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
    public = {
        "preferred_network": "login.microsoftonline.com",
        "preferred_cache": "login.windows.net",
        "aliases": sorted(LOGIN_HOSTS - {"login.microsoft.com"}),
    }
    body = {
        "tenant_discovery_endpoint": f"https://{host}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [public] if parts.hostname in LOGIN_HOSTS else [public, own],
    }
    return answer(body, request, headers=_CACHED)


def _authority(request: Request) -> str:
    services: Services = request.app.state.services
    return origin(request.headers.get("host"), services.settings)


def _names(tenant: Tenant | None, request: Request) -> tuple[str, str]:
    """How addresses name the tenant, and how issuers do."""
    if tenant is None:
        return request.path_params["tenant"].lower(), TENANT_PLACEHOLDER
    return tenant.id, tenant.id


def _configuration(request: Request, *, v2: bool) -> dict[str, Any]:
    authority = _authority(request)
    name, tenant_id = _names(find_tenant(request), request)
    base, version = f"{authority}/{name}", "/v2.0" if v2 else ""
    host = urlsplit(authority).netloc
    graph = "graph.microsoft.com" if host in LOGIN_HOSTS else host
    return {
        "token_endpoint": token_endpoint(authority, name, v2=v2),
        "token_endpoint_auth_methods_supported": [
            *("client_secret_post", "private_key_jwt", "client_secret_basic", "none"),
        ],
        "grant_types_supported": _GRANT_TYPES,
        "jwks_uri": f"{base}/discovery{version}/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": v2_issuer(authority, tenant_id) if v2 else v1_issuer(tenant_id),
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": True,
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"https://{graph}/oidc/userinfo",
        "authorization_endpoint": f"{base}/oauth2{version}/authorize",
        "device_authorization_endpoint": f"{base}/oauth2{version}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2{version}/logout",
        "claims_supported": _CLAIMS,
        "kerberos_endpoint": f"{base}/kerberos",
        "tenant_region_scope": None if tenant_id == TENANT_PLACEHOLDER else "WW",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": graph,
        "rbac_url": "https://pas.windows.net",
    }


ROUTES = [
    Route("/common/discovery/instance", instance, methods=["GET"]),
    Route("/{tenant}/v2.0/.well-known/openid-configuration", openid_configuration_v2, methods=["GET"]),
    Route("/{tenant}/.well-known/openid-configuration", openid_configuration_v1, methods=["GET"]),
    Route("/{tenant}/discovery/v2.0/keys", keys_v2, methods=["GET"]),
    Route("/{tenant}/discovery/keys", keys_v1, methods=["GET"]),
]
