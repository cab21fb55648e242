"""Identifiers that nobody has yet: what a tenant makes for keys and requests, many times a second."""

from __future__ import annotations

import os

_AT_ONCE = 256
_drawn: list[bytes] = []


def random_guid() -> str:
    """A GUID that nobody has (RFC 9562, version 4), as `uuid.uuid4` makes them, in a third of the time."""
    digits = bytearray(random_16())
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def random_16() -> bytes:
    """16 random bytes, for what has to be different and need not be secret. They are drawn from the operating system
    many at once: for each call to it the interpreter is let go, and whoever waits takes it."""
    try:
        return _drawn.pop()
    except IndexError:
        more = os.urandom(16 * _AT_ONCE)
        _drawn.extend(more[start : start + 16] for start in range(16, len(more), 16))
        return more[:16]


os.register_at_fork(after_in_child=_drawn.clear)
