"""A device code that somebody approved, for tokens.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-device-code#authenticating-the-user, RFC 8628 §3.4.
Asking before anybody has approved leaves no record: it is how the flow goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request

from unsecret.model.application import Tenant
from unsecret.model.event import SignInEventType
from unsecret.model.issued import GrantKind
from unsecret.store import issued, tenants
from unsecret.tenant.signing_in.answering import Issuing, answer_for, asked_in, authenticate, issue_for, require_proof
from unsecret.tenant.signing_in.device_codes import NO_TENANT, poll
from unsecret.tenant.signing_in.people import require_same_person
from unsecret.tenant.signing_in.registrations import find_registration
from unsecret.tenant.signing_in.texts import LONGEST_TEXT, digest
from unsecret.tenant.token_attempts import Asking, decide
from unsecret.tenant.token_requests import Client, required
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from unsecret.tenant.settings import Services

GRANT_TYPES = ("urn:ietf:params:oauth:grant-type:device_code", "device_code")
"""The second is what clients of v1.0 say."""

_NOT_OVER_YET = frozenset({70016, 50196})


async def issue(asking: Asking, form: Mapping[str, str], client: Client) -> dict[str, Any]:
    """The answer to `grant_type=urn:ietf:params:oauth:grant-type:device_code`. Raises TokenRefused."""
    asking.attempt.event_type = SignInEventType.NON_INTERACTIVE_USER
    text = _code_in(form)
    try:
        approved = await poll(asking.request.app.state.hand_over, text, client.client_id, now=asking.trace.machine_now)
    except TokenRefused as refusal:
        asking.attempt.is_recorded = refusal.number in _NOT_OVER_YET
        raise
    if approved.tenant_id != asking.tenant.id:
        raise TokenRefused(700005)
    await authenticate(asking, client, SignInEventType.NON_INTERACTIVE_USER)
    with asking.services.store.read() as conn:
        registration = find_registration(conn, asking.tenant, client.client_id)
    proves = client.secret is not None or client.assertion is not None
    confidential = proves or not registration.is_public_by_default
    require_proof(client, confidential=confidential)

    def judge(conn: Connection) -> Issuing | TokenRefused:
        grant = issued.find(conn, NO_TENANT, GrantKind.DEVICE_CODE, digest(text))
        if grant is None or grant.user_id is None:
            raise TokenRefused(70018)
        if grant.used_at is not None:
            issued.revoke_family(conn, asking.tenant.id, grant.family)
            return TokenRefused(54005)
        person = require_same_person(conn, asking.tenant, grant.user_id, grant.password_mark, asking.attempt)
        used = msgspec.structs.replace(grant, used_at=asking.trace.now)
        issued.replace(conn, NO_TENANT, digest(text), used)
        begun = msgspec.structs.replace(grant, requires_client_proof=confidential)
        asked = asked_in(form, asking.endpoint, grant)
        return issue_for(conn, asking, form, asked, person=person, before=begun)

    return answer_for(asking, form, await decide(asking, judge, everywhere=True))


async def implied_tenant(request: Request, form: Mapping[str, str], *, now: datetime) -> Tenant | None:
    """The tenant of whoever approved the code. Raises TokenRefused as long as nobody has."""
    services: Services = request.app.state.services
    approved = await poll(request.app.state.hand_over, _code_in(form), form.get("client_id", ""), now=now)
    with services.store.read() as conn:
        return tenants.get_tenant(conn, approved.tenant_id) if approved.tenant_id else None


def _code_in(form: Mapping[str, str]) -> str:
    """v1.0 clients call it `code`."""
    text = form.get("device_code") or form.get("code") or required(form, "device_code")
    if len(text) > LONGEST_TEXT:
        raise TokenRefused(70018)
    return text
