"""What a refusal says: Graph's code and sentence, the policy that decided, and the remedy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.rules.worlds import APP_ID, CUSTOM_ID, DEFAULT_ID, NOW, OBJECTS
from unsecret.model.application import KeyType
from unsecret.model.change import (
    Actor,
    Addition,
    AudienceSet,
    IdentifierUriAdded,
    KeyAdded,
    PasswordAdded,
    RedirectUriAdded,
)
from unsecret.model.policy import (
    ALL_PLATFORMS,
    LIFETIME_KINDS,
    AppManagementPolicy,
    RedirectUriLists,
    Restriction,
    RestrictionKind,
    TenantDefault,
)
from unsecret.model.verdict import Reason
from unsecret.rules.decide import decide
from unsecret.rules.restrictions import RULES, Rule

K = RestrictionKind
OF_AN_APPLICATION = OBJECTS[0]

SECRET = PasswordAdded(start_at=NOW, end_at=NOW + timedelta(days=365), is_custom=True)
CERTIFICATE = KeyAdded(type=KeyType.CERTIFICATE, start_at=NOW, end_at=NOW + timedelta(days=365))
SYMMETRIC_KEY = KeyAdded(type=KeyType.SYMMETRIC, start_at=NOW, end_at=NOW + timedelta(days=365))
BITLY = RedirectUriAdded("web", "http://bit.ly/*")

TYPE = f"Credential type not allowed as per assigned policy '{DEFAULT_ID}'. "
LIFETIME = f"Credential lifetime exceeds the max value allowed as per assigned policy '{DEFAULT_ID}'. "
SEE_MORE = "See https://aka.ms/identifier-uri-addition-error for more information on this error. "
DOMAIN = f"Redirect URI 'http://bit.ly/*' has a domain that is not allowed as per assigned policy '{DEFAULT_ID}'. "
SCHEME = f"Redirect URI 'http://bit.ly/*' has a scheme that is not allowed as per assigned policy '{DEFAULT_ID}'. "
EXEMPT = ", or ask an administrator to exempt this application."
EXEMPT_FROM = f", or ask an administrator to exempt this application from policy '{DEFAULT_ID}'."
NINETY_DAYS = timedelta(days=90)


def _reason(kind: RestrictionKind, added: Addition) -> Reason:
    lists = {K.URI_WITH_BLOCKED_DOMAIN: ("bit.ly",), K.URI_WITH_BLOCKED_SCHEME: ("http",)}
    entry = Restriction(
        kind=kind, max_lifetime=NINETY_DAYS, redirect_uris=RedirectUriLists(listed={ALL_PLATFORMS: lists.get(kind, ())})
    )
    default = TenantDefault(id=DEFAULT_ID, is_enabled=True, application_restrictions=(entry,))
    (reason,) = decide(default, None, OF_AN_APPLICATION, [added], Actor(), now=NOW).reasons
    return reason


@pytest.mark.parametrize(
    ("kind", "added", "code", "message"),
    [
        (
            K.PASSWORD_ADDITION,
            SECRET,
            "CredentialTypeNotAllowedAsPerAppPolicy",
            TYPE + "Use a certificate or a federated credential" + EXEMPT,
        ),
        (
            K.CUSTOM_PASSWORD_ADDITION,
            SECRET,
            "CredentialTypeNotAllowedAsPerAppPolicy",
            TYPE + "Leave the secret's text out, so that the service generates it" + EXEMPT,
        ),
        (
            K.SYMMETRIC_KEY_ADDITION,
            SYMMETRIC_KEY,
            "CredentialTypeNotAllowedAsPerAppPolicy",
            TYPE + "Use a certificate or a federated credential" + EXEMPT,
        ),
        (
            K.TRUSTED_CERTIFICATE_AUTHORITY,
            CERTIFICATE,
            "CertificateAuthorityNotTrustedAsPerAppPolicy",
            f"Certificate authority not trusted as per assigned policy '{DEFAULT_ID}'. "
            "Use a certificate that an authority listed by the policy has issued" + EXEMPT,
        ),
        *(
            (
                kind,
                added,
                "CredentialInvalidLifetimeAsPerAppPolicy",
                LIFETIME + "Choose an end date at most 90 days after the start date" + EXEMPT,
            )
            for kind, added in (
                (K.PASSWORD_LIFETIME, SECRET),
                (K.SYMMETRIC_KEY_LIFETIME, SYMMETRIC_KEY),
                (K.ASYMMETRIC_KEY_LIFETIME, CERTIFICATE),
            )
        ),
        (
            K.NON_DEFAULT_URI_ADDITION,
            IdentifierUriAdded("api://productapi"),
            "NonDefaultIdentifierUriNotAllowedAsPerAppPolicy",
            "The newly added URI api://productapi must comply with the format 'api://{appId}' or "
            "'api://{tenantId}/{appId}' as per the default app management policy of your organization. If the "
            "requestedAccessTokenVersion is set to 2, this restriction may not apply. "
            + SEE_MORE
            + f"For this application use 'api://{APP_ID}'"
            + EXEMPT_FROM,
        ),
        (
            K.URI_ADDITION_WITHOUT_UNIQUE_TENANT_IDENTIFIER,
            IdentifierUriAdded("api://productapi"),
            "InvalidUniqueTenantIdentifierAsPerAppPolicy",
            "Failed to add identifier URI api://productapi. All newly added URIs must contain a tenant verified "
            "domain, tenant ID, or app ID, as per the default tenant policy of your organization. "
            + SEE_MORE
            + f"For this application use for example 'api://{APP_ID}'"
            + EXEMPT_FROM,
        ),
        *(
            (
                kind,
                AudienceSet("AzureADandPersonalMicrosoftAccount"),
                "SignInAudienceNotAllowedAsPerAppPolicy",
                "SignInAudience value 'AzureADandPersonalMicrosoftAccount' not allowed as per assigned policy "
                f"'{DEFAULT_ID}'. Set the application to use single-tenant audience of 'AzureADMyOrg' or other allowed "
                "values. To open the application to others, ask an administrator to exempt it.",
            )
            for kind in (K.AZURE_AD_MULTIPLE_ORGS, K.PERSONAL_MICROSOFT_ACCOUNT)
        ),
        (
            K.URI_WITH_BLOCKED_DOMAIN,
            BITLY,
            "RedirectUriDomainNotAllowedAsPerAppPolicy",
            DOMAIN + "Use a domain that is not blocked" + EXEMPT,
        ),
        (
            K.URI_WITHOUT_ALLOWED_DOMAIN,
            BITLY,
            "RedirectUriDomainNotAllowedAsPerAppPolicy",
            DOMAIN + "Use a domain that the policy allows for web" + EXEMPT,
        ),
        (
            K.URI_WITH_BLOCKED_SCHEME,
            BITLY,
            "RedirectUriSchemeNotAllowedAsPerAppPolicy",
            SCHEME + "Use a scheme that is not blocked" + EXEMPT,
        ),
        (
            K.URI_WITHOUT_ALLOWED_SCHEME,
            BITLY,
            "RedirectUriSchemeNotAllowedAsPerAppPolicy",
            SCHEME + "Use a scheme that the policy allows for web" + EXEMPT,
        ),
        (
            K.URI_WITH_WILDCARD,
            BITLY,
            "RedirectUriWildcardNotAllowedAsPerAppPolicy",
            "Redirect URI 'http://bit.ly/*' has a wildcard that is not allowed as per assigned policy "
            f"'{DEFAULT_ID}'. Register each redirect URI in full" + EXEMPT,
        ),
    ],
)
def test_a_refusal_begins_with_graphs_sentence_and_ends_with_the_remedy(
    kind: RestrictionKind, added: Addition, code: str, message: str
) -> None:
    reason = _reason(kind, added)

    assert (reason.rule, reason.code, reason.message, reason.policy_id) == (kind, code, message, DEFAULT_ID)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_every_message_names_the_policy(rule: Rule) -> None:
    assert "{policy}" in rule.sentence + rule.remedy


def test_there_is_one_rule_for_each_restriction() -> None:
    assert sorted(rule.kind for rule in RULES) == sorted(RestrictionKind)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_only_lifetimes_carry_the_detail_of_an_invalid_end_date(rule: Rule) -> None:
    is_lifetime = rule.kind in LIFETIME_KINDS

    assert (rule.detail_code, rule.target) == (("InvalidKeyEndDate", "EndDate") if is_lifetime else (None, None))


def test_a_refusal_names_the_policy_whose_entry_decided() -> None:
    default = TenantDefault(
        id=DEFAULT_ID,
        is_enabled=True,
        application_restrictions=(Restriction(kind=K.PASSWORD_LIFETIME, max_lifetime=timedelta(days=180)),),
    )
    stricter = AppManagementPolicy(
        id=CUSTOM_ID,
        display_name="Custom",
        is_enabled=True,
        restrictions=(Restriction(kind=K.PASSWORD_LIFETIME, max_lifetime=timedelta(days=30)),),
    )
    (reason,) = decide(default, stricter, OF_AN_APPLICATION, [SECRET], Actor(), now=NOW).reasons

    assert reason.policy_id == CUSTOM_ID
    assert f"'{CUSTOM_ID}'" in reason.message
    assert "at most 30 days" in reason.message


def test_a_uri_with_braces_is_repeated_as_it_is() -> None:
    """Messages are made from templates; what a caller sends must not be read as one."""
    reason = _reason(K.NON_DEFAULT_URI_ADDITION, IdentifierUriAdded("api://{policy}{added.__class__}"))

    assert reason.message.startswith("The newly added URI api://{policy}{added.__class__} must")


def test_a_lifetime_without_a_maximum_refuses_nothing() -> None:
    """No tenant stores such an entry, but a snapshot of another one may hold it."""
    entry = Restriction(kind=K.PASSWORD_LIFETIME)
    default = TenantDefault(id=DEFAULT_ID, is_enabled=True, application_restrictions=(entry,))

    assert decide(default, None, OF_AN_APPLICATION, [SECRET], Actor(), now=NOW).allowed


def test_authorities_are_compared_without_regard_to_case() -> None:
    trusted = "E0000000-0000-4000-8000-00000000000A"
    entry = Restriction(
        kind=K.TRUSTED_CERTIFICATE_AUTHORITY, certificate_based_application_configuration_ids=(trusted,)
    )
    default = TenantDefault(id=DEFAULT_ID, is_enabled=True, application_restrictions=(entry,))
    issued = KeyAdded(
        type=KeyType.CERTIFICATE,
        start_at=NOW,
        end_at=NOW + timedelta(days=1),
        trusted_by=frozenset({trusted.lower(), "another"}),
    )

    assert decide(default, None, OF_AN_APPLICATION, [issued], Actor(), now=NOW).allowed
    assert not decide(default, None, OF_AN_APPLICATION, [CERTIFICATE], Actor(), now=NOW).allowed
