"""What Graph showed of another tenant, read back into nouns as it stood there: ids, dates and all.

A request is held to what Graph accepts; an export is history and is not. Names that nobody here knows are kept in
`other` and given back. What the law or a sign-in looks at has to be readable, or Invalid names it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import structs

from unsecret.errors import Invalid
from unsecret.model.application import (
    Application,
    AppRoleAssignment,
    KeyCredential,
    KeyType,
    KeyUsage,
    PasswordCredential,
    ServicePrincipal,
    Tenant,
)
from unsecret.model.attributes import AllowedValue, AttributeDefinition, AttributeSet, AttributeStatus, AttributeType
from unsecret.model.consent import ConsentType, OAuth2PermissionGrant
from unsecret.model.identifiers import AppId, KeyId, ObjectId, PolicyId, TenantId
from unsecret.model.people import DirectoryRoleAssignment, User
from unsecret.model.policy import AppManagementPolicy, CertificateBasedApplicationConfiguration, TenantDefault
from unsecret.wire import applications, expect, service_principals, users
from unsecret.wire.binaries import a_key
from unsecret.wire.credentials import identifier_from_graph
from unsecret.wire.custom_security_attributes import NAME, attributes_from_graph
from unsecret.wire.instants import parse_instant
from unsecret.wire.policies import default_policy_from_graph, policy_from_graph
from unsecret.wire.shapes import Property
from unsecret.wire.trusted_authorities import FactsOf, authority_from_graph

_RELATIONSHIPS = (
    *("owners", "federatedIdentityCredentials", "appManagementPolicies", "appRoleAssignments", "appRoleAssignedTo"),
    *("oauth2PermissionGrants", "appliesTo", "ownedObjects", "memberOf", "transitiveMemberOf", "createdObjects"),
)
"""What `$expand` puts into an object, and is kept elsewhere."""

_AUTHORITIES = "trustedCertificateAuthorities"

_PLATFORMS = {
    "web": "web_redirect_uris",
    "spa": "spa_redirect_uris",
    "publicClient": "public_client_redirect_uris",
}


def application_from_export(body: Any) -> Application:
    """An application as Graph showed it. Raises Invalid."""
    members = _members(body)
    api = _object(members, "api")
    return Application(
        id=ObjectId(_guid(members, "id")),
        app_id=AppId(_guid(members, "appId")),
        display_name=_text(members, "displayName") or "",
        created_at=_instant(members, "createdDateTime"),
        created_by_app_id=AppId(_guid(members, "createdByAppId")) if members.get("createdByAppId") else None,
        unique_name=_text(members, "uniqueName"),
        sign_in_audience=_text(members, "signInAudience") or "AzureADMyOrg",
        identifier_uris=_texts(members, "identifierUris"),
        requested_access_token_version=_version(api.get("requestedAccessTokenVersion")),
        is_disabled=_flag(members, "isDisabled"),
        tags=_texts(members, "tags"),
        password_credentials=_passwords(members),
        key_credentials=_keys(members),
        other=_rest(members, applications.PROPERTIES),
        **{field: _texts(_object(members, name), "redirectUris", name) for name, field in _PLATFORMS.items()},
    )


def service_principal_from_export(body: Any) -> ServicePrincipal:
    """A service principal as Graph showed it. Raises Invalid."""
    members = _members(body)
    if (scopes := members.pop("publishedPermissionScopes", None)) is not None:  # beta's name
        members["oauth2PermissionScopes"] = scopes
    owner = members.get("appOwnerOrganizationId")
    attributes = members.get("customSecurityAttributes")
    return ServicePrincipal(
        id=ObjectId(_guid(members, "id")),
        app_id=AppId(_guid(members, "appId")),
        display_name=_text(members, "displayName") or "",
        created_at=_instant(members, "createdDateTime"),
        app_owner_organization_id=TenantId(_guid(members, "appOwnerOrganizationId")) if owner else None,
        account_enabled=_flag(members, "accountEnabled") is not False,
        service_principal_type=_text(members, "servicePrincipalType") or "Application",
        sign_in_audience=_text(members, "signInAudience"),
        service_principal_names=_texts(members, "servicePrincipalNames"),
        preferred_single_sign_on_mode=_text(members, "preferredSingleSignOnMode"),
        tags=_texts(members, "tags"),
        custom_security_attributes=attributes_from_graph(attributes, "customSecurityAttributes") if attributes else {},
        password_credentials=_passwords(members),
        key_credentials=_keys(members),
        other=_rest(members, service_principals.PROPERTIES),
    )


def user_from_export(body: Any) -> User:
    """A person as Graph showed them. Raises Invalid."""
    members = _members(body)
    attributes = members.get("customSecurityAttributes")
    return User(
        id=ObjectId(_guid(members, "id")),
        display_name=_text(members, "displayName") or "",
        user_principal_name=expect.a_text(members.get("userPrincipalName") or "", "userPrincipalName"),
        created_at=_instant(members, "createdDateTime"),
        account_enabled=_flag(members, "accountEnabled") is not False,
        user_type=_text(members, "userType") or "Member",
        mail=_text(members, "mail"),
        custom_security_attributes=attributes_from_graph(attributes, "customSecurityAttributes") if attributes else {},
        other=_rest(members, users.PROPERTIES),
    )


def tenant_from_export(body: Any) -> Tenant:
    """The organisation; its initial domain comes first. Raises Invalid."""
    members = _members(body)
    domains = [_members(one) for one in expect.a_list(members.get("verifiedDomains") or [], "verifiedDomains")]
    initial_first = sorted(domains, key=lambda one: one.get("isInitial") is not True)
    names = tuple(expect.a_text(one.get("name") or "", "verifiedDomains.name") for one in initial_first)
    founded = _instant(members, "createdDateTime")
    if not names or founded is None:
        raise Invalid("An organisation has createdDateTime, and verifiedDomains with one domain at least.")
    return Tenant(
        id=TenantId(_guid(members, "id")),
        display_name=expect.a_text(members.get("displayName") or "", "displayName"),
        created_at=founded,
        verified_domains=names,
    )


def default_policy_from_export(body: Any) -> TenantDefault:
    """The tenant's default policy under its own id. Raises Invalid."""
    members = _members(body)
    policy = default_policy_from_graph(members, current=TenantDefault(), beta=True)
    return structs.replace(policy, id=PolicyId(_guid(members, "id")))


