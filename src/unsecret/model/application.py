"""Applications, service principals and the credentials they prove themselves with.

Field names are Graph's own words in snake_case; instants end in `_at` and are aware UTC datetimes.
https://learn.microsoft.com/en-us/graph/api/resources/application
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from unsecret.model.identifiers import AppId, KeyId, ObjectId, TenantId


class ObjectKind(StrEnum):
    """What a directory object is; the values are Graph's type names."""

    APPLICATION = "application"
    SERVICE_PRINCIPAL = "servicePrincipal"
    USER = "user"


FACES = {ObjectKind.APPLICATION: "app registration", ObjectKind.SERVICE_PRINCIPAL: "service principal"}
"""What people call the two faces of an application (docs/reference/words.md)."""


class KeyType(StrEnum):
    """`keyCredential.type`."""

    CERTIFICATE = "AsymmetricX509Cert"
    CERTIFICATE_AND_PASSWORD = "X509CertAndPassword"
    SYMMETRIC = "Symmetric"


class KeyUsage(StrEnum):
    """`keyCredential.usage`."""

    VERIFY = "Verify"
    SIGN = "Sign"
    ENCRYPT = "Encrypt"


SECRET_SHAPE = re.compile(r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}")
"""What the text of a client secret looks like, to secret scanners and to whoever must not repeat one.
Microsoft publishes no grammar; this is the rule of gitleaks and trufflehog."""


class PasswordCredential(Struct, frozen=True, kw_only=True):
    """A client secret without its text: the text is shown once and never kept."""

    key_id: KeyId
    start_at: datetime
    end_at: datetime
    display_name: str | None = None
    hint: str | None = None


class KeyCredential(Struct, frozen=True, kw_only=True):
    """A certificate (or symmetric key) that an application may prove itself with.

    `key` is the public certificate as DER. For symmetric keys it is always None: their bytes are secret and
    are not kept. `custom_key_identifier` is what Graph shows: for certificates the upper-case hex SHA-1
    thumbprint unless the caller chose another. The thumbprints are base64url without padding, as JOSE
    headers (`x5t`, `x5t#S256`) carry them; None for symmetric keys.
    """

    key_id: KeyId
    type: KeyType
    usage: KeyUsage
    start_at: datetime
    end_at: datetime
    display_name: str | None = None
    custom_key_identifier: str | None = None
    key: bytes | None = None
    thumbprint_sha1: str | None = None
    thumbprint_sha256: str | None = None


class Application(Struct, frozen=True, kw_only=True):
    """An app registration.

    `other` holds every property that is kept and given back but that no rule looks at, by Graph's name and
    in Graph's shape (`info`, `optionalClaims`, …). `web`, `spa`, `public_client` and `api` are such objects
    too, except that the members the law looks at are lifted out of them into typed fields.
    """

    id: ObjectId
    app_id: AppId
    display_name: str
    created_at: datetime | None
    created_by_app_id: AppId | None = None
    unique_name: str | None = None
    sign_in_audience: str = "AzureADMyOrg"
    identifier_uris: tuple[str, ...] = ()
    requested_access_token_version: int | None = None
    web_redirect_uris: tuple[str, ...] = ()
    spa_redirect_uris: tuple[str, ...] = ()
    public_client_redirect_uris: tuple[str, ...] = ()
    is_disabled: bool | None = None
    tags: tuple[str, ...] = ()
    password_credentials: tuple[PasswordCredential, ...] = ()
    key_credentials: tuple[KeyCredential, ...] = ()
    other: dict[str, Any] = field(default_factory=dict)

    kind = ObjectKind.APPLICATION


class ServicePrincipal(Struct, frozen=True, kw_only=True, dict=True):
    """An application's presence in one tenant: what signs in, holds permissions and is held to account.

    `custom_security_attributes` maps attribute set → attribute name → value.
    """

    id: ObjectId
    app_id: AppId
    display_name: str
    created_at: datetime | None
    app_owner_organization_id: TenantId | None = None
    account_enabled: bool = True
    service_principal_type: str = "Application"
    sign_in_audience: str | None = None
    service_principal_names: tuple[str, ...] = ()
    preferred_single_sign_on_mode: str | None = None
    tags: tuple[str, ...] = ()
    custom_security_attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    password_credentials: tuple[PasswordCredential, ...] = ()
    key_credentials: tuple[KeyCredential, ...] = ()
    other: dict[str, Any] = field(default_factory=dict)

    kind = ObjectKind.SERVICE_PRINCIPAL

    def entries(self, name: str) -> Mapping[str, dict[str, Any]]:
        """What `other` lists under `name`, by id. Microsoft Graph lists hundreds of permissions, and is asked for a few
        of them again and again: they are put in order once."""
        if (entries := self._entries.get(name)) is None:
            entries = self._entries[name] = {entry["id"]: entry for entry in self.other.get(name) or ()}
        return entries

    @cached_property
    def _entries(self) -> dict[str, dict[str, dict[str, Any]]]:
        return {}


DirectoryObject = Application | ServicePrincipal
"""What holds credentials, and what policies govern. `people.AnyObject` has people besides."""


class AppRoleAssignment(Struct, frozen=True, kw_only=True):
    """An application permission granted to a service principal."""

    id: str
    principal_id: ObjectId
    resource_id: ObjectId
    app_role_id: str
    created_at: datetime


class Tenant(Struct, frozen=True, kw_only=True):
    """One organisation. `verified_domains[0]` is the initial `….onmicrosoft.com` domain."""

    id: TenantId
    display_name: str
    created_at: datetime
    verified_domains: tuple[str, ...]
