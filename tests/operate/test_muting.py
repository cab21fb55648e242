"""Patterns of mutes mean the same in Python and in the database."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from unsecret.model.profile import Mute
from unsecret.operate.checks.muting import Mutes, like, may_be_an_id

TODAY = date(2026, 11, 22)
NAMES = [
    "Payroll",
    "payroll",
    "Payroll_1",
    "PayrollX1",
    "50% off",
    "50 off",
    "a\\b",
    "a/b",
    "[a]",
    "a",
    "a\nb",
    "Ärger",
    "",
]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("payroll", ["Payroll", "payroll"]),
        ("Payroll?1", ["Payroll_1", "PayrollX1"]),
        ("PAYROLL_1", ["Payroll_1"]),
        ("50% off", ["50% off"]),
        ("a\\b", ["a\\b"]),
        ("[a]", ["[a]"]),
        ("a*b", ["a\\b", "a/b", "a\nb"]),
        ("?rger", ["Ärger"]),
        ("*", NAMES),
        (".*", []),
    ],
)
def test_a_pattern_means_the_same_in_both(pattern: str, expected: list[str]) -> None:
    mutes = Mutes([Mute(subject=pattern, reason="known", until=TODAY)], TODAY)
    question = "SELECT lower(?) LIKE ? ESCAPE '\\'"

    with duckdb.connect() as database:
        by_database = [
            name for name in NAMES if (database.execute(question, [name, like(pattern)]).fetchone() or [0])[0]
        ]

    assert [name for name in NAMES if mutes.is_muted("X.1", "disabled", [name])] == expected
    assert by_database == expected


@pytest.mark.parametrize(
    ("pattern", "may_be"), [("*", True), ("0a1b*", True), ("Payroll*", False), ("1234ABCD-????-*", True), ("", True)]
)
def test_ids_are_looked_at_only_where_they_could_match(pattern: str, may_be: bool) -> None:
    assert may_be_an_id(pattern) is may_be
