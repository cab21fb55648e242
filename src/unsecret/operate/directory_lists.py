"""Reading the two long lists of a directory, applications and service principals, into a spool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from unsecret.operate.taking import Taking
from unsecret.wire import questions


class Shown(Struct, frozen=True):
    """How a list may be asked: the members to select (none: all that is shown unasked), and whether with owners.
    The other members say why something cannot be asked for."""

    members: tuple[str, ...]
    owners: bool
    no_keys: str | None = None
    no_attributes: str | None = None
    no_owners: str | None = None


def may_be_shown(taking: Taking, collection: str, *, attributes: bool) -> Shown:
    """Find out with one object each what this caller may ask for."""

    def refusal(what: str, **asked: Any) -> str | None:
        path = questions.listing(collection, **asked, top=1)
        return taking.tried(f"{collection}.may.{what}", lambda: bool(taking.client.get(path)))[1]

    members = questions.SELECTED[collection]
    no_keys = refusal("select", members=members)
    no_attributes = refusal("attributes", members=("id", questions.ATTRIBUTES)) if attributes else None
    no_owners = refusal("expand", members=("id",), expand="owners")
    if no_keys:
        members = ()
    elif attributes and not no_attributes:
        members = (*members, questions.ATTRIBUTES)
    return Shown(members, no_owners is None, no_keys, no_attributes or no_keys, no_owners)


def read_list(taking: Taking, collection: str, shown: Shown) -> list[Path]:
    """The files with all objects of a list. Raises what the list is refused with."""
    path = questions.listing(collection, members=shown.members, expand="owners" if shown.owners else None)

    def objects() -> Iterator[Any]:
        for number, one in enumerate(taking.client.pages(path), 1):
            if number % 1000 == 0:
                taking.say(f"reading {collection}: {number} so far")
            yield one

    return [taking.spool.lines(f"{collection}.all", objects)]
