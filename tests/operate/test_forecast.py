"""What a forecast says of single applications and of all, and what it does not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.operate.policies import entry, section
from tests.snapshots import TAKEN_AT, TENANT, snapshot_of
from unsecret.errors import Invalid, NotFound
from unsecret.model.policy import RestrictionKind
from unsecret.operate.forecasts.forecast import OUTCOMES, Forecast
from unsecret.operate.forecasts.foreseen import Foreseen, Wanted, foreseen
from unsecret.operate.forecasts.scenarios import Asking, Flags, Scenario, Timing, scenarios
from unsecret.operate.snapshots.snapshot_file import Snapshot, open_snapshot
from unsecret.wire.terms import Term, with_term

BLOCK = Flags(block=True)
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
POLICY = "11111111-1111-4111-8111-111111111111"


def at(day: float) -> datetime:
    return TAKEN_AT + timedelta(days=day)


def term(start: float, end: float, **members: Any) -> dict[str, Any]:
    span = {"startDateTime": at(start).isoformat(), "endDateTime": at(end).isoformat()}
    return {"keyId": f"{start}-{end}", **span, **members}


def certificate(start: float, end: float, **members: Any) -> dict[str, Any]:
    return term(start, end, type="AsymmetricX509Cert", usage="Verify", **members)


def application(name: str, **members: Any) -> dict[str, Any]:
    made = {"id": f"{name}-app", "appId": name, "displayName": name, "createdDateTime": "2024-01-01T00:00:00Z"}
    return {**made, "owners": [], **members}


def principal(name: str, **members: Any) -> dict[str, Any]:
    made = {"id": f"{name}-sp", "appId": name.upper(), "displayName": name, "servicePrincipalType": "Application"}
    return {
        **made,
        "createdDateTime": "2024-01-01T00:00:00Z",
        "appOwnerOrganizationId": TENANT,
        "owners": [],
        **members,
    }


APPLICATIONS = [
    application("both", passwordCredentials=[term(-10, 20)], owners=[{"id": "m", "userPrincipalName": "maria@x"}]),
    application("certificate", keyCredentials=[certificate(-100, 300)]),
    application(
        "federated", federatedIdentityCredentials=[{"id": "f", "name": "ci"}], passwordCredentials=[term(-9, 9)]
    ),
    application("over", passwordCredentials=[term(-900, -100), term(-50, -1)]),
    application("empty"),
    application("symmetric", keyCredentials=[term(-1, 90, type="Symmetric", usage="Verify")]),
    application("off", isDisabled=True, passwordCredentials=[term(-1, 90)]),
    application("exempt", passwordCredentials=[term(-1, 40)], appManagementPolicies=[{"id": POLICY}]),
    application("uris", identifierUris=["api://elsewhere", "api://uris"], signInAudience="AzureADMultipleOrgs"),
    application("much later", passwordCredentials=[term(-1, 2000)]),
]
PRINCIPALS = [
    principal("both", keyCredentials=[certificate(-10, 60)]),
    principal("saml", keyCredentials=[term(-1, 500, type="X509CertAndPassword", usage="Sign")]),
    principal("managed", servicePrincipalType="ManagedIdentity", keyCredentials=[certificate(-40, 50)]),
    principal("microsoft's", appOwnerOrganizationId=MICROSOFT),
    principal(
        "vendor's", appOwnerOrganizationId="99999999-9999-4999-8999-999999999999", passwordCredentials=[term(-1, 30)]
    ),
    principal("on its own", passwordCredentials=[term(-1, 35)]),
]
EXEMPTS = {
    "id": POLICY,
    "displayName": "exempts",
    "description": with_term(None, Term(until=date(2027, 3, 31), reason="a move", lifted=("passwordAddition",))),
    "isEnabled": True,
    "restrictions": {"passwordCredentials": [entry("passwordAddition", state="disabled")]},
}
STATE: dict[str, list[Any]] = {
    "applications": APPLICATIONS,
    "servicePrincipals": PRINCIPALS,
    "appManagementPolicies": [EXEMPTS],
    "organization": [{"id": TENANT, "verifiedDomains": [{"name": "contoso.com"}]}],
    "appCredentialSignInActivities": [
        {"keyId": "-10-60", "signInActivity": {"lastSignInDateTime": "2026-11-01T00:00:00Z"}}
    ],
    "servicePrincipalSignInActivities": [
        {"appId": "CERTIFICATE", "lastSignInActivity": {"lastSignInDateTime": "2026-11-02T00:00:00Z"}}
    ],
}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    with open_snapshot(snapshot_of(tmp_path_factory.mktemp("forecast") / "tenant.unsecret", STATE)) as snapshot:
        yield snapshot


def forecast(snapshot: Snapshot, asking: Asking | None = None, **options: Any) -> Forecast:
    return Forecast(snapshot, scenarios(snapshot, asking or Asking(), now=TAKEN_AT), now=TAKEN_AT, **options)


def listed(found: Forecast, *, number: int = 0, **wanted: Any) -> dict[str, Foreseen]:
    applications = foreseen(found, Wanted(outcomes=tuple(OUTCOMES), **wanted))[number].applications
    return {one.display_name: one for one in applications}


def test_every_application_has_one_outcome(taken: Snapshot) -> None:
    assert {name: one.outcome for name, one in listed(forecast(taken)).items()} == {
        "both": "ends",
        "certificate": "ends",
        "federated": "never",
        "over": "ended",
        "empty": "nothing",
        "symmetric": "nothing",
        "off": "disabled",
        "exempt": "ends",
        "uris": "nothing",
        "much later": "ends",
        "saml": "nothing",
        "managed": "managedIdentity",
        "microsoft's": "microsoft",
        "vendor's": "foreign",
        "on its own": "ends",
    }


def test_the_day_is_the_last_of_both_faces_and_is_where_its_credential_says(taken: Snapshot) -> None:
    one = listed(forecast(taken))["both"]
    assert (one.ends_at, one.application_id, one.service_principal_id) == (at(60), "both-app", "both-sp")
    assert one.last is not None
    assert (one.last.held_by, one.last.kind, one.last.end_at) == ("servicePrincipal", "certificate", at(60))


def test_a_block_refuses_secrets_and_leaves_certificates_and_exemptions(taken: Snapshot) -> None:
    found = listed(forecast(taken, Asking(flags=BLOCK)))
    assert {name: one.renewal for name, one in found.items() if one.outcome == "ends"} == {
        "both": "allowed",
        "certificate": "allowed",
        "exempt": "allowed",
        "much later": "refused",
        "on its own": "refused",
    }
    [reason] = found["on its own"].credentials[0].refused_by
    assert (reason.restriction, reason.policy) == ("passwordAddition", "tenant default")
    assert (found["both"].new_secret, found["exempt"].new_secret) == ("refused", "allowed")
    assert found["exempt"].exempt_until == {"passwordAddition": date(2027, 3, 31)}
    assert not found["both"].exempt_until


def test_a_limit_refuses_what_lives_longer(taken: Snapshot) -> None:
    flags = Flags(longest_secret=timedelta(days=45), longest_certificate=timedelta(days=70))
    found = listed(forecast(taken, Asking(flags=flags)))
    assert {name: one.renewal for name, one in found.items() if one.outcome == "ends"} == {
        "both": "allowed",
        "certificate": "refused",
        "exempt": "allowed",
        "much later": "refused",
        "on its own": "allowed",
    }


def test_how_long_a_new_secret_is_meant_to_live_decides_whether_one_can_be_made(taken: Snapshot) -> None:
    asking = Asking(flags=Flags(longest_secret=timedelta(days=90)))
    refused = [listed(forecast(taken, asking, new_secret=timedelta(days=days)))["both"].new_secret for days in (90, 91)]
    assert refused == ["allowed", "refused"]


def test_renewals_are_judged_by_what_is_in_force_on_their_day(taken: Snapshot) -> None:
    asking = Asking(flags=BLOCK, timing=Timing(start=at(36)))
    found = listed(forecast(taken, asking))
    assert (found["on its own"].renewal, found["much later"].renewal) == ("allowed", "refused")


def test_what_exists_can_be_bound_later(taken: Snapshot) -> None:
    asking = Asking(flags=BLOCK, timing=Timing(start=at(1), existing_start=at(38)))
    found = forecast(taken, asking)
    [default] = [phase.policies.default for phase in found.scenarios[0].phases[1:2]]
    assert {one.restrict_for_apps_created_after for one in default.application_restrictions} == {at(1)}
    assert [phase.starts_at for phase in found.scenarios[0].phases] == [TAKEN_AT, at(1), at(38)]
    assert listed(found)["on its own"].renewal == "allowed"
    assert listed(found)["much later"].renewal == "refused"


def test_days_the_wrong_way_round_are_refused(taken: Snapshot) -> None:
    with pytest.raises(Invalid, match="before what is new"):
        forecast(taken, Asking(flags=BLOCK, timing=Timing(start=at(9), existing_start=at(8))))


def test_a_scenario_may_exempt_applications(taken: Snapshot) -> None:
    found = listed(forecast(taken, Asking(flags=BLOCK, exempt=("MUCH LATER",))))
    assert (found["much later"].renewal, found["on its own"].renewal) == ("allowed", "refused")
    with pytest.raises(NotFound, match="nobody"):
        forecast(taken, Asking(flags=BLOCK, exempt=("nobody",)))


def test_uris_and_audiences_that_could_not_be_given_again_are_listed(taken: Snapshot, tmp_path: Path) -> None:
    named = entry("nonDefaultUriAddition")
    body = {
        "isEnabled": True,
        "applicationRestrictions": {
            "identifierUris": {"nonDefaultUriAddition": {"state": named["state"]}},
            "audiences": {"azureAdMultipleOrgs": {"state": "enabled"}},
        },
    }
    (file := tmp_path / "uris.json").write_text(json.dumps(body))
    found = forecast(taken, Asking(files=(file,)))
    values = listed(found)["uris"].values
    assert [(one.what, one.value) for one in values] == [
        ("audience", "AzureADMultipleOrgs"),
        ("identifierUri", "api://elsewhere"),
    ]
    assert values[1].refused_by[0].restriction == RestrictionKind.NON_DEFAULT_URI_ADDITION
    assert found.summary(0).values_refused == 1


def test_policies_stand_side_by_side(taken: Snapshot, tmp_path: Path) -> None:
    (file := tmp_path / "ours.toml").write_text(
        "[defaultAppManagementPolicy]\nisEnabled = true\n"
        "[defaultAppManagementPolicy.servicePrincipalRestrictions.passwordCredentials.passwordAddition]\n"
        'state = "enabled"\n'
    )
    found = forecast(taken, Asking(files=(file,), profiles=("cisa",), flags=BLOCK))
    assert [one.name for one in found.scenarios] == ["ours.toml", "cisa", "block new secrets"]
    assert [listed(found, number=number)["much later"].renewal for number in range(3)] == [
        "allowed",
        "refused",
        "refused",
    ]
    assert [listed(found, number=number)["on its own"].renewal for number in range(3)] == ["refused"] * 3


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "not JSON"), ('{"isEnabled": 1}', "isEnabled"), ('{"restrictions": {}}', "restrictions")],
)
def test_a_proposal_that_graph_would_not_take_is_refused(
    taken: Snapshot, tmp_path: Path, content: str, said: str
) -> None:
    (file := tmp_path / "wrong.json").write_text(content)
    with pytest.raises(Invalid, match=said):
        forecast(taken, Asking(files=(file,)))
    with pytest.raises(NotFound, match=r"absent\.json"):
        forecast(taken, Asking(files=(tmp_path / "absent.json",)))


def test_used_unused_and_unknown_are_three_things(taken: Snapshot, tmp_path: Path) -> None:
    found = listed(forecast(taken))
    assert {name: found[name].use for name in ("both", "certificate", "much later")} == {
        "both": "used",
        "certificate": "used",
        "much later": "unused",
    }
    assert found["certificate"].last_seen_at == datetime(2026, 11, 2, tzinfo=UTC)
    reports = {"appCredentialSignInActivities": "not permitted", "servicePrincipalSignInActivities": "not permitted"}
    blind = snapshot_of(tmp_path / "blind", {**STATE, **{name: [] for name in reports}}, missing=reports)
    with open_snapshot(blind) as snapshot:
        assert {one.use for one in listed(forecast(snapshot)).values()} == {"unknown"}


def test_owners_who_were_not_read_are_not_nobody(taken: Snapshot, tmp_path: Path) -> None:
    assert listed(forecast(taken))["both"].owners == ("maria@x",)
    assert listed(forecast(taken))["certificate"].owners == ()
    unread = snapshot_of(tmp_path / "unread", STATE, missing={"owners": "not permitted"})
    with open_snapshot(unread) as snapshot:
        assert listed(forecast(snapshot))["certificate"].owners is None


def test_the_summary_counts_what_is_listed(taken: Snapshot) -> None:
    found = forecast(taken, Asking(flags=BLOCK))
    said = found.summary(0)
    everything = listed(found)
    assert said.applications == len(everything) == len({one["appId"].lower() for one in APPLICATIONS + PRINCIPALS})
    assert said.cannot_renew == 2
    assert (said.cannot_renew_by_use.used, said.cannot_renew_by_use.unused) == (0, 2)
    assert sum(week.ends for week in said.weeks) == said.outcomes["ends"] == 5
    assert sum(week.refused for week in said.weeks) == 2
    nobodys = {"managed", "microsoft's", "vendor's"}
    refused = {name for name, one in everything.items() if one.new_secret == "refused"}
    assert nobodys <= refused
    assert said.new_secrets_refused == len(refused - nobodys)
    assert said.weeks[-1].starts_on is None
    assert said.weeks[-1].ends == 1
    assert said.renewals_refused == sum(
        any(one.renewal == "refused" and one.end_at and one.end_at > TAKEN_AT for one in each.credentials)
        for each in everything.values()
    )


def test_a_week_begins_on_a_monday_at_midnight(tmp_path: Path) -> None:
    """Snapshots are taken on a Sunday at noon here: the next week begins twelve hours later."""
    ends = {"sunday": 0.4999, "monday": 0.5, "next sunday": 7.4999}
    state = {"applications": [application(name, passwordCredentials=[term(-1, day)]) for name, day in ends.items()]}
    with open_snapshot(snapshot_of(tmp_path / "weeks", state)) as snapshot:
        weeks = forecast(snapshot).summary(0).weeks
    assert [(str(week.starts_on), week.ends) for week in weeks[:3]] == [
        ("2026-11-16", 1),
        ("2026-11-23", 2),
        ("2026-11-30", 0),
    ]


@pytest.mark.parametrize(("days", "number"), [(34, 0), (35, 1), (3000, 2)])
def test_what_cannot_be_renewed_in_time_fails(taken: Snapshot, days: int, number: int) -> None:
    assert forecast(taken, Asking(flags=BLOCK)).fails_within(timedelta(days=days)) == number
    assert forecast(taken).fails_within(timedelta(days=days)) == 0


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["both", "certificate", "empty", "exempt", "federated", "much later", "off", "on its own", "over"]),
        ({"within": timedelta(days=50)}, ["exempt", "on its own"]),
        ({"use": "used"}, ["both", "certificate"]),
        ({"apps": ("VENDOR'S", "both-sp")}, ["both", "vendor's"]),
        ({"outcomes": ("managedIdentity",)}, ["managed"]),
        ({"at_most": 2}, ["exempt", "on its own"]),
        ({"at_most": 2, "order": "name"}, ["both", "certificate"]),
    ],
)
def test_what_is_listed_can_be_chosen(taken: Snapshot, wanted: dict[str, Any], names: list[str]) -> None:
    found = foreseen(forecast(taken), Wanted(**wanted))[0]
    listed = sorted(one.display_name for one in found.applications)
    assert set(names) <= set(listed)
    if wanted:
        assert names == listed
    assert found.matching >= len(listed)


def test_only_those_that_are_refused_anything_in_any_scenario(taken: Snapshot) -> None:
    asking = Asking(flags=Flags(longest_certificate=timedelta(days=70)))
    found = foreseen(forecast(taken, asking), Wanted(refused=True))[0]
    assert [one.display_name for one in found.applications] == ["certificate", "saml"]


def test_the_day_itself_is_one_of_the_phase_that_begins_on_it(taken: Snapshot) -> None:
    """A credential that ends at the instant at which the block comes into force cannot be renewed then."""
    found = listed(forecast(taken, Asking(flags=BLOCK, timing=Timing(start=at(35)))))
    assert found["on its own"].renewal == "refused"


def test_a_proposal_for_the_past_is_in_force_from_the_beginning(taken: Snapshot) -> None:
    [one] = scenarios(taken, Asking(flags=BLOCK, timing=Timing(start=at(-9))), now=TAKEN_AT)
    assert isinstance(one, Scenario)
    assert [phase.starts_at for phase in one.phases] == [TAKEN_AT]
    assert one.phases[0].policies.default.is_enabled
    assert replace(one.phases[0], starts_at=at(1)).starts_at == at(1)


def test_a_gap_before_the_last_day_is_told(tmp_path: Path) -> None:
    state = {"applications": [application("gap", passwordCredentials=[term(-5, 5), term(8, 20)])]}
    with open_snapshot(snapshot_of(tmp_path / "gap", state)) as snapshot:
        one = listed(forecast(snapshot))["gap"]
    assert [(gap.start_at, gap.end_at) for gap in one.gaps] == [(at(5), at(8))]


def test_a_section_of_its_own_binds_service_principals(taken: Snapshot, tmp_path: Path) -> None:
    body = {"isEnabled": True, "servicePrincipalRestrictions": section([entry("passwordAddition")])}
    (file := tmp_path / "principals.json").write_text(json.dumps(body))
    found = listed(forecast(taken, Asking(files=(file,))))
    assert (found["on its own"].renewal, found["much later"].renewal) == ("refused", "allowed")


def test_who_issued_a_certificate_decides_where_that_is_known(taken: Snapshot, tmp_path: Path) -> None:
    """The bytes of none of these certificates were read, so nobody can say."""
    authority = "22222222-2222-4222-8222-222222222222"
    trusted = entry("trustedCertificateAuthority", certificateBasedApplicationConfigurationIds=[authority])
    body = {"isEnabled": True, "applicationRestrictions": section(keys=[trusted])}
    (file := tmp_path / "authorities.json").write_text(json.dumps(body))
    found = forecast(taken, Asking(files=(file,)))
    one = listed(found)["certificate"]
    assert (one.renewal, one.credentials[0].unsure) == ("not known", ("trustedCertificateAuthority",))
    assert found.summary(0).renewal_not_known == 1
    assert found.fails_within(timedelta(days=365)) == 1
