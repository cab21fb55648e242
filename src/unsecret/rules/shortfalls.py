"""How policies fall short of what a profile asks: one object's governing entries, held against one requirement.

Which policy governs is asked of `governing`, as by every verdict.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from unsecret.model.application import ObjectKind
from unsecret.model.change import Governed
from unsecret.model.identifiers import AppId, TenantId
from unsecret.model.policy import (
    LIFETIME_KINDS,
    AppManagementPolicy,
    Restriction,
    RestrictionKind,
    RestrictionState,
    TenantDefault,
)
from unsecret.model.profile import Requirement
from unsecret.rules.governing import Policy, governing
from unsecret.rules.profiles import BLOCK_OF


class Fault(StrEnum):
    """What is wrong with what governs an object."""

    POLICY_OFF = "policy-off"
    NOT_RESTRICTED = "not-restricted"
    DISABLED = "disabled"
    LIMIT_TOO_LONG = "limit-too-long"
    SPARES_EXISTING = "spares-existing"
    EXCLUDES_CALLERS = "excludes-callers"


class Shortfall(Struct, frozen=True):
    """One fault of the entry for `kind`: the policy that it is the fault of, and the entry, if there is one."""

    fault: Fault
    kind: RestrictionKind
    policy: Policy
    entry: Restriction | None


def shortfalls(
    asked: Requirement,
    kind: RestrictionKind,
    default: TenantDefault,
    custom: AppManagementPolicy | None,
    section: ObjectKind,
) -> tuple[Shortfall, ...]:
    """What keeps an object of `section` that `custom` is linked to from being restricted as `asked`; none when it is.

    An entry with a date is a fault here: whom it spares is a question about the objects, not about the policy.
    """
    block = BLOCK_OF.get(kind)
    if asked.or_blocked and block and not _of_kind(asked, block, default, custom, section):
        return ()
    return _of_kind(asked, kind, default, custom, section)


def since(entry: Restriction) -> datetime | None:
    """The date from which objects must be for the entry to bind them; the year 1 is written for "all of them"."""
    date = entry.restrict_for_apps_created_after
    return None if date is None or date.year <= 1 else date


def _of_kind(
    asked: Requirement,
    kind: RestrictionKind,
    default: TenantDefault,
    custom: AppManagementPolicy | None,
    section: ObjectKind,
) -> tuple[Shortfall, ...]:
    found = governing(kind, default, custom, _anyone(section))
    if found is None:
        fault = Fault.NOT_RESTRICTED if default.is_enabled else Fault.POLICY_OFF
        return (Shortfall(fault, kind, default, None),)
    policy, entry = found
    if entry.state is not RestrictionState.ENABLED:
        return (Shortfall(Fault.DISABLED, kind, policy, entry),)
    faults = []
    if _is_too_long(asked, entry):
        faults.append(Fault.LIMIT_TOO_LONG)
    if since(entry):
        faults.append(Fault.SPARES_EXISTING)
    if entry.exclude_actors:
        faults.append(Fault.EXCLUDES_CALLERS)
    return tuple(Shortfall(fault, kind, policy, entry) for fault in faults)


def _is_too_long(asked: Requirement, entry: Restriction) -> bool:
    longest = asked.longest_accepted
    if entry.kind not in LIFETIME_KINDS or longest is None:
        return False
    return entry.max_lifetime is None or entry.max_lifetime > longest


def _anyone(section: ObjectKind) -> Governed:
    """Who is governed does not depend on more than what it is: dates and exclusions are asked of the entry."""
    return Governed(kind=section, tenant_id=TenantId(""), app_id=AppId(""), created_at=None)
