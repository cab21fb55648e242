"""The term of an exemption survives where it is kept."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from unsecret.errors import Invalid
from unsecret.wire.terms import LONGEST_REASON, Term, require_reason, term_in, with_term, without_term

KINDS = some.lists(some.sampled_from(["passwordAddition", "symmetricKeyAddition", "passwordLifetime"]), unique=True)
REASONS = some.text(
    some.characters(blacklist_characters="[]", blacklist_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1
).filter(lambda text: bool(text.rstrip(".")))
TERMS = some.builds(
    Term,
    until=some.dates(min_value=date(1000, 1, 1)),
    reason=REASONS.map(lambda text: text[:LONGEST_REASON].rstrip(".") or "x"),
    lifted=KINDS.filter(bool).map(tuple),
    enabled_before=KINDS.map(tuple),
)
DESCRIPTIONS = some.none() | some.text(some.characters(blacklist_characters="[]")).map(str.strip)


@given(DESCRIPTIONS, TERMS)
def test_a_term_is_read_as_it_was_written_and_leaves_no_trace(description: str | None, term: Term) -> None:
    written = with_term(description, term)
    assert term_in(written) == term
    assert without_term(written) == (description or "").strip()


@given(DESCRIPTIONS, TERMS, TERMS)
def test_a_new_term_takes_the_place_of_the_old(description: str | None, old: Term, new: Term) -> None:
    assert term_in(with_term(with_term(description, old), new)) == new


@pytest.mark.parametrize(
    "description",
    [
        None,
        "",
        "Exempt until 2027-01-31",
        "[Exempt until 2027-99-99: why. Lifted: passwordAddition.]",
        "[Exempt until 2027-01-31: why.]",
    ],
)
def test_what_is_no_term_is_none(description: str | None) -> None:
    assert term_in(description) is None


@pytest.mark.parametrize("reason", ["", "  ", ".", "a [b]", "x" * (LONGEST_REASON + 1)])
def test_a_reason_that_cannot_be_kept_is_refused(reason: str) -> None:
    with pytest.raises(Invalid):
        require_reason(reason, longest=LONGEST_REASON)


def test_a_reason_is_kept_on_one_line() -> None:
    assert require_reason(" vendor\n migrates  in May. ", longest=LONGEST_REASON) == "vendor migrates in May"
