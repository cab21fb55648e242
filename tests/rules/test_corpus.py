"""The corpus through `decide`, and the corpus itself: that nothing in it is asserted by nobody."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.corpus_cases import CORPUS, CUSTOM_ID, DECIDE, DEFAULT_ID, HTTP, Case, load_cases, question
from unsecret.model.verdict import Reason
from unsecret.rules.decide import decide
from unsecret.rules.restrictions import RULES

EVERY_CASE = load_cases()
EXAMPLES = range(1, 69)
NO_DECISION = {"assignPolicy"}
"""Operations that the tenant refuses by itself, without asking the law."""

POLICY_OF: dict[str | None, str] = {DEFAULT_ID: "default", CUSTOM_ID: "custom"}


@pytest.mark.promise
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in load_cases(DECIDE).items()])
def test_the_law_decides_as_the_corpus_says(case: Case) -> None:
    verdict = decide(*question(case), now=case.now)

    assert verdict.allowed == (case.expected.verdict == "allow")
    assert [_as_expected(reason) for reason in verdict.reasons] == [
        (expected.code, expected.policy, expected.restriction) for expected in case.expected.reasons
    ]


def _as_expected(reason: Reason) -> tuple[str, str, str]:
    return reason.code, POLICY_OF[reason.policy_id], reason.rule


def test_every_file_of_the_corpus_holds_cases_with_names_of_their_own() -> None:
    names = Counter(name for name in EVERY_CASE)
    files = {name.partition(":")[0] for name in EVERY_CASE}

    assert files == {path.stem for path in CORPUS.glob("*.json")}
    assert sum(path.read_text().count('"operation": ') for path in CORPUS.glob("*.json")) == sum(names.values())


def test_every_case_is_asserted_by_a_runner_and_says_why_when_by_one_only() -> None:
    for name, case in EVERY_CASE.items():
        assert case.runners, name
        assert (case.because is None) == (set(case.runners) == {DECIDE, HTTP}), name
        assert (case.operation.name in NO_DECISION) == (DECIDE not in case.runners), name


def test_every_example_of_the_table_of_decisions_is_in_the_corpus() -> None:
    numbers = {case.example for case in EVERY_CASE.values()} - {None}

    assert numbers == set(EXAMPLES)
    assert sum(case.example is None for case in EVERY_CASE.values()) >= 60


def test_a_refusal_has_reasons_and_an_allowance_has_none() -> None:
    for name, case in EVERY_CASE.items():
        assert bool(case.expected.reasons) == (case.expected.verdict == "deny"), name


def test_every_restriction_is_seen_to_refuse_and_to_allow() -> None:
    refused = {reason.restriction for case in EVERY_CASE.values() for reason in case.expected.reasons}
    allowed = {
        rule.kind
        for case in EVERY_CASE.values()
        if case.expected.verdict == "allow" and case.default_policy
        for rule in RULES
        if f"'{rule.kind}'" in repr(case.default_policy)
    }
    kinds = {rule.kind for rule in RULES}

    assert kinds <= refused
    assert kinds <= allowed


def test_a_case_needs_beta_exactly_when_it_says_so() -> None:
    """A case without the flag is readable by v1.0; one with it holds something that v1.0 does not know."""
    beta_members = ("audiences", "redirectUris", "trustedCertificateAuthority")
    for name, case in EVERY_CASE.items():
        written = repr((case.default_policy, case.custom_policy))
        assert case.beta == any(member in written for member in beta_members), name
