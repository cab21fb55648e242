"""Cutting a list into ranges of dates that hold about as many objects each, so that they can be read side by side.

A page says only where the next one is, so one list is one page after the other. Its ranges are lists of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from msgspec import Struct, structs

EARLIEST = datetime(2012, 1, 1, tzinfo=UTC)
"""Little in a directory is older; the first range is open, so that nothing is left out."""

MOST_PIECES = 16
MOST_ROUNDS = 4
TOLERATED = 3
"""How many times too many objects a range may hold: counting once more takes longer than reading those."""

_SHORTEST = timedelta(seconds=1)


class Range(Struct, frozen=True):
    """From `since` to `until`, both included; None is an open end. `count` is how many objects there were."""

    since: datetime | None
    until: datetime | None
    count: int = 0


def cut(count_all: Callable[[Sequence[Range]], Iterable[int]], *, now: datetime, most: int) -> list[Range]:
    """Ranges that leave no instant out, with about `most` objects in each unless many were created at once. `count_all`
    tells how many there are in each range, at little cost for each."""
    pieces = _counted(count_all, _equal(Range(None, None), MOST_PIECES, now))
    for _round in range(MOST_ROUNDS):
        crowded = [piece for piece in pieces if piece.count > TOLERATED * most]
        finer = [part for piece in crowded for part in _finer(piece, most, now)]
        if len(finer) == len(crowded):
            break
        others = [piece for piece in pieces if piece.count <= TOLERATED * most]
        pieces = sorted([*others, *_counted(count_all, finer)], key=lambda one: one.since or EARLIEST)
    return _joined((part for piece in pieces for part in _finer(piece, most, now)), most)


def _finer(piece: Range, most: int, now: datetime) -> list[Range]:
    """The range in equal pieces, as if the objects in it were spread evenly."""
    parts = _equal(piece, min(math.ceil(piece.count / most), MOST_PIECES), now) if piece.count > most else [piece]
    return [structs.replace(part, count=piece.count // len(parts)) for part in parts]


def _counted(count_all: Callable[[Sequence[Range]], Iterable[int]], pieces: list[Range]) -> list[Range]:
    counts = count_all(pieces)
    return [structs.replace(piece, count=count) for piece, count in zip(pieces, counts, strict=True)]


def _equal(whole: Range, pieces: int, now: datetime) -> list[Range]:
    """`whole` in pieces of equal length, at whole seconds, as many as there can be."""
    since, until = whole.since or EARLIEST, whole.until or max(now, EARLIEST + _SHORTEST)
    step = max((until - since) / pieces, _SHORTEST)
    edges = [since + step * number for number in range(1, pieces)]
    inner = sorted({edge.replace(microsecond=0) for edge in edges if since < edge.replace(microsecond=0) < until})
    ends = [whole.since, *inner, whole.until]
    return [Range(start, end) for start, end in pairwise(ends)]


def _joined(pieces: Iterable[Range], most: int) -> list[Range]:
    """Neighbours that are small together become one."""
    joined: list[Range] = []
    for piece in pieces:
        if joined and joined[-1].count + piece.count <= most:
            joined[-1] = Range(joined[-1].since, piece.until, joined[-1].count + piece.count)
        else:
            joined.append(piece)
    return joined
