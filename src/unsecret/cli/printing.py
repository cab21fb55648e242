"""Answers to stdout, talk to stderr. Names come from the tenant: nothing in them may steer the terminal."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unsecret.errors import UnsecretError

WIDE = 100_000
"""Columns when nobody looks at a screen: text is never broken for a file or a pipe."""

_STEERING = re.compile(r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tabs and the ends of lines, and those that turn the direction of writing."""


def harmless(words: str) -> str:
    """`words` with everything that a terminal would obey replaced."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", words)


def say(words: str = "") -> None:
    """Talk: a remark for whoever watches."""
    print(harmless(words), file=sys.stderr, flush=True)


def progress() -> Callable[[str], None]:
    """Tells what is being done, once that has taken more than a second altogether."""
    begun = time.monotonic()

    def tell(words: str) -> None:
        if time.monotonic() - begun > 1:
            say(f"… {words}")

    return tell


def say_error(error: UnsecretError, *, about: str = "") -> None:
    """An error and its remedy, a line each."""
    say(f"error: {about}{error.message}")
    if error.hint:
        say(f"hint: {error.hint}")


def answer(words: str = "") -> None:
    """A line of the answer."""
    print(harmless(words))


def as_json(content: Any) -> None:
    """The answer as indented JSON. `content` is JSON already, or a struct.

    What a terminal would obey is written as JSON's own escapes, so that the answer still says what the tenant said.
    """
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
    print(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", file: IO[str] | None = None
) -> None:
    """Rows under column heads, to stdout unless `file` says otherwise."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    out = file or sys.stdout
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(harmless(cell)) for cell in row))
    console = Console(file=out, width=None if out.isatty() else WIDE, highlight=False)
    with console.capture() as drawn:
        console.print(grid)
    if title:
        print(f"\n{harmless(title)}", file=out)
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()), file=out)
