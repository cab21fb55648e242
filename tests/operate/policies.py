"""Policies as Graph gives them, to plan changes of."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ID = "9eedc333-2700-42b1-8980-2fda146400b6"


def entry(kind: str, **members: Any) -> Json:
    """A restriction as beta writes it back: every member is there, most are null."""
    given = {"restrictionType": kind, "state": "enabled", "maxLifetime": None}
    return {**given, "restrictForAppsCreatedAfterDateTime": None, "excludeActors": None, **members}


def exemption(value: str) -> Json:
    """`excludeActors` as a GET shows it, with the annotation that a PATCH refuses."""
    return {
        "customSecurityAttributes@odata.context": "https://graph.microsoft.com/beta/$metadata#anything",
        "customSecurityAttributes": [
            {
                "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
                "id": "PolicyExemptions_AppManagementExemption",
                "operator": "equals",
                "value": value,
            }
        ],
    }


def section(passwords: list[Json] | None = None, keys: list[Json] | None = None, **others: Any) -> Json:
    return {"passwordCredentials": passwords or [], "keyCredentials": keys or [], **others}


def default_policy(
    *, applications: Json | None = None, service_principals: Json | None = None, is_enabled: bool = True
) -> Json:
    return {
        "@odata.context": "https://graph.microsoft.com/beta/$metadata#policies/defaultAppManagementPolicy/$entity",
        "id": ID,
        "displayName": "Default app management tenant policy",
        "description": "Default tenant policy",
        "isEnabled": is_enabled,
        "applicationRestrictions": applications or section(),
        "servicePrincipalRestrictions": service_principals or section(),
    }


def custom_policy(
    passwords: list[Json] | None = None, *, is_enabled: bool = True, description: str = "By hand", **others: Any
) -> Json:
    given: Json = {"id": "b2f3c8a0-0000-4000-8000-000000000001", "displayName": "Exempt", "description": description}
    return {**given, "isEnabled": is_enabled, "restrictions": section(passwords, **others)}
