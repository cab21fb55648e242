"""Bodies of requests as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from unsecret.errors import Invalid

NUL = "\0"
_ESCAPED_NUL = rb"\u0000"
"""PostgreSQL's text has no NUL, so no name, no address and no filter has one here."""


def decode_json(raw: bytes) -> Any:
    """`raw` as JSON. Raises Invalid that says where it breaks, never what it holds."""
    try:
        value = msgspec.json.decode(raw)
        if _ESCAPED_NUL in raw and NUL in _every_text(value):
            raise Invalid("Unable to read JSON request payload: it holds a NUL (\\u0000), which cannot be kept.")
        return value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        where = str(broken) if isinstance(broken, msgspec.DecodeError) else "nested too deeply, or not UTF-8"
        raise Invalid(f"Unable to read JSON request payload: {where}.") from None


def _every_text(value: Any) -> str:
    """All strings in a decoded body, names of members too, as one."""
    if isinstance(value, dict):
        return "".join(map(_every_text, (*value, *value.values())))
    if isinstance(value, list):
        return "".join(map(_every_text, value))
    return value if isinstance(value, str) else ""
