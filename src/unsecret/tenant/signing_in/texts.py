"""The texts of codes, refresh tokens and sessions: drawn at random, shown once, kept by digest.

Each begins with the tenant that it is of, because it may come back to an address that names none (`/common`). A text
has 256 bits of chance, so a plain SHA-256 keeps it: there is nothing to guess.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid

from unsecret.model.identifiers import TenantId
from unsecret.tenant.certificates import base64url

LONGEST_TEXT = 2048  # characters; ours have 68, and nothing longer is looked at

_VERSION = "1"
_BYTES = 32
_USER_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32, so that each character is 5 bits. Without 0, 1, I and O, which people take for one another."""

_USER_CODE_LENGTH = 9


def new_text(tenant_id: TenantId) -> str:
    """A text that nobody can guess, for something of this tenant."""
    return f"{_VERSION}.{base64url(uuid.UUID(tenant_id).bytes)}.{base64url(secrets.token_bytes(_BYTES))}"


def new_user_code() -> str:
    """The short code that a person types for a device (RFC 8628 §6.1): 45 bits, which last a quarter of an hour."""
    return "".join(secrets.choice(_USER_CODE_LETTERS) for _ in range(_USER_CODE_LENGTH))


def digest(text: str) -> bytes:
    """What is kept of a text, and what it is found by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def tenant_of(text: str) -> TenantId | None:
    """The tenant that a text says it is of; None when it is no text of ours. It proves nothing."""
    parts = text.split(".") if len(text) <= LONGEST_TEXT else []
    if len(parts) != 3 or parts[0] != _VERSION:
        return None
    try:
        raw = base64.b64decode(parts[1] + "==", altchars=b"-_", validate=True)
        return TenantId(str(uuid.UUID(bytes=raw)))
    except ValueError:
        return None
