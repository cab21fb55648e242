"""Federated identity credentials: whose tokens an application may sign in with. They hang on a directory object."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update

from unsecret.model.federation import FederatedIdentityCredential
from unsecret.model.identifiers import AppId, ObjectId, TenantId
from unsecret.model.query import Page, Query
from unsecret.store.columns import body_of, folded, guid
from unsecret.store.live_objects import LIVE, LIVE_ROW, not_found, require_row, row_of
from unsecret.store.paging import Collection, bodies_of, page_of
from unsecret.store.properties import FEDERATED_CREDENTIALS
from unsecret.store.schema import directory_object, federated_identity_credential
from unsecret.store.statement import Insertion, Statement

_object, _credential = directory_object.c, federated_identity_credential.c

_ADD = Insertion(federated_identity_credential)
_OF_OBJECT = Statement(select(_credential.body).where(_credential.object_row == LIVE_ROW).order_by(_credential.id))
_OF_APP = Statement(
    select(_credential.body)
    .join(directory_object, _object.id == _credential.object_row)
    .where(LIVE, _object.app_id == bindparam("app_id"))
    .order_by(_credential.id)
)
_REPLACE = Statement(
    update(federated_identity_credential)
    .values({name: bindparam(name) for name in ("issuer", "subject", "body")})
    .where(_credential.object_row == LIVE_ROW, _credential.credential_id == bindparam("of_credential"))
)
_REMOVE = Statement(
    delete(federated_identity_credential).where(
        _credential.object_row == LIVE_ROW, _credential.credential_id == bindparam("of_credential")
    )
)

_COLLECTION = Collection(
    row=_credential.id,
    tenant_id=_credential.tenant_id,
    columns=(_credential.body,),
    conditions=(),
    properties=FEDERATED_CREDENTIALS,
    orders={},
)
_read = bodies_of(FederatedIdentityCredential)
_decode = msgspec.json.Decoder(FederatedIdentityCredential).decode


def add_federated_credential(
    conn: Connection, tenant_id: TenantId, object_id: ObjectId, credential: FederatedIdentityCredential
) -> None:
    """Raises NotFound for an object that is not there. Names, and pairs of issuer and subject, must be free."""
    _ADD.run(
        conn,
        tenant_id=guid(tenant_id),
        object_row=require_row(conn, tenant_id, object_id),
        credential_id=guid(credential.id),
        folded_name=folded(credential.name),
        **_values(credential),
    )


def federated_credentials_of(
    conn: Connection, tenant_id: TenantId, object_id: ObjectId
) -> tuple[FederatedIdentityCredential, ...]:
    """Of one object, in the order in which they were added."""
    rows = _OF_OBJECT.all(conn, tenant_id=guid(tenant_id), object_id=guid(object_id))
    return tuple(_decode(body) for (body,) in rows)


def federated_credentials_of_app(
    conn: Connection, tenant_id: TenantId, app_id: AppId
) -> tuple[FederatedIdentityCredential, ...]:
    """Of the live application and the live service principal with this appId."""
    rows = _OF_APP.all(conn, tenant_id=guid(tenant_id), app_id=guid(app_id))
    return tuple(_decode(body) for (body,) in rows)


def list_federated_credentials(
    conn: Connection, tenant_id: TenantId, object_id: ObjectId, query: Query
) -> Page[FederatedIdentityCredential]:
    """A page of those of one object. Raises Invalid as `directory_objects.list` does."""
    row = row_of(conn, tenant_id, object_id)
    return page_of(conn, _COLLECTION, tenant_id, query, _read, _credential.object_row == row)


def replace_federated_credential(
    conn: Connection, tenant_id: TenantId, object_id: ObjectId, credential: FederatedIdentityCredential
) -> None:
    """Everything but its id and its name. Raises NotFound."""
    where = {"tenant_id": guid(tenant_id), "object_id": guid(object_id), "of_credential": guid(credential.id)}
    if not _REPLACE.run(conn, **where, **_values(credential)):
        raise not_found(credential.id)


def remove_federated_credential(conn: Connection, tenant_id: TenantId, object_id: ObjectId, credential_id: str) -> bool:
    """False when the object, or the credential on it, is not there."""
    where = {"tenant_id": guid(tenant_id), "object_id": guid(object_id), "of_credential": guid(credential_id)}
    return _REMOVE.run(conn, **where) > 0


def _values(credential: FederatedIdentityCredential) -> dict[str, Any]:
    return {"issuer": credential.issuer, "subject": credential.subject, "body": body_of(credential)}
