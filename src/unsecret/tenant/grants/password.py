"""A name and a password, for tokens: the grant that everybody is told not to use, and that scripts use.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth-ropc. It stands in the sign-in log as interactive,
because somebody's password was typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unsecret.model.event import SignInEventType
from unsecret.model.issued import GrantKind, IssuedGrant
from unsecret.tenant.signing_in.answering import Issuing, answer_for, asked_in, authenticate, issue_for, require_proof
from unsecret.tenant.signing_in.consents import new_family
from unsecret.tenant.signing_in.people import require_password, try_password
from unsecret.tenant.signing_in.registrations import find_registration
from unsecret.tenant.token_attempts import Asking, decide
from unsecret.tenant.token_requests import Client, required
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection


async def issue(asking: Asking, form: Mapping[str, str], client: Client) -> dict[str, Any]:
    """The answer to `grant_type=password`. Raises TokenRefused."""
    account, password = required(form, "username"), form.get("password", "")
    if not password:
        raise TokenRefused(900144, parameter="password", remedy="")
    asked = asked_in(form, asking.endpoint, None)
    await authenticate(asking, client, SignInEventType.INTERACTIVE_USER)
    with asking.services.store.read() as conn:
        registration = find_registration(conn, asking.tenant, asking.attempt.app_id)
    proves = client.secret is not None or client.assertion is not None
    confidential = proves or not registration.is_public_by_default
    require_proof(client, confidential=confidential)
    tried = await try_password(asking.services, asking.tenant, account, password)

    def judge(conn: Connection) -> Issuing | TokenRefused:
        now = asking.trace.now
        person = require_password(conn, asking.tenant, tried, asking.attempt, now=now)
        begun = IssuedGrant(
            kind=GrantKind.AUTHORIZATION_CODE,
            family=new_family(),
            issued_at=now,
            expires_at=now,
            client_id=asking.attempt.app_id,
            resource=asked.resource,
            scope=asked.verbatim,
            signed_in_at=now,
            requires_client_proof=confidential,
        )
        return issue_for(conn, asking, form, asked, person=person, before=begun)

    return answer_for(asking, form, await decide(asking, judge))
