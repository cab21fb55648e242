"""`unsecret apps list` and `unsecret apps show`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from unsecret.cli.options import (
    PATTERNS,
    PLAIN,
    Data,
    Query,
    Report,
    ReportFile,
    SnapshotFile,
    TenantName,
    own_reader,
    read_duration,
)
from unsecret.config import read_settings

apps = App(
    name="apps",
    default_parameter=PLAIN,
    help="""The applications of a tenant: credentials, owners, permissions, use, policies, and which to begin with.

What has one appId is one application: its registration, its service principal, or both.
""",
)

Top = Annotated[
    int | None,
    Parameter(name="--top", metavar="N", help="Show N applications. Default: 50 in a table, all in other forms."),
]
Sort = Annotated[
    Literal["risk", "name", "expiry", "age", "use"],
    Parameter(
        name="--sort",
        metavar="BY",
        help="Riskiest first (risk), by name, next to expire first (expiry), oldest first (age), or longest not seen "
        "first (use). Default: risk.",
    ),
]
Risk = Annotated[
    Literal["high", "medium", "low"] | None,
    Parameter(name="--risk", metavar="LEVEL", help="Only those of this risk or a higher one: high, medium, low."),
]
With = Annotated[
    tuple[Literal["secrets", "expired", "certificates", "federated", "nothing"], ...],
    Parameter(
        name="--with",
        metavar="WHAT",
        help="Only those that hold live secrets, expired credentials, live certificates, federated credentials, or "
        "nothing that they sign in with. May be repeated; all must hold.",
    ),
]
Use = Annotated[
    Literal["used", "unused", "unknown"] | None,
    Parameter(
        name="--use",
        metavar="USE",
        help="Only those seen signing in (used), not seen (unused), or of which no report tells (unknown).",
    ),
]
Name = Annotated[str | None, Parameter(name="--name", metavar="PATTERN", help=f"Only this name or appId. {PATTERNS}")]
Owner = Annotated[
    str | None,
    Parameter(name="--owner", metavar="PATTERN", help="Only those of an owner; a pattern, such as 'maria@*'."),
]
Ownerless = Annotated[bool, Parameter(name="--ownerless", help="Only those that nobody owns.")]
ExpiresWithin = Annotated[
    timedelta | None,
    own_reader(
        read_duration,
        name="--expires-within",
        metavar="DURATION",
        help_="Only those of which a live credential ends within this time, such as P30D.",
    ),
]
Origins = Annotated[
    tuple[Literal["own", "foreign", "microsoft", "managedIdentity"], ...],
    Parameter(
        name="--origin",
        metavar="ORIGIN",
        help="Only the organisation's own, those of other organisations (foreign), Microsoft's, or managed identities. "
        "May be repeated. Default: all but Microsoft's and managed identities that hold no secret.",
    ),
]


MutesFile = Annotated[
    Path | None,
    Parameter(
        name="--mutes",
        metavar="FILE",
        help="A TOML file of patterns of names with reason and end date, as `unsecret check` reads it: what they match "
        "is left out.",
    ),
]


@apps.command(name="list")
def list_(
    *,
    top: Top = None,
    sort: Sort = "risk",
    risk: Risk = None,
    with_: With = (),
    use: Use = None,
    name: Name = None,
    owner: Owner = None,
    ownerless: Ownerless = False,
    expires_within: ExpiresWithin = None,
    origin: Origins = (),
    mutes: MutesFile = None,
    snapshot: SnapshotFile = None,
    tenant: TenantName = None,
    data: Data = None,
    output: Report = None,
    output_file: ReportFile = None,
    query: Query = None,
) -> int:
    """List applications, the riskiest first, with the reasons.

    Changes nothing. Ages and ends are judged as on the day of the snapshot. Used, unused and unknown are three
    different things: what no report covers is unknown.

    **Examples**

        unsecret apps list
        unsecret apps list --with secrets --ownerless
        unsecret apps list --expires-within P30D --sort expiry -o csv
        unsecret apps list --snapshot tenant.unsecret --query "applications[?secrets.live > `2`].display_name"
    """
    from unsecret.cli.answers import put
    from unsecret.cli.app_pages import SHOWN, listing

    settings = read_settings()
    form = output or settings.output
    is_on_screen = form == "table" and query is None and output_file is None
    at_most = top if top is not None else SHOWN if is_on_screen else None
    from unsecret.cli.source import as_of, asked
    from unsecret.operate.applications.listing import listed
    from unsecret.operate.applications.selection import Wanted
    from unsecret.operate.checks.files import read_mutes
    from unsecret.operate.checks.muting import Mutes

    wanted = Wanted(
        name=name,
        risk=risk,
        holding=with_,
        use=use,
        owner=owner,
        is_ownerless=ownerless,
        expires_within=expires_within,
        origins=origin,
    )
    with asked(settings, snapshot=snapshot, data=data, tenant=tenant, verb="apps") as opened:
        at = as_of(opened)
        muting = Mutes(read_mutes(mutes) if mutes else (), at.date())
        found = listed(
            opened,
            wanted,
            sort=sort,
            at_most=at_most,
            now=at,
            is_muted=lambda one: muting.is_muted("apps", "risk", (one.display_name, one.app_id)),
        )
        answer = listing(found, notes=muting.notes())
    put(answer, output=form, query=query, file=output_file)
    return 0


@apps.command
def show(
    app: Annotated[str, Parameter(metavar="APP", help="The application: appId, object id or exact display name.")],
    /,
    *,
    snapshot: SnapshotFile = None,
    tenant: TenantName = None,
    data: Data = None,
    output: Report = None,
    output_file: ReportFile = None,
    query: Query = None,
) -> int:
    """Show one application: every credential with its age and use, owners, permissions, policies, and its risk.

    Changes nothing.

    **Examples**

        unsecret apps show "Payroll Export"
        unsecret apps show "Payroll Export" --snapshot tenant.unsecret -o md
    """
    from unsecret.cli.answers import put
    from unsecret.cli.app_pages import described
    from unsecret.cli.source import as_of, asked
    from unsecret.operate.applications.one_application import read_one

    settings = read_settings()
    with asked(settings, snapshot=snapshot, data=data, tenant=tenant, verb="apps", app=app) as opened:
        found = read_one(opened, app, now=as_of(opened))
        answer = described(found, opened.manifest.not_known, as_of(opened))
    put(answer, output=output or settings.output, query=query, file=output_file)
    return 0
