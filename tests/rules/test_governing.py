"""Which entry of which policy governs, and when it binds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from tests.rules.worlds import CUSTOM_ID, DEFAULT_ID
from unsecret.model.application import ObjectKind
from unsecret.model.change import Actor, Governed
from unsecret.model.identifiers import AppId, TenantId
from unsecret.model.policy import (
    ActorExemption,
    AppManagementPolicy,
    Restriction,
    RestrictionKind,
    RestrictionState,
    TenantDefault,
)
from unsecret.rules.governing import CREATED_WHEN_UNKNOWN, binds, governing

PASSWORDS = RestrictionKind.PASSWORD_ADDITION
URIS = RestrictionKind.NON_DEFAULT_URI_ADDITION

APPLICATION = Governed(
    kind=ObjectKind.APPLICATION,
    tenant_id=TenantId("aaaabbbb-0000-cccc-1111-dddd2222eeee"),
    app_id=AppId("00001111-aaaa-2222-bbbb-3333cccc4444"),
    created_at=datetime(2021, 1, 1, 10, 37, tzinfo=UTC),
)
SERVICE_PRINCIPAL = msgspec.structs.replace(APPLICATION, kind=ObjectKind.SERVICE_PRINCIPAL)

ENABLED = Restriction(kind=PASSWORDS)
DISABLED = Restriction(kind=PASSWORDS, state=RestrictionState.DISABLED)
ON_URIS = Restriction(kind=URIS)


def _default(*, is_enabled: bool = True, app: tuple[Restriction, ...] = (), sp: tuple[Restriction, ...] = ()):
    return TenantDefault(
        id=DEFAULT_ID, is_enabled=is_enabled, application_restrictions=app, service_principal_restrictions=sp
    )


def _custom(*entries: Restriction, is_enabled: bool = True) -> AppManagementPolicy:
    return AppManagementPolicy(id=CUSTOM_ID, display_name="Custom", is_enabled=is_enabled, restrictions=entries)


@pytest.mark.parametrize(
    ("default", "custom", "governed", "expected"),
    [
        pytest.param(_default(), None, APPLICATION, None, id="nothing is written"),
        pytest.param(_default(app=(ENABLED,)), None, APPLICATION, (DEFAULT_ID, ENABLED), id="the default"),
        pytest.param(_default(is_enabled=False, app=(ENABLED,)), None, APPLICATION, None, id="the default is off"),
        pytest.param(_default(app=(ENABLED,)), None, SERVICE_PRINCIPAL, None, id="the other section"),
        pytest.param(_default(sp=(ENABLED,)), None, SERVICE_PRINCIPAL, (DEFAULT_ID, ENABLED), id="its own section"),
        pytest.param(_default(app=(ENABLED,)), _custom(DISABLED), APPLICATION, (CUSTOM_ID, DISABLED), id="custom wins"),
        pytest.param(
            _default(app=(ENABLED,)),
            _custom(DISABLED, is_enabled=False),
            APPLICATION,
            (DEFAULT_ID, ENABLED),
            id="custom is off",
        ),
        pytest.param(
            _default(app=(ENABLED,)),
            _custom(ON_URIS),
            APPLICATION,
            (DEFAULT_ID, ENABLED),
            id="custom speaks of something else",
        ),
        pytest.param(
            _default(is_enabled=False), _custom(ENABLED), APPLICATION, (CUSTOM_ID, ENABLED), id="custom without default"
        ),
    ],
)
def test_custom_over_default_and_each_section_for_its_kind_of_object(
    default: TenantDefault,
    custom: AppManagementPolicy | None,
    governed: Governed,
    expected: tuple[str, Restriction] | None,
) -> None:
    found = governing(PASSWORDS, default, custom, governed)

    assert (found and (found[0].id, found[1])) == expected


@pytest.mark.parametrize("custom", [None, _custom(ON_URIS)])
def test_nothing_about_applications_alone_governs_a_service_principal(custom: AppManagementPolicy | None) -> None:
    assert governing(URIS, _default(app=(ON_URIS,), sp=(ON_URIS,)), custom, SERVICE_PRINCIPAL) is None


@pytest.mark.parametrize(
    ("created", "since", "bound"),
    [
        (datetime(2021, 1, 1, 10, 37, tzinfo=UTC), None, True),
        (datetime(2021, 1, 1, 10, 37, tzinfo=UTC), datetime(2021, 1, 1, 10, 37, tzinfo=UTC), True),
        (datetime(2021, 1, 1, 10, 36, 59, 999999, tzinfo=UTC), datetime(2021, 1, 1, 10, 37, tzinfo=UTC), False),
        (
            datetime(2021, 1, 1, 10, 37, tzinfo=UTC),
            datetime(2021, 1, 1, 12, 37, tzinfo=timezone(timedelta(hours=2))),
            True,
        ),
        (None, None, True),
        (None, CREATED_WHEN_UNKNOWN, True),
        (None, CREATED_WHEN_UNKNOWN + timedelta(microseconds=1), False),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), True),
    ],
)
def test_a_date_includes_itself_and_unknown_age_is_2019(
    created: datetime | None, since: datetime | None, bound: bool
) -> None:
    entry = Restriction(kind=PASSWORDS, restrict_for_apps_created_after=since)
    governed = msgspec.structs.replace(APPLICATION, created_at=created)

    assert binds(entry, governed, Actor()) is bound


def test_a_disabled_entry_binds_nobody() -> None:
    assert not binds(DISABLED, APPLICATION, Actor())


X = ActorExemption("Set_Name", "X")


@pytest.mark.parametrize(
    ("exemptions", "principals", "bound"),
    [
        pytest.param((X,), (), True, id="nobody known"),
        pytest.param((X,), ({"Set_Name": "X"},), False, id="holds it"),
        pytest.param((X,), ({"Set_Name": "x"},), True, id="case matters"),
        pytest.param((X,), ({"set_name": "X"},), True, id="case of the name matters"),
        pytest.param((X,), ({}, {"Set_Name": "X"}), False, id="the second principal holds it"),
        pytest.param((ActorExemption("Set_Other", "Y"), X), ({"Set_Name": "X"},), False, id="any exemption"),
        pytest.param((ActorExemption("Set_Name", None),), ({},), True, id="no value, no attribute"),
        pytest.param((ActorExemption("Set_Name", ""),), ({},), True, id="an empty value is not a missing attribute"),
        pytest.param((ActorExemption("Set_Name", ""),), ({"Set_Name": ""},), False, id="an empty value is a value"),
    ],
)
def test_one_principal_with_one_exempt_attribute_is_enough(
    exemptions: tuple[ActorExemption, ...], principals: tuple[dict[str, str], ...], bound: bool
) -> None:
    entry = Restriction(kind=PASSWORDS, exclude_actors=exemptions)

    assert binds(entry, APPLICATION, Actor(principals)) is bound


@pytest.mark.parametrize(
    ("kind", "excludes_v2", "excludes_saml", "version", "saml", "bound"),
    [
        (URIS, True, False, 2, False, False),
        (URIS, True, False, 1, False, True),
        (URIS, True, False, None, True, True),
        (URIS, False, True, 2, False, True),
        (URIS, False, True, None, True, False),
        (URIS, None, None, 2, True, True),
        (PASSWORDS, True, True, 2, True, True),
    ],
)
def test_the_exclusions_of_identifier_uris_are_independent_and_theirs_alone(
    kind: RestrictionKind,
    excludes_v2: bool | None,
    excludes_saml: bool | None,
    version: int | None,
    saml: bool,
    bound: bool,
) -> None:
    entry = Restriction(kind=kind, exclude_apps_receiving_v2_tokens=excludes_v2, exclude_saml=excludes_saml)
    governed = msgspec.structs.replace(APPLICATION, requested_access_token_version=version, signs_in_with_saml=saml)

    assert binds(entry, governed, Actor()) is bound
