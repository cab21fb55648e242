"""Delegated permission grants in Graph's words.

https://learn.microsoft.com/en-us/graph/api/resources/oauth2permissiongrant
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from unsecret.model.consent import ConsentType, OAuth2PermissionGrant
from unsecret.model.identifiers import ObjectId
from unsecret.wire.expect import refuse
from unsecret.wire.properties import read_properties, require
from unsecret.wire.shapes import Access, Property, guid, text, word

LONGEST_SCOPE = 3850
"""Characters; from the page of the resource."""

PROPERTIES: dict[str, Property] = {
    "id": Property(text(), None, Access.READ),
    "clientId": Property(guid(required=True), None, Access.CREATE),
    "consentType": Property(word(*(str(kind) for kind in ConsentType), required=True), None, Access.CREATE),
    "principalId": Property(guid(), None, Access.CREATE),
    "resourceId": Property(guid(required=True), None, Access.CREATE),
    "scope": Property(text(most=LONGEST_SCOPE)),
    "startTime": Property(text(), None),
    "expiryTime": Property(text(), None),
}
"""The last two are beta's, must be there and are not looked at."""

NEEDED = ("clientId", "consentType", "resourceId")


class PermissionGrantBody(Struct, frozen=True, kw_only=True):
    """A grant as asked for."""

    client_id: ObjectId
    consent_type: ConsentType
    principal_id: ObjectId | None
    resource_id: ObjectId
    scope: str


def permission_grant_to_graph(grant: OAuth2PermissionGrant) -> dict[str, Any]:
    """An oAuth2PermissionGrant."""
    return {
        "clientId": grant.client_id,
        "consentType": str(grant.consent_type),
        "id": grant.id,
        "principalId": grant.principal_id,
        "resourceId": grant.resource_id,
        "scope": grant.scope,
    }


def permission_grant_from_graph(body: Any) -> PermissionGrantBody:
    """The body of a POST. Raises Invalid."""
    written = read_properties(body, PROPERTIES, current={}, creating=True)
    for name in NEEDED:
        require(name, written)
    kind = ConsentType(written["consentType"])
    principal = written.get("principalId")
    if kind is ConsentType.PRINCIPAL and principal is None:
        raise refuse("Property 'principalId' is required when consentType is Principal.", "principalId")
    if kind is ConsentType.ALL_PRINCIPALS and principal is not None:
        raise refuse("Property 'principalId' must be null when consentType is AllPrincipals.", "principalId")
    return PermissionGrantBody(
        client_id=ObjectId(written["clientId"]),
        consent_type=kind,
        principal_id=ObjectId(principal) if principal else None,
        resource_id=ObjectId(written["resourceId"]),
        scope=_words(written.get("scope")),
    )


def scope_from_graph(body: Any) -> str | None:
    """The scopes that a PATCH writes; None when it writes none. Raises Invalid for what else a grant cannot change."""
    written = read_properties(body, PROPERTIES, current={}, creating=False)
    return _words(written["scope"]) if "scope" in written else None


def _words(scope: str | None) -> str:
    """As the directory keeps them: each once, a space between."""
    return " ".join(dict.fromkeys((scope or "").split()))
