"""App management policies as values.

https://learn.microsoft.com/en-us/graph/api/resources/applicationauthenticationmethodpolicy
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field

from unsecret.model.identifiers import ZERO_GUID, ObjectId, PolicyId


class RestrictionKind(StrEnum):
    """Every restriction that v1.0 and beta know; the values are Graph's own words."""

    PASSWORD_ADDITION = "passwordAddition"
    PASSWORD_LIFETIME = "passwordLifetime"
    CUSTOM_PASSWORD_ADDITION = "customPasswordAddition"
    SYMMETRIC_KEY_ADDITION = "symmetricKeyAddition"
    SYMMETRIC_KEY_LIFETIME = "symmetricKeyLifetime"
    ASYMMETRIC_KEY_LIFETIME = "asymmetricKeyLifetime"
    TRUSTED_CERTIFICATE_AUTHORITY = "trustedCertificateAuthority"
    NON_DEFAULT_URI_ADDITION = "nonDefaultUriAddition"
    URI_ADDITION_WITHOUT_UNIQUE_TENANT_IDENTIFIER = "uriAdditionWithoutUniqueTenantIdentifier"
    AZURE_AD_MULTIPLE_ORGS = "azureAdMultipleOrgs"
    PERSONAL_MICROSOFT_ACCOUNT = "personalMicrosoftAccount"
    URI_WITH_BLOCKED_DOMAIN = "uriWithBlockedDomain"
    URI_WITH_BLOCKED_SCHEME = "uriWithBlockedScheme"
    URI_WITH_WILDCARD = "uriWithWildcard"
    URI_WITHOUT_ALLOWED_DOMAIN = "uriWithoutAllowedDomain"
    URI_WITHOUT_ALLOWED_SCHEME = "uriWithoutAllowedScheme"


class RestrictionGroup(StrEnum):
    """Where a restriction stands in the Graph object."""

    PASSWORD_CREDENTIALS = "passwordCredentials"
    KEY_CREDENTIALS = "keyCredentials"
    IDENTIFIER_URIS = "identifierUris"
    AUDIENCES = "audiences"
    REDIRECT_URIS = "redirectUris"


_K, _G = RestrictionKind, RestrictionGroup

GROUP_OF: dict[RestrictionKind, RestrictionGroup] = {
    _K.PASSWORD_ADDITION: _G.PASSWORD_CREDENTIALS,
    _K.PASSWORD_LIFETIME: _G.PASSWORD_CREDENTIALS,
    _K.CUSTOM_PASSWORD_ADDITION: _G.PASSWORD_CREDENTIALS,
    _K.SYMMETRIC_KEY_ADDITION: _G.PASSWORD_CREDENTIALS,
    _K.SYMMETRIC_KEY_LIFETIME: _G.PASSWORD_CREDENTIALS,
    _K.ASYMMETRIC_KEY_LIFETIME: _G.KEY_CREDENTIALS,
    _K.TRUSTED_CERTIFICATE_AUTHORITY: _G.KEY_CREDENTIALS,
    _K.NON_DEFAULT_URI_ADDITION: _G.IDENTIFIER_URIS,
    _K.URI_ADDITION_WITHOUT_UNIQUE_TENANT_IDENTIFIER: _G.IDENTIFIER_URIS,
    _K.AZURE_AD_MULTIPLE_ORGS: _G.AUDIENCES,
    _K.PERSONAL_MICROSOFT_ACCOUNT: _G.AUDIENCES,
    _K.URI_WITH_BLOCKED_DOMAIN: _G.REDIRECT_URIS,
    _K.URI_WITH_BLOCKED_SCHEME: _G.REDIRECT_URIS,
    _K.URI_WITH_WILDCARD: _G.REDIRECT_URIS,
    _K.URI_WITHOUT_ALLOWED_DOMAIN: _G.REDIRECT_URIS,
    _K.URI_WITHOUT_ALLOWED_SCHEME: _G.REDIRECT_URIS,
}
"""Each kind stands in exactly one group."""

CREDENTIAL_GROUPS = frozenset({_G.PASSWORD_CREDENTIALS, _G.KEY_CREDENTIALS})
"""The groups that govern applications *and* service principals; the others govern applications only."""

