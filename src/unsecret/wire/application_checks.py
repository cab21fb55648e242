"""What a written application is refused for that no single property tells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from unsecret.errors import Invalid
from unsecret.wire.expect import refuse
from unsecret.wire.shapes import duplicates

MOST_PERMISSIONS = 400
"""https://learn.microsoft.com/en-us/graph/api/application-update, requiredResourceAccess."""

PERSONAL_AUDIENCES = ("AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")

_HOST_AND_SLASH = re.compile(r"https?://[^/]*/", re.IGNORECASE)
"""Recorded for addresses of the web. What Graph says of `api://…/` is not: policies judge that."""


def check(body: Mapping[str, Any], written: dict[str, Any], current: Mapping[str, Any]) -> None:
    """The rules that look at more than one member."""
    permissions = sum(len(item["resourceAccess"]) for item in written.get("requiredResourceAccess", ()))
    if permissions > MOST_PERMISSIONS:
        name = "requiredResourceAccess"
        raise refuse(f"Property '{name}' lists {permissions} permissions; at most {MOST_PERMISSIONS} fit.", name)
    if written.get("defaultRedirectUri") is not None:
        _require_redirect_uri(written, current)
    _require_aliases(written.get("identifierUris", ()), current["identifierUris"])
    _require_newest_tokens(written, current)
    if "appRoles" in written or "api" in written:
        _require_told_apart(written.get("appRoles", current["appRoles"]), written.get("api", current["api"]))
    if "web" in written:
        _keep_settings_of_redirect_uris(body["web"], written["web"])
    if "appRoles" in written:
        _require_disabled(current["appRoles"], written["appRoles"], "appRoles")
    if "api" in written:
        name = "oauth2PermissionScopes"
        _require_disabled(current["api"][name], written["api"][name], f"api.{name}")


def _require_redirect_uri(written: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """The default is one of the redirect URIs, says its page; another would go past the law on them."""
    platforms = [written.get(name, current[name]) for name in ("web", "spa", "publicClient")]
    if all(written["defaultRedirectUri"] not in platform["redirectUris"] for platform in platforms):
        name = "defaultRedirectUri"
        raise refuse(
            f"Property '{name}' must match one of the application's redirect URIs. Add it to them first.", name
        )


def _keep_settings_of_redirect_uris(asked: Any, web: dict[str, Any]) -> None:
    """`redirectUriSettings` cannot add an address: that would go past the law on `redirectUris`. Left-over
    settings of addresses that the same request removes are dropped."""
    unknown = [item["uri"] for item in web["redirectUriSettings"] if item["uri"] not in web["redirectUris"]]
    where = "web.redirectUriSettings"
    if unknown and asked and asked.get("redirectUriSettings") and "redirectUris" not in asked:
        raise refuse(f"Property '{where}' names an address that is not in 'web.redirectUris'. Add it there.", where)
    web["redirectUriSettings"] = [
        item for item in web["redirectUriSettings"] if item["uri"] not in unknown and item["index"] is not None
    ]


def _require_aliases(uris: Sequence[str], before: Sequence[str]) -> None:
    for uri in uris:
        if uri not in before and _HOST_AND_SLASH.fullmatch(uri):
            raise Invalid(
                f"Application alias '{uri}' value is invalid.",
                code="IdentifierUrisEndsWithSlash",
                hint="Leave out the slash at its end.",
                target="identifierUris",
            )


def _require_newest_tokens(written: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Personal accounts know v2 tokens only."""
    where = "api.requestedAccessTokenVersion"
    now = {name: written.get(name, current[name]) for name in ("signInAudience", "api")}
    changed = any(now[name] != current[name] for name in now)
    if changed and now["signInAudience"] in PERSONAL_AUDIENCES and now["api"]["requestedAccessTokenVersion"] != 2:
        raise refuse(f"Property {where} is invalid. With signInAudience '{now['signInAudience']}' it must be 2.", where)


def _require_told_apart(roles: Sequence[Mapping[str, Any]], api: Mapping[str, Any]) -> None:
    """A role and a scope may be one permission, with the same id and value; otherwise either belongs to one of them."""
    permissions = {(item["id"], item["value"]) for item in (*roles, *api["oauth2PermissionScopes"])}
    values = [value for _, value in permissions if value is not None]
    if len({id for id, _ in permissions}) < len(permissions) or len(set(values)) < len(values):
        raise duplicates("appRoles" if roles else "api.oauth2PermissionScopes")


def _require_disabled(before: list[Any], after: list[Any], where: str) -> None:
    """https://learn.microsoft.com/en-us/graph/api/resources/approle: disable first, delete in a later request."""
    kept = {item["id"] for item in after}
    for item in before:
        if item["isEnabled"] and item["id"] not in kept:
            raise Invalid(
                "Permission (scope or role) cannot be deleted or updated unless disabled first: "
                f"'{item['value'] or item['id']}' of '{where}' is enabled. Set its isEnabled to false, then remove it.",
                code="CannotDeleteOrUpdateEnabledEntitlement",
                target=where,
            )
