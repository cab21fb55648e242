"""Patterns of mutes mean the same in Python and in the database."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.snapshots import TAKEN_AT, snapshot_of
from unsecret.model.profile import Mute
from unsecret.operate.applications.inventory import applications
from unsecret.operate.applications.selection import Wanted
from unsecret.operate.audit import Wanted as WantedRecords
from unsecret.operate.checks.muting import Mutes
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.rules.patterns import like, matches, may_be_an_id
from unsecret.wire.audit_records import audit_record_from_graph

TODAY = date(2026, 11, 22)
GUID = "5c1f2a57-0000-4000-8000-1d2c3b4a5f60"
MARIA = {"@odata.type": "#microsoft.graph.user", "id": GUID, "userPrincipalName": "Maria@contoso.example"}
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
    assert [name for name in NAMES if matches(pattern, name)] == expected


def test_every_verb_understands_a_pattern_so(tmp_path: Path) -> None:
    holder = {"id": GUID, "appId": GUID, "displayName": "[Old] Payroll", "owners": [MARIA]}
    with open_snapshot(snapshot_of(tmp_path / "a.snapshot", {"applications": [holder]})) as snapshot:
        found = next(applications(snapshot, now=TAKEN_AT))
    record = audit_record_from_graph(
        {
            **{"id": "1", "activityDateTime": "2026-11-22T12:00:00Z", "result": "success"},
            "activityDisplayName": "Update application – Certificates and secrets management",
            "initiatedBy": {"user": MARIA},
            "targetResources": [{"type": "Application", "id": GUID, "displayName": "[Old] Payroll"}],
        }
    )
    assert record is not None
    for pattern, is_meant in (("[old]*", True), ("[?ld] pay*", True), ("[o]ld*", False), (GUID.upper(), True)):
        assert Wanted(name=pattern).holds(found, now=TAKEN_AT) is is_meant
        assert WantedRecords(since=TAKEN_AT, app=pattern).holds(record) is is_meant
    for pattern, is_meant in (("maria@*", True), ("MARIA@contoso.exampl?", True), ("maria", False)):
        assert Wanted(owner=pattern).holds(found, now=TAKEN_AT) is is_meant
        assert WantedRecords(since=TAKEN_AT, who=pattern).holds(record) is is_meant


def test_no_pattern_takes_long() -> None:
    begun = time.process_time()
    assert not matches("*a" * 20 + "b", "a" * 300)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("pattern", "may_be"), [("*", True), ("0a1b*", True), ("Payroll*", False), ("1234ABCD-????-*", True), ("", True)]
)
def test_ids_are_looked_at_only_where_they_could_match(pattern: str, may_be: bool) -> None:
    assert may_be_an_id(pattern) is may_be
