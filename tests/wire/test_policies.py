"""App management policies on the wire: what a body changes, what it cannot, and what is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.policy_values import custom_policies, tenant_defaults
from unsecret.errors import Invalid
from unsecret.model.identifiers import ZERO_GUID, PolicyId
from unsecret.model.policy import (
    BETA_KINDS,
    DEFAULT_POLICY_DESCRIPTION,
    DEFAULT_POLICY_NAME,
    AppManagementPolicy,
    Restriction,
    RestrictionKind,
    RestrictionState,
    TenantDefault,
)
from unsecret.wire.policies import (
    default_policy_from_graph,
    default_policy_to_graph,
    policy_from_graph,
    policy_to_graph,
)
from unsecret.wire.references import reference_from_graph

ID = PolicyId("11111111-2222-3333-4444-555555555555")
OTHER_ID = "99999999-2222-3333-4444-555555555555"
PASSWORDS = Restriction(kind=RestrictionKind.PASSWORD_ADDITION)
CAPPED = Restriction(kind=RestrictionKind.PASSWORD_LIFETIME, max_lifetime=timedelta(days=90))
CERTIFICATES = Restriction(kind=RestrictionKind.ASYMMETRIC_KEY_LIFETIME, max_lifetime=timedelta(days=180))
TRUSTED = Restriction(
    kind=RestrictionKind.TRUSTED_CERTIFICATE_AUTHORITY, certificate_based_application_configuration_ids=(OTHER_ID,)
)
URIS = Restriction(
    kind=RestrictionKind.NON_DEFAULT_URI_ADDITION,
    exclude_saml=True,
    restrict_for_apps_created_after=datetime(2024, 1, 1, tzinfo=UTC),
    is_state_set_by_microsoft=True,
)
TENANT_URIS = Restriction(kind=RestrictionKind.URI_ADDITION_WITHOUT_UNIQUE_TENANT_IDENTIFIER)
AUDIENCE = Restriction(kind=RestrictionKind.AZURE_AD_MULTIPLE_ORGS)
STORED = TenantDefault(
    id=ID,
    is_enabled=True,
    application_restrictions=(PASSWORDS, CAPPED, CERTIFICATES, TRUSTED, URIS, TENANT_URIS, AUDIENCE),
    service_principal_restrictions=(PASSWORDS,),
)
CUSTOM = AppManagementPolicy(id=ID, display_name="Payroll", description="…", restrictions=(CAPPED, TRUSTED, URIS))


def patched(body: Any, current: TenantDefault = STORED, *, beta: bool = True) -> TenantDefault:
    return default_policy_from_graph(body, current=current, beta=beta)


def created(body: Any, *, beta: bool = False) -> AppManagementPolicy:
    return policy_from_graph(body, current=None, policy_id=ID, beta=beta)


# -- what a GET shows ----------------------------------------------------------------------------------------------


def test_the_default_policy_that_nobody_wrote_looks_as_graph_shows_it_in_v1() -> None:
    assert default_policy_to_graph(TenantDefault(), beta=False) == {
        "id": ZERO_GUID,
        "displayName": DEFAULT_POLICY_NAME,
        "description": DEFAULT_POLICY_DESCRIPTION,
        "isEnabled": False,
        "applicationRestrictions": {"passwordCredentials": [], "keyCredentials": []},
        "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []},
    }


def test_the_default_policy_that_nobody_wrote_shows_two_nulls_more_in_beta() -> None:
    v1 = default_policy_to_graph(TenantDefault(), beta=False)
    v1["applicationRestrictions"] |= {"audiences": None, "identifierUris": None}
    assert default_policy_to_graph(TenantDefault(), beta=True) == v1


def test_v1_shows_nothing_that_only_beta_knows() -> None:
    shown = json.dumps(default_policy_to_graph(STORED, beta=False))
    for name in ("audiences", "redirectUris", *(str(kind) for kind in BETA_KINDS)):
        assert name not in shown


def test_a_custom_policy_keeps_what_binds_only_applications_one_level_down() -> None:
    restrictions = policy_to_graph(CUSTOM, beta=True)["restrictions"]
    assert list(restrictions) == ["passwordCredentials", "keyCredentials", "applicationRestrictions"]
    assert restrictions["applicationRestrictions"]["identifierUris"]["nonDefaultUriAddition"]["excludeSaml"] is True
    assert policy_to_graph(CUSTOM, beta=False)["restrictions"]["keyCredentials"] == []


def test_every_shown_value_is_plain_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(default_policy_to_graph(STORED, beta=True))) == (
        default_policy_to_graph(STORED, beta=True)
    )


# -- what a PATCH changes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [True, False])
def test_an_empty_body_changes_nothing(beta: bool) -> None:
    assert patched({}, beta=beta) == STORED
    assert patched({"applicationRestrictions": {}, "servicePrincipalRestrictions": {}}, beta=beta) == STORED
    assert policy_from_graph({}, current=CUSTOM, policy_id=ID, beta=beta) == CUSTOM


def test_what_a_body_leaves_out_keeps_its_value() -> None:
    after = patched({"isEnabled": False})
    assert after == msgspec.structs.replace(STORED, is_enabled=False)


def test_a_collection_is_replaced_as_a_whole() -> None:
    after = patched({"applicationRestrictions": {"passwordCredentials": [{"restrictionType": "symmetricKeyAddition"}]}})
    kinds = [r.kind for r in after.application_restrictions]
    assert RestrictionKind.PASSWORD_ADDITION not in kinds
    assert kinds[0] is RestrictionKind.SYMMETRIC_KEY_ADDITION
    assert after.application_restrictions[1:] == STORED.application_restrictions[2:]


def test_a_named_restriction_is_merged_member_by_member() -> None:
    body = {"applicationRestrictions": {"identifierUris": {"nonDefaultUriAddition": {"state": "disabled"}}}}
    found = {r.kind: r for r in patched(body).application_restrictions}
    assert found[URIS.kind] == msgspec.structs.replace(
        URIS, state=RestrictionState.DISABLED, is_state_set_by_microsoft=False
    )
    assert found[TENANT_URIS.kind] == TENANT_URIS


@pytest.mark.parametrize("empty", [None, []])
def test_null_and_the_empty_array_clear_a_collection(empty: Any) -> None:
    after = patched({"servicePrincipalRestrictions": {"passwordCredentials": empty}})
    assert after.service_principal_restrictions == ()


def test_null_clears_an_object_and_its_members() -> None:
    assert patched({"applicationRestrictions": None}).application_restrictions == ()
    after = patched({"applicationRestrictions": {"identifierUris": {"nonDefaultUriAddition": None}}})
    assert {URIS.kind, TENANT_URIS.kind} & {r.kind for r in after.application_restrictions} == {TENANT_URIS.kind}
    assert patched(
        {"applicationRestrictions": {"identifierUris": None, "audiences": None}}
    ).application_restrictions == (
        PASSWORDS,
        CAPPED,
        CERTIFICATES,
        TRUSTED,
    )
    assert policy_from_graph({"restrictions": None}, current=CUSTOM, policy_id=ID, beta=True).restrictions == ()


@pytest.mark.parametrize(
    "body",
    [
        {"applicationRestrictions": None},
        {"applicationRestrictions": {"keyCredentials": []}},
        {"applicationRestrictions": {"keyCredentials": None}},
        {
            "applicationRestrictions": {
                "keyCredentials": [{"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "P1D"}]
            }
        },
    ],
)
def test_v1_cannot_clear_what_only_beta_shows(body: Any) -> None:
    after = patched(body, beta=False)
    assert TRUSTED in after.application_restrictions
    assert AUDIENCE in after.application_restrictions


def test_a_state_that_microsoft_set_is_the_tenants_own_once_the_tenant_writes_it() -> None:
    body = {"applicationRestrictions": {"identifierUris": {"nonDefaultUriAddition": {"isStateSetByMicrosoft": True}}}}
    found = {r.kind: r for r in patched(body).application_restrictions}
    assert not found[URIS.kind].is_state_set_by_microsoft
    assert {r.kind: r for r in patched({"isEnabled": False}).application_restrictions}[
        URIS.kind
    ].is_state_set_by_microsoft


# -- round trips ---------------------------------------------------------------------------------------------------


@given(tenant_defaults)
@settings(max_examples=50)
def test_any_default_policy_survives_a_beta_round_trip(policy: TenantDefault) -> None:
    shown = msgspec.json.decode(msgspec.json.encode(default_policy_to_graph(policy, beta=True)))
    assert patched(shown, TenantDefault(id=policy.id)) == policy
    assert patched(shown, policy) == policy


@given(custom_policies)
@settings(max_examples=40)
def test_any_custom_policy_survives_a_beta_round_trip(policy: AppManagementPolicy) -> None:
    shown = policy_to_graph(policy, beta=True)
    assert policy_from_graph(shown, current=policy, policy_id=policy.id, beta=True) == policy
    del shown["id"]
    assert policy_from_graph(shown, current=None, policy_id=policy.id, beta=True) == policy


@given(tenant_defaults)
@settings(max_examples=40)
def test_a_v1_round_trip_loses_nothing_that_beta_holds(policy: TenantDefault) -> None:
    after = patched(default_policy_to_graph(policy, beta=False), policy, beta=False)
    assert len(after.application_restrictions) == len(policy.application_restrictions)
    assert all(r in after.application_restrictions for r in policy.application_restrictions)
    assert all(r in after.service_principal_restrictions for r in policy.service_principal_restrictions)


junk = st.sampled_from(
    [None, True, 0, -1.5, "", "P90D", "\x00", "x" * 300, [], [None], [[]], {}, {"": {}}, {"x": None}]
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key in a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in pairs for place in [(value, key), *places(inner)]]


@given(tenant_defaults, st.data(), st.booleans())
@settings(max_examples=100)
def test_a_body_with_anything_anywhere_in_it_is_a_policy_or_an_invalid(
    policy: TenantDefault, data: st.DataObject, beta: bool
) -> None:
    body = default_policy_to_graph(policy, beta=beta)
    container, key = data.draw(st.sampled_from(places(body)))
    container[key] = data.draw(junk)
    with suppress(Invalid):
        after = patched(body, policy, beta=beta)
        assert patched(default_policy_to_graph(after, beta=True), after) == after


@pytest.mark.parametrize("body", [None, True, 1, "x", [], [{}], {"": 1}, {"isEnabled": None}, {"isEnabled": "true"}])
def test_what_is_no_policy_at_all_is_refused(body: Any) -> None:
    for read in (patched, created, reference_from_graph):
        with pytest.raises(Invalid):
            read(body)


# -- creating ------------------------------------------------------------------------------------------------------


def test_a_new_policy_is_switched_off_until_it_says_otherwise() -> None:
    assert created({"displayName": "A", "description": "B"}) == AppManagementPolicy(
        id=ID, display_name="A", description="B"
    )


@pytest.mark.parametrize("missing", ["displayName", "description"])
@pytest.mark.parametrize("value", ["absent", None, "", "  ", 7])
def test_a_new_policy_needs_a_name_and_a_description(missing: str, value: Any) -> None:
    body = {"displayName": "A", "description": "B", missing: value}
    if value == "absent":
        del body[missing]
    with pytest.raises(Invalid, match=missing):
        created(body)


@pytest.mark.parametrize(("name", "longest"), [("displayName", 256), ("description", 1024)])
def test_names_are_bounded(name: str, longest: int) -> None:
    with pytest.raises(Invalid, match=f"longer than {longest}"):
        default_policy_from_graph({name: "x" * (longest + 1)}, current=TenantDefault(), beta=False)


def test_restrictions_at_the_top_level_of_a_custom_policy_are_refused() -> None:
    body = {
        "isEnabled": True,
        "displayName": "Exempt",
        "description": "From identifier URI protection",
        "applicationRestrictions": {"identifierUris": {"nonDefaultUriAddition": {"state": "disabled"}}},
    }
    with pytest.raises(Invalid, match="applicationRestrictions") as refused:
        created(body)
    assert "restrictions" in refused.value.message


def test_a_custom_policy_has_no_section_for_service_principals() -> None:
    with pytest.raises(Invalid, match="servicePrincipalRestrictions"):
        created({"displayName": "A", "description": "B", "restrictions": {"servicePrincipalRestrictions": {}}})


def test_service_principals_have_no_identifier_uris_to_restrict() -> None:
    with pytest.raises(Invalid, match=r"Invalid property 'identifierUris'\. .* at 'servicePrincipalRestrictions'"):
        patched({"servicePrincipalRestrictions": {"identifierUris": {}}})


# -- ids and annotations -------------------------------------------------------------------------------------------


def test_the_default_policy_of_one_tenant_can_be_written_to_another() -> None:
    body = default_policy_to_graph(STORED, beta=True) | {"@odata.context": "https://…", "deletedDateTime": None}
    assert patched(body, TenantDefault(id=PolicyId(OTHER_ID))).id == OTHER_ID


def test_a_custom_policy_accepts_its_own_id_and_no_other() -> None:
    own = policy_from_graph({"id": ID.upper()}, current=CUSTOM, policy_id=ID, beta=False)
    assert own == CUSTOM
    for given_id in (OTHER_ID, 7):
        with pytest.raises(Invalid, match="id"):
            policy_from_graph({"id": given_id}, current=CUSTOM, policy_id=ID, beta=False)
    with pytest.raises(Invalid, match="read-only"):
        created({"id": ID, "displayName": "A", "description": "B"})


def test_control_information_is_passed_over_wherever_it_stands() -> None:
    body = {
        "@odata.type": "#microsoft.graph.tenantAppManagementPolicy",
        "applicationRestrictions": {
            "@odata.type": "microsoft.graph.appManagementApplicationConfiguration",
            "passwordCredentials@odata.context": "https://…",
            "passwordCredentials": [
                {
                    "@odata.type": "#microsoft.graph.passwordCredentialConfiguration",
                    "restrictionType": "passwordAddition",
                    "excludeActors": {"customSecurityAttributes@odata.context": "https://…"},
                }
            ],
        },
    }
    assert patched(body, TenantDefault()).application_restrictions == (PASSWORDS,)


# -- references ----------------------------------------------------------------------------------------------------

REFERENCES = [
    f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{ID}",
    f"https://localhost:8443/beta/policies/appManagementPolicies/{ID}/",
    f"https://graph.microsoft.com/v1.0/directoryObjects/{ID.upper()}",
    f"https://graph.microsoft.com/v1.0/servicePrincipals('{ID}')",
    f"policies/appManagementPolicies/{ID}",
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_is_read_whatever_its_host_and_version(reference: str) -> None:
    assert reference_from_graph({"@odata.id": reference}) == ID


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"@odata.id": None},
        {"@odata.id": 7},
        {"@odata.id": ""},
        {"@odata.id": f"x/{ID}('"},
        {"@odata.id": "https://graph.microsoft.com/v1.0/policies"},
        {"@odata.id": REFERENCES[0], "id": ID},
    ],
)
def test_what_is_not_a_reference_is_refused(body: Any) -> None:
    with pytest.raises(Invalid):
        reference_from_graph(body)


def test_reading_a_body_leaves_the_body_as_it_was() -> None:
    body = default_policy_to_graph(STORED, beta=True)
    before = deepcopy(body)
    patched(body)
    assert body == before