LIFETIME_KINDS = frozenset({_K.PASSWORD_LIFETIME, _K.SYMMETRIC_KEY_LIFETIME, _K.ASYMMETRIC_KEY_LIFETIME})
"""The kinds that read `max_lifetime`."""

BETA_KINDS = frozenset(
    kind
    for kind, group in GROUP_OF.items()
    if group in (_G.AUDIENCES, _G.REDIRECT_URIS) or kind is _K.TRUSTED_CERTIFICATE_AUTHORITY
)
"""The kinds that only the beta endpoint shows and takes."""


class RestrictionState(StrEnum):
    """`state` of a restriction."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class ActorExemption(Struct, frozen=True):
    """Callers who hold this custom security attribute value are not bound.

    `id` is `<AttributeSet>_<AttributeName>`; the comparison is case-sensitive `equals`.
    """

    id: str
    value: str | None


ALL_PLATFORMS = ""
"""The key under which a redirect-URI list holds the entries that apply to every platform."""


class RedirectUriLists(Struct, frozen=True, kw_only=True):
    """The extra members of a redirect-URI restriction.

    `listed` is blockedDomains, allowedDomains, blockedSchemes or allowedSchemes, whichever the kind has:
    platform (`web`, `spa`, `publicClient`, or ALL_PLATFORMS) → entries. `exempt_formats` likewise.
    The last two belong to `uriWithWildcard`'s `excludeFormats`.
    """

    listed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    exempt_formats: dict[str, tuple[str, ...]] = field(default_factory=dict)
    exclude_wildcards_in_path: bool = False
    exclude_wildcards_in_path_with_domains: tuple[str, ...] = ()


class Restriction(Struct, frozen=True, kw_only=True):
    """One entry of a policy. Members that its kind does not have keep their defaults."""

    kind: RestrictionKind
    state: RestrictionState = RestrictionState.ENABLED
    max_lifetime: timedelta | None = None
    restrict_for_apps_created_after: datetime | None = None
    exclude_actors: tuple[ActorExemption, ...] = ()
    exclude_apps_receiving_v2_tokens: bool | None = None
    exclude_saml: bool | None = None
    certificate_based_application_configuration_ids: tuple[str, ...] = ()
    redirect_uris: RedirectUriLists | None = None
    is_state_set_by_microsoft: bool = False

    @property
    def group(self) -> RestrictionGroup:
        """Where this entry stands in the Graph object."""
        return GROUP_OF[self.kind]


Restrictions = tuple[Restriction, ...]
"""The entries of one section, each kind at most once, in the order in which they were written."""

DEFAULT_POLICY_NAME = "Default app management tenant policy"
DEFAULT_POLICY_DESCRIPTION = (
    "Default tenant policy that enforces app management restrictions on applications and service principals. "
    "To apply policy to targeted resources, create a new policy under appManagementPolicies collection."
)


class TenantDefault(Struct, frozen=True, kw_only=True):
    """`policies/defaultAppManagementPolicy`: always there, switched off until somebody switches it on."""

    id: PolicyId = PolicyId(ZERO_GUID)
    display_name: str | None = DEFAULT_POLICY_NAME
    description: str | None = DEFAULT_POLICY_DESCRIPTION
    is_enabled: bool = False
    application_restrictions: Restrictions = ()
    service_principal_restrictions: Restrictions = ()


class AppManagementPolicy(Struct, frozen=True, kw_only=True):
    """A custom policy: it binds the objects it is linked to. `restrictions` holds credential restrictions
    and the application-only ones side by side; their kinds tell them apart."""

    id: PolicyId
    display_name: str
    description: str | None = None
    is_enabled: bool = False
    restrictions: Restrictions = ()


class TrustedAuthority(Struct, frozen=True, kw_only=True):
    """One certificate authority of a trusted-CA configuration; `certificate` is DER. It has an `id` once it is kept."""

    id: str = ""
    certificate: bytes
    is_root_authority: bool
    issuer: str
    issuer_subject_key_identifier: str


class CertificateBasedApplicationConfiguration(Struct, frozen=True, kw_only=True):
    """A named list of certificate authorities that `trustedCertificateAuthority` can point to (beta)."""

    id: ObjectId
    display_name: str | None
    description: str | None
    trusted_certificate_authorities: tuple[TrustedAuthority, ...]
