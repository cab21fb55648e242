"""Policy files in JSON Schema, for editors: completion, a word on hovering, and a mark under a slip.

Made of the same tables as the reader. It is stricter in one way: a word that nobody knows is marked, where the reader
passes it on, since Microsoft may have added it. TOML's dates are strings to a schema.
"""

from __future__ import annotations

from typing import Any

from unsecret.model.policy import CREDENTIAL_GROUPS, GROUP_OF, LIFETIME_KINDS, RestrictionGroup, RestrictionKind
from unsecret.wire.policy_files import CALLER_TYPE, CUSTOM, DEFAULT, FACES, LAYOUT, SECTIONS, STATES, TENANT
from unsecret.wire.redirect_uri_lists import PLATFORMS, lists_of
from unsecret.wire.restrictions import MEMBERS

Schema = dict[str, Any]

KINDS: dict[RestrictionKind, str] = {
    RestrictionKind.PASSWORD_ADDITION: "No new client secrets.",
    RestrictionKind.PASSWORD_LIFETIME: "New client secrets live at most maxLifetime.",
    RestrictionKind.CUSTOM_PASSWORD_ADDITION: "No client secrets whose text the caller chose.",
    RestrictionKind.SYMMETRIC_KEY_ADDITION: "No new symmetric keys.",
    RestrictionKind.SYMMETRIC_KEY_LIFETIME: "New symmetric keys live at most maxLifetime.",
    RestrictionKind.ASYMMETRIC_KEY_LIFETIME: "New certificates live at most maxLifetime.",
    RestrictionKind.TRUSTED_CERTIFICATE_AUTHORITY: "New certificates come from these authorities only (beta).",
    RestrictionKind.NON_DEFAULT_URI_ADDITION: "New identifier URIs are api://{appId} or api://{tenantId}/{appId}.",
    RestrictionKind.URI_ADDITION_WITHOUT_UNIQUE_TENANT_IDENTIFIER: "New identifier URIs hold the appId, or "
    "the tenant's id or a domain of it.",
    RestrictionKind.AZURE_AD_MULTIPLE_ORGS: "No new multi-tenant applications (beta).",
    RestrictionKind.PERSONAL_MICROSOFT_ACCOUNT: "No new applications for personal accounts (beta).",
    RestrictionKind.URI_WITH_BLOCKED_DOMAIN: "No new redirect URIs on these domains (beta).",
    RestrictionKind.URI_WITH_BLOCKED_SCHEME: "No new redirect URIs with these schemes (beta).",
    RestrictionKind.URI_WITH_WILDCARD: "No new redirect URIs with wildcards (beta).",
    RestrictionKind.URI_WITHOUT_ALLOWED_DOMAIN: "New redirect URIs on these domains only (beta).",
    RestrictionKind.URI_WITHOUT_ALLOWED_SCHEME: "New redirect URIs with these schemes only (beta).",
}
"""Each restriction in a sentence; docs/concepts/the-law.md says it all."""

_FLAG = "excludeWildcardsInPath"
_LENGTH = {"maxLength": 1024}
_WORDS: Schema = {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 256, "pattern": r"\S"}}
_GUID: Schema = {"type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"}
_ABSENT: Schema = {"const": True, "description": "Take it away. Nothing else can be said of it then."}
_GONE: Schema = {
    "type": "object",
    "properties": {"absent": _ABSENT},
    "required": ["absent"],
    "additionalProperties": False,
}
_DURATION = (
    r"^[Pp](?=.)(\d{1,4}[Yy])?(\d{1,5}[Mm])?(\d{1,6}[Ww])?(\d{1,7}[Dd])?"
    r"([Tt](?=.)(\d{1,9}[Hh])?(\d{1,9}[Mm])?(\d{1,12}([.,]\d{1,12})?[Ss])?)?$"
    r"|^(\d{1,7}\.)?\d{1,2}:\d\d:\d\d(\.\d{1,7})?$"
)
_INSTANT = r"^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,12})?)?([Zz]|[+-]\d\d:\d\d)?)?$"

MEMBERS_OF_ENTRIES: dict[str, tuple[str, Schema]] = {
    "state": ("Whether it binds while its policy is on. A new entry is enabled.", {"enum": list(STATES)}),
    "maxLifetime": (
        "The longest lifetime: P90D, PT12H, P3M (30 days each), P1Y (365 days).",
        {"type": "string", "pattern": _DURATION},
    ),
    "restrictForAppsCreatedAfterDateTime": (
        "Only what is created then or later is bound; a date begins at midnight UTC.",
        {"type": "string", "pattern": _INSTANT},
    ),
    "excludeActors": (
        "Callers who are not bound. Those that are not mentioned stay as they are.",
        {
            "type": "object",
            "properties": {
                "customSecurityAttributes": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "id": {
                                "type": "string",
                                "pattern": "^[^_]+_.+$",
                                "description": "<AttributeSet>_<AttributeName>",
                            },
                            "value": {"type": "string", "description": "Compared letter by letter."},
                            "operator": {"const": "equals"},
                            "@odata.type": {"const": CALLER_TYPE},
                            "absent": _ABSENT,
                        },
                        "required": ["id", "value"],
                        "additionalProperties": False,
                    },
                }
            },
            "additionalProperties": False,
        },
    ),
    "excludeAppsReceivingV2Tokens": ("Applications that receive v2.0 tokens are not bound.", {"type": "boolean"}),
    "excludeSaml": ("Applications that people sign in to by SAML are not bound.", {"type": "boolean"}),
    "certificateBasedApplicationConfigurationIds": (
        "Ids of the lists of authorities that are trusted; said as a whole.",
        {"type": "array", "items": _GUID},
    ),
}
"""The members that entries have: what each means, and its schema. `{ absent = true }` clears any but `state`."""


