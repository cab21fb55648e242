"""One restriction on the wire: its members, its words, and what Graph would not take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from unsecret.errors import Invalid
from unsecret.model.policy import (
    BETA_KINDS,
    GROUP_OF,
    ActorExemption,
    RedirectUriLists,
    Restriction,
    RestrictionGroup,
    RestrictionKind,
    RestrictionState,
)
from unsecret.wire.restrictions import MEMBERS, entry_from_graph, named_from_graph, restriction_to_graph

PASSWORDS, KEYS = RestrictionGroup.PASSWORD_CREDENTIALS, RestrictionGroup.KEY_CREDENTIALS
EXEMPTION = {
    "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
    "id": "PolicyExemptions_AppManagementExemption",
    "operator": "equals",
    "value": "ExemptFromSecretAddition",
}


def entry(body: Any, group: RestrictionGroup = PASSWORDS, *, beta: bool = True) -> Restriction:
    return entry_from_graph(body, group, "x[0]", beta=beta)


def named(body: Any, kind: RestrictionKind, stored: Restriction | None = None) -> Restriction:
    return named_from_graph(body, kind, "x.y", stored=stored)


def addition(**members: Any) -> dict[str, Any]:
    return {"restrictionType": "passwordAddition", **members}


def lifetime(**members: Any) -> dict[str, Any]:
    return {"restrictionType": "passwordLifetime", **members}


@pytest.mark.parametrize("kind", RestrictionKind)
def test_every_kind_shows_exactly_the_members_that_it_has(kind: RestrictionKind) -> None:
    assert set(restriction_to_graph(Restriction(kind=kind))) == set(MEMBERS[kind])


def test_the_two_shapes_of_an_entry_are_graphs() -> None:
    assert restriction_to_graph(
        Restriction(kind=RestrictionKind.PASSWORD_LIFETIME, max_lifetime=timedelta(days=90))
    ) == {
        "restrictionType": "passwordLifetime",
        "state": "enabled",
        "maxLifetime": "P90D",
        "restrictForAppsCreatedAfterDateTime": None,
        "excludeActors": None,
    }
    assert restriction_to_graph(Restriction(kind=RestrictionKind.NON_DEFAULT_URI_ADDITION)) == {
        "state": "enabled",
        "restrictForAppsCreatedAfterDateTime": None,
        "excludeActors": None,
        "isStateSetByMicrosoft": False,
        "excludeAppsReceivingV2Tokens": None,
        "excludeSaml": None,
    }


@pytest.mark.parametrize("body", [addition(), addition(state=None), addition(state="enabled")])
def test_a_state_that_is_not_said_is_enabled(body: Any) -> None:
    assert entry(body).state is RestrictionState.ENABLED


def test_a_lifetime_on_an_addition_is_checked_and_not_kept() -> None:
    assert entry(addition(maxLifetime="P90D")).max_lifetime is None
    with pytest.raises(Invalid, match="maxLifetime"):
        entry(addition(maxLifetime="90 days, 0:00:00"))


@pytest.mark.parametrize("body", [lifetime(), lifetime(maxLifetime=None)])
def test_an_enabled_lifetime_restriction_needs_its_lifetime(body: Any) -> None:
    with pytest.raises(Invalid, match="P90D") as refused:
        entry(body)
    assert refused.value.target == "x[0].maxLifetime"
    assert entry({**body, "state": "disabled"}).max_lifetime is None


@pytest.mark.parametrize(
    "text", ["90 days, 0:00:00", "P3M", "P1Y", "P1W", "-P1D", "P0D", "PT0S", "", "90", 90, True, ["P90D"], "P99999999D"]
)
def test_what_is_no_positive_duration_is_refused_with_an_example(text: Any) -> None:
    with pytest.raises(Invalid, match=r"maxLifetime") as refused:
        entry(lifetime(maxLifetime=text))
    assert "P90D" in refused.value.message or "P10675199D" in refused.value.message


@pytest.mark.parametrize(
    ("text", "days"), [("P90D", 90), ("P4DT12H30M5S", 4.521), ("P30DT0H0M0S", 30), ("PT24H", 1), ("P366D", 366)]
)
def test_every_spelling_of_a_duration_in_days_and_time_is_taken(text: str, days: float) -> None:
    found = entry(lifetime(maxLifetime=text)).max_lifetime
    assert found is not None
    assert found / timedelta(days=1) == pytest.approx(days, abs=0.001)


def test_the_earliest_instant_means_every_application_and_survives() -> None:
    found = entry(addition(restrictForAppsCreatedAfterDateTime="0001-01-01T00:00:00Z"))
    assert found.restrict_for_apps_created_after is not None
    assert found.restrict_for_apps_created_after == datetime.min.replace(tzinfo=UTC)
    assert restriction_to_graph(found)["restrictForAppsCreatedAfterDateTime"] == "0001-01-01T00:00:00Z"
    assert found.restrict_for_apps_created_after - datetime(2019, 1, 1, tzinfo=UTC) < timedelta(0)


@pytest.mark.parametrize(
    "date", ["/Date(-62135596800000)/", "1/1/2021 3:37:00 PM", "2021-01-01", 0, "0001-01-01T00:00:00+01:00"]
)
def test_what_is_no_instant_is_refused(date: Any) -> None:
    with pytest.raises(Invalid, match="restrictForAppsCreatedAfterDateTime"):
        entry(addition(restrictForAppsCreatedAfterDateTime=date))


@pytest.mark.parametrize("word", [None, "", "unknownFutureValue", "PasswordAddition", "asymmetricKeyLifetime", "no", 0])
def test_a_restriction_type_is_one_of_its_groups_own_words(word: Any) -> None:
    with pytest.raises(Invalid, match="restrictionType") as refused:
        entry({"restrictionType": word})
    assert refused.value.target == "x[0].restrictionType"


@pytest.mark.parametrize("word", ["Enabled", "unknownFutureValue", "", True, 1])
def test_a_state_is_one_of_graphs_own_words(word: Any) -> None:
    with pytest.raises(Invalid, match="state"):
        entry(addition(state=word))


@pytest.mark.parametrize("member", ["maxlifetime", "enabled", "blockedDomains", "excludeSaml"])
def test_an_unknown_member_is_refused_by_name(member: str) -> None:
    with pytest.raises(Invalid, match=member) as refused:
        entry(addition(**{member: None}))
    assert refused.value.target == f"x[0].{member}"


def test_the_trusted_authorities_are_betas() -> None:
    ids = ["EEC5BA11-2FC0-4113-83A2-ED986ED13743"]
    body = {"restrictionType": "trustedCertificateAuthority", "certificateBasedApplicationConfigurationIds": ids}
    found = entry(body, KEYS)
    assert found.certificate_based_application_configuration_ids == ("eec5ba11-2fc0-4113-83a2-ed986ed13743",)
    with pytest.raises(Invalid, match="beta"):
        entry(body, KEYS, beta=False)
    with pytest.raises(Invalid, match="beta"):
        entry({"restrictionType": "trustedCertificateAuthority"}, KEYS, beta=False)


@pytest.mark.parametrize("ids", [None, [], ["x"], "eec5ba11-2fc0-4113-83a2-ed986ed13743", [None]])
def test_trusted_authorities_that_are_none_would_refuse_every_certificate(ids: Any) -> None:
    body = {"restrictionType": "trustedCertificateAuthority", "certificateBasedApplicationConfigurationIds": ids}
    with pytest.raises(Invalid, match="certificateBasedApplicationConfigurationIds"):
        entry(body, KEYS)


def test_the_trusted_authorities_of_another_kind_are_refused_unless_there_are_none() -> None:
    body = {"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "P1D"}
    name = "certificateBasedApplicationConfigurationIds"
    assert entry({**body, name: []}, KEYS) == entry({**body, name: None}, KEYS)
    with pytest.raises(Invalid, match="trustedCertificateAuthority only"):
        entry({**body, name: ["eec5ba11-2fc0-4113-83a2-ed986ed13743"]}, KEYS)


# -- who is not bound ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", [EXEMPTION["@odata.type"], EXEMPTION["@odata.type"][1:], None])
def test_an_exemption_is_read_with_and_without_its_type(type_: str | None) -> None:
    body = {**EXEMPTION, "@odata.type": type_} if type_ else {k: v for k, v in EXEMPTION.items() if "@" not in k}
    found = entry(addition(excludeActors={"customSecurityAttributes": [body]}))
    assert found.exclude_actors == (ActorExemption(EXEMPTION["id"], EXEMPTION["value"]),)
    assert restriction_to_graph(found)["excludeActors"] == {"customSecurityAttributes": [EXEMPTION]}


@pytest.mark.parametrize("actors", [None, {}, {"customSecurityAttributes": []}, {"customSecurityAttributes": None}])
def test_nobody_is_exempt_when_nobody_is_listed(actors: Any) -> None:
    assert entry(addition(excludeActors=actors)).exclude_actors == ()


@pytest.mark.parametrize(
    "change",
    [
        {"@odata.type": "#microsoft.graph.customSecurityAttributeBooleanValueExemption"},
        {"@odata.type": 7},
        {"operator": "Equals"},
        {"operator": None},
        {"operator": "unknownFutureValue"},
        {"id": "NoUnderscore"},
        {"id": "_x"},
        {"id": None},
        {"value": True},
        {"values": ["x"]},
    ],
)
def test_an_exemption_that_graph_does_not_know_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="excludeActors"):
        entry(addition(excludeActors={"customSecurityAttributes": [{**EXEMPTION, **change}]}))


# -- named restrictions --------------------------------------------------------------------------------------------


def test_a_named_restriction_keeps_what_a_body_leaves_out_and_clears_what_is_null() -> None:
    stored = Restriction(
        kind=RestrictionKind.NON_DEFAULT_URI_ADDITION,
        state=RestrictionState.DISABLED,
        exclude_saml=True,
        exclude_apps_receiving_v2_tokens=True,
        exclude_actors=(ActorExemption("A_b", "c"),),
    )
    found = named({"excludeSaml": None, "excludeActors": {}}, stored.kind, stored)
    assert found.exclude_saml is None
    assert found.exclude_apps_receiving_v2_tokens is True
    assert found.exclude_actors == stored.exclude_actors
    assert found.state is RestrictionState.DISABLED
    assert named({"state": None}, stored.kind, stored).state is RestrictionState.ENABLED
    assert named({"excludeActors": None}, stored.kind, stored).exclude_actors == ()


def test_the_lists_of_a_redirect_uri_restriction_are_read_by_platform_and_merged() -> None:
    kind = RestrictionKind.URI_WITH_BLOCKED_SCHEME
    stored = named(
        {"blockedSchemes": ["http"], "exemptFormats": ["http://a"], "web": {"blockedSchemes": ["ftp"]}, "spa": {}}, kind
    )
    assert stored.redirect_uris == RedirectUriLists(
        listed={"": ("http",), "web": ("ftp",)}, exempt_formats={"": ("http://a",)}
    )
    after = named({"web": {"exemptFormats": ["ftp://b"]}, "blockedSchemes": []}, kind, stored)
    assert after.redirect_uris == RedirectUriLists(
        listed={"web": ("ftp",)}, exempt_formats={"": ("http://a",), "web": ("ftp://b",)}
    )
    assert named({"web": None}, kind, after).redirect_uris == RedirectUriLists(exempt_formats={"": ("http://a",)})


@pytest.mark.parametrize("domains", [["a.example"] * 1001, ["a" * 257]], ids=["too many", "too long"])
def test_a_list_is_bounded_because_every_decision_reads_it(domains: list[str]) -> None:
    with pytest.raises(Invalid, match=r"at most 1000|longer than 256"):
        named({"blockedDomains": domains}, RestrictionKind.URI_WITH_BLOCKED_DOMAIN)


def test_wildcards_have_their_own_members() -> None:
    kind = RestrictionKind.URI_WITH_WILDCARD
    stored = named({"excludeFormats": {"excludeWildcardsInPathWithDomains": ["contoso.com"]}}, kind)
    after = named({"excludeFormats": {"excludeWildcardsInPath": True}}, kind, stored)
    assert after.redirect_uris == RedirectUriLists(
        exclude_wildcards_in_path=True, exclude_wildcards_in_path_with_domains=("contoso.com",)
    )
    assert named({"excludeFormats": None}, kind, after).redirect_uris == RedirectUriLists()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (RestrictionKind.URI_WITH_BLOCKED_DOMAIN, {"allowedDomains": []}),
        (RestrictionKind.URI_WITH_BLOCKED_DOMAIN, {"blockedDomains": "a"}),
        (RestrictionKind.URI_WITH_BLOCKED_DOMAIN, {"blockedDomains": [""]}),
        (RestrictionKind.URI_WITH_BLOCKED_DOMAIN, {"web": []}),
        (RestrictionKind.URI_WITH_BLOCKED_DOMAIN, {"web": {"blockedSchemes": []}}),
        (RestrictionKind.URI_WITHOUT_ALLOWED_SCHEME, {"exemptFormats": []}),
        (RestrictionKind.URI_WITHOUT_ALLOWED_SCHEME, {"publicclient": {}}),
        (RestrictionKind.URI_WITH_WILDCARD, {"excludeFormats": {"excludeWildcardsInPath": None}}),
        (RestrictionKind.URI_WITH_WILDCARD, {"excludeFormats": {"other": True}}),
        (RestrictionKind.URI_WITH_WILDCARD, {"web": {}}),
        (RestrictionKind.AZURE_AD_MULTIPLE_ORGS, {"maxLifetime": "P1D"}),
        (RestrictionKind.AZURE_AD_MULTIPLE_ORGS, {"excludeSaml": True}),
        (RestrictionKind.NON_DEFAULT_URI_ADDITION, {"excludeSaml": "true"}),
        (RestrictionKind.NON_DEFAULT_URI_ADDITION, {"restrictionType": "nonDefaultUriAddition"}),
        (RestrictionKind.NON_DEFAULT_URI_ADDITION, True),
    ],
)
def test_members_of_other_kinds_and_other_types_are_refused(kind: RestrictionKind, body: Any) -> None:
    with pytest.raises(Invalid, match=r"x\.y"):
        named(body, kind)


def test_beta_kinds_are_those_that_v1_does_not_declare() -> None:
    assert {kind for kind, group in GROUP_OF.items() if group is RestrictionGroup.REDIRECT_URIS} < BETA_KINDS
