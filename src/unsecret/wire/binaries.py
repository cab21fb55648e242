"""Edm.Binary as clients write it: base64 in every spelling, and certificates as PEM within it.

https://learn.microsoft.com/en-us/graph/api/resources/keycredential says base64; what is in it differs by client. The
value itself is never repeated in an error, it may be a secret.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

from unsecret.wire.expect import refuse
from unsecret.wire.shapes import unfit

LONGEST_BINARY = 64 * 1024
"""Characters of base64; a certificate has about two thousand."""

_PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


def a_binary(value: Any, where: str) -> bytes:
    """The bytes that `value` stands for: standard or URL-safe base64, padded or not, with white space anywhere.
    Edm.Binary is the one, every client sends the other. Raises Invalid, for no bytes at all too."""
    if not isinstance(value, str) or len(value) > LONGEST_BINARY:
        raise unfit(f"base64 of at most {LONGEST_BINARY} characters", where)
    bare = "".join(value.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        content = b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        content = b""
    if not content:
        raise unfit("base64", where)
    return content


def a_key(value: Any, where: str) -> bytes:
    """The bytes of a certificate (DER) or of another key: base64 of them, with line breaks (Azure CLI) or not, or of
    the certificate's PEM text (CLI for Microsoft 365). Raises Invalid, in so many words for a private key."""
    content = a_binary(value, where)
    if b"PRIVATE KEY-----" in content:
        raise refuse(
            f"Property '{where}' holds a private key. Send the certificate alone, and replace that private key: "
            "it has left its machine.",
            where,
        )
    if b"-----BEGIN" not in content:
        return content
    certificate = _PEM_CERTIFICATE.search(content)
    if certificate is None:
        raise unfit("a certificate", where)
    return a_binary(certificate[1].decode("ascii"), where)
