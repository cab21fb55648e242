"""How a table stands on a screen: side by side while that can be read, with fewer columns, or one under the other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

GAP = 3
"""Blanks between two columns."""

LONG_WORDS = (40, 30)
"""Words up to so long stay whole; where that leaves no table, the shorter measure is tried."""

NARROW = 12
"""No column becomes narrower, unless it needs no more."""

TALL, TALLEST = 4, 12
"""Lines of a row, of most and of any, above which columns side by side are harder to read than paragraphs."""

LOOKED_AT = 200
"""Rows that are wrapped to see how tall they become; of more the first stand for all."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

Rows = Sequence[Sequence[str]]


class Layout(NamedTuple):
    """Which columns are shown, how wide, and which gave way. Without `widths` they stand one under the other."""

    shown: tuple[int, ...]
    widths: tuple[int, ...] | None
    left_out: tuple[str, ...] = ()


def layout(columns: Sequence[str], rows: Rows, room: int, spare: Sequence[str] = ()) -> Layout:
    """How `rows` fit into `room` columns of a screen. Those in `spare` may give way, the first of them first."""
    everything = tuple(range(len(columns)))
    for number in range(len(spare) + 1):
        gone = spare[:number]
        shown = tuple(index for index in everything if columns[index] not in gone)
        for longest in LONG_WORDS:
            if widths := _widths([columns[index] for index in shown], _only(rows, shown), room, longest):
                return Layout(shown, widths, tuple(gone))
    return Layout(everything, None)


def width(words: str) -> int:
    """Columns on a screen: East Asian wide characters take two, combining ones none (Unicode Annex 11)."""
    if words.isascii():
        return len(words)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in words
    )


def _only(rows: Rows, shown: Sequence[int]) -> Rows:
    return [[row[index] for index in shown] for row in rows]


def _widths(columns: Sequence[str], rows: Rows, room: int, longest: int) -> tuple[int, ...] | None:
    """How wide each column becomes; None when words would be torn apart, or rows become too tall."""
    room -= GAP * (len(columns) - 1)
    whole = [max(map(width, _lines(column, rows, index))) for index, column in enumerate(columns)]
    if sum(whole) <= room:
        return tuple(whole)
    least = [
        max(_least(column, rows, index, longest), min(wide, NARROW))
        for index, (column, wide) in enumerate(zip(columns, whole, strict=True))
    ]
    if sum(least) > room:
        return None
    found = _levelled(whole, least, room)
    heights = [_height(row, found) for row in rows[:LOOKED_AT]] or [0]
    return None if max(heights) > TALLEST or sum(heights) > TALL * len(heights) else found


def _lines(column: str, rows: Rows, index: int) -> Iterator[str]:
    yield column
    for row in rows:
        yield from row[index].splitlines()


def _least(column: str, rows: Rows, index: int, longest: int) -> int:
    """As wide as its longest word. Ids stay whole: they are there to be copied."""
    words = (word for row in rows for word in row[index].split())
    needed = (width(word) if _ID.search(word) else min(width(word), longest) for word in words)
    return max((*map(width, column.split()), *needed), default=1)


def _levelled(whole: Sequence[int], least: Sequence[int], room: int) -> tuple[int, ...]:
    """Narrow columns get what they need, and the wide ones share the rest alike."""

    def at(level: int) -> list[int]:
        return [max(low, min(high, level)) for low, high in zip(least, whole, strict=True)]

    level = max((level for level in range(room + 1) if sum(at(level)) <= room), default=0)
    found = at(level)
    for index, high in enumerate(whole):  # what is left over by rounding
        found[index] += min(1, max(0, room - sum(found)), high - found[index])
    return tuple(found)


def _height(row: Sequence[str], widths: Sequence[int]) -> int:
    return max((_lines_of(cell, room) for cell, room in zip(row, widths, strict=True)), default=1)


def _lines_of(cell: str, room: int) -> int:
    return sum(_folds(line, room) for line in cell.splitlines()) or 1


def _folds(line: str, room: int) -> int:
    lines, used = 1, 0
    for word in line.split():
        wide = width(word)
        if used and used + 1 + wide > room:
            lines, used = lines + 1, 0
        used += wide + bool(used)
        if used > room:
            lines, used = lines + (used - 1) // room, (used - 1) % room + 1
    return lines