def policy_from_export(body: Any) -> AppManagementPolicy:
    """A custom policy under its own id. Raises Invalid."""
    members = {name: value for name, value in _members(body).items() if name not in _RELATIONSHIPS}
    policy_id = PolicyId(_guid(members, "id"))
    written = {name: value for name, value in members.items() if name != "id"}
    written["description"] = written.get("description") or written.get("displayName")
    return policy_from_graph(written, current=None, policy_id=policy_id, beta=True)


def attribute_set_from_export(body: Any) -> AttributeSet:
    """A group of custom security attributes. Raises Invalid."""
    members = _members(body)
    most = members.get("maxAttributesPerSet")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int)):
        raise expect.refuse("Property 'maxAttributesPerSet' is a whole number or null.", "maxAttributesPerSet")
    return AttributeSet(
        id=_attribute_name(members, "id"), description=_text(members, "description"), max_attributes_per_set=most
    )


def attribute_definition_from_export(body: Any) -> AttributeDefinition:
    """A custom security attribute with its allowed values, which `$expand=allowedValues` shows. Raises Invalid."""
    members = _members(body)
    values = [_members(one) for one in expand_of(members, "allowedValues")]
    return AttributeDefinition(
        attribute_set=_attribute_name(members, "attributeSet"),
        name=_attribute_name(members, "name"),
        type=AttributeType(_word(members, "type", AttributeType)),
        is_collection=_flag(members, "isCollection") is True,
        is_searchable=_flag(members, "isSearchable") is not False,
        status=AttributeStatus(_word(members, "status", AttributeStatus)),
        use_predefined_values_only=_flag(members, "usePreDefinedValuesOnly") is True,
        description=_text(members, "description"),
        allowed_values=tuple(
            AllowedValue(expect.a_text(one.get("id"), "allowedValues.id"), _flag(one, "isActive") is not False)
            for one in values
        ),
    )


def _attribute_name(members: Mapping[str, Any], name: str) -> str:
    """An exemption names an attribute as `<set>_<attribute>`; see NAME."""
    text = expect.a_text(members.get(name), name)
    if not NAME.fullmatch(text):
        raise expect.refuse(f"Property '{name}' is a name of 1 to 32 letters and digits.", name)
    return text


