"""Is our answer the recorded one? Ids are matched as they appear, dates nearly, everything else exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.local_tenant import BASE
from tests.recordings.cassettes import GRAPH
from unsecret.errors import Invalid
from unsecret.wire.instants import parse_instant

ABSENT = "(absent)"
"""Stands for what one of the two answers does not have."""

A_MOMENT = timedelta(seconds=5)
"""The tenant's clock shows when the recorded answer was given; the service did its work a little before."""

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_MADE_UP = ("secretText", "hint", "request-id", "client-request-id")
"""Random, or of this one request: a string in both, or in neither."""

_KEYS = ("id", "keyId", "appId", "resourceAppId", "name", "uri")
"""The members by which the elements of a collection are told apart, the first that they have."""


@dataclass(frozen=True)
class Difference:
    """`path` names the member without positions: `value[].api.knownClientApplications`."""

    path: str
    recorded: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.path}: recorded {_short(self.recorded)}, ours {_short(self.ours)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


@dataclass
class Names:
    """What the recording calls a thing → what our tenant calls it: ids and the tenant's domain. A name that was once
    matched means the same from then on, in answers and in later requests."""

    ours: dict[str, str] = field(default_factory=dict)

    def in_request(self, text: str) -> str:
        """A part of a recorded request in our tenant's names. Ids that no answer gave are the client's own."""
        for guid in GUID.findall(text):
            self.ours.setdefault(guid, guid)
        return self.known(text)

    def known(self, text: str) -> str:
        """`text` with the names that were matched so far."""
        for recorded, ours in self.ours.items():
            text = text.replace(recorded, ours)
        return text

    def match(self, recorded: str, ours: str) -> bool:
        """Whether both mean the same; at first sight they do, unless our name is taken already."""
        alike = bool(GUID.fullmatch(recorded)) == bool(GUID.fullmatch(ours))
        if recorded not in self.ours and alike and ours not in self.ours.values():
            self.ours[recorded] = ours
        return self.ours.get(recorded) == ours


def differences(recorded: Any, ours: Any, names: Names, path: str = "", member: str = "") -> Iterator[Difference]:
    """Every place where our answer is not the recorded one. `member` is the innermost name in `path`."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for name in recorded | ours:
            inner = f"{path}.{name}" if path else name
            yield from differences(recorded.get(name, ABSENT), ours.get(name, ABSENT), names, inner, name)
    elif isinstance(recorded, list) and isinstance(ours, list):
        for one, other in _partners(recorded, ours, names):
            yield from differences(one, other, names, f"{path}[]", member)
    elif not _same(recorded, ours, names, member):
        yield Difference(path, recorded, ours)


def _partners(recorded: list[Any], ours: list[Any], names: Names) -> Iterator[tuple[Any, Any]]:
    """Elements that belong together. The service keeps no order in a collection: what it was given as a, b it gives
    back as a, b in one answer and as b, a in the next."""
    left = list(ours)
    keys = [_key(item) for item in ours]
    alone = []
    for item in recorded:
        key = names.known(_key(item))
        if key in keys:
            at = keys.index(key)
            keys.pop(at)
            yield item, left.pop(at)
        else:
            alone.append(item)
    if len(alone) == len(left):
        yield from zip(alone, left, strict=True)
    else:
        yield from ((item, ABSENT) for item in alone)
        yield from ((ABSENT, item) for item in left)


def _key(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    return next((str(item[name]) for name in _KEYS if name in item), repr(item))


def _same(recorded: Any, ours: Any, names: Names, member: str) -> bool:
    if not isinstance(recorded, str) or not isinstance(ours, str) or ABSENT in (recorded, ours):
        return type(recorded) is type(ours) and recorded == ours
    if member in _MADE_UP:
        return True
    if member.startswith("@odata."):
        return names.known(recorded).replace(GRAPH, BASE) == ours
    if member == "id" or member.endswith("Id") or member == "publisherDomain":
        return names.match(recorded, ours)
    return names.known(recorded) == ours or _same_moment(recorded, ours)


def _same_moment(recorded: str, ours: str) -> bool:
    try:
        return abs(parse_instant(recorded) - parse_instant(ours)) <= A_MOMENT
    except Invalid:
        return False
