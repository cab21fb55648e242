"""Handing out codes and refresh tokens: what is kept of each, and for how long it is good.

https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens: 90 days, and 24 hours for a single-page
application, which a refresh does not prolong.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from unsecret.model.application import Tenant
from unsecret.model.issued import GrantKind, IssuedGrant
from unsecret.store import issued
from unsecret.tenant.signing_in.consents import new_family
from unsecret.tenant.signing_in.people import Person
from unsecret.tenant.signing_in.redirects import Platform
from unsecret.tenant.signing_in.requests import AuthorizeRequest
from unsecret.tenant.signing_in.texts import digest, new_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

CODE_LIFETIME = timedelta(minutes=10)
REFRESH_LIFETIME = timedelta(days=90)
CROSS_ORIGIN_REFRESH_LIFETIME = timedelta(hours=24)
MOST_REFRESH_TOKENS = 50
"""Of one sign-in. Each refresh hands out one more and leaves the old one good: without a limit, a program that asks
again and again would fill the directory for 90 days."""

MOST_SIGN_INS = 100
"""That one client holds refresh tokens of, for one person: programs that sign in anew each time they run, and forget
what they got, would fill the directory as well."""


def hand_out_code(
    conn: Connection,
    tenant: Tenant,
    asked: AuthorizeRequest,
    person: Person,
    *,
    signed_in_at: datetime,
    now: datetime,
) -> str:
    """An authorization code for what was asked."""
    challenge, method = asked.challenge or (None, None)
    text = new_text(tenant.id)
    grant = IssuedGrant(
        kind=GrantKind.AUTHORIZATION_CODE,
        family=new_family(),
        issued_at=now,
        expires_at=now + CODE_LIFETIME,
        client_id=asked.client_id,
        resource=asked.scopes.resource,
        scope=asked.scopes.verbatim,
        tenant_id=tenant.id,
        user_id=person.user.id,
        signed_in_at=signed_in_at,
        password_mark=person.mark,
        redirect_uri=asked.destination.redirect_uri,
        nonce=asked.nonce,
        code_challenge=challenge,
        code_challenge_method=method,
        requires_client_proof=asked.destination.platform is Platform.WEB,
        cross_origin=asked.destination.platform is Platform.SPA,
    )
    issued.add(conn, tenant.id, digest(text), grant, now=now)
    return text


def hand_out_refresh_token(
    conn: Connection, tenant: Tenant, came_from: IssuedGrant, person: Person, *, now: datetime
) -> str:
    """A refresh token that continues what `came_from` began: of its family and its client."""
    lifetime = CROSS_ORIGIN_REFRESH_LIFETIME if came_from.cross_origin else REFRESH_LIFETIME
    ends = now + lifetime
    if came_from.cross_origin and came_from.kind is GrantKind.REFRESH_TOKEN:
        ends = came_from.expires_at
    text = new_text(tenant.id)
    grant = msgspec.structs.replace(
        came_from,
        kind=GrantKind.REFRESH_TOKEN,
        issued_at=now,
        expires_at=ends,
        tenant_id=tenant.id,
        user_id=person.user.id,
        password_mark=person.mark,
        used_at=None,
        polled_at=None,
        user_code=None,
        redirect_uri=None,
        nonce=None,
        code_challenge=None,
        code_challenge_method=None,
    )
    issued.add(conn, tenant.id, digest(text), grant, now=now)
    if came_from.kind is GrantKind.REFRESH_TOKEN:
        issued.trim_family(conn, tenant.id, grant.family, most=MOST_REFRESH_TOKENS, lifetime=REFRESH_LIFETIME)
    else:
        holder = (person.user.id, grant.client_id)
        issued.trim_families(conn, tenant.id, *holder, most=MOST_SIGN_INS, lifetime=REFRESH_LIFETIME)
    return text
