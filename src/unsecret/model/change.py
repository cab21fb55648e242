"""What a request would add. The law judges additions only; what is already there is left in peace.

https://learn.microsoft.com/en-us/graph/api/resources/applicationauthenticationmethodpolicy says that
existing credentials keep working and only the call that violates is refused.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from unsecret.model.application import KeyType, ObjectKind
from unsecret.model.identifiers import AppId, TenantId


class PasswordAdded(Struct, frozen=True, kw_only=True):
    """A new client secret, with its dates after defaulting. `is_custom` when the caller chose the text."""

    start_at: datetime
    end_at: datetime
    is_custom: bool = False


class KeyAdded(Struct, frozen=True, kw_only=True):
    """A new key or certificate. `trusted_by` names the trusted-CA configurations whose authorities issued it."""

    type: KeyType
    start_at: datetime
    end_at: datetime
    trusted_by: frozenset[str] = frozenset()


class IdentifierUriAdded(Struct, frozen=True):
    """A new entry of `identifierUris`, or an old one that stops being exempt because the application
    leaves v2 tokens."""

    uri: str


class AudienceSet(Struct, frozen=True):
    """`signInAudience` takes a value that it did not have."""

    value: str


class RedirectUriAdded(Struct, frozen=True):
    """A new redirect URI; `platform` is `web`, `spa` or `publicClient`."""

    platform: str
    uri: str


Addition = PasswordAdded | KeyAdded | IdentifierUriAdded | AudienceSet | RedirectUriAdded


class Governed(Struct, frozen=True, kw_only=True):
    """What the law needs to know about the object, as it will be once the request is carried out."""

    kind: ObjectKind
    tenant_id: TenantId
    app_id: AppId
    created_at: datetime | None
    verified_domains: tuple[str, ...] = ()
    requested_access_token_version: int | None = None
    signs_in_with_saml: bool = False


class Actor(Struct, frozen=True):
    """Who asks, as far as exemptions go: each set of attributes is one principal's (the user, the client's
    service principal) as `<AttributeSet>_<AttributeName>` → value. One principal that qualifies is enough."""

    attributes: tuple[dict[str, str], ...] = ()
