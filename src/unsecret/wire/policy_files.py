"""Policy files: app management policies as an administrator writes them down, in TOML.

The words are Graph's, the shape is the policies' own; only `restrictionType` has become the name of its entry. A file
speaks of what it mentions and of nothing else. To take something away it says so, with `absent = true`: of a policy,
an assignment, an entry, a member of an entry, an exempted caller. docs/reference/policy-file.md describes the file.

What is read here is a *wish*: JSON like Graph's, with entries by their kind. `policy_wishes` merges it over a policy.
A word that nobody knows is passed on, since Microsoft may have added it; one that is nearly known is a slip, and
refused: a misspelt restriction that were ignored would leave the organisation less protected than it believes.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from unsecret.model.identifiers import canonical_guid
from unsecret.model.policy import CREDENTIAL_GROUPS, GROUP_OF, LIFETIME_KINDS, RestrictionGroup, RestrictionKind
from unsecret.wire import expect
from unsecret.wire.instants import format_duration, format_instant, parse_instant
from unsecret.wire.lenient_durations import parse_any_duration
from unsecret.wire.redirect_uri_lists import PLATFORMS, lists_of
from unsecret.wire.restrictions import MEMBERS
from unsecret.wire.toml_text import read_toml

Json = dict[str, Any]

LAYOUT = "policy/1"
"""Says how the file is laid out. Software that reads another layout refuses it."""

DEFAULT, CUSTOM = "defaultAppManagementPolicy", "appManagementPolicies"
TENANT = "tenantId"
FACES = ("application", "servicePrincipal")
"""The two objects that an application may have in a tenant, and that a policy can be linked to."""

ABSENT = {"absent": True}
STATES = ("enabled", "disabled")
CALLER_TYPE = "#microsoft.graph.customSecurityAttributeStringValueExemption"

_GROUPS = tuple(str(group) for group in RestrictionGroup)
_OF_CREDENTIALS = tuple(group for group in _GROUPS if RestrictionGroup(group) in CREDENTIAL_GROUPS)
_OF_APPLICATIONS = tuple(group for group in _GROUPS if group not in _OF_CREDENTIALS)
SECTIONS = {"applicationRestrictions": _GROUPS, "servicePrincipalRestrictions": _OF_CREDENTIALS}
"""The sections of the tenant default and the groups that can stand in each."""

_COMPUTED = "isStateSetByMicrosoft"
_GROUP_OF_WORD = {str(kind): str(group) for kind, group in GROUP_OF.items()}
_LARGEST = 2**63 - 1
_ALIKE = 0.85
"""From here on two words are taken for the same one with a slip; `difflib` counts from 0 to 1."""


class Assignment(Struct, frozen=True, kw_only=True):
    """An application that a custom policy is to bind, or with `absent` not to: its appId, object id or display name.
    `faces` are those meant, all that it has when empty. `name` is what it is called, for a comment."""

    app: str
    faces: tuple[str, ...] = ()
    absent: bool = False
    name: str = ""


class PolicyWish(Struct, frozen=True, kw_only=True):
    """What a file says of one custom policy, which is known by its id, else by its name. `wish` is what it shall say;
    a `displayName` in it, next to an id, renames the policy."""

    policy_id: str | None = None
    display_name: str | None = None
    absent: bool = False
    wish: Json = {}
    applies_to: tuple[Assignment, ...] = ()

    @property
    def words(self) -> str:
        """How to speak of it."""
        return f"custom policy '{self.display_name}'" if self.display_name else f"custom policy {self.policy_id}"


class PolicyFile(Struct, frozen=True, kw_only=True):
    """What a file says. `default` is the wish for the tenant default, None when it is not mentioned; `tenant_id` is
    the only tenant that the file is for, None when it may be used on any."""

    default: Json | None = None
    policies: tuple[PolicyWish, ...] = ()
    tenant_id: str | None = None


def read_policy_file(text: str) -> PolicyFile:
    """The policy file `text`. Raises Invalid, naming the line or the word at fault."""
    content = read_toml(text, "The policy file")
    _only(content, ("unsecret", TENANT, DEFAULT, CUSTOM), "")
    if content.get("unsecret", LAYOUT) != LAYOUT:
        raise expect.refuse(
            f"The file is laid out as '{content['unsecret']}'; this software reads '{LAYOUT}'.", "unsecret"
        )
    tenant_id = expect.a_guid(content[TENANT], TENANT) if TENANT in content else None
    default = _default(content[DEFAULT]) if DEFAULT in content else None
    listed = expect.a_list(content.get(CUSTOM, []), CUSTOM)
    policies = tuple(_policy(one, f"{CUSTOM}[{index}]") for index, one in enumerate(listed))
    _require_each_once(policies)
    return PolicyFile(default=default, policies=policies, tenant_id=tenant_id)


def _default(value: Any) -> Json:
    table = _table(value, DEFAULT)
    _only(table, ("displayName", "description", "isEnabled", *SECTIONS), DEFAULT)
    wish = _texts_and_switch(table, DEFAULT)
    for section, groups in SECTIONS.items():
        if section in table:
            where = expect.join(DEFAULT, section)
            wish[section] = _groups(_table(table[section], where), groups, where)
    return wish


def _policy(value: Any, where: str) -> PolicyWish:
    table = _table(value, where)
    _only(table, ("id", "displayName", "description", "isEnabled", "restrictions", "appliesTo", "absent"), where)
    policy_id = expect.a_guid(table["id"], expect.join(where, "id")) if "id" in table else None
    name = table.get("displayName")
    if name is None and policy_id is None:
        raise expect.refuse(f"'{where}' needs a displayName or an id, to tell which policy it is.", where)
    if name is not None:
        (expect.a_name if policy_id else expect.a_text)(name, expect.join(where, "displayName"))
    absent = _absent(table, where)
    if absent and table.keys() - {"id", "displayName", "absent"}:
        raise expect.refuse(f"'{where}' is absent; nothing else can be said of it.", where)
    wish = _texts_and_switch({n: one for n, one in table.items() if n != "displayName" or policy_id}, where)
    if "restrictions" in table:
        wish["restrictions"] = _custom_restrictions(table["restrictions"], expect.join(where, "restrictions"))
    listed = expect.a_list(table.get("appliesTo", []), expect.join(where, "appliesTo"))
    return PolicyWish(
        policy_id=policy_id,
        display_name=name,
        absent=absent,
        wish={} if absent else wish,
        applies_to=tuple(_assignment(one, f"{where}.appliesTo[{index}]") for index, one in enumerate(listed)),
    )


def _require_each_once(policies: Collection[PolicyWish]) -> None:
    known: set[str] = set()
    for one in policies:
        for key in {one.policy_id or one.display_name}:
            if key in known:
                raise expect.refuse(f"The file speaks of policy '{key}' more than once; say it in one place.", CUSTOM)
            known.add(str(key))


def _texts_and_switch(table: Json, where: str) -> Json:
    texts = ("displayName", "description")
    wish: Json = {name: expect.a_name(table[name], expect.join(where, name)) for name in texts if name in table}
    if "isEnabled" in table:
        wish["isEnabled"] = expect.a_bool(table["isEnabled"], expect.join(where, "isEnabled"))
    return wish


def _custom_restrictions(value: Any, where: str) -> Json:
    """`restrictions` of a custom policy, where what binds only applications is one level down."""
    table = _table(value, where)
    inner = "applicationRestrictions"
    slipped = [name for name in table if name in _OF_APPLICATIONS]
    if slipped:
        raise expect.refuse(f"'{slipped[0]}' of a custom policy stands in '{where}.{inner}'.", where)
    wish = _groups({n: one for n, one in table.items() if n != inner}, (*_OF_CREDENTIALS, inner), where)
    if inner in table:
        path = expect.join(where, inner)
        wish[inner] = _groups(_table(table[inner], path), _OF_APPLICATIONS, path)
    return wish


def _groups(table: Json, known: Collection[str], where: str) -> Json:
    wish = {}
    for group, value in table.items():
        path = expect.join(where, group)
        _no_slip(group, known, path)
        kinds = [kind for kind, of in _GROUP_OF_WORD.items() if of == group]
        wish[group] = {
            kind: _entry(entry, kind, group, kinds, expect.join(path, kind))
            for kind, entry in _table(value, path).items()
        }
    return wish


def _entry(value: Any, kind: str, group: str, kinds: Collection[str], where: str) -> Json:
    if (place := _GROUP_OF_WORD.get(kind, group)) != group:
        raise expect.refuse(f"'{kind}' stands in '{place}', not in '{group}'.", where)
    _no_slip(kind, kinds, where)
    table = _table(value, where)
    if _absent(table, where):
        if len(table) > 1:
            raise expect.refuse(f"'{where}' is absent; nothing else can be said of it.", where)
        return dict(ABSENT)
    return {name: _member(name, one, kind, expect.join(where, name)) for name, one in table.items() if name != "absent"}


def _member(name: str, value: Any, kind: str, where: str) -> Any:
    if name in ("restrictionType", _COMPUTED):
        why = "the name of the entry says it" if name == "restrictionType" else "Microsoft alone says it"
        raise expect.refuse(f"'{where}' cannot be written: {why}.", where)
    if kind in _GROUP_OF_WORD:
        _no_slip(name, MEMBERS[RestrictionKind(kind)], where)
    if name == "maxLifetime" and kind in _GROUP_OF_WORD and RestrictionKind(kind) not in LIFETIME_KINDS:
        limits = ", ".join(sorted(LIFETIME_KINDS))
        raise expect.refuse(f"Graph would drop '{where}' without a word; a lifetime goes with {limits}.", where)
    if value == ABSENT and name != "state":
        return dict(ABSENT)
    read = _READERS.get(name) or (_redirect_uri_reader(name, kind) if kind in _GROUP_OF_WORD else _json)
    return read(value, where)


def _state(value: Any, where: str) -> str:
    if value not in STATES:
        raise expect.refuse(f"'{where}' must be one of {', '.join(STATES)}.", where)
    return value


def _lifetime(value: Any, where: str) -> str:
    duration = parse_any_duration(value, target=where)
    if not duration:
        raise expect.refuse(f"'{where}' must be longer than zero; to forbid secrets, enable passwordAddition.", where)
    return format_duration(duration)


def _instant(value: Any, where: str) -> str:
    """A TOML date or instant, or either as text. What has no zone is UTC; a day begins at midnight."""
    text = value.isoformat() if isinstance(value, date) else value
    if isinstance(text, str) and len(text) == len("2026-01-31"):
        text += "T00:00:00Z"
    return format_instant(parse_instant(text, target=where))


def _actors(value: Any, where: str) -> Json:
    table = _table(value, where)
    attributes = "customSecurityAttributes"
    for name in table:
        _no_slip(name, (attributes,), expect.join(where, name))
    wish = {name: _json(one, expect.join(where, name)) for name, one in table.items() if name != attributes}
    if attributes in table:
        path = expect.join(where, attributes)
        listed = expect.a_list(table[attributes], path)
        wish[attributes] = [_caller(one, f"{path}[{index}]") for index, one in enumerate(listed)]
    return wish


def _caller(value: Any, where: str) -> Json:
    """One exempted caller; `operator` and the type are said for the reader, since there is but one of each."""
    table = _table(value, where)
    absent = _absent(table, where)
    if table.get("@odata.type", CALLER_TYPE).removeprefix("#") != CALLER_TYPE.removeprefix("#"):
        return _json(table, where)
    for name in table:
        _no_slip(name, ("@odata.type", "id", "operator", "value", "absent"), expect.join(where, name))
    attribute = expect.a_text(table.get("id"), expect.join(where, "id"))
    if not all(attribute.partition("_")):
        raise expect.refuse(f"'{where}.id' must be <AttributeSet>_<AttributeName>, found '{attribute[:64]}'.", where)
    told = {n: one for n, one in _json(table, where).items() if n != "absent"}
    if "value" in table:
        expect.a_string(table["value"], expect.join(where, "value"))
    wish = {"@odata.type": CALLER_TYPE, "operator": "equals", **told}
    return {**wish, **ABSENT} if absent else wish


def _guids(value: Any, where: str) -> list[str]:
    return [expect.a_guid(one, f"{where}[{index}]") for index, one in enumerate(expect.a_list(value, where))]


def _strings(value: Any, where: str) -> list[str]:
    return list(expect.strings(value, where))


def _redirect_uri_reader(name: str, kind: str) -> Any:
    lists = lists_of(RestrictionKind(kind))
    if name in PLATFORMS or name == "excludeFormats":
        return lambda value, where: _inner_lists(value, lists, where)
    return _strings if name in lists else _json


def _inner_lists(value: Any, lists: Collection[str], where: str) -> Json:
    table = _table(value, where)
    wish = {}
    for name, one in table.items():
        path = expect.join(where, name)
        _no_slip(name, lists, path)
        flag = name == "excludeWildcardsInPath"
        wish[name] = dict(ABSENT) if one == ABSENT else (expect.a_bool if flag else _strings)(one, path)
    return wish


_READERS = {
    "state": _state,
    "maxLifetime": _lifetime,
    "restrictForAppsCreatedAfterDateTime": _instant,
    "excludeActors": _actors,
    "excludeAppsReceivingV2Tokens": expect.a_bool,
    "excludeSaml": expect.a_bool,
    "certificateBasedApplicationConfigurationIds": _guids,
}


def _assignment(value: Any, where: str) -> Assignment:
    table = _table(value, where)
    _only(table, ("app", "on", "absent"), where)
    app = expect.a_text(table.get("app"), expect.join(where, "app"))
    given = table.get("on", [])
    faces = [given] if isinstance(given, str) else expect.a_list(given, expect.join(where, "on"))
    if any(face not in FACES for face in faces) or ("on" in table and not faces):
        raise expect.refuse(f"'{where}.on' must be one of {', '.join(FACES)}, or both in a list.", where)
    ordered = tuple(face for face in FACES if face in faces)
    return Assignment(app=canonical_guid(app) or app, faces=ordered, absent=_absent(table, where))


def _table(value: Any, where: str) -> Json:
    if not isinstance(value, dict):
        raise expect.refuse(f"'{where}' must be a table, such as {{ state = \"enabled\" }}.", where)
    return value


def _absent(table: Json, where: str) -> bool:
    if table.get("absent", True) is not True:
        raise expect.refuse(f"'{where}.absent' can only be true; leave it out otherwise.", where)
    return "absent" in table


def _only(table: Json, known: Collection[str], where: str) -> None:
    """Words of this file's own shape, which Microsoft does not add to."""
    for name in table:
        _no_slip(name, known, expect.join(where, name))
        if name not in known:
            raise expect.refuse(
                f"'{expect.join(where, name)}' is not known here; expected one of {', '.join(known)}.", name
            )


def _no_slip(word: str, known: Collection[str], where: str) -> None:
    if word in known:
        return
    folded = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=_ALIKE)
    if close:
        raise expect.refuse(f"'{where}' is not known. Did you mean {folded[close[0]]}?", where)


def _json(value: Any, where: str) -> Any:
    """A TOML value as JSON; a day or an instant becomes text."""
    if isinstance(value, dict):
        return {name: _json(one, expect.join(where, name)) for name, one in value.items()}
    if isinstance(value, list):
        return [_json(one, where) for one in value]
    if isinstance(value, datetime):
        return format_instant(value) if value.tzinfo else f"{value.isoformat()}Z"
    if isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:  # nan is neither
        raise expect.refuse(f"'{where}' is no number that JSON can carry.", where)
    return value if isinstance(value, str | int | float | bool) else str(value)
