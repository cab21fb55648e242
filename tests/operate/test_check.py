"""Tenants held against profiles: what scanners pass over, what policies came too late for, and what is not known."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.operate.checked import (
    BLOCKS,
    CERTIFICATES,
    GOOD,
    NO_SECRETS,
    OFF,
    SHORT_CERTIFICATES,
    SHORT_SECRETS,
    ZERO,
    Hold,
    Json,
    application,
    both,
    certificate,
    guid,
    of,
    outcomes,
    secret,
)
from tests.operate.policies import custom_policy, default_policy, entry, exemption, section
from unsecret.operate.checks.findings import Outcome, Report
from unsecret.rules.profiles import PROFILES
from unsecret.wire.terms import Term, with_term

SPARING = "2025-06-01T00:00:00Z"


def test_a_tenant_that_does_what_is_asked_has_no_findings(hold: Hold) -> None:
    report = hold(applications=[application(1)])

    assert set(outcomes(report).values()) == {Outcome.HOLDS}
    assert report.is_met
    assert report.findings == ()


SCANNERS_MISTAKES = [
    pytest.param(both(OFF), "disabled", id="on, with every entry disabled: a scanner that asks isEnabled only"),
    pytest.param(both([]), "not-restricted", id="on, and empty"),
    pytest.param(both(BLOCKS, is_enabled=False), "policy-off", id="off, with the right entries"),
    pytest.param(
        default_policy(applications=GOOD, service_principals=section([], CERTIFICATES)),
        "not-restricted",
        id="applications only: a scanner that never reads servicePrincipalRestrictions",
    ),
    pytest.param(both(BLOCKS[:1]), "not-restricted", id="no symmetric keys, which are secrets by another name"),
    pytest.param(
        both([{**one, "restrictForAppsCreatedAfterDateTime": SPARING} for one in BLOCKS]),
        "spares-existing",
        id="a date that spares what is there",
    ),
    pytest.param(
        both([{**one, "excludeActors": exemption("Pipeline")} for one in BLOCKS]),
        "excludes-callers",
        id="callers who are excluded",
    ),
]


@pytest.mark.parametrize(("default", "check_name"), SCANNERS_MISTAKES)
def test_what_scanners_pass_is_found(hold: Hold, default: Json, check_name: str) -> None:
    report = hold(default=default, applications=[application(1)], principals=[application(2)])

    found = of(report, NO_SECRETS)
    assert [one.check for one in found] == [check_name]
    assert outcomes(report)[NO_SECRETS] is Outcome.FAILS
    assert not report.is_met


@pytest.mark.parametrize(
    ("lifetime", "holds"),
    [
        ("P180D", True),
        ("P180DT0H0M0S", True),
        ("PT4320H", True),
        ("P179DT23H59M60S", True),
        ("P181D", True),
        ("P181DT0H0M1S", False),
        ("P366D", False),
        ("PT4345H", False),
    ],
)
def test_a_duration_is_read_however_it_is_spelled(hold: Hold, lifetime: str, holds: bool) -> None:
    kinds = ("passwordLifetime", "symmetricKeyLifetime")
    report = hold(default=both([entry(kind, maxLifetime=lifetime) for kind in kinds]))

    assert outcomes(report)[SHORT_SECRETS] is (Outcome.HOLDS if holds else Outcome.FAILS)


def test_a_limit_is_met_where_there_can_be_no_secrets_if_the_standard_takes_it_so(hold: Hold) -> None:
    assert outcomes(hold())[SHORT_SECRETS] is Outcome.HOLDS
    assert outcomes(hold(PROFILES["cis"]))["5.1.5.4"] is Outcome.FAILS


def test_a_date_that_spares_nobody_is_no_finding_and_one_to_come_always_is(hold: Hold) -> None:
    def dated(start: str, created: str) -> Report:
        blocks = [{**one, "restrictForAppsCreatedAfterDateTime": start} for one in BLOCKS]
        return hold(default=both(blocks), applications=[application(1, createdDateTime=created)])

    assert outcomes(dated(SPARING, "2025-07-01T00:00:00Z"))[NO_SECRETS] is Outcome.HOLDS
    spared = of(dated(SPARING, "2025-01-01T00:00:00Z"), NO_SECRETS)
    assert [one.check for one in spared] == ["spares-existing"]
    assert spared[0].evidence == (
        "applications: passwordAddition, symmetricKeyAddition enabled for those created from 2025-06-01T00:00:00Z",
        "applications that were there before: 1",
    )
    coming = of(dated("2027-01-01T00:00:00Z", "2025-07-01T00:00:00Z"), NO_SECRETS)
    assert "still to come" in coming[0].why


def test_an_object_without_a_date_counts_as_created_in_2019(hold: Hold) -> None:
    def dated(start: str) -> Outcome:
        blocks = [{**one, "restrictForAppsCreatedAfterDateTime": start} for one in BLOCKS]
        report = hold(default=both(blocks), principals=[application(1, createdDateTime=None)])
        return outcomes(report)[NO_SECRETS]

    assert dated("2019-01-01T00:00:00Z") is Outcome.HOLDS
    assert dated("2019-01-01T00:00:01Z") is Outcome.FAILS


def test_a_custom_policy_that_weakens_the_default_is_named_with_whom_it_frees(hold: Hold) -> None:
    lifting = {**custom_policy(OFF), "appliesTo": [{"id": guid(1)}, {"id": guid(2)}]}
    report = hold(applications=[application(1)], principals=[application(2, "Payroll job")], customs=[lifting])

    (found,) = of(report, NO_SECRETS)
    assert found.check == "weakened:disabled"
    assert found.subject.policy_id == lifting["id"]
    assert found.evidence[-1] == "binds app registration 'Payroll', service principal 'Payroll job'"
    assert found.mend == f"unsecret block --policy {lifting['id']}"


@pytest.mark.parametrize(
    "custom",
    [
        pytest.param({**custom_policy(OFF), "appliesTo": []}, id="bound to nothing"),
        pytest.param({**custom_policy(OFF, is_enabled=False), "appliesTo": [{"id": guid(1)}]}, id="off"),
        pytest.param({**custom_policy(BLOCKS), "appliesTo": [{"id": guid(1)}]}, id="as strict"),
    ],
)
def test_a_custom_policy_that_frees_nobody_is_no_finding(hold: Hold, custom: Json) -> None:
    report = hold(applications=[application(1)], customs=[custom])

    assert outcomes(report)[NO_SECRETS] is Outcome.HOLDS


def test_who_is_freed_from_a_block_is_not_limited_either_unless_the_default_does(hold: Hold) -> None:
    lifting = {**custom_policy(OFF), "appliesTo": [{"id": guid(1)}]}
    report = hold(applications=[application(1)], customs=[lifting])

    assert outcomes(hold())[SHORT_SECRETS] is Outcome.HOLDS
    assert [one.check for one in of(report, SHORT_SECRETS)] == ["not-restricted"]


def test_more_than_ten_who_are_freed_are_counted(hold: Hold) -> None:
    apps = [application(number, f"App {number}") for number in range(1, 14)]
    lifting = {**custom_policy(OFF), "appliesTo": [{"id": app["id"]} for app in apps]}

    (found,) = of(hold(applications=apps, customs=[lifting]), NO_SECRETS)

    assert found.evidence[-1].endswith("app registration 'App 10' and 3 more")


def test_mending_one_limit_loosens_no_other(hold: Hold) -> None:
    cis, short = PROFILES["cis"], entry("passwordLifetime", maxLifetime="P90D")
    report = hold(cis, default=default_policy(applications=section([*BLOCKS, short], CERTIFICATES)))

    (found,) = of(report, "5.1.5.4")
    assert found.mend == "unsecret block --max-lifetime P90D"


def test_credentials_that_a_policy_came_too_late_for_are_found(hold: Hold) -> None:
    app = application(
        1,
        passwordCredentials=[secret(1, "2026-01-01", "2028-01-01"), secret(2, "2026-11-01", "2027-01-01")],
        keyCredentials=[certificate(3, "2026-01-01", "2027-01-01"), certificate(4, "2026-01-01", "2027-01-02")],
    )
    report = hold(applications=[app])

    (long_secret,) = of(report, SHORT_SECRETS)
    assert long_secret.check == "credential-long-lived"
    assert long_secret.subject.key_id == guid(0xC0001)
    assert long_secret.why == "It lives 730 days; 180 days are allowed."
    (long_certificate,) = of(report, SHORT_CERTIFICATES)
    assert long_certificate.subject.key_id == guid(0xC0004)


def test_under_zero_secrets_any_secret_is_one_too_many(hold: Hold) -> None:
    app = application(1, passwordCredentials=[secret(1, "2026-11-01", "2026-12-01")])
    principal = application(2, passwordCredentials=[secret(2, "2026-11-01", "2026-12-01")])

    found = of(hold(ZERO, applications=[app], principals=[principal]), "ZERO.2")

    assert [one.check for one in found] == ["credential-held"] * 2
    assert found[0].mend == f"unsecret remove --app {guid(1)} --key {guid(0xC0001)} --force"


def test_what_has_expired_is_housekeeping_and_nothing_else(hold: Hold) -> None:
    app = application(1, passwordCredentials=[secret(1, "2020-01-01", "2026-11-22")])
    report = hold(ZERO, applications=[app], now=datetime(2026, 11, 22, tzinfo=UTC))

    assert [(one.requirement, one.check) for one in report.findings if one.subject.key_id] == [
        ("UNSECRET.1", "credential-expired")
    ]
    before = hold(ZERO, applications=[app], now=datetime(2026, 11, 21, tzinfo=UTC))
    assert [one.requirement for one in before.findings if one.subject.key_id] == ["ZERO.2"]


def test_what_renews_itself_or_signs_for_people_is_not_a_credential_to_sign_in_with(hold: Hold) -> None:
    managed = application(1, servicePrincipalType="ManagedIdentity")
    managed["keyCredentials"] = [certificate(1, "2026-01-01", "2030-01-01")]
    saml = application(2, keyCredentials=[certificate(2, "2026-01-01", "2029-01-01", usage="Sign")])

    assert outcomes(hold(principals=[managed, saml]))[SHORT_CERTIFICATES] is Outcome.HOLDS


def test_the_shape_that_locks_the_portal_is_a_finding_of_every_profile(hold: Hold) -> None:
    report = hold(default=default_policy(applications=GOOD, service_principals=section(BLOCKS)))

    (found,) = of(report, "UNSECRET.2")
    assert "Restrict max certificate lifetime" in found.why
    assert found.mend == "unsecret block --max-certificate-lifetime P365D"


NOT_KNOWN = [
    ("defaultAppManagementPolicy", {NO_SECRETS, SHORT_SECRETS, SHORT_CERTIFICATES, "UNSECRET.2", "UNSECRET.3"}),
    ("appManagementPolicies", {NO_SECRETS, SHORT_SECRETS, SHORT_CERTIFICATES, "UNSECRET.3"}),
    ("applications", {NO_SECRETS, SHORT_SECRETS, SHORT_CERTIFICATES, "UNSECRET.1"}),
    ("servicePrincipals", {NO_SECRETS, SHORT_SECRETS, SHORT_CERTIFICATES, "UNSECRET.1"}),
]


@pytest.mark.parametrize(("collection", "requirements"), NOT_KNOWN)
def test_what_could_not_be_read_is_not_known_and_never_met(hold: Hold, collection: str, requirements: set[str]) -> None:
    default = (
        None
        if collection == "defaultAppManagementPolicy"
        else default_policy(applications=GOOD, service_principals=GOOD)
    )
    report = hold(default=default, missing={collection: "Policy.Read.All is missing"})

    unknown = {name for name, outcome in outcomes(report).items() if outcome is Outcome.NOT_KNOWN}
    assert unknown == requirements
    assert not report.is_met
    sentences = {sentence for one in report.results for sentence in one.not_known}
    assert sentences == {f"{collection}: Policy.Read.All is missing"}


def test_a_policy_that_cannot_be_understood_is_not_known(hold: Hold) -> None:
    report = hold(default=both([entry("quantumKeyAddition")]))

    assert outcomes(report)[NO_SECRETS] is Outcome.NOT_KNOWN
    assert "could not be understood" in report.results[0].not_known[0]


def test_a_requirement_of_a_file_is_held_against_one_section_if_it_says_so(hold: Hold) -> None:
    from unsecret.wire.profile_files import profile_from_toml

    profile = profile_from_toml(
        b"""
        [[requirement]]
        id = "ORG.1"
        title = "No secrets on applications"
        restrictions = ["passwordAddition"]
        sections = ["applications"]
        """,
        "ours.toml",
    )
    report = hold(profile, default=default_policy(applications=section(BLOCKS)))

    assert outcomes(report)["ORG.1"] is Outcome.HOLDS


def test_an_exemption_is_a_finding_from_the_day_after_its_last(hold: Hold) -> None:
    term = Term(until=date(2026, 11, 22), reason="the vendor migrates", lifted=("passwordAddition",))
    lifting = {**custom_policy(OFF, description=with_term("", term)), "appliesTo": [{"id": guid(1)}]}
    given = {"applications": [application(1)], "customs": [lifting]}

    running = hold(**given)
    assert outcomes(running)["UNSECRET.3"] is Outcome.HOLDS
    assert of(running, NO_SECRETS)[0].evidence[-1] == "granted until 2026-11-22: the vendor migrates"
    (ended,) = of(hold(**given, now=datetime(2026, 11, 23, tzinfo=UTC)), "UNSECRET.3")
    assert ended.mend == "unsecret exempt expire"
    assert "2026-11-22" in ended.why
