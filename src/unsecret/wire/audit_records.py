"""Reading `directoryAudit` records: what Graph says was done, by whom, to what, and to which credential.

https://learn.microsoft.com/en-us/graph/api/resources/directoryaudit. `modifiedProperties` hold strings that hold JSON;
of a change of credentials both are complete lists, so what was added and what was removed is their difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from unsecret.wire.instants import parse_instant

_DESCRIPTION = "KeyDescription"
_POLICY = "PolicyDetail"
_PARTS = re.compile(r"KeyIdentifier=(?P<key_id>.*?),KeyType=(?P<type>.*?),KeyUsage=.*?,DisplayName=(?P<name>.*?)\]?$")
_WORDS = {"Password": "secret", "AsymmetricX509Cert": "certificate", "X509CertAndPassword": "certificate"}


class AuditRecord(Struct, frozen=True, kw_only=True):
    """One record. `targets` are (type, id, name); `changes` are sentences about credentials; `policies` are a policy
    before and after, as Graph's JSON, each empty when there was none."""

    id: str
    at: datetime
    activity: str
    category: str
    result: str
    reason: str
    who: str
    who_id: str | None
    targets: tuple[tuple[str, str, str], ...]
    changes: tuple[str, ...]
    policies: tuple[dict[str, Any], dict[str, Any]] | None = None


def audit_record_from_graph(body: Any) -> AuditRecord | None:
    """The record in `body`; None when it has no id or no instant, and so cannot be told from others."""
    if not isinstance(body, dict) or not body.get("id") or not body.get("activityDateTime"):
        return None
    who, who_id = _who(body.get("initiatedBy"))
    targets = [one for one in body.get("targetResources") or () if isinstance(one, dict)]
    return AuditRecord(
        id=str(body["id"]),
        at=parse_instant(body["activityDateTime"]),
        activity=str(body.get("activityDisplayName") or "").strip(),
        category=str(body.get("category") or ""),
        result=str(body.get("result") or ""),
        reason=str(body.get("resultReason") or ""),
        who=who,
        who_id=who_id,
        targets=tuple((str(one.get("type")), str(one.get("id")), str(one.get("displayName") or "")) for one in targets),
        changes=tuple(change for one in targets for change in _changes(one)),
        policies=next((found for one in targets if (found := _policies(one))), None),
    )


def _who(initiated_by: Any) -> tuple[str, str | None]:
    members = initiated_by if isinstance(initiated_by, dict) else {}
    if user := members.get("user"):
        return str(user.get("userPrincipalName") or user.get("displayName") or user.get("id")), user.get("id")
    if app := members.get("app"):
        return str(app.get("displayName") or app.get("appId") or "an application"), app.get("appId")
    return "not said", None


def _changes(target: dict[str, Any]) -> Iterator[str]:
    for change in target.get("modifiedProperties") or ():
        if isinstance(change, dict) and change.get("displayName") == _DESCRIPTION:
            before, after = _keys(change.get("oldValue")), _keys(change.get("newValue"))
            yield from (f"added {after[one]}" for one in after if one not in before)
            yield from (f"removed {before[one]}" for one in before if one not in after)


def _policies(target: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    for change in target.get("modifiedProperties") or ():
        if isinstance(change, dict) and change.get("displayName") == _POLICY:
            return _policy(change.get("oldValue")), _policy(change.get("newValue"))
    return None


def _policy(value: Any) -> dict[str, Any]:
    """A policy is a string in a list in a string."""
    for text in _list_in(value):
        try:
            decoded = msgspec.json.decode(text) if isinstance(text, str) else text
        except msgspec.DecodeError:
            continue
        if isinstance(decoded, dict):
            return decoded
    return {}


def _keys(value: Any) -> dict[str, str]:
    """Key id → the credential in words."""
    found = (_PARTS.search(line) for line in _list_in(value) if isinstance(line, str))
    return {one["key_id"]: _in_words(one) for one in found if one}


def _in_words(found: re.Match[str]) -> str:
    name = f" '{found['name']}'" if found["name"] else ""
    return f"{_WORDS.get(found['type'], found['type'])}{name} ({found['key_id']})"


def _list_in(value: Any) -> list[Any]:
    """The list in a string; none when there is no list in it."""
    try:
        decoded = msgspec.json.decode(value) if isinstance(value, str) else value
    except msgspec.DecodeError:
        return []
    return decoded if isinstance(decoded, list) else []
