"""Clocks that can be moved, one for each tenant: `unsecret up --now`.

A tenant's clock ticks as the machine's does, ahead of it or behind by an offset that is kept in the directory,
where every process of every machine that serves the tenant reads it anew for each request. Which tenant a
request is for stands in its path (sign-in) or in its token (Graph). The token is not verified yet by then; one
that names another tenant than it was issued for chooses the clock by which it is refused.

A server without movable clocks has none of this and asks the machine alone.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from unsecret.store import tenants

if TYPE_CHECKING:
    from starlette.requests import Request

    from unsecret.store.engine import Store

ANY_TIME = (datetime.fromisoformat("1970-01-02T00:00:00+00:00"), datetime.fromisoformat("3000-01-01T00:00:00+00:00"))
"""A clock can be moved between these; the administrator's certificate is valid all the while."""

_LONGEST_TOKEN = 64 * 1024


class MovableClocks:
    """The clocks of all tenants in `store`."""

    def __init__(self, store: Store):
        self._store = store

    def offset_for(self, request: Request) -> timedelta:
        """How far the clock of the tenant that `request` is for is ahead of the machine's."""
        name = request.path_params.get("tenant") or _claimed_tenant(request.headers.get("authorization", ""))
        if not name:
            return timedelta(0)
        return self.offset_of(name)

    def offset_of(self, tenant: str) -> timedelta:
        """How far the clock of a tenant, which an id or a domain names, is ahead of the machine's."""
        with self._store.read() as conn:
            return tenants.clock_offset(conn, tenant)


class _Claims(msgspec.Struct):
    tid: Any = None


def _claimed_tenant(header: str) -> str | None:
    """The tenant that a bearer token says it is for, whether that is true or not."""
    scheme, _, token = header.strip().partition(" ")
    parts = token.strip().split(".", 2)
    if scheme.lower() != "bearer" or len(parts) != 3 or len(token) > _LONGEST_TOKEN:
        return None
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        tenant_id = msgspec.json.decode(payload, type=_Claims).tid
    except (ValueError, RecursionError):
        return None
    return tenant_id if isinstance(tenant_id, str) else None
