"""The token endpoint: an application proves itself and gets an access token. Every attempt is recorded.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow. Whether a secret
or certificate is still there, in time and its owner's is looked up anew for every token, and the sign-in is
durable before the answer leaves. The client is authenticated before anything is said about what it may have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unsecret.errors import UnsecretError
from unsecret.model.application import Application, ServicePrincipal, Tenant
from unsecret.model.event import CredentialType, SignIn
from unsecret.model.identifiers import ZERO_GUID, AppId, KeyId, canonical_guid
from unsecret.store import credentials, directory_objects, logs
from unsecret.tenant import assertions, discovery, secrets
from unsecret.tenant.call import kept
from unsecret.tenant.certificates import thumbprint_hex
from unsecret.tenant.discovery import find_tenant, is_token_audience, token_endpoint
from unsecret.tenant.settings import Services, origin
from unsecret.tenant.token_answers import Trace, answer, as_refusal, refusing, trace_of
from unsecret.tenant.token_claims import EXPIRES_IN, Granted, claims_of
from unsecret.tenant.token_requests import (
    Endpoint,
    TokenRequest,
    each_once,
    named_client,
    read_client,
    read_form,
    read_token_request,
)
from unsecret.tenant.token_resources import Resource, find_resource, granted_roles
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NOBODY = AppId(ZERO_GUID)
_NO_SECRET = secrets.digest("")


@dataclass
class Attempt:
    """What is known of a sign-in so far; the record is made of it, however the attempt ends.

    A request that names no client at all is nobody's attempt. One that names its client by something that is
    no appId is recorded under the zero GUID.
    """

    app_id: AppId = _NOBODY
    is_somebodys: bool = False
    application: Application | None = None
    principal: ServicePrincipal | None = None
    resource: Resource | None = None
    credential_type: CredentialType = CredentialType.NONE
    key_id: KeyId | None = None
    thumbprint: str | None = None

    def says_it_is(self, client_id: str | None) -> None:
        """Note which client the request names."""
        if client_id:
            self.is_somebodys = True
            self.app_id = AppId(canonical_guid(client_id.strip()) or _NOBODY)

    @property
    def name(self) -> str | None:
        known = self.application or self.principal
        return known.display_name if known else None


@dataclass(frozen=True)
class Asking:
    """One request to a token endpoint, with everything that judging it takes."""

    request: Request
    services: Services
    trace: Trace
    tenant: Tenant
    endpoint: Endpoint
    attempt: Attempt = field(default_factory=Attempt)

    @property
    def authority(self) -> str:
        return origin(self.request.headers.get("host"), self.services.settings)


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
    if tenant is None:
        raise TokenRefused(50059)
    fields, authorization = await read_form(request), request.headers.get("authorization")
    asking = Asking(request, request.app.state.services, trace, tenant, endpoint)
    try:
        asking.attempt.says_it_is(named_client(fields, authorization))
        form = each_once(fields)
        client = read_client(form, authorization)
        granted = _judge(asking, read_token_request(form, client, endpoint))
    except UnsecretError as error:
        if asking.attempt.is_somebodys:
            await _record(asking, as_refusal(error))
        raise
    recorded = _record(asking, None)  # on its way to the disk while the token is being signed
    token = asking.services.signing.sign(claims_of(granted, trace, authority=asking.authority))
    await recorded
    return answer(_body(token, granted, trace, endpoint), request)


def _judge(asking: Asking, asked: TokenRequest) -> Granted:
    """What may be issued for `asked`, on one snapshot of the directory. Raises TokenRefused."""
    attempt, tenant = asking.attempt, asking.tenant
    with asking.services.store.read() as conn:
        _find_client(conn, tenant, asked, attempt)
        _authenticate(conn, asking, asked)
        principal = _require_usable(attempt, tenant)
        attempt.resource = find_resource(conn, tenant, asked.resource, asking.services.settings)
        roles = granted_roles(conn, tenant, principal, attempt.resource)
    if roles is None and attempt.resource.principal.other.get("appRoleAssignmentRequired"):
        raise _not_assigned(principal, attempt.resource)
    return Granted(
        tenant=tenant,
        client=principal,
        resource=attempt.resource,
        roles=roles or [],
        credential_type=attempt.credential_type,
        capabilities=asked.capabilities,
    )


def _find_client(conn: Connection, tenant: Tenant, asked: TokenRequest, attempt: Attempt) -> None:
    """Fill in the client's application and service principal; either may sign in, neither is 700016."""
    attempt.application, attempt.principal = directory_objects.objects_of_app(conn, tenant.id, attempt.app_id)
    if attempt.name is None:
        attempt.credential_type = _credential_type(asked)
        if asked.client.secret is not None:
            secrets.matches(asked.client.secret, _NO_SECRET)  # an unknown application takes as long as a known one
        raise TokenRefused(700016, app=asked.client.client_id, tenant=tenant.display_name)


def _credential_type(asked: TokenRequest) -> CredentialType:
    return CredentialType.CLIENT_ASSERTION if asked.client.secret is None else CredentialType.CLIENT_SECRET


def _authenticate(conn: Connection, asking: Asking, asked: TokenRequest) -> None:
    """Check what the client proves itself with, and note which credential that was. Raises TokenRefused."""
    asking.attempt.credential_type = _credential_type(asked)
    if asked.client.secret is not None:
        _check_secret(conn, asking, asked.client.secret)
    elif asked.client.assertion is not None:
        _check_assertion(conn, asking, asked.client.assertion)


