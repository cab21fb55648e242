"""`unsecret audit`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from unsecret.cli.options import (
    PATTERNS,
    Data,
    Query,
    Report,
    ReportFile,
    SnapshotFile,
    TenantName,
    own_reader,
    read_duration,
    read_instant,
)
from unsecret.cli.printing import answer, on_one_line, say
from unsecret.cli.reaching import instant_of
from unsecret.cli.source import reading
from unsecret.cli.words import counted
from unsecret.config import read_settings
from unsecret.errors import Invalid
from unsecret.model.times_in_words import instant_in_words

if TYPE_CHECKING:
    from unsecret.cli.answers import Answer
    from unsecret.operate.audit import Wanted
    from unsecret.operate.graph.client import GraphClient
    from unsecret.wire.audit_records import AuditRecord

COLUMNS = ("WHEN", "WHO", "WHAT", "ON", "RESULT", "DETAILS")

Since = Annotated[
    datetime | None,
    own_reader(read_instant, name="--since", metavar="DATE", help_="Only what was done from then on. Default: a day."),
]
Last = Annotated[
    timedelta | None,
    own_reader(
        read_duration, name="--last", metavar="DURATION", help_="Only what was done this long ago: 7d, P7D, PT1H."
    ),
]
Until = Annotated[
    datetime | None, own_reader(read_instant, name="--until", metavar="DATE", help_="Only what was done until then.")
]
Kinds = Annotated[
    tuple[Literal["credentials", "policies", "applications", "other"], ...],
    Parameter(
        name="--kind",
        metavar="KIND",
        help="Only changes of credentials, policies, applications, or anything else (other). May be repeated. "
        "Default: credentials and policies.",
    ),
]
AppNamed = Annotated[
    str | None,
    Parameter(name="--app", metavar="APP", help=f"Only what was done to this: a name, or an id. {PATTERNS}"),
]
By = Annotated[
    str | None,
    Parameter(name="--by", metavar="WHO", help="Only what they did: a name, or an id; a pattern, such as 'maria@*'."),
]
Refused = Annotated[bool, Parameter(name="--refused", help="Only what was refused.")]
Watch = Annotated[bool, Parameter(name="--watch", help="Go on, and print each new record as it appears, until Ctrl-C.")]
Every = Annotated[
    int, Parameter(name="--every", metavar="SECONDS", help="While watching, ask this often. Default: 30.")
]


def audit(
    *,
    since: Since = None,
    last: Last = None,
    until: Until = None,
    kind: Kinds = (),
    app: AppNamed = None,
    by: By = None,
    refused: Refused = False,
    watch: Watch = False,
    every: Every = 30,
    snapshot: SnapshotFile = None,
    tenant: TenantName = None,
    data: Data = None,
    output: Report = None,
    output_file: ReportFile = None,
    query: Query = None,
) -> int:
    """Show who changed credentials and policies, and what was refused, from the directory's own log.

    Changes nothing. The log is the tenant's: it keeps 30 days where a premium licence is, 7 without, and its records
    appear some minutes late. A snapshot holds as much of it as `unsecret snapshot --log` took.

    **Examples**

        unsecret audit --last P7D
        unsecret audit --refused --app "Payroll*"
        unsecret audit --kind policies -o csv
        unsecret audit --last P7D --snapshot contoso.snapshot
        unsecret audit --watch
    """
    from unsecret.cli.answers import put
    from unsecret.operate.audit import Wanted, read_audit

    if watch and (until or query or output_file or snapshot):
        given = "--until" if until else "--query" if query else "--output-file" if output_file else "--snapshot"
        raise Invalid(f"--watch goes on without an end; {given} does not go with it.")
    settings = read_settings()
    form = output or settings.output
    with reading(settings, snapshot=snapshot, data=data, tenant=tenant, verb="audit") as (client, at):
        begin = since or at - (last or timedelta(days=1))
        kinds = {"kinds": kind} if kind else {}
        wanted = Wanted(since=begin, until=until, app=app, who=by, is_refused=refused, **kinds)
        if watch:
            _watch(client, wanted, every, as_json=form == "json")
        put(_page(tuple(read_audit(client, wanted)), begin), output=form, query=query, file=output_file)
    return 0


def _watch(client: GraphClient, wanted: Wanted, every: int, *, as_json: bool) -> None:
    """Never returns; Ctrl-C ends it."""
    import msgspec

    from unsecret.operate.audit import watch

    say(f"Watching; asking every {every} s. Ctrl-C ends it.")
    records = watch(client, wanted, clock=lambda: instant_of(client), pause=lambda: time.sleep(every), say=say)
    for record in records:
        if as_json:
            answer(msgspec.json.encode(record).decode())
        else:
            answer(on_one_line("   ".join(_row(record))))
        sys.stdout.flush()  # whoever reads a pipe waits for it


def _page(records: tuple[AuditRecord, ...], since: datetime) -> Answer:
    from unsecret.cli.answers import Answer, Sheet

    refused = sum(one.result == "failure" for one in records)
    return Answer(
        title="Changes of credentials and policies",
        content={"since": since, "records": records},
        sheets=(
            Sheet(
                title="Records",
                columns=COLUMNS,
                rows=[_row(one) for one in records],
                empty="Nothing was done.",
                head=3,
            ),
        ),
        facts=(
            f"Since {instant_in_words(since)}: {counted(len(records), 'record')}, {refused} refused. Times are in UTC.",
        ),
    )


def _row(record: AuditRecord) -> tuple[str, ...]:
    return (
        f"{record.at:%Y-%m-%d %H:%M:%S}",
        record.who,
        record.activity,
        _named(name or id_ for _type, id_, name in record.targets),
        record.result,
        record.reason if record.result == "failure" else "; ".join(record.changes) or "–",
    )


def _named(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "–"
