"""Applications: the full shape, and what a write means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.recorded import needs_recordings, recorded_objects
from unsecret.errors import Invalid
from unsecret.model.application import Application, KeyCredential, KeyType, KeyUsage, PasswordCredential
from unsecret.model.identifiers import AppId, KeyId, ObjectId
from unsecret.wire.applications import PROPERTIES, application_from_graph, application_to_graph
from unsecret.wire.credentials import KeyEntry
from unsecret.wire.instants import parse_instant
from unsecret.wire.shapes import Access

GUID, GUID2 = "aaaaaaaa-0000-0000-0000-000000000001", "aaaaaaaa-0000-0000-0000-000000000002"
CREATED = datetime(2024, 9, 6, 9, 31, 12, 47203, tzinfo=UTC)
HIDDEN = tuple(name for name, row in PROPERTIES.items() if row.on_select)
BASE = Application(id=ObjectId(GUID), app_id=AppId(GUID2), display_name="a", created_at=CREATED)


def new(**fields: Any) -> Application:
    return msgspec.structs.replace(BASE, **fields)


def created(body: dict[str, Any], **fields: Any) -> Application:
    return new(**{**application_from_graph({"displayName": "a", **body}, existing=None).properties, **fields})


def patched(app: Application, body: dict[str, Any]) -> Application:
    return msgspec.structs.replace(app, **application_from_graph(body, existing=app).properties)


def shown(app: Application) -> dict[str, Any]:
    return application_to_graph(app)


def writable(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if PROPERTIES[name].access is not Access.READ}


ROLE = {"id": GUID, "allowedMemberTypes": ["Application"], "displayName": "Reader", "value": "Read.All"}
FULL: dict[str, Any] = {
    "displayName": "Full",
    "description": "d",
    "identifierUris": ["api://a", "urn:b"],
    "signInAudience": "AzureADMultipleOrgs",
    "tags": ["one", "two"],
    "uniqueName": "full",
    "isDisabled": True,
    "isFallbackPublicClient": False,
    "groupMembershipClaims": "SecurityGroup, ApplicationGroup",
    "info": {"marketingUrl": "https://contoso.com"},
    "optionalClaims": {"idToken": [{"name": "auth_time"}]},
    "servicePrincipalLockConfiguration": {"isEnabled": True, "allProperties": True},
    "web": {
        "homePageUrl": "https://contoso.com",
        "redirectUris": ["https://contoso.com/a", "https://contoso.com/b"],
        "implicitGrantSettings": {"enableIdTokenIssuance": True},
        "redirectUriSettings": [{"uri": "https://contoso.com/b", "index": 1}],
    },
    "spa": {"redirectUris": ["https://contoso.com/spa"]},
    "publicClient": {"redirectUris": ["http://localhost"]},
    "api": {
        "requestedAccessTokenVersion": 2,
        "knownClientApplications": [GUID],
        "oauth2PermissionScopes": [{"id": GUID2, "value": "read", "isEnabled": False}],
        "preAuthorizedApplications": [{"appId": GUID, "delegatedPermissionIds": [GUID2]}],
    },
    "appRoles": [ROLE],
    "requiredResourceAccess": [{"resourceAppId": GUID, "resourceAccess": [{"id": GUID2, "type": "Role"}]}],
    "addIns": [{"type": "FileHandler", "properties": [{"key": "k", "value": "v"}]}],
    "parentalControlSettings": {"countriesBlockedForMinors": ["DE"], "legalAgeGroupRule": "BlockMinors"},
    "authenticationBehaviors": {"blockAzureADGraphAccess": True},
}


@needs_recordings
def test_what_graph_shows_is_shown_with_every_property_and_in_the_same_order() -> None:
    recorded = max(recorded_objects("publisherDomain"), key=len)
    ours = list(shown(new()))
    assert [name for name in ours if name in recorded] == [name for name in recorded if name in ours]
    assert set(recorded) - set(ours) == set()
    assert set(ours) - set(recorded) == {"createdByAppId", "isDisabled"}, "newer than the recordings, of the schema"


@needs_recordings
def test_a_recorded_application_is_read_and_shown_again_without_a_change() -> None:
    recordings = recorded_objects("publisherDomain")
    assert len(recordings) > 20
    for recorded in recordings:
        body = {name: value for name, value in writable(recorded).items() if not name.endswith("Credentials")}
        kept_by_the_service = {"publisherDomain": recorded["publisherDomain"]}
        application = created(body)
        application = msgspec.structs.replace(
            application,
            id=recorded["id"],
            app_id=recorded["appId"],
            created_at=parse_instant(recorded["createdDateTime"]),
            other={**application.other, **kept_by_the_service},
        )
        again = shown(application)
        for name, value in recorded.items():
            if name in body | kept_by_the_service:
                assert _without_younger_members(again[name], value) == value, name


def _without_younger_members(ours: Any, recorded: Any) -> Any:
    """Older recordings lack `redirectUriSettings`."""
    if isinstance(ours, dict) and isinstance(recorded, dict):
        return {name: value for name, value in ours.items() if name in recorded}
    return ours


def test_a_new_application_looks_as_graph_shows_one() -> None:
    body = shown(created({}))
    assert body["web"] == {
        "homePageUrl": None,
        "logoutUrl": None,
        "redirectUris": [],
        "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False},
        "redirectUriSettings": [],
    }
    assert body["api"]["requestedAccessTokenVersion"] is None
    assert body["parentalControlSettings"] == {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"}
    assert body["verifiedPublisher"] == {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None}
    assert (body["createdDateTime"], body["deletedDateTime"]) == ("2024-09-06T09:31:12.047203Z", None)
    assert body["signInAudience"] == "AzureADMyOrg"
    assert "value" not in body, "Azure CLI takes any answer with that member for a list"


def test_two_answers_share_nothing_that_could_be_changed() -> None:
    shown(new())["info"]["logoUrl"] = "changed"
    shown(new())["web"]["implicitGrantSettings"]["enableIdTokenIssuance"] = True
    assert shown(new())["info"]["logoUrl"] is None
    assert shown(new())["web"]["implicitGrantSettings"]["enableIdTokenIssuance"] is False


def test_every_writable_property_is_shown_as_it_was_written() -> None:
    body = application_to_graph(created(FULL), selected=HIDDEN)
    assert set(FULL) <= set(body)
    assert body["web"]["redirectUriSettings"] == [
        {"uri": "https://contoso.com/a", "index": None},
        {"uri": "https://contoso.com/b", "index": 1},
    ]
    assert body["optionalClaims"] == {
        "accessToken": [],
        "idToken": [{"additionalProperties": [], "essential": False, "name": "auth_time", "source": None}],
        "saml2Token": [],
    }
    assert body["appRoles"] == [{**ROLE, "description": None, "isEnabled": True, "origin": "Application"}]
    assert body["info"]["marketingUrl"] == "https://contoso.com"
    assert body["api"]["requestedAccessTokenVersion"] == 2
    assert body["authenticationBehaviors"]["blockAzureADGraphAccess"] is True
    assert body["servicePrincipalLockConfiguration"]["tokenEncryptionKeyId"] is None


def test_the_members_that_the_law_looks_at_are_lifted_out() -> None:
    app = created(FULL)
    assert app.web_redirect_uris == ("https://contoso.com/a", "https://contoso.com/b")
    assert app.spa_redirect_uris == ("https://contoso.com/spa",)
    assert app.public_client_redirect_uris == ("http://localhost",)
    assert app.requested_access_token_version == 2
    assert "redirectUris" not in app.other["web"]
    assert "requestedAccessTokenVersion" not in app.other["api"]
    assert {"spa", "publicClient"}.isdisjoint(app.other)


def test_some_properties_are_shown_only_when_selected() -> None:
    app = created(FULL)
    assert set(HIDDEN).isdisjoint(shown(app))
    assert application_to_graph(new(), selected=HIDDEN)["oauth2RequirePostResponse"] is False


def test_a_read_sent_back_as_a_patch_changes_nothing() -> None:
    app = created(FULL, key_credentials=(_key(),), password_credentials=(_password(),))
    for selected in ((), HIDDEN):
        body = application_to_graph(app, selected=selected)
        asked = application_from_graph({"@odata.context": "…", "@odata.type": "…", **body}, existing=app)
        assert asked.properties == {}
        assert asked.password_credentials is None
        assert [entry.key_id for entry in asked.key_credentials or ()] == [GUID]


def test_a_client_may_reformat_what_it_sends_back() -> None:
    app = created({}, password_credentials=(_password(),))
    body = {
        "id": GUID.upper(),
        "createdDateTime": "2024-09-06T09:31:12.047203+00:00",
        "deletedDateTime": None,
        "publisherDomain": None,
        "verifiedPublisher": {"@odata.type": "#microsoft.graph.verifiedPublisher"},
        "passwordCredentials": [{"keyId": GUID2, "hint": "abc", "endDateTime": "2027-01-01T00:00:00+00:00"}],
    }
    assert application_from_graph(body, existing=app).properties == {}


def test_an_absent_property_is_unchanged_and_null_clears() -> None:
    app = patched(created(FULL), {"description": None, "tags": None, "optionalClaims": None, "isDisabled": None})
    assert (app.tags, app.is_disabled) == ((), None)
    assert (shown(app)["description"], shown(app)["optionalClaims"]) == (None, None)
    assert {"description", "optionalClaims"}.isdisjoint(app.other)
    assert (app.display_name, app.identifier_uris) == ("Full", ("api://a", "urn:b"))


def test_members_of_a_complex_property_merge_and_collections_are_replaced() -> None:
    app = patched(created(FULL), {"web": {"logoutUrl": "https://contoso.com/out", "homePageUrl": None}})
    assert app.web_redirect_uris == ("https://contoso.com/a", "https://contoso.com/b")
    assert app.other["web"]["implicitGrantSettings"]["enableIdTokenIssuance"] is True
    assert app.other["web"]["homePageUrl"] is None
    app = patched(app, {"web": {"redirectUris": ["https://contoso.com/c"]}, "api": {"acceptMappedClaims": True}})
    assert app.web_redirect_uris == ("https://contoso.com/c",)
    assert app.requested_access_token_version == 2
    assert shown(app)["web"]["redirectUriSettings"] == [{"uri": "https://contoso.com/c", "index": None}]


def test_null_clears_a_complex_property_with_the_addresses_in_it() -> None:
    app = patched(created(FULL), {"web": None, "spa": None})
    assert (app.web_redirect_uris, app.spa_redirect_uris) == ((), ())
    assert shown(app)["web"] == shown(new())["web"]


def test_redirect_uri_settings_cannot_add_an_address() -> None:
    smuggled = {"web": {"redirectUriSettings": [{"uri": "https://evil.example", "index": 0}]}}
    with pytest.raises(Invalid, match=r"web\.redirectUriSettings"):
        application_from_graph(smuggled, existing=created(FULL))
    stale = {"web": {"redirectUris": [], **smuggled["web"]}}
    app = patched(created(FULL), stale)
    assert (app.web_redirect_uris, app.other["web"]["redirectUriSettings"]) == ((), [])


def test_an_application_for_personal_accounts_takes_v2_tokens() -> None:
    personal = {"signInAudience": "AzureADandPersonalMicrosoftAccount"}
    assert created(personal).requested_access_token_version == 2
    assert created({**personal, "api": {"acceptMappedClaims": True}}).requested_access_token_version == 2
    with pytest.raises(Invalid, match="requestedAccessTokenVersion is invalid"):
        created({**personal, "api": {"requestedAccessTokenVersion": 1}})


def test_an_enabled_permission_must_be_disabled_before_it_is_removed() -> None:
    app = created({"appRoles": [ROLE], "api": {"oauth2PermissionScopes": [{"id": GUID2, "value": "read"}]}})
    for body in ({"appRoles": []}, {"api": {"oauth2PermissionScopes": []}}):
        with pytest.raises(Invalid) as caught:
            application_from_graph(body, existing=app)
        assert caught.value.code == "CannotDeleteOrUpdateEnabledEntitlement"
    app = patched(app, {"appRoles": [{**ROLE, "isEnabled": False}]})
    assert shown(patched(app, {"appRoles": []}))["appRoles"] == []


def test_credentials_are_reported_as_they_were_asked_for() -> None:
    body = {
        "displayName": "a",
        "passwordCredentials": [{"displayName": "s"}],
        "keyCredentials": [{"keyId": GUID, "key": None}],
    }
    asked = application_from_graph(body, existing=None)
    assert [request.display_name for request in asked.password_credentials or ()] == ["s"]
    assert asked.key_credentials == (KeyEntry(key_id=KeyId(GUID)),)
    assert set(asked.properties) == {"display_name"}
    nothing = application_from_graph({"displayName": "a"}, existing=None)
    assert (nothing.key_credentials, nothing.password_credentials) == (None, None)
    none_at_all = application_from_graph({"displayName": "a", "keyCredentials": []}, existing=None)
    assert none_at_all.key_credentials == ()


def _key() -> KeyCredential:
    return KeyCredential(
        key_id=KeyId(GUID), type=KeyType.CERTIFICATE, usage=KeyUsage.VERIFY, start_at=CREATED, end_at=CREATED
    )


def _password() -> PasswordCredential:
    end = datetime(2027, 1, 1, tzinfo=UTC)
    return PasswordCredential(key_id=KeyId(GUID2), start_at=CREATED, end_at=end, hint="abc")


words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=20)
paths = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._~", min_size=1, max_size=12)
uris = st.lists(paths.map(lambda path: f"api://{path}"), max_size=4, unique=True)
flags = st.none() | st.booleans()
guids = st.uuids().map(str)
bodies = st.fixed_dictionaries(
    {"displayName": words},
    optional={
        "description": st.none() | words,
        "identifierUris": uris,
        "tags": st.lists(words, max_size=3, unique=True),
        "isDisabled": flags,
        "isFallbackPublicClient": flags,
        "tokenEncryptionKeyId": st.none() | guids,
        "signInAudience": st.sampled_from(["AzureADMyOrg", "AzureADMultipleOrgs"]),
        "web": st.fixed_dictionaries({}, optional={"redirectUris": uris, "homePageUrl": st.none() | words}),
        "spa": st.fixed_dictionaries({}, optional={"redirectUris": uris}),
        "publicClient": st.none() | st.fixed_dictionaries({"redirectUris": uris}),
        "api": st.fixed_dictionaries(
            {},
            optional={
                "requestedAccessTokenVersion": st.sampled_from([None, 1, 2]),
                "acceptMappedClaims": flags,
                "knownClientApplications": st.lists(guids, max_size=2, unique=True),
            },
        ),
        "info": st.none() | st.fixed_dictionaries({}, optional={"supportUrl": words, "logoUrl": st.none()}),
    },
)


@given(bodies, bodies)
def test_what_is_shown_says_all_that_is_kept(first: dict[str, Any], second: dict[str, Any]) -> None:
    app = created(first)
    body = application_to_graph(app, selected=HIDDEN)
    assert application_from_graph(body, existing=app).properties == {}
    again = new(**application_from_graph(writable(body), existing=None).properties)
    assert application_to_graph(again, selected=HIDDEN) == body
    assert patched(patched(app, second), writable(body)) == app
