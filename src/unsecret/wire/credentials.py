"""Secrets and keys on the wire.

https://learn.microsoft.com/en-us/graph/api/resources/passwordcredential
https://learn.microsoft.com/en-us/graph/api/resources/keycredential

Requests are only read here: what an entry with a known keyId and no key means ("keep it"), and which dates
a new one gets, is the use case's affair. Secret texts and key bytes never show in a repr or in an error.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime
from typing import Any

from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.application import KeyCredential, KeyType, KeyUsage, PasswordCredential
from unsecret.model.identifiers import KeyId
from unsecret.wire.binaries import a_binary, a_key
from unsecret.wire.expect import a_list, an_object, join, refuse
from unsecret.wire.instants import format_instant, parse_instant
from unsecret.wire.shapes import Shape, guid, object_schema, schema_of, take, text, unfit, word

LONGEST_COLLECTION = 500
"""Entries in one request. How many an object may hold altogether is the use case's affair."""

USE_ACTIONS = "New password credentials must be generated using service actions."
"""Graph's words (https://github.com/ansible-collections/azure/issues/1372)."""

_LONGEST_SECRET = 1024
_HEX_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}")
_SHA1_BYTES = 20

_KEY_ID = guid()
_DISPLAY_NAME = text(most=256)
_SECRET_TEXT = text(least=1, most=_LONGEST_SECRET)
_TYPE = word(*KeyType)
_USAGE = word(*KeyUsage)

_KEY_MEMBERS = (
    "keyId",
    "type",
    "usage",
    "key",
    "displayName",
    "startDateTime",
    "endDateTime",
    "customKeyIdentifier",
)
_PASSWORD_MEMBERS = ("keyId", "displayName", "startDateTime", "endDateTime", "secretText")
_MADE_BY_THE_SERVICE = ("hint", "customKeyIdentifier")
"""Members of a passwordCredential that no client chooses."""

INSTANT_SCHEMA = {"type": ["string", "null"], "format": "date-time"}
_TERM = {"startDateTime": INSTANT_SCHEMA, "endDateTime": INSTANT_SCHEMA}
PASSWORD_SCHEMA = object_schema(
    {
        "keyId": schema_of(_KEY_ID),
        "displayName": schema_of(_DISPLAY_NAME),
        **_TERM,
        "secretText": schema_of(_SECRET_TEXT),
    }
    | {name: {"type": "null"} for name in _MADE_BY_THE_SERVICE}
)
KEY_SCHEMA = object_schema(
    {
        "keyId": schema_of(_KEY_ID),
        "type": schema_of(_TYPE),
        "usage": schema_of(_USAGE),
        "key": {"type": ["string", "null"], "contentEncoding": "base64"},
        "displayName": schema_of(_DISPLAY_NAME),
        **_TERM,
        "customKeyIdentifier": {"type": ["string", "null"]},
    }
)


class KeyEntry(Struct, frozen=True, kw_only=True):
    """One element of `keyCredentials` as sent; a member that is null says as little as one that is missing. `key` is
    what the base64 stood for (DER when it was PEM text)."""

    key_id: KeyId | None = None
    type: KeyType | None = None
    usage: KeyUsage | None = None
    key: bytes | None = None
    display_name: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    custom_key_identifier: str | None = None

    def __repr__(self) -> str:
        """Without the key: a symmetric one is a secret."""
        return f"KeyEntry(key_id={self.key_id!r}, type={self.type!r}, usage={self.usage!r})"


class PasswordRequest(Struct, frozen=True, kw_only=True):
    """A secret as asked for. `secret_text` is there when the client chose the text itself. Its keyId it may choose:
    Azure PowerShell does, and Graph is recorded to keep it."""

    key_id: KeyId | None = None
    display_name: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    secret_text: str | None = None

    def __repr__(self) -> str:
        """Without the secret."""
        return f"PasswordRequest(start_at={self.start_at!r}, end_at={self.end_at!r})"


def password_to_graph(credential: PasswordCredential, *, secret_text: str | None = None) -> dict[str, Any]:
    """A passwordCredential. `secret_text` is given once, in the answer to the request that made it."""
    return {
        "customKeyIdentifier": None,
        "displayName": credential.display_name,
        "endDateTime": format_instant(credential.end_at),
        "hint": credential.hint,
        "keyId": credential.key_id,
        "secretText": secret_text,
        "startDateTime": format_instant(credential.start_at),
    }


def key_to_graph(credential: KeyCredential, *, with_key: bool) -> dict[str, Any]:
    """A keyCredential. Graph shows `key` only to `$select=keyCredentials`; it is padded standard base64,
    because the SDKs decode it strictly."""
    return {
        "customKeyIdentifier": credential.custom_key_identifier,
        "displayName": credential.display_name,
        "endDateTime": format_instant(credential.end_at),
        "key": b64encode(credential.key).decode("ascii") if with_key and credential.key else None,
        "keyId": credential.key_id,
        "startDateTime": format_instant(credential.start_at),
        "type": credential.type.value,
        "usage": credential.usage.value,
    }


