"""addKey, removeKey and addTokenSigningCertificate on the wire.

https://learn.microsoft.com/en-us/graph/api/application-addkey
https://learn.microsoft.com/en-us/graph/api/application-removekey
https://learn.microsoft.com/en-us/graph/api/serviceprincipal-addtokensigningcertificate
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.application import KeyCredential
from unsecret.model.identifiers import KeyId
from unsecret.wire.credentials import (
    KEY_SCHEMA,
    PASSWORD_SCHEMA,
    KeyEntry,
    PasswordRequest,
    key_from_graph,
    key_id_in,
    key_to_graph,
    parameters,
    password_from_graph,
)
from unsecret.wire.expect import refuse
from unsecret.wire.instants import parse_instant
from unsecret.wire.shapes import take, text

LONGEST_PROOF = 8 * 1024

_CN = "CN="
_LONGEST_COMMON_NAME = 64
"""Of X.509 (RFC 5280, upper bounds)."""

_PROOF = text(least=1, most=LONGEST_PROOF)
_SUBJECT = text(least=len(_CN) + 1, most=len(_CN) + _LONGEST_COMMON_NAME)

ADD_KEY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "keyCredential": KEY_SCHEMA,
        "passwordCredential": {"anyOf": [PASSWORD_SCHEMA, {"type": "null"}]},
        "proof": {"type": "string"},
    },
    "required": ["keyCredential", "proof"],
}
REMOVE_KEY: dict[str, Any] = {
    "type": "object",
    "properties": {"keyId": {"type": "string", "format": "uuid"}, "proof": {"type": "string"}},
    "required": ["keyId", "proof"],
}
ADD_TOKEN_SIGNING_CERTIFICATE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "displayName": {"type": "string", "pattern": "^CN=."},
        "endDateTime": {"type": ["string", "null"], "format": "date-time"},
    },
    "required": ["displayName"],
}


class AddKey(Struct, frozen=True, kw_only=True):
    """A key to add, and the proof. `password` opens the file of a certificate that signs."""

    key: KeyEntry
    password: PasswordRequest | None
    proof: str

    def __repr__(self) -> str:
        """Without the proof, which is good for some minutes."""
        return f"AddKey(key={self.key!r})"


class RemoveKey(Struct, frozen=True, kw_only=True):
    """A key to remove, and the proof."""

    key_id: KeyId
    proof: str

    def __repr__(self) -> str:
        """Without the proof."""
        return f"RemoveKey(key_id={self.key_id!r})"


class TokenSigningRequest(Struct, frozen=True, kw_only=True):
    """A certificate to make: the common name of its subject, and when it ends."""

    common_name: str
    end_at: datetime | None = None


def add_key_from_graph(body: Any) -> AddKey:
    """The body of addKey. Raises Invalid."""
    members = parameters(body, "addKey", "keyCredential", "passwordCredential", "proof")
    if members.get("keyCredential") is None:
        raise refuse("Property 'keyCredential' is required.", "keyCredential")
    password = members.get("passwordCredential")
    return AddKey(
        key=key_from_graph(members["keyCredential"], "keyCredential"),
        password=None if password is None else password_from_graph(password, "passwordCredential"),
        proof=_proof(members),
    )


def remove_key_from_graph(body: Any) -> RemoveKey:
    """The body of removeKey. Raises Invalid."""
    members = parameters(body, "removeKey", "keyId", "proof")
    return RemoveKey(key_id=key_id_in(members), proof=_proof(members))


def token_signing_from_graph(body: Any) -> TokenSigningRequest:
    """The body of addTokenSigningCertificate. Raises Invalid."""
    members = parameters(body, "addTokenSigningCertificate", "displayName", "endDateTime")
    name = take(_SUBJECT, members.get("displayName"), "displayName") or ""
    if not name.startswith(_CN):
        raise refuse("Property 'displayName' is required and begins with CN=.", "displayName")
    try:
        end_at = None if members.get("endDateTime") is None else parse_instant(members["endDateTime"])
    except Invalid as unreadable:
        raise refuse(unreadable.message, "endDateTime") from None
    return TokenSigningRequest(common_name=name.removeprefix(_CN), end_at=end_at)


def self_signed_certificate_to_graph(certificate: KeyCredential) -> dict[str, Any]:
    """A selfSignedCertificate: the public half of what was made."""
    shown = key_to_graph(certificate, with_key=True)
    return shown | {"thumbprint": certificate.custom_key_identifier}


def _proof(members: dict[str, Any]) -> str:
    proof = take(_PROOF, members.get("proof"), "proof")
    if proof is None:
        raise refuse("Property 'proof' is required: a token signed with a key that the object has.", "proof")
    return proof
