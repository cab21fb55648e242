"""Service principals in Graph's words.

https://learn.microsoft.com/en-us/graph/api/resources/serviceprincipal

What a service principal shows of its application (`appRoles`, `oauth2PermissionScopes`, `info`, …) is kept in
its own `other`, because the application of a foreign one is not in this tenant. `inherited` is what
whoever creates it, or changes the application, has to put there.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from unsecret.model.application import Application, ServicePrincipal
from unsecret.model.identifiers import ObjectId
from unsecret.wire.application_shapes import (
    ADD_INS,
    ADDRESS,
    DISPLAY_NAME,
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
from unsecret.wire.custom_security_attributes import attributes_from_graph, attributes_to_graph
from unsecret.wire.instants import format_instant
from unsecret.wire.properties import fields_of, read_properties, require, shown_by_default, under_key
from unsecret.wire.references import new_owners
from unsecret.wire.shapes import Access, Property, Shape, flag, guid, many, record, text, word

_FROM_THE_APPLICATION = "It follows the application: change it there."
_TEXTS = many(text(least=1, most=256, required=True), most=1000)

PROPERTIES: dict[str, Property] = {
    "id": Property(text(), "id", Access.READ),
    "deletedDateTime": Property(text(), None, Access.READ),
    "accountEnabled": Property(flag(default=True), "account_enabled"),
    "alternativeNames": Property(_TEXTS),
    "appDisplayName": Property(text(), None, Access.READ, instead=_FROM_THE_APPLICATION),
    "appDescription": Property(text(), None, Access.READ, instead=_FROM_THE_APPLICATION),
    "appId": Property(guid(required=True), "app_id", Access.CREATE),
    "applicationTemplateId": Property(text(), None, Access.READ),
    "appOwnerOrganizationId": Property(text(), "app_owner_organization_id", Access.READ),
    "appRoleAssignmentRequired": Property(flag(default=False)),
    "createdDateTime": Property(text(), "created_at", Access.READ),
    "description": Property(text()),
    "disabledByMicrosoftStatus": Property(text(), None, Access.READ),
    "displayName": Property(DISPLAY_NAME, "display_name"),
    "homepage": Property(ADDRESS),
    "loginUrl": Property(ADDRESS),
    "logoutUrl": Property(ADDRESS),
    "notes": Property(text()),
    "notificationEmailAddresses": Property(many(text(least=1, most=256, required=True), most=5)),
    "preferredSingleSignOnMode": Property(
        word("password", "saml", "notSupported", "oidc"), "preferred_single_sign_on_mode"
    ),
    "preferredTokenSigningKeyThumbprint": Property(text(most=256)),
    "replyUrls": Property(Shape(REDIRECT_URIS.read, []), None, Access.READ, instead=_FROM_THE_APPLICATION),
    "servicePrincipalNames": Property(
        Shape(_TEXTS.read, []), "service_principal_names", Access.READ, instead=_FROM_THE_APPLICATION
    ),
    "servicePrincipalType": Property(text(default="Application"), "service_principal_type", Access.READ),
    "signInAudience": Property(text(), "sign_in_audience", Access.READ, instead=_FROM_THE_APPLICATION),
    "tags": Property(TAGS, "tags"),
    "tokenEncryptionKeyId": Property(guid()),
    "samlSingleSignOnSettings": Property(record(nullable=True, relayState=text(most=2048))),
    "verifiedPublisher": Property(VERIFIED_PUBLISHER, None, Access.READ),
    "addIns": Property(ADD_INS),
    "appRoles": Property(app_roles("Application")),
    "info": Property(INFO),
    "keyCredentials": Property(KEYS),
    "oauth2PermissionScopes": Property(PERMISSION_SCOPES),
    "passwordCredentials": Property(
        PASSWORDS,
        "password_credentials",
        Access.CREATE,
        instead="Use addPassword and removePassword.",
        says=USE_ACTIONS,
    ),
    "resourceSpecificApplicationPermissions": Property(Shape(_TEXTS.read, []), None, Access.READ),
    "api": Property(
        record(resourceSpecificApplicationPermissions=Shape(_TEXTS.read, [])), None, Access.READ, on_select=True
    ),
    "errorUrl": Property(text(), None, Access.READ, on_select=True),
    "isAuthorizationServiceEnabled": Property(flag(default=False), None, Access.READ, on_select=True),
    "preferredTokenSigningKeyEndDateTime": Property(text(), None, Access.READ, on_select=True),
    "samlMetadataUrl": Property(text(), None, Access.READ, on_select=True),
    "customSecurityAttributes": Property(
        Shape(attributes_from_graph, {}, schema={"type": "object"}), "custom_security_attributes", on_select=True
    ),
}

_SHOWN_IN_BETA = (
    "api",
    "errorUrl",
    "isAuthorizationServiceEnabled",
    "preferredTokenSigningKeyEndDateTime",
    "samlMetadataUrl",
)
"""What v1.0 leaves out (https://learn.microsoft.com/en-us/graph/api/serviceprincipal-get?view=graph-rest-beta)."""

_DEFAULTS = shown_by_default(PROPERTIES)
_BLANK = msgspec.json.encode(_DEFAULTS)
"""Decoded anew for every answer, so that no two answers share a list: quicker than copying."""

_SCOPES, _BETA_SCOPES = "oauth2PermissionScopes", "publishedPermissionScopes"
_ATTRIBUTES = "customSecurityAttributes"


class ServicePrincipalBody(Struct, frozen=True, kw_only=True):
    """What a request asks for: `properties` are fields of ServicePrincipal and their new values (for a new
    one `app_id` among them), to be used with `msgspec.structs.replace`; `other` is given whole.

    `custom_security_attributes` is there whenever the request names it, changed or not: writing it needs a
    permission of its own, and whether a guess was right must not show."""

    properties: dict[str, Any]
    key_credentials: tuple[KeyEntry, ...] | None = None
    password_credentials: tuple[PasswordRequest, ...] | None = None
    owners: tuple[ObjectId, ...] = ()


def service_principal_to_graph(
    principal: ServicePrincipal,
    *,
    beta: bool,
    with_keys: bool = False,
    with_custom_security_attributes: bool = False,
) -> dict[str, Any]:
    """A service principal as Graph shows it, every property expanded, without `@odata.context`.

    Certificates and custom security attributes are shown only to who names them in `$select`, so both are
    said by the handler. Beta calls oauth2PermissionScopes publishedPermissionScopes.
    """
    body = msgspec.json.decode(_BLANK)
    body |= principal.other
    body["id"] = principal.id
    body["accountEnabled"] = principal.account_enabled
    body["appDisplayName"] = principal.other.get("appDisplayName", principal.display_name)
    body["appId"] = principal.app_id
    body["appOwnerOrganizationId"] = principal.app_owner_organization_id
    body["createdDateTime"] = format_instant(principal.created_at) if principal.created_at else None
    body["displayName"] = principal.display_name
    body["keyCredentials"] = [key_to_graph(key, with_key=with_keys) for key in principal.key_credentials]
    body["passwordCredentials"] = [password_to_graph(password) for password in principal.password_credentials]
    body["preferredSingleSignOnMode"] = principal.preferred_single_sign_on_mode
    body["servicePrincipalNames"] = list(principal.service_principal_names)
    body["servicePrincipalType"] = principal.service_principal_type
    body["signInAudience"] = principal.sign_in_audience
    body["tags"] = list(principal.tags)
    if with_custom_security_attributes:
        body[_ATTRIBUTES] = attributes_to_graph(principal.custom_security_attributes)
    if beta:
        body[_BETA_SCOPES] = body.pop(_SCOPES)
        body |= {name: PROPERTIES[name].shape.default for name in _SHOWN_IN_BETA}
    return body


def service_principal_from_graph(
    body: Any, existing: ServicePrincipal | None, *, app_id: str | None = None
) -> ServicePrincipalBody:
    """A POST (`existing` is None) or a PATCH as values, nothing of it applied; both names of the permission
    scopes are understood. What a PATCH does not name is unchanged; null clears.

    Read `existing` in the transaction that writes, for `other` is merged from it. `app_id` is the one that the address
    gives to one that is to be made. Raises Invalid, which names the property, and Unsupported
    for `…@odata.bind` other than a new object's owners.
    """
    owners: tuple[ObjectId, ...] = ()
    if existing is None:
        body, owners = new_owners(body)
    if isinstance(body, dict) and _BETA_SCOPES in body:
        body = {_SCOPES if name == _BETA_SCOPES else name: value for name, value in body.items()}
    current: dict[str, Any] = {name: row.shape.default for name, row in PROPERTIES.items()}
    if existing is not None:
        current |= service_principal_to_graph(existing, beta=False)
        current[_ATTRIBUTES] = existing.custom_security_attributes
    body = under_key(body, "appId", None if existing else app_id)
    written = read_properties(body, PROPERTIES, current=current, creating=existing is None)
    if existing is None:
        require("appId", written)
    keys, passwords = written.pop("keyCredentials", None), written.pop("passwordCredentials", None)
    written = {name: value for name, value in written.items() if name == _ATTRIBUTES or value != current[name]}
    return ServicePrincipalBody(
        properties=fields_of(written, PROPERTIES, existing.other if existing else {}, _DEFAULTS),
        key_credentials=None if keys is None else tuple(keys),
        password_credentials=None if passwords is None else tuple(passwords),
        owners=owners,
    )


def inherited(application: Application) -> dict[str, Any]:
    """The members of a service principal's `other` that come from its application, by Graph's names."""
    web, api = application.other.get("web", {}), application.other.get("api", {})
    return {
        "appDisplayName": application.display_name,
        "appDescription": application.other.get("description"),
        "appRoles": application.other.get("appRoles", []),
        _SCOPES: api.get(_SCOPES, []),
        "info": application.other.get("info", _DEFAULTS["info"]),
        "homepage": web.get("homePageUrl"),
        "logoutUrl": web.get("logoutUrl"),
        "replyUrls": [
            *application.web_redirect_uris,
            *application.spa_redirect_uris,
            *application.public_client_redirect_uris,
        ],
    }


def inherited_names(application: Application) -> tuple[str, ...]:
    """`servicePrincipalNames`: what a token may be asked for, the appId first."""
    return (str(application.app_id), *application.identifier_uris)
