"""The same thing has one name, and the page of words lists it."""

from __future__ import annotations

from pathlib import Path

import pytest

from unsecret.cli.words import (
    CREDENTIALS,
    FACES,
    ORIGINS,
    PURPOSES,
    STATES,
    USE,
    counted,
    entry_in_words,
    owners_in_words,
    policy_in_words,
    unknowns,
)
from unsecret.model.policy import RestrictionKind
from unsecret.rules.restriction_words import RESTRICTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "words.md").read_text("utf-8")


@pytest.mark.parametrize("kind", RestrictionKind)
def test_every_restriction_has_words_and_they_are_explained(kind: RestrictionKind) -> None:
    assert f"\n| {RESTRICTIONS[kind]} | `{kind}` |" in PAGE


@pytest.mark.parametrize(
    ("name", "said"),
    [pair for words in (USE, CREDENTIALS, FACES, ORIGINS, PURPOSES, STATES) for pair in words.items()],
)
def test_every_other_word_stands_on_the_page_beside_its_name_in_json(name: str, said: str) -> None:
    assert any(f"`{name}`" in line and said in line for line in PAGE.splitlines())


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("application",), "0 applications"),
        (1, ("application",), "1 application"),
        (2, ("application",), "2 applications"),
        (1, ("has", "have"), "1 has"),
        (0, ("has", "have"), "0 have"),
    ],
)
def test_one_is_not_many(number: int, words: tuple[str, ...], said: str) -> None:
    assert counted(number, *words) == said


def test_an_entry_is_called_as_graph_calls_it_with_the_words_beside() -> None:
    assert (
        entry_in_words("applications: passwordAddition", "passwordAddition")
        == "applications: passwordAddition (new secrets)"
    )
    assert entry_in_words("applications: aNewKind", "aNewKind") == "applications: aNewKind"
    assert entry_in_words("policy", None) == "policy"


def test_what_is_not_known_for_one_reason_is_told_once() -> None:
    said = ("users: it was not read", "owners: refused: no: way", "keys: it was not read", "whether it is used")
    assert list(unknowns(said)) == [
        "Not known – users, keys: it was not read",
        "Not known – owners: refused: no: way",
        "Not known – whether it is used",
    ]


@pytest.mark.parametrize(
    ("owners", "whole", "briefly"),
    [
        (None, "not known", "not known"),
        ((), "nobody", "nobody"),
        (("Maier, Maria",), "Maier, Maria", "Maier, Maria"),
        (("Maier, Maria", "Adele"), "Maier, Maria, Adele", "Maier, Maria and 1 more"),
        (("A", "B", "C"), "A, B, C", "A and 2 more"),
    ],
)
def test_of_many_owners_the_first_is_told_on_a_screen(owners: tuple[str, ...] | None, whole: str, briefly: str) -> None:
    assert (owners_in_words(owners), owners_in_words(owners, briefly=True)) == (whole, briefly)


def test_a_custom_policy_is_told_by_its_name_and_the_tenant_default_without_one() -> None:
    assert policy_in_words("tenant default", is_custom=False) == "the tenant default"
    assert policy_in_words("Partners", is_custom=True) == "'Partners'"
    assert policy_in_words("tenant default", is_custom=True) == "'tenant default'"
