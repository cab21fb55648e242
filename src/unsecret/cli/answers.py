"""An answer in whichever form was asked for: a table, JSON, CSV, Markdown, or a page that stands by itself.

A verb says what it found once, as JSON and as sheets; what becomes of that is here. Names come from the tenant: nothing
in them may steer a terminal, begin a formula in a spreadsheet, or be markup.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from unsecret.cli.printing import answer, as_json, harmless, json_text, on_one_line, say, sentence
from unsecret.cli.tables import NOTHING, table
from unsecret.errors import Invalid

Cell = str | int | float | bool | None

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, the wide forms of East Asia among it
(https://owasp.org/www-community/attacks/CSV_Injection)."""

_FORMULA_INSIDE = re.compile(rf"(?<=[;\t\r\n])(?=\"*[{''.join(map(re.escape, FORMULA))}])")
"""Where another cell would begin with one: to a spreadsheet of a country that writes 0,5 a semicolon ends a cell."""

_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b", re.ASCII)
_JOINT = re.compile(r"(?<=[@./:=])(?=\w)")
LONG_WORD = 20
"""Letters of a word above which a browser may fold it where its parts meet."""

COMMANDS = ("MEND WITH",)
"""Columns of commands, to be copied."""

ALARMING = {
    "RISK": ("high",),
    "SEVERITY": ("critical", "high"),
    "OUTCOME": ("not met",),
    "RESULT": ("failure",),
    "ALLOWED": ("no",),
    "STATE": ("ended",),
}
"""Column → what its cells begin with when they are bad."""

PAGES = "unsecret.cli", "pages"
"""The package, and the folder in it, of the templates of pages."""


