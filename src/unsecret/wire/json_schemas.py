"""The bodies that requests may have, in JSON Schema: what `/openapi.json` shows.

Where a table of properties reads a body, its schema is made from that table. A schema says what a body looks like;
what goes together, and what is there already, the reader of the body decides.
"""

from __future__ import annotations

from typing import Any

from unsecret.model.policy import (
    BETA_KINDS,
    CREDENTIAL_GROUPS,
    GROUP_OF,
    RestrictionGroup,
    RestrictionKind,
    RestrictionState,
)
from unsecret.wire import (
    applications,
    attributes,
    consent,
    federation,
    redirect_uri_lists,
    restrictions,
    service_principals,
    users,
)
from unsecret.wire.batches import MOST_REQUESTS
from unsecret.wire.credentials import INSTANT_SCHEMA, PASSWORD_SCHEMA
from unsecret.wire.expect import LONGEST_TEXT, LONGEST_WORD, MOST_WORDS
from unsecret.wire.properties import body_schema
from unsecret.wire.shapes import object_schema, schema_of

Schema = dict[str, Any]

_ID: Schema = {"type": "string", "format": "uuid"}
_ANY_ID: Schema = {"type": "array", "items": _ID, "maxItems": MOST_WORDS}
_NAME: Schema = {"type": ["string", "null"], "maxLength": LONGEST_TEXT}
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT, "pattern": r"\S"}
_FLAG: Schema = {"type": "boolean"}
_FLAG_OR_NULL: Schema = {"type": ["boolean", "null"]}
_WORDS: Schema = {
    "type": ["array", "null"],
    "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_WORD, "pattern": r"\S"},
    "maxItems": MOST_WORDS,
}
_SHOWN_BY_THE_SERVICE: Schema = {"readOnly": True}

NEW_APPLICATION = body_schema(applications.PROPERTIES, "displayName", creating=True)
APPLICATION = body_schema(applications.PROPERTIES, creating=False)
AUTHENTICATION_BEHAVIORS = schema_of(applications.PROPERTIES[applications.BEHAVIORS].shape)
NEW_SERVICE_PRINCIPAL = body_schema(service_principals.PROPERTIES, "appId", creating=True)
SERVICE_PRINCIPAL = body_schema(service_principals.PROPERTIES, creating=False)
NEW_USER = body_schema(users.PROPERTIES, *users.NEEDED, creating=True)
USER = body_schema(users.PROPERTIES, creating=False)
NEW_PERMISSION_GRANT = body_schema(consent.PROPERTIES, *consent.NEEDED, creating=True)
PERMISSION_GRANT = body_schema(consent.PROPERTIES, creating=False)
NEW_FEDERATED_CREDENTIAL = body_schema(federation.PROPERTIES, *federation.NEEDED, creating=True)
NEW_BETA_FEDERATED_CREDENTIAL = body_schema(federation.BETA_PROPERTIES, *federation.NEEDED, creating=True)
FEDERATED_CREDENTIAL = body_schema(federation.PROPERTIES, creating=False)
BETA_FEDERATED_CREDENTIAL = body_schema(federation.BETA_PROPERTIES, creating=False)
NEW_ATTRIBUTE_SET = body_schema(attributes.SET, "id", creating=True)
ATTRIBUTE_SET = body_schema(attributes.SET, creating=False)
NEW_ATTRIBUTE_DEFINITION = body_schema(attributes.DEFINITION, *attributes.NEEDED, creating=True)
ATTRIBUTE_DEFINITION = body_schema(attributes.DEFINITION, creating=False)
ALLOWED_VALUE = body_schema(attributes.ALLOWED_VALUE, "id", "isActive", creating=True)
CHANGED_ALLOWED_VALUE = body_schema(attributes.ALLOWED_VALUE, creating=False)

ADD_PASSWORD = object_schema({"passwordCredential": {"anyOf": [PASSWORD_SCHEMA, {"type": "null"}]}})
REMOVE_PASSWORD = object_schema({"keyId": _ID}, "keyId")

REFERENCE: Schema = {
    "type": "object",
    "properties": {"@odata.id": {"type": "string", "description": "An address that ends in the id of the object."}},
    "required": ["@odata.id"],
    "additionalProperties": False,
}
IDS = object_schema(
    {"ids": {"type": "array", "items": {"type": "string"}, "maxItems": 1000}, "types": {"type": "array"}}, "ids"
)
BATCH = object_schema(
    {
        "requests": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_REQUESTS,
            "items": object_schema(
                {
                    "id": {"type": "string", "minLength": 1},
                    "method": {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]},
                    "url": {"type": "string", "pattern": r"^/?\w"},
                    "headers": {"type": "object", "additionalProperties": {"type": "string"}},
                    "body": {},
                    "dependsOn": {"type": "array", "items": {"type": "string"}},
                },
                "id",
                "method",
                "url",
            ),
        }
    },
    "requests",
)
APP_ROLE_ASSIGNMENT = object_schema(
    {"principalId": _ID, "resourceId": _ID, "appRoleId": _ID}, "principalId", "resourceId", "appRoleId"
)
ROLE_ASSIGNMENT = object_schema(
    {"principalId": _ID, "roleDefinitionId": _ID, "directoryScopeId": {"type": "string", "enum": ["/"]}},
    "principalId",
    "roleDefinitionId",
    "directoryScopeId",
)
_AUTHORITY = {"certificate": {"type": "string", "contentEncoding": "base64"}, "isRootAuthority": _FLAG}
TRUSTED_AUTHORITY = object_schema(_AUTHORITY, "certificate", "isRootAuthority")
TRUSTED_AUTHORITY_CHANGE = object_schema(_AUTHORITY)
TRUSTED_CONFIGURATION_CHANGE = object_schema({"displayName": _NAME, "description": _NAME})
TRUSTED_CONFIGURATION = object_schema(
    {
        "displayName": _NAME,
        "description": _NAME,
        "trustedCertificateAuthorities": {
            "type": "array",
            "items": TRUSTED_AUTHORITY,
        },
    }
)