def policy_file_schema() -> Schema:
    """The schema of a whole file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "App management policies of a Microsoft Entra tenant, as unsecret plans and applies them",
        "description": "What a file does not mention is left as it is.",
        "type": "object",
        "properties": {
            "unsecret": {"const": LAYOUT, "description": "How the file is laid out."},
            TENANT: _described("The only tenant that the file is for; without it, any.", _GUID),
            DEFAULT: _described("The tenant default policy: it binds what no custom policy frees.", _default()),
            CUSTOM: {"type": "array", "items": _custom()},
        },
        "additionalProperties": False,
        "$defs": {
            "absent": _GONE,
            "words": _WORDS,
            **{name: _common_member(name) for name in MEMBERS_OF_ENTRIES},
            **{str(kind): _entry(kind) for kind in RestrictionKind},
        },
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _common_member(name: str) -> Schema:
    meaning, schema = MEMBERS_OF_ENTRIES[name]
    return _described(meaning, schema if name == "state" else {"anyOf": [schema, _ref("absent")]})


def _default() -> Schema:
    sections = {
        name: _object({group: _group(RestrictionGroup(group)) for group in groups}) for name, groups in SECTIONS.items()
    }
    return _object({**_texts_and_switch(), **sections})


def _custom() -> Schema:
    credentials = {str(group): _group(group) for group in RestrictionGroup if group in CREDENTIAL_GROUPS}
    others = {str(group): _group(group) for group in RestrictionGroup if group not in CREDENTIAL_GROUPS}
    schema = _object(
        {
            "id": _described("Which policy it is, where several have one name; then displayName renames it.", _GUID),
            **_texts_and_switch(),
            "absent": _ABSENT,
            "restrictions": _object({**credentials, "applicationRestrictions": _object(others)}),
            "appliesTo": {"type": "array", "items": _assignment()},
        }
    )
    names = {"required": ["displayName"], "properties": {"displayName": {"pattern": r"\S"}}}
    return {**schema, "anyOf": [{"required": ["id"]}, names]}


def _assignment() -> Schema:
    face = {"enum": list(FACES)}
    members = {
        "app": _described("Its appId, object id or exact display name.", {"type": "string", "pattern": r"\S"}),
        "on": _described(
            "Only its app registration, or only its service principal. Default: all that it has.",
            {"anyOf": [face, {"type": "array", "items": face, "minItems": 1}]},
        ),
        "absent": _ABSENT,
    }
    return {**_object(members), "required": ["app"]}


def _texts_and_switch() -> Schema:
    return {
        "displayName": {"type": "string", **_LENGTH},
        "description": {"type": "string", **_LENGTH},
        "isEnabled": _described("Whether the policy binds, or frees, anybody.", {"type": "boolean"}),
    }


def _group(group: RestrictionGroup) -> Schema:
    return _object({str(kind): _ref(kind) for kind, of in GROUP_OF.items() if of is group})


def _entry(kind: RestrictionKind) -> Schema:
    names = [name for name in MEMBERS[kind] if name not in ("restrictionType", "isStateSetByMicrosoft")]
    if kind not in LIFETIME_KINDS and "maxLifetime" in names:
        names.remove("maxLifetime")
    members = {name: _member(kind, name) for name in names}
    return _described(KINDS[kind], {"anyOf": [_object(members), _ref("absent")]})


def _member(kind: RestrictionKind, name: str) -> Schema:
    if name in MEMBERS_OF_ENTRIES:
        return _ref(name)
    lists = {inner: {"anyOf": [_ref("words"), _ref("absent")]} for inner in lists_of(kind)}
    if name not in PLATFORMS and name != "excludeFormats":
        return lists[name]
    flags = {inner: {"anyOf": [{"type": "boolean"}, _ref("absent")]} for inner in lists if inner == _FLAG}
    return {"anyOf": [_object(lists | flags), _ref("absent")]}


def _object(members: Schema) -> Schema:
    return {"type": "object", "properties": members, "additionalProperties": False}


def _described(meaning: str, schema: Schema) -> Schema:
    return {"description": meaning, **schema}
