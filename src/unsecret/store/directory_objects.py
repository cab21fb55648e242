"""Applications and service principals; and objects of any kind, people among them, where their kind is not known.

Conflicts are looked for before anything is written: within a writing transaction nobody else can create one in between,
and whoever catches a Taken can go on in the same transaction. The unique indexes stand behind that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, cast, overload

import msgspec
from sqlalchemy import Connection, Select, and_, bindparam, literal_column, select, update
from sqlalchemy import delete as delete_from

from unsecret.errors import Taken
from unsecret.model.application import (
    Application,
    DirectoryObject,
    KeyCredential,
    ObjectKind,
    PasswordCredential,
    ServicePrincipal,
)
from unsecret.model.identifiers import AppId, KeyId, ObjectId, TenantId
from unsecret.model.people import AnyObject, User
from unsecret.model.query import Page, Query
from unsecret.store import credentials
from unsecret.store.columns import body_of, folded, folded_or_none, guid, micros
from unsecret.store.decoded import Decoded, digest_of
from unsecret.store.live_objects import LIVE, not_found
from unsecret.store.paging import Collection, page_of
from unsecret.store.properties import APPLICATIONS, LINKED_OBJECTS, OBJECT_ORDERS, SERVICE_PRINCIPALS
from unsecret.store.published_permissions import completed, kept
from unsecret.store.schema import (
    APPLICATION,
    IDENTIFIER_URI,
    SERVICE_PRINCIPAL,
    SERVICE_PRINCIPAL_NAME,
    TAG,
    USER,
    directory_object,
    object_value,
)
from unsecret.store.statement import Insertion, Statement

_object, _value = directory_object.c, object_value.c

_NUMBER_OF = {ObjectKind.APPLICATION: APPLICATION, ObjectKind.SERVICE_PRINCIPAL: SERVICE_PRINCIPAL}
_decode_application = msgspec.json.Decoder(Application).decode
_decode_kept_service_principal = msgspec.json.Decoder(ServicePrincipal).decode


def _decode_service_principal(body: str) -> ServicePrincipal:
    return completed(_decode_kept_service_principal(body))


_DECODE = {
    APPLICATION: _decode_application,
    SERVICE_PRINCIPAL: _decode_service_principal,
    USER: msgspec.json.Decoder(User).decode,
}
_FOUND = (_object.id, _object.kind, _object.body)
_KEPT = (
    "app_id",
    "folded_display_name",
    "folded_unique_name",
    "folded_sign_in_audience",
    "created_at",
    "body",
    "body_digest",
)

_ONE = (*_FOUND, credentials.HAS_PASSWORDS, credentials.HAS_KEYS)

_GET = Statement(
    select(*_ONE).where(LIVE, _object.object_id == bindparam("object_id"), _object.kind == bindparam("kind"))
)
_GET_ANY = Statement(select(*_ONE).where(LIVE, _object.object_id == bindparam("object_id")))
_GET_BY_APP_ID = Statement(
    select(*_ONE).where(LIVE, _object.app_id == bindparam("app_id"), _object.kind == bindparam("kind"))
)
_OF_APP = Statement(
    select(_object.id, _object.kind, _object.body_digest).where(LIVE, _object.app_id == bindparam("app_id"))
)
_BODY = Statement(select(_object.body).where(_object.id == bindparam("of_row")))
_GET_BY_UNIQUE_NAME = Statement(select(*_ONE).where(LIVE, _object.folded_unique_name == bindparam("unique_name")))
_ADD = Insertion(directory_object)
_REPLACE = Statement(
    update(directory_object).values({name: bindparam(name) for name in _KEPT}).where(_object.id == bindparam("of_row"))
)
_DELETE = Statement(
    update(directory_object)
    .values(deleted_at=bindparam("at"))
    .where(LIVE, _object.object_id == bindparam("object_id"), _object.kind == bindparam("kind"))
)
_in_tenant = _object.tenant_id == bindparam("tenant_id")
_OBJECT_ID_HOLDER = Statement(
    select(_object.object_id).where(_in_tenant, _object.object_id == bindparam("object_id")),
)
_APP_ID_HOLDER = Statement(
    select(_object.object_id).where(LIVE, _object.app_id == bindparam("app_id"), _object.kind == bindparam("kind"))
)
_UNIQUE_NAME_HOLDER = Statement(
    select(_object.object_id).where(_in_tenant, _object.folded_unique_name == bindparam("unique_name"))
)
_URI_HOLDER = Statement(
    select(_object.object_id)
    .join(object_value, _value.object_row == _object.id)
    .where(
        _value.tenant_id == bindparam("tenant_id"),
        _value.property == literal_column(str(IDENTIFIER_URI)),
        _value.folded_value == bindparam("uri"),
    )
)
_VALUES_OF = Statement(select(_value.property, _value.folded_value).where(_value.object_row == bindparam("object_row")))
_ADD_VALUE = Insertion(object_value)
_REMOVE_VALUE = Statement(
    delete_from(object_value).where(
        _value.object_row == bindparam("object_row"),
        _value.property == bindparam("property"),
        _value.folded_value == bindparam("folded_value"),
    )
)
_known: Decoded[DirectoryObject] = Decoded(size=1024)
_NOBODY: Mapping[KeyId, bytes] = MappingProxyType({})


def add(
    conn: Connection,
    tenant_id: TenantId,
    obj: DirectoryObject,
    *,
    digests: Mapping[KeyId, bytes] = _NOBODY,
) -> None:
    """Writes a new object with its credentials.

    `digests` holds the salted digest of each secret's text. Raises Taken when the id, the appId (among its
    kind), the uniqueName or one of the identifierUris is taken in the tenant, by a deleted object too.
    """
    tenant = guid(tenant_id)
    _require_free(conn, tenant, obj, own=b"")
    identity = {"tenant_id": tenant, "kind": _NUMBER_OF[obj.kind], "object_id": guid(obj.id)}
    row = _ADD.row(conn, **identity, deleted_at=None, **_kept_values(obj))
    values = sorted(_values_of(obj))
    _ADD_VALUE.run_many(conn, [_value_parameters(tenant, row, value) for value in values])
    credentials.insert_all(conn, tenant_id, row, obj, digests)


@overload
def get(
    conn: Connection, tenant_id: TenantId, kind: Literal[ObjectKind.APPLICATION], object_id: ObjectId
) -> Application | None: ...
@overload
def get(
    conn: Connection, tenant_id: TenantId, kind: Literal[ObjectKind.SERVICE_PRINCIPAL], object_id: ObjectId
) -> ServicePrincipal | None: ...
@overload
def get(conn: Connection, tenant_id: TenantId, kind: ObjectKind, object_id: ObjectId) -> DirectoryObject | None: ...
def get(conn: Connection, tenant_id: TenantId, kind: ObjectKind, object_id: ObjectId) -> DirectoryObject | None:
    """The live object of this kind with this id, with its credentials."""
    found = _GET.one(conn, tenant_id=guid(tenant_id), object_id=guid(object_id), kind=_NUMBER_OF[kind])
    return cast("DirectoryObject | None", _with_credentials(conn, found))


@overload
def get_by_app_id(
    conn: Connection, tenant_id: TenantId, kind: Literal[ObjectKind.APPLICATION], app_id: AppId
) -> Application | None: ...
@overload
def get_by_app_id(
    conn: Connection, tenant_id: TenantId, kind: Literal[ObjectKind.SERVICE_PRINCIPAL], app_id: AppId
) -> ServicePrincipal | None: ...
@overload
def get_by_app_id(conn: Connection, tenant_id: TenantId, kind: ObjectKind, app_id: AppId) -> DirectoryObject | None: ...
def get_by_app_id(conn: Connection, tenant_id: TenantId, kind: ObjectKind, app_id: AppId) -> DirectoryObject | None:
    """The live object of this kind with this appId; a tenant has one at most."""
    found = _GET_BY_APP_ID.one(conn, tenant_id=guid(tenant_id), app_id=guid(app_id), kind=_NUMBER_OF[kind])
    return cast("DirectoryObject | None", _with_credentials(conn, found))


def objects_of_app(
    conn: Connection, tenant_id: TenantId, app_id: AppId
) -> tuple[Application | None, ServicePrincipal | None]:
    """The live application and the live service principal with this appId, without their credentials: what every
    sign-in looks up. The same nouns are given to others; nobody changes what is in them."""
    application = principal = None
    for row, kind, digest in _OF_APP.all(conn, tenant_id=guid(tenant_id), app_id=guid(app_id)):
        decode = _decode_application if kind == APPLICATION else _decode_service_principal
        noun = _known.get(digest, lambda row=row, decode=decode: decode(_BODY.all(conn, of_row=row)[0][0]))
        if isinstance(noun, Application):
            application = noun
        else:
            principal = noun
    return application, principal


def get_by_unique_name(conn: Connection, tenant_id: TenantId, unique_name: str) -> Application | None:
    """The live application with this uniqueName, in any case."""
    found = _GET_BY_UNIQUE_NAME.one(conn, tenant_id=guid(tenant_id), unique_name=folded(unique_name))
    obj = _with_credentials(conn, found)
    return obj if isinstance(obj, Application) else None


def get_any(conn: Connection, tenant_id: TenantId, object_id: ObjectId) -> AnyObject | None:
    """The live object with this id, whichever its kind."""
    return _with_credentials(conn, _GET_ANY.one(conn, tenant_id=guid(tenant_id), object_id=guid(object_id)))


def replace(conn: Connection, tenant_id: TenantId, obj: DirectoryObject) -> None:
    """Writes everything but the credentials. Raises NotFound, and the Conflicts of `add`."""
    tenant = guid(tenant_id)
    _require_free(conn, tenant, obj, own=guid(obj.id))
    identity = {"tenant_id": tenant, "kind": _NUMBER_OF[obj.kind], "object_id": guid(obj.id)}
    found = _GET.one(conn, **identity)
    if found is None:
        raise not_found(obj.id)
    row = found[0]
    _REPLACE.run(conn, of_row=row, **_kept_values(obj))
    wanted, present = _values_of(obj), set(_VALUES_OF.all(conn, object_row=row))
    for property, value in present - wanted:
        _REMOVE_VALUE.run(conn, object_row=row, property=property, folded_value=value)
    _ADD_VALUE.run_many(conn, [_value_parameters(tenant, row, value) for value in sorted(wanted - present)])


def delete(conn: Connection, tenant_id: TenantId, kind: ObjectKind, object_id: ObjectId, *, at: datetime) -> None:
    """Takes the object out of every read; it keeps its row, names and links, so that it can be restored.

    Raises NotFound.
    """
    values = {"tenant_id": guid(tenant_id), "object_id": guid(object_id), "kind": _NUMBER_OF[kind]}
    if not _DELETE.run(conn, at=micros(at), **values):
        raise not_found(object_id)


def list(conn: Connection, tenant_id: TenantId, kind: ObjectKind, query: Query) -> Page[DirectoryObject]:
    """A page of live objects of one kind, oldest first unless asked otherwise.

    Raises Invalid: Request_UnsupportedQuery for a property or an operator that Graph does not filter or sort by,
    Request_BadRequest for a value of the wrong type or a cursor that we did not make.
    """
    page = page_of(conn, _COLLECTIONS[kind], tenant_id, query, lambda rows: with_credentials(conn, rows))
    return cast("Page[DirectoryObject]", page)


def list_linked(
    conn: Connection, tenant_id: TenantId, linked: Select[tuple[int]], query: Query, kind: ObjectKind | None = None
) -> Page[AnyObject]:
    """As `list`, of the live objects of this kind, or of any, whose rows `linked` selects."""
    chosen = _object.id.in_(linked)
    if kind is not None:
        chosen = and_(chosen, _object.kind == _NUMBER_OF[kind])
    return page_of(conn, _LINKED, tenant_id, query, lambda rows: with_credentials(conn, rows), chosen)


def with_credentials(conn: Connection, rows: Sequence[tuple[int, int, str]]) -> Sequence[AnyObject]:
    """The objects of (row, kind, body), in two statements however many they are."""
    identifiers = [row for row, _, _ in rows]
    passwords = credentials.passwords_by_row(conn, identifiers)
    keys = credentials.keys_by_row(conn, identifiers)
    return [_decoded(kind, body, passwords.get(row, ()), keys.get(row, ())) for row, kind, body in rows]


def _with_credentials(conn: Connection, found: tuple[int, int, str, bool, bool] | None) -> AnyObject | None:
    if found is None:
        return None
    row, kind, body, has_passwords, has_keys = found
    passwords = credentials.passwords_in(conn, row) if has_passwords else ()
    return _decoded(kind, body, passwords, credentials.keys_in(conn, row) if has_keys else ())


def _decoded(
    kind: int, body: str, passwords: tuple[PasswordCredential, ...], keys: tuple[KeyCredential, ...]
) -> AnyObject:
    obj = _DECODE[kind](body)
    if not passwords and not keys:
        return obj
    return msgspec.structs.replace(obj, password_credentials=passwords, key_credentials=keys)


def _kept_values(obj: DirectoryObject) -> dict[str, Any]:
    bare = msgspec.structs.replace(obj, password_credentials=(), key_credentials=())
    body = body_of(kept(bare) if isinstance(bare, ServicePrincipal) else bare)
    return {
        "app_id": guid(obj.app_id),
        "folded_display_name": folded(obj.display_name),
        "folded_unique_name": folded_or_none(obj.unique_name) if isinstance(obj, Application) else None,
        "folded_sign_in_audience": folded_or_none(obj.sign_in_audience),
        "created_at": None if obj.created_at is None else micros(obj.created_at),
        "body": body,
        "body_digest": digest_of(body),
    }


def _values_of(obj: DirectoryObject) -> set[tuple[int, str]]:
    """What stands in the collections that `$filter` looks into, as (property, folded value)."""
    values = {(TAG, folded(tag)) for tag in obj.tags}
    if isinstance(obj, Application):
        return values | {(IDENTIFIER_URI, folded(uri)) for uri in obj.identifier_uris}
    return values | {(SERVICE_PRINCIPAL_NAME, folded(name)) for name in obj.service_principal_names}


def _value_parameters(tenant: bytes, row: int, value: tuple[int, str]) -> dict[str, Any]:
    return {"tenant_id": tenant, "object_row": row, "property": value[0], "folded_value": value[1]}


def _require_free(conn: Connection, tenant: bytes, obj: DirectoryObject, *, own: bytes) -> None:
    """Raises Taken when an object other than `own` holds what must be unique; a deleted one keeps its names, but
    its appId only until a new service principal of the same application is made."""
    identity = {"tenant_id": tenant, "object_id": guid(obj.id)}
    if _is_other(_OBJECT_ID_HOLDER.one(conn, **identity), own):
        raise Taken("id", obj.id)
    kind = _NUMBER_OF[obj.kind]
    if _is_other(_APP_ID_HOLDER.one(conn, tenant_id=tenant, app_id=guid(obj.app_id), kind=kind), own):
        raise Taken("appId", obj.app_id)
    if not isinstance(obj, Application):
        return
    if obj.unique_name is not None:
        holder = _UNIQUE_NAME_HOLDER.one(conn, tenant_id=tenant, unique_name=folded(obj.unique_name))
        if _is_other(holder, own):
            raise Taken("uniqueName", obj.unique_name)
    for uri in obj.identifier_uris:
        if _is_other(_URI_HOLDER.one(conn, tenant_id=tenant, uri=folded(uri)), own):
            raise Taken("identifierUris", uri)


def _is_other(holder: tuple[bytes] | None, own: bytes) -> bool:
    return holder is not None and holder[0] != own


_CONDITIONS = {
    kind: (_object.kind == literal_column(str(number)), _object.deleted_at.is_(None))
    for kind, number in _NUMBER_OF.items()
}
_COLLECTIONS = {
    kind: Collection(
        row=_object.id,
        tenant_id=_object.tenant_id,
        columns=_FOUND,
        conditions=_CONDITIONS[kind],
        properties=properties,
        orders=OBJECT_ORDERS,
    )
    for kind, properties in (
        (ObjectKind.APPLICATION, APPLICATIONS),
        (ObjectKind.SERVICE_PRINCIPAL, SERVICE_PRINCIPALS),
    )
}
_LINKED = Collection(
    row=_object.id,
    tenant_id=_object.tenant_id,
    columns=_FOUND,
    conditions=(_object.deleted_at.is_(None),),
    properties=LINKED_OBJECTS,
    orders=OBJECT_ORDERS,
)
