"""What is printed is what is meant: names from a tenant may not steer the terminal."""

from __future__ import annotations

import json

import pytest

from unsecret.cli.printing import as_json, harmless, table


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("Payroll – Größe 100 %", "Payroll – Größe 100 %"),
        ("\x1b[2J\x1b]0;owned\x07", "\ufffd[2J\ufffd]0;owned\ufffd"),
        ("safe\u202eelif", "safe\ufffdelif"),
        ("one\rtwo", "one\ufffdtwo"),
        ("a\tb\nc\r\nd", "a\tb\nc\r\nd"),
    ],
)
def test_control_characters_are_replaced(given: str, printed: str) -> None:
    assert harmless(given) == printed


def test_json_says_what_the_tenant_said_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"displayName": "\x1b[2J \x9b2J \u202eelif – Größe\n"}
    as_json(said)
    printed = capsys.readouterr().out
    assert json.loads(printed) == said
    assert harmless(printed) == printed
    assert "Größe" in printed


def test_a_table_keeps_long_names_and_brackets_when_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    name = "[bold]x[/bold]" + "y" * 300
    table(("NAME",), [(name,)], title="[title]")
    assert capsys.readouterr().out.splitlines()[1:] == ["[title]", "NAME", "─" * len(name), name]
