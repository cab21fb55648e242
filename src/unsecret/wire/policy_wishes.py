"""Wishes and policies: merging one over the other, and telling a policy, or a difference of two, as a wish.

`merged` touches what the wish mentions and nothing else; what Graph wrote that this software does not know stays.
`wish_of` and `merged` undo each other, and so do `wish_back` and a change: merging `wish_back(before, after)` over
`after` gives `before` again. That is what a rollback file is.

Policies are Graph's JSON as beta shows it. Nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from unsecret.errors import Invalid, NotFound
from unsecret.model.policy import CREDENTIAL_GROUPS, GROUP_OF, LIFETIME_KINDS, RestrictionGroup, RestrictionKind
from unsecret.wire.policy_file_text import policy_file_text
from unsecret.wire.policy_files import (
    ABSENT,
    CALLER_TYPE,
    SECTIONS,
    STATES,
    Json,
    PolicyFile,
    PolicyWish,
    read_policy_file,
)
from unsecret.wire.redirect_uri_lists import PLATFORMS, lists_of
from unsecret.wire.restrictions import MEMBERS

_LISTED = frozenset(str(group) for group in RestrictionGroup if group in CREDENTIAL_GROUPS)
"""Groups whose entries stand in a list and say their own kind."""

_INNER = "applicationRestrictions"
"""Where, in the `restrictions` of a custom policy, what binds only applications stands."""

_SECTIONS = (*SECTIONS, "restrictions")
_TEXTS_AND_SWITCH = ("displayName", "description", "isEnabled")
_KIND, _COMPUTED = "restrictionType", "isStateSetByMicrosoft"
_CALLERS = "customSecurityAttributes"
_OF_CALLERS = (_CALLERS, "@odata.type", "id", "operator", "value")
_UNNAMED = "unknownFutureValue"
_LIMITING = {str(kind) for kind in LIFETIME_KINDS}
_OF_NO_EFFECT = "P730D"
"""How long a new secret is good for by default."""
_KNOWN_KINDS = {str(kind) for kind in GROUP_OF}


def merged(policy: Json, wish: Json) -> Json:
    """`policy` with what `wish` says, and all else as it was."""
    after = dict(policy)
    for name, value in wish.items():
        after[name] = _section(policy.get(name) or {}, value) if name in _SECTIONS else value
    return after


def _section(present: Json, wish: Json) -> Json:
    after = dict(present)
    for group, kinds in wish.items():
        old = present.get(group)
        if group == _INNER:
            after[group] = _section(old or {}, kinds)
        elif group in _LISTED or isinstance(old, list):
            after[group] = _collection(old or [], kinds)
        else:
            after[group] = _named(old or {}, kinds)
    return after


def _collection(entries: list[Json], kinds: Json) -> list[Json]:
    after = []
    for entry in entries:
        wish = kinds.get(entry.get(_KIND))
        if wish != ABSENT:
            after.append(entry if wish is None else _entry(entry, wish))
    present = {entry.get(_KIND) for entry in entries}
    new = {kind: wish for kind, wish in kinds.items() if kind not in present and wish != ABSENT}
    return after + [_entry({_KIND: kind, "state": "enabled"}, wish) for kind, wish in new.items()]


def _named(present: Json, kinds: Json) -> Json:
    after = dict(present)
    for kind, wish in kinds.items():
        if wish != ABSENT:
            after[kind] = _entry(present.get(kind) or {"state": "enabled"}, wish)
        elif kind in present:
            after[kind] = None
    return after


def _entry(entry: Json, wish: Json) -> Json:
    after = _object(entry, wish)
    if after != entry:
        after.pop(_COMPUTED, None)  # what we write was not set by Microsoft
        return measured(after)
    return after


def measured(entry: Json) -> Json:
    """`entry` with a lifetime where Graph takes none without: of a disabled one it binds nobody, and yet Graph is
    reported to refuse it without (https://github.com/CyberDrain/CIPP/pull/448)."""
    if entry.get(_KIND) in _LIMITING and entry.get("state") == "disabled" and not entry.get("maxLifetime"):
        return {**entry, "maxLifetime": _OF_NO_EFFECT}
    return entry


def _object(present: Json, wish: Json) -> Json:
    after = dict(present)
    for name, value in wish.items():
        old = present.get(name)
        if value == ABSENT:
            if name in present:
                after[name] = None
        elif name == _CALLERS and _are_objects(value) and _are_objects(old or []):
            after[name] = _callers(old or [], value)
        elif isinstance(value, dict):
            after[name] = _object(old if isinstance(old, dict) else {}, value)
        else:
            after[name] = value
    actors = after.get("excludeActors")
    if "excludeActors" in wish and isinstance(actors, dict) and not any(actors.values()):
        after["excludeActors"] = None
    return after


def _callers(present: list[Json], wish: Iterable[Json]) -> list[Json]:
    """Each caller is told by attribute and value; those that are not mentioned stay exempt."""
    wish = list(wish)
    gone = {_caller(one) for one in wish if one.get("absent")}
    kept = [one for one in present if _caller(one) not in gone]
    known = {_caller(one) for one in kept}
    return kept + [one for one in wish if not one.get("absent") and _caller(one) not in known]


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _caller(one: Json) -> tuple[str, ...]:
    kind = str(one.get("@odata.type", CALLER_TYPE)).removeprefix("#")
    return repr(one.get("id")), repr(one.get("value")), kind


def wish_of(policy: Json) -> Json:
    """All that `policy` says, as a wish. Left out is what a file cannot say: what Microsoft set by itself, and what
    Graph would not name. Merged over the policy it changes nothing."""
    wish: Json = {name: policy[name] for name in _TEXTS_AND_SWITCH if policy.get(name) is not None}
    wish |= {name: told for name in _SECTIONS if (told := _section_wish(policy.get(name) or {}))}
    return wish


def _section_wish(section: Json) -> Json:
    wish: Json = {}
    for group, value in section.items():
        if "@" in group or not value:
            continue
        told = _section_wish(value) if group == _INNER else _kinds(group, value)
        if told:
            wish[group] = told
    return wish


def _kinds(group: str, value: Any) -> Json:
    entries = entries_by_kind(value)
    return {kind: _entry_wish(kind, entry) for kind, entry in entries.items() if is_tellable(group, kind, entry)}


def entries_by_kind(group: Any) -> dict[str, Json]:
    """The entries of a group by their kind, whichever way it holds them."""
    if isinstance(group, list):
        return {entry[_KIND]: entry for entry in group if isinstance(entry, dict) and isinstance(entry.get(_KIND), str)}
    named = group.items() if isinstance(group, dict) else ()
    return {kind: entry for kind, entry in named if isinstance(entry, dict) and "@" not in kind}


def is_tellable(group: str, kind: str, entry: Json) -> bool:
    """Whether a file can speak of the entry. Microsoft's own are Microsoft's to change; what Microsoft adds one day may
    be nothing that TOML can say, or look like a slip for a word of today."""
    if kind == _UNNAMED or entry.get(_COMPUTED) is True:
        return False
    return _is_of_today(group, kind, entry) or _comes_back(group, kind, entry)


def _is_of_today(group: str, kind: str, entry: Json) -> bool:
    """Whether there is nothing in the entry that a file could fail to say; most are so."""
    if kind not in _KNOWN_KINDS or GROUP_OF[RestrictionKind(kind)] != group:
        return False
    known = MEMBERS[RestrictionKind(kind)]
    inner = {*PLATFORMS, *lists_of(RestrictionKind(kind)), *_OF_CALLERS}
    return all(name in known and _is_known(value, inner) for name, value in entry.items())


def _is_known(value: Any, inner: Collection[str]) -> bool:
    if isinstance(value, dict):
        return all(name in inner and _is_known(one, inner) for name, one in value.items())
    if isinstance(value, list):
        return all(one is not None and _is_known(one, inner) for one in value)
    return isinstance(value, str | bool | None)


def _comes_back(group: str, kind: str, entry: Json) -> bool:
    """Whether a file that tells the entry can be read, and changes nothing in it."""
    wish = {group: {kind: _entry_wish(kind, entry)}}
    section = next(iter(SECTIONS))
    try:
        read = read_policy_file(policy_file_text(PolicyFile(default={section: wish}))).default
    except Invalid:
        return False
    whole = {**entry, "state": entry.get("state") or "enabled"}
    present = {group: [whole] if _KIND in entry else {kind: whole}}
    return read == {section: wish} and _plain(_section(present, wish)) == _plain(present)


def _plain(value: Any) -> Any:
    """A JSON value without annotations, nulls and what is empty: all that mean nothing."""
    if isinstance(value, dict):
        plain = {name: _plain(one) for name, one in value.items() if "@" not in name}
        return {name: one for name, one in plain.items() if one not in (None, [], {})}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _entry_wish(kind: str, entry: Json) -> Json:
    state = entry.get("state") or "enabled"
    wish: Json = {"state": state} if state in STATES else {}
    for name, value in entry.items():
        if name in (_KIND, _COMPUTED, "state") or (name == "maxLifetime" and not _may_limit(kind)):
            continue
        told = _told(value)
        if "@" not in name and told not in (None, [], {}):
            wish[name] = told
    return wish


def _may_limit(kind: str) -> bool:
    return kind in _LIMITING or kind not in _KNOWN_KINDS


def _told(value: Any) -> Any:
    """A JSON value as a file can say it: without nulls and what is empty, without annotations but for types."""
    if isinstance(value, list):
        return [_told(one) for one in value if one is not None]
    if isinstance(value, dict):
        told = {name: _told(one) for name, one in value.items() if "@" not in name or name == "@odata.type"}
        return {name: one for name, one in told.items() if one not in (None, [], {})}
    return None if value == _UNNAMED else value


def wish_back(before: Json, after: Json) -> Json:
    """The smallest wish that turns `after` into `before`."""
    wish: Json = {
        name: before.get(name) or ("" if name != "isEnabled" else False)
        for name in _TEXTS_AND_SWITCH
        if name in after and (before.get(name) or None) != (after.get(name) or None)
    }
    for name in _SECTIONS:
        if back := _section_back(before.get(name) or {}, after.get(name) or {}):
            wish[name] = back
    return wish


def _section_back(before: Json, after: Json) -> Json:
    wish: Json = {}
    for group in dict.fromkeys((*before, *after)):
        if "@" in group:
            continue
        if group == _INNER:
            back = _section_back(before.get(group) or {}, after.get(group) or {})
        else:
            back = _kinds_back(entries_by_kind(before.get(group)), entries_by_kind(after.get(group)))
        if back:
            wish[group] = back
    return wish


def _kinds_back(before: dict[str, Json], after: dict[str, Json]) -> Json:
    wish: Json = {}
    for kind in dict.fromkeys((*before, *after)):
        if kind not in before:
            wish[kind] = dict(ABSENT)
        elif kind not in after:
            wish[kind] = _entry_wish(kind, before[kind])
        elif back := _object_back(_entry_wish(kind, before[kind]), _entry_wish(kind, after[kind])):
            wish[kind] = back
    return wish


def _object_back(before: Json, after: Json) -> Json:
    back: Json = {}
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if old is None:
            back[name] = dict(ABSENT)
        elif name == _CALLERS and _are_objects(old) and _are_objects(new or []):
            back[name] = _callers_back(old, new or [])
        elif isinstance(old, dict) and isinstance(new, dict):
            back[name] = _object_back(old, new)
        else:
            back[name] = old
    return back


def _callers_back(before: list[Json], after: list[Json]) -> list[Json]:
    known, now = {_caller(one) for one in before}, {_caller(one) for one in after}
    again = [one for one in before if _caller(one) not in now]
    return again + [{**one, **ABSENT} for one in after if _caller(one) not in known]


def find_policy(policies: Iterable[Json], wish: PolicyWish) -> Json | None:
    """The policy that the file means: by id if it gives one, else by its exact name; None when there is none.

    Raises NotFound for an id that is not there, Invalid for a name that several policies have.
    """
    if wish.policy_id:
        found = [one for one in policies if str(one.get("id")).lower() == wish.policy_id]
        if not found and not wish.absent:
            raise NotFound(
                f"There is no custom policy with the id {wish.policy_id} in this tenant.",
                hint="Leave the id out to have it made: then it is known by its displayName.",
            )
        return found[0] if found else None
    found = [one for one in policies if one.get("displayName") == wish.display_name]
    if len(found) > 1:
        ids = ", ".join(str(one.get("id")) for one in found)
        raise Invalid(
            f"{len(found)} custom policies are named '{wish.display_name}': {ids}.",
            hint='Name the one that you mean by its id, in the policy file: id = "…"',
        )
    return found[0] if found else None
