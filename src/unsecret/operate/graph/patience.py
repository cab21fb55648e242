"""When a request is sent again, and after how long. Values in, a decision out.

https://learn.microsoft.com/en-us/graph/throttling and https://learn.microsoft.com/en-us/graph/errors. Many callers
that were told the same pause would all come back in the same instant, so every pause is stretched by chance.
"""

from __future__ import annotations

from msgspec import Struct

BUSY = frozenset({429, 503})
"""The request was not carried out and may be sent again, whatever its method."""

UNSURE = frozenset({500, 502, 504})
"""It may have been carried out: only reads are sent again."""

READS = frozenset({"GET", "HEAD"})

MAX_ATTEMPTS = 8
MAX_ATTEMPTS_AT_A_FAILURE = 5
"""After a failure that nobody announced (500, a connection that breaks): it may not be a passing one."""

FIRST_PAUSE = 1.0
"""Seconds before the second attempt when the tenant did not say how long to wait; then twice that, and so on."""

SPREAD = 0.1
"""How much longer than asked for a pause may be."""


class Attempt(Struct, frozen=True, kw_only=True):
    """How far one request has come: which attempt this was, and the seconds that were waited before it."""

    number: int = 1
    waited: float = 0.0

    def after(self, pause: float) -> Attempt:
        """The next one."""
        return Attempt(number=self.number + 1, waited=self.waited + pause)

    @property
    def may_follow_a_failure(self) -> bool:
        """Whether a read may be sent again after a failure that nobody announced."""
        return self.number < MAX_ATTEMPTS_AT_A_FAILURE

    def pause(self, asked: float | None, chance: float) -> float:
        """Seconds until the next one: what the tenant asked for, or ever longer. `chance` is from 0 to 1."""
        wanted = FIRST_PAUSE * 2.0 ** (self.number - 1) if asked is None else asked
        return wanted * (1 + SPREAD * chance)


def may_be_repeated(status: int, *, is_read: bool, attempt: Attempt) -> bool:
    """Whether an answer with this status is no reason to give up yet."""
    if status in BUSY:
        return attempt.number < MAX_ATTEMPTS
    return status in UNSURE and is_read and attempt.may_follow_a_failure
