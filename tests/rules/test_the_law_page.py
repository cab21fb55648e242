"""docs/concepts/the-law.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.corpus_cases import CORPUS, load_cases
from unsecret.rules.restrictions import RULES, Rule

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/concepts/the-law.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_the_page_has_the_code_of_each_restriction(rule: Rule) -> None:
    (row,) = (row for row in ROWS if row.startswith(f"| `{rule.kind}` "))

    assert f"| `{rule.code}`" in row


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_the_page_has_the_words_of_each_code(rule: Rule) -> None:
    placeholders = {"{policy}": "*id*", "{added.uri}": "*uri*", "{added.value}": "*value*", "{{": "{", "}}": "}"}
    words = re.sub("|".join(map(re.escape, placeholders)), lambda match: placeholders[match[0]], rule.sentence)

    assert f"| `{rule.code}` | {words} |" in ROWS


def test_the_page_lists_the_restrictions_in_the_order_of_their_reasons() -> None:
    listed = [match[1] for row in ROWS if (match := re.match(r"\| `([a-z]\w+)` \| a new ", row))]

    assert listed == [rule.kind for rule in RULES]


def test_every_rule_that_the_corpus_names_is_on_the_page() -> None:
    explained = {match[1] for row in ROWS if (match := re.match(r"\| ([RW]\d+[ab]?) \|", row))}
    named = {letter for case in load_cases().values() for letter in case.rule}

    assert named == explained


def test_the_corpus_page_explains_every_operation_and_member() -> None:
    readme = (CORPUS / "README.md").read_text()
    case = next(iter(load_cases().values()))
    operations = {case.operation.name for case in load_cases().values()}

    for word in (*operations, *case.__struct_fields__):
        assert f"`{word}`" in readme, word
