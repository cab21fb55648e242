"""Every restriction as one row: what it looks at, when that breaks it, and what the refusal says.

The rows stand in the order in which reasons are given: what may not be added at all before what lives too long,
passwords before keys, then identifier URIs, the audience, and redirect URIs. Graph names one reason only; which one it
names when several hold is not documented.

A message begins with Graph's own sentence and ends with the remedy, because people who use `az` see nothing else.
Graph's sentences: https://learn.microsoft.com/en-us/entra/identity-platform/identifier-uri-restrictions for identifier
URIs; the others from answers of the service that were published. Where no answer was ever published (customPassword-
Addition, trustedCertificateAuthority, the redirect URIs, the code of nonDefaultUriAddition) code and words are ours, in
the same manner; docs/concepts/the-law.md says which.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from unsecret.model.application import KeyType
from unsecret.model.change import (
    Addition,
    AudienceSet,
    Governed,
    IdentifierUriAdded,
    KeyAdded,
    PasswordAdded,
    RedirectUriAdded,
)
from unsecret.model.policy import Restriction, RestrictionKind
from unsecret.model.times_in_words import duration_in_words
from unsecret.model.verdict import Reason
from unsecret.rules.identifier_uris import has_unique_tenant_identifier, is_default_uri
from unsecret.rules.redirect_uris import (
    has_blocked_domain,
    has_blocked_scheme,
    has_wildcard,
    lacks_allowed_domain,
    lacks_allowed_scheme,
)

TYPE_NOT_ALLOWED = "CredentialTypeNotAllowedAsPerAppPolicy"
LIFETIME_TOO_LONG = "CredentialInvalidLifetimeAsPerAppPolicy"
AUTHORITY_NOT_TRUSTED = "CertificateAuthorityNotTrustedAsPerAppPolicy"
URI_NOT_DEFAULT = "NonDefaultIdentifierUriNotAllowedAsPerAppPolicy"
URI_WITHOUT_TENANT = "InvalidUniqueTenantIdentifierAsPerAppPolicy"
AUDIENCE_NOT_ALLOWED = "SignInAudienceNotAllowedAsPerAppPolicy"
DOMAIN_NOT_ALLOWED = "RedirectUriDomainNotAllowedAsPerAppPolicy"
SCHEME_NOT_ALLOWED = "RedirectUriSchemeNotAllowedAsPerAppPolicy"
WILDCARD_NOT_ALLOWED = "RedirectUriWildcardNotAllowedAsPerAppPolicy"

_TYPE = "Credential type not allowed as per assigned policy '{policy}'."
_LIFETIME = "Credential lifetime exceeds the max value allowed as per assigned policy '{policy}'."
_AUTHORITY = "Certificate authority not trusted as per assigned policy '{policy}'."
_NOT_DEFAULT = (
    "The newly added URI {added.uri} must comply with the format 'api://{{appId}}' or 'api://{{tenantId}}/{{appId}}' "
    "as per the default app management policy of your organization. If the requestedAccessTokenVersion is set to 2, "
    "this restriction may not apply. See https://aka.ms/identifier-uri-addition-error for more information on this "
    "error."
)
_WITHOUT_TENANT = (
    "Failed to add identifier URI {added.uri}. All newly added URIs must contain a tenant verified domain, tenant ID, "
    "or app ID, as per the default tenant policy of your organization. See "
    "https://aka.ms/identifier-uri-addition-error for more information on this error."
)
_AUDIENCE = (
    "SignInAudience value '{added.value}' not allowed as per assigned policy '{policy}'. Set the application to use "
    "single-tenant audience of 'AzureADMyOrg' or other allowed values."
)
_DOMAIN = "Redirect URI '{added.uri}' has a domain that is not allowed as per assigned policy '{policy}'."
_SCHEME = "Redirect URI '{added.uri}' has a scheme that is not allowed as per assigned policy '{policy}'."
_WILDCARD = "Redirect URI '{added.uri}' has a wildcard that is not allowed as per assigned policy '{policy}'."

_OR_EXEMPT = ", or ask an administrator to exempt this application."
_OR_EXEMPT_FROM = ", or ask an administrator to exempt this application from policy '{policy}'."
"""Where Graph's sentence does not name the policy, the remedy does."""

