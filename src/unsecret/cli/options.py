"""Options that several commands share, each described once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args

from cyclopts import Parameter, Token

from unsecret.errors import UnsecretError
from unsecret.wire.instants import parse_duration, parse_instant

_DAYS = re.compile(r"(\d{1,6})d", re.IGNORECASE | re.ASCII)


def _date(_kind: type, tokens: tuple[Token, ...]) -> datetime:
    text = tokens[0].value
    try:
        return parse_instant(f"{text}T00:00:00Z" if len(text) == len("2026-01-31") else text)
    except UnsecretError:
        raise ValueError(
            f"Cannot read '{text}'; expected a date such as 2026-01-31, or an instant such as 2026-01-31T10:00:00Z."
        ) from None


def read_instant(kind: type, tokens: tuple[Token, ...]) -> datetime:
    """A date, an instant, or the word `now`. Raises ValueError."""
    return now() if tokens[0].value == "now" else _date(kind, tokens)


LONGEST = timedelta(days=36_500)
"""Of a duration that is given: the calendar has an end."""


def read_duration(_kind: type, tokens: tuple[Token, ...]) -> timedelta:
    """A duration such as P30D, or 30d. Raises ValueError."""
    text = tokens[0].value
    try:
        read = timedelta(days=int(days[1])) if (days := _DAYS.fullmatch(text)) else parse_duration(text)
    except UnsecretError:
        raise ValueError(f"Cannot read '{text}'; expected a duration such as 30d, P30D or PT12H.") from None
    if read > LONGEST:
        raise ValueError(f"'{text}' is longer than {LONGEST.days} days.")
    return read


def _directory(_kind: type, tokens: tuple[Token, ...]) -> Path:
    if not tokens[0].value:  # a variable that is not set would otherwise mean whatever directory one is in
        raise ValueError("It is empty. Name a directory; the one that you are in is .")
    return Path(tokens[0].value)


def own_reader(reader: Any, *, name: str, metavar: str, help_: str) -> Parameter:
    """An option whose one word `reader` reads; it raises ValueError."""
    return Parameter(name=name, converter=reader, accepts_keys=False, n_tokens=1, metavar=metavar, help=help_)


def _one_of(kind: Any, tokens: tuple[Token, ...]) -> str:
    """One of the words of a Literal, and not `none`, which would pass for an option that was not given. Raises
    ValueError."""
    members = get_args(kind)
    words = [str(word) for one in members for word in get_args(one) or (one,) if one is not NoneType]
    if tokens[0].value not in words:
        raise ValueError(f"'{tokens[0].value}' is not one of {', '.join(words)}.")
    return tokens[0].value


def choice(name: str | list[str], *, metavar: str, help_: str) -> Parameter:
    """An option that takes one of the words of its Literal."""
    return Parameter(name=name, converter=_one_of, accepts_keys=False, n_tokens=1, metavar=metavar, help=help_)


def directory_option(help_: str) -> Parameter:
    """`--data DIR`; each command says what it takes the directory for."""
    return own_reader(_directory, name="--data", metavar="DIR", help_=help_)


PATTERNS = "A pattern, such as 'Payroll*': `*` is anything, `?` one character; capitals do not matter."
PLAIN = Parameter(show_default=False, negative=())
"""Every parameter: its help says the default where there is one, and there is no `--no-yes`."""

Data = Annotated[
    Path | None,
    directory_option("Directory of the tenant to speak to. Default: the one that `up` started last."),
]
Server = Annotated[
    Path | None, directory_option("Directory that the server was started with. Default: the one started last.")
]
ServerDatabase = Annotated[
    str | None,
    Parameter(
        name="--database", metavar="URL", help="PostgreSQL database that the server was started with. Default: none."
    ),
]
TenantName = Annotated[
    str | None,
    Parameter(
        name="--tenant",
        metavar="NAME",
        help="Tenant to speak to: a name from the settings file, a tenant's id or domain, azure for the one of "
        "AZURE_TENANT_ID, or local. Default: the local one.",
    ),
]
Output = Annotated[
    Literal["table", "json"] | None,
    choice(["--output", "-o"], metavar="FORMAT", help_="Print a table for people, or JSON. Default: table."),
]
Report = Annotated[
    Literal["table", "json", "csv", "md", "html"] | None,
    choice(
        ["--output", "-o"],
        metavar="FORMAT",
        help_="Print a table for people, JSON, CSV, Markdown, or a page in HTML that stands by itself. Default: table.",
    ),
]
ReportFile = Annotated[
    Path | None,
    Parameter(name="--output-file", metavar="FILE", help="Write the answer to this file instead of printing it."),
]
Query = Annotated[
    str | None,
    Parameter(name="--query", metavar="JMESPATH", help="Print what this JMESPath expression finds in the JSON."),
]


def top_option(default: str) -> Parameter:
    """`--top N`; each command says how many it lists unless told."""
    return Parameter(name="--top", metavar="N", help=f"List N applications. Default: {default}.")


def sort_option(words: str, *, default: str) -> Parameter:
    """`--sort BY`; each command says what it can sort by."""
    return Parameter(name="--sort", metavar="BY", help=f"Sort them: {words}. Default: {default}.")


SnapshotFile = Annotated[
    Path | None,
    Parameter(
        name="--snapshot",
        metavar="FILE",
        help="Ask a snapshot that `unsecret snapshot` took, without any network. Default: the tenant, as it is now.",
    ),
]
Use = Annotated[
    Literal["used", "unused", "unknown"] | None,
    choice(
        "--use",
        metavar="USE",
        help_="List only those seen in use (used), not seen (unused), or of which that is not known (unknown).",
    ),
]
MutesFile = Annotated[
    Path | None,
    Parameter(
        name="--mutes",
        metavar="FILE",
        help="A TOML file of what is known and borne, for what reason and until when: it is left out. "
        "docs/reference/checks.md describes it.",
    ),
]
At = Annotated[
    datetime | None,
    own_reader(
        read_instant,
        name="--now",
        metavar="DATE",
        help_="Judge as on this day: 2026-01-31, or an instant. Default: when the snapshot was taken.",
    ),
]
Yes = Annotated[bool, Parameter(name=["--yes", "-y"], help="Go ahead without asking.")]
DryRun = Annotated[
    bool,
    Parameter(
        name=["--dry-run", "--what-if"],
        help="Show what would change and change nothing. Exit code 2 when there is something to change.",
    ),
]
Apps = Annotated[
    tuple[str, ...],
    Parameter(
        name="--app",
        consume_multiple=(1, None),  # none would mean the whole tenant, which nobody who writes --app means
        metavar="APP",
        help="Only these applications: appId, object id or exact display name. May be repeated.",
    ),
]
From = Annotated[
    datetime | None,
    own_reader(
        _date,
        name="--from",
        metavar="DATE",
        help_="Only applications created from then on: 2026-01-31, or an instant such as 2026-01-31T10:00:00Z. "
        "A date begins at midnight UTC. Default: all applications.",
    ),
]
MaxLifetime = Annotated[
    timedelta | None,
    own_reader(
        read_duration,
        name="--max-lifetime",
        metavar="DURATION",
        help_="Do not block: limit how long a new secret may live, such as 90d or P90D.",
    ),
]
MaxCertificateLifetime = Annotated[
    timedelta | None,
    own_reader(
        read_duration,
        name="--max-certificate-lifetime",
        metavar="DURATION",
        help_="Do not block: limit how long a new certificate may live, such as 180d or P180D.",
    ),
]


Source = Annotated[
    Path | None,
    own_reader(
        _directory,
        name="--from",
        metavar="FILE",
        help_="Begin as another tenant was: a snapshot, an export in a JSON file, or a directory of those.",
    ),
]


def now() -> datetime:
    """The instant at which a command begins."""
    return datetime.now(UTC)
