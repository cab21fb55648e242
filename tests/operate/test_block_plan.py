"""What `block` and `allow` would do to the tenant default, planned from what Graph showed."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.operate.policies import default_policy, entry, exemption, section
from unsecret.errors import Invalid
from unsecret.operate.policies.block import LIFETIMES, blocking, plan_allow, plan_block
from unsecret.operate.policies.change import Line
from unsecret.operate.policies.entries import differences, entries_of

BETA, V1 = "beta/policies/defaultAppManagementPolicy", "v1.0/policies/defaultAppManagementPolicy"
BLOCK = blocking(start=None, longest=None)
SECTIONS = ("applicationRestrictions", "servicePrincipalRestrictions")

PASSWORD, KEY = entry("passwordAddition"), entry("symmetricKeyAddition")
BOTH = [PASSWORD, KEY]
CERTIFICATES = entry("asymmetricKeyLifetime", maxLifetime="P180D")
TRUSTED = entry("trustedCertificateAuthority", certificateBasedApplicationConfigurationIds=["eec5ba11"])
CUSTOM_PASSWORD = entry("customPasswordAddition", restrictForAppsCreatedAfterDateTime="2025-05-20T10:37:00Z")
NOT_YET_INVENTED = entry("quantumKeyAddition", spinDirection="left")
SET_BY_MICROSOFT = {"nonDefaultUriAddition": {"state": "enabled", "isStateSetByMicrosoft": True}}
SET_BY_TENANT = {"nonDefaultUriAddition": {"state": "enabled", "isStateSetByMicrosoft": False}}


def kinds(collection: list[dict[str, Any]]) -> list[str]:
    return [str(one["restrictionType"]) for one in collection]


def test_an_empty_policy_gets_four_equal_entries_and_is_switched_on() -> None:
    change = plan_block(default_policy(is_enabled=False), BETA, BLOCK)

    assert change.body["isEnabled"] is True
    written = [one for name in SECTIONS for one in change.body[name]["passwordCredentials"]]
    assert kinds(written) == ["passwordAddition", "symmetricKeyAddition"] * 2
    assert {(one["state"], one["restrictForAppsCreatedAfterDateTime"]) for one in written} == {("enabled", None)}
    assert change.lines[0] == Line("policy", "off", "on")
    assert change.notes == ()


def test_the_date_is_set_on_all_four_entries() -> None:
    wanted = blocking(start=datetime(2027, 1, 1, tzinfo=UTC), longest=None)
    change = plan_block(default_policy(applications=section(BOTH)), BETA, wanted)

    dates = {
        one["restrictForAppsCreatedAfterDateTime"]
        for name in SECTIONS
        for one in change.body[name]["passwordCredentials"]
    }
    assert dates == {"2027-01-01T00:00:00Z"}
    assert change.lines[0] == Line(
        "applications: passwordAddition",
        "enabled",
        "enabled for those created from 2027-01-01T00:00:00Z",
        "passwordAddition",
    )


def test_a_longest_lifetime_limits_and_does_not_block() -> None:
    change = plan_block(default_policy(), BETA, blocking(start=None, longest=timedelta(days=90)))

    for name in SECTIONS:
        assert kinds(change.body[name]["passwordCredentials"]) == list(LIFETIMES)
        assert {one["maxLifetime"] for one in change.body[name]["passwordCredentials"]} == {"P90D"}


def test_a_limit_under_a_block_is_set_and_said_to_be_without_effect() -> None:
    both = section(BOTH)
    change = plan_block(
        default_policy(applications=both, service_principals=both),
        BETA,
        blocking(start=None, longest=timedelta(days=90)),
    )
    assert any("the limit shows only once that is lifted" in note for note in change.notes)


def test_a_lifetime_of_nothing_is_refused() -> None:
    with pytest.raises(Invalid, match="leave --max-lifetime out"):
        blocking(start=None, longest=timedelta(0))


def test_every_other_entry_of_the_collections_is_sent_back_as_it_was_read() -> None:
    others = [CUSTOM_PASSWORD, entry("passwordLifetime", maxLifetime="P365DT0H0M0S"), NOT_YET_INVENTED]
    change = plan_block(default_policy(applications=section(others)), BETA, BLOCK)

    assert change.body["applicationRestrictions"]["passwordCredentials"][:3] == others


def test_what_stands_beside_the_collections_is_sent_back_in_beta() -> None:
    applications = section([], [CERTIFICATES, TRUSTED], identifierUris=SET_BY_TENANT, audiences=None)
    change = plan_block(default_policy(applications=applications), BETA, BLOCK)

    sent = change.body["applicationRestrictions"]
    assert sent["keyCredentials"] == [CERTIFICATES, TRUSTED]
    assert sent["identifierUris"] == SET_BY_TENANT
    assert "audiences" not in sent, "a null is not written: some tenants refuse the member"


def test_what_microsoft_set_is_left_alone_so_that_it_stays_microsofts() -> None:
    change = plan_block(default_policy(applications=section([], identifierUris=SET_BY_MICROSOFT)), BETA, BLOCK)

    assert "identifierUris" not in change.body["applicationRestrictions"]
    assert change.after["applicationRestrictions"]["identifierUris"] == SET_BY_MICROSOFT


def test_what_graph_would_not_name_is_left_alone() -> None:
    nameless = section([], [CERTIFICATES, entry("unknownFutureValue")])
    change = plan_block(default_policy(applications=nameless), BETA, BLOCK)

    assert "keyCredentials" not in change.body["applicationRestrictions"]


def test_v1_sends_the_changed_collections_only_because_it_does_not_show_all_of_the_rest() -> None:
    change = plan_block(default_policy(applications=section([], [CERTIFICATES])), V1, BLOCK)

    assert change.body["applicationRestrictions"].keys() == {"passwordCredentials"}


@pytest.mark.parametrize(
    "passwords",
    [
        pytest.param([entry("unknownFutureValue")], id="one that Graph does not name"),
        pytest.param([CUSTOM_PASSWORD, CUSTOM_PASSWORD], id="the same kind twice"),
    ],
)
def test_a_collection_that_could_not_be_given_back_is_not_written(passwords: list[dict[str, Any]]) -> None:
    with pytest.raises(Invalid, match="cannot be sent back as it is"):
        plan_block(default_policy(applications=section(passwords)), BETA, BLOCK)


def test_annotations_are_not_sent_and_types_are() -> None:
    exempted = entry("customPasswordAddition", excludeActors=exemption("Pipeline"))
    change = plan_block(default_policy(applications=section([exempted])), BETA, BLOCK)

    sent = change.body["applicationRestrictions"]["passwordCredentials"][0]["excludeActors"]
    assert sent.keys() == {"customSecurityAttributes"}
    assert sent["customSecurityAttributes"][0]["@odata.type"].startswith("#microsoft.graph.")


def test_an_entry_keeps_the_members_that_nobody_asked_about() -> None:
    old = entry("passwordAddition", state="disabled", excludeActors=exemption("Pipeline"), colour="green")
    change = plan_block(default_policy(applications=section([old])), BETA, BLOCK)

    new = change.body["applicationRestrictions"]["passwordCredentials"][0]
    assert new["colour"] == "green"
    assert new["excludeActors"]["customSecurityAttributes"][0]["value"] == "Pipeline"


def test_new_entries_take_over_the_excluded_callers_that_the_others_agree_on() -> None:
    agreed = [entry(kind, excludeActors=exemption("Pipeline")) for kind in ("passwordAddition", "symmetricKeyAddition")]
    change = plan_block(default_policy(applications=section(agreed)), BETA, BLOCK)

    added = change.body["servicePrincipalRestrictions"]["passwordCredentials"]
    assert {one["excludeActors"]["customSecurityAttributes"][0]["value"] for one in added} == {"Pipeline"}
    assert change.notes == ()


def test_excluded_callers_that_differ_are_kept_and_the_portal_is_warned_of() -> None:
    differing = [entry("passwordAddition", excludeActors=exemption("Pipeline")), KEY]
    change = plan_block(default_policy(applications=section(differing)), BETA, BLOCK)

    assert "excludeActors" not in change.body["servicePrincipalRestrictions"]["passwordCredentials"][0]
    assert any("“Block password addition”" in note for note in change.notes)


@pytest.mark.parametrize(
    "passwords",
    [
        pytest.param(BOTH, id="as we write it"),
        pytest.param([KEY, PASSWORD], id="in another order"),
        pytest.param([{"restrictionType": one["restrictionType"]} for one in BOTH], id="state left out"),
        pytest.param(
            [{**one, "restrictForAppsCreatedAfterDateTime": "0001-01-01T00:00:00Z"} for one in BOTH],
            id="dated to the beginning of time",
        ),
    ],
)
def test_what_is_blocked_already_is_left_alone(passwords: list[dict[str, Any]]) -> None:
    both = section(passwords)
    change = plan_block(default_policy(applications=both, service_principals=both), BETA, BLOCK)

    assert not change.is_pending


def test_entries_that_wake_up_with_the_policy_are_named() -> None:
    applications = section([*BOTH, CUSTOM_PASSWORD, entry("passwordLifetime", state="disabled")], [CERTIFICATES])
    policy = default_policy(applications=applications, is_enabled=False)

    assert plan_block(policy, BETA, BLOCK).activates == (
        "applications: customPasswordAddition (enabled for those created from 2025-05-20T10:37:00Z)",
        "applications: asymmetricKeyLifetime (enabled, at most 180 days)",
    )


def test_nothing_wakes_up_in_a_policy_that_is_on() -> None:
    assert plan_block(default_policy(applications=section([CUSTOM_PASSWORD])), BETA, BLOCK).activates == ()


def test_allow_switches_off_the_four_entries_and_nothing_else() -> None:
    both = section([CUSTOM_PASSWORD, *BOTH], [CERTIFICATES])
    policy = default_policy(applications=both, service_principals=both)
    change = plan_allow(policy, BETA)

    assert "isEnabled" not in change.body
    changed = differences(policy, change.after)
    assert [one.what for one in changed] == [
        f"{name}.passwordCredentials.{kind}.state"
        for name in SECTIONS
        for kind in ("passwordAddition", "symmetricKeyAddition")
    ]
    assert {one.found for one in changed} == {"disabled"}


def test_allow_keeps_the_date_so_that_a_later_look_shows_what_it_was() -> None:
    dated = [{**one, "restrictForAppsCreatedAfterDateTime": "2027-01-01T00:00:00Z"} for one in BOTH]
    change = plan_allow(default_policy(applications=section(dated)), BETA)

    written = change.body["applicationRestrictions"]["passwordCredentials"][0]
    assert (written["state"], written["restrictForAppsCreatedAfterDateTime"]) == ("disabled", "2027-01-01T00:00:00Z")


def test_allow_adds_no_entries_and_has_nothing_to_do_where_nothing_is_blocked() -> None:
    assert not plan_allow(default_policy(), BETA).is_pending


def test_allow_can_lift_the_limit_on_lifetimes_alone() -> None:
    limited = [*BOTH, entry("passwordLifetime", maxLifetime="P90D"), entry("symmetricKeyLifetime", maxLifetime="P90D")]
    change = plan_allow(default_policy(applications=section(limited)), BETA, LIFETIMES)

    assert [line.what for line in change.lines] == [f"applications: {kind}" for kind in LIFETIMES]


def test_a_limit_that_stays_when_the_block_is_lifted_is_said_to_stay() -> None:
    limited = section([*BOTH, entry("passwordLifetime", maxLifetime="P90D")])
    assert any(
        "unsecret allow --lifetime" in note for note in plan_allow(default_policy(applications=limited), BETA).notes
    )


def test_planning_changes_nothing_that_it_was_given() -> None:
    policy = default_policy(applications=section([entry("passwordAddition", state="disabled")]), is_enabled=False)
    before = deepcopy(policy)
    plan_block(policy, BETA, BLOCK)

    assert policy == before


def test_all_entries_are_found_wherever_they_stand() -> None:
    policy = default_policy(
        applications=section(BOTH, [CERTIFICATES], identifierUris=SET_BY_TENANT, redirectUris={"uriWithWildcard": {}}),
        service_principals=section([PASSWORD]),
    )
    assert [place.kind for place in entries_of(policy)] == [
        "passwordAddition",
        "symmetricKeyAddition",
        "asymmetricKeyLifetime",
        "nonDefaultUriAddition",
        "uriWithWildcard",
        "passwordAddition",
    ]


def test_certificates_are_limited_in_their_own_collection_and_secrets_are_sent_as_they_were() -> None:
    both = section(BOTH, [TRUSTED])
    wanted = blocking(longest_certificate=timedelta(days=180))
    change = plan_block(default_policy(applications=both, service_principals=both), BETA, wanted)

    for name in SECTIONS:
        assert kinds(change.body[name]["keyCredentials"]) == ["trustedCertificateAuthority", "asymmetricKeyLifetime"]
        assert change.body[name]["keyCredentials"][1]["maxLifetime"] == "P180D"
        assert kinds(change.body[name]["passwordCredentials"]) == kinds(BOTH)


def test_only_secrets_with_a_text_of_the_callers_own_can_be_forbidden() -> None:
    change = plan_block(default_policy(), BETA, blocking(custom_secrets=True))

    assert {one for name in SECTIONS for one in kinds(change.body[name]["passwordCredentials"])} == {
        "customPasswordAddition"
    }


def test_callers_stay_excluded_unless_all_are_to_be_bound() -> None:
    freed = [entry(kind, excludeActors=exemption("Pipeline")) for kind in ("passwordAddition", "symmetricKeyAddition")]
    policy = default_policy(applications=section(freed), service_principals=section(freed))

    assert not plan_block(policy, BETA, BLOCK).is_pending
    change = plan_block(policy, BETA, blocking(all_callers=True))
    written = [one for name in SECTIONS for one in change.body[name]["passwordCredentials"]]
    assert [one["excludeActors"] for one in written] == [None] * 4
    assert "except callers" in change.lines[0].before


def test_one_thing_is_limited_at_a_time() -> None:
    with pytest.raises(Invalid, match="one thing at a time"):
        blocking(longest=timedelta(days=1), custom_secrets=True)


def test_certificates_cannot_be_forbidden() -> None:
    with pytest.raises(Invalid, match="which replace secrets"):
        blocking(longest_certificate=timedelta(0))
