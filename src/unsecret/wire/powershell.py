"""What PowerShell made of Graph's objects, turned back into Graph's shape.

ConvertTo-Json and the Graph SDK for PowerShell write members in PascalCase, instants as `/Date(milliseconds)/` (Windows
PowerShell, also with the slashes escaped twice), what the SDK has no class for under AdditionalProperties, and a list
of one as that one. Windows PowerShell writes files in UTF-16 with a byte order mark.
https://learn.microsoft.com/en-us/powershell/module/microsoft.powershell.utility/convertto-json
"""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from unsecret.errors import Invalid
from unsecret.wire.instants import format_instant

DEEPEST = 32
"""Levels of nesting; Graph's objects have less than ten."""

_DATE = re.compile(r"\\?/Date\((-?\d{1,15})(?:[+-]\d{4})?\)\\?/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_REST = "AdditionalProperties"

_LISTS = frozenset(
    (
        *("passwordCredentials", "keyCredentials", "identifierUris", "tags", "redirectUris", "owners", "audiences"),
        *("federatedIdentityCredentials", "appRoles", "appRoleAssignments", "appManagementPolicies", "appliesTo"),
        *("requiredResourceAccess", "resourceAccess", "verifiedDomains", "servicePrincipalNames", "allowedValues"),
        *("oauth2PermissionScopes", "trustedCertificateAuthorities", "replyUrls"),
    )
)
"""Members that are lists in Graph, however many there are."""


def utf8(content: bytes) -> bytes:
    """The content of a text file as UTF-8, without a byte order mark. Raises Invalid."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content[len(mark) :].decode(encoding).encode()
            except UnicodeError:
                raise Invalid(f"It begins as {encoding.upper()} and is not.") from None
    return content


def is_from_powershell(value: Any) -> bool:
    """Whether an object's members are written as PowerShell does."""
    return isinstance(value, dict) and "id" not in value and any(name[:1].isupper() for name in value)


def as_graph(value: Any, *, depth: int = 0) -> Any:
    """The value as Graph would have shown it. Raises Invalid for one that is nested too deep."""
    if depth > DEEPEST:
        raise Invalid("It is nested deeper than anything that Graph shows.")
    if isinstance(value, list):
        return [as_graph(one, depth=depth + 1) for one in value]
    if isinstance(value, str):
        return _instant(value)
    if not isinstance(value, dict):
        return value
    rest = value.get(_REST)
    members = (rest if isinstance(rest, dict) else {}) | {name: one for name, one in value.items() if name != _REST}
    return dict(_member(name, as_graph(one, depth=depth + 1)) for name, one in members.items())


def _member(name: str, value: Any) -> tuple[str, Any]:
    spelt = name[:1].lower() + name[1:]
    if spelt not in _LISTS or isinstance(value, list):
        return spelt, value
    return spelt, [] if value is None else [value]


def _instant(text: str) -> str:
    found = _DATE.fullmatch(text)
    if found is None:
        return text
    try:
        return format_instant(_EPOCH + timedelta(milliseconds=int(found[1])))
    except OverflowError:
        raise Invalid(f"'{text}' is no instant.") from None