_NO_SECRET = "Use a certificate or a federated credential" + _OR_EXEMPT
_SHORTER = "Choose an end date at most {longest} after the start date" + _OR_EXEMPT

_OPEN_TO_ORGANISATIONS = frozenset({"AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"})
_OPEN_TO_PERSONS = frozenset({"PersonalMicrosoftAccount", "AzureADandPersonalMicrosoftAccount"})

Looks = Callable[[Addition], bool]
Violates = Callable[[Any, Restriction, Governed], bool]


class Rule(NamedTuple):
    """One restriction kind. `violated` is asked only about additions that `looks_at` holds of.

    `sentence` and `remedy` are format strings over `policy` (its id), `added`, `governed` and `longest` (the entry's
    maximum in words).
    """

    kind: RestrictionKind
    looks_at: Looks
    violated: Violates
    code: str
    sentence: str
    remedy: str
    detail_code: str | None = None
    target: str | None = None


def reason(rule: Rule, added: Addition, entry: Restriction, governed: Governed, policy_id: str) -> Reason:
    """What the refusal of `added` says."""
    facts = {
        "policy": policy_id,
        "added": added,
        "governed": governed,
        "longest": duration_in_words(entry.max_lifetime),
    }
    return Reason(
        rule=rule.kind,
        code=rule.code,
        message=f"{rule.sentence} {rule.remedy}".format_map(facts),
        policy_id=policy_id,
        detail_code=rule.detail_code,
        target=rule.target,
    )


def _is_password(added: Addition) -> bool:
    return isinstance(added, PasswordAdded)


def _is_symmetric_key(added: Addition) -> bool:
    return isinstance(added, KeyAdded) and added.type is KeyType.SYMMETRIC


def _is_certificate(added: Addition) -> bool:
    return isinstance(added, KeyAdded) and added.type is not KeyType.SYMMETRIC


def _is_identifier_uri(added: Addition) -> bool:
    return isinstance(added, IdentifierUriAdded)


def _is_audience(added: Addition) -> bool:
    return isinstance(added, AudienceSet)


def _is_redirect_uri(added: Addition) -> bool:
    return isinstance(added, RedirectUriAdded)


def _always(_added: Addition, _entry: Restriction, _governed: Governed) -> bool:
    return True


def _is_custom(added: PasswordAdded, _entry: Restriction, _governed: Governed) -> bool:
    return added.is_custom


def _outlives(added: PasswordAdded | KeyAdded, entry: Restriction, _governed: Governed) -> bool:
    """Exactly the maximum is allowed: Graph's sentence says *exceeds*. An entry without a maximum sets no limit."""
    return entry.max_lifetime is not None and added.end_at - added.start_at > entry.max_lifetime


def _is_not_trusted(added: KeyAdded, entry: Restriction, _governed: Governed) -> bool:
    trusted = {i.lower() for i in entry.certificate_based_application_configuration_ids}
    return trusted.isdisjoint(i.lower() for i in added.trusted_by)


def _is_not_default(added: IdentifierUriAdded, _entry: Restriction, governed: Governed) -> bool:
    return not is_default_uri(added.uri, governed)


def _names_no_tenant(added: IdentifierUriAdded, _entry: Restriction, governed: Governed) -> bool:
    return not has_unique_tenant_identifier(added.uri, governed)


def _opens_to(audiences: frozenset[str]) -> Violates:
    return lambda added, _entry, _governed: added.value in audiences


def _lifetime(kind: RestrictionKind, looks_at: Looks) -> Rule:
    return Rule(
        kind,
        looks_at,
        _outlives,
        LIFETIME_TOO_LONG,
        _LIFETIME,
        _SHORTER,
        detail_code="InvalidKeyEndDate",
        target="EndDate",
    )


