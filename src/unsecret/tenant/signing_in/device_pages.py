"""The page where a person types the code that a device shows, signs in, and says yes or no.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-device-code, RFC 8628 §3.3. A code is never taken
from the address of the page, and the person is always asked, by the name of the application, whether they began this
(§5.4: somebody else may have sent them the code).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from unsecret.model.application import Tenant
from unsecret.model.issued import IssuedGrant
from unsecret.store import issued, tenants
from unsecret.tenant.settings import Services
from unsecret.tenant.signing_in.authorize import showing
from unsecret.tenant.signing_in.consents import Judged, agree, judge, mark_of
from unsecret.tenant.signing_in.device_codes import NO_TENANT, PAGE
from unsecret.tenant.signing_in.interaction import (
    Arrived,
    SomebodyIsThere,
    arrive,
    on_the_page,
    permission_list,
    remembered,
    transaction_of,
    typed,
)
from unsecret.tenant.signing_in.pages import Html, error_line, form_page, fragment, notice
from unsecret.tenant.signing_in.registrations import Registration, find_registration
from unsecret.tenant.signing_in.requests import read_parameters
from unsecret.tenant.signing_in.scopes import read_scopes
from unsecret.tenant.signing_in.sessions import keep_session, require_canary
from unsecret.tenant.token_answers import trace_of
from unsecret.tenant.token_attempts import Asking
from unsecret.tenant.token_requests import Endpoint
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LONGEST_CODE = 16


class _Device(Struct, frozen=True, kw_only=True):
    """A code that somebody typed, which waits for an answer."""

    digest: bytes
    grant: IssuedGrant
    client: Registration
    tenant: Tenant | None

    @property
    def code(self) -> str:
        return self.grant.user_code or ""


class _Asked(Struct, frozen=True, kw_only=True):
    """The question that is put to a person who has signed in."""

    judged: Judged
    account: str
    tenant: Tenant
    new_session: str | None


@showing
async def device_page(request: Request) -> Response:
    """GET, POST /common/oauth2/deviceauth"""
    _, form = await read_parameters(request)
    if not form:
        return _code_page(request, "", None)
    require_canary(request, form["canary"])
    code = form.get("code", "").strip()[:_LONGEST_CODE]
    try:
        device = _device(request, code)
    except TokenRefused as refusal:
        return _code_page(request, code, refusal)
    step = form.get("step")
    if step == "sign_in":
        return await _signed_in(request, device, form)
    who = remembered(request, device.tenant)
    if who is None:
        return _sign_in_page(request, device, "", None)
    if step == "confirm":
        return await _answered(request, device, who, form)
    return await _confirm_page(request, device, who)


async def device_login(_: Request) -> Response:
    """GET /devicelogin, the address that people know by heart."""
    return RedirectResponse(PAGE, 302)


def _device(request: Request, code: str) -> _Device:
    """The device that waits with this code. Raises TokenRefused 70018 when none does."""
    services: Services = request.app.state.services
    with services.store.read() as conn:
        found = issued.find_by_user_code(conn, NO_TENANT, code) if code else None
        if found is None:
            raise TokenRefused(70018)
        digest, grant = found
        if grant.expires_at <= trace_of(request).now:
            raise TokenRefused(70020)
        if grant.user_id is not None or grant.declined:
            raise TokenRefused(70018)
        tenant = tenants.get_tenant(conn, grant.tenant_id) if grant.tenant_id else None
        client = find_registration(conn, tenant, grant.client_id)
    return _Device(digest=digest, grant=grant, client=client, tenant=tenant)


# -- what is shown ---------------------------------------------------------------------------------------------------


def _code_page(request: Request, code: str, refusal: TokenRefused | None) -> Response:
    return form_page(request, "device_code", "Enter code", (), code=code, error=error_line(refusal))


def _sign_in_page(request: Request, device: _Device, account: str, refusal: TokenRefused | None) -> Response:
    shown = {"client": device.client.name, "code": device.code, "account": account[:1024]}
    return form_page(request, "device_sign_in", "Sign in", (), error=error_line(refusal), **shown)


async def _signed_in(request: Request, device: _Device, form: Mapping[str, str]) -> Response:
    try:
        who = await typed(request, device.tenant, form)
        return await _confirm_page(request, device, who)
    except TokenRefused as refusal:
        return _sign_in_page(request, device, form.get("account", ""), on_the_page(refusal))


async def _confirm_page(request: Request, device: _Device, who: SomebodyIsThere) -> Response:
    """The question whether the person began this, with what the application would be given besides."""

    def then(conn: Connection, asking: Asking, arrived: Arrived) -> _Asked:
        judged = _judged(conn, asking, arrived, device)
        asking.attempt.is_somebodys = False  # not over yet: what is recorded is how it ends
        account = arrived.person.user.user_principal_name
        return _Asked(judged=judged, account=account, tenant=asking.tenant, new_session=arrived.new_session)

    asked = await arrive(request, who, device.grant.client_id, Endpoint.V2, then)
    if asked.judged.needs_administrator:
        refusal = TokenRefused(90094, tenant=asked.tenant.display_name, name=device.client.name)
        response = notice(request, "Need admin approval", refusal.message)
    else:
        missing = asked.judged.missing
        listed = fragment("device_permissions", permissions=permission_list(missing)) if missing else Html("")
        shown = {"client": device.client.name, "account": asked.account, "code": device.code}
        shown["asked"] = mark_of(missing)
        response = form_page(request, "device_confirm", "Confirm", (), permissions=listed, **shown)
    if asked.new_session is not None:
        keep_session(response, asked.new_session)
    return response


# -- what is decided -------------------------------------------------------------------------------------------------


async def _answered(request: Request, device: _Device, who: SomebodyIsThere, form: Mapping[str, str]) -> Response:
    accepted, mark = form.get("choice") == "accept", form.get("asked", "")

    def then(conn: Connection, asking: Asking, arrived: Arrived) -> bool | TokenRefused:
        return _decided(conn, asking, arrived, device, accepted=accepted, mark=mark)

    try:
        if not await arrive(request, who, device.grant.client_id, Endpoint.V2, then, everywhere=True):
            return await _confirm_page(request, device, who)  # something else is asked for by now
    except TokenRefused as refusal:
        if refusal.number != 65004:
            raise
        return notice(request, "Declined", f"{device.client.name} was not let in. You may close this window.")
    text = f"You have signed in to {device.client.name} on your device. You may now close this window."
    return notice(request, device.client.name, text)


def _decided(
    conn: Connection, asking: Asking, arrived: Arrived, device: _Device, *, accepted: bool, mark: str
) -> bool | TokenRefused:
    found = issued.find_by_user_code(conn, NO_TENANT, device.code)
    if found is None or found[1].user_id is not None or found[1].declined:
        raise TokenRefused(70018)
    grant = found[1]
    judged = _judged(conn, asking, arrived, device)
    if not accepted:
        issued.replace(conn, NO_TENANT, device.digest, msgspec.structs.replace(grant, declined=True))
        return TokenRefused(65004, name=arrived.client.name)
    if judged.needs_administrator:
        raise TokenRefused(90094, tenant=asking.tenant.display_name, name=arrived.client.name)
    if mark != mark_of(judged.missing):
        asking.attempt.is_somebodys = False
        return False
    if judged.missing:
        agree(transaction_of(conn, asking, arrived), arrived.principal, judged.missing, for_all=False)
    approved = msgspec.structs.replace(
        grant,
        tenant_id=asking.tenant.id,
        user_id=arrived.person.user.id,
        password_mark=arrived.person.mark,
        signed_in_at=arrived.session.signed_in_at if arrived.session else asking.trace.now,
    )
    issued.replace(conn, NO_TENANT, device.digest, approved)
    return True


def _judged(conn: Connection, asking: Asking, arrived: Arrived, device: _Device) -> Judged:
    asked = read_scopes(" ".join(device.grant.scope))
    settings = asking.services.settings
    judged = judge(conn, asking.tenant, arrived.client, asked, person=arrived.person, settings=settings)
    asking.attempt.resource = judged.resource
    return judged
