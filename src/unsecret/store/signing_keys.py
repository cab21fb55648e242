"""The keys that sign tokens. They are the whole directory's: every server of it signs with the same ones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, bindparam, delete, select

from unsecret.store.columns import instant, micros
from unsecret.store.schema_records import signing_key
from unsecret.store.statement import Insertion, Statement

_key = signing_key.c
_ADD = Insertion(signing_key)
_LIST = Statement(
    select(_key.kid, _key.created_at, _key.certificate, _key.private_key).order_by(
        _key.created_at.desc(), _key.id.desc()
    )
)
_DELETE = Statement(delete(signing_key).where(_key.kid == bindparam("kid")))


class StoredSigningKey(Struct, frozen=True, kw_only=True):
    """A key as it is kept: its certificate (DER), and its private side (PKCS #8 DER, encrypted or not)."""

    kid: str
    created_at: datetime
    certificate: bytes
    private_key: bytes


def list_signing_keys(conn: Connection) -> tuple[StoredSigningKey, ...]:
    """All of them, newest first."""
    return tuple(
        StoredSigningKey(kid=kid, created_at=instant(created_at), certificate=certificate, private_key=private_key)
        for kid, created_at, certificate, private_key in _LIST.all(conn)
    )


def add_signing_key(conn: Connection, key: StoredSigningKey) -> None:
    """Keeps a key; one that is there already stays as it is."""
    if any(known.kid == key.kid for known in list_signing_keys(conn)):
        return
    _ADD.run(
        conn,
        kid=key.kid,
        created_at=micros(key.created_at),
        certificate=key.certificate,
        private_key=key.private_key,
    )


def delete_signing_keys(conn: Connection, kids: Iterable[str]) -> None:
    """Forgets keys: tokens of theirs are good for nothing from then on."""
    for kid in kids:
        _DELETE.run(conn, kid=kid)
