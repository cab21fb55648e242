"""Consent: which delegated permissions a client may use on a resource, for everybody or for one person.

https://learn.microsoft.com/en-us/graph/api/resources/oauth2permissiongrant
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from unsecret.model.identifiers import ObjectId


class ConsentType(StrEnum):
    """`oAuth2PermissionGrant.consentType`."""

    ALL_PRINCIPALS = "AllPrincipals"
    PRINCIPAL = "Principal"


class OAuth2PermissionGrant(Struct, frozen=True, kw_only=True):
    """`scope` is the list of permissions as Graph writes it, separated by spaces. `principal_id` is None for all."""

    id: str
    client_id: ObjectId
    consent_type: ConsentType
    principal_id: ObjectId | None
    resource_id: ObjectId
    scope: str
