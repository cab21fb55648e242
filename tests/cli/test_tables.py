"""Tables on a screen: whole words, columns that give way in an order, and paragraphs where nothing else helps."""

from __future__ import annotations

import io
import re

import pytest

from unsecret.cli.layout import GAP, layout, width
from unsecret.cli.tables import table

ID = "d60eff9d-3bf4-4bc0-b423-25c3bc54ef3b"
COLUMNS = ("APPLICATION", "WHY", "OWNERS", "APP ID")
ROWS = [("Payroll Export", "can sign in with a secret that lives for two years", "maria@contoso.onmicrosoft.com", ID)]
WHOLE = sum(map(width, ROWS[0])) + 3 * GAP


@pytest.mark.parametrize(
    ("room", "left_out"),
    [
        (WHOLE, ()),
        (WHOLE - 1, ()),
        (14 + 12 + 29 + 36 + 3 * GAP, ()),
        (80, ("APP ID",)),
        (14 + 12 + GAP, ("APP ID", "OWNERS")),
    ],
)
def test_columns_give_way_one_after_the_other(room: int, left_out: tuple[str, ...]) -> None:
    found = layout(COLUMNS, ROWS, room, ("APP ID", "OWNERS"))
    assert found.left_out == left_out
    assert found.widths
    assert sum(found.widths) + GAP * (len(found.widths) - 1) <= room


def test_an_id_is_never_torn_apart() -> None:
    assert layout(("NAME", "KEY ID"), [("x" * 60, ID)], 36 + GAP + 30).widths == (30, 36)
    assert layout(("NAME", "KEY ID"), [("x" * 60, ID)], 36 + GAP + 29).widths is None


@pytest.mark.parametrize("words", ["many words " * 60, "seven words that fold once or twice\n" * 4])
def test_what_would_be_taller_than_it_is_readable_stands_one_under_the_other(words: str) -> None:
    rows = [("Payroll Export", words, "x" * 25)]
    assert layout(("APPLICATION", "WHY", "OWNER"), rows, 60).widths is None


def test_one_tall_row_does_not_change_the_others() -> None:
    rows = [("Payroll Export", "many words " * 20), *[("Website", "few words")] * 9]
    assert layout(("APPLICATION", "WHY"), rows, 60).widths == (14, 43)


def test_a_table_that_fits_has_the_widths_of_its_cells() -> None:
    assert layout(("A", "B"), [("名前", "é"), ("x", "two\nlines")], 80).widths == (4, 5)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue()).splitlines()]


def test_a_screen_says_what_it_had_no_room_for() -> None:
    screen = Screen()
    assert table(COLUMNS, ROWS, spare=("APP ID",), file=screen, room=80) == ("APP ID",)
    head, _line, first, *_others = screen.lines()
    assert head.split() == ["APPLICATION", "WHY", "OWNERS"]
    assert first.startswith("Payroll Export   can sign in with a secret")


def test_a_narrow_screen_has_a_paragraph_for_each_row_without_what_says_nothing() -> None:
    screen = Screen()
    rows = [*ROWS, ("Website", "[bold]no markup[/bold]", "–", ID)]
    assert table(COLUMNS, rows, file=screen, room=40) == ()
    assert screen.lines() == [
        "Payroll Export",
        "  WHY     can sign in with a secret that",
        "          lives for two years",
        "  OWNERS  maria@contoso.onmicrosoft.com",
        "  APP ID  d60eff9d-3bf4-4bc0-b423-25c3bc",
        "          54ef3b",
        "",
        "Website",
        "  WHY     [bold]no markup[/bold]",
        "  APP ID  d60eff9d-3bf4-4bc0-b423-25c3bc",
        "          54ef3b",
    ]


def test_elsewhere_everything_stands_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(COLUMNS, ROWS, spare=("APP ID",)) == ()
    assert capsys.readouterr().out.splitlines()[2] == "   ".join(ROWS[0])


def test_a_table_keeps_long_names_and_brackets_when_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    name = "[bold]x[/bold]" + "y" * 300
    table(("NAME",), [(name,)], title="[title]")
    assert capsys.readouterr().out.splitlines()[1:] == ["[title]", "NAME", "─" * len(name), name]
