"""Lawful mischief: what Graph may do to a client on any day, done on purpose and often.

Pages smaller than asked for (https://learn.microsoft.com/en-us/graph/paging), 429 with and without Retry-After
(https://learn.microsoft.com/en-us/graph/throttling), and reads that lag the writes, because Graph answers from
replicas. A client that survives this has read the documentation. Never touched are writes and what they decide by,
the enforcement of policies, and everything that issues tokens.

The lag is real: an answer comes from a state of the directory that the database still holds, at most `lag` seconds
old, or from the present one, by chance. So what was just made may be there, and be gone again a moment later.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.errors import Invalid, Throttled
from unsecret.store.snapshots import Snapshot

if TYPE_CHECKING:
    from unsecret.store.engine import Connection, Store

MOST_REFUSALS = 3
"""In a row: a client that goes on trying gets through, whatever share is refused."""

LONGEST_LAG = 60.0
"""Seconds. The database keeps everything that was written since the oldest state that is held."""

_WITHOUT_RETRY_AFTER = 0.25
_PAUSES = (1, 2, 3)
_STATES = 4
"""How many past states are held at a time."""

_LARGEST_SEED = 2**63
_LARGEST_CHOSEN_SEED = 10**6  # short enough to be typed again
_USUAL = "pages=5,throttled=0.1,lag=2"


class MischiefSettings(Struct, frozen=True, kw_only=True):
    """`pages` is the most items on a page, None for as many as asked for; `throttled` the share of Graph requests
    that are refused with 429; `lag` how many seconds reads may be behind. The same `seed` does the same again to
    the same requests."""

    pages: int | None = None
    throttled: float = 0.0
    lag: float = 0.0
    seed: int = 0

    def __str__(self) -> str:
        """As `mischief_from` reads it."""
        pages = [] if self.pages is None else [f"pages={self.pages}"]
        return ",".join([*pages, f"throttled={self.throttled:g}", f"lag={self.lag:g}", f"seed={self.seed}"])


def mischief_from(text: str, *, seed: int) -> MischiefSettings | None:
    """`on`, `off`, or what there is to be of it, such as `pages=5,throttled=0.1,lag=2,seed=7`. `seed` is taken when
    the text names none. Raises Invalid."""
    if text.strip() in ("", "off"):
        return None
    values: dict[str, Any] = {}
    for part in (_USUAL if text.strip() == "on" else text).split(","):
        name, _, value = part.strip().partition("=")
        if name not in _READ or name in values:
            raise _unreadable(part)
        values[name] = _READ[name](value)
    return MischiefSettings(**({"seed": seed} | values))


def resolved(text: str) -> str:
    """`text` with the seed that it leaves to chance, so that several processes do the same. Raises Invalid."""
    settings = mischief_from(text, seed=secrets.randbelow(_LARGEST_CHOSEN_SEED))
    return str(settings) if settings else "off"


@contextmanager
def mischief_of(text: str, store: Store) -> Generator[Mischief | None]:
    """The mischief that `text` asks for, with a seed of its own unless the text names one. Raises Invalid."""
    settings = mischief_from(text, seed=secrets.randbelow(_LARGEST_CHOSEN_SEED))
    made = Mischief(settings, store) if settings else None
    try:
        yield made
    finally:
        if made:
            made.close()


def _number(low: float, high: float, *, whole: bool = False) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            raise _unreadable(text) from None
        if not low <= value <= high:
            raise Invalid(f"Mischief: {text[:32]} is not from {low:g} to {high:g}.", target="mischief")
        return value

    return read


_READ: dict[str, Callable[[str], float]] = {
    "pages": _number(1, 999, whole=True),
    "throttled": _number(0, 1),
    "lag": _number(0, LONGEST_LAG),
    "seed": _number(0, _LARGEST_SEED, whole=True),
}


def _unreadable(part: str) -> Invalid:
    return Invalid(
        f"Mischief cannot be read at '{part.strip()[:32]}'. Say on, off, or what there is to be of it: {_USUAL},seed=7",
        target="mischief",
    )


class _State(Struct, frozen=True):
    """A past state of the directory, and since when it is held."""

    snapshot: Snapshot
    at: float
    reading: threading.Lock


class Mischief:
    """One server's mischief. `clock` gives seconds that only go forward."""

    def __init__(self, settings: MischiefSettings, store: Store, *, clock: Callable[[], float] = time.monotonic):
        self.settings = settings
        self._store = store
        self._clock = clock
        self._chance = random.Random(settings.seed)  # noqa: S311 - nothing is kept secret by it
        self._refused = 0
        self._states: deque[_State] = deque()
        self._holding = threading.Lock()

    def page_size(self, asked: int) -> int:
        """How many items a page gets for which `asked` were asked."""
        if self.settings.pages is None:
            return asked
        return self._chance.randint(1, min(asked, self.settings.pages))

    def throttle(self) -> None:
        """Raise Throttled for the share of requests that is to be refused."""
        if self._refused >= MOST_REFUSALS or self._chance.random() >= self.settings.throttled:
            self._refused = 0
            return
        self._refused += 1
        if self._chance.random() < _WITHOUT_RETRY_AFTER:
            raise Throttled("Too many requests. Try again later.", retry_after=None)
        seconds = self._chance.choice(_PAUSES)
        raise Throttled(f"Too many requests. Try again in {seconds} seconds.", retry_after=seconds)

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection that sees the directory as it is, or as it was up to `lag` seconds ago."""
        self.hold()
        states = list(self._states)
        state = states[chosen] if (chosen := self._chance.randint(0, len(states))) < len(states) else None
        if state is not None and state.reading.acquire(blocking=False):
            try:
                yield state.snapshot.connection
            finally:
                state.reading.release()
        else:
            with self._store.read() as conn:
                yield conn

    def hold(self) -> None:
        """Keep the present state for later reads, unless one is held that is hardly older. To be called before a
        write: then what reads show of it lags, however long nobody has read."""
        if not self.settings.lag:
            return
        with self._holding:
            now = self._clock()
            self._let_go(now)
            if not self._states or now - self._states[-1].at >= self.settings.lag / _STATES:
                self._states.append(_State(Snapshot(self._store), now, threading.Lock()))

    def close(self) -> None:
        """Let go of every state that is held."""
        with self._holding:
            self._let_go(float("inf"))

    def _let_go(self, now: float) -> None:
        """Close what is older than `lag`; one that is being read stays until the next time."""
        while self._states and now - self._states[0].at >= self.settings.lag:
            if not self._states[0].reading.acquire(blocking=False):
                return
            self._states.popleft().snapshot.close()
