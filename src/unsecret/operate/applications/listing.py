"""The applications of a snapshot, chosen and in order; and the first page, which is worked out when a snapshot is made.

Whoever has a hundred thousand applications asks for the riskiest first, again and again. That page lies ready in the
file; every other question is answered by looking at all of them.
"""

from __future__ import annotations

import heapq
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.snapshot_layout import LAYOUT, MANIFEST
from unsecret.operate.applications.governed import NewSecrets

if TYPE_CHECKING:
    from unsecret.operate.applications.inventory import Application, Held
    from unsecret.operate.applications.selection import Wanted
    from unsecret.operate.snapshots.snapshot_file import Snapshot

FIRST_PAGE = "first-page.json"
KEPT = 200
"""Applications that the first page holds."""

LONGEST = 8 * 1024 * 1024
"""Bytes of it."""


class Line(Struct, frozen=True, kw_only=True):
    """What a listing shows of an application. `owners` is None where they were not read; `why` are the grounds of its
    risk, the heaviest first."""

    name: str
    risk: str
    secrets: str
    certificates: str
    federated: str
    use: str
    owners: tuple[str, ...] | None
    new_secrets: tuple[NewSecrets, ...]
    why: tuple[str, ...]


class _Page(Struct, frozen=True, kw_only=True):
    as_of: datetime
    total: int
    matching: int
    not_known: tuple[str, ...]
    lines: tuple[Line, ...]


class Listing(NamedTuple):
    """Applications that are asked for, in order, at most as many as asked for. `total` counts all that there are,
    `matching` all that are asked for; `applications` is everything known of those in `lines`, and empty on a first
    page that lay ready."""

    as_of: datetime
    total: int
    matching: int
    not_known: tuple[str, ...]
    lines: tuple[Line, ...]
    applications: tuple[Application, ...] = ()


def listed(
    snapshot: Snapshot,
    wanted: Wanted,
    *,
    sort: str,
    at_most: int | None,
    now: datetime,
    is_muted: Callable[[Application], bool] = lambda _found: False,
) -> Listing:
    """The applications that `wanted` asks for and that nobody muted, sorted by one of `selection.ORDERS`."""
    from unsecret.operate.applications.inventory import applications
    from unsecret.operate.applications.selection import ORDERS

    counted = [0, 0]

    def matching() -> Iterator[Application]:
        for found in applications(snapshot, now=now):
            counted[0] += 1
            if wanted.holds(found, now=now) and not is_muted(found):
                counted[1] += 1
                yield found

    order = ORDERS[sort]
    chosen = sorted(matching(), key=order) if at_most is None else heapq.nsmallest(at_most, matching(), key=order)
    return Listing(
        as_of=now,
        total=counted[0],
        matching=counted[1],
        not_known=snapshot.manifest.not_known,
        lines=tuple(line_of(found) for found in chosen),
        applications=tuple(chosen),
    )


def add_first_page(path: Path) -> None:
    """Put the first page into the snapshot `path`, which is complete but for that.

    A policy that this software cannot read is no reason to have no snapshot, nor that there are policies only; whoever
    lists applications is told of it.
    """
    from unsecret.operate.applications.selection import Wanted
    from unsecret.operate.snapshots.snapshot_file import open_snapshot

    try:
        with open_snapshot(path) as snapshot:
            snapshot.require_objects()
            first = listed(snapshot, Wanted(), sort="risk", at_most=KEPT, now=snapshot.manifest.taken_at)
    except Invalid:
        return
    page = _Page(
        as_of=first.as_of,
        total=first.total,
        matching=first.matching,
        not_known=first.not_known,
        lines=first.lines,
    )
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr(FIRST_PAGE, msgspec.json.encode(page))


_NO_PAGE = (
    *(OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error),
    *(KeyError, TypeError, ValueError, msgspec.MsgspecError),
)
"""What reading it can fail with: the file, and what stands in it."""


def first_page(path: Path, at_most: int) -> Listing | None:
    """The riskiest applications as they were when the snapshot was made; None when the file does not hold that page, or
    not so much of it. No library is loaded for it."""
    try:
        with zipfile.ZipFile(path) as packed:
            page = msgspec.json.decode(packed.open(FIRST_PAGE).read(LONGEST), type=_Page)
            if msgspec.json.decode(packed.open(MANIFEST).read(LONGEST))["layout"] != LAYOUT:
                return None
    except _NO_PAGE:
        return None
    lines = page.lines[:at_most]
    is_enough = len(lines) == min(at_most, page.matching)
    return Listing(page.as_of, page.total, page.matching, page.not_known, lines) if is_enough else None


def line_of(found: Application) -> Line:
    """What a listing shows of one application."""
    return Line(
        name=found.display_name,
        risk=f"{found.risk} {found.score}",
        secrets=_held(found.secrets),
        certificates=_held(found.certificates),
        federated=str(found.federated or "–"),
        use=f"{found.last_sign_in_at:%Y-%m-%d}" if found.last_sign_in_at else found.use,
        owners=found.owners,
        new_secrets=found.new_secrets,
        why=tuple(ground.words for ground in found.grounds),
    )


def _held(held: Held) -> str:
    """How many are live and until when; of several, when the first ends and when the last."""
    said = [f"{held.live}{_until(held)}"] if held.live else []
    if held.expired:
        said.append(f"{held.expired} expired")
    return ", ".join(said) or "–"


def _until(held: Held) -> str:
    first, last = (f"{at:%Y-%m-%d}" if at else None for at in (held.next_end_at, held.ends_at))
    if first is None:
        return ""
    return f" until {first}" if last in (None, first) else f": first ends {first}, last {last}"
