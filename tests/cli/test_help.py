"""Help is complete, can be copied from, and fits a screen of 80 columns."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator

import pytest
from cyclopts import App

from unsecret.cli.app import build_app, run

ROOM = 78
"""Columns of a screen that an example may take: what is longer is folded, and cannot be copied any more."""


def verbs(app: App, *above: str) -> Iterator[tuple[str, App]]:
    for name in app:
        if name.startswith("-"):
            continue
        below = list(verbs(app[name], *above, name))
        yield from below or [(" ".join((*above, name)), app[name])]


VERBS = dict(verbs(build_app()))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples_that_a_screen_does_not_fold(verb: str) -> None:
    _words, _found, below = inspect.cleandoc(VERBS[verb].help or "").partition("**Examples**\n\n")
    lines = textwrap.dedent(below.partition("\n\n")[0]).splitlines()
    assert any(line.startswith(f"unsecret {verb}") for line in lines)
    assert [line for line in lines if len(line) > ROOM] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_described(verb: str) -> None:
    for argument in VERBS[verb].assemble_argument_collection(parse_docstring=True):
        words = argument.parameter.help or ""
        assert words[:1].isupper(), argument.name
        assert words.endswith((".", "…")), argument.name


def test_options_before_the_command_are_sent_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("--data", "somewhere", "status")) == 1
    said = capsys.readouterr().err
    assert "--data is no command, and options come after the command: unsecret status --data …" in said


def test_a_duration_may_be_given_in_days(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("forecast", "--fail-within", "30")) == 1
    assert "Cannot read '30'; expected a duration such as 30d, P30D or PT12H." in capsys.readouterr().err
    for long in ("900000d", "P900000D"):
        assert run(("audit", "--last", long)) == 1
        assert f"'{long}' is longer than 36500 days." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("status", "-o", "none"), "'none' is not one of table, json."),
        (("check", "--output", "null"), "'null' is not one of table, json, csv, md, html, junit, sarif."),
        (("apps", "list", "--risk", "none"), "'none' is not one of high, medium, low."),
        (("forecast", "--use", "NONE"), "'NONE' is not one of used, unused, unknown."),
    ],
)
def test_none_is_no_choice(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    assert run(words) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert error.endswith(said)
    verb = " ".join(words[:-2])
    assert hint == f"hint: unsecret {verb} --help"


def test_who_names_a_file_for_an_error_is_told_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("explain", "--error", "pipeline.log")) == 1
    assert "A file with the text is named @FILE." in capsys.readouterr().err
