"""What a plan consists of: steps, each of which is one write to the tenant, and how they are put into words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from unsecret.operate.policies.block import require_returnable, section_body
from unsecret.operate.policies.change import Line, Link, PolicyChange
from unsecret.operate.policies.entries import (
    APPLICATIONS,
    CUSTOM,
    GOVERNED,
    Json,
    Place,
    entries_of,
    entry_meaning,
    in_full,
)

LAYOUT = "plan/1"
"""Says how a saved plan is laid out. Software that reads another layout refuses it."""

_NOTHING = "not set"
Spot = tuple[str, str, str]
"""Section, group and kind of an entry."""


class Action(StrEnum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    LINK = "link"
    UNLINK = "unlink"
    DELETE = "delete"


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One write. `policy_id` is None while the policy is only about to be made; `policy_name` then tells it.

    `change` is there where a policy is made or changed, `link` where one is linked or unlinked, `before` where one is
    deleted: the policy as it was read, from Graph's `version`.
    """

    action: Action
    policy_name: str
    policy_id: str | None = None
    change: PolicyChange | None = None
    link: Link | None = None
    before: Json | None = None
    version: str = "beta"

    @property
    def title(self) -> str:
        """What the step concerns."""
        return self.change.title if self.change else f"custom policy '{self.policy_name}'"

    @property
    def words(self) -> str:
        """What the step does, on one line."""
        if self.link and self.action is Action.LINK:
            return f"apply {self.title} to the {self.link.words}"
        if self.link:
            return f"take the {self.link.words} out of {self.title}"
        return f"{self.action} the {self.title}"

    @property
    def lines(self) -> tuple[Line, ...]:
        """What the step changes, line by line."""
        if self.link:
            bound = (f"applies to the {self.link.words}", "bound")
            return (Line(bound[0], "not bound", "bound") if self.action is Action.LINK else Line(*bound, "not bound"),)
        if self.change:
            return self.change.lines
        return tuple(difference_lines(self.before or {}, {}))


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be done to a tenant, in order. `notes` are what the operator should know; `source` is the file."""

    layout: str = LAYOUT
    tenant_id: str
    graph: str
    made_at: datetime
    source: str
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def activates(self) -> tuple[str, ...]:
        """Entries that nobody mentioned and that begin to bind because their policy is switched on."""
        return tuple(f"{step.title}: {entry}" for step in self.steps if step.change for entry in step.change.activates)


def spots_of(policy: Json) -> dict[Spot, Place]:
    """The entries of a policy by where they stand."""
    return {(place.section, place.group, place.kind): place for place in entries_of(policy)}


def changed_spots(before: Json, after: Json) -> list[Spot]:
    """Where the two policies do not say the same."""
    old, new = spots_of(before), spots_of(after)
    return [spot for spot in dict.fromkeys((*old, *new)) if _meaning(old.get(spot)) != _meaning(new.get(spot))]


def _meaning(place: Place | None) -> Json | None:
    return entry_meaning(place.entry) if place else None


def difference_lines(before: Json, after: Json) -> Iterator[Line]:
    """What distinguishes two policies, entry by entry."""
    for name in ("displayName", "description"):
        if (before.get(name) or None) != (after.get(name) or None):
            yield Line(name, str(before.get(name) or _NOTHING), str(after.get(name) or _NOTHING))
    if bool(before.get("isEnabled")) != bool(after.get("isEnabled")):
        yield Line("policy", _switch(before), _switch(after))
    old, new = spots_of(before), spots_of(after)
    for spot in changed_spots(before, after):
        said = (in_full(one.entry) if one else _NOTHING for one in (old.get(spot), new.get(spot)))
        yield Line(f"{GOVERNED[spot[0]]}: {spot[2]}", *said, kind=spot[2])


def _switch(policy: Json) -> str:
    return _NOTHING if not policy else "on" if policy.get("isEnabled") else "off"


def body_of(before: Json, after: Json, version: str) -> Json:
    """What a PATCH sends to turn `before` into `after`; every entry around a change goes along, see `block`.

    Raises Invalid when an entry could not be given back.
    """
    body: Json = {
        name: after.get(name)
        for name in ("displayName", "description", "isEnabled")
        if name in after and before.get(name) != after.get(name)
    }
    spots = changed_spots(before, after)
    for section in dict.fromkeys(spot[0] for spot in spots):
        groups = list(dict.fromkeys(spot[1] for spot in spots if spot[0] == section))
        body[section] = _section(after[section], section, groups, version)
    return body


def _section(section: Json, name: str, groups: list[str], version: str) -> Json:
    """One section; what binds only applications stands, in a custom policy, one level down."""
    inner = [group for group in groups if name == CUSTOM and group not in section]
    outer = [group for group in groups if group not in inner]
    for group in outer:
        if isinstance(section[group], list):
            require_returnable(section[group], f"{name}.{group}")
    body = section_body(section, version, [*outer, *([APPLICATIONS] if inner else [])])
    if inner:
        body[APPLICATIONS] = _section(section[APPLICATIONS], APPLICATIONS, inner, version)
    return body
