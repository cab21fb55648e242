"""How entries fall short of a requirement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from unsecret.model.application import ObjectKind
from unsecret.model.identifiers import PolicyId
from unsecret.model.policy import (
    ActorExemption,
    AppManagementPolicy,
    Restriction,
    RestrictionKind,
    RestrictionState,
    TenantDefault,
)
from unsecret.model.profile import Requirement
from unsecret.rules.shortfalls import Fault, shortfalls

K = RestrictionKind
APP, PRINCIPAL = ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL
HALF = timedelta(days=180)
BLOCKED = Requirement(id="1", title="1", kinds=(K.PASSWORD_ADDITION,))
SHORT = Requirement(id="2", title="2", kinds=(K.PASSWORD_LIFETIME,), longest=HALF)
SHORT_OR_BLOCKED = Requirement(id="3", title="3", kinds=(K.PASSWORD_LIFETIME,), longest=HALF, or_blocked=True)
ABOUT_HALF = Requirement(
    id="4", title="4", kinds=(K.PASSWORD_LIFETIME,), longest=HALF, accepts=HALF + timedelta(days=1)
)
OFF, DATE = RestrictionState.DISABLED, datetime(2025, 1, 1, tzinfo=UTC)
EXEMPT = (ActorExemption("A_B", "c"),)


def block(**members: Any) -> Restriction:
    return Restriction(kind=K.PASSWORD_ADDITION, **members)


def limit(days: float | None, **members: Any) -> Restriction:
    longest = None if days is None else timedelta(days=days)
    return Restriction(kind=K.PASSWORD_LIFETIME, max_lifetime=longest, **members)


def default(*entries: Restriction, is_enabled: bool = True) -> TenantDefault:
    return TenantDefault(is_enabled=is_enabled, application_restrictions=entries)


def custom(*entries: Restriction, is_enabled: bool = True) -> AppManagementPolicy:
    return AppManagementPolicy(id=PolicyId("c"), display_name="c", is_enabled=is_enabled, restrictions=entries)


@pytest.mark.parametrize(
    ("asked", "entries", "faults"),
    [
        (BLOCKED, [block()], []),
        (BLOCKED, [], [Fault.NOT_RESTRICTED]),
        (BLOCKED, [limit(1)], [Fault.NOT_RESTRICTED]),
        (BLOCKED, [block(state=OFF)], [Fault.DISABLED]),
        (BLOCKED, [block(restrict_for_apps_created_after=DATE)], [Fault.SPARES_EXISTING]),
        (BLOCKED, [block(restrict_for_apps_created_after=datetime(1, 1, 1, tzinfo=UTC))], []),
        (BLOCKED, [block(exclude_actors=EXEMPT)], [Fault.EXCLUDES_CALLERS]),
        (
            BLOCKED,
            [block(exclude_actors=EXEMPT, restrict_for_apps_created_after=DATE)],
            [Fault.SPARES_EXISTING, Fault.EXCLUDES_CALLERS],
        ),
        (SHORT, [limit(180)], []),
        (SHORT, [limit(30)], []),
        (SHORT, [limit(180.5)], [Fault.LIMIT_TOO_LONG]),
        (SHORT, [limit(None)], [Fault.LIMIT_TOO_LONG]),
        (SHORT, [block()], [Fault.NOT_RESTRICTED]),
        (SHORT_OR_BLOCKED, [block()], []),
        (SHORT_OR_BLOCKED, [block(state=OFF)], [Fault.NOT_RESTRICTED]),
        (SHORT_OR_BLOCKED, [block(exclude_actors=EXEMPT)], [Fault.NOT_RESTRICTED]),
        (ABOUT_HALF, [limit(181)], []),
        (ABOUT_HALF, [limit(182)], [Fault.LIMIT_TOO_LONG]),
    ],
)
def test_an_entry_of_the_tenant_default_falls_short(
    asked: Requirement, entries: list[Restriction], faults: list[Fault]
) -> None:
    (kind,) = asked.kinds

    found = shortfalls(asked, kind, default(*entries), None, APP)

    assert [one.fault for one in found] == faults


def test_what_is_said_of_applications_is_not_said_of_service_principals() -> None:
    found = shortfalls(BLOCKED, K.PASSWORD_ADDITION, default(block()), None, PRINCIPAL)

    assert [one.fault for one in found] == [Fault.NOT_RESTRICTED]


def test_a_policy_that_is_off_is_the_fault_whatever_it_says() -> None:
    found = shortfalls(BLOCKED, K.PASSWORD_ADDITION, default(block(), is_enabled=False), None, APP)

    assert [one.fault for one in found] == [Fault.POLICY_OFF]


@pytest.mark.parametrize(
    ("linked", "faults"),
    [
        (custom(block(state=OFF)), [Fault.DISABLED]),
        (custom(block(exclude_actors=EXEMPT)), [Fault.EXCLUDES_CALLERS]),
        (custom(block(state=OFF), is_enabled=False), []),
        (custom(limit(9999)), []),
        (custom(), []),
    ],
)
def test_a_custom_policy_weakens_only_what_it_speaks_of(linked: AppManagementPolicy, faults: list[Fault]) -> None:
    found = shortfalls(BLOCKED, K.PASSWORD_ADDITION, default(block()), linked, APP)

    assert [(one.fault, one.policy) for one in found] == [(fault, linked) for fault in faults]


def test_a_custom_policy_that_is_as_strict_makes_up_for_the_tenant_default() -> None:
    found = shortfalls(BLOCKED, K.PASSWORD_ADDITION, default(is_enabled=False), custom(block()), APP)

    assert found == ()
