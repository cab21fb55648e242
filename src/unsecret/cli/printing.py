"""Answers to stdout, talk to stderr. Names come from the tenant: nothing in them may steer the terminal."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import IO, Any

from unsecret.errors import Unavailable, UnsecretError

WATCHED = 78
"""Columns of a line that is written over: a longer one would run on into the next."""

REMARKS = ("note: ", "WARNING: ")

BAR = 20
BETWEEN_LINES = 10.0
"""Seconds between lines of progress in a log."""

_SO_MANY_OF = re.compile(r"\b(\d{1,12}) of (\d{1,12})\b", re.ASCII)

_STEERING = re.compile(r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tabs and the ends of lines, those that turn the direction of writing, and halves of
characters, which cannot be written at all."""


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
    """Talk: a remark for whoever watches. On a screen notes and warnings are folded between words; what else is said
    may be a command."""
    if words.startswith(REMARKS) and sys.stderr.isatty():
        words = _folded(on_one_line(words), hang=words.index(" ") + 1)
    with _open_line.lock:
        _open_line.clear()
        print(harmless(words), file=sys.stderr, flush=True)


def progress(stream: IO[str] | None = None, elapsed: Callable[[], float] = time.monotonic) -> Callable[[str], None]:
    """Tells what is being done, once that has taken more than a second altogether: on a terminal in one line that is
    written over, with a bar where the words say `5 of 20`; elsewhere a line for a log, now and then."""
    out = stream or sys.stderr
    begun, is_watched = elapsed(), out.isatty()
    next_line = begun + 1

    def tell(words: str) -> None:
        nonlocal next_line
        now = elapsed()
        if is_watched and now - begun > 1:
            _open_line.show(_with_bar(harmless(words)), out)
        elif not is_watched and now > next_line:
            next_line = now + BETWEEN_LINES
            print(f"… {harmless(words)}", file=out, flush=True)

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
    """An error and its remedy. What is told in more than a line goes on further to the right, so that a name in the
    one cannot begin the other."""
    say(_hanging(f"error: {about}{error.message}"))
    if error.hint:
        say(_hanging(f"hint: {error.hint}"))


def _hanging(words: str) -> str:
    first, *others = words.splitlines()
    return "\n".join([first, *(one if one.startswith("  ") else f"  {one}" for one in others)])


def answer(words: str = "") -> None:
    """A line of the answer."""
    put_lines(harmless(words), sys.stdout)


def sentence(words: str) -> None:
    """A sentence of the answer: on a screen it is folded between words. What begins with blanks stays as it is."""
    if sys.stdout.isatty() and not words.startswith(" "):
        words = "\n".join(_folded(line) for line in words.split("\n"))
    answer(words)


def lines_of_a_list(lines: Iterable[str]) -> None:
    """Lines of the answer; on a screen each is folded between words, and goes on further to the right."""
    if sys.stdout.isatty():
        import shutil

        lines = [fitted(line, shutil.get_terminal_size().columns) for line in lines]
    answer("\n".join(lines))


_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")


def fitted(line: str, room: int) -> str:
    """A line folded into `room` columns. What follows its first gap stays in its column while there is room for it
    there, and moves to the left where there is none."""
    indent = len(line) - len(line.lstrip())
    gap = _GAP.search(line)
    if gap and room - gap.end() >= WATCHED // 2:
        return _folded(line, hang=gap.end(), room=room)
    if gap and len(line) > room:
        line = f"{line[: gap.start()]}  {line[gap.end() :]}"
    return _folded(line, hang=indent + 6, room=room)


def _folded(line: str, hang: int = 0, room: int | None = None) -> str:
    import shutil
    import textwrap

    return textwrap.fill(
        line,
        room or shutil.get_terminal_size().columns,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def json_text(content: Any) -> str:
    """`content`, JSON already or a struct, as indented JSON."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def as_json(content: Any) -> None:
    """The answer as `json_text`. What a terminal would obey is written as JSON's own escapes, so that the answer still
    says what the tenant said."""
    put_lines(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", json_text(content)), sys.stdout)


def put_lines(words: str, out: IO[str]) -> None:
    """Write lines, on a terminal after the line of progress was taken away. Raises as `room_for_it`."""
    with room_for_it():
        clear_progress()
        print(words, file=out)


@contextmanager
def room_for_it() -> Generator[None]:
    """Raises Unavailable when what is printed cannot be written, a full disk's way of losing an answer. A reader
    who has left is no error, and stays a BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise Unavailable(f"The answer could not be written: {problem.strerror}.") from problem
