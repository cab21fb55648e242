"""Organisations."""

from __future__ import annotations

import os
from datetime import timedelta

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from unsecret.errors import Conflict
from unsecret.model.application import Tenant
from unsecret.model.identifiers import TenantId
from unsecret.store.columns import body_of, folded, guid
from unsecret.store.schema import tenant, tenant_domain
from unsecret.store.statement import Insertion, Statement

_ADD = Insertion(tenant)
_ADD_DOMAIN = Insertion(tenant_domain)
_GET = Statement(select(tenant.c.body).where(tenant.c.tenant_id == bindparam("tenant_id")))
_GET_BY_DOMAIN = Statement(
    select(tenant.c.body)
    .join(tenant_domain, tenant_domain.c.tenant_id == tenant.c.tenant_id)
    .where(tenant_domain.c.folded_name == bindparam("name"))
)
_MARK = Statement(select(tenant.c.mark).where(tenant.c.tenant_id == bindparam("tenant_id")))
_SET_MARK = Statement(
    update(tenant).values(mark=bindparam("new_mark")).where(tenant.c.tenant_id == bindparam("of_tenant"))
)
_SET_EVERY_MARK = Statement(update(tenant).values(mark=bindparam("new_mark")))
_OFFSET = Statement(select(tenant.c.clock_offset).where(tenant.c.tenant_id == bindparam("tenant_id")))
_OFFSET_BY_DOMAIN = Statement(
    select(tenant.c.clock_offset)
    .join(tenant_domain, tenant_domain.c.tenant_id == tenant.c.tenant_id)
    .where(tenant_domain.c.folded_name == bindparam("name"))
)
_SET_OFFSET = Statement(
    update(tenant).values(clock_offset=bindparam("offset")).where(tenant.c.tenant_id == bindparam("of_tenant"))
)
_ANY_OFFSET = Statement(select(tenant.c.id).where(tenant.c.clock_offset != 0).limit(1))
_LIST = Statement(select(tenant.c.body).order_by(tenant.c.id))
_MARK_BYTES = 16
_MICROSECOND = timedelta(microseconds=1)
_decode = msgspec.json.Decoder(Tenant).decode


def add_tenant(conn: Connection, tenant: Tenant) -> None:
    """Raises Conflict when the identifier or one of the domains is taken."""
    if find_tenant(conn, tenant.id) is not None:
        raise Conflict(f"The tenant '{tenant.id}' exists already. Choose another identifier.", target="id")
    for domain in tenant.verified_domains:
        if find_tenant(conn, domain) is not None:
            raise Conflict(
                f"The domain '{domain}' belongs to another tenant. Choose another.", target="verifiedDomains"
            )
    _ADD.run(conn, tenant_id=guid(tenant.id), body=body_of(tenant), clock_offset=0, mark=None)
    names = {folded(domain) for domain in tenant.verified_domains}
    _ADD_DOMAIN.run_many(conn, [{"tenant_id": guid(tenant.id), "folded_name": name} for name in sorted(names)])


def get_tenant(conn: Connection, tenant_id: TenantId) -> Tenant | None:
    """The tenant with this identifier."""
    return _decoded(_GET.one(conn, tenant_id=guid(tenant_id)))


def find_tenant(conn: Connection, name: str) -> Tenant | None:
    """The tenant with this identifier or verified domain, in any case: the first segment of an authority's path."""
    if identifier := guid(name):
        return _decoded(_GET.one(conn, tenant_id=identifier))
    return _decoded(_GET_BY_DOMAIN.one(conn, name=folded(name)))


def list_tenants(conn: Connection) -> tuple[Tenant, ...]:
    """Every tenant, oldest first."""
    return tuple(_decode(body) for (body,) in _LIST.all(conn))


def clock_offset(conn: Connection, name: str) -> timedelta:
    """How far the clock of the tenant with this identifier or verified domain is ahead of the machine's; nothing
    for a tenant that is not there."""
    if identifier := guid(name):
        found = _OFFSET.one(conn, tenant_id=identifier)
    else:
        found = _OFFSET_BY_DOMAIN.one(conn, name=folded(name))
    return timedelta(0, 0, found[0]) if found else timedelta(0)


def set_clock_offset(conn: Connection, tenant_id: TenantId, offset: timedelta) -> None:
    """Move the tenant's clock: it is `offset` ahead of the machine's from now on."""
    _SET_OFFSET.run(conn, of_tenant=guid(tenant_id), offset=offset // _MICROSECOND)


def mark_of(conn: Connection, tenant_id: TenantId) -> bytes | None:
    """The mark of the state that the tenant is in: see `questions.py`. None before the first write, and where there is
    no such tenant."""
    row = _MARK.one(conn, tenant_id=guid(tenant_id))
    return bytes(row[0]) if row and row[0] is not None else None


def renew_mark(conn: Connection, tenant: bytes) -> None:
    """Note that something may have been written in the tenant with these 16 bytes. For `Writer` to call."""
    _SET_MARK.run(conn, of_tenant=tenant, new_mark=os.urandom(_MARK_BYTES))


def renew_every_mark(conn: Connection) -> None:
    """Note that something may have been written anywhere. For `Writer` to call."""
    _SET_EVERY_MARK.run(conn, new_mark=os.urandom(_MARK_BYTES))


def any_clock_moved(conn: Connection) -> bool:
    """Whether some tenant's clock is not the machine's."""
    return _ANY_OFFSET.one(conn) is not None


def _decoded(row: tuple[str] | None) -> Tenant | None:
    return _decode(row[0]) if row else None
