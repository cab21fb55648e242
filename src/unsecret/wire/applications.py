"""Applications in Graph's words.

https://learn.microsoft.com/en-us/graph/api/resources/application
https://learn.microsoft.com/en-us/graph/api/application-post-applications (what a new one looks like)

`PROPERTIES` is the one table: it decodes, it encodes, and it words the refusals. The members of `web`, `spa`,
`publicClient` and `api` that the law looks at live in fields of the noun (`_LIFTED`), the rest of
these objects in `other`, whole, under Graph's name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from unsecret.model.application import Application
from unsecret.model.identifiers import ObjectId
from unsecret.wire.application_checks import MOST_PERMISSIONS, PERSONAL_AUDIENCES, check
from unsecret.wire.application_shapes import (
    ADD_INS,
    ADDRESS,
    DISPLAY_NAME,
    GROUP_CLAIMS,
    IDENTIFIER_URIS,
    INFO,
    PERMISSION_SCOPES,
    REDIRECT_URIS,
    TAGS,
    VERIFIED_PUBLISHER,
    app_roles,
)
from unsecret.wire.credentials import (
    KEYS,
    PASSWORDS,
    USE_ACTIONS,
    KeyEntry,
    PasswordRequest,
    key_to_graph,
    password_to_graph,
)
from unsecret.wire.instants import format_instant
from unsecret.wire.properties import (
    fields_of,
    frozen,
    on_select,
    read_properties,
    require,
    shown_by_default,
    under_key,
)
from unsecret.wire.references import new_owners
from unsecret.wire.shapes import Access, Property, flag, guid, many, record, text, whole, word

MOST_RESOURCES = 50
"""https://learn.microsoft.com/en-us/graph/api/application-update, requiredResourceAccess."""

_CLAIMS = many(
    record(
        additionalProperties=many(text(least=1, most=256, required=True), most=20),
        essential=flag(default=False),
        name=text(least=1, most=256, required=True),
        source=word("user"),
    ),
    most=100,
)
_USE_ACTIONS = "Use addPassword and removePassword."

PROPERTIES: dict[str, Property] = {
    "id": Property(text(), "id", Access.READ),
    "deletedDateTime": Property(text(), None, Access.READ),
    "appId": Property(text(), "app_id", Access.READ),
    "applicationTemplateId": Property(text(), None, Access.READ),
    "disabledByMicrosoftStatus": Property(text(), None, Access.READ),
    "createdByAppId": Property(text(), "created_by_app_id", Access.READ),
    "createdDateTime": Property(text(), "created_at", Access.READ),
    "displayName": Property(DISPLAY_NAME, "display_name"),
    "description": Property(text()),
    "groupMembershipClaims": Property(GROUP_CLAIMS),
    "identifierUris": Property(IDENTIFIER_URIS, "identifier_uris"),
    "isDeviceOnlyAuthSupported": Property(flag()),
    "isDisabled": Property(flag(), "is_disabled"),
    "isFallbackPublicClient": Property(flag()),
    "nativeAuthenticationApisEnabled": Property(word("none", "all")),
    "notes": Property(text()),
    "publisherDomain": Property(text(), None, Access.READ),
    "serviceManagementReference": Property(text(most=256)),
    "signInAudience": Property(
        word("AzureADMyOrg", "AzureADMultipleOrgs", *PERSONAL_AUDIENCES, default="AzureADMyOrg", required=True),
        "sign_in_audience",
    ),
    "tags": Property(TAGS, "tags"),
    "tokenEncryptionKeyId": Property(guid()),
    "uniqueName": Property(text(least=1, most=256), "unique_name", Access.CREATE),
    "samlMetadataUrl": Property(ADDRESS),
    "defaultRedirectUri": Property(ADDRESS),
    "certification": Property(record(nullable=True), None, Access.READ),
    "optionalClaims": Property(record(nullable=True, accessToken=_CLAIMS, idToken=_CLAIMS, saml2Token=_CLAIMS)),
    "servicePrincipalLockConfiguration": Property(
        record(
            nullable=True,
            isEnabled=flag(default=False),
            allProperties=flag(),
            credentialsWithUsageVerify=flag(),
            credentialsWithUsageSign=flag(),
            tokenEncryptionKeyId=flag(),
        )
    ),
    "requestSignatureVerification": Property(
        record(nullable=True, allowedWeakAlgorithms=word("rsaSha1"), isSignedRequestRequired=flag())
    ),
    "addIns": Property(ADD_INS),
    "api": Property(
        record(
            acceptMappedClaims=flag(),
            knownClientApplications=many(guid(required=True), most=500, unique=True),
            requestedAccessTokenVersion=whole(1, 2),
            oauth2PermissionScopes=PERMISSION_SCOPES,
            preAuthorizedApplications=many(
                record(
                    appId=guid(required=True),
                    delegatedPermissionIds=many(guid(required=True), most=500, unique=True),
                ),
                most=500,
                by="appId",
            ),
        )
    ),
    "appRoles": Property(app_roles("Application")),
    "info": Property(INFO),
    "keyCredentials": Property(KEYS),
    "parentalControlSettings": Property(
        record(
            countriesBlockedForMinors=many(text(least=2, most=2, required=True), most=250, unique=True),
            legalAgeGroupRule=word(
                "Allow",
                "RequireConsentForPrivacyServices",
                "RequireConsentForMinors",
                "RequireConsentForKids",
                "BlockMinors",
                default="Allow",
            ),
        )
    ),
    "passwordCredentials": Property(
        PASSWORDS, "password_credentials", Access.CREATE, instead=_USE_ACTIONS, says=USE_ACTIONS
    ),
    "publicClient": Property(record(redirectUris=REDIRECT_URIS)),
    "requiredResourceAccess": Property(
        many(
            record(
                resourceAppId=guid(required=True),
                resourceAccess=many(
                    record(id=guid(required=True), type=word("Scope", "Role", required=True)), most=MOST_PERMISSIONS
                ),
            ),
            most=MOST_RESOURCES,
            by="resourceAppId",
        )
    ),
    "verifiedPublisher": Property(VERIFIED_PUBLISHER, None, Access.READ),
    "web": Property(
        record(
            homePageUrl=ADDRESS,
            logoutUrl=ADDRESS,
            redirectUris=REDIRECT_URIS,
            implicitGrantSettings=record(
                enableAccessTokenIssuance=flag(default=False), enableIdTokenIssuance=flag(default=False)
            ),
            redirectUriSettings=many(
                record(uri=text(least=1, most=256, required=True), index=whole(0, 2**31 - 1)), most=256, by="uri"
            ),
        )
    ),
    "spa": Property(record(redirectUris=REDIRECT_URIS)),
    "authenticationBehaviors": Property(
        record(
            nullable=True,
            blockAzureADGraphAccess=flag(),
            removeUnverifiedEmailClaim=flag(),
            requireClientServicePrincipal=flag(),
        ),
        on_select=True,
    ),
    "oauth2RequirePostResponse": Property(flag(default=False), on_select=True),
    "isAuthorizationServiceEnabled": Property(flag(default=False), None, Access.READ, on_select=True),
    "isManagementRestricted": Property(flag(), None, Access.READ, on_select=True),
    "orgRestrictions": Property(many(guid(required=True), most=500), None, Access.READ, on_select=True),
    "windows": Property(record(nullable=True), None, Access.READ, on_select=True),
}

