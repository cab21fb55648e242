"""Graph's words for asking about each collection, and the columns that answer.

Which property takes which operator is Graph's own table (https://learn.microsoft.com/en-us/graph/aad-advanced-queries,
and "List" of each resource): what Graph refuses is refused here, so that a script that works on this directory works on
a real one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists, func, literal_column, select

from unsecret.model.query import Operator
from unsecret.store.expressions import elements_in, flag_in, text_in, word_of
from unsecret.store.filters import (
    ATTRIBUTES,
    Attributes,
    Elements,
    Property,
    Scalar,
    Single,
    exact_guid,
    exact_words,
    flag,
    guid_in_a_string,
    instant_literal,
    optional,
    scalar,
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

_O = Operator
_SAME = frozenset({_O.EQ, _O.NE, _O.IN})
_NAMED = _SAME | {_O.STARTS_WITH, _O.GE, _O.LE}
_TITLE = _NAMED | {_O.HAS_WORD}
_DATED = _SAME | {_O.GE, _O.LE}
_ELEMENT = frozenset({_O.EQ, _O.NE, _O.GE, _O.LE, _O.STARTS_WITH})

_federated, _granted = federated_identity_credential.c, app_role_assignment.c
_object, _value, _key = directory_object.c, object_value.c, key_credential.c
_grant = oauth2_permission_grant.c
_policy = app_management_policy.c


def _in_body(*path: str) -> Scalar:
    return optional(text_in(_object.body, *path), _SAME, words)


def _values(property: int) -> Elements:
    """`identifierUris`, `servicePrincipalNames` and `tags` share one table."""
    return Elements(
        owner=_object.id,
        owned_by=_value.object_row,
        tenant_id=_value.tenant_id,
        conditions=(_value.property == literal_column(str(property)),),
        members={"": scalar(_value.folded_value, _ELEMENT, words)},
    )


def _linked(of: ColumnElement[int], tenant_id: ColumnElement[bytes], to: ColumnElement[int] | None = None) -> Elements:
    """A relationship, of which only this can be asked: is there any? `to` leads to what has to be live."""
    other = directory_object.alias()
    live = exists(select(literal_column("1")).where(other.c.id == to, other.c.deleted_at.is_(None)))
    conditions = () if to is None else (live,)
    return Elements(owner=_object.id, owned_by=of, tenant_id=tenant_id, conditions=conditions, members={})


_KEY_CREDENTIALS = Elements(
    owner=_object.id,
    owned_by=_key.object_row,
    tenant_id=_key.tenant_id,
    conditions=(),
    members={
        "keyId": scalar(_key.key_id, _SAME, exact_guid),
        "customKeyIdentifier": optional(_key.folded_custom_key_identifier, _SAME, words),
        "startDateTime": scalar(_key.start_at, _DATED, instant_literal),
        "endDateTime": scalar(_key.end_at, _DATED, instant_literal),
    },
)

_holder = directory_object.alias("holder")
_access = elements_in(_holder.c.body, "other", "requiredResourceAccess")
_REQUIRED_RESOURCE_ACCESS = Elements(
    owner=_object.id,
    owned_by=_holder.c.id,
    tenant_id=_holder.c.tenant_id,
    conditions=(_access.c.value.is_not(None),),
    members={"resourceAppId": optional(text_in(_access.c.value, "resourceAppId"), _SAME, words)},
)

_alternative = elements_in(_holder.c.body, "other", "alternativeNames")
_ALTERNATIVE_NAMES = Elements(
    owner=_object.id,
    owned_by=_holder.c.id,
    tenant_id=_holder.c.tenant_id,
    conditions=(_alternative.c.value.is_not(None),),
    members={"": optional(word_of(_alternative.c.value), _ELEMENT, words)},
)

OBJECTS: dict[str, Property] = {
    "id": scalar(_object.object_id, _SAME, exact_guid),
    "appId": scalar(_object.app_id, _SAME, exact_guid),
    "displayName": scalar(_object.folded_display_name, _TITLE, words),
    "createdDateTime": Scalar(
        column=creation_order,
        operators=_DATED,
        parse=instant_literal,
        present=creation_order > literal_column(str(LONG_AGO)),
        absent_is_least=True,
    ),
    "deletedDateTime": optional(_object.deleted_at, _DATED, instant_literal),
    "signInAudience": optional(_object.folded_sign_in_audience, _SAME, words),
    "disabledByMicrosoftStatus": _in_body("other", "disabledByMicrosoftStatus"),
    "tags": _values(TAG),
    "keyCredentials": _KEY_CREDENTIALS,
    "owners": _linked(owner.c.object_row, owner.c.tenant_id, owner.c.owner_row),
}
"""What applications and service principals have in common. `passwordCredentials` is not here: Graph refuses it too."""

LINKED_OBJECTS: dict[str, Property] = {**OBJECTS, "appId": optional(_object.app_id, _SAME, exact_guid)}
"""The same where people are among them, who have no appId."""

USERS: dict[str, Property] = {
    "id": OBJECTS["id"],
    "displayName": OBJECTS["displayName"],
    "createdDateTime": OBJECTS["createdDateTime"],
    "accountEnabled": scalar(flag_in(_object.body, "account_enabled"), _SAME, flag),
    "mail": optional(text_in(_object.body, "mail"), _NAMED | {_O.ENDS_WITH}, words),
    "userType": scalar(text_in(_object.body, "user_type"), _SAME, words),
    **{
        name: optional(text_in(_object.body, "other", name), _NAMED, words)
        for name in ("givenName", "surname", "jobTitle", "department", "mailNickname")
    },
    "userPrincipalName": Single(
        Elements(
            owner=_object.id,
            owned_by=_value.object_row,
            tenant_id=_value.tenant_id,
            conditions=(_value.property == literal_column(str(USER_PRINCIPAL_NAME)),),
            members={"": scalar(_value.folded_value, _NAMED | {_O.ENDS_WITH}, words)},
        )
    ),
    ATTRIBUTES: Attributes(_object.body),
}

_DESCRIPTION = optional(text_in(_object.body, "other", "description"), _NAMED, words)
_TEMPLATE = _in_body("other", "applicationTemplateId")

APPLICATIONS: dict[str, Property] = {
    **OBJECTS,
    "publisherDomain": _in_body("other", "publisherDomain"),
    "description": _DESCRIPTION,
    "applicationTemplateId": _TEMPLATE,
    "uniqueName": optional(_object.folded_unique_name, frozenset({_O.EQ}), words),
    "identifierUris": _values(IDENTIFIER_URI),
    "requiredResourceAccess": _REQUIRED_RESOURCE_ACCESS,
    "federatedIdentityCredentials": _linked(_federated.object_row, _federated.tenant_id),
}

SERVICE_PRINCIPALS: dict[str, Property] = {
    **OBJECTS,
    "accountEnabled": scalar(flag_in(_object.body, "account_enabled"), _SAME, flag),
    "appOwnerOrganizationId": _in_body("app_owner_organization_id"),
    "appRoleAssignmentRequired": scalar(
        func.coalesce(flag_in(_object.body, "other", "appRoleAssignmentRequired"), 0), _SAME, flag
    ),
    "description": _DESCRIPTION,
    "applicationTemplateId": _TEMPLATE,
    "servicePrincipalType": _in_body("service_principal_type"),
    "servicePrincipalNames": _values(SERVICE_PRINCIPAL_NAME),
    "alternativeNames": _ALTERNATIVE_NAMES,
    "appRoleAssignments": _linked(_granted.principal_row, _granted.tenant_id, _granted.resource_row),
    "appRoleAssignedTo": _linked(_granted.resource_row, _granted.tenant_id, _granted.principal_row),
    ATTRIBUTES: Attributes(_object.body),
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
            members={"": scalar(named.c.object_id, frozenset({_O.EQ, _O.IN}), exact_guid)},
        )
    )


PERMISSION_GRANTS: dict[str, Property] = {
    "clientId": _end(_grant.client_row),
    "resourceId": _end(_grant.resource_row),
    "principalId": _end(_grant.principal_row),
    "consentType": scalar(text_in(_grant.body, "consent_type"), frozenset({_O.EQ, _O.IN}), words),
}

OBJECT_ORDERS = {"displayName": _object.folded_display_name, "createdDateTime": creation_order}
DELETED_ORDERS = {"deletedDateTime": _object.deleted_at, "displayName": _object.folded_display_name}

POLICIES: dict[str, Property] = {
    "id": scalar(_policy.policy_id, _SAME, exact_guid),
    "displayName": scalar(_policy.folded_display_name, _NAMED, words),
    "isEnabled": scalar(_policy.is_enabled, _SAME, flag),
}
_federated = federated_identity_credential.c
FEDERATED_CREDENTIALS: dict[str, Property] = {
    "id": scalar(_federated.credential_id, frozenset({_O.EQ}), guid_in_a_string),
    "name": scalar(_federated.folded_name, frozenset({_O.EQ}), words),
    "subject": optional(_federated.subject, frozenset({_O.EQ}), exact_words),
}

POLICY_ORDERS = {"displayName": _policy.folded_display_name}
