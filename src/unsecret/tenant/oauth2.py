"""The token endpoint: a client proves itself and gets a token. Every attempt is recorded.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow. What may be had is up to
the grant (`grants/`); reading the form, naming the client, the record of a refusal and the answer are the same for
all. A sign-in is durable before the answer leaves.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unsecret.errors import UnsecretError
from unsecret.model.application import Tenant
from unsecret.store import tenants
from unsecret.tenant import discovery
from unsecret.tenant.discovery import find_tenant
from unsecret.tenant.federated_sign_in import with_issuer_keys
from unsecret.tenant.grants import GRANTS, device_code
from unsecret.tenant.settings import Services
from unsecret.tenant.signing_in import device_codes
from unsecret.tenant.signing_in.admin_consent import admin_consent_v1, admin_consent_v2
from unsecret.tenant.signing_in.authorize import authorize_v1, authorize_v2
from unsecret.tenant.signing_in.device_codes import device_code_v1, device_code_v2
from unsecret.tenant.signing_in.device_pages import device_login, device_page
from unsecret.tenant.signing_in.log_out import log_out
from unsecret.tenant.signing_in.people import tenant_of_account
from unsecret.tenant.signing_in.redirects import origin_of
from unsecret.tenant.signing_in.texts import tenant_of
from unsecret.tenant.signing_in.user_information import user_info, user_realm
from unsecret.tenant.token_answers import Trace, answer, as_refusal, in_time_of, refusing, trace_of
from unsecret.tenant.token_attempts import Asking, record
from unsecret.tenant.token_requests import Endpoint, each_once, named_client, read_client, read_form
from unsecret.wire.aadsts import TokenRefused

_SERVED = f"This tenant serves {', '.join(repr(name) for name in GRANTS)}."


@refusing
async def token_v2(request: Request) -> Response:
    """POST /{tenant}/oauth2/v2.0/token"""
    return await _token(request, Endpoint.V2)


@refusing
async def token_v1(request: Request) -> Response:
    """POST /{tenant}/oauth2/token"""
    return await _token(request, Endpoint.V1)


async def _token(request: Request, endpoint: Endpoint) -> Response:
    trace = trace_of(request)
    if request.method != "POST":
        raise TokenRefused(900561, method=request.method)
    tenant = find_tenant(request)
    fields, authorization = await read_form(request), request.headers.get("authorization")
    services: Services = request.app.state.services
    if tenant is None:
        if (tenant := await _implied_tenant(request, services, dict(fields), trace)) is None:
            raise TokenRefused(50059)
        trace = in_time_of(trace, services, tenant)
    asking = Asking(request, services, trace, tenant, endpoint)
    try:
        asking.attempt.says_it_is(named_client(fields, authorization))
        form = each_once(fields)
        client = await with_issuer_keys(asking, read_client(form, authorization))
        name = form.get("grant_type")
        if not name:
            raise TokenRefused(900144, parameter="grant_type", remedy="")
        if (grant := GRANTS.get(name)) is None:
            raise TokenRefused(70003, grant=name, served=_SERVED)
        body = await grant(asking, form, client)
    except UnsecretError as error:
        if asking.attempt.is_somebodys and not asking.attempt.is_recorded:
            await record(asking, as_refusal(error))
        raise
    finally:
        if "origin" in request.headers:
            _let_pages_read(asking)
    return answer(body, request)


def _let_pages_read(asking: Asking) -> None:
    """Let a single-page application read the answer from where its redirect URIs say that it is, and no other page.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CORS
    """
    origin, application = asking.request.headers["origin"], asking.attempt.application
    if application and origin in {origin_of(uri) for uri in application.spa_redirect_uris}:
        asking.request.state.readable_from = origin


async def _implied_tenant(request: Request, services: Services, form: dict[str, str], trace: Trace) -> Tenant | None:
    """The tenant of what is taken back, or of the account that signs in, at an address that names none."""
    if form.get("grant_type") in device_code.GRANT_TYPES:
        return await device_code.implied_tenant(request, form, now=trace.machine_now)
    text = form.get("code") or form.get("refresh_token") or ""
    with services.store.read() as conn:
        if (tenant_id := tenant_of(text)) is not None:
            return tenants.get_tenant(conn, tenant_id)
        return tenant_of_account(conn, form.get("username", ""))


_PAGE = ["GET", "POST"]
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]  # the endpoint itself says that it takes POST only

ROUTES = [
    *discovery.ROUTES,
    Route("/{tenant}/oauth2/v2.0/token", token_v2, methods=_METHODS),
    Route("/{tenant}/oauth2/token", token_v1, methods=_METHODS),
    Route("/{tenant}/oauth2/v2.0/authorize", authorize_v2, methods=_PAGE),
    Route("/{tenant}/oauth2/authorize", authorize_v1, methods=_PAGE),
    Route("/{tenant}/oauth2/v2.0/devicecode", device_code_v2, methods=["POST"]),
    Route("/{tenant}/oauth2/devicecode", device_code_v1, methods=["POST"]),
    Route(device_codes.PAGE, device_page, methods=_PAGE),
    Route("/devicelogin", device_login, methods=["GET"]),
    Route("/{tenant}/oauth2/v2.0/logout", log_out, methods=_PAGE),
    Route("/{tenant}/oauth2/logout", log_out, methods=_PAGE),
    Route("/{tenant}/v2.0/adminconsent", admin_consent_v2, methods=_PAGE),
    Route("/{tenant}/adminconsent", admin_consent_v1, methods=_PAGE),
    Route("/oidc/userinfo", user_info, methods=_PAGE),
    Route("/common/userrealm/{account}", user_realm, methods=["GET"]),
]