def _audience(kind: RestrictionKind, audiences: frozenset[str]) -> Rule:
    remedy = "To open the application to others, ask an administrator to exempt it."
    return Rule(kind, _is_audience, _opens_to(audiences), AUDIENCE_NOT_ALLOWED, _AUDIENCE, remedy)


def _redirect(kind: RestrictionKind, violated: Violates, code: str, sentence: str, remedy: str) -> Rule:
    return Rule(kind, _is_redirect_uri, violated, code, sentence, remedy + _OR_EXEMPT)


_K = RestrictionKind

RULES: tuple[Rule, ...] = (
    Rule(_K.PASSWORD_ADDITION, _is_password, _always, TYPE_NOT_ALLOWED, _TYPE, _NO_SECRET),
    Rule(
        _K.CUSTOM_PASSWORD_ADDITION,
        _is_password,
        _is_custom,
        TYPE_NOT_ALLOWED,
        _TYPE,
        "Leave the secret's text out, so that the service generates it" + _OR_EXEMPT,
    ),
    Rule(_K.SYMMETRIC_KEY_ADDITION, _is_symmetric_key, _always, TYPE_NOT_ALLOWED, _TYPE, _NO_SECRET),
    Rule(
        _K.TRUSTED_CERTIFICATE_AUTHORITY,
        _is_certificate,
        _is_not_trusted,
        AUTHORITY_NOT_TRUSTED,
        _AUTHORITY,
        "Use a certificate that an authority listed by the policy has issued" + _OR_EXEMPT,
    ),
    _lifetime(_K.PASSWORD_LIFETIME, _is_password),
    _lifetime(_K.SYMMETRIC_KEY_LIFETIME, _is_symmetric_key),
    _lifetime(_K.ASYMMETRIC_KEY_LIFETIME, _is_certificate),
    Rule(
        _K.NON_DEFAULT_URI_ADDITION,
        _is_identifier_uri,
        _is_not_default,
        URI_NOT_DEFAULT,
        _NOT_DEFAULT,
        "For this application use 'api://{governed.app_id}'" + _OR_EXEMPT_FROM,
    ),
    Rule(
        _K.URI_ADDITION_WITHOUT_UNIQUE_TENANT_IDENTIFIER,
        _is_identifier_uri,
        _names_no_tenant,
        URI_WITHOUT_TENANT,
        _WITHOUT_TENANT,
        "For this application use for example 'api://{governed.app_id}'" + _OR_EXEMPT_FROM,
    ),
    _audience(_K.AZURE_AD_MULTIPLE_ORGS, _OPEN_TO_ORGANISATIONS),
    _audience(_K.PERSONAL_MICROSOFT_ACCOUNT, _OPEN_TO_PERSONS),
    _redirect(
        _K.URI_WITH_BLOCKED_DOMAIN, has_blocked_domain, DOMAIN_NOT_ALLOWED, _DOMAIN, "Use a domain that is not blocked"
    ),
    _redirect(
        _K.URI_WITH_BLOCKED_SCHEME, has_blocked_scheme, SCHEME_NOT_ALLOWED, _SCHEME, "Use a scheme that is not blocked"
    ),
    _redirect(
        _K.URI_WITHOUT_ALLOWED_DOMAIN,
        lacks_allowed_domain,
        DOMAIN_NOT_ALLOWED,
        _DOMAIN,
        "Use a domain that the policy allows for {added.platform}",
    ),
    _redirect(
        _K.URI_WITHOUT_ALLOWED_SCHEME,
        lacks_allowed_scheme,
        SCHEME_NOT_ALLOWED,
        _SCHEME,
        "Use a scheme that the policy allows for {added.platform}",
    ),
    _redirect(
        _K.URI_WITH_WILDCARD, has_wildcard, WILDCARD_NOT_ALLOWED, _WILDCARD, "Register each redirect URI in full"
    ),
)
"""One row per RestrictionKind."""
