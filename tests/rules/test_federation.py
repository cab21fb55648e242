"""Which tokens satisfy which federated credential, and what an expression may say."""

from __future__ import annotations

import time
from typing import Any

import pytest

from unsecret.model.federation import ClaimsMatchingExpression, FederatedIdentityCredential
from unsecret.rules.federation import Mismatch, conditions_of, expressible, find_credential, matches

GITHUB = "https://token.actions.githubusercontent.com"
MAIN = "repo:contoso/payroll:ref:refs/heads/main"
AUDIENCE = "api://AzureADTokenExchange"


def credential(subject: str | None = MAIN, *, issuer: str = GITHUB, expression: str | None = None, **fields: Any):
    given: dict[str, Any] = {"id": "1", "name": "one", "audiences": (AUDIENCE,), **fields}
    flexible = ClaimsMatchingExpression(value=expression) if expression else None
    return FederatedIdentityCredential(
        issuer=issuer, subject=None if flexible else subject, claims_matching_expression=flexible, **given
    )


def claims(**changed: Any) -> dict[str, Any]:
    return {"iss": GITHUB, "sub": MAIN, "aud": AUDIENCE} | changed


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["other", AUDIENCE]])
def test_issuer_subject_and_audience_that_are_equal_satisfy(audience: Any) -> None:
    assert find_credential([credential()], claims(aud=audience)) == credential()


@pytest.mark.parametrize(
    ("changed", "mismatch"),
    [
        ({"iss": GITHUB + "/"}, Mismatch.ISSUER),
        ({"iss": GITHUB.upper()}, Mismatch.ISSUER),
        ({"iss": None}, Mismatch.ISSUER),
        ({"iss": [GITHUB]}, Mismatch.ISSUER),
        ({"sub": "repo:contoso/payroll:pull_request"}, Mismatch.SUBJECT),
        ({"sub": MAIN.upper()}, Mismatch.SUBJECT_CASE),
        ({"sub": f"{MAIN} "}, Mismatch.SUBJECT),
        ({"sub": None}, Mismatch.SUBJECT),
        ({"sub": [MAIN]}, Mismatch.SUBJECT),
        ({"aud": AUDIENCE.lower()}, Mismatch.AUDIENCE),
        ({"aud": []}, Mismatch.AUDIENCE),
        ({"aud": {AUDIENCE: 1}}, Mismatch.AUDIENCE),
        ({"aud": [[AUDIENCE]]}, Mismatch.AUDIENCE),
        ({"iss": "https://other.example", "sub": "x", "aud": "x"}, Mismatch.ISSUER),
    ],
)
def test_the_first_difference_is_named(changed: dict[str, Any], mismatch: Mismatch) -> None:
    assert find_credential([credential()], claims(**changed)) is mismatch


def test_an_application_that_trusts_nobody_knows_no_issuer() -> None:
    assert find_credential([], claims()) is Mismatch.ISSUER


def test_issuer_subject_and_audience_must_be_of_the_same_credential() -> None:
    others = [credential("other"), credential(issuer="https://gitlab.com")]
    assert find_credential(others, claims()) is Mismatch.SUBJECT
    wrong_audience = credential(audiences=("other",))
    assert find_credential([wrong_audience, credential("other")], claims()) is Mismatch.AUDIENCE
    assert find_credential([wrong_audience, credential(id="2", audiences=(AUDIENCE,))], claims()) == credential(id="2")


def test_a_credential_without_a_subject_or_an_expression_is_satisfied_by_nobody() -> None:
    assert find_credential([credential(None)], claims(sub=None)) is Mismatch.SUBJECT


