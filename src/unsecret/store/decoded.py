"""Nouns that were decoded before, by the digest of what they were decoded from.

Every sign-in to Microsoft Graph reads Graph's own service principal, whose body is long: it offers hundreds of
permissions. The same bytes always mean the same noun, so a digest never goes stale, in whichever process or
transaction it was met. What is kept here is shared: whoever gets it only looks at it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

_MOST_BYTES = 16 * 1024 * 1024
_AS_OBJECTS = 4
"""Nouns take this much more as Python's objects than written down, names and all."""

_measure = msgspec.msgpack.Encoder(enc_hook=repr).encode


def size_of(noun: Any) -> int:
    """About how many bytes of memory it takes, and rather too many."""
    return len(noun) if isinstance(noun, bytes) else _AS_OBJECTS * len(_measure(noun))


def digest_of(body: str) -> bytes:
    """The 32 bytes by which a body is known again."""
    return hashlib.sha256(body.encode()).digest()


class Decoded(Generic[T]):
    """The nouns that were looked up last: at most `size` of them, and of `most_bytes` together. Safe to share between
    threads."""

    def __init__(self, size: int, most_bytes: int = _MOST_BYTES):
        self._size = size
        self._most_bytes = most_bytes
        self._bytes = 0
        self._nouns: OrderedDict[bytes, tuple[T, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, digest: bytes | None, decode: Callable[[], T]) -> T:
        """The noun whose body has this digest; what `decode` makes of the body when it is not known, or has none."""
        if digest is None:
            return decode()
        with self._lock:
            if (known := self._nouns.get(digest)) is not None:
                self._nouns.move_to_end(digest)
                return known[0]
        noun = decode()
        size = size_of(noun)
        with self._lock:
            self._bytes += size - self._nouns.get(digest, (noun, 0))[1]  # another thread may have been quicker
            self._nouns[digest] = (noun, size)
            while len(self._nouns) > self._size or self._bytes > self._most_bytes:
                self._bytes -= self._nouns.popitem(last=False)[1][1]
        return noun