BEHAVIORS = "authenticationBehaviors"
_SHOWN_IN_BETA = (
    "isAuthorizationServiceEnabled",
    "isManagementRestricted",
    "oauth2RequirePostResponse",
    "orgRestrictions",
    "windows",
)
"""What v1.0 leaves out (recorded: https://github.com/microsoft/zerotrustassessment, Application-model.json)."""

_LIFTED = {
    "api": {"requestedAccessTokenVersion": "requested_access_token_version"},
    "publicClient": {"redirectUris": "public_client_redirect_uris"},
    "web": {"redirectUris": "web_redirect_uris"},
    "spa": {"redirectUris": "spa_redirect_uris"},
}
"""Complex property → member → the field of the noun that keeps it."""

_DEFAULTS = shown_by_default(PROPERTIES)
_BLANK = msgspec.json.encode(_DEFAULTS)
"""Decoded anew for every answer, so that no two answers share a list: quicker than copying."""

_ON_SELECT = on_select(PROPERTIES)
_ALL_DEFAULTS = {**_DEFAULTS, **_ON_SELECT}


def _without_lifted(name: str, value: Any) -> Any:
    lifted = _LIFTED.get(name)
    return {member: item for member, item in value.items() if member not in lifted} if lifted else value


_DEFAULTS_OF_THE_REST = {name: _without_lifted(name, value) for name, value in _ALL_DEFAULTS.items()}


class ApplicationBody(Struct, frozen=True, kw_only=True):
    """What a request asks for: `properties` are fields of Application and their new values (only those that
    change; `other` is given whole), to be used with `msgspec.structs.replace`."""

    properties: dict[str, Any]
    key_credentials: tuple[KeyEntry, ...] | None = None
    password_credentials: tuple[PasswordRequest, ...] | None = None
    owners: tuple[ObjectId, ...] = ()


