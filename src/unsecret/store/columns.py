"""How the values of nouns are kept in columns: GUIDs as 16 bytes, instants as microseconds, words folded.

Statements are given plain driver values, so every function that reads or writes calls these by name; that is
what lets a statement run without a converting layer between it and the driver (see `statement.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode


def guid(text: str) -> bytes:
    """The 16 bytes of a GUID in any case; b"" for any other text: no row holds it, so it names nothing."""
    return _guid(text) if len(text) == 36 else b""


@lru_cache(maxsize=4096)
def _guid(text: str) -> bytes:
    # One request asks for the bytes of its tenant and its caller a dozen times.
    try:
        raw = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return b""
    return raw if len(raw) == 16 else b""


def guid_or_none(text: str | None) -> bytes | None:
    """`guid`, with None left alone."""
    return None if text is None else guid(text)


def guid_text(raw: bytes) -> str:
    """The lower-case hyphenated form."""
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def micros(at: datetime) -> int:
    """Microseconds since 1970 in UTC. A datetime without a zone is a programming error and raises TypeError."""
    return (at - _EPOCH) // _MICROSECOND


def instant(count: int) -> datetime:
    """The aware UTC datetime that `micros` was given."""
    return _EPOCH + timedelta(0, 0, count)


def folded(text: str) -> str:
    """The form in which words are compared: Graph's string comparisons on the directory ignore case."""
    return text.lower()


def folded_or_none(text: str | None) -> str | None:
    """`folded`, with None left alone."""
    return None if text is None else text.lower()


def body_of(noun: Any) -> str:
    """A noun as the JSON text that a `body` column holds."""
    return _encode(noun).decode()