def trusted_configuration_from_export(body: Any, *, facts_of: FactsOf) -> CertificateBasedApplicationConfiguration:
    """A list of trusted authorities, each under its own id. Raises Invalid, also for a list without any: a policy that
    points to it would refuse every certificate."""
    members = _members(body)
    items = [_members(one) for one in expand_of(members, _AUTHORITIES)]
    if not items:
        raise expect.refuse(f"'{_AUTHORITIES}' is missing or empty: export it with $expand.", _AUTHORITIES)
    authorities = []
    for index, item in enumerate(items):
        where = f"{_AUTHORITIES}[{index}]"
        asked = {name: item.get(name) for name in ("certificate", "isRootAuthority")}
        kept_id = expect.a_text(item.get("id"), expect.join(where, "id")).lower()
        authorities.append(structs.replace(authority_from_graph(asked, where, facts_of), id=kept_id))
    return CertificateBasedApplicationConfiguration(
        id=ObjectId(_guid(members, "id")),
        display_name=_text(members, "displayName"),
        description=_text(members, "description"),
        trusted_certificate_authorities=tuple(authorities),
    )


def app_role_assignment_from_export(body: Any) -> AppRoleAssignment:
    """A granted application permission, or an assignment to anybody. Raises Invalid."""
    members = _members(body)
    at = _instant(members, "createdDateTime")
    return AppRoleAssignment(
        id=expect.a_text(members.get("id") or "", "id"),
        principal_id=ObjectId(_guid(members, "principalId")),
        resource_id=ObjectId(_guid(members, "resourceId")),
        app_role_id=_guid(members, "appRoleId"),
        created_at=at or datetime.fromisoformat("2019-01-01T00:00:00+00:00"),
    )


def permission_grant_from_export(body: Any) -> OAuth2PermissionGrant:
    """A delegated permission that was consented to. Raises Invalid."""
    members = _members(body)
    return OAuth2PermissionGrant(
        id=expect.a_text(members.get("id") or "", "id"),
        client_id=ObjectId(_guid(members, "clientId")),
        consent_type=ConsentType(_word(members, "consentType", ConsentType)),
        principal_id=ObjectId(_guid(members, "principalId")) if members.get("principalId") else None,
        resource_id=ObjectId(_guid(members, "resourceId")),
        scope=_text(members, "scope") or "",
    )


def role_assignment_from_export(body: Any) -> DirectoryRoleAssignment:
    """A directory role that somebody holds. Raises Invalid."""
    members = _members(body)
    return DirectoryRoleAssignment(
        id=expect.a_text(members.get("id") or "", "id"),
        role_definition_id=_guid(members, "roleDefinitionId"),
        principal_id=ObjectId(_guid(members, "principalId")),
        directory_scope_id=_text(members, "directoryScopeId") or "/",
    )


def linked_ids(body: Any, relationship: str) -> tuple[str, ...]:
    """The ids of what an object is related to: `[{"id": …}]`, as `$expand` shows it, or `["…"]`. Raises Invalid."""
    related = expand_of(body, relationship)
    return tuple(expect.a_guid(one.get("id") if isinstance(one, dict) else one, relationship) for one in related)


def expand_of(body: Any, relationship: str) -> list[Any]:
    """What `$expand` put into an object. Raises Invalid."""
    return expect.a_list(_members(body).get(relationship) or [], relationship)


