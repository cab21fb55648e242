"""What applications and service principals prove themselves with.

Of a client secret only a salted digest is kept, and of a symmetric key nothing. The two kinds of object keep separate
credentials; either kind authenticates the application.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy import Connection, Executable, bindparam, delete, exists, insert, select, update

from unsecret.errors import Conflict
from unsecret.model.application import DirectoryObject, KeyCredential, KeyType, KeyUsage, ObjectKind, PasswordCredential
from unsecret.model.identifiers import AppId, KeyId, ObjectId, TenantId
from unsecret.store.columns import folded_or_none, guid, guid_text, instant, micros
from unsecret.store.live_objects import LIVE, LIVE_ROW, require_row
from unsecret.store.schema import APPLICATION, directory_object, key_credential, password_credential
from unsecret.store.statement import Insertion, Statement

C = TypeVar("C", PasswordCredential, KeyCredential)


class StoredPassword(Struct, frozen=True, kw_only=True):
    """A secret that an application can sign in with. `digest` is the salted digest of its text."""

    object_id: ObjectId
    kind: ObjectKind
    credential: PasswordCredential
    digest: bytes


class StoredKey(Struct, frozen=True, kw_only=True):
    """A key that an application can sign in with."""

    object_id: ObjectId
    kind: ObjectKind
    credential: KeyCredential


_object, _password, _key = directory_object.c, password_credential.c, key_credential.c

_PASSWORD_COLUMNS = (_password.key_id, _password.start_at, _password.end_at, _password.display_name, _password.hint)
_KEY_COLUMNS = (
    _key.key_id,
    _key.type,
    _key.usage,
    _key.start_at,
    _key.end_at,
    _key.display_name,
    _key.custom_key_identifier,
    _key.key,
    _key.thumbprint_sha1,
    _key.thumbprint_sha256,
)
HAS_PASSWORDS = exists().where(_password.object_row == _object.id).label("has_passwords")
HAS_KEYS = exists().where(_key.object_row == _object.id).label("has_keys")
"""For statements that find one object: most have no key, and many no secret, and need not be asked for them."""

_OF_THE_APP = (LIVE, _object.app_id == bindparam("app_id"))

_ADD_PASSWORD = Statement(
    insert(password_credential).from_select(
        ["tenant_id", "object_row", "key_id", "start_at", "end_at", "display_name", "hint", "digest"],
        select(
            _object.tenant_id,
            _object.id,
            *(bindparam(name) for name in ("key_id", "start_at", "end_at", "display_name", "hint", "digest")),
        ).where(LIVE, _object.object_id == bindparam("object_id")),
    ),
    ending=" ON CONFLICT (object_row, key_id) DO NOTHING",  # in two thirds of the time that a look before takes
)
_INSERT_PASSWORD = Insertion(password_credential)
_REMOVE_PASSWORD = Statement(
    delete(password_credential).where(_password.object_row == LIVE_ROW, _password.key_id == bindparam("key_id"))
)
_PASSWORDS_OF = Statement(
    select(*_PASSWORD_COLUMNS).where(_password.object_row == bindparam("object_row")).order_by(_password.id)
)
_PASSWORD_DIGESTS = Statement(
    select(_object.object_id, _object.kind, _password.digest, *_PASSWORD_COLUMNS)
    .join(password_credential, _password.object_row == _object.id)
    .where(*_OF_THE_APP, _password.digest.is_not(None))
    .order_by(_password.id)
)

_INSERT_KEY = Insertion(key_credential)
_REMOVE_KEY = Statement(
    delete(key_credential).where(_key.object_row == bindparam("object_row"), _key.key_id == bindparam("key_id"))
)
_KEPT_OF_A_KEY = (
    "type",
    "usage",
    "start_at",
    "end_at",
    "display_name",
    "custom_key_identifier",
    "folded_custom_key_identifier",
    "key",
    "thumbprint_sha1",
    "thumbprint_sha256",
)
_UPDATE_KEY = Statement(
    update(key_credential)
    .values({name: bindparam(name) for name in _KEPT_OF_A_KEY})
    .where(_key.object_row == bindparam("of_row"), _key.key_id == bindparam("with_key_id"))
)
_KEYS_OF = Statement(select(*_KEY_COLUMNS).where(_key.object_row == bindparam("object_row")).order_by(_key.id))
_KEYS_OF_APP = Statement(
    select(_object.object_id, _object.kind, *_KEY_COLUMNS)
    .join(key_credential, _key.object_row == _object.id)
    .where(*_OF_THE_APP)
    .order_by(_key.id)
)


def add_password(
    conn: Connection, tenant_id: TenantId, object_id: ObjectId, credential: PasswordCredential, digest: bytes | None
) -> None:
    """A secret without a digest is listed, and signs nobody in.

    Raises NotFound for an object that is not there, Conflict for a key id that it has already.
    """
    identity = {"tenant_id": guid(tenant_id), "object_id": guid(object_id)}
    if not _ADD_PASSWORD.run(conn, **identity, **_password_values(credential, digest)):
        require_row(conn, tenant_id, object_id)
        raise Conflict(f"The key id '{credential.key_id}' is taken. Choose another.", target="keyId")


def remove_password(conn: Connection, tenant_id: TenantId, object_id: ObjectId, key_id: KeyId) -> bool:
    """False when the object, or the credential on it, is not there."""
    values = {"tenant_id": guid(tenant_id), "object_id": guid(object_id), "key_id": guid(key_id)}
    return _REMOVE_PASSWORD.run(conn, **values) > 0


def set_keys(conn: Connection, tenant_id: TenantId, object_id: ObjectId, keys: Sequence[KeyCredential]) -> None:
    """Replaces the set; a key that stays keeps its row and its place.

    Raises NotFound, and Conflict for a key id that comes twice.
    """
    row = require_row(conn, tenant_id, object_id)
    wanted = {key.key_id: key for key in keys}
    if len(wanted) != len(keys):
        raise Conflict("Two of the keyCredentials have the same keyId. Give each its own.", target="keyCredentials")
    present = {key.key_id: key for key in keys_in(conn, row)}
    for key_id in present.keys() - wanted.keys():
        _REMOVE_KEY.run(conn, object_row=row, key_id=guid(key_id))
    for key_id, key in wanted.items():
        if key_id not in present:
            _INSERT_KEY.run(conn, tenant_id=guid(tenant_id), object_row=row, **_key_values(key))
        elif present[key_id] != key:
            values = _key_values(key)
            _UPDATE_KEY.run(conn, of_row=row, with_key_id=values.pop("key_id"), **values)


def password_digests(conn: Connection, tenant_id: TenantId, app_id: AppId) -> tuple[StoredPassword, ...]:
    """Every secret, expired ones too, of the live application and the live service principal with this appId."""
    rows = _PASSWORD_DIGESTS.all(conn, tenant_id=guid(tenant_id), app_id=guid(app_id))
    return tuple(
        StoredPassword(
            object_id=ObjectId(guid_text(object_id)), kind=_kind(kind), credential=_password_from(row), digest=digest
        )
        for object_id, kind, digest, *row in rows
    )


def keys_of_app(conn: Connection, tenant_id: TenantId, app_id: AppId) -> tuple[StoredKey, ...]:
    """Every key, expired ones too, of the live application and the live service principal with this appId."""
    rows = _KEYS_OF_APP.all(conn, tenant_id=guid(tenant_id), app_id=guid(app_id))
    return tuple(
        StoredKey(object_id=ObjectId(guid_text(object_id)), kind=_kind(kind), credential=_key_from(row))
        for object_id, kind, *row in rows
    )


def insert_all(
    conn: Connection,
    tenant_id: TenantId,
    row: int,
    obj: DirectoryObject,
    digests: Mapping[KeyId, bytes],
) -> None:
    """The credentials that a new object comes with. A secret without a digest is listed, and signs nobody in."""
    where = {"tenant_id": guid(tenant_id), "object_row": row}
    for password in obj.password_credentials:
        _INSERT_PASSWORD.run(conn, **where, **_password_values(password, digests.get(password.key_id)))
    for key in obj.key_credentials:
        _INSERT_KEY.run(conn, **where, **_key_values(key))


def passwords_in(conn: Connection, row: int) -> tuple[PasswordCredential, ...]:
    """Of one object, in the order in which they were added."""
    return tuple(_password_from(found) for found in _PASSWORDS_OF.all(conn, object_row=row))


def keys_in(conn: Connection, row: int) -> tuple[KeyCredential, ...]:
    """Of one object, in the order in which they were added."""
    return tuple(_key_from(found) for found in _KEYS_OF.all(conn, object_row=row))


def passwords_by_row(conn: Connection, rows: Sequence[int]) -> Mapping[int, tuple[PasswordCredential, ...]]:
    """Of a page of objects, in one statement."""
    question = select(_password.object_row, *_PASSWORD_COLUMNS).where(_password.object_row.in_(rows))
    return _by_row(conn, question.order_by(_password.id), _password_from) if rows else {}


def keys_by_row(conn: Connection, rows: Sequence[int]) -> Mapping[int, tuple[KeyCredential, ...]]:
    """Of a page of objects, in one statement."""
    question = select(_key.object_row, *_KEY_COLUMNS).where(_key.object_row.in_(rows))
    return _by_row(conn, question.order_by(_key.id), _key_from) if rows else {}


def _by_row(conn: Connection, question: Executable, read: Callable[[Sequence[Any]], C]) -> dict[int, tuple[C, ...]]:
    found: dict[int, list[C]] = defaultdict(list)
    for row, *values in conn.execute(question):
        found[row].append(read(values))
    return {row: tuple(credentials) for row, credentials in found.items()}


def _kind(number: int) -> ObjectKind:
    return ObjectKind.APPLICATION if number == APPLICATION else ObjectKind.SERVICE_PRINCIPAL


def _password_values(credential: PasswordCredential, digest: bytes | None) -> dict[str, Any]:
    return {
        "key_id": guid(credential.key_id),
        "start_at": micros(credential.start_at),
        "end_at": micros(credential.end_at),
        "display_name": credential.display_name,
        "hint": credential.hint,
        "digest": digest,
    }


def _password_from(values: Sequence[Any]) -> PasswordCredential:
    key_id, start_at, end_at, display_name, hint = values
    return PasswordCredential(
        key_id=KeyId(guid_text(key_id)),
        start_at=instant(start_at),
        end_at=instant(end_at),
        display_name=display_name,
        hint=hint,
    )


def _key_values(key: KeyCredential) -> dict[str, Any]:
    return {
        "key_id": guid(key.key_id),
        "type": key.type.value,
        "usage": key.usage.value,
        "start_at": micros(key.start_at),
        "end_at": micros(key.end_at),
        "display_name": key.display_name,
        "custom_key_identifier": key.custom_key_identifier,
        "folded_custom_key_identifier": folded_or_none(key.custom_key_identifier),
        "key": key.key,
        "thumbprint_sha1": key.thumbprint_sha1,
        "thumbprint_sha256": key.thumbprint_sha256,
    }


def _key_from(values: Sequence[Any]) -> KeyCredential:
    key_id, type, usage, start_at, end_at, display_name, custom_key_identifier, key, sha1, sha256 = values
    return KeyCredential(
        key_id=KeyId(guid_text(key_id)),
        type=KeyType(type),
        usage=KeyUsage(usage),
        start_at=instant(start_at),
        end_at=instant(end_at),
        display_name=display_name,
        custom_key_identifier=custom_key_identifier,
        key=key,
        thumbprint_sha1=sha1,
        thumbprint_sha256=sha256,
    )
