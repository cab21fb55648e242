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
    TENANT_DEFAULT,
    USE,
    counted,
    entry_in_words,
    first_of,
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
    assert entry_in_words("applications: passwordAddition") == "applications: passwordAddition (new secrets)"
    assert entry_in_words("applications: aNewKind") == "applications: aNewKind"
    assert entry_in_words("policy") == "policy"


def test_what_is_not_known_for_one_reason_is_told_once() -> None:
    said = ("users: it was not read", "owners: refused: no: way", "keys: it was not read", "whether it is used")
    assert list(unknowns(said)) == [
        "Not known – users, keys: it was not read",
        "Not known – owners: refused: no: way",
        "Not known – whether it is used",
    ]


@pytest.mark.parametrize(
    ("names", "said"), [("", ""), ("Maria", "Maria"), ("Maria, Adele", "Maria and 1 more"), ("A, B, C", "A and 2 more")]
)
def test_of_many_names_the_first_is_told(names: str, said: str) -> None:
    assert first_of(names) == said


def test_a_custom_policy_is_told_by_its_name_and_the_tenant_default_without_one() -> None:
    assert policy_in_words(TENANT_DEFAULT) == "the tenant default"
    assert policy_in_words("Partners") == "'Partners'"
