"""What may be created on an application now, and what an error means: the law's own words, and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from unsecret.model.application import KeyType, ObjectKind
from unsecret.model.change import Addition, AudienceSet, Governed, IdentifierUriAdded, KeyAdded, PasswordAdded
from unsecret.model.policy import AppManagementPolicy, RestrictionKind, TenantDefault
from unsecret.model.times_in_words import duration_in_words
from unsecret.operate.applications.governed import ANYBODY, restrictions_on
from unsecret.rules import restrictions as law
from unsecret.rules.decide import decide

_MOMENT = timedelta(minutes=1)
"""A lifetime that no policy finds too long."""


class May(Struct, frozen=True, kw_only=True):
    """Whether one thing may be created. `limit` is the longest lifetime in words, None without one; `reasons` are the
    law's own against it."""

    what: str
    allowed: bool
    limit: str | None = None
    reasons: tuple[str, ...] = ()


_LIFETIMES = {
    "password": RestrictionKind.PASSWORD_LIFETIME,
    "certificate": RestrictionKind.ASYMMETRIC_KEY_LIFETIME,
    "symmetric": RestrictionKind.SYMMETRIC_KEY_LIFETIME,
}


def may_create(
    default: TenantDefault, custom: AppManagementPolicy | None, governed: Governed, *, now: datetime
) -> tuple[May, ...]:
    """What may be created on this object now, by somebody whom no exemption names."""
    limits = {
        one.kind: duration_in_words(one.max_lifetime)
        for one in restrictions_on(default, custom, governed)
        if one.why_not is None and one.max_lifetime is not None
    }
    return tuple(
        May(
            what=what,
            allowed=verdict.allowed,
            limit=limits.get(_LIFETIMES[lifetime]) if lifetime and verdict.allowed else None,
            reasons=tuple(reason.message for reason in verdict.reasons),
        )
        for what, lifetime, addition in _questions(governed, now)
        for verdict in (decide(default, custom, governed, (addition,), ANYBODY, now=now),)
    )


def _questions(governed: Governed, now: datetime) -> Iterator[tuple[str, str | None, Addition]]:
    until = now + _MOMENT
    yield "a client secret", "password", PasswordAdded(start_at=now, end_at=until)
    yield (
        "a secret whose text you choose",
        "password",
        PasswordAdded(start_at=now, end_at=until, is_custom=True),
    )
    yield "a certificate", "certificate", KeyAdded(type=KeyType.CERTIFICATE, start_at=now, end_at=until)
    yield "a symmetric key", "symmetric", KeyAdded(type=KeyType.SYMMETRIC, start_at=now, end_at=until)
    if governed.kind is ObjectKind.APPLICATION:
        yield "an identifier URI such as api://a-name", None, IdentifierUriAdded("api://a-name")
        yield "sign-in for other organisations", None, AudienceSet("AzureADMultipleOrgs")
        yield "sign-in for personal accounts", None, AudienceSet("PersonalMicrosoftAccount")


class Meaning(Struct, frozen=True, kw_only=True):
    """What an error says. `policy_id` is the policy that it names; None when it names none."""

    code: str
    meaning: str
    remedies: tuple[str, ...]
    policy_id: str | None = None


_FEDERATE = "A federated credential, which no policy restricts: `az ad app federated-credential create`."
_CERTIFY = "A certificate: `az ad app credential reset --id APP --append --create-cert`."
_WHAT_BINDS = "See what binds the application: `unsecret explain APP`."