def add_password_from_graph(body: Any) -> PasswordRequest:
    """The body of addPassword: nothing, `{}`, or a `passwordCredential` that may be null. Raises Invalid."""
    credential = parameters(body, "addPassword", "passwordCredential").get("passwordCredential")
    return PasswordRequest() if credential is None else password_from_graph(credential, "passwordCredential")


def remove_password_from_graph(body: Any) -> KeyId:
    """The body of removePassword: `{"keyId": …}`. Raises Invalid."""
    return key_id_in(parameters(body, "removePassword", "keyId"))


def key_id_in(members: dict[str, Any]) -> KeyId:
    """The `keyId` of the credential to remove. Raises Invalid."""
    if members.get("keyId") is None:
        raise refuse("Property 'keyId' is required: the keyId of the credential to remove.", "keyId")
    return KeyId(take(_KEY_ID, members["keyId"], "keyId"))


def passwords_from_graph(value: Any, where: str, _current: Any = None) -> tuple[PasswordRequest, ...]:
    """`passwordCredentials` of a new object. Raises Invalid."""
    return tuple(password_from_graph(item, f"{where}[{index}]") for index, item in enumerate(_entries(value, where)))


def keys_from_graph(value: Any, where: str, _current: Any = None) -> tuple[KeyEntry, ...]:
    """`keyCredentials`, new and echoed ones side by side. Raises Invalid."""
    return tuple(key_from_graph(item, f"{where}[{index}]") for index, item in enumerate(_entries(value, where)))


KEYS = Shape(keys_from_graph, [], schema={"type": "array", "items": KEY_SCHEMA, "maxItems": LONGEST_COLLECTION})
PASSWORDS = Shape(
    passwords_from_graph, [], schema={"type": "array", "items": PASSWORD_SCHEMA, "maxItems": LONGEST_COLLECTION}
)


def _entries(value: Any, where: str) -> list[Any]:
    items = a_list(value, where)
    if len(items) > LONGEST_COLLECTION:
        raise unfit(f"at most {LONGEST_COLLECTION} elements", where)
    return items


def parameters(body: Any, action: str, *known: str) -> dict[str, Any]:
    """The parameters of an action. https://learn.microsoft.com/en-us/graph/api/application-addpassword"""
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise Invalid(f"The body of {action} must be a JSON object.")
    for name in body:
        if name not in known and "@" not in name:
            raise refuse(
                f"The parameter '{name[:64]}' in the request payload is not a valid parameter for the operation "
                f"'{action}'. Expected {', '.join(map(repr, known))}.",
                name[:64],
            )
    return body


def password_from_graph(value: Any, where: str) -> PasswordRequest:
    """One passwordCredential. Raises Invalid."""
    members = an_object(value, where, (*_PASSWORD_MEMBERS, *_MADE_BY_THE_SERVICE))
    for name in _MADE_BY_THE_SERVICE:
        if members.get(name) is not None:
            path = join(where, name)
            raise refuse(f"Property '{path}' is made by the service. Leave it out.", path)
    return PasswordRequest(
        key_id=take(_KEY_ID, members.get("keyId"), join(where, "keyId")),
        display_name=take(_DISPLAY_NAME, members.get("displayName"), join(where, "displayName")),
        start_at=_instant(members.get("startDateTime"), join(where, "startDateTime")),
        end_at=_instant(members.get("endDateTime"), join(where, "endDateTime")),
        secret_text=take(_SECRET_TEXT, members.get("secretText"), join(where, "secretText")),
    )


def key_from_graph(value: Any, where: str) -> KeyEntry:
    """One keyCredential. Raises Invalid."""
    members = an_object(value, where, _KEY_MEMBERS)
    kind = take(_TYPE, members.get("type"), join(where, "type"))
    usage = take(_USAGE, members.get("usage"), join(where, "usage"))
    return KeyEntry(
        key_id=take(_KEY_ID, members.get("keyId"), join(where, "keyId")),
        type=KeyType(kind) if kind else None,
        usage=KeyUsage(usage) if usage else None,
        key=None if members.get("key") is None else a_key(members["key"], join(where, "key")),
        display_name=take(_DISPLAY_NAME, members.get("displayName"), join(where, "displayName")),
        start_at=_instant(members.get("startDateTime"), join(where, "startDateTime")),
        end_at=_instant(members.get("endDateTime"), join(where, "endDateTime")),
        custom_key_identifier=identifier_from_graph(
            members.get("customKeyIdentifier"), join(where, "customKeyIdentifier")
        ),
    )


def _instant(value: Any, where: str) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_instant(value)
    except Invalid:  # without repeating the value: a secret may have been put in the wrong member
        raise unfit("an instant such as 2026-01-31T10:00:00Z", where) from None


def identifier_from_graph(value: Any, where: str) -> str | None:
    """`customKeyIdentifier`: a thumbprint as 40 hexadecimal digits or as base64 of its 20 bytes is kept as
    upper-case hexadecimal, which is what Graph shows. Any other base64 is kept as it is."""
    if value is None:
        return None
    if isinstance(value, str) and _HEX_THUMBPRINT.fullmatch(value):
        return value.upper()
    content = a_binary(value, where)
    return content.hex().upper() if len(content) == _SHA1_BYTES else b64encode(content).decode("ascii")
