"""The entries of a policy as Graph's own JSON: finding them, putting them into words, comparing two policies.

The operator keeps to JSON here because it must give back what it does not know: a restriction that Microsoft
adds tomorrow has no noun in this software, and must survive a change all the same. Policies are never changed
in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.times_in_words import duration_in_words
from unsecret.wire.instants import format_duration, format_instant, parse_duration, parse_instant
from unsecret.wire.policy_shapes import require_policy_shape

Json = dict[str, Any]

APPLICATIONS, SERVICE_PRINCIPALS = "applicationRestrictions", "servicePrincipalRestrictions"
CUSTOM = "restrictions"
PASSWORDS, KEYS = "passwordCredentials", "keyCredentials"

GOVERNED = {APPLICATIONS: "applications", SERVICE_PRINCIPALS: "service principals", CUSTOM: "linked objects"}
"""Each section of a policy, and whom its entries bind, in words."""

UNKNOWN_MEMBER = "unknownFutureValue"
"""What Graph writes in place of a value that it will not name to this client."""

ALL_MEMBERS = {"Prefer": "include-unknown-enum-members"}
"""Asks Graph to name such values: https://learn.microsoft.com/en-us/graph/best-practices-concept"""


class Place(Struct, frozen=True):
    """One entry and where it stands: `applicationRestrictions`, `passwordCredentials`, `passwordAddition`."""

    section: str
    group: str
    kind: str
    entry: Json

    @property
    def words(self) -> str:
        """Where it stands, for people."""
        return f"{GOVERNED[self.section]}: {self.kind}"


class Difference(Struct, frozen=True):
    """One thing that is not as it was meant to be; None is "not there"."""

    what: str
    expected: str | None
    found: str | None


TENANT_DEFAULT = "tenant default"
"""What the default policy of a tenant is called where policies are named."""

DEFAULT_TITLE = f"{TENANT_DEFAULT} policy"
"""What it is called where the policy itself is spoken of, or changed."""


def entries_of(policy: Json) -> Iterator[Place]:
    """Every entry of a tenant default or a custom policy, also of kinds that this software does not know."""
    for section in GOVERNED:
        for group, value in _members(policy.get(section)):
            if section == CUSTOM and group == APPLICATIONS:
                yield from _in_groups(section, _members(value))
            else:
                yield from _in_groups(section, [(group, value)])


def _in_groups(section: str, groups: list[tuple[str, Any]]) -> Iterator[Place]:
    for group, value in groups:
        if isinstance(value, list):
            named = [(str(entry.get("restrictionType")), entry) for entry in value if isinstance(entry, dict)]
        else:
            named = [(kind, entry) for kind, entry in _members(value) if isinstance(entry, dict)]
        yield from (Place(section, group, kind, entry) for kind, entry in named)


def _members(value: Any) -> list[tuple[str, Any]]:
    """The members of a JSON object that are not annotations; none when it is not an object."""
    return [(name, member) for name, member in value.items() if "@" not in name] if isinstance(value, dict) else []


def is_enabled(entry: Json) -> bool:
    """Whether the entry binds while its policy is on. A state that was left out means enabled."""
    return (entry.get("state") or "enabled") != "disabled"


def binds_from(entry: Json) -> datetime | None:
    """Only objects created at this instant or later are bound; None means all of them.

    `0001-01-01T00:00:00Z` is written by other tools for "all", and read so.
    """
    text = entry.get("restrictForAppsCreatedAfterDateTime")
    at = parse_instant(text) if text else None
    return None if at is None or at.year <= 1 else at


def max_lifetime(entry: Json) -> timedelta | None:
    """The longest lifetime that the entry allows; None when it says nothing about that."""
    text = entry.get("maxLifetime")
    return parse_duration(text) if text else None


def excluded_callers(entry: Json) -> tuple[tuple[str, str], ...]:
    """Callers whom the entry does not bind, as (attribute, value), sorted."""
    attributes = (entry.get("excludeActors") or {}).get("customSecurityAttributes") or []
    return tuple(sorted((str(one.get("id")), str(one.get("value"))) for one in attributes))


def in_words(entry: Json | None) -> str:
    """An entry on one line: `enabled for those created from 2026-01-01T00:00:00Z, at most 90 days`."""
    if entry is None:
        return "not set"
    said = ["enabled" if is_enabled(entry) else "disabled"]
    if start := binds_from(entry):
        said[0] += f" for those created from {format_instant(start)}"
    if longest := max_lifetime(entry):
        said.append(f"at most {duration_in_words(longest)}")
    if callers := excluded_callers(entry):
        said.append("except callers with " + " or ".join(f"{name}={value}" for name, value in callers))
    return ", ".join(said)


