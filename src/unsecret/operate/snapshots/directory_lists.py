"""Reading the two long lists of a directory, applications and service principals, into a spool: in ranges of their
dates of creation, several at a time, and so that it can be shown that nothing is left out.

The directory counts its objects, all of them and those of a range. What has no date is in no range and is asked for by
itself. When what was read is less than what was counted, the whole list is read as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from unsecret.operate.graph.side_by_side import in_order
from unsecret.operate.snapshots.date_ranges import Range, cut
from unsecret.operate.snapshots.spool import lines_of
from unsecret.operate.snapshots.taking import REFUSED, Taking
from unsecret.wire import questions

SMALL = 2 * questions.LARGEST_PAGE
"""A list with no more is read as it is."""

PARTS = 32
"""How many ranges a long list is cut into: four for each request that is on its way."""

COUNTED_AT_ONCE = 4
"""Ranges of one list; two lists are counted at the same time."""


class Shown(Struct, frozen=True):
    """How a list may be asked: the members to select (none: all that is shown unasked), and whether with owners.
    The other members say why something cannot be asked for."""

    members: tuple[str, ...]
    owners: bool
    no_keys: str | None = None
    no_attributes: str | None = None
    no_owners: str | None = None


class Split(Struct, frozen=True):
    """How a list is read: a filter for each part ("" is all of it). `total` is how many there were, None when the
    directory did not count them; `undated` is whether some are in no part."""

    terms: list[str]
    total: int | None = None
    undated: bool = False


class Listed(Struct, frozen=True):
    """A list that was read. Of `undated` objects nothing could be expanded."""

    files: list[Path]
    split: Split
    undated: list[str]


class Identified(Struct):
    """An object, by nothing but its id."""

    id: str = ""


WHOLE = Split([""])


def may_be_shown(taking: Taking, collection: str, *, attributes: bool) -> Shown:
    """Find out with one object each what this caller may ask for."""

    def refusal(what: str, about: str = "", **asked: Any) -> str | None:
        path = questions.listing(collection, **asked, top=1)
        label = f"{collection}.may.{what}"
        return taking.tried(label, lambda: bool(taking.client.get(path)), about=about or collection)[1]

    members = questions.SELECTED[collection]
    no_keys = refusal("select", members=members)
    no_attributes = (
        refusal("attributes", questions.ATTRIBUTES, members=("id", questions.ATTRIBUTES)) if attributes else None
    )
    no_owners = refusal("expand", members=("id",), expand="owners")
    if no_keys:
        members = ()
    elif attributes and not no_attributes:
        members = (*members, questions.ATTRIBUTES)
    return Shown(members, no_owners is None, no_keys, no_attributes or no_keys, no_owners)


def list_parts(taking: Taking, collection: str, shown: Shown, split: Split) -> list[Callable[[], Path]]:
    """The parts of one of the two lists with its owners."""
    expand = "owners" if shown.owners else None
    jobs = parts(taking, collection, collection, split, members=shown.members, expand=expand)
    path = questions.not_dated(collection, shown.members)
    if split.undated:
        jobs.append(lambda: taking.first_answer(f"{collection}.undated", (path,), headers=questions.ADVANCED))
    return jobs


def read_list(taking: Taking, collection: str, shown: Shown) -> Listed:
    """All objects of a list. Raises what the list is refused with."""
    split = split_of(taking, collection)
    files = taking.side_by_side(list_parts(taking, collection, shown, split))
    undated = [one.id for one in identified(files[-1])] if split.undated else []
    if split.total is not None and _is_short(taking, collection, split.total, files):
        whole = taking.side_by_side(list_parts(taking, collection, shown, WHOLE))
        return Listed([*whole, *files], WHOLE, [])
    return Listed(files, split, undated)


def parts(
    taking: Taking, name: str, collection: str, split: Split, *, members: tuple[str, ...], expand: str | None
) -> list[Callable[[], Path]]:
    """The parts of a list, each to be read into a file. `name` tells apart what is asked of one list in many ways."""
    read = _Counter(taking, name, split.total)

    def part(number: int, term: str) -> Path:
        path = questions.listing(collection, members=members, expand=expand, term=term)
        label = f"{name}.{number:03}" if term else f"{name}.whole"
        return taking.spool.lines(label, lambda: read.through(taking.client.raw_pages(path)))

    return [partial(part, number, term) for number, term in enumerate(split.terms)]


def split_of(taking: Taking, collection: str) -> Split:
    """How to read a list; decided once, also over an interruption."""

    def decided() -> Split:
        try:
            return _decided(taking, collection)
        except REFUSED:  # a directory that does not count, or does not filter, is read from one end to the other
            return WHOLE

    return msgspec.convert(taking.spool.value(f"{collection}.split", decided), Split)


def _decided(taking: Taking, collection: str) -> Split:
    total = _count(taking, collection)
    if total <= SMALL:
        return WHOLE
    term = questions.created_between(None, taking.spool.begun.at)
    taking.client.get(questions.listing(collection, members=("id",), expand="owners", term=term, top=1))
    undated = _count(taking, collection, questions.NOT_DATED)
    ranges = cut(
        lambda some: in_order(lambda one: _count(taking, collection, _term(one)), some, at_once=COUNTED_AT_ONCE),
        now=taking.spool.begun.at,
        most=max(questions.LARGEST_PAGE, total // PARTS),
    )
    largest_first = sorted(ranges, key=lambda one: one.count, reverse=True)  # what begins last should not take long
    return Split([_term(one) for one in largest_first], total, undated > 0)


def _term(one: Range) -> str:
    return questions.created_between(one.since, one.until)


def _count(taking: Taking, collection: str, term: str = "") -> int:
    """How many objects there are. Raises Invalid when the answer is no number."""
    return msgspec.convert(taking.client.get(questions.counting(collection, term), headers=questions.ADVANCED), int)


def _is_short(taking: Taking, collection: str, before: int, files: list[Path]) -> bool:
    """Whether fewer were read than there were all the time."""
    after = taking.spool.value(f"{collection}.after", lambda: _count(taking, collection))
    return len({one.id for file in files for one in identified(file)}) < min(before, after)


def identified(file: Path) -> Iterator[Identified]:
    """The ids of the objects in a file."""
    return map(msgspec.json.Decoder(Identified).decode, lines_of(file))


class _Counter:
    """Tells how far a list has come. Parts are read by several threads; a number that is missed now and then is no
    harm."""

    EVERY = 1000

    def __init__(self, taking: Taking, name: str, total: int | None):
        self._taking = taking
        self._name = name
        self._of = f" of {total}" if total else ""
        self._read = 0

    def through(self, objects: Iterator[Any]) -> Iterator[Any]:
        for number, one in enumerate(objects, 1):
            if number % self.EVERY == 0:
                self._read += self.EVERY
                self._taking.say(f"reading {self._name}: {self._read}{self._of} so far")
            yield one
