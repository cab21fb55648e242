"""Applications: what is refused, and in which words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from unsecret.errors import Invalid, Unsupported
from unsecret.model.application import Application, PasswordCredential
from unsecret.model.identifiers import AppId, KeyId, ObjectId
from unsecret.wire.applications import application_from_graph

GUID, GUID2 = "aaaaaaaa-0000-0000-0000-000000000001", "aaaaaaaa-0000-0000-0000-000000000002"
CREATED = datetime(2024, 9, 6, 9, 31, 12, 47203, tzinfo=UTC)
APP = Application(
    id=ObjectId(GUID),
    app_id=AppId(GUID2),
    display_name="a",
    created_at=CREATED,
    unique_name="mine",
    password_credentials=(PasswordCredential(key_id=KeyId(GUID2), start_at=CREATED, end_at=CREATED, hint="abc"),),
)
ROLE = {"id": GUID, "allowedMemberTypes": ["Application"], "displayName": "Reader", "value": "Read.All"}
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"displayName": 7}, "displayName", "1 to 256"),
    ({"displayName": ""}, "displayName", "1 to 256"),
    ({"displayName": "x" * 257}, "displayName", "1 to 256"),
    ({"displayName": "a\x00b"}, "displayName", "1 to 256"),
    ({"displayName": "\ud800"}, "displayName", "1 to 256"),
    ({"displayName": None}, "displayName", "must not be null"),
    ({"description": ["x"]}, "description", "a string"),
    ({"isDisabled": "true"}, "isDisabled", "true or false"),
    ({"isFallbackPublicClient": 0}, "isFallbackPublicClient", "true or false"),
    ({"signInAudience": "Everybody"}, "signInAudience", "AzureADMyOrg, AzureADMultipleOrgs"),
    ({"signInAudience": "azureadmyorg"}, "signInAudience", "AzureADMyOrg"),
    ({"identifierUris": "api://x"}, "identifierUris", "an array"),
    ({"identifierUris": ["not a uri"]}, "identifierUris[0]", "absolute URI"),
    ({"identifierUris": ["api://x", "x"]}, "identifierUris[1]", "absolute URI"),
    ({"identifierUris": ["https://*.contoso.com"]}, "identifierUris[0]", "without wildcards"),
    ({"identifierUris": ["api://" + "x" * 250]}, "identifierUris[0]", "255"),
    ({"identifierUris": ["api://x", "api://x"]}, "identifierUris", "duplicate"),
    ({"identifierUris": [None]}, "identifierUris[0]", "must not be null"),
    ({"tags": [1]}, "tags[0]", "a string"),
    ({"web": []}, "web", "an object"),
    ({"web": {"redirectUris": ["/relative"]}}, "web.redirectUris[0]", "absolute URI"),
    ({"web": {"redirectUris": [f"https://contoso.com/{i}" for i in range(257)]}}, "web.redirectUris", "256"),
    ({"web": {"homepage": "x"}}, "web.homepage", "Invalid property 'homepage'"),
    (
        {"web": {"implicitGrantSettings": {"enableIdTokenIssuance": 1}}},
        "web.implicitGrantSettings.enableIdTokenIssuance",
        "true or false",
    ),
    ({"api": {"requestedAccessTokenVersion": 3}}, "api.requestedAccessTokenVersion", "from 1 to 2"),
    ({"api": {"requestedAccessTokenVersion": True}}, "api.requestedAccessTokenVersion", "from 1 to 2"),
    ({"api": {"requestedAccessTokenVersion": 2.0}}, "api.requestedAccessTokenVersion", "from 1 to 2"),
    ({"api": {"knownClientApplications": ["x"]}}, "api.knownClientApplications[0]", "a GUID"),
    ({"appRoles": [{**ROLE, "id": "x"}]}, "appRoles[0].id", "a GUID"),
    ({"appRoles": [{**ROLE, "id": None}]}, "appRoles[0].id", "required"),
    ({"appRoles": [{"displayName": "x"}]}, "appRoles[0].id", "required"),
    ({"appRoles": [ROLE, ROLE]}, "appRoles.id", "duplicate"),
    ({"appRoles": [{**ROLE, "value": "with space"}]}, "appRoles[0].value", "without white space"),
    ({"appRoles": [{**ROLE, "allowedMemberTypes": ["Robot"]}]}, "appRoles[0].allowedMemberTypes[0]", "User, Appl"),
    ({"api": {"oauth2PermissionScopes": [{"id": 1}]}}, "api.oauth2PermissionScopes[0].id", "a GUID"),
    (
        {"requiredResourceAccess": [{"resourceAppId": GUID, "resourceAccess": [{"id": GUID, "type": "App"}]}]},
        "requiredResourceAccess[0].resourceAccess[0].type",
        "Scope, Role",
    ),
    ({"groupMembershipClaims": "Everything"}, "groupMembershipClaims", "SecurityGroup"),
    ({"colour": "red"}, "colour", "Invalid property 'colour'"),
    ({"displayname": "red"}, "displayname", "Did you mean 'displayName'?"),
    ({"keyCredentials": {}}, "keyCredentials", "an array"),
]


@pytest.mark.parametrize(("body", "target", "expectation"), WRONG)
def test_a_wrong_property_is_named_with_what_is_expected(body: dict[str, Any], target: str, expectation: str) -> None:
    with pytest.raises(Invalid) as caught:
        application_from_graph(body, existing=APP)
    assert caught.value.target == target
    assert caught.value.code == ("DuplicateValue" if expectation == "duplicate" else "Request_BadRequest")
    assert expectation in caught.value.message
    with pytest.raises(Invalid):
        application_from_graph({"displayName": "a", **body}, existing=None)


def _resources(count: int, permissions: int) -> dict[str, Any]:
    access = [{"id": f"aaaaaaaa-0000-0000-0000-{i:012}", "type": "Role"} for i in range(permissions)]
    ids = [f"bbbbbbbb-0000-0000-0000-{i:012}" for i in range(count)]
    return {"requiredResourceAccess": [{"resourceAppId": app_id, "resourceAccess": access} for app_id in ids]}


def test_fifty_resources_and_four_hundred_permissions_fit_and_no_more() -> None:
    assert application_from_graph(_resources(50, 8), existing=APP)
    for count, permissions in ((51, 1), (50, 9), (1, 401)):
        with pytest.raises(Invalid, match="requiredResourceAccess"):
            application_from_graph(_resources(count, permissions), existing=APP)


READ_ONLY = [
    ("id", GUID2, "read-only"),
    ("appId", GUID, "read-only"),
    ("createdDateTime", "2020-01-01T00:00:00Z", "read-only"),
    ("publisherDomain", "evil.example", "read-only"),
    ("verifiedPublisher", {"displayName": "Me"}, "read-only"),
    ("uniqueName", "other", "cannot be changed"),
    ("passwordCredentials", [], "addPassword"),
    ("passwordCredentials", [{"displayName": "new"}], "addPassword"),
]


@pytest.mark.parametrize(("name", "value", "words"), READ_ONLY)
def test_a_property_that_cannot_be_written_is_refused_when_it_differs(name: str, value: Any, words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        application_from_graph({name: value}, existing=APP)
    assert caught.value.target == name


@pytest.mark.parametrize("body", [None, [], "x", 7, {}])
def test_a_new_application_needs_a_body_with_a_display_name(body: Any) -> None:
    with pytest.raises(Invalid):
        application_from_graph(body, existing=None)


def test_owners_are_not_quietly_forgotten() -> None:
    read = application_from_graph({"displayName": "a", "owners@odata.bind": [f"https://host/v1.0/x/{GUID}"]}, None)
    assert read.owners == (GUID,)


@pytest.mark.parametrize("owners", [f"https://host/{GUID}", ["…"], [None], [f"x/{GUID}"] * 21])
def test_owners_that_cannot_be_read_are_refused(owners: Any) -> None:
    with pytest.raises(Invalid, match=r"owners@odata\.bind"):
        application_from_graph({"displayName": "a", "owners@odata.bind": owners}, existing=None)


def test_nothing_but_owners_is_bound() -> None:
    with pytest.raises(Unsupported, match=r"tokenLifetimePolicies@odata\.bind"):
        application_from_graph({"displayName": "a", "tokenLifetimePolicies@odata.bind": ["…"]}, existing=None)
