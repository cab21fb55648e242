"""People: directory objects with a name to sign in with. Of their passwords only a digest is kept.

Conflicts are looked for before anything is written, as in `directory_objects`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, literal_column, select, update
from sqlalchemy import delete as delete_from

from unsecret.errors import Taken
from unsecret.model.identifiers import ObjectId, TenantId
from unsecret.model.people import User
from unsecret.model.query import Page, Query
from unsecret.store.columns import body_of, folded, guid, micros
from unsecret.store.live_objects import LIVE, STILL_LIVE, not_found
from unsecret.store.paging import Collection, bodies_of, page_of
from unsecret.store.properties import OBJECT_ORDERS, USERS
from unsecret.store.schema import (
    USER,
    USER_PRINCIPAL_NAME,
    directory_object,
    object_value,
    user_password,
)
from unsecret.store.statement import Insertion, Statement

_object, _value, _password = directory_object.c, object_value.c, user_password.c
_is_user = _object.kind == literal_column(str(USER))
_is_name = _value.property == literal_column(str(USER_PRINCIPAL_NAME))
_decode = msgspec.json.Decoder(User).decode

_GET = Statement(select(_object.id, _object.body).where(LIVE, _is_user, _object.object_id == bindparam("object_id")))
_BY_NAME = Statement(
    select(_object.id, _object.body)
    .join(object_value, _value.object_row == _object.id)
    .where(STILL_LIVE, _value.tenant_id == bindparam("tenant_id"), _is_name, _value.folded_value == bindparam("name"))
)
_NAME_HOLDER = Statement(
    select(_object.object_id)
    .join(object_value, _value.object_row == _object.id)
    .where(_value.tenant_id == bindparam("tenant_id"), _is_name, _value.folded_value == bindparam("name"))
)
_ID_HOLDER = Statement(
    select(_object.object_id).where(
        _object.tenant_id == bindparam("tenant_id"), _object.object_id == bindparam("object_id")
    )
)
_ADD = Insertion(directory_object)
_ADD_VALUE = Insertion(object_value)
_REPLACE = Statement(
    update(directory_object)
    .values(folded_display_name=bindparam("folded_display_name"), body=bindparam("body"))
    .where(_object.id == bindparam("of_row"))
)
_RENAME = Statement(
    update(object_value)
    .values(folded_value=bindparam("name"))
    .where(_value.object_row == bindparam("of_row"), _is_name)
)
_DELETE = Statement(
    update(directory_object).values(deleted_at=bindparam("at")).where(_object.id == bindparam("of_row"))
)
_ADD_PASSWORD = Insertion(user_password)
_REMOVE_PASSWORD = Statement(delete_from(user_password).where(_password.object_row == bindparam("object_row")))
_PASSWORD = Statement(
    select(_password.digest)
    .join(directory_object, _object.id == _password.object_row)
    .where(LIVE, _is_user, _object.object_id == bindparam("object_id"))
)

_COLLECTION = Collection(
    row=_object.id,
    tenant_id=_object.tenant_id,
    columns=(_object.body,),
    conditions=(_is_user, _object.deleted_at.is_(None)),
    properties=USERS,
    orders=OBJECT_ORDERS,
)
_users_in = bodies_of(User)


def add(conn: Connection, tenant_id: TenantId, user: User, *, password_digest: bytes | None = None) -> None:
    """Writes a new user. Raises Taken when the id or the userPrincipalName is taken in the tenant."""
    tenant = guid(tenant_id)
    if _ID_HOLDER.one(conn, tenant_id=tenant, object_id=guid(user.id)):
        raise Taken("id", user.id)
    _require_free_name(conn, tenant, user)
    row = _ADD.row(
        conn,
        tenant_id=tenant,
        kind=USER,
        object_id=guid(user.id),
        app_id=None,
        folded_unique_name=None,
        folded_sign_in_audience=None,
        created_at=None if user.created_at is None else micros(user.created_at),
        deleted_at=None,
        body_digest=None,
        **_kept_values(user),
    )
    name = folded(user.user_principal_name)
    _ADD_VALUE.run(conn, tenant_id=tenant, object_row=row, property=USER_PRINCIPAL_NAME, folded_value=name)
    if password_digest is not None:
        _ADD_PASSWORD.run(conn, tenant_id=tenant, object_row=row, digest=password_digest)


def get(conn: Connection, tenant_id: TenantId, user_id: ObjectId) -> User | None:
    """The live user with this id."""
    found = _GET.one(conn, tenant_id=guid(tenant_id), object_id=guid(user_id))
    return _decode(found[1]) if found else None


def find(conn: Connection, tenant_id: TenantId, id_or_upn: str) -> User | None:
    """The live user with this id or this userPrincipalName, in any case."""
    if guid(id_or_upn):
        return get(conn, tenant_id, ObjectId(id_or_upn))
    found = _BY_NAME.one(conn, tenant_id=guid(tenant_id), name=folded(id_or_upn))
    return _decode(found[1]) if found else None


def replace(conn: Connection, tenant_id: TenantId, user: User) -> None:
    """Writes everything but the password. Raises NotFound, and Conflict for the userPrincipalName."""
    row = _require_row(conn, tenant_id, user.id)
    _require_free_name(conn, guid(tenant_id), user)
    _REPLACE.run(conn, of_row=row, **_kept_values(user))
    _RENAME.run(conn, of_row=row, name=folded(user.user_principal_name))


def delete(conn: Connection, tenant_id: TenantId, user_id: ObjectId, *, at: datetime) -> None:
    """Takes the user out of every read. As in Entra the name is free for somebody else from then on: the deleted user's
    gets the object id in front of it. Raises NotFound.

    https://learn.microsoft.com/en-us/graph/api/directory-deleteditems-restore says what restoring does with such names.
    """
    row = _require_row(conn, tenant_id, user_id)
    user = get(conn, tenant_id, user_id)
    assert user is not None
    name = user_id.replace("-", "") + user.user_principal_name
    replace(conn, tenant_id, msgspec.structs.replace(user, user_principal_name=name))
    _DELETE.run(conn, of_row=row, at=micros(at))


def rename_restored(conn: Connection, tenant_id: TenantId, user: User) -> User:
    """`user`, who was just restored, by the name that they had before they were deleted. Raises Taken when somebody
    else has it by now."""
    name = user.user_principal_name.removeprefix(user.id.replace("-", ""))
    restored = msgspec.structs.replace(user, user_principal_name=name)
    replace(conn, tenant_id, restored)
    return restored


def list(conn: Connection, tenant_id: TenantId, query: Query) -> Page[User]:
    """A page of live users, oldest first unless asked otherwise. Raises Invalid as `directory_objects.list` does."""
    return page_of(conn, _COLLECTION, tenant_id, query, _users_in)


def set_password_digest(conn: Connection, tenant_id: TenantId, user_id: ObjectId, digest: bytes) -> None:
    """Replaces what is kept of the user's password. Raises NotFound."""
    row = _require_row(conn, tenant_id, user_id)
    _REMOVE_PASSWORD.run(conn, object_row=row)
    _ADD_PASSWORD.run(conn, tenant_id=guid(tenant_id), object_row=row, digest=digest)


def password_digest(conn: Connection, tenant_id: TenantId, user_id: ObjectId) -> bytes | None:
    """What is kept of the live user's password; None when there is none, so that nobody can sign in with one."""
    found = _PASSWORD.one(conn, tenant_id=guid(tenant_id), object_id=guid(user_id))
    return bytes(found[0]) if found else None


def _require_row(conn: Connection, tenant_id: TenantId, user_id: ObjectId) -> int:
    found = _GET.one(conn, tenant_id=guid(tenant_id), object_id=guid(user_id))
    if found is None:
        raise not_found(user_id)
    return found[0]


def _kept_values(user: User) -> dict[str, Any]:
    return {"folded_display_name": folded(user.display_name), "body": body_of(user)}


def _require_free_name(conn: Connection, tenant: bytes, user: User) -> None:
    holder = _NAME_HOLDER.one(conn, tenant_id=tenant, name=folded(user.user_principal_name))
    if holder is not None and holder[0] != guid(user.id):
        raise Taken("userPrincipalName", user.user_principal_name)
