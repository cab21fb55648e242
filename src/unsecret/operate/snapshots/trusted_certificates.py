"""Which of the certificates in a snapshot were issued by authorities that the tenant trusts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from unsecret.errors import Invalid
from unsecret.model.policy import CertificateBasedApplicationConfiguration
from unsecret.model.snapshot import APPLICATIONS, SERVICE_PRINCIPALS, TRUSTED_LISTS
from unsecret.operate.snapshots.spool import lines_of
from unsecret.wire.binaries import a_key
from unsecret.wire.exports import trusted_configuration_from_export


class _Key(Struct):
    key_id: str | None = field(default=None, name="keyId")
    type: str | None = None
    key: str | None = None


class _Holder(Struct):
    id: str
    keys: list[_Key] = field(default_factory=list, name="keyCredentials")


def trusted_lists(spool: Path) -> list[CertificateBasedApplicationConfiguration]:
    """The configurations among the collections in `spool`. Raises Invalid for one whose authorities cannot be read."""
    lines = lines_of(spool / f"{TRUSTED_LISTS}.ndjson")
    return [trusted_configuration_from_export(msgspec.json.decode(line), facts_of=_no_facts) for line in lines]


def vouched_for(spool: Path, lists: list[CertificateBasedApplicationConfiguration]) -> Iterator[dict[str, Any]]:
    """A line for every certificate whose bytes are known: which of `lists` vouch for it."""
    from unsecret.trust import TrustedLists

    trusted = TrustedLists(lists)
    decode = msgspec.json.Decoder(_Holder).decode
    for collection in (APPLICATIONS, SERVICE_PRINCIPALS):
        for holder in map(decode, lines_of(spool / f"{collection}.ndjson")):
            for one in holder.keys:
                if one.key is not None and one.type != "Symmetric":
                    vouching = trusted.vouching_for(_bytes(one.key)) if lists else ()
                    yield {"id": holder.id, "keyId": one.key_id, "trustedBy": sorted(vouching)}


def _bytes(key: str) -> bytes | None:
    try:
        return a_key(key, "key")
    except Invalid:
        return None


def _no_facts(_der: bytes) -> tuple[str, str]:
    return "", ""
