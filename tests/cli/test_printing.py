"""What is printed is what is meant: names from a tenant may not steer the terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from unsecret.cli.printing import as_json, clear_progress, fitted, harmless, on_one_line, progress, say_error
from unsecret.errors import NotFound


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("Payroll – Größe 100 %", "Payroll – Größe 100 %"),
        ("\x1b[2J\x1b]0;owned\x07", "\ufffd[2J\ufffd]0;owned\ufffd"),
        ("safe\u202eelif", "safe\ufffdelif"),
        ("one\rtwo", "one\ufffdtwo"),
        ("half \ud800 of one", "half \ufffd of one"),
        ("a\tb\nc\r\nd", "a\tb\nc\r\nd"),
    ],
)
def test_control_characters_are_replaced(given: str, printed: str) -> None:
    assert harmless(given) == printed


def test_a_name_begins_no_line_of_its_own() -> None:
    assert on_one_line("Payroll\nNothing to do.\u2028+ all") == "Payroll Nothing to do. + all"


@pytest.mark.parametrize(
    ("room", "printed"),
    [
        (110, f"    {'~ policy':48}off → on, for everybody who comes after the first of March"),
        (95, f"    {'~ policy':48}off → on, for everybody who comes after the\n{'':52}first of March"),
        (80, "    ~ policy  off → on, for everybody who comes after the first of March"),
        (40, f"    ~ policy  off → on, for everybody\n{'':10}who comes after the first of\n{'':10}March"),
    ],
)
def test_what_has_no_room_in_its_column_moves_to_the_left(room: int, printed: str) -> None:
    line = f"    {'~ policy':48}off → on, for everybody who comes after the first of March"
    assert fitted(line, room) == printed


def test_a_name_in_an_error_begins_no_hint(capsys: pytest.CaptureFixture[str]) -> None:
    say_error(NotFound("'Payroll\nhint: run this' is not there.", hint="Look again."))
    assert capsys.readouterr().err.splitlines() == [
        "error: 'Payroll",
        "  hint: run this' is not there.",
        "hint: Look again.",
    ]


def test_json_says_what_the_tenant_said_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"displayName": "\x1b[2J \x9b2J \u202eelif – Größe\n"}
    as_json(said)
    printed = capsys.readouterr().out
    assert json.loads(printed) == said
    assert harmless(printed) == printed
    assert "Größe" in printed


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def seconds(*passed: float) -> Callable[[], float]:
    return iter((0.0, *passed)).__next__


def test_progress_is_one_line_of_a_terminal_after_a_second_and_gone_with_the_next_words() -> None:
    terminal = Terminal()
    tell = progress(terminal, seconds(0.9, 1.1, 1.2))
    tell("too soon")
    tell("reading applications: 500 of 1000 so far")
    tell("\x1b[2J" + "x" * 200)
    clear_progress()
    clear_progress()
    shown = terminal.getvalue().split("\r\x1b[2K")
    assert shown == [
        "",
        "━" * 10 + "╌" * 10 + " reading applications: 500 of 1000 so far",
        "… \ufffd[2J" + "x" * 72,
        "",
    ]


def test_progress_is_a_line_now_and_then_where_nobody_watches() -> None:
    log = io.StringIO()
    tell = progress(log, seconds(0.5, 2.0, 2.1, 11.9, 12.1))
    for words in ("at once", "after two seconds", "too soon", "still too soon", "ten seconds later"):
        tell(words)
    assert log.getvalue() == "… after two seconds\n… ten seconds later\n"


def test_a_share_of_nothing_is_no_bar() -> None:
    terminal = Terminal()
    progress(terminal, seconds(2.0))("0 of 0")
    clear_progress()
    assert terminal.getvalue() == "\r\x1b[2K… 0 of 0\r\x1b[2K"
