"""The permissions that Microsoft Graph offers, the same in every tenant of the world.

There are some 1,500 of them, so they are not kept with each tenant: a file in the package holds them, and Graph's
service principal gets them when it is read. Descriptions are Microsoft's prose and not in the file; the display names
stand in for them.
https://learn.microsoft.com/en-us/graph/permissions-reference
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from unsecret.model.application import ServicePrincipal
from unsecret.model.identifiers import GRAPH_APP_ID

_FILE = "published_permissions.json"
_OFFER = ("appRoles", "oauth2PermissionScopes")

_NOT_IN_THE_FILE = (
    [
        "AppCertTrustConfiguration.Read.All",
        "af281d3a-030d-4122-886e-146fb30a0413",
        "Read the trusted certificate authority configuration for applications",
    ],
    [
        "AppCertTrustConfiguration.ReadWrite.All",
        "4bae2ed4-473e-4841-a493-9829cfd51d48",
        "Read and write the trusted certificate authority configuration for applications",
    ],
)
"""App roles that Graph's pages name for the lists of trusted authorities. Their ids are those of the delegated
permissions of the same names."""


def completed(principal: ServicePrincipal) -> ServicePrincipal:
    """Graph's service principal with all that it offers; any other as it is. What is in the offer is shared: whoever
    gets it only looks at it."""
    if principal.app_id != GRAPH_APP_ID:
        return principal
    return msgspec.structs.replace(principal, other=principal.other | _offer())


def kept(principal: ServicePrincipal) -> ServicePrincipal:
    """The other way round: what of a service principal is kept."""
    if principal.app_id != GRAPH_APP_ID:
        return principal
    other = {name: value for name, value in principal.other.items() if name not in _OFFER}
    return msgspec.structs.replace(principal, other=other)


def app_role_id(value: str) -> str:
    """The id of one of Graph's application permissions. Raises KeyError for what is none."""
    return _ids()[value]


@cache
def _ids() -> dict[str, str]:
    return {role["value"]: role["id"] for role in _offer()["appRoles"]}


@cache
def _offer() -> dict[str, Any]:
    published: dict[str, list[Any]] = msgspec.json.decode(files("unsecret.store").joinpath(_FILE).read_bytes())
    roles: list[Any] = [*published["app_roles"], *_NOT_IN_THE_FILE]
    return {
        "appRoles": [_app_role(*row) for row in roles],
        "oauth2PermissionScopes": [_scope(*row) for row in published["scopes"]],
    }


def _app_role(value: str, role_id: str, name: str, is_enabled: bool = True) -> dict[str, Any]:
    return {
        "allowedMemberTypes": ["Application"],
        "description": name,
        "displayName": name,
        "id": role_id,
        "isEnabled": is_enabled,
        "origin": "Application",
        "value": value,
    }


def _scope(value: str, scope_id: str, kind: str, *shown: Any) -> dict[str, Any]:
    """`kind` is User or Admin, who may consent; `shown` are the names for an administrator and for a user, and False
    when it is switched off."""
    for_admins, for_users, *off = shown
    return {
        "adminConsentDescription": for_admins,
        "adminConsentDisplayName": for_admins,
        "id": scope_id,
        "isEnabled": not off,
        "type": kind,
        "userConsentDescription": for_users,
        "userConsentDisplayName": for_users,
        "value": value,
    }