_EXEMPTION = object_schema(
    {
        "id": {"type": "string", "pattern": "^[^_]+_.+$", "description": "<AttributeSet>_<AttributeName>"},
        "operator": {"type": "string", "enum": ["equals"]},
        "value": {"type": ["string", "null"]},
    },
    "id",
    "operator",
)
_MEMBERS: dict[str, Schema] = {
    "state": {"enum": [*(str(state) for state in RestrictionState), None]},
    "maxLifetime": {"type": ["string", "null"], "format": "duration", "description": "Days and time, such as P90D."},
    "restrictForAppsCreatedAfterDateTime": INSTANT_SCHEMA,
    "excludeActors": {
        "anyOf": [
            object_schema({"customSecurityAttributes": {"type": ["array", "null"], "items": _EXEMPTION}}),
            {"type": "null"},
        ]
    },
    "excludeAppsReceivingV2Tokens": _FLAG_OR_NULL,
    "excludeSaml": _FLAG_OR_NULL,
    "certificateBasedApplicationConfigurationIds": _ANY_ID,
    "isStateSetByMicrosoft": _SHOWN_BY_THE_SERVICE,
}


def new_policy(*, beta: bool) -> Schema:
    """A POST to policies/appManagementPolicies."""
    members = {"displayName": _TEXT, "description": _TEXT, "isEnabled": _FLAG, "restrictions": _custom(beta=beta)}
    return object_schema(members, "displayName", "description")


def policy(*, beta: bool) -> Schema:
    """A PATCH of a custom policy."""
    members = {"displayName": _TEXT, "description": _NAME, "isEnabled": _FLAG, "restrictions": _custom(beta=beta)}
    return object_schema(members)


def default_policy(*, beta: bool) -> Schema:
    """A PATCH of the tenant default."""
    return object_schema(
        {
            "displayName": _NAME,
            "description": _NAME,
            "isEnabled": _FLAG,
            "applicationRestrictions": _or_null(_groups(tuple(RestrictionGroup), beta=beta)),
            "servicePrincipalRestrictions": _or_null(_groups(_CREDENTIALS, beta=beta)),
        }
    )


_CREDENTIALS = tuple(group for group in RestrictionGroup if group in CREDENTIAL_GROUPS)
_OF_APPLICATIONS = tuple(group for group in RestrictionGroup if group not in CREDENTIAL_GROUPS)


def _custom(*, beta: bool) -> Schema:
    groups = _groups(_CREDENTIALS, beta=beta)
    groups["properties"]["applicationRestrictions"] = _or_null(_groups(_OF_APPLICATIONS, beta=beta))
    return _or_null(groups)


def _groups(groups: tuple[RestrictionGroup, ...], *, beta: bool) -> Schema:
    members = {}
    for group in groups:
        kinds = [kind for kind, of in GROUP_OF.items() if of is group and (beta or kind not in BETA_KINDS)]
        if kinds:
            members[str(group)] = _or_null(_entries(kinds) if group in CREDENTIAL_GROUPS else _named(kinds))
    return object_schema(members)


def _entries(kinds: list[RestrictionKind]) -> Schema:
    """A collection whose elements say their own kind."""
    names = dict.fromkeys(name for kind in kinds for name in restrictions.MEMBERS[kind])
    members = {name: _MEMBERS[name] for name in names if name != "restrictionType"}
    members["restrictionType"] = {"type": "string", "enum": [str(kind) for kind in kinds]}
    return {"type": "array", "items": object_schema(members, "restrictionType"), "maxItems": len(kinds)}


def _named(kinds: list[RestrictionKind]) -> Schema:
    """An object whose members are kinds."""
    return object_schema(
        {
            str(kind): _or_null(object_schema({name: _member(kind, name) for name in restrictions.MEMBERS[kind]}))
            for kind in kinds
        }
    )


def _member(kind: RestrictionKind, name: str) -> Schema:
    if name in _MEMBERS:
        return _MEMBERS[name]
    lists = dict.fromkeys(redirect_uri_lists.lists_of(kind), _WORDS)
    if name == "excludeFormats":
        flags = {"excludeWildcardsInPath": _FLAG, "excludeWildcardsInPathWithDomains": _WORDS}
        return _or_null(object_schema({listed: flags.get(listed, _WORDS) for listed in lists}))
    return lists.get(name) or _or_null(object_schema(lists))


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
