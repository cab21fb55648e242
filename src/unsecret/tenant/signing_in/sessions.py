"""A browser that somebody signed in with, and the proof that a form was sent from a page of ours.

Both are cookies that only this origin gets and only over TLS (`__Host-`, RFC 6265bis §4.1.3.2), that no script reads,
and that other sites' forms do not carry (`SameSite`). A session's text is always drawn by us, anew for every sign-in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from unsecret.model.application import Tenant
from unsecret.model.identifiers import ZERO_GUID, AppId
from unsecret.model.issued import GrantKind, IssuedGrant
from unsecret.store import issued, tenants
from unsecret.tenant.certificates import base64url
from unsecret.tenant.signing_in.people import Person, require_same_person
from unsecret.tenant.signing_in.texts import digest, new_text, tenant_of
from unsecret.tenant.token_attempts import Attempt
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

SESSION_COOKIE = "__Host-unsecret-session"
CANARY_COOKIE = "__Host-unsecret-canary"
SESSION_LIFETIME = timedelta(hours=24)
MOST_SESSIONS = 100
"""Of one person: tests and programs that open a new browser for every sign-in would fill the directory for a day."""

_ANY_CLIENT = AppId(ZERO_GUID)
_CANARY_BYTES = 32


class Session(Struct, frozen=True, kw_only=True):
    """Somebody who is signed in, in one tenant, since `signed_in_at`."""

    tenant: Tenant
    person: Person
    signed_in_at: datetime


def find_session(conn: Connection, request: Request, *, now: datetime) -> Session | None:
    """The session of the browser that asks; None when there is none, or when it has ended: by time, because the person
    is gone or switched off, or because the password is another."""
    text = request.cookies.get(SESSION_COOKIE, "")
    tenant_id = tenant_of(text)
    grant = issued.find(conn, tenant_id, GrantKind.SESSION, digest(text)) if tenant_id else None
    tenant = tenants.get_tenant(conn, tenant_id) if grant and tenant_id else None
    if grant is None or tenant is None or grant.user_id is None or grant.expires_at <= now:
        return None
    try:
        person = require_same_person(conn, tenant, grant.user_id, grant.password_mark, Attempt())
    except TokenRefused:
        return None
    return Session(tenant=tenant, person=person, signed_in_at=grant.signed_in_at or grant.issued_at)


def begin_session(conn: Connection, request: Request, tenant: Tenant, person: Person, *, now: datetime) -> str:
    """A new session; its text is for `keep_session`. One of the same tenant that the browser had before ends, and of a
    person who has too many the oldest does."""
    if tenant_of(request.cookies.get(SESSION_COOKIE, "")) == tenant.id:
        end_session(conn, request)
    text = new_text(tenant.id)
    grant = IssuedGrant(
        kind=GrantKind.SESSION,
        family=str(uuid.uuid4()),
        issued_at=now,
        expires_at=now + SESSION_LIFETIME,
        client_id=_ANY_CLIENT,
        tenant_id=tenant.id,
        user_id=person.user.id,
        signed_in_at=now,
        password_mark=person.mark,
    )
    issued.add(conn, tenant.id, digest(text), grant, now=now)
    issued.trim_sessions(conn, tenant.id, person.user.id, most=MOST_SESSIONS)
    return text


def end_session(conn: Connection, request: Request) -> None:
    """End the session of the browser that asks, if it has one."""
    text = request.cookies.get(SESSION_COOKIE, "")
    if (tenant_id := tenant_of(text)) is not None:
        issued.remove(conn, tenant_id, GrantKind.SESSION, digest(text))


def keep_session(response: Response, text: str) -> None:
    """Have the browser keep a session for as long as it is open."""
    response.set_cookie(SESSION_COOKIE, text, path="/", secure=True, httponly=True, samesite="lax")


def forget_session(response: Response) -> None:
    """Have the browser forget its session."""
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def canary_of(request: Request) -> tuple[str, str]:
    """The canary cookie of the browser that asks, drawn if it has none, and what a form on this very page carries."""
    kept = request.cookies.get(CANARY_COOKIE, "")
    cookie = kept if 0 < len(kept) <= 64 else base64url(secrets.token_bytes(_CANARY_BYTES))
    return cookie, _canary(cookie, request)


def keep_canary(response: Response, cookie: str) -> None:
    """Have the browser keep the canary cookie."""
    response.set_cookie(CANARY_COOKIE, cookie, path="/", secure=True, httponly=True, samesite="lax")


def require_canary(request: Request, sent: str) -> None:
    """Raises TokenRefused 90056 unless the form came from the page of ours at this address, in this browser."""
    cookie = request.cookies.get(CANARY_COOKIE, "")
    if not cookie or not hmac.compare_digest(_canary(cookie, request).encode(), sent.encode("utf-8", "replace")):
        raise TokenRefused(90056)


def _canary(cookie: str, request: Request) -> str:
    """Of this browser and this address with its whole query: a form for one application is no form for another."""
    address = f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
    return hmac.new(cookie.encode(), address.encode(), hashlib.sha256).hexdigest()
