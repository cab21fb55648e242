"""Tables, drawn as `layout` says on a screen, and with everything on its line elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING

from unsecret.cli.layout import GAP, Layout, layout, width
from unsecret.cli.printing import harmless, put_lines, room_for_it

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table

NOTHING = ("", "–")
"""Cells that say nothing."""


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    spare: Sequence[str] = (),
    head: int = 1,
    file: IO[str] | None = None,
    room: int | None = None,
) -> tuple[str, ...]:
    """Rows under column heads, to stdout unless `file` says otherwise. Gives the columns that were left out. `room` is
    how wide the screen is, as far as it does not tell.

    On a screen that is too narrow cells are folded between words, the columns in `spare` give way, the first of them
    first, and where that is not enough each row becomes a paragraph, headed by its first `head` cells. Elsewhere
    everything stands on its line.
    """
    out = file or sys.stdout
    cells = [[harmless(cell) for cell in row] for row in rows]
    above = f"\n{harmless(title)}\n" if title else ""
    left_out: tuple[str, ...] = ()
    if out.isatty():
        from rich.console import Console

        lines, left_out = _on_a_screen(columns, cells, spare, head, Console(file=out, width=room, highlight=False))
    else:
        lines = _aligned(columns, cells)
    put_lines(above + "\n".join(line.rstrip() for line in lines), out)
    return left_out


def _on_a_screen(
    columns: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str], head: int, console: Console
) -> tuple[list[str], tuple[str, ...]]:
    found = layout(columns, rows, console.width, spare)
    with room_for_it(), console.capture() as drawn:  # rich writes first what others left to be written
        if found.widths is None:
            for row in rows:
                console.print(_paragraph(columns, row, head))
        else:
            console.print(_grid(columns, rows, found))
    return drawn.get().rstrip("\n").splitlines(), found.left_out


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]], found: Layout) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, wide in zip(found.shown, found.widths or (), strict=True):
        grid.add_column(columns[index], width=wide, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(row[index]) for index in found.shown))
    return grid


def _paragraph(columns: Sequence[str], row: Sequence[str], head: int) -> Group:
    """A row as lines: what it is about, and under it each column that says something."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(width=max(map(width, columns[head:]), default=1) + 2, no_wrap=True)
    lines.add_column(overflow="fold")
    for column, cell in list(zip(columns, row, strict=True))[head:]:
        if cell not in NOTHING:
            lines.add_row(Text(f"  {column}"), Text(cell))
    about = "  ".join(cell for cell in row[:head] if cell not in NOTHING)
    return Group(Text(about, style="bold", overflow="fold"), lines, Text())


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """For a file or a pipe: nothing is folded, and what folds is not loaded. A cell of several lines takes as many."""
    split = [[cell.splitlines() or [""] for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in _turned(columns, split)]
    yield _joined(columns, widths)
    yield "─" * (sum(widths) + GAP * (len(widths) - 1))
    for row in split:
        height = max((len(cell) for cell in row), default=1)
        for line in range(height):
            yield _joined([cell[line] if line < len(cell) else "" for cell in row], widths)


def _turned(columns: Sequence[str], split: Sequence[Sequence[list[str]]]) -> Iterator[list[str]]:
    for index, column in enumerate(columns):
        yield [column, *(line for row in split for line in row[index])]


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    gap = " " * GAP
    return gap.join(cell + " " * (wide - width(cell)) for cell, wide in zip(cells, widths, strict=True))
