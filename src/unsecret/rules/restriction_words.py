"""What people call each restriction. docs/reference/words.md lists them beside Graph's names."""

from __future__ import annotations

from unsecret.model.policy import RestrictionKind

_K = RestrictionKind
RESTRICTIONS = {
    _K.PASSWORD_ADDITION: "new secrets",
    _K.PASSWORD_LIFETIME: "lifetime of secrets",
    _K.CUSTOM_PASSWORD_ADDITION: "secrets whose text the caller chose",
    _K.SYMMETRIC_KEY_ADDITION: "new symmetric keys",
    _K.SYMMETRIC_KEY_LIFETIME: "lifetime of symmetric keys",
    _K.ASYMMETRIC_KEY_LIFETIME: "lifetime of certificates",
    _K.TRUSTED_CERTIFICATE_AUTHORITY: "issuers of certificates",
    _K.NON_DEFAULT_URI_ADDITION: "identifier URIs of another form",
    _K.URI_ADDITION_WITHOUT_UNIQUE_TENANT_IDENTIFIER: "identifier URIs that do not name the tenant",
    _K.AZURE_AD_MULTIPLE_ORGS: "opening to other organisations",
    _K.PERSONAL_MICROSOFT_ACCOUNT: "opening to personal accounts",
    _K.URI_WITH_BLOCKED_DOMAIN: "redirect URIs with a blocked domain",
    _K.URI_WITH_BLOCKED_SCHEME: "redirect URIs with a blocked scheme",
    _K.URI_WITH_WILDCARD: "redirect URIs with a wildcard",
    _K.URI_WITHOUT_ALLOWED_DOMAIN: "redirect URIs without an allowed domain",
    _K.URI_WITHOUT_ALLOWED_SCHEME: "redirect URIs without an allowed scheme",
}
"""What is restricted, in the fewest words."""


def restriction_in_words(kind: str) -> str:
    """What people call the restriction `kind`; Graph's own name where there is no other."""
    return RESTRICTIONS.get(kind, kind)
