"""Answers to stdout, talk to stderr. Names come from the tenant: nothing in them may steer the terminal."""

from __future__ import annotations

import re
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from unsecret.errors import Unavailable, UnsecretError

WATCHED = 78
"""Columns of a line that is written over: a longer one would run on into the next."""

BAR = 20
_SO_MANY_OF = re.compile(r"\b(\d{1,12}) of (\d{1,12})\b", re.ASCII)

_STEERING = re.compile(r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tabs and the ends of lines, and those that turn the direction of writing."""


def harmless(words: str) -> str:
    """`words` with everything that a terminal would obey replaced."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", words)


def on_one_line(words: str) -> str:
    """`words` without what ends a line: where each line says something of its own, a name must not begin another."""
    return " ".join(words.splitlines())


class _OpenLine:
    """The line of a terminal on which progress is shown, and which the next words take away. Threads may share it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.stream: IO[str] | None = None

    def show(self, words: str, stream: IO[str]) -> None:
        with self.lock:
            stream.write(f"\r\x1b[2K{words}")
            stream.flush()
            self.stream = stream

    def clear(self) -> None:
        with self.lock:
            stream, self.stream = self.stream, None
            if stream is not None:
                stream.write("\r\x1b[2K")
                stream.flush()


_open_line = _OpenLine()


def clear_progress() -> None:
    """Take the line of progress away, before anything else is written."""
    _open_line.clear()


def say(words: str = "") -> None:
    """Talk: a remark for whoever watches."""
    with _open_line.lock:
        _open_line.clear()
        print(harmless(words), file=sys.stderr, flush=True)


def progress(stream: IO[str] | None = None, elapsed: Callable[[], float] = time.monotonic) -> Callable[[str], None]:
    """Tells what is being done, once that has taken more than a second altogether: on a terminal in one line that is
    written over, with a bar where the words say `5 of 20`; elsewhere line by line, for a log."""
    out = stream or sys.stderr
    begun, is_watched = elapsed(), out.isatty()

    def tell(words: str) -> None:
        if elapsed() - begun <= 1:
            return
        if is_watched:
            _open_line.show(_with_bar(harmless(words)), out)
        else:
            say(f"… {words}")

    return tell


def _with_bar(words: str) -> str:
    """As much as surely fits on a line."""
    found = _SO_MANY_OF.search(words)
    done, total = (int(found[1]), int(found[2])) if found else (0, 0)
    if not total:
        return f"… {words}"[:WATCHED]
    filled = min(BAR, BAR * done // total)
    return f"{'━' * filled}{'╌' * (BAR - filled)} {words}"[:WATCHED]


def say_error(error: UnsecretError, *, about: str = "") -> None:
    """An error and its remedy, a line each."""
    say(f"error: {about}{error.message}")
    if error.hint:
        say(f"hint: {error.hint}")


def answer(words: str = "") -> None:
    """A line of the answer."""
    _put(harmless(words), sys.stdout)


def as_json(content: Any) -> None:
    """The answer as indented JSON. `content` is JSON already, or a struct.

    What a terminal would obey is written as JSON's own escapes, so that the answer still says what the tenant said.
    """
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
    _put(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text), sys.stdout)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", file: IO[str] | None = None
) -> None:
    """Rows under column heads, to stdout unless `file` says otherwise. On a screen they are folded to its width."""
    out = file or sys.stdout
    cells = [[harmless(cell) for cell in row] for row in rows]
    head = f"\n{harmless(title)}\n" if title else ""
    lines = _folded(columns, cells, out) if out.isatty() else _aligned(columns, cells)
    _put(head + "\n".join(line.rstrip() for line in lines), out)


def _folded(columns: Sequence[str], rows: Sequence[Sequence[str]], out: IO[str]) -> list[str]:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    console = Console(file=out, highlight=False)
    with _room_for_it(), console.capture() as drawn:  # rich writes first what others left to be written
        console.print(grid)
    return drawn.get().splitlines()


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """For a file or a pipe: nothing is folded, and what folds is not loaded. A cell of several lines takes as many."""
    split = [[cell.splitlines() or [""] for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in _turned(columns, split)]
    yield _joined(columns, widths)
    yield "─" * (sum(widths) + 3 * (len(widths) - 1))
    for row in split:
        height = max((len(cell) for cell in row), default=1)
        for line in range(height):
            yield _joined([cell[line] if line < len(cell) else "" for cell in row], widths)


def _turned(columns: Sequence[str], split: Sequence[Sequence[list[str]]]) -> Iterator[list[str]]:
    for index, column in enumerate(columns):
        yield [column, *(line for row in split for line in row[index])]


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "   ".join(cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))


def _width(words: str) -> int:
    """Columns on a screen: East Asian wide characters take two, combining ones none (Unicode Annex 11)."""
    if words.isascii():
        return len(words)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in words
    )


def _put(words: str, out: IO[str]) -> None:
    with _room_for_it():
        clear_progress()
        print(words, file=out)


@contextmanager
def _room_for_it() -> Generator[None]:
    """Raises Unavailable when what is printed cannot be written, a full disk's way of losing an answer. A reader
    who has left is no error, and stays a BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise Unavailable(f"The answer could not be written: {problem.strerror}.") from problem
