"""Signing out: the browser's session ends, and the browser goes back to the application if that is the application's.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc#send-a-sign-out-request. Tokens that were
handed out stay good until they end, as in Entra.
"""

from __future__ import annotations

import base64

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from unsecret.tenant.discovery import find_tenant
from unsecret.tenant.hand_over import HandOver
from unsecret.tenant.settings import Services
from unsecret.tenant.signing_in.authorize import showing
from unsecret.tenant.signing_in.pages import notice
from unsecret.tenant.signing_in.redirects import platform_of, with_query
from unsecret.tenant.signing_in.registrations import find_registration
from unsecret.tenant.signing_in.requests import LONGEST_TEXT, read_parameters
from unsecret.tenant.signing_in.sessions import end_session, forget_session
from unsecret.wire.aadsts import TokenRefused


class _Audience(msgspec.Struct):
    aud: str = ""


@showing
async def log_out(request: Request) -> Response:
    """GET, POST /{tenant}/oauth2/v2.0/logout and /{tenant}/oauth2/logout"""
    services: Services = request.app.state.services
    tenant = find_tenant(request)
    parameters, form = await read_parameters(request)
    parameters |= form
    hand_over: HandOver = request.app.state.hand_over
    await hand_over.write(lambda conn: end_session(conn, request), None)
    client_id = parameters.get("client_id") or _audience(parameters.get("id_token_hint", ""))
    address = parameters.get("post_logout_redirect_uri", "")
    response = notice(request, "You signed out", "You signed out of your account. You may close this window.")
    if client_id and address:
        with services.store.read() as conn:
            try:
                registered = find_registration(conn, tenant, client_id).redirects
            except TokenRefused:
                registered = ()
        if platform_of(address, registered) is not None:
            state = parameters.get("state")
            sent = {"state": state} if state and len(state) <= LONGEST_TEXT else {}
            response = RedirectResponse(with_query(address, sent) if sent else address, 302)
    forget_session(response)
    return response


def _audience(id_token: str) -> str:
    """The client that an id token is for. It is only asked for where that client may be gone back to, and nobody is
    believed for it, so the signature does not matter."""
    parts = id_token.split(".")
    if len(parts) != 3:
        return ""
    try:
        payload = base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(payload, type=_Audience).aud
    except (ValueError, RecursionError):
        return ""
