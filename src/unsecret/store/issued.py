"""What was handed out at sign-in and is taken back once: kept by digest, found by digest.

Whoever takes one back and hands out the next does both in one transaction, so that of two who come with the same code
one is the second. What ended long ago is cleared away whenever something new is handed out.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, update

from unsecret.errors import Conflict
from unsecret.model.identifiers import AppId, ObjectId, TenantId
from unsecret.model.issued import GrantKind, IssuedGrant
from unsecret.store.columns import body_of, guid, guid_or_none, micros
from unsecret.store.schema_records import AUTHORIZATION_CODE, DEVICE_CODE, REFRESH_TOKEN, SESSION, issued_grant
from unsecret.store.statement import Insertion, Statement

KEPT_AFTER_ITS_END = timedelta(hours=1)
"""So long an ended code is told from one that never was."""

_grant = issued_grant.c
_NUMBER_OF = {
    GrantKind.AUTHORIZATION_CODE: AUTHORIZATION_CODE,
    GrantKind.DEVICE_CODE: DEVICE_CODE,
    GrantKind.REFRESH_TOKEN: REFRESH_TOKEN,
    GrantKind.SESSION: SESSION,
}
_decode = msgspec.json.Decoder(IssuedGrant).decode
_NAMED = (
    _grant.tenant_id == bindparam("tenant_id"),
    _grant.kind == bindparam("kind"),
    _grant.digest == bindparam("digest"),
)

_ADD = Insertion(issued_grant)
_FIND = Statement(select(_grant.body).where(*_NAMED))
_FIND_BY_USER_CODE = Statement(
    select(_grant.digest, _grant.body).where(
        _grant.tenant_id == bindparam("tenant_id"), _grant.folded_user_code == bindparam("folded_user_code")
    )
)
_REPLACE = Statement(
    update(issued_grant)
    .values(expires_at=bindparam("new_expires_at"), used_at=bindparam("new_used_at"), body=bindparam("new_body"))
    .where(*_NAMED)
)
_REMOVE = Statement(delete(issued_grant).where(*_NAMED))
_REVOKE_FAMILY = Statement(
    delete(issued_grant).where(
        _grant.tenant_id == bindparam("tenant_id"),
        _grant.family == bindparam("family"),
        _grant.kind != literal_column(str(AUTHORIZATION_CODE)),
    )
)
_others = issued_grant.alias("others").c
_LAST_USE = func.coalesce(_others.used_at + bindparam("lifetime"), _others.expires_at)
_TRIM = Statement(
    delete(issued_grant).where(
        _grant.id.in_(
            select(_others.id)
            .where(
                _others.tenant_id == bindparam("tenant_id"),
                _others.family == bindparam("family"),
                _others.kind == literal_column(str(REFRESH_TOKEN)),
            )
            .order_by(_LAST_USE.desc(), _others.id.desc())
            .offset(bindparam("most"))
        )
    )
)
_TRIM_FAMILIES = Statement(
    delete(issued_grant).where(
        _grant.tenant_id == bindparam("tenant_id"),
        _grant.user_id == bindparam("user_id"),
        _grant.client_id == bindparam("client_id"),
        _grant.kind == literal_column(str(REFRESH_TOKEN)),
        _grant.family.in_(
            select(_others.family)
            .where(
                _others.tenant_id == bindparam("tenant_id"),
                _others.user_id == bindparam("user_id"),
                _others.client_id == bindparam("client_id"),
                _others.kind == literal_column(str(REFRESH_TOKEN)),
            )
            .group_by(_others.family)
            .order_by(func.max(_LAST_USE).desc(), func.max(_others.id).desc())
            .offset(bindparam("most"))
        ),
    )
)
_TRIM_SESSIONS = Statement(
    delete(issued_grant).where(
        _grant.id.in_(
            select(_others.id)
            .where(
                _others.tenant_id == bindparam("tenant_id"),
                _others.user_id == bindparam("user_id"),
                _others.kind == literal_column(str(SESSION)),
            )
            .order_by(_others.id.desc())
            .offset(bindparam("most"))
        )
    )
)
_CLEAR = Statement(
    delete(issued_grant).where(_grant.tenant_id == bindparam("tenant_id"), _grant.expires_at < bindparam("long_ago"))
)


def add(conn: Connection, tenant_id: TenantId, digest: bytes, grant: IssuedGrant, *, now: datetime) -> None:
    """Writes down what is handed out now. Raises Conflict when its user code is in use."""
    _CLEAR.run(conn, tenant_id=guid(tenant_id), long_ago=micros(now - KEPT_AFTER_ITS_END))
    if grant.user_code and find_by_user_code(conn, tenant_id, grant.user_code) is not None:
        raise Conflict("This user code is in use. Draw another.")
    _ADD.run(
        conn,
        tenant_id=guid(tenant_id),
        kind=_NUMBER_OF[grant.kind],
        digest=digest,
        folded_user_code=grant.user_code.lower() if grant.user_code else None,
        family=guid(grant.family),
        expires_at=micros(grant.expires_at),
        used_at=micros(grant.used_at) if grant.used_at else None,
        body=body_of(grant),
        user_id=guid_or_none(grant.user_id),
        client_id=guid(grant.client_id),
    )


def find(conn: Connection, tenant_id: TenantId, kind: GrantKind, digest: bytes) -> IssuedGrant | None:
    """What was handed out with this digest, whether or not it has ended or was used."""
    row = _FIND.one(conn, tenant_id=guid(tenant_id), kind=_NUMBER_OF[kind], digest=digest)
    return _decode(row[0]) if row else None


def find_by_user_code(conn: Connection, tenant_id: TenantId, user_code: str) -> tuple[bytes, IssuedGrant] | None:
    """The device code that a person typed the short code of, with its digest."""
    row = _FIND_BY_USER_CODE.one(conn, tenant_id=guid(tenant_id), folded_user_code=user_code.lower())
    return (bytes(row[0]), _decode(row[1])) if row else None


def replace(conn: Connection, tenant_id: TenantId, digest: bytes, grant: IssuedGrant) -> None:
    """Writes down what became of it: it was used, or somebody approved it."""
    _REPLACE.run(
        conn,
        tenant_id=guid(tenant_id),
        kind=_NUMBER_OF[grant.kind],
        digest=digest,
        new_expires_at=micros(grant.expires_at),
        new_used_at=micros(grant.used_at) if grant.used_at else None,
        new_body=body_of(grant),
    )


def remove(conn: Connection, tenant_id: TenantId, kind: GrantKind, digest: bytes) -> None:
    """Forgets it."""
    _REMOVE.run(conn, tenant_id=guid(tenant_id), kind=_NUMBER_OF[kind], digest=digest)


def revoke_family(conn: Connection, tenant_id: TenantId, family: str) -> None:
    """Takes back all that came of one sign-in. Its code stays, so that it is still known to have been used."""
    _REVOKE_FAMILY.run(conn, tenant_id=guid(tenant_id), family=guid(family))


def trim_family(conn: Connection, tenant_id: TenantId, family: str, *, most: int, lifetime: timedelta) -> None:
    """Forgets the refresh tokens of one sign-in but for so many: those that were used or handed out last."""
    life = lifetime // timedelta(microseconds=1)
    _TRIM.run(conn, tenant_id=guid(tenant_id), family=guid(family), most=most, lifetime=life)


def trim_families(
    conn: Connection, tenant_id: TenantId, user_id: ObjectId, client_id: AppId, *, most: int, lifetime: timedelta
) -> None:
    """Forgets the refresh tokens that a client holds for a person but for those of so many sign-ins: the ones of which
    something was used or handed out last. Codes stay, so that they are still known to have been used."""
    _TRIM_FAMILIES.run(
        conn,
        tenant_id=guid(tenant_id),
        user_id=guid(user_id),
        client_id=guid(client_id),
        most=most,
        lifetime=lifetime // timedelta(microseconds=1),
    )


def trim_sessions(conn: Connection, tenant_id: TenantId, user_id: ObjectId, *, most: int) -> None:
    """Forgets a person's sessions but for so many: those that were begun last, whatever the clock said then."""
    _TRIM_SESSIONS.run(conn, tenant_id=guid(tenant_id), user_id=guid(user_id), most=most)