_POLICY_CODES: dict[str, tuple[str, tuple[str, ...]]] = {
    law.TYPE_NOT_ALLOWED: (
        "A policy forbids credentials of this kind on this application. Those that exist go on working.",
        (_CERTIFY, _FEDERATE, _WHAT_BINDS),
    ),
    law.LIFETIME_TOO_LONG: (
        "A policy limits how long a new credential may live, and this one would live longer.",
        (
            "The same with an earlier end: `az ad app credential reset --id APP --append --end-date DATE`.",
            _FEDERATE,
            "See the longest lifetime that is allowed: `unsecret explain APP`.",
        ),
    ),
    law.AUTHORITY_NOT_TRUSTED: (
        "A policy wants certificates to be issued by authorities that it lists, and this one was not.",
        ("A certificate of a listed authority.", _FEDERATE, _WHAT_BINDS),
    ),
    law.URI_NOT_DEFAULT: (
        "A policy wants new identifier URIs to be api://{appId} or api://{tenantId}/{appId}.",
        ("Use api://{appId}.", "Take v2 tokens (requestedAccessTokenVersion 2), which some policies exempt."),
    ),
    law.URI_WITHOUT_TENANT: (
        "A policy wants new identifier URIs to hold a verified domain, the tenant's id or the appId.",
        ("Use api://{appId}, or a URI with a verified domain.",),
    ),
    law.AUDIENCE_NOT_ALLOWED: (
        "A policy forbids opening applications to other organisations or to personal accounts.",
        ("Keep signInAudience at AzureADMyOrg.", _WHAT_BINDS),
    ),
    law.DOMAIN_NOT_ALLOWED: ("A policy restricts the domains of redirect URIs.", (_WHAT_BINDS,)),
    law.SCHEME_NOT_ALLOWED: ("A policy restricts the schemes of redirect URIs.", (_WHAT_BINDS,)),
    law.WILDCARD_NOT_ALLOWED: (
        "A policy forbids wildcards in redirect URIs.",
        ("Register each redirect URI in full.",),
    ),
}

_SENTENCES = (
    ("Credential type not allowed as per assigned policy", law.TYPE_NOT_ALLOWED),
    ("Client secrets are blocked by a tenant-wide policy", law.TYPE_NOT_ALLOWED),
    ("Credential lifetime exceeds the max value allowed", law.LIFETIME_TOO_LONG),
    ("must comply with the format 'api://{appId}'", law.URI_NOT_DEFAULT),
    ("must contain a tenant verified domain", law.URI_WITHOUT_TENANT),
    ("SignInAudience value", law.AUDIENCE_NOT_ALLOWED),
)
"""Clients that show only the message still show these."""

_SIGN_IN_CODES: dict[str, tuple[str, tuple[str, ...]]] = {
    "7000215": (
        "The secret is not one of the application's: a wrong value, or its id in place of its value. No policy does "
        "this; policies never stop an existing secret from working.",
        ("Look which secrets there are: `unsecret apps show APP`.",),
    ),
    "7000222": (
        "The secret has expired. Where new secrets are blocked it cannot be replaced by another.",
        (_FEDERATE, _CERTIFY, "See what may be created now: `unsecret explain APP`."),
    ),
    "700027": (
        "The certificate that signed the assertion is not registered at the application, or has expired.",
        ("Look which certificates there are: `unsecret apps show APP`.",),
    ),
    "700016": ("The application is not in this tenant.", ("Look whether it is: `unsecret apps show APP`.",)),
    "7000112": ("The application is disabled.", ("An administrator can enable its service principal.",)),
    "700211": ("No federated credential of the application has this issuer.", (_FEDERATE,)),
    "700212": ("No federated credential of the application has this audience.", (_FEDERATE,)),
    "700213": ("No federated credential of the application has this subject.", (_FEDERATE,)),
    "70021": ("No federated credential of the application matches the token.", (_FEDERATE,)),
    "7000218": ("The request proved the application with nothing.", ("Send a client assertion.",)),
}
"""https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes"""

_AADSTS = re.compile(r"AADSTS(\d{5,7})")
_POLICY_ID = re.compile(r"policy '([0-9a-fA-F-]{36})'")
LONGEST_ERROR = 1024 * 1024
"""Characters of an error that are read."""


def explain_error(text: str) -> tuple[Meaning, ...]:
    """What the errors in `text` mean, each once: Graph's JSON, what a client printed, or a log. None that is known
    gives nothing."""
    text = text[:LONGEST_ERROR]
    named = _POLICY_ID.search(text)
    policy_id = named[1].lower() if named else None
    found = [code for code in _POLICY_CODES if code in text]
    found += [code for sentence, code in _SENTENCES if sentence in text and code not in found]
    meanings = [
        Meaning(code=code, meaning=_POLICY_CODES[code][0], remedies=_POLICY_CODES[code][1], policy_id=policy_id)
        for code in dict.fromkeys(found)
    ]
    for number in dict.fromkeys(_AADSTS.findall(text)):
        if number in _SIGN_IN_CODES:
            meaning, remedies = _SIGN_IN_CODES[number]
            meanings.append(Meaning(code=f"AADSTS{number}", meaning=meaning, remedies=remedies))
    return tuple(meanings)