def _members(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Invalid("It is not an object.")
    return {name: value for name, value in body.items() if "@" not in name}


def _rest(members: Mapping[str, Any], table: Mapping[str, Property]) -> dict[str, Any]:
    """What no field of the noun keeps, without what is shown anyway."""
    rest: dict[str, Any] = {}
    for name, value in members.items():
        row = table.get(name)
        if name in _RELATIONSHIPS or name == "keyCredentials" or (row is not None and row.field is not None):
            continue
        kept = _without_fields(name, value)
        if row is None or kept != _without_fields(name, row.shape.default):
            rest[name] = kept
    return rest


def _without_fields(name: str, value: Any) -> Any:
    """A complex property without the members that the noun has fields for."""
    if not isinstance(value, dict) or name not in (*_PLATFORMS, "api"):
        return value
    lifted = ("requestedAccessTokenVersion",) if name == "api" else ("redirectUris",)
    kept = {member: item for member, item in value.items() if member not in lifted}
    if settings := kept.get("redirectUriSettings"):
        kept["redirectUriSettings"] = [one for one in settings if one.get("index") is not None]
    return kept


def _passwords(members: Mapping[str, Any]) -> tuple[PasswordCredential, ...]:
    entries = expect.a_list(members.get("passwordCredentials") or [], "passwordCredentials")
    return tuple(_password(_members(one), f"passwordCredentials[{index}]") for index, one in enumerate(entries))


def _password(entry: Mapping[str, Any], where: str) -> PasswordCredential:
    starts, ends = _term(entry, where)
    return PasswordCredential(
        key_id=KeyId(_guid(entry, "keyId", where)),
        start_at=starts,
        end_at=ends,
        display_name=_text(entry, "displayName", where),
        hint=_text(entry, "hint", where),
    )


def _keys(members: Mapping[str, Any]) -> tuple[KeyCredential, ...]:
    entries = expect.a_list(members.get("keyCredentials") or [], "keyCredentials")
    return tuple(_key(_members(one), f"keyCredentials[{index}]") for index, one in enumerate(entries))


def _key(entry: Mapping[str, Any], where: str) -> KeyCredential:
    """Without thumbprints, but for the one that is shown: they are a matter of reading the certificate."""
    starts, ends = _term(entry, where)
    kind, usage = entry.get("type"), entry.get("usage")
    if kind not in tuple(KeyType) or usage not in tuple(KeyUsage):
        raise expect.refuse(f"'{where}' has no type or usage that is known here.", where)
    shown = identifier_from_graph(entry.get("customKeyIdentifier"), expect.join(where, "customKeyIdentifier"))
    is_public = kind != KeyType.SYMMETRIC and entry.get("key") is not None
    return KeyCredential(
        key_id=KeyId(_guid(entry, "keyId", where)),
        type=KeyType(kind),
        usage=KeyUsage(usage),
        start_at=starts,
        end_at=ends,
        display_name=_text(entry, "displayName", where),
        custom_key_identifier=shown,
        key=a_key(entry["key"], expect.join(where, "key")) if is_public else None,
        thumbprint_sha1=_as_jose(shown),
    )


def _as_jose(shown: str | None) -> str | None:
    if shown is None or len(shown) != 40:
        return None
    return base64.urlsafe_b64encode(bytes.fromhex(shown)).rstrip(b"=").decode()


def _term(entry: Mapping[str, Any], where: str) -> tuple[datetime, datetime]:
    starts, ends = _instant(entry, "startDateTime", where), _instant(entry, "endDateTime", where)
    if starts is None or ends is None:
        raise expect.refuse(f"'{where}' needs startDateTime and endDateTime.", where)
    return starts, ends


def _instant(members: Mapping[str, Any], name: str, where: str = "") -> datetime | None:
    value = members.get(name)
    return None if value is None else parse_instant(value, target=expect.join(where, name))


def _guid(members: Mapping[str, Any], name: str, where: str = "") -> str:
    return expect.a_guid(members.get(name), expect.join(where, name))


def _text(members: Mapping[str, Any], name: str, where: str = "") -> str | None:
    value = members.get(name)
    return None if value is None else expect.a_string(value, expect.join(where, name))


def _word(members: Mapping[str, Any], name: str, words: type[StrEnum]) -> str:
    if members.get(name) not in tuple(words):
        raise expect.refuse(f"Property '{name}' is one of {', '.join(words)}.", name)
    return members[name]


def _texts(members: Mapping[str, Any], name: str, where: str = "") -> tuple[str, ...]:
    return expect.strings(members.get(name), expect.join(where, name))


def _flag(members: Mapping[str, Any], name: str) -> bool | None:
    value = members.get(name)
    return None if value is None else expect.a_bool(value, name)


def _object(members: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = members.get(name)
    if value is not None and not isinstance(value, dict):
        raise expect.refuse(f"Property '{name}' is not an object.", name)
    return value or {}


def _version(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and value in (1, 2)):
        return value
    raise expect.refuse("Property 'api.requestedAccessTokenVersion' is 1, 2 or null.", "api")