def application_to_graph(
    app: Application, *, beta: bool = False, with_keys: bool = False, selected: Collection[str] = ()
) -> dict[str, Any]:
    """An application as Graph shows it, every property expanded, without `@odata.context`.

    `with_keys` shows the certificates (Graph does so for `$select=keyCredentials` only); `selected` are the
    names in `$select`, for the properties that are shown on demand. Beta shows some of those to everybody.
    """
    body = msgspec.json.decode(_BLANK)
    other = app.other
    web = {**body["web"], **other.get("web", {}), "redirectUris": list(app.web_redirect_uris)}
    web["redirectUriSettings"] = _redirect_uri_settings(web, app.web_redirect_uris)
    api = {**body["api"], **other.get("api", {})}
    api["requestedAccessTokenVersion"] = app.requested_access_token_version
    body |= other
    body["id"] = app.id
    body["appId"] = app.app_id
    body["createdByAppId"] = app.created_by_app_id
    body["createdDateTime"] = format_instant(app.created_at) if app.created_at else None
    body["displayName"] = app.display_name
    body["identifierUris"] = list(app.identifier_uris)
    body["isDisabled"] = app.is_disabled
    body["signInAudience"] = app.sign_in_audience
    body["tags"] = list(app.tags)
    body["uniqueName"] = app.unique_name
    body["api"] = api
    body["keyCredentials"] = [key_to_graph(key, with_key=with_keys) for key in app.key_credentials]
    body["passwordCredentials"] = [password_to_graph(password) for password in app.password_credentials]
    body["publicClient"] = {"redirectUris": list(app.public_client_redirect_uris)}
    body["web"] = web
    body["spa"] = {"redirectUris": list(app.spa_redirect_uris)}
    for name, default in _ON_SELECT.items():
        if name in selected or (beta and name in _SHOWN_IN_BETA):
            body.setdefault(name, default)
        else:
            body.pop(name, None)
    return body


def _redirect_uri_settings(web: Mapping[str, Any], redirect_uris: tuple[str, ...]) -> list[dict[str, Any]]:
    """One setting for each address, in the same order; only an index that was chosen is stored."""
    indexes = {setting["uri"]: setting.get("index") for setting in web["redirectUriSettings"]}
    return [{"uri": uri, "index": indexes.get(uri)} for uri in redirect_uris]


def behaviors_from_graph(body: Any, existing: Application) -> ApplicationBody:
    """A PATCH of `authenticationBehaviors` by its own path, as one of the whole. Raises Invalid.

    https://learn.microsoft.com/en-us/graph/applications-authenticationbehaviors
    """
    return application_from_graph({BEHAVIORS: body}, existing)


def application_from_graph(body: Any, existing: Application | None, *, named: str | None = None) -> ApplicationBody:
    """A POST (`existing` is None) or a PATCH as values, nothing of it applied.

    What a PATCH does not name is unchanged; null clears; members of a complex property merge, collections
    are replaced. Read `existing` in the transaction that writes, for `other` is merged from it. `named` is the
    uniqueName that the address gives to one that is to be made. Raises Invalid, which names the property, and
    Unsupported for `…@odata.bind` other than a new object's owners.
    """
    owners: tuple[ObjectId, ...] = ()
    if existing is None:
        body, owners = new_owners(body)
    current = _ALL_DEFAULTS if existing is None else application_to_graph(existing, selected=_ON_SELECT)
    body = under_key(body, "uniqueName", None if existing else named)
    written = read_properties(body, PROPERTIES, current=current, creating=existing is None)
    if existing is None:
        require("displayName", written)
        _default_token_version(body, written)
    keys, passwords = written.pop("keyCredentials", None), written.pop("passwordCredentials", None)
    written = {name: value for name, value in written.items() if value != current[name]}
    check(body, written, current)
    return ApplicationBody(
        properties=_fields(written, existing),
        key_credentials=None if keys is None else tuple(keys),
        password_credentials=None if passwords is None else tuple(passwords),
        owners=owners,
    )


def _fields(written: Mapping[str, Any], existing: Application | None) -> dict[str, Any]:
    """Graph's names → the noun's fields, those that get a new value."""
    rest = {name: _without_lifted(name, value) for name, value in written.items()}
    fields = fields_of(rest, PROPERTIES, existing.other if existing else {}, _DEFAULTS_OF_THE_REST)
    for name, lifted in _LIFTED.items():
        if name in written:
            fields |= {kept_as: frozen(written[name][member]) for member, kept_as in lifted.items()}
    if existing is None:
        return fields
    return {field: value for field, value in fields.items() if value != getattr(existing, field)}


def _default_token_version(body: Mapping[str, Any], written: dict[str, Any]) -> None:
    """Personal accounts know v2 tokens only: Graph answers such a create with version 2 unless told otherwise."""
    asked = body.get("api") or {}
    if written.get("signInAudience") in PERSONAL_AUDIENCES and "requestedAccessTokenVersion" not in asked:
        api = written.get("api") or dict(_DEFAULTS["api"])
        written["api"] = {**api, "requestedAccessTokenVersion": 2}
