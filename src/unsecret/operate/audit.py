"""Who changed credentials and policies, and what was refused, from the directory's own log.

https://learn.microsoft.com/en-us/graph/api/directoryaudit-list. Graph is asked for a span of time, and only that: what
else can be filtered there differs from activity to activity, and names of activities are not documented in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from unsecret.errors import Throttled, Unavailable, Unreachable
from unsecret.operate.policies.entries import entries_of, in_words
from unsecret.rules.patterns import matches
from unsecret.wire import questions
from unsecret.wire.audit_records import AuditRecord, audit_record_from_graph

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

LATENESS = timedelta(minutes=10)
"""How long after an event its record may appear. Watching asks for this much again each time.
https://learn.microsoft.com/en-us/entra/identity/monitoring-health/reference-reports-data-retention"""

PASSING = (Throttled, Unavailable, Unreachable)
"""What ends no watch: the tenant may answer the next time."""


class Kind(StrEnum):
    """What an activity is about."""

    CREDENTIALS = "credentials"
    POLICIES = "policies"
    APPLICATIONS = "applications"
    OTHER = "other"


class Wanted(Struct, frozen=True, kw_only=True):
    """Which records are asked for; everything at once has to hold. `app` and `who` are patterns of names, or ids."""

    since: datetime
    until: datetime | None = None
    kinds: tuple[str, ...] = (Kind.CREDENTIALS, Kind.POLICIES)
    app: str | None = None
    who: str | None = None
    is_refused: bool = False

    def holds(self, record: AuditRecord) -> bool:
        """Whether `record` is asked for. Graph is asked for the span of time; the rest is looked at here."""
        return (
            kind_of(record) in self.kinds
            and (not self.is_refused or record.result == "failure")
            and (self.app is None or any(_is_meant(self.app, id_, name) for _type, id_, name in record.targets))
            and (self.who is None or _is_meant(self.who, record.who_id, record.who))
        )


def kind_of(record: AuditRecord) -> Kind:
    """What a record is about, by the name of its activity and the types of what it changed."""
    activity = record.activity.lower()
    if "certificates and secrets" in activity or "credential" in activity:
        return Kind.CREDENTIALS
    if "policy" in activity or record.category.lower() == "policy":
        return Kind.POLICIES
    if any(type_ in ("Application", "ServicePrincipal") for type_, _id, _name in record.targets):
        return Kind.APPLICATIONS
    return Kind.OTHER


def read_audit(client: GraphClient, wanted: Wanted) -> Iterator[AuditRecord]:
    """The records that `wanted` asks for, the newest first. Raises what Graph refuses with."""
    for body in client.pages(questions.done_between(wanted.since, wanted.until)):
        record = audit_record_from_graph(body)
        if record is not None and wanted.holds(record):
            yield replace(record, changes=(*record.changes, *_of_policies(record)))


def watch(
    client: GraphClient,
    wanted: Wanted,
    *,
    clock: Callable[[], datetime],
    pause: Callable[[], None],
    say: Callable[[str], None] = lambda _words: None,
) -> Iterator[AuditRecord]:
    """The records as they appear, each once, the oldest of each look first; it never ends by itself.

    `pause` waits between two looks. Records appear late, and out of order: each look goes back LATENESS. A tenant that
    does not answer for a while, once it has answered, ends nothing: `say` is told, and the next look goes back to the
    last that was answered. Raises what Graph refuses with otherwise.
    """
    known: dict[str, datetime] = {}
    since, is_first = wanted.since, True
    while True:
        try:
            looked_at = clock()
            found = list(read_audit(client, replace(wanted, since=since, until=None)))
        except PASSING as problem:
            if is_first:
                raise
            say(f"{problem.message} It is asked again; what happens meanwhile is told then.")
        else:
            for record in reversed(found):
                if record.id not in known:  # a page may begin with what was last on the one before
                    known[record.id] = record.at
                    yield record
            since, is_first = max(wanted.since, looked_at - LATENESS), False
            known = {one: at for one, at in known.items() if at >= since - LATENESS}
        pause()


def _of_policies(record: AuditRecord) -> Iterator[str]:
    """How a policy was changed; of one that was made or deleted its name says enough."""
    before, after = record.policies or ({}, {})
    if not before or not after:
        return
    if before.get("isEnabled") != after.get("isEnabled"):
        yield "switched on" if after.get("isEnabled") else "switched off"
    old, new = ({place.words: in_words(place.entry) for place in entries_of(policy)} for policy in (before, after))
    for what in dict.fromkeys((*old, *new)):
        if old.get(what) != new.get(what):
            yield f"{what} {old.get(what, 'not set')} → {new.get(what, 'not set')}"


def _is_meant(pattern: str, id_: str | None, name: str) -> bool:
    return pattern.lower() == (id_ or "").lower() or matches(pattern, name)