@pytest.mark.parametrize(
    ("expression", "changed", "satisfied"),
    [
        ("claims['sub'] matches 'repo:contoso/*'", {}, True),
        ("claims['sub'] matches 'repo:contoso/payroll:ref:refs/heads/????'", {}, True),
        ("claims['sub'] matches 'repo:contoso/payroll:ref:refs/heads/?????'", {}, False),
        ("claims['sub'] matches 'repo:Contoso/*'", {}, False),
        ("claims['sub'] matches 'contoso/*'", {}, False),
        (f"claims['sub'] eq '{MAIN}'", {}, True),
        ("claims['sub'] eq 'repo:contoso/*'", {}, False),
        (f"claims['sub'] eq '{MAIN}' and claims['job_workflow_ref'] matches 'a/*'", {"job_workflow_ref": "a/b"}, True),
        (f"claims['sub'] eq '{MAIN}' and claims['job_workflow_ref'] matches 'a/*'", {"job_workflow_ref": "b/b"}, False),
        (f"claims['sub'] eq '{MAIN}' and claims['job_workflow_ref'] matches '*'", {}, False),
        ("claims['sub'] matches '*'", {"sub": ["x"]}, False),
        ("claims['sub'] or '*'", {}, False),
    ],
)
def test_an_expression_is_satisfied_when_all_its_conditions_are(
    expression: str, changed: dict[str, Any], satisfied: bool
) -> None:
    flexible = credential(expression=expression)
    expected = flexible if satisfied else Mismatch.EXPRESSION
    assert find_credential([flexible], claims(**changed)) == expected


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("", "", True),
        ("", "*", True),
        ("", "?", False),
        ("a", "", False),
        ("abc", "abc", True),
        ("abc", "a?c", True),
        ("abc", "a*", True),
        ("abc", "*c", True),
        ("abc", "*b*", True),
        ("abc", "a*d", False),
        ("aXbXc", "a*Xc", True),
        ("aab", "*ab", True),
        ("abab", "*ab?", False),
        ("a*c", "a?c", True),
        ("a.c", "a.c", True),
        ("abc", "a.c", False),
        ("a\nb", "a*b", True),
        ("abc", "***", True),
    ],
)
def test_wildcards(text: str, pattern: str, expected: bool) -> None:
    assert matches(text, pattern) is expected


def test_no_pattern_keeps_everybody_waiting() -> None:
    began = time.perf_counter()
    assert not matches("a" * 2000, "*a" * 200 + "b")
    began = time.perf_counter()
    assert not matches("a" * 4096, "*" + "a" * 400 + "?" + "a" * 400 + "b")
    assert not matches("a" * 100_000, "*" + "a" * 1000 + "b")
    assert time.perf_counter() - began < 1.0
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "claims['sub']",
        "claims['sub'] matches",
        "claims['sub']  matches 'x'",
        "claims[\"sub\"] matches 'x'",
        "claims['sub'] matches x",
        "claims['sub'] matches ''",
        "claims['sub'] matches 'it''s'",
        "claims['sub'] like 'x'",
        "claims['sub'] eq 'x' or claims['sub'] eq 'y'",
        "claims['sub'] eq 'x' and",
        "claims['sub'] eq 'x' and ",
        "claims['sub'] eq 'x'  and claims['sub'] eq 'y'",
        " claims['sub'] eq 'x'",
        "claims['sub'] eq 'x' ",
        "not claims['sub'] eq 'x'",
        "(claims['sub'] eq 'x')",
        "claims['s.b'] eq 'x'",
    ],
)
def test_what_cannot_be_parsed_is_nothing(expression: str) -> None:
    assert conditions_of(expression) is None
    assert not expressible(GITHUB, expression).allowed


@pytest.mark.parametrize(
    ("issuer", "expression", "allowed"),
    [
        (GITHUB, "claims['sub'] eq 'x'", True),
        (GITHUB, "claims['job_workflow_ref'] matches 'x*'", True),
        (GITHUB, "claims['repository_id'] eq '1' and claims['sub'] matches '*'", True),
        (GITHUB, "claims['repository_id'] matches '1*'", False),
        (GITHUB, "claims['sub'] eq 'x' and claims['actor'] eq 'me'", False),
        (GITHUB + "/", "claims['sub'] eq 'x'", False),
        ("https://gitlab.com", "claims['sub'] matches 'project_path:*'", True),
        ("https://gitlab.com", "claims['job_workflow_ref'] eq 'x'", False),
        ("https://app.terraform.io", "claims['sub'] matches 'organization:*'", True),
        ("https://issuer.example", "claims['sub'] eq 'x'", False),
    ],
)
def test_an_issuer_can_be_asked_for_its_own_claims(issuer: str, expression: str, allowed: bool) -> None:
    assert expressible(issuer, expression).allowed is allowed
