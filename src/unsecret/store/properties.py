"""Graph's words for asking about each collection, and the columns that answer.

Which property takes which operator is Graph's own table (https://learn.microsoft.com/en-us/graph/aad-advanced-queries,
and "List" of each resource): what Graph refuses is refused here, so that a script that works on this directory works on
a real one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, exists, func, literal, literal_column, select

from unsecret.model.query import Operator
from unsecret.store.expressions import elements_in, flag_in, text_in
from unsecret.store.filters import (
    Elements,
    OneWord,
    Property,
    Scalar,
    Single,
    exact_guid,
    exact_words,
    flag,
    guid_in_a_string,
    instant_literal,
    number,
    words,
)
from unsecret.store.schema import (
    IDENTIFIER_URI,
    LONG_AGO,
    SERVICE_PRINCIPAL_NAME,
    TAG,
    USER_PRINCIPAL_NAME,
    app_management_policy,
    app_role_assignment,
    creation_order,
    directory_object,
    federated_identity_credential,
    key_credential,
    oauth2_permission_grant,
    object_value,
    owner,
)
from unsecret.store.schema_records import (
    INTERACTIVE_USER_SIGN_IN,
    NON_INTERACTIVE_USER_SIGN_IN,
    SERVICE_PRINCIPAL_SIGN_IN,
    audit_event,
    audit_target,
    sign_in,
)

_O = Operator
_SAME = frozenset({_O.EQ, _O.NE, _O.IN})
_NAMED = _SAME | {_O.STARTS_WITH, _O.GE, _O.LE}
_TITLE = _NAMED | {_O.HAS_WORD}
_DATED = _SAME | {_O.GE, _O.LE}
_LOGGED_AT = _DATED | {_O.GT, _O.LT}
_LOGGED_WORDS = _SAME | {_O.STARTS_WITH}
_ELEMENT = frozenset({_O.EQ, _O.NE, _O.GE, _O.LE, _O.STARTS_WITH})

_federated, _granted = federated_identity_credential.c, app_role_assignment.c
_object, _value, _key = directory_object.c, object_value.c, key_credential.c
_grant = oauth2_permission_grant.c
_policy, _audit, _target, _sign_in = app_management_policy.c, audit_event.c, audit_target.c, sign_in.c


def _scalar(of: ColumnElement[Any], operators: frozenset[Operator], parse: Callable[[Any, str], Any]) -> Scalar:
    """A property that every row has."""
    return Scalar(column=of, operators=operators, parse=parse)


def _optional(of: ColumnElement[Any], operators: frozenset[Operator], parse: Callable[[Any, str], Any]) -> Scalar:
    """A property that may be null."""
    return Scalar(column=of, operators=operators, parse=parse, present=of.is_not(None))


def _in_body(*path: str) -> Scalar:
    return _optional(text_in(_object.body, *path), _SAME, words)


def _values(property: int) -> Elements:
    """`identifierUris`, `servicePrincipalNames` and `tags` share one table."""
    return Elements(
        owner=_object.id,
        owned_by=_value.object_row,
        tenant_id=_value.tenant_id,
        conditions=(_value.property == literal_column(str(property)),),
        members={"": _scalar(_value.folded_value, _ELEMENT, words)},
    )


def _linked(of: ColumnElement[int], tenant_id: ColumnElement[bytes], to: ColumnElement[int] | None = None) -> Elements:
    """A relationship, of which only this can be asked: is there any? `to` leads to what has to be live."""
    other = directory_object.alias()
    live = exists(select(literal_column("1")).where(other.c.id == to, other.c.deleted_at.is_(None)))
    conditions = () if to is None else (live,)
    return Elements(owner=_object.id, owned_by=of, tenant_id=tenant_id, conditions=conditions, members={})


_NEVER = Scalar(column=None, operators=_LOGGED_WORDS, parse=words)
"""About what this directory does not know: where somebody is."""

_KEY_CREDENTIALS = Elements(
    owner=_object.id,
    owned_by=_key.object_row,
    tenant_id=_key.tenant_id,
    conditions=(),
    members={
        "keyId": _scalar(_key.key_id, _SAME, exact_guid),
        "customKeyIdentifier": _optional(_key.folded_custom_key_identifier, _SAME, words),
        "startDateTime": _scalar(_key.start_at, _DATED, instant_literal),
        "endDateTime": _scalar(_key.end_at, _DATED, instant_literal),
    },
)

_holder = directory_object.alias("holder")
_access = elements_in(_holder.c.body, "other", "requiredResourceAccess")
_REQUIRED_RESOURCE_ACCESS = Elements(
    owner=_object.id,
    owned_by=_holder.c.id,
    tenant_id=_holder.c.tenant_id,
    conditions=(_access.c.value.is_not(None),),
    members={"resourceAppId": _optional(text_in(_access.c.value, "resourceAppId"), _SAME, words)},
)

OBJECTS: dict[str, Property] = {
    "id": _scalar(_object.object_id, _SAME, exact_guid),
    "appId": _scalar(_object.app_id, _SAME, exact_guid),
    "displayName": _scalar(_object.folded_display_name, _TITLE, words),
    "createdDateTime": Scalar(
        column=creation_order,
        operators=_DATED,
        parse=instant_literal,
        present=creation_order > literal_column(str(LONG_AGO)),
        absent_is_least=True,
    ),
    "deletedDateTime": _optional(_object.deleted_at, _DATED, instant_literal),
    "signInAudience": _optional(_object.folded_sign_in_audience, _SAME, words),
    "disabledByMicrosoftStatus": _in_body("other", "disabledByMicrosoftStatus"),
    "tags": _values(TAG),
    "keyCredentials": _KEY_CREDENTIALS,
    "owners": _linked(owner.c.object_row, owner.c.tenant_id, owner.c.owner_row),
}
"""What applications and service principals have in common. `passwordCredentials` is not here: Graph refuses it too."""

LINKED_OBJECTS: dict[str, Property] = {**OBJECTS, "appId": _optional(_object.app_id, _SAME, exact_guid)}
"""The same where people are among them, who have no appId."""

USERS: dict[str, Property] = {
    "id": OBJECTS["id"],
    "displayName": OBJECTS["displayName"],
    "createdDateTime": OBJECTS["createdDateTime"],
    "accountEnabled": _scalar(flag_in(_object.body, "account_enabled"), _SAME, flag),
    "mail": _optional(text_in(_object.body, "mail"), _NAMED, words),
    "userType": _scalar(text_in(_object.body, "user_type"), _SAME, words),
    **{
        name: _optional(text_in(_object.body, "other", name), _NAMED, words)
        for name in ("givenName", "surname", "jobTitle", "department", "mailNickname")
    },
    "userPrincipalName": Single(
        Elements(
            owner=_object.id,
            owned_by=_value.object_row,
            tenant_id=_value.tenant_id,
            conditions=(_value.property == literal_column(str(USER_PRINCIPAL_NAME)),),
            members={"": _scalar(_value.folded_value, _NAMED | {_O.ENDS_WITH}, words)},
        )
    ),
}

APPLICATIONS: dict[str, Property] = {
    **OBJECTS,
    "publisherDomain": _in_body("other", "publisherDomain"),
    "identifierUris": _values(IDENTIFIER_URI),
    "requiredResourceAccess": _REQUIRED_RESOURCE_ACCESS,
    "federatedIdentityCredentials": _linked(_federated.object_row, _federated.tenant_id),
}

SERVICE_PRINCIPALS: dict[str, Property] = {
    **OBJECTS,
    "accountEnabled": _scalar(flag_in(_object.body, "account_enabled"), _SAME, flag),
    "appOwnerOrganizationId": _in_body("app_owner_organization_id"),
    "servicePrincipalType": _in_body("service_principal_type"),
    "servicePrincipalNames": _values(SERVICE_PRINCIPAL_NAME),
    "appRoleAssignments": _linked(_granted.principal_row, _granted.tenant_id, _granted.resource_row),
    "appRoleAssignedTo": _linked(_granted.resource_row, _granted.tenant_id, _granted.principal_row),
}


def _end(row: ColumnElement[Any]) -> Single:
    """An object that a grant points at, by its id."""
    named = directory_object.alias()
    return Single(
        Elements(
            owner=row,
            owned_by=named.c.id,
            tenant_id=named.c.tenant_id,
            conditions=(),
            members={"": _scalar(named.c.object_id, frozenset({_O.EQ, _O.IN}), exact_guid)},
        )
    )


PERMISSION_GRANTS: dict[str, Property] = {
    "clientId": _end(_grant.client_row),
    "resourceId": _end(_grant.resource_row),
    "principalId": _end(_grant.principal_row),
    "consentType": _scalar(text_in(_grant.body, "consent_type"), frozenset({_O.EQ, _O.IN}), words),
}

OBJECT_ORDERS = {"displayName": _object.folded_display_name, "createdDateTime": creation_order}
DELETED_ORDERS = {"deletedDateTime": _object.deleted_at, "displayName": _object.folded_display_name}

POLICIES: dict[str, Property] = {
    "id": _scalar(_policy.policy_id, _SAME, exact_guid),
    "displayName": _scalar(_policy.folded_display_name, _NAMED, words),
    "isEnabled": _scalar(_policy.is_enabled, _SAME, flag),
}
_federated = federated_identity_credential.c
FEDERATED_CREDENTIALS: dict[str, Property] = {
    "id": _scalar(_federated.credential_id, frozenset({_O.EQ}), guid_in_a_string),
    "name": _scalar(_federated.folded_name, frozenset({_O.EQ}), words),
    "subject": _optional(_federated.subject, frozenset({_O.EQ}), exact_words),
}

POLICY_ORDERS = {"displayName": _policy.folded_display_name}

AUDITS: dict[str, Property] = {
    "id": _scalar(func.lower(_audit.event_id), _LOGGED_WORDS, words),
    "activityDisplayName": _scalar(_audit.folded_activity, _LOGGED_WORDS, words),
    "activityDateTime": _scalar(_audit.at, _LOGGED_AT, instant_literal),
    "category": _scalar(_audit.folded_category, _LOGGED_WORDS, words),
    "result": _scalar(_audit.result, _LOGGED_WORDS, words),
    "correlationId": _scalar(_audit.folded_correlation_id, _LOGGED_WORDS, words),
    "loggedByService": _scalar(literal("core directory"), _LOGGED_WORDS, words),
    "initiatedBy/app/appId": _optional(_audit.caller_app_id, _SAME, guid_in_a_string),
    "initiatedBy/app/displayName": _optional(_audit.folded_caller_name, _LOGGED_WORDS, words),
    "initiatedBy/app/servicePrincipalId": _optional(_audit.caller_service_principal_id, _SAME, guid_in_a_string),
    "initiatedBy/user/id": _optional(_audit.caller_user_id, _SAME, guid_in_a_string),
    "initiatedBy/user/displayName": _optional(text_in(_audit.body, "caller", "user", "display_name"), _SAME, words),
    "initiatedBy/user/userPrincipalName": _optional(_audit.folded_caller_user_principal_name, _LOGGED_WORDS, words),
    "targetResources": Elements(
        owner=_audit.id,
        owned_by=_target.event_row,
        tenant_id=_target.tenant_id,
        conditions=(),
        members={
            "id": _scalar(_target.folded_target_id, _LOGGED_WORDS, words),
            "displayName": _optional(_target.folded_display_name, _LOGGED_WORDS, words),
        },
    ),
}
AUDIT_ORDERS = {"activityDateTime": _audit.at}

SIGN_INS: dict[str, Property] = {
    "id": _scalar(func.lower(_sign_in.event_id), _LOGGED_WORDS, words),
    "createdDateTime": _scalar(_sign_in.at, _LOGGED_AT, instant_literal),
    "appId": _scalar(_sign_in.app_id, _SAME, guid_in_a_string),
    "appDisplayName": _optional(_sign_in.folded_app_name, _LOGGED_WORDS, words),
    "servicePrincipalId": _optional(_sign_in.service_principal_id, _SAME, guid_in_a_string),
    "status/errorCode": _scalar(_sign_in.error_code, _LOGGED_AT, number),
    "clientCredentialType": _scalar(_sign_in.folded_credential_type, _LOGGED_WORDS, words),
    "servicePrincipalCredentialKeyId": _optional(_sign_in.credential_key_id, _SAME, guid_in_a_string),
    "ipAddress": _optional(_sign_in.folded_ip_address, _LOGGED_WORDS, words),
    "correlationId": _scalar(_sign_in.folded_correlation_id, _LOGGED_WORDS, words),
    "resourceId": _optional(_sign_in.resource_id, _SAME, guid_in_a_string),
    "resourceDisplayName": _optional(text_in(_sign_in.body, "resource_display_name"), _SAME, words),
    "servicePrincipalName": _optional(text_in(_sign_in.body, "service_principal_name"), _LOGGED_WORDS, words),
    "userDisplayName": _optional(text_in(_sign_in.body, "user", "display_name"), _LOGGED_WORDS, words),
    "conditionalAccessStatus": _scalar(literal("notapplied"), _SAME, words),
    "location/city": _NEVER,
    "location/state": _NEVER,
    "location/countryOrRegion": _NEVER,
    "userId": _optional(_sign_in.user_id, _SAME, guid_in_a_string),
    "userPrincipalName": _optional(_sign_in.folded_user_principal_name, _LOGGED_WORDS, words),
    "signInEventTypes": OneWord(
        _sign_in.event_type,
        {
            "servicePrincipal": SERVICE_PRINCIPAL_SIGN_IN,
            "interactiveUser": INTERACTIVE_USER_SIGN_IN,
            "nonInteractiveUser": NON_INTERACTIVE_USER_SIGN_IN,
        },
    ),
}
SIGN_IN_ORDERS = {"createdDateTime": _sign_in.at}
