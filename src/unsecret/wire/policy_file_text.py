"""Writing policy files: an entry on a line wherever it fits, groups as tables, and comments for people.

The same policies give the same text, down to the byte. Strings are written by tomli_w; the layout is ours, since a
policy with each entry in a table of its own fills pages and reads like none of Microsoft's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from unsecret.errors import UnsecretError
from unsecret.wire.instants import parse_instant
from unsecret.wire.policy_files import (
    CALLER_TYPE,
    CUSTOM,
    DEFAULT,
    LAYOUT,
    TENANT,
    Assignment,
    Json,
    PolicyFile,
    PolicyWish,
)

SCHEMA_FILE = "policy-file.schema.json"
"""The schema's name, beside the file: where an editor looks for it."""

HEAD = (
    "What this file does not mention is left as it is. To take something away, say so: absent = true.",
    "`unsecret plan` shows what would change, `unsecret apply` changes it.",
)
WIDEST = 116
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_INNER = "applicationRestrictions"
_SINCE = "restrictForAppsCreatedAfterDateTime"
_SECTIONS = ("applicationRestrictions", "servicePrincipalRestrictions", "restrictions")
_PLAIN = ("id", "displayName", "description", "isEnabled", "absent")


def policy_file_text(file: PolicyFile, *, comments: Sequence[str] = HEAD) -> str:
    """`file` as TOML, with `comments` at its head."""
    lines = [f"#:schema ./{SCHEMA_FILE}", *map(_comment, comments), f"unsecret = {_value(LAYOUT)}"]
    if file.tenant_id is not None:
        lines.append(f"{TENANT} = {_value(file.tenant_id)}")
    if file.default is not None:
        lines += ["", f"[{DEFAULT}]", *_members(file.default), *_sections((DEFAULT,), file.default)]
    for policy in file.policies:
        lines += ["", *_policy(policy)]
    return "\n".join(lines) + "\n"


def _policy(policy: PolicyWish) -> Iterator[str]:
    yield f"[[{CUSTOM}]]"
    known = {"id": policy.policy_id, "displayName": policy.display_name, "absent": policy.absent or None}
    yield from _members({name: one for name, one in known.items() if one is not None} | policy.wish)
    if policy.applies_to:
        yield "appliesTo = ["
        yield from (f"    {_assignment(one)}" for one in policy.applies_to)
        yield "]"
    yield from _sections((CUSTOM,), policy.wish)


def _assignment(one: Assignment) -> str:
    told: Json = {"app": one.app}
    if one.faces:
        told["on"] = one.faces[0] if len(one.faces) == 1 else list(one.faces)
    if one.absent:
        told["absent"] = True
    return f"{_value(told)},{f'  {_comment(one.name)}' if one.name else ''}"


def _members(wish: Json) -> Iterator[str]:
    for name in _PLAIN:
        if name in wish:
            yield f"{name} = {_value(wish[name])}"


def _sections(path: Sequence[str], wish: Json) -> Iterator[str]:
    for name in _SECTIONS:
        for group, kinds in sorted(wish.get(name, {}).items(), key=_inner_last):
            if group == _INNER:
                for inner, entries in kinds.items():
                    yield from _group((*path, name, group, inner), entries)
            else:
                yield from _group((*path, name, group), kinds)


def _inner_last(item: tuple[str, Any]) -> bool:
    return item[0] == _INNER


def _group(path: Sequence[str], kinds: Json) -> Iterator[str]:
    short = {kind: line for kind, entry in kinds.items() if (line := _on_a_line(kind, entry))}
    width = max((len(_key(kind)) for kind in short), default=0)
    if short or not kinds:
        yield ""
        yield _head(path)
    yield from (f"{_key(kind):{width}} = {line}" for kind, line in short.items())
    for kind, entry in kinds.items():
        if kind not in short:
            yield ""
            yield _head((*path, kind))
            yield from _long(entry)


def _on_a_line(kind: str, entry: Json) -> str | None:
    nested = any(isinstance(one, dict) and one.keys() - {"absent"} for one in entry.values())
    line = _value(entry)
    return None if nested or len(kind) + len(line) > WIDEST else line


def _long(entry: Json, prefix: str = "") -> Iterator[str]:
    for name, value in entry.items():
        key = f"{prefix}{_key(name)}"
        if isinstance(value, dict) and value.keys() - {"absent"}:
            yield from _long(value, f"{key}.")
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            yield f"{key} = ["
            yield from (f"    {_value(_without_type(one))}," for one in value)
            yield "]"
        else:
            yield f"{key} = {_value(value, name)}"


def _without_type(value: Any) -> Any:
    """A caller without what is said for all callers."""
    if isinstance(value, dict) and value.get("@odata.type") == CALLER_TYPE:
        return {name: one for name, one in value.items() if name not in ("@odata.type", "operator")}
    return value


def _head(path: Sequence[str]) -> str:
    return f"[{'.'.join(map(_key, path))}]"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any, name: str = "") -> str:
    """A value on one line."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_value(one, key)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    if name == _SINCE and isinstance(value, str) and (instant := _instant(value)):
        return instant
    return _scalar(value)


def _instant(text: str) -> str | None:
    """An instant as TOML's own; the beginning of a day as that day."""
    try:
        parse_instant(text)
    except UnsecretError:
        return None
    return text.removesuffix("T00:00:00Z")


def _scalar(value: Any) -> str:
    import tomli_w

    return tomli_w.dumps({"it": value}).removeprefix("it = ").rstrip("\n")


def _comment(words: str) -> str:
    """A comment; whatever TOML does not allow in one, or would end it, is replaced."""
    return f"# {''.join(one if one.isprintable() else chr(0xFFFD) for one in words)}"


def in_order(policies: Iterable[PolicyWish]) -> tuple[PolicyWish, ...]:
    """Policies as an export lists them: by name, and those of one name by id."""
    return tuple(sorted(policies, key=lambda one: (str(one.display_name).casefold(), str(one.policy_id))))