def in_full(entry: Json | None) -> str:
    """An entry on one line with every member that it has, also of those that this software does not know."""
    told = {name: one for name, one in entry_meaning(entry or {}).items() if name not in _IN_WORDS}
    return ", ".join([in_words(entry), *(f"{name}: {_listed(one)}" for name, one in told.items())])


def _listed(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_listed(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return " ".join(map(_listed, value))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def entry_of(collection: list[Json], kind: str) -> Json | None:
    """The entry of this restrictionType; None when there is none."""
    return next((entry for entry in collection if entry.get("restrictionType") == kind), None)


def collection_of(policy: Json, section: str, group: str = PASSWORDS) -> list[Json]:
    """One collection of entries; empty when it is missing or null."""
    return (policy.get(section) or {}).get(group) or []


def without_annotations(value: Any) -> Any:
    """`value` as it may be sent back: without `…@odata.context` and its like, which a PATCH refuses.

    `@odata.type` stays: in `excludeActors` it tells which kind of exemption an element is.
    https://github.com/microsoft/entra-apps-identifier-uri-protection strips the same before it writes.
    """
    if isinstance(value, list):
        return [without_annotations(one) for one in value]
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if "@" not in name or name == "@odata.type"}
        return {name: without_annotations(one) for name, one in kept.items()}
    return value


def differences(expected: Json, found: Json) -> tuple[Difference, ...]:
    """How `found` differs in meaning from `expected`: not in ids, annotations, order, or null against absent."""
    return tuple(_differences("", _meaning(expected), _meaning(found)))


def _differences(what: str, expected: Any, found: Any) -> Iterator[Difference]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted(expected.keys() | found.keys()):
            path = f"{what}.{name}" if what else name
            yield from _differences(path, expected.get(name), found.get(name))
    elif expected != found:
        yield Difference(what, _shown(expected), _shown(found))


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)


_NOT_SAID = frozenset({"id", "createdDateTime", "deletedDateTime", "lastModifiedDateTime", "modifiedDateTime"})
"""Members that a service changes by itself; the tenant default gets its id with the first write."""


def _meaning(policy: Json) -> Json:
    """A policy reduced to what it says. Entries get their defaults; collections become maps by kind."""
    said = {name: value for name, value in _members(policy) if name not in _NOT_SAID and name not in GOVERNED}
    said |= {"isEnabled": bool(policy.get("isEnabled"))}
    for place in entries_of(policy):
        section = said.setdefault(place.section, {})
        group = section.setdefault(place.group, {})
        kind = place.kind if place.kind not in group else f"{place.kind} (again)"
        group[kind] = entry_meaning(place.entry)
    return said


_IN_WORDS = frozenset({"state", "restrictForAppsCreatedAfterDateTime", "maxLifetime", "excludeActors"})
"""The members that `in_words` speaks of."""


def entry_meaning(entry: Json) -> Json:
    """An entry reduced to what it says: two that say the same are equal, however they are written."""
    told = {name: _plain(value) for name, value in _members(entry) if name != "restrictionType"}
    start, longest = binds_from(entry), max_lifetime(entry)
    told |= {
        "state": "enabled" if is_enabled(entry) else "disabled",
        "restrictForAppsCreatedAfterDateTime": format_instant(start) if start else None,
        "maxLifetime": format_duration(longest) if longest is not None else None,
        "isStateSetByMicrosoft": entry.get("isStateSetByMicrosoft") or None,
    }
    return {name: value for name, value in told.items() if value not in (None, [], {})}


def _plain(value: Any) -> Any:
    """A JSON value without annotations, nulls and empty containers, at any depth."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        plain = {name: _plain(one) for name, one in _members(value)}
        return {name: one for name, one in plain.items() if one not in (None, [], {})}
    return value


def require_policy(answer: Any, path: str) -> Json:
    """`answer` when it looks like a policy. Raises Invalid: nothing is written on the strength of anything else."""
    if not isinstance(answer, dict) or not isinstance(answer.get("isEnabled"), bool):
        raise Invalid(f"{path} did not answer with a policy; nothing was changed.", code="UnexpectedAnswer")
    require_policy_shape(answer, path)
    return answer
