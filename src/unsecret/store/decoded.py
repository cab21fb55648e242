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
from typing import Generic, TypeVar

T = TypeVar("T")


def digest_of(body: str) -> bytes:
    """The 32 bytes by which a body is known again."""
    return hashlib.sha256(body.encode()).digest()


class Decoded(Generic[T]):
    """The nouns that were looked up last, `size` of them. Safe to share between threads."""

    def __init__(self, size: int):
        self._size = size
        self._nouns: OrderedDict[bytes, T] = OrderedDict()
        self._lock = Lock()

    def get(self, digest: bytes | None, decode: Callable[[], T]) -> T:
        """The noun whose body has this digest; what `decode` makes of the body when it is not known, or has none."""
        if digest is None:
            return decode()
        with self._lock:
            if (known := self._nouns.get(digest)) is not None:
                self._nouns.move_to_end(digest)
                return known
        noun = decode()
        with self._lock:
            self._nouns[digest] = noun
            if len(self._nouns) > self._size:
                self._nouns.popitem(last=False)
        return noun
