"""The story that the product is told by, run as it stands in its guide."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.guides import blocks_of, come_true


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where the story was run, and what it printed."""
    folder = tmp_path_factory.mktemp("story")
    return folder, come_true((text for _kind, text in blocks_of("from-secrets-to-none.md")), folder)


def test_the_story_comes_true_and_is_consistent(told: tuple[Path, str]) -> None:
    folder, printed = told
    assert "Directory.ReadWrite.All: can change groups, people and applications" in printed
    assert "Newsletter Mailer" in (folder / "expiring.csv").read_text()
    page = (folder / "forecast.html").read_text()
    assert "<svg" in page
    assert "<script" not in page


def test_what_was_forecast_happens(told: tuple[Path, str]) -> None:
    _folder, printed = told
    assert '[\n  "expired"\n]\n[\n  false\n]' in printed


def test_the_exemption_is_gone_after_its_last_day(told: tuple[Path, str]) -> None:
    _folder, printed = told
    assert "; 1 has ended and not been withdrawn" in printed
    assert "delete the custom policy 'unsecret exemption: Payroll Export" in printed


def test_the_story_does_not_lock_the_portal(told: tuple[Path, str]) -> None:
    folder, _printed = told
    found = json.loads((folder / "nightly.json").read_text())["findings"]
    assert "UNSECRET.2" not in {one["requirement"] for one in found}


def test_findings_are_there_for_people_and_for_machines(told: tuple[Path, str]) -> None:
    folder, _printed = told
    assert "unsecret block" in (folder / "findings.txt").read_text()
    assert json.loads((folder / "findings.sarif").read_text())["version"] == "2.1.0"
