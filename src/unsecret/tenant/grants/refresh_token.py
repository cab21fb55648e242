"""A refresh token, for new tokens and another refresh token.

https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens. As in Entra, which says so there, the old one
stays good until it ends: programs that share a cache would lock each other out otherwise. What ends it is the end of
the account, another password, or the code that it came of coming a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from unsecret.model.event import SignInEventType
from unsecret.model.issued import GrantKind
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
from unsecret.tenant.signing_in.texts import digest
from unsecret.tenant.token_attempts import Asking, decide
from unsecret.tenant.token_requests import Client, required
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NO_SUCH_TOKEN = "The refresh token was not handed out here, not to this client, or was taken back."


async def issue(asking: Asking, form: Mapping[str, str], client: Client) -> dict[str, Any]:
    """The answer to `grant_type=refresh_token`. Raises TokenRefused."""
    text = required(form, "refresh_token")
    await authenticate(asking, client, SignInEventType.NON_INTERACTIVE_USER)

    def judge(conn: Connection) -> Issuing | TokenRefused:
        grant = find_issued(conn, asking, GrantKind.REFRESH_TOKEN, text, unknown=_NO_SUCH_TOKEN)
        if grant.expires_at <= asking.trace.now:
            raise TokenRefused(700082)
        require_proof(client, confidential=grant.requires_client_proof)
        require_same_origin(asking, grant)
        assert grant.user_id is not None
        person = require_same_person(conn, asking.tenant, grant.user_id, grant.password_mark, asking.attempt)
        used = msgspec.structs.replace(grant, used_at=asking.trace.now)  # of many, the last used are kept
        issued.replace(conn, asking.tenant.id, digest(text), used)
        asked = asked_in(form, asking.endpoint, grant)
        return issue_for(conn, asking, form, asked, person=person, before=grant)

    return answer_for(asking, form, await decide(asking, judge))
