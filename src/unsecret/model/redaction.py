"""What must never be repeated, and how to keep from it: text that looks like a credential.

Clients put credentials into the wrong places: a secret into a path, a token into a property's name. So what an error
says and what the log is told pass through here. A credential that was cut short is one too.
"""

from __future__ import annotations

import re

BLACKED_OUT = "[redacted]"

# Each begins where a run of its own letters begins, so that a long text costs no more than its length.
_CREDENTIALS = (
    re.compile(r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{8,34}"),  # a client secret of Entra's shape
    re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}={0,2}\.[A-Za-z0-9_-]+={0,2}(\.[A-Za-z0-9_=-]*)?"),  # a JWT
    re.compile(r"-----BEGIN [A-Z ]{0,64}PRIVATE KEY-----.*?(-----END [A-Z ]{0,64}PRIVATE KEY-----|\Z)", re.DOTALL),
)


def redacted(text: str) -> str:
    """`text` with secrets, tokens and private keys blacked out."""
    for credential in _CREDENTIALS:
        text = credential.sub(BLACKED_OUT, text)
    return text
