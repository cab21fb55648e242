"""Service principals: the full shape, what a write means, and the attributes that exempt callers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.recorded import needs_recordings, recorded_objects
from unsecret.errors import Invalid
from unsecret.model.application import Application, ServicePrincipal
from unsecret.model.identifiers import AppId, ObjectId
from unsecret.wire.instants import parse_instant
from unsecret.wire.service_principals import (
    PROPERTIES,
    inherited,
    inherited_names,
    service_principal_from_graph,
    service_principal_to_graph,
)

GUID, APP_ID = "aaaaaaaa-0000-0000-0000-000000000001", "aaaaaaaa-0000-0000-0000-000000000002"
CREATED = datetime(2024, 9, 6, 9, 31, 12, tzinfo=UTC)
BASE = ServicePrincipal(
    id=ObjectId(GUID),
    app_id=AppId(APP_ID),
    display_name="a",
    created_at=CREATED,
    service_principal_names=(APP_ID, "api://a"),
)
ATTRIBUTES = "customSecurityAttributes"


def patched(principal: ServicePrincipal, body: dict[str, Any]) -> ServicePrincipal:
    asked = service_principal_from_graph(body, existing=principal)
    return msgspec.structs.replace(principal, **asked.properties)


def shown(principal: ServicePrincipal, *, beta: bool = False, attributes: bool = False) -> dict[str, Any]:
    return service_principal_to_graph(principal, beta=beta, with_custom_security_attributes=attributes)


@needs_recordings
def test_what_graph_shows_is_shown_with_exactly_its_properties() -> None:
    recorded = recorded_objects("servicePrincipalNames")
    assert recorded
    for body in recorded:
        assert set(shown(BASE)) == set(body)


@needs_recordings
def test_a_recorded_service_principal_is_shown_again_without_a_change() -> None:
    for recorded in recorded_objects("servicePrincipalNames"):
        when = recorded["createdDateTime"]
        fields = {row.field: recorded[name] for name, row in PROPERTIES.items() if row.field and name in recorded}
        principal = msgspec.structs.replace(
            BASE,
            **{field: tuple(value) if isinstance(value, list) else value for field, value in fields.items()}
            | {"created_at": when and parse_instant(when), "password_credentials": ()},
            other={name: recorded[name] for name, row in PROPERTIES.items() if not row.field and name in recorded},
        )
        again = shown(principal)
        for name, value in recorded.items():
            if name != "passwordCredentials":
                assert again[name] == value, name
        assert patched(principal, {**again, "@odata.context": "…"}) == principal


def test_the_body_that_azure_cli_sends_for_a_new_one() -> None:
    asked = service_principal_from_graph({"appId": APP_ID.upper(), "accountEnabled": True}, existing=None)
    assert asked.properties == {"app_id": APP_ID}
    assert (asked.key_credentials, asked.password_credentials) == (None, None)


def test_the_properties_of_a_new_one() -> None:
    body = {
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "appId": APP_ID,
        "accountEnabled": False,
        "servicePrincipalType": "Application",
        "notes": "n",
        "tags": ["HideApp"],
        "preferredSingleSignOnMode": "saml",
        "passwordCredentials": [],
    }
    asked = service_principal_from_graph(body, existing=None)
    assert asked.properties == {
        "app_id": APP_ID,
        "account_enabled": False,
        "tags": ("HideApp",),
        "preferred_single_sign_on_mode": "saml",
        "other": {"notes": "n"},
    }
    assert asked.password_credentials == ()


@pytest.mark.parametrize("body", [None, [], {}, {"accountEnabled": True}, {"appId": None}, {"appId": "x"}])
def test_a_new_one_needs_the_app_id_of_its_application(body: Any) -> None:
    with pytest.raises(Invalid):
        service_principal_from_graph(body, existing=None)


def test_a_patch_changes_what_it_names_and_null_clears() -> None:
    principal = patched(BASE, {"accountEnabled": False, "notes": "n", "samlSingleSignOnSettings": {"relayState": "r"}})
    assert (principal.account_enabled, principal.other["notes"]) == (False, "n")
    principal = patched(principal, {"notes": None, "accountEnabled": None})
    assert (principal.account_enabled, shown(principal)["notes"]) == (True, None)
    assert shown(principal)["samlSingleSignOnSettings"] == {"relayState": "r"}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"accountEnabled": "yes"}, "accountEnabled", "true or false"),
    ({"preferredSingleSignOnMode": "SAML"}, "preferredSingleSignOnMode", "password, saml, notSupported, oidc"),
    ({"displayName": ""}, "displayName", "1 to 256"),
    ({"notificationEmailAddresses": ["a@b"] * 6}, "notificationEmailAddresses", "0 to 5"),
    ({"appRoles": [{"id": 1}]}, "appRoles[0].id", "a GUID"),
    ({"publishedPermissionScopes": [{"id": 1}]}, "oauth2PermissionScopes[0].id", "a GUID"),
    ({"appId": GUID}, "appId", "cannot be changed"),
    ({"servicePrincipalNames": [APP_ID, "api://a", "api://bypass"]}, "servicePrincipalNames", "change it there"),
    ({"signInAudience": "AzureADMultipleOrgs"}, "signInAudience", "change it there"),
    ({"servicePrincipalType": "ManagedIdentity"}, "servicePrincipalType", "read-only"),
    ({"passwordCredentials": [{"displayName": "x"}]}, "passwordCredentials", "addPassword"),
    ({"apId": GUID}, "apId", "Did you mean 'appId'?"),
]


@pytest.mark.parametrize(("body", "target", "words"), WRONG)
def test_a_wrong_property_is_named_with_what_is_expected(body: dict[str, Any], target: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        service_principal_from_graph(body, existing=BASE)
    assert caught.value.target == target
    assert words in caught.value.message


def test_beta_has_another_name_for_the_permission_scopes() -> None:
    scope = {"id": GUID, "value": "read"}
    for name in ("oauth2PermissionScopes", "publishedPermissionScopes"):
        principal = patched(BASE, {name: [scope]})
        assert shown(principal)["oauth2PermissionScopes"][0]["value"] == "read"
        assert shown(principal, beta=True)["publishedPermissionScopes"][0]["value"] == "read"
        assert "oauth2PermissionScopes" not in shown(principal, beta=True)
        assert patched(principal, shown(principal, beta=True)) == principal


def test_custom_security_attributes_are_shown_only_when_asked_for() -> None:
    principal = patched(BASE, {ATTRIBUTES: {"Engineering": {"Project": ["Baker"], "Vendors": 8, "Certified": True}}})
    assert ATTRIBUTES not in shown(principal)
    assert shown(principal, attributes=True)[ATTRIBUTES] == {
        "Engineering": {
            "@odata.type": "#microsoft.graph.customSecurityAttributeValue",
            "Project@odata.type": "#Collection(String)",
            "Project": ["Baker"],
            "Vendors@odata.type": "#Int32",
            "Vendors": 8,
            "Certified": True,
        }
    }
    assert shown(BASE, attributes=True)[ATTRIBUTES] is None


def test_custom_security_attributes_merge_and_null_takes_one_away() -> None:
    exempt = {
        "PolicyExemptions": {
            "@odata.type": "#Microsoft.DirectoryServices.CustomSecurityAttributeValue",
            "AppManagementExemption": "Exempt",
        }
    }
    principal = patched(BASE, {ATTRIBUTES: exempt})
    principal = patched(principal, {ATTRIBUTES: {"Engineering": {"A": [1, 2], "B": "b"}}})
    assert principal.custom_security_attributes == {
        "PolicyExemptions": {"AppManagementExemption": "Exempt"},
        "Engineering": {"A": [1, 2], "B": "b"},
    }
    principal = patched(principal, {ATTRIBUTES: {"Engineering": {"A": [], "B": None}}})
    assert principal.custom_security_attributes == {"PolicyExemptions": {"AppManagementExemption": "Exempt"}}
    assert patched(principal, {ATTRIBUTES: None}).custom_security_attributes == {}


def test_naming_the_attributes_shows_in_the_body_even_when_nothing_changes() -> None:
    principal = patched(BASE, {ATTRIBUTES: {"Engineering": {"B": "b"}}})
    for body in ({ATTRIBUTES: {"Engineering": {"B": "b"}}}, {ATTRIBUTES: {}}):
        asked = service_principal_from_graph(body, existing=principal)
        assert set(asked.properties) == {"custom_security_attributes"}


@pytest.mark.parametrize(
    "value",
    [
        [],
        "x",
        {"Engineering": []},
        {"Engineering": None},
        {"Engineering": {"A": {"deep": 1}}},
        {"Engineering": {"A": 1.5}},
        {"Engineering": {"A": 2**31}},
        {"Engineering": {"A": "x" * 65}},
        {"Engineering": {"A": ["x", 1]}},
        {"Engineering": {"A": ["x"] * 51}},
        {"Engineering": {"A": "\x00"}},
        {"with space": {"A": "x"}},
        {"Policy_Exemptions": {"A": "x"}},
        {"Policy": {"Exemptions_A": "x"}},
        {"x" * 33: {"A": "x"}},
    ],
)
def test_attributes_of_another_form_are_refused(value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        service_principal_from_graph({ATTRIBUTES: value}, existing=BASE)
    assert (caught.value.target or "").startswith(ATTRIBUTES)


def test_what_a_service_principal_takes_over_from_its_application() -> None:
    application = Application(
        id=ObjectId(GUID),
        app_id=AppId(APP_ID),
        display_name="App",
        created_at=CREATED,
        identifier_uris=("api://a",),
        web_redirect_uris=("https://contoso.com",),
        spa_redirect_uris=("https://contoso.com/spa",),
        other={"appRoles": [{"id": GUID}], "description": "d", "api": {"oauth2PermissionScopes": [{"id": APP_ID}]}},
    )
    assert inherited_names(application) == (APP_ID, "api://a")
    body = shown(msgspec.structs.replace(BASE, display_name="Renamed", other=inherited(application)))
    assert (body["appDisplayName"], body["displayName"], body["appDescription"]) == ("App", "Renamed", "d")
    assert (body["appRoles"], body["oauth2PermissionScopes"]) == ([{"id": GUID}], [{"id": APP_ID}])
    assert body["replyUrls"] == ["https://contoso.com", "https://contoso.com/spa"]
    assert set(inherited(application)) <= set(PROPERTIES)


words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=20)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "accountEnabled": st.booleans(),
        "appRoleAssignmentRequired": st.booleans(),
        "displayName": words,
        "notes": st.none() | words,
        "tags": st.lists(words, max_size=3, unique=True),
        "preferredSingleSignOnMode": st.sampled_from([None, "saml", "oidc"]),
        "alternativeNames": st.lists(words, max_size=2),
        "info": st.none() | st.fixed_dictionaries({"supportUrl": words}),
        "samlSingleSignOnSettings": st.none() | st.fixed_dictionaries({"relayState": st.none() | words}),
    },
)


@given(bodies, bodies, st.booleans())
def test_what_is_shown_says_all_that_is_kept(first: dict[str, Any], second: dict[str, Any], beta: bool) -> None:
    principal = patched(BASE, first)
    body = shown(principal, beta=beta)
    assert service_principal_from_graph(body, existing=principal).properties == {}
    body.pop("appDisplayName")
    assert patched(patched(principal, second), body) == principal
