"""Graph's words for asking about each collection, and the columns that answer.

Which property takes which operator is Graph's own table (https://learn.microsoft.com/en-us/graph/aad-advanced-queries,
and "List" of each resource): what Graph refuses is refused here, so that a script that works on this directory works on
a real one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, literal, literal_column

from unsecret.model.query import Operator
from unsecret.store.filters import (
    Constant,
    Elements,
    Property,
    Scalar,
    exact_guid,
    flag,
    guid_in_a_string,
    instant_literal,
    number,
    words,
)
from unsecret.store.json_bodies import elements_in, flag_in, text_in
from unsecret.store.schema import (
    IDENTIFIER_URI,
    SERVICE_PRINCIPAL_NAME,
    TAG,
    app_management_policy,
    audit_event,
    audit_target,
    creation_order,
    directory_object,
    key_credential,
    object_value,
    sign_in,
)

_O = Operator
_SAME = frozenset({_O.EQ, _O.NE, _O.IN})
_NAMED = _SAME | {_O.STARTS_WITH, _O.GE, _O.LE}
_DATED = _SAME | {_O.GE, _O.LE}
_LOGGED_AT = _DATED | {_O.GT, _O.LT}
_LOGGED_WORDS = _SAME | {_O.STARTS_WITH}
_ELEMENT = frozenset({_O.EQ, _O.NE, _O.GE, _O.LE, _O.STARTS_WITH})

_object, _value, _key = directory_object.c, object_value.c, key_credential.c
_policy, _audit, _target, _sign_in = app_management_policy.c, audit_event.c, audit_target.c, sign_in.c


def _words(of: ColumnElement[Any] | None, operators: frozenset[Operator] = _SAME, *, nullable: bool = False) -> Scalar:
    return Scalar(column=of, operators=operators, parse=words, nullable=nullable)


def _in_body(*path: str) -> Scalar:
    return _words(text_in(_object.body, *path), nullable=True)


def _values(property: int) -> Elements:
    """`identifierUris`, `servicePrincipalNames` and `tags` share one table."""
    return Elements(
        owner=_object.id,
        owned_by=_value.object_row,
        tenant_id=_value.tenant_id,
        conditions=(_value.property == literal_column(str(property)),),
        members={"": _words(_value.folded_value, _ELEMENT)},
    )


_NEVER = _words(None, _LOGGED_WORDS)
"""About people, of whom this directory has none."""

_KEY_CREDENTIALS = Elements(
    owner=_object.id,
    owned_by=_key.object_row,
    tenant_id=_key.tenant_id,
    conditions=(),
    members={
        "keyId": Scalar(column=_key.key_id, operators=_SAME, parse=exact_guid),
        "customKeyIdentifier": _words(_key.folded_custom_key_identifier, _SAME, nullable=True),
        "startDateTime": Scalar(column=_key.start_at, operators=_DATED, parse=instant_literal),
        "endDateTime": Scalar(column=_key.end_at, operators=_DATED, parse=instant_literal),
    },
)

_holder = directory_object.alias("holder")
_access = elements_in(_holder.c.body, "other", "requiredResourceAccess")
_REQUIRED_RESOURCE_ACCESS = Elements(
    owner=_object.id,
    owned_by=_holder.c.id,
    tenant_id=_holder.c.tenant_id,
    conditions=(_access.c.value.is_not(None),),
    members={"resourceAppId": _words(text_in(_access.c.value, "resourceAppId"), nullable=True)},
)

OBJECTS: dict[str, Property] = {
    "id": Scalar(column=_object.object_id, operators=_SAME, parse=exact_guid),
    "appId": Scalar(column=_object.app_id, operators=_SAME, parse=exact_guid),
    "displayName": _words(_object.folded_display_name, _NAMED),
    "createdDateTime": Scalar(column=_object.created_at, operators=_DATED, parse=instant_literal, nullable=True),
    "signInAudience": _words(_object.folded_sign_in_audience, _SAME, nullable=True),
    "disabledByMicrosoftStatus": _in_body("other", "disabledByMicrosoftStatus"),
    "tags": _values(TAG),
    "keyCredentials": _KEY_CREDENTIALS,
}
"""What applications and service principals have in common. `passwordCredentials` is not here: Graph refuses it too."""

APPLICATIONS: dict[str, Property] = {
    **OBJECTS,
    "publisherDomain": _in_body("other", "publisherDomain"),
    "identifierUris": _values(IDENTIFIER_URI),
    "requiredResourceAccess": _REQUIRED_RESOURCE_ACCESS,
}

SERVICE_PRINCIPALS: dict[str, Property] = {
    **OBJECTS,
    "accountEnabled": Scalar(column=flag_in(_object.body, "account_enabled"), operators=_SAME, parse=flag),
    "appOwnerOrganizationId": _in_body("app_owner_organization_id"),
    "servicePrincipalType": _in_body("service_principal_type"),
    "servicePrincipalNames": _values(SERVICE_PRINCIPAL_NAME),
}

OBJECT_ORDERS = {"displayName": _object.folded_display_name, "createdDateTime": creation_order}

POLICIES: dict[str, Property] = {
    "id": Scalar(column=_policy.policy_id, operators=_SAME, parse=exact_guid),
    "displayName": _words(_policy.folded_display_name, _NAMED),
    "isEnabled": Scalar(column=_policy.is_enabled, operators=_SAME, parse=flag),
}
POLICY_ORDERS = {"displayName": _policy.folded_display_name}

AUDITS: dict[str, Property] = {
    "id": _words(func.lower(_audit.event_id), _LOGGED_WORDS),
    "activityDisplayName": _words(_audit.folded_activity, _LOGGED_WORDS),
    "activityDateTime": Scalar(column=_audit.at, operators=_LOGGED_AT, parse=instant_literal),
    "category": _words(_audit.folded_category, _LOGGED_WORDS),
    "result": _words(_audit.result, _LOGGED_WORDS),
    "correlationId": _words(_audit.folded_correlation_id, _LOGGED_WORDS),
    "loggedByService": _words(literal("core directory"), _LOGGED_WORDS),
    "initiatedBy/app/appId": Scalar(
        column=_audit.caller_app_id, operators=_SAME, parse=guid_in_a_string, nullable=True
    ),
    "initiatedBy/app/displayName": _words(_audit.folded_caller_name, _LOGGED_WORDS, nullable=True),
    "initiatedBy/app/servicePrincipalId": Scalar(
        column=_audit.caller_service_principal_id, operators=_SAME, parse=guid_in_a_string, nullable=True
    ),
    "initiatedBy/user/id": _NEVER,
    "initiatedBy/user/displayName": _NEVER,
    "initiatedBy/user/userPrincipalName": _NEVER,
    "targetResources": Elements(
        owner=_audit.id,
        owned_by=_target.event_row,
        tenant_id=_target.tenant_id,
        conditions=(),
        members={
            "id": _words(_target.folded_target_id, _LOGGED_WORDS),
            "displayName": _words(_target.folded_display_name, _LOGGED_WORDS, nullable=True),
        },
    ),
}
AUDIT_ORDERS = {"activityDateTime": _audit.at}

SIGN_INS: dict[str, Property] = {
    "id": _words(func.lower(_sign_in.event_id), _LOGGED_WORDS),
    "createdDateTime": Scalar(column=_sign_in.at, operators=_LOGGED_AT, parse=instant_literal),
    "appId": Scalar(column=_sign_in.app_id, operators=_SAME, parse=guid_in_a_string),
    "appDisplayName": _words(_sign_in.folded_app_name, _LOGGED_WORDS, nullable=True),
    "servicePrincipalId": Scalar(
        column=_sign_in.service_principal_id, operators=_SAME, parse=guid_in_a_string, nullable=True
    ),
    "status/errorCode": Scalar(column=_sign_in.error_code, operators=_LOGGED_AT, parse=number),
    "clientCredentialType": _words(_sign_in.folded_credential_type, _LOGGED_WORDS),
    "servicePrincipalCredentialKeyId": Scalar(
        column=_sign_in.credential_key_id, operators=_SAME, parse=guid_in_a_string, nullable=True
    ),
    "ipAddress": _words(_sign_in.folded_ip_address, _LOGGED_WORDS, nullable=True),
    "correlationId": _words(_sign_in.folded_correlation_id, _LOGGED_WORDS),
    "resourceId": Scalar(column=_sign_in.resource_id, operators=_SAME, parse=guid_in_a_string, nullable=True),
    "userId": _NEVER,
    "userPrincipalName": _NEVER,
    "signInEventTypes": Constant("servicePrincipal"),
}
SIGN_IN_ORDERS = {"createdDateTime": _sign_in.at}
