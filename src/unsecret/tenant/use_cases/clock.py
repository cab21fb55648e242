"""Moving a tenant's clock, for its administrator, and only forwards."""

from __future__ import annotations

from datetime import datetime, timedelta

from unsecret.errors import Conflict, Forbidden, Invalid
from unsecret.model.identifiers import canonical_guid
from unsecret.store import directory_objects, tenants
from unsecret.tenant.bootstrap import ADMINISTRATOR_UNIQUE_NAME
from unsecret.tenant.movable_clocks import ANY_TIME
from unsecret.tenant.use_cases.transaction import Transaction
from unsecret.wire.instants import format_instant


def require_administrator(transaction: Transaction, tenant: str) -> None:
    """Raise Forbidden unless the administrator's application of `tenant` (an id or a domain) asks, for itself."""
    conn, caller = transaction.conn, transaction.caller
    administrator = directory_objects.get_by_unique_name(conn, caller.tenant_id, ADMINISTRATOR_UNIQUE_NAME)
    asked = tenants.find_tenant(conn, canonical_guid(tenant) or tenant)
    is_own = asked is not None and asked.id == caller.tenant_id
    if not is_own or administrator is None or caller.app_id != administrator.app_id or caller.user is not None:
        raise Forbidden("Only the administrator's application of a tenant may read and move its clock.")


def move_clock(
    transaction: Transaction, tenant: str, movement: datetime | timedelta, *, machine_now: datetime
) -> datetime:
    """Set the clock to an instant, or move it on, and tell what it says then. Of several movements at a time
    each counts.

    Time does not go back: tokens and records of a time that was yet to come would be left over. Raises Conflict
    for that, Invalid for an instant too far away, Forbidden to everybody but the administrator.
    """
    require_administrator(transaction, tenant)
    tenant_id = transaction.tenant_id
    says = machine_now + tenants.clock_offset(transaction.conn, tenant_id)
    moved = _after(says, movement) if isinstance(movement, timedelta) else movement
    require_forwards(says, moved)
    tenants.set_clock_offset(transaction.conn, tenant_id, moved - machine_now)
    return moved


def require_forwards(says: datetime, moved: datetime) -> None:
    """Raise Conflict when a clock that `says` so would go back, Invalid when it would leave the calendar."""
    if moved < says:
        raise Conflict(
            f"The tenant's clock says {format_instant(says)} and does not go back to {format_instant(moved)}.",
            code="ClockOnlyMovesForwards",
            hint="A new tenant can begin at any time: unsecret up --data NEW --now INSTANT",
        )
    require_on_the_calendar(moved)


def require_on_the_calendar(instant: datetime) -> None:
    """Raise Invalid for an instant that a clock cannot be set to."""
    first, last = ANY_TIME
    if not first <= instant < last:
        raise Invalid(
            f"A clock can be set to any time from {format_instant(first)} until {format_instant(last)}, "
            f"not to {format_instant(instant)}.",
            target="now",
        )


def _after(says: datetime, movement: timedelta) -> datetime:
    try:
        return says + movement
    except OverflowError:
        return ANY_TIME[1]