def _check_secret(conn: Connection, asking: Asking, secret: str) -> None:
    """Every stored secret is compared, whichever matches, so that time tells nothing about them."""
    attempt, now = asking.attempt, asking.trace.now
    stored = credentials.password_digests(conn, asking.tenant.id, attempt.app_id)
    matching = [password.credential for password in stored if secrets.matches(secret, password.digest)]
    started = [password for password in matching if password.start_at <= now]
    if not started:
        raise TokenRefused(7000215, app=attempt.app_id)
    best = max(started, key=lambda password: password.end_at)
    attempt.key_id = best.key_id
    if now >= best.end_at:
        raise TokenRefused(7000222, app=attempt.app_id)


def _check_assertion(conn: Connection, asking: Asking, text: str) -> None:
    attempt, now = asking.attempt, asking.trace.now
    assertion = assertions.read_assertion(text)
    assertions.require_issuer(assertion, attempt.app_id)
    keys = credentials.keys_of_app(conn, asking.tenant.id, attempt.app_id)
    key = assertions.registered_key(assertion, keys, now=now)
    attempt.credential_type = CredentialType.CERTIFICATE
    attempt.key_id = key.credential.key_id
    attempt.thumbprint = thumbprint_hex(key.credential.thumbprint_sha1)
    assertions.require_signature(assertion, key, now=now)
    assertions.require_claims(
        assertion,
        is_audience=lambda audience: is_token_audience(audience, asking.tenant, asking.services.settings),
        audience=token_endpoint(asking.authority, asking.tenant.id, v2=asking.endpoint is Endpoint.V2),
        now=now,
    )


def _require_usable(attempt: Attempt, tenant: Tenant) -> ServicePrincipal:
    """The client's service principal. Raises TokenRefused when it or its application is switched off
    (7000112), or when the application has none in this tenant (7000229)."""
    application, principal = attempt.application, attempt.principal
    disabled = (application is not None and application.is_disabled) or (
        principal is not None and not principal.account_enabled
    )
    if disabled:
        raise TokenRefused(7000112, app=attempt.app_id, name=attempt.name)
    if principal is None:
        raise TokenRefused(7000229, app=attempt.app_id, tenant=tenant.id)
    return principal


def _not_assigned(client: ServicePrincipal, resource: Resource) -> TokenRefused:
    """The resource wants everybody to be assigned (`appRoleAssignmentRequired`), and this client is not."""
    return TokenRefused(
        501051,
        app=client.app_id,
        name=client.display_name,
        resource=resource.principal.app_id,
        resource_name=resource.principal.display_name,
    )


def _record(asking: Asking, refusal: TokenRefused | None) -> Awaitable[None]:
    """Write the sign-in down, also when the client hangs up meanwhile. What is returned is done once the record is
    durable; it raises Unavailable, and then there must be no token."""
    sign_in = _sign_in(asking, refusal)
    written = asking.services.store.write(lambda conn: logs.add_sign_in(conn, asking.tenant.id, sign_in))
    return asyncio.shield(asyncio.wrap_future(written))


def _sign_in(asking: Asking, refusal: TokenRefused | None) -> SignIn:
    request, attempt = asking.request, asking.attempt
    resource = attempt.resource.principal if attempt.resource else None
    principal = attempt.principal
    return SignIn(
        id=asking.trace.trace_id,
        at=asking.trace.now,
        app_id=attempt.app_id,
        app_display_name=attempt.name,
        service_principal_id=principal.id if principal else None,
        service_principal_name=principal.display_name if principal else None,
        credential_type=attempt.credential_type,
        credential_key_id=attempt.key_id,
        credential_thumbprint=attempt.thumbprint,
        error_code=refusal.number if refusal else 0,
        failure_reason=refusal.message if refusal else None,
        resource_id=resource.app_id if resource else None,
        resource_display_name=resource.display_name if resource else None,
        resource_service_principal_id=resource.id if resource else None,
        correlation_id=asking.trace.correlation_id,
        token_id=asking.trace.token_id,
        ip_address=request.client.host if request.client else None,
        user_agent=kept(request.headers.get("user-agent")),
    )


def _body(token: str, granted: Granted, trace: Trace, endpoint: Endpoint) -> dict[str, Any]:
    """The v1.0 endpoint writes its numbers as text, and repeats the resource."""
    if endpoint is Endpoint.V2:
        return {
            "token_type": "Bearer",
            "expires_in": EXPIRES_IN,
            "ext_expires_in": EXPIRES_IN,
            "access_token": token,
        }
    starts = int(trace.now.timestamp())
    return {
        "token_type": "Bearer",
        "expires_in": str(EXPIRES_IN),
        "ext_expires_in": str(EXPIRES_IN),
        "expires_on": str(starts + EXPIRES_IN),
        "not_before": str(starts),
        "resource": granted.resource.identifier,
        "access_token": token,
    }


_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]  # the endpoint itself says that it takes POST only

ROUTES = [
    *discovery.ROUTES,
    Route("/{tenant}/oauth2/v2.0/token", token_v2, methods=_METHODS),
    Route("/{tenant}/oauth2/token", token_v1, methods=_METHODS),
]
