"""Device codes: a program without a browser shows a short code, and a person types it into a page elsewhere.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-device-code, RFC 8628. A device may ask at an
address that names no tenant, so codes are of no tenant until somebody approves them: all are kept under the zero GUID,
and go by the machine's clock.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from unsecret.errors import Conflict
from unsecret.model.identifiers import ZERO_GUID, AppId, TenantId, canonical_guid
from unsecret.model.issued import GrantKind, IssuedGrant
from unsecret.store import issued
from unsecret.tenant.discovery import find_tenant
from unsecret.tenant.hand_over import HandOver
from unsecret.tenant.settings import Services, browser_origin
from unsecret.tenant.signing_in.registrations import find_registration
from unsecret.tenant.signing_in.scopes import all_of, read_scopes
from unsecret.tenant.signing_in.texts import digest, new_text, new_user_code
from unsecret.tenant.token_answers import answer, refusing, trace_of
from unsecret.tenant.token_requests import Endpoint, each_once, read_form, required
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

NO_TENANT = TenantId(ZERO_GUID)
CODE_LIFETIME = timedelta(minutes=15)
POLLED_EVERY = timedelta(seconds=5)
PAGE = "/common/oauth2/deviceauth"

_DRAWS = 5


@refusing
async def device_code_v2(request: Request) -> Response:
    """POST /{tenant}/oauth2/v2.0/devicecode"""
    return await _device_code(request, Endpoint.V2)


@refusing
async def device_code_v1(request: Request) -> Response:
    """POST /{tenant}/oauth2/devicecode"""
    return await _device_code(request, Endpoint.V1)


async def _device_code(request: Request, endpoint: Endpoint) -> Response:
    services: Services = request.app.state.services
    tenant, now = find_tenant(request), trace_of(request).machine_now
    form = each_once(await read_form(request))
    client_id = required(form, "client_id")
    is_v2 = endpoint is Endpoint.V2
    asked = read_scopes(required(form, "scope")) if is_v2 else all_of(required(form, "resource"))
    with services.store.read() as conn:
        client = find_registration(conn, tenant, client_id)
    text = new_text(NO_TENANT)
    grant = IssuedGrant(
        kind=GrantKind.DEVICE_CODE,
        family=str(uuid.uuid4()),
        issued_at=now,
        expires_at=now + CODE_LIFETIME,
        client_id=client.app_id,
        resource=asked.resource,
        scope=asked.verbatim,
        tenant_id=tenant.id if tenant else None,
    )
    hand_over: HandOver = request.app.state.hand_over
    user_code = await hand_over.write(lambda conn: _handed_out(conn, text, grant, now=now), NO_TENANT)
    page = f"{browser_origin(request.headers.get('host'), services.settings)}{PAGE}"
    return answer(_body(text, user_code, page, endpoint), request)


def _handed_out(conn: Connection, text: str, grant: IssuedGrant, *, now: datetime) -> str:
    """Write a device code down under a user code that nobody else has; returns that."""
    for _ in range(_DRAWS):
        user_code = new_user_code()
        try:
            issued.add(conn, NO_TENANT, digest(text), msgspec.structs.replace(grant, user_code=user_code), now=now)
        except Conflict:
            continue
        return user_code
    raise TokenRefused(90033)


def _body(text: str, user_code: str, page: str, endpoint: Endpoint) -> dict[str, Any]:
    """RFC 8628 §3.2, with Entra's message for whoever shows it as it is. v1.0 has its own name for the address."""
    seconds, interval = int(CODE_LIFETIME.total_seconds()), int(POLLED_EVERY.total_seconds())
    body: dict[str, Any] = {
        "user_code": user_code,
        "device_code": text,
        "verification_uri": page,
        "expires_in": seconds,
        "interval": interval,
        "message": f"To sign in, use a web browser to open the page {page} and enter the code {user_code} to "
        "authenticate.",
    }
    if endpoint is Endpoint.V1:
        body |= {"verification_url": page, "expires_in": str(seconds), "interval": str(interval)}
    return body


async def poll(hand_over: HandOver, text: str, client_id: str, *, now: datetime) -> IssuedGrant:
    """What became of a device code, for the client that asks again and again.

    Raises TokenRefused: 70016 while nobody has approved it, 50196 (`slow_down`) when that is asked too often, 70025
    when somebody declined, 70020 when its time is over, 70018 when there is no such code of this client's.
    """
    app_id = AppId(canonical_guid(client_id.strip()) or ZERO_GUID)
    outcome = await hand_over.write(lambda conn: _polled(conn, text, app_id, now=now), NO_TENANT)
    if isinstance(outcome, TokenRefused):
        raise outcome
    return outcome


def _polled(conn: Connection, text: str, client_id: AppId, *, now: datetime) -> IssuedGrant | TokenRefused:
    grant = issued.find(conn, NO_TENANT, GrantKind.DEVICE_CODE, digest(text))
    if grant is None or grant.client_id != client_id:
        return TokenRefused(70018)
    if grant.declined:
        return TokenRefused(70025)
    if grant.user_id is not None and grant.used_at is not None:
        return grant
    if grant.expires_at <= now:
        return TokenRefused(70020)
    if grant.user_id is not None:
        return grant
    too_soon = grant.polled_at is not None and now - grant.polled_at < POLLED_EVERY
    issued.replace(conn, NO_TENANT, digest(text), msgspec.structs.replace(grant, polled_at=now))
    return TokenRefused(50196 if too_soon else 70016)
