"""Applications on one line each: what is counted, what is unknown, whose they are, and which are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.snapshots import TAKEN_AT, TENANT, snapshot_of
from unsecret.errors import Invalid, NotFound
from unsecret.operate.applications.inventory import Application, Origin, applications
from unsecret.operate.applications.listing import first_page, listed
from unsecret.operate.applications.one_application import read_one
from unsecret.operate.applications.selection import ORDERS, Wanted
from unsecret.operate.snapshots.snapshot_file import open_snapshot

MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
SHORT = "22222222-2222-4222-8222-222222222222"


def secret(key_id: str, start: str, end: str) -> dict[str, Any]:
    return {"keyId": key_id, "startDateTime": f"{start}T00:00:00Z", "endDateTime": f"{end}T00:00:00Z"}


def registered(number: int, name: str, **members: Any) -> dict[str, Any]:
    created = {"createdDateTime": "2024-01-01T00:00:00Z"}
    return {"id": f"app-{number}", "appId": f"client-{number}", "displayName": name, **created, **members}


def principal(number: int, name: str, **members: Any) -> dict[str, Any]:
    kind = {"servicePrincipalType": "Application", "appOwnerOrganizationId": TENANT}
    return {"id": f"sp-{number}", "appId": f"client-{number}", "displayName": name, **kind, **members}


def block(kind: str = "passwordAddition", **members: Any) -> dict[str, Any]:
    return {"restrictionType": kind, "state": "enabled", "restrictForAppsCreatedAfterDateTime": None, **members}


STATE: dict[str, list[Any]] = {
    "applications": [
        registered(
            1,
            "Payroll",
            passwordCredentials=[
                secret("live", "2026-01-01", "2027-01-01"),
                secret("long", "2020-01-01", "2030-01-01"),
                secret("gone", "2020-01-01", "2021-01-01"),
            ],
            owners=[{"@odata.type": "#microsoft.graph.user", "id": "u", "userPrincipalName": "maria@contoso.com"}],
        ),
        registered(2, "Website", passwordCredentials=[secret("short", "2026-10-01", "2026-12-01")]),
        registered(3, "ConnectSyncProvisioning_HOST_1"),
    ],
    "servicePrincipals": [
        principal(1, "Payroll", passwordCredentials=[secret("own", "2026-01-01", "2026-12-31")]),
        principal(2, "Website"),
        principal(4, "Identity of a machine", servicePrincipalType="ManagedIdentity"),
        principal(5, "Microsoft's", appOwnerOrganizationId=MICROSOFT),
        principal(6, "Microsoft's, with a secret", appOwnerOrganizationId=MICROSOFT,
                  passwordCredentials=[secret("added", "2026-01-01", "2027-01-01")]),
        principal(7, "A partner's", appOwnerOrganizationId="99999999-9999-4999-8999-999999999999"),
    ],
    "defaultAppManagementPolicy": [
        {
            "id": "00000000-0000-0000-0000-000000000000",
            "isEnabled": True,
            "applicationRestrictions": {"passwordCredentials": [block()], "keyCredentials": []},
            "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []},
        }
    ],
    "appManagementPolicies": [
        {
            "id": SHORT,
            "displayName": "Short secrets",
            "isEnabled": True,
            "restrictions": {
                "passwordCredentials": [
                    {**block(), "state": "disabled"},
                    block("passwordLifetime", maxLifetime="P90D"),
                ]
            },
            "appliesTo": [{"id": "app-2"}, {"id": "sp-2"}],
        }
    ],
    "appCredentialSignInActivities": [
        {"keyId": "live", "signInActivity": {"lastSignInDateTime": "2026-11-01T00:00:00Z"}}
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot_of(tmp_path_factory.mktemp("inventory") / "tenant.unsecret", STATE)


@pytest.fixture(scope="module")
def found(taken: Path) -> Mapping[str, Application]:
    with open_snapshot(taken) as snapshot:
        return {one.display_name: one for one in applications(snapshot, now=TAKEN_AT)}


def test_the_credentials_of_both_faces_are_one_applications(found: Mapping[str, Application]) -> None:
    payroll = found["Payroll"].secrets
    assert (payroll.live, payroll.expired, payroll.used, payroll.unused) == (3, 1, 1, 2)
    assert payroll.longest_days == 3653
    assert f"{payroll.next_end_at:%Y-%m-%d}" == "2026-12-31"


def test_used_unused_and_unknown_are_three_things(tmp_path: Path, found: Mapping[str, Application]) -> None:
    assert (found["Payroll"].use, found["Website"].use) == ("used", "unused")
    reports = {"appCredentialSignInActivities": "refused", "servicePrincipalSignInActivities": "refused"}
    state = {**STATE, "appCredentialSignInActivities": []}
    with open_snapshot(snapshot_of(tmp_path / "s", state, missing=reports)) as snapshot:
        assert {one.use for one in applications(snapshot, now=TAKEN_AT)} == {"unknown"}


def test_owners_who_were_not_read_are_not_nobody(tmp_path: Path, found: Mapping[str, Application]) -> None:
    assert found["Website"].owners == ()
    with open_snapshot(snapshot_of(tmp_path / "s", STATE, missing={"owners": "refused"})) as snapshot:
        owners = {one.display_name: one.owners for one in applications(snapshot, now=TAKEN_AT)}
    assert owners["Website"] is None
    assert owners["Payroll"] == ("maria@contoso.com",)


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("Payroll", Origin.OWN),
        ("Identity of a machine", Origin.MANAGED_IDENTITY),
        ("Microsoft's", Origin.MICROSOFT),
        ("A partner's", Origin.FOREIGN),
    ],
)
def test_whose_an_application_is(found: Mapping[str, Application], name: str, origin: Origin) -> None:
    assert found[name].origin is origin


def test_what_renews_itself_is_told_apart(found: Mapping[str, Application]) -> None:
    assert "Connect Sync" in (found["ConnectSyncProvisioning_HOST_1"].renews_itself or "")
    assert found["Payroll"].renews_itself is None


def test_the_policy_says_what_may_be_created_on_either_face(found: Mapping[str, Application]) -> None:
    assert {one.on: (one.says, one.policy) for one in found["Payroll"].new_secrets} == {
        "application": ("blocked", "the tenant default"),
        "servicePrincipal": ("allowed", None),
    }
    assert {(one.says, one.policy) for one in found["Website"].new_secrets} == {("at most 90 days", "'Short secrets'")}
    assert found["Website"].policy_id == SHORT


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted(), {
            "Payroll", "Website", "ConnectSyncProvisioning_HOST_1", "Microsoft's, with a secret", "A partner's",
        }),
        (Wanted(holding=("secrets", "expired")), {"Payroll"}),
        (Wanted(holding=("nothing",), origins=("own",)), {"ConnectSyncProvisioning_HOST_1"}),
        (Wanted(origins=("managedIdentity",)), {"Identity of a machine"}),
        (Wanted(use="used"), {"Payroll"}),
        (Wanted(owner="maria@*"), {"Payroll"}),
        (Wanted(is_ownerless=True, holding=("secrets",)), {"Website", "Microsoft's, with a secret"}),
        (Wanted(expires_within=timedelta(days=14)), {"Website"}),
        (Wanted(name="Web*"), {"Website"}),
        (Wanted(name="client-1"), {"Payroll"}),
        (Wanted(risk="high"), {"Payroll"}),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_only_what_is_asked_for_is_listed(taken: Path, wanted: Wanted, names: set[str]) -> None:
    with open_snapshot(taken) as snapshot:
        listing = listed(snapshot, wanted, sort="name", at_most=None, now=TAKEN_AT)
    assert {line.name for line in listing.lines} == names
    assert (listing.matching, listing.total) == (len(names), 7)


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("risk", "Payroll"),
        ("name", "A partner's"),
        ("expiry", "Website"),
        ("age", "Payroll"),
        ("use", "Microsoft's, with a secret"),
    ],
)
def test_every_order_begins_where_it_says(taken: Path, sort: str, first: str) -> None:
    assert sort in ORDERS
    with open_snapshot(taken) as snapshot:
        listing = listed(snapshot, Wanted(), sort=sort, at_most=1, now=TAKEN_AT)
    assert [line.name for line in listing.lines] == [first]


def test_the_first_page_that_lies_ready_is_the_page_that_is_worked_out(taken: Path) -> None:
    with open_snapshot(taken) as snapshot:
        worked_out = listed(snapshot, Wanted(), sort="risk", at_most=3, now=TAKEN_AT)
    ready = first_page(taken, 3)
    assert ready is not None
    assert ready == worked_out._replace(applications=())


def test_one_application_is_found_by_any_of_its_names(taken: Path) -> None:
    with open_snapshot(taken) as snapshot:
        for name in ("Payroll", "payroll", "CLIENT-1", "app-1", "sp-1"):
            assert read_one(snapshot, name, now=TAKEN_AT).application.app_id == "client-1"
        for slip in ("Pay", "Payrol", "pyaroll"):
            with pytest.raises(NotFound, match=f"no application '{slip}'") as refused:
                read_one(snapshot, slip, now=TAKEN_AT)
            assert refused.value.hint == "Did you mean 'Payroll'?"
        with pytest.raises(NotFound) as refused:
            read_one(snapshot, "nothing like it", now=TAKEN_AT)
        assert "`unsecret apps list` shows them" in (refused.value.hint or "")


def test_capitals_matter_where_names_differ_by_nothing_else(tmp_path: Path) -> None:
    state = {"applications": [registered(1, "Twin"), registered(2, "twin")]}
    with open_snapshot(snapshot_of(tmp_path / "s", state)) as snapshot:
        assert read_one(snapshot, "twin", now=TAKEN_AT).application.app_id == "client-2"
        with pytest.raises(Invalid, match="client-1, client-2"):
            read_one(snapshot, "TWIN", now=TAKEN_AT)


def test_a_name_that_several_have_is_nobodys(tmp_path: Path) -> None:
    state = {"applications": [registered(1, "Twin"), registered(2, "Twin")]}
    with (
        open_snapshot(snapshot_of(tmp_path / "s", state)) as snapshot,
        pytest.raises(Invalid, match="client-1, client-2"),
    ):
        read_one(snapshot, "Twin", now=TAKEN_AT)


def test_one_application_shows_every_credential_and_what_governs_each_face(taken: Path) -> None:
    with open_snapshot(taken) as snapshot:
        whole = read_one(snapshot, "Payroll", now=TAKEN_AT)
    assert {(one.key_id, one.held_by, one.state, one.use) for one in whole.credentials} == {
        ("live", "application", "live", "used"),
        ("long", "application", "live", "unused"),
        ("gone", "application", "expired", "unused"),
        ("own", "servicePrincipal", "live", "unused"),
    }
    assert [(one.kind, [entry.kind for entry in one.restrictions]) for one in whole.governed] == [
        ("application", ["passwordAddition"]),
        ("servicePrincipal", []),
    ]
