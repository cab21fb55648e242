"""What the sign-in endpoints hand out and take back once: authorization codes, device codes, refresh tokens, sessions.

RFC 6749 §4.1.2 (codes are used once), §6 (refresh); RFC 7636 (PKCE); RFC 8628 (device codes).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from unsecret.model.identifiers import AppId, ObjectId, TenantId


class GrantKind(StrEnum):
    """What was handed out."""

    AUTHORIZATION_CODE = "authorization code"
    DEVICE_CODE = "device code"
    REFRESH_TOKEN = "refresh token"
    SESSION = "session"


class IssuedGrant(Struct, frozen=True, kw_only=True):
    """One of them, without its text, of which only a digest is kept.

    `family` is shared by all that came of one sign-in: when a code is used a second time, the whole family is revoked
    (RFC 9700 §4.14.2). `user_id` is None until somebody has signed in for a device code, and `tenant_id` with it,
    because a device may ask at an address that names no tenant. `signed_in_at` is when the person gave a password.
    `resource` is what the tokens are for, as it was asked for, and `scope` the permissions on it, with `openid` and its
    kin. `password_mark` changes with the password: what was handed out before is good no more. `requires_client_proof`
    tells a confidential client's grants; `cross_origin` those of a page that calls from a browser.
    """

    kind: GrantKind
    family: str
    issued_at: datetime
    expires_at: datetime
    client_id: AppId
    resource: str = ""
    scope: tuple[str, ...] = ()
    tenant_id: TenantId | None = None
    user_id: ObjectId | None = None
    signed_in_at: datetime | None = None
    password_mark: str | None = None
    used_at: datetime | None = None
    polled_at: datetime | None = None
    user_code: str | None = None
    redirect_uri: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    requires_client_proof: bool = False
    cross_origin: bool = False
    declined: bool = False