class Sheet(NamedTuple):
    """Rows under column heads. `empty` is said in place of no rows.

    `brief` are the same rows as a screen shows them, where those are shorter. Where that is still too wide the columns
    in `spare` give way, the first of them first, and at last each row becomes a paragraph, headed by its first `head`
    cells. Every other form has everything.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    empty: str = "None."
    spare: tuple[str, ...] = ()
    brief: Sequence[Sequence[Cell]] | None = None
    head: int = 1


class Answer(NamedTuple):
    """What a verb found. `content` is its JSON (anything that msgspec encodes); the first of `sheets` is its CSV.

    `facts` stand above the sheets and `notes` below, a sentence each. `page` names the template of its page, which gets
    the answer as `answer` and `drawing` beside it; the general one shows facts, sheets and notes.
    """

    title: str
    content: Any
    sheets: tuple[Sheet, ...]
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    page: str = "report.html"
    drawing: Any = None


def put(found: Answer, *, output: str, query: str | None = None, file: Path | None = None) -> None:
    """Print `found` as `output` (`table`, `json`, `csv`, `md`, `html`), or write it to `file` instead.

    `query` is a JMESPath expression over the JSON, and gives JSON. Raises Invalid when it cannot be understood,
    Unavailable when the answer cannot be written.
    """
    if query is not None or output == "json":
        content = found.content if query is None else queried(found.content, query)
        if query is not None and content is None:
            say("note: --query finds nothing; -o json shows what there is.")
        _deliver(lambda: as_json(content), lambda: f"{json_text(content)}\n", file)
    elif output == "table":
        _deliver(lambda: _table(found), lambda: _markdown(found), file)
    else:
        text = {"csv": _csv, "md": _markdown, "html": _html}[output](found)
        _deliver(lambda: answer(text.removesuffix("\n")), lambda: text, file)


def day(at: date | None) -> str:
    """The day of an instant, as a cell says it; a dash where there is none."""
    return f"{at:%Y-%m-%d}" if at else "–"


def queried(content: Any, query: str) -> Any:
    """What the JMESPath expression `query` finds in `content` (https://jmespath.org). Raises Invalid."""
    import jmespath
    import msgspec
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(query, msgspec.json.decode(msgspec.json.encode(content)))
    except RecursionError:
        raise Invalid("--query is nested too deeply.") from None
    except (JMESPathError, TypeError) as problem:
        reason = str(problem).splitlines()[0]
        raise Invalid(f"--query: {reason}", hint="The language is JMESPath: https://jmespath.org") from None


def write_file(file: Path, text: str) -> None:
    """Write `text` for its owner only; the file appears whole or not at all. Raises Unavailable."""
    from unsecret.private_files import write_private

    write_private(file, text.encode())


def _deliver(show: Callable[[], None], text: Callable[[], str], file: Path | None) -> None:
    if file is None:
        show()
    else:
        write_file(file, text())
        say(f"Written: {file}")


def _table(found: Answer) -> None:
    for fact in found.facts:
        sentence(on_one_line(fact))
    for index, sheet in enumerate(found.sheets):
        if index or found.facts:
            answer()
        if len(found.sheets) > 1:
            answer(sheet.title)
        if sheet.rows:
            _rows(sheet)
        else:
            answer(sheet.empty)
    if found.notes:
        answer()
    for note in found.notes:
        sentence(on_one_line(note))


def _rows(sheet: Sheet) -> None:
    shown = sheet.brief if sheet.brief is not None and sys.stdout.isatty() else sheet.rows
    rows = [[on_one_line(_text(cell)) for cell in row] for row in shown]
    if left_out := table(sheet.columns, rows, spare=sheet.spare, head=sheet.head):
        say(f"Too narrow here for {', '.join(left_out)}; -o json and -o html show all.")


def _csv(found: Answer) -> str:
    """The first sheet (RFC 4180)."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.lower().replace(" ", "_") for column in found.sheets[0].columns])
    writer.writerows([_spreadsheet_cell(cell) for cell in row] for row in found.sheets[0].rows)
    return text.getvalue().replace("\r\n", "\n")


def _spreadsheet_cell(cell: Cell) -> Cell:
    words = _text(cell)
    if not isinstance(cell, str):
        return words
    return ("'" if cell.startswith(FORMULA) else "") + _FORMULA_INSIDE.sub("'", words)


def _markdown(found: Answer) -> str:
    return "\n".join(_markdown_lines(found)) + "\n"


def _markdown_lines(found: Answer) -> Iterator[str]:
    yield f"# {_markdown_text(found.title)}"
    for fact in found.facts:
        yield from ("", _markdown_text(fact))
    for sheet in found.sheets:
        yield from ("", f"## {_markdown_text(sheet.title)}", "")
        if not sheet.rows:
            yield _markdown_text(sheet.empty)
            continue
        yield f"| {' | '.join(map(_markdown_text, sheet.columns))} |"
        yield f"| {' | '.join('---' for _column in sheet.columns)} |"
        for row in sheet.rows:
            yield f"| {' | '.join(_markdown_text(_text(cell)) for cell in row)} |"
    for note in found.notes:
        yield from ("", _markdown_text(note))


_MARKUP = str.maketrans(
    {letter: f"\\{letter}" for letter in "\\`*_{}[]|~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\r": " "}
)


def _markdown_text(words: str) -> str:
    return harmless(words).translate(_MARKUP)


def _html(found: Answer) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(*PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": _text, "whole": _whole, "tone": _tone}
    page = environment.get_template(found.page)
    return page.render(answer=found, drawing=found.drawing, commands=COMMANDS) + "\n"


def _whole(words: str) -> str:
    """A cell of a page, in which a browser folds no date at its hyphens, and may fold addresses where parts meet."""
    from markupsafe import Markup, escape

    said = []
    for word in words.split(" "):
        parts = _JOINT.split(word) if len(word) > LONG_WORD else [word]
        said.append("<wbr>".join(str(escape(part)) for part in parts))
    return Markup(_DATE.sub(r'<span class="whole">\g<0></span>', " ".join(said)))  # noqa: S704 – escaped before


def _tone(words: str, column: str) -> str:
    """The class of a cell in a page: what says nothing, and what is bad."""
    from markupsafe import Markup

    if words in NOTHING:
        return Markup(' class="nothing"')
    return Markup(' class="alarm"') if words.startswith(ALARMING.get(column, ())) else Markup("")


def _text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "" if cell is None else harmless(str(cell))
