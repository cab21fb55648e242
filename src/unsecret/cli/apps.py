"""`unsecret apps list` and `unsecret apps show`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from cyclopts import App, Parameter

from unsecret.cli.options import (
    PATTERNS,
    PLAIN,
    Data,
    MutesFile,
    Query,
    Report,
    ReportFile,
    SnapshotFile,
    TenantName,
    Use,
    choice,
    own_reader,
    read_duration,
    sort_option,
    top_option,
)
from unsecret.config import read_settings

apps = App(
    name="apps",
    default_parameter=PLAIN,
    help="""The applications of a tenant: credentials, owners, permissions, use, policies, and which to begin with.

What has one appId is one application: its registration, its service principal, or both.
""",
)

Top = Annotated[int | None, top_option("50 in a table, else all")]
Sort = Annotated[
    Literal["risk", "name", "expiry", "age", "use"],
    sort_option(
        "riskiest first (risk), by name, next to expire first (expiry), oldest first (age), or longest not seen first "
        "(use)",
        default="risk",
    ),
]
Risk = Annotated[
    Literal["high", "medium", "low"] | None,
    choice("--risk", metavar="LEVEL", help_="List only those of this risk or a higher one."),
]
With = Annotated[
    tuple[Literal["secrets", "expired", "certificates", "federated", "nothing"], ...],
    Parameter(
        name="--with",
        metavar="WHAT",
        help="List only those that hold live secrets, expired credentials, live certificates, federated credentials, "
        "or nothing that they sign in with. May be repeated; all must hold.",
    ),
]
Name = Annotated[
    str | None, Parameter(name="--name", metavar="PATTERN", help=f"List only this name or appId. {PATTERNS}")
]
Owner = Annotated[
    str | None,
    Parameter(name="--owner", metavar="PATTERN", help="List only those of an owner; a pattern, such as 'maria@*'."),
]
Ownerless = Annotated[bool, Parameter(name="--ownerless", help="List only those that nobody owns.")]
ExpiresWithin = Annotated[
    timedelta | None,
    own_reader(
        read_duration,
        name="--expires-within",
        metavar="DURATION",
        help_="List only those of which a live credential ends within this time, such as 30d or P30D.",
    ),
]
Origins = Annotated[
    tuple[Literal["own", "foreign", "microsoft", "managedIdentity"], ...],
    Parameter(
        name="--origin",
        metavar="ORIGIN",
        help="List only the organisation's own, those of other organisations (foreign), Microsoft's, or managed "
        "identities. May be repeated. Default: all but Microsoft's and managed identities that hold no secret.",
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

    Changes nothing. Ages and ends are judged as on the day of the snapshot. Seen in use, not seen, and not known
    are three different things: what no report covers is not known.

    **Examples**

        unsecret apps list
        unsecret apps list --with secrets --ownerless
        unsecret apps list --expires-within P30D --sort expiry -o csv
        unsecret apps list --snapshot contoso.snapshot \\
          --query "applications[?secrets.live > `2`].display_name"
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
    app: Annotated[str, Parameter(metavar="APP", help="The application: appId, object id or display name.")],
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
        unsecret apps show "Payroll Export" --snapshot contoso.snapshot -o md
    """
    from unsecret.cli.answers import put
    from unsecret.cli.app_pages import described
    from unsecret.cli.source import as_of, asked
    from unsecret.operate.applications.one_application import read_one

    settings = read_settings()
    with asked(settings, snapshot=snapshot, data=data, tenant=tenant, verb="apps", app=app) as opened:
        found = read_one(opened, app, now=as_of(opened))
        answer = described(found, opened.manifest.not_answered, as_of(opened))
    put(answer, output=output or settings.output, query=query, file=output_file)
    return 0
