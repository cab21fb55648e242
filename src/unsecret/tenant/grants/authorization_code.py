"""A code from the authorization endpoint, taken back once, for tokens.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#redeem-a-code-for-an-access-token,
RFC 6749 §4.1.3, RFC 7636 §4.6. A code that comes a second time was stolen, now or then: all that came of it is taken
back (RFC 9700 §4.5.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from unsecret.model.event import SignInEventType
from unsecret.model.issued import GrantKind, IssuedGrant
from unsecret.store import issued
from unsecret.tenant.signing_in.answering import (
    Issuing,
    answer_for,
    asked_in,
    authenticate,
    find_issued,
    issue_for,
    require_proof,
    require_same_origin,
)
from unsecret.tenant.signing_in.people import require_same_person
from unsecret.tenant.signing_in.proof_keys import require_verifier
from unsecret.tenant.signing_in.texts import digest
from unsecret.tenant.token_attempts import Asking, decide
from unsecret.tenant.token_requests import Client, required
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NO_SUCH_CODE = "The code was not handed out here, or not to this client."


async def issue(asking: Asking, form: Mapping[str, str], client: Client) -> dict[str, Any]:
    """The answer to `grant_type=authorization_code`. Raises TokenRefused."""
    code, redirect_uri = required(form, "code"), required(form, "redirect_uri")
    await authenticate(asking, client, SignInEventType.NON_INTERACTIVE_USER)

    def judge(conn: Connection) -> Issuing | TokenRefused:
        grant = find_issued(conn, asking, GrantKind.AUTHORIZATION_CODE, code, unknown=_NO_SUCH_CODE)
        if grant.used_at is not None:
            issued.revoke_family(conn, asking.tenant.id, grant.family)
            return TokenRefused(54005)
        _require_rightful(asking, grant, form, client, redirect_uri=redirect_uri)
        assert grant.user_id is not None
        person = require_same_person(conn, asking.tenant, grant.user_id, grant.password_mark, asking.attempt)
        used = msgspec.structs.replace(grant, used_at=asking.trace.now)
        issued.replace(conn, asking.tenant.id, digest(code), used)
        asked = asked_in(form, asking.endpoint, grant)
        return issue_for(conn, asking, form, asked, person=person, before=grant)

    return answer_for(asking, form, await decide(asking, judge))


def _require_rightful(
    asking: Asking, grant: IssuedGrant, form: Mapping[str, str], client: Client, *, redirect_uri: str
) -> None:
    if grant.expires_at <= asking.trace.now:
        raise TokenRefused(70008)
    if redirect_uri != grant.redirect_uri:
        raise TokenRefused(500112, redirect=redirect_uri)
    require_proof(client, confidential=grant.requires_client_proof)
    require_same_origin(asking, grant)
    require_verifier(form.get("code_verifier"), grant.code_challenge, grant.code_challenge_method)
