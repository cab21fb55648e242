"""`unsecret forecast`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from unsecret.cli.options import (
    At,
    Data,
    Query,
    Report,
    ReportFile,
    SnapshotFile,
    TenantName,
    Use,
    own_reader,
    read_duration,
    read_instant,
    sort_option,
    top_option,
)
from unsecret.config import read_settings


def _duration(name: str, help_: str) -> Parameter:
    return own_reader(read_duration, name=name, metavar="DURATION", help_=help_)


def _date(name: str, help_: str) -> Parameter:
    return own_reader(read_instant, name=name, metavar="DATE", help_=help_)


Policy = Annotated[
    tuple[Path, ...],
    Parameter(
        name="--policy",
        metavar="FILE",
        help="A policy file (TOML), or a body of the default policy as Graph takes it (.json). May be repeated: each "
        "is a scenario of its own.",
    ),
]
ProfileName = Annotated[
    tuple[Literal["microsoft", "cisa", "cis", "zero-secrets"], ...],
    Parameter(name="--profile", metavar="NAME", help="What a standard asks for. May be repeated, likewise."),
]
Block = Annotated[bool, Parameter(name="--block", help="No new client secrets and symmetric keys for anybody.")]
MaxLifetime = Annotated[
    timedelta | None, _duration("--max-lifetime", "New client secrets live this long at most, such as 180d or P180D.")
]
MaxCertificateLifetime = Annotated[
    timedelta | None, _duration("--max-certificate-lifetime", "New certificates live this long at most.")
]
On = Annotated[
    datetime | None,
    _date("--on", "The day from which the proposal is in force; before it the present policies are. Default: at once."),
]
ExistingOn = Annotated[
    datetime | None,
    _date("--existing-on", "Until this day, the proposal binds only what is created from the first day on."),
]
Exempt = Annotated[
    tuple[str, ...],
    Parameter(
        name="--exempt",
        consume_multiple=(1, None),
        metavar="APP",
        help="As if no policy bound this application: appId, object id or exact display name. May be repeated.",
    ),
]
NewSecret = Annotated[
    timedelta | None,
    _duration(
        "--new-secret", "How long a new secret is meant to live, to tell whether one could be made. Default: P180D."
    ),
]
FailWithin = Annotated[
    timedelta | None,
    _duration(
        "--fail-within",
        "Exit code 3 when an application loses its last credential within this time, such as 30d, and could not renew "
        "it as it is, or nobody knows whether it could.",
    ),
]
App = Annotated[
    tuple[str, ...],
    Parameter(
        name="--app",
        consume_multiple=(1, None),
        metavar="APP",
        help="List only these applications: appId, object id or exact display name. May be repeated.",
    ),
]
Outcome = Annotated[
    tuple[Literal["ends", "ended", "never", "nothing", "disabled", "foreign", "managedIdentity", "microsoft"], ...],
    Parameter(
        name="--outcome",
        metavar="WORD",
        help="List only those that lose their last credential (ends), have lost it (ended), never do as they are "
        "federated (never), have nothing to sign in with (nothing), are disabled, at home elsewhere (foreign), managed "
        "identities (managedIdentity), or Microsoft's (microsoft). May be repeated. Default: all but the last three.",
    ),
]
Within = Annotated[
    timedelta | None, _duration("--within", "List only those that lose their last credential within this time.")
]
Refused = Annotated[bool, Parameter(name="--refused", help="List only those that would be refused anything.")]
Sort = Annotated[
    Literal["day", "name", "use"],
    sort_option("by the day of the last end (day), by name, or what is in use first (use)", default="day"),
]
Top = Annotated[int | None, top_option("50 in a table, 500 in Markdown and HTML, else all")]

SHOWN = {"table": 50, "md": 500, "html": 500}
"""Applications that are listed in a form for people unless told otherwise."""


def forecast(
    *,
    policy: Policy = (),
    profile: ProfileName = (),
    block: Block = False,
    max_lifetime: MaxLifetime = None,
    max_certificate_lifetime: MaxCertificateLifetime = None,
    on: On = None,
    existing_on: ExistingOn = None,
    exempt: Exempt = (),
    new_secret: NewSecret = None,
    fail_within: FailWithin = None,
    now: At = None,
    app: App = (),
    outcome: Outcome = (),
    within: Within = None,
    refused: Refused = False,
    use: Use = None,
    sort: Sort = "day",
    top: Top = None,
    snapshot: SnapshotFile = None,
    tenant: TenantName = None,
    data: Data = None,
    output: Report = None,
    output_file: ReportFile = None,
    query: Query = None,
) -> int:
    """Tell what a policy will refuse, and the day on which each application loses its last credential.

    Changes nothing. Every policy file, every profile, and the flags --block, --max-lifetime and
    --max-certificate-lifetime together are a scenario of their own, laid over the tenant's present policies; without
    any, the present policies are judged. Renewal means a credential of the same kind that lives as long, made on the
    day on which the old one ends. Seen in use, not seen, and not known are three different things.

    **Examples**

        unsecret forecast --block
        unsecret forecast --block --on 2027-01-01 --existing-on 2027-07-01
        unsecret forecast --profile microsoft --profile cisa --refused
        unsecret forecast --block -o html --output-file forecast.html
        unsecret forecast --policy proposal.toml --exempt "Payroll Export" \\
          --fail-within 30d
        unsecret forecast --snapshot contoso.snapshot --max-lifetime P180D \\
          --within P90D -o csv
    """
    from unsecret.cli.answers import put
    from unsecret.cli.exit_codes import FINDINGS, OK
    from unsecret.cli.forecast_pages import answer_of
    from unsecret.cli.printing import progress
    from unsecret.cli.source import as_of, asked
    from unsecret.operate.forecasts.forecast import USUAL_SECRET, Forecast
    from unsecret.operate.forecasts.foreseen import Wanted, foreseen
    from unsecret.operate.forecasts.scenarios import Asking, Flags, Timing, scenarios

    settings = read_settings()
    form = "json" if query is not None else output or settings.output
    flags = Flags(block=block, longest_secret=max_lifetime, longest_certificate=max_certificate_lifetime)
    timing = Timing(start=on, existing_start=existing_on)
    wanted = Wanted(
        apps=app,
        outcomes=outcome,
        within=within,
        refused=refused,
        use=use,
        order=sort,
        at_most=SHOWN.get(form) if top is None else top,
    )
    tell = progress()
    with asked(settings, snapshot=snapshot, data=data, tenant=tenant, verb="forecast") as opened:
        at = now or as_of(opened)
        tell("judging every application")
        asking = Asking(files=policy, profiles=profile, flags=flags, exempt=exempt, timing=timing)
        found = Forecast(opened, scenarios(opened, asking, now=at), now=at, new_secret=new_secret or USUAL_SECRET)
        tell("looking up what is shown")
        answer = answer_of(found, foreseen(found, wanted), fail_within=fail_within)
        fails = fail_within is not None and found.fails_within(fail_within) > 0
        put(answer, output=form, query=query, file=output_file)
    return FINDINGS if fails else OK
