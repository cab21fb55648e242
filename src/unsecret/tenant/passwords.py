"""What is kept of a person's password, and how it is known again.

People choose passwords that can be guessed, so a digest has to be dear: scrypt (RFC 7914) with 16 MiB and some 40 ms
for each guess. An answer takes as long for who does not exist as for who does, so that the time tells no names.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

_MARK = b"s1"
"""The parameters below; others get another mark."""

_LOG2_N, _R, _P = 14, 8, 1
_SALT_BYTES, _HASH_BYTES = 16, 32
_OF_NOBODY = _MARK + bytes(_SALT_BYTES + _HASH_BYTES)

LONGEST = 256
"""Characters, as in Entra: https://learn.microsoft.com/en-us/entra/identity/authentication/concept-sspr-policy"""


def digest(text: str) -> bytes:
    """What is kept of a password: a mark for the parameters, a random salt, the scrypt hash."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return _MARK + salt + _hash(salt, text)


def matches(text: str, kept: bytes | None) -> bool:
    """Whether `kept` is a digest of `text`; None, for somebody who does not exist or has no password, never is. The
    time taken does not depend on the answer, and what is longer than a password can be is not looked at further."""
    kept_or_not = kept if kept is not None and kept.startswith(_MARK) else _OF_NOBODY
    salt, expected = kept_or_not[len(_MARK) :][:_SALT_BYTES], kept_or_not[len(_MARK) + _SALT_BYTES :]
    same = hmac.compare_digest(_hash(salt, text[: LONGEST + 1]), expected)
    return same and kept_or_not is kept and len(text) <= LONGEST


def new_password() -> str:
    """A random password of 20 characters, some 96 bits of chance, that meets Entra's rules."""
    return f"{secrets.token_urlsafe(12).translate(_NO_MARKS)}-Aa{secrets.randbelow(10)}"


_NO_MARKS = str.maketrans("-_", "xy")


def _hash(salt: bytes, text: str) -> bytes:
    secret = text.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=1 << _LOG2_N, r=_R, p=_P, dklen=_HASH_BYTES)
