"""Client secrets: making them, and knowing them again without keeping them.

A secret is 40 characters of which 37 are drawn from 5 or 6 bits each, so a salted SHA-256 is enough: nobody
can try out 2²¹⁰ of them, and a slow hash would only slow the token endpoint down.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string

from unsecret.tenant.random_guids import random_16

_SALT_BYTES = 16
_BODY = (string.ascii_letters + string.digits + "_~").encode()
_HEAD = (string.ascii_uppercase + "123456").encode()
"""64 and 32 characters, so that the low bits of a random byte choose each with the same chance. Entra's have more."""

_BYTES_OF_THE_DIGIT = 8
"""So many that all ten have the same chance, but for one part in 10¹⁸."""

_BODY_OF = bytes(_BODY[byte % len(_BODY)] for byte in range(256))
_HEAD_OF = bytes(_HEAD[byte % len(_HEAD)] for byte in range(256))


def new_secret() -> str:
    """A fresh client secret of 40 characters in Entra's shape, e.g. `a1B8Q~…`.

    The three characters before the mark are letters and digits only: they are shown as the `hint`, and so no
    secret begins with a character that a shell would expand. The random bytes are drawn at once: a call of the
    operating system for each character would be a quarter of what adding a secret takes.
    """
    drawn = secrets.token_bytes(37 + _BYTES_OF_THE_DIGIT)
    head, body = drawn[:3].translate(_HEAD_OF).decode(), drawn[3:37].translate(_BODY_OF).decode()
    return f"{head}{int.from_bytes(drawn[37:]) % 10}Q~{body}"


def hint(secret: str) -> str:
    """What Graph shows of a secret afterwards: its first three characters.

    https://learn.microsoft.com/en-us/graph/api/resources/passwordcredential
    """
    return secret[:3]


def digest(secret: str) -> bytes:
    """What is kept of a secret: a random 16-byte salt, then SHA-256 of salt and secret (48 bytes in all)."""
    salt = random_16()
    return salt + _hash(salt, secret)


def matches(secret: str, stored: bytes) -> bool:
    """Whether `stored` is a digest of `secret`; the time taken does not depend on the answer."""
    salt, expected = stored[:_SALT_BYTES], stored[_SALT_BYTES:]
    return hmac.compare_digest(_hash(salt, secret), expected)


def _hash(salt: bytes, secret: str) -> bytes:
    return hashlib.sha256(salt + secret.encode("utf-8", "surrogatepass")).digest()
