"""Does this token satisfy that federated credential? And what a flexible credential may ask of a token's claims.

https://learn.microsoft.com/en-us/graph/api/resources/federatedidentitycredential
https://learn.microsoft.com/en-us/entra/workload-id/workload-identities-flexible-federated-identity-credentials

A flexible credential (beta) has an expression in the place of the subject: `claims['sub'] matches 'repo:contoso/*'`,
with `eq`, `matches` (`*` any text, `?` one character) and `and`. The three parts are a single space apart. There is no
`or`, and nothing in a comparand is escaped. Everything is compared with its case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum, auto
from typing import Any

from msgspec import Struct

from unsecret.model.federation import FederatedIdentityCredential
from unsecret.model.verdict import ALLOWED, Reason, Verdict

INVALID_VALUE = "InvalidFederatedIdentityCredentialValue"
"""Graph's code for a credential whose values it does not take."""

LONGEST_CLAIM = 4096
"""Characters of a claim that are held against an expression."""

_EQ, _MATCHES = "eq", "matches"
_BOTH = frozenset({_EQ, _MATCHES})

_GITHUB = "https://token.actions.githubusercontent.com"
CLAIMS_OF_ISSUERS: Mapping[str, Mapping[str, frozenset[str]]] = {
    _GITHUB: {
        "sub": _BOTH,
        "job_workflow_ref": _BOTH,
        "repository_id": frozenset({_EQ}),
        "repository_owner_id": frozenset({_EQ}),
    },
    "https://gitlab.com": {"sub": _BOTH},
    "https://app.terraform.io": {"sub": _BOTH},
}
"""Issuer → claim → the operators that it takes, from the tabs of the page; the two ids of GitHub are not on it, and
people report that they are taken. No other issuer can have a flexible credential."""

_CONDITION = re.compile(r"claims\['(?P<claim>[A-Za-z0-9_]{1,120})'\] (?P<operator>eq|matches) '(?P<comparand>[^']+)'")
_AND = " and "


class Condition(Struct, frozen=True):
    """One comparison of an expression."""

    claim: str
    operator: str
    comparand: str


class Mismatch(StrEnum):
    """The first thing about a token that no credential of the application agrees with."""

    ISSUER = auto()
    SUBJECT = auto()
    SUBJECT_CASE = auto()
    EXPRESSION = auto()
    AUDIENCE = auto()


def conditions_of(expression: str) -> tuple[Condition, ...] | None:
    """The comparisons that must all hold; None for what cannot be parsed."""
    conditions: list[Condition] = []
    position = 0
    while found := _CONDITION.match(expression, position):
        conditions.append(Condition(found["claim"], found["operator"], found["comparand"]))
        if found.end() == len(expression):
            return tuple(conditions)
        if not expression.startswith(_AND, found.end()):
            return None
        position = found.end() + len(_AND)
    return None


def expressible(issuer: str, expression: str) -> Verdict:
    """Whether a flexible credential for `issuer` may have `expression`."""
    conditions = conditions_of(expression)
    if conditions is None:
        return _refused(
            "The claimsMatchingExpression cannot be parsed. Write claims['name'] eq 'text' or claims['name'] matches "
            "'text with * and ?', with one space between the parts, and join several with ' and '."
        )
    claims = CLAIMS_OF_ISSUERS.get(issuer)
    if claims is None:
        known = ", ".join(CLAIMS_OF_ISSUERS)
        return _refused(f"claimsMatchingExpression is not supported for the issuer '{issuer}'. Supported: {known}.")
    for condition in conditions:
        operators = claims.get(condition.claim, frozenset())
        if condition.operator not in operators:
            allowed = ", ".join(f"{claim} ({', '.join(sorted(words))})" for claim, words in claims.items())
            return _refused(
                f"The claimsMatchingExpression lacks required claims or contains claims that are not allowed: "
                f"'{condition.claim} {condition.operator}'. Of the issuer '{issuer}' these can be asked: {allowed}."
            )
    return ALLOWED


def find_credential(
    credentials: Sequence[FederatedIdentityCredential], claims: Mapping[str, Any]
) -> FederatedIdentityCredential | Mismatch:
    """The credential that the claims of a token satisfy; otherwise what the nearest of them differs in.

    Issuer, subject and audience are compared as texts, in that order. Nothing of the token is proven by it.
    """
    of_issuer = [one for one in credentials if one.issuer == claims.get("iss")]
    if not of_issuer:
        return Mismatch.ISSUER
    of_subject = [one for one in of_issuer if _is_of_subject(one, claims)]
    if not of_subject:
        return _missed_subject(of_issuer, claims.get("sub"))
    audiences = _texts(claims.get("aud"))
    return next((one for one in of_subject if not audiences.isdisjoint(one.audiences)), Mismatch.AUDIENCE)


def _is_of_subject(credential: FederatedIdentityCredential, claims: Mapping[str, Any]) -> bool:
    if credential.claims_matching_expression is None:
        return credential.subject is not None and credential.subject == claims.get("sub")
    conditions = conditions_of(credential.claims_matching_expression.value)
    return bool(conditions) and all(_holds(condition, claims) for condition in conditions or ())


def _missed_subject(credentials: Sequence[FederatedIdentityCredential], subject: object) -> Mismatch:
    if isinstance(subject, str) and any(
        one.subject is not None and one.subject.casefold() == subject.casefold() for one in credentials
    ):
        return Mismatch.SUBJECT_CASE
    flexible = any(one.claims_matching_expression is not None for one in credentials)
    return Mismatch.EXPRESSION if flexible else Mismatch.SUBJECT


def _holds(condition: Condition, claims: Mapping[str, Any]) -> bool:
    value = claims.get(condition.claim)
    if not isinstance(value, str):
        return False
    if condition.operator == _EQ:
        return value == condition.comparand
    return matches(value, condition.comparand)


def matches(text: str, pattern: str) -> bool:
    """Whether the whole of `text` is what `pattern` describes: `*` any text, `?` any one character.

    Between two `*` the first place that fits is as good as any other, so each part is looked for once and nothing is
    tried twice. A text that is longer than any claim is nothing: whoever wrote it has proven nothing yet.
    """
    if len(text) > LONGEST_CLAIM:
        return False
    first, *parts = (_part(part) for part in pattern.split("*"))
    if not parts:
        return first.fullmatch(text) is not None
    begun = first.match(text)
    if begun is None:
        return False
    position, last = begun.end(), len(text) - len(pattern.rpartition("*")[2])
    if last < position or parts[-1].match(text, last) is None:
        return False
    for part in parts[:-1]:
        found = part.search(text, position, last)
        if found is None:
            return False
        position = found.end()
    return True


def _part(text: str) -> re.Pattern[str]:
    """What stands between two `*`: as long as what it matches."""
    return re.compile("".join("." if character == "?" else re.escape(character) for character in text), re.DOTALL)


def _texts(value: object) -> frozenset[str]:
    """`aud` is one text or a list of them."""
    return frozenset(one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))


def _refused(message: str) -> Verdict:
    reason = Reason(
        rule="claimsMatchingExpression", code=INVALID_VALUE, message=message, target="claimsMatchingExpression"
    )
    return Verdict((reason,))
