"""Options that several commands share, each described once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from unsecret.errors import UnsecretError
from unsecret.wire.instants import parse_duration, parse_instant


def _date(_kind: type, tokens: tuple[Token, ...]) -> datetime:
    text = tokens[0].value
    return _read(parse_instant, f"{text}T00:00:00Z" if len(text) == len("2026-01-31") else text)


def _duration(_kind: type, tokens: tuple[Token, ...]) -> timedelta:
    return _read(parse_duration, tokens[0].value)


def _read(reader: Any, text: str) -> Any:
    try:
        return reader(text)
    except UnsecretError as problem:
        raise ValueError(problem.message) from None


PLAIN = Parameter(show_default=False, negative=())
"""Every parameter: its help says the default where there is one, and there is no `--no-yes`."""

Data = Annotated[
    Path | None,
    Parameter(name="--data", help="Directory of the tenant to speak to. Default: the one that `up` started last."),
]
Output = Annotated[
    Literal["table", "json"] | None,
    Parameter(name=["--output", "-o"], help="Print a table for people, or JSON. Default: table."),
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
        consume_multiple=True,
        help="Only these applications: object id, appId or exact display name. May be repeated.",
    ),
]
From = Annotated[
    datetime | None,
    Parameter(
        name="--from",
        converter=_date,
        accepts_keys=False,
        n_tokens=1,
        help="Only applications created from then on: 2026-01-31, or an instant such as 2026-01-31T10:00:00Z. "
        "A date begins at midnight UTC. Default: all applications.",
    ),
]
MaxLifetime = Annotated[
    timedelta | None,
    Parameter(
        name="--max-lifetime",
        converter=_duration,
        accepts_keys=False,
        n_tokens=1,
        help="Do not block: limit how long a new secret may live, such as P90D for 90 days.",
    ),
]


def now() -> datetime:
    """The instant at which a command begins."""
    return datetime.now(UTC)
