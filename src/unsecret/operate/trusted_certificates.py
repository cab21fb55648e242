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
from unsecret.operate.spool import lines_of
from unsecret.wire.binaries import a_key
from unsecret.wire.exports import trusted_configuration_from_export


class _Key(Struct):
    key_id: str | None = field(default=None, name="keyId")
    key: str | None = None


class _Holder(Struct):
    id: str
    keys: list[_Key] = field(default_factory=list, name="keyCredentials")


def trusted_lists(spool: Path) -> list[CertificateBasedApplicationConfiguration]:
    """The configurations among the collections in `spool`. Raises Invalid for one whose authorities cannot be read."""
    lines = lines_of(spool / f"{TRUSTED_LISTS}.ndjson")
    return [trusted_configuration_from_export(msgspec.json.decode(line), facts_of=_no_facts) for line in lines]


def vouched_for(spool: Path, lists: list[CertificateBasedApplicationConfiguration]) -> Iterator[dict[str, Any]]:
    """A line for every certificate that one of `lists` vouches for."""
    from unsecret.trust import TrustedLists

    trusted = TrustedLists(lists)
    decode = msgspec.json.Decoder(_Holder).decode
    for collection in (APPLICATIONS, SERVICE_PRINCIPALS) if lists else ():
        for holder in map(decode, lines_of(spool / f"{collection}.ndjson")):
            for one in holder.keys:
                if names := trusted.vouching_for(_bytes(one.key)):
                    yield {"id": holder.id, "keyId": one.key_id, "trustedBy": sorted(names)}


def _bytes(key: str | None) -> bytes | None:
    try:
        return a_key(key, "key") if key else None
    except Invalid:
        return None


def _no_facts(_der: bytes) -> tuple[str, str]:
    return "", ""
