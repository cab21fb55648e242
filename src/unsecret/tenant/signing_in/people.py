"""Who signs in: the person that a name names, and whether a password is theirs.

https://learn.microsoft.com/en-us/entra/identity/authentication/howto-password-smart-lockout. Ten wrong passwords within
a minute lock an account for as long as they are not older. They are counted in the sign-in log, in the transaction
that writes the next attempt down: however many guess at once and through however many processes, the eleventh learns
nothing, be its password right or wrong.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.model.application import Tenant
from unsecret.model.event import SignedInUser
from unsecret.model.identifiers import ObjectId
from unsecret.model.people import User
from unsecret.store import logs, tenants, users
from unsecret.tenant import passwords
from unsecret.tenant.certificates import base64url
from unsecret.tenant.settings import Services
from unsecret.tenant.signing_in.texts import digest
from unsecret.tenant.token_attempts import Attempt
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_WRONG_PASSWORDS = 10
LOCKED_FOR = timedelta(minutes=1)

LONGEST_ACCOUNT = 1024
"""Characters; a userPrincipalName has at most 113, and nothing longer is looked up."""


class TriedPassword(Struct, frozen=True, kw_only=True):
    """A name, what is kept of its password, and whether the password that was tried is that one."""

    account: str
    kept: bytes | None
    matched: bool


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who may be signed in. `mark` changes with their password."""

    user: User
    mark: str


async def try_password(services: Services, tenant: Tenant, account: str, password: str) -> TriedPassword:
    """Compare a password with what is kept for `account`, which takes as long for nobody as for somebody.

    The comparison is dear by design, so it is done beside the event loop; nothing is decided by it yet.
    """
    account = account.strip()
    with services.store.read() as conn:
        user = _find(conn, tenant, account)
        kept = users.password_digest(conn, tenant.id, user.id) if user else None
    matched = await asyncio.to_thread(passwords.matches, password, kept)
    return TriedPassword(account=account, kept=kept, matched=matched)


def require_password(
    conn: Connection, tenant: Tenant, tried: TriedPassword, attempt: Attempt, *, now: datetime
) -> Person:
    """The person whose password was tried, in the transaction that records the attempt.

    Raises TokenRefused: 50034 for nobody, 50053 when there were too many wrong ones, 50126 for a wrong one, 50057 when
    the account is switched off, which is said only to whoever knows the password.
    """
    user = _find(conn, tenant, tried.account)
    if user is None:
        raise TokenRefused(50034, account=tried.account, tenant=tenant.display_name)
    attempt.user = signed_in(user)
    if logs.wrong_passwords(conn, tenant.id, user.id, since=now - LOCKED_FOR) >= MOST_WRONG_PASSWORDS:
        raise TokenRefused(50053)
    kept = users.password_digest(conn, tenant.id, user.id)
    if kept is None or not tried.matched or kept != tried.kept:
        raise TokenRefused(50126)
    _require_enabled(user)
    return Person(user=user, mark=_mark(kept))


def require_same_person(
    conn: Connection, tenant: Tenant, user_id: ObjectId, mark: str | None, attempt: Attempt
) -> Person:
    """The person that something was handed out for, unless much has changed since.

    Raises TokenRefused: 50034 when they were deleted, 50057 when they are switched off, 50173 when they have another
    password than then.
    """
    user = users.get(conn, tenant.id, user_id)
    if user is None:
        raise TokenRefused(50034, account=user_id, tenant=tenant.display_name)
    attempt.user = signed_in(user)
    _require_enabled(user)
    kept = users.password_digest(conn, tenant.id, user_id)
    if kept is None or _mark(kept) != mark:
        raise TokenRefused(50173)
    return Person(user=user, mark=_mark(kept))


def tenant_of_account(conn: Connection, account: str) -> Tenant | None:
    """The tenant whose verified domain a userPrincipalName ends in: how `/common` and `/organizations` find it."""
    _, at, domain = account.strip().rpartition("@")
    possible = at and len(account) <= LONGEST_ACCOUNT and "\0" not in account  # PostgreSQL takes no NUL
    return tenants.find_tenant(conn, domain) if possible else None


def signed_in(user: User) -> SignedInUser:
    """The person as logs write them down."""
    return SignedInUser(id=user.id, display_name=user.display_name, user_principal_name=user.user_principal_name)


def _find(conn: Connection, tenant: Tenant, account: str) -> User | None:
    """By userPrincipalName only: an object id is no name to sign in with."""
    return users.find(conn, tenant.id, account) if "@" in account and len(account) <= LONGEST_ACCOUNT else None


def _require_enabled(user: User) -> None:
    if not user.account_enabled:
        raise TokenRefused(50057)


def _mark(kept: bytes) -> str:
    return base64url(digest(kept.hex())[:12])
