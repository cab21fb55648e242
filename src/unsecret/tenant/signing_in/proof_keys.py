"""PKCE: whoever takes a code back proves that it asked for it (RFC 7636)."""

from __future__ import annotations

import hashlib
import hmac
import re

from unsecret.tenant.certificates import base64url
from unsecret.wire.aadsts import TokenRefused

PLAIN, S256 = "plain", "S256"

_ALLOWED = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1 and §4.2 give both the same form


def read_challenge(challenge: str | None, method: str | None) -> tuple[str, str] | None:
    """The challenge of an authorization request with its method, which is `plain` when it is left out (§4.3).

    Raises TokenRefused 501491 for what cannot be a challenge, 90100 for a method without one or an unknown one.
    """
    if challenge is None:
        if method is not None:
            raise TokenRefused(501491, reason="'code_challenge_method' was sent without 'code_challenge'.")
        return None
    method = method or PLAIN
    if method not in (PLAIN, S256):
        raise TokenRefused(501491, reason="'code_challenge_method' must be 'S256' or 'plain'.")
    if not _ALLOWED.fullmatch(challenge):
        raise TokenRefused(501491, reason="'code_challenge' has 43 to 128 letters, digits and '-', '.', '_', '~'.")
    return challenge, method


def require_verifier(verifier: str | None, challenge: str | None, method: str | None) -> None:
    """Raises TokenRefused 501481 unless `verifier` is what the challenge was made of. A verifier for a code that was
    asked for without a challenge is refused as well (RFC 9700 §2.1.1): somebody took the challenge out on the way."""
    if challenge is None and verifier is None:
        return
    if challenge is None or verifier is None or not _ALLOWED.fullmatch(verifier):
        raise TokenRefused(501481)
    made = base64url(hashlib.sha256(verifier.encode("ascii")).digest()) if method == S256 else verifier
    if not hmac.compare_digest(made, challenge):
        raise TokenRefused(501481)
