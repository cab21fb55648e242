"""`unsecret exempt add`, `list`, `remove` and `expire`."""

from __future__ import annotations

import time
from datetime import date
from typing import Annotated, Literal

from cyclopts import App, Parameter

from unsecret.cli.options import (
    PLAIN,
    Data,
    DryRun,
    Output,
    Query,
    Report,
    ReportFile,
    SnapshotFile,
    TenantName,
    Yes,
    now,
    own_reader,
)
from unsecret.cli.printing import say
from unsecret.cli.reaching import reach, today
from unsecret.config import read_settings
from unsecret.errors import Invalid

exempt = App(
    name="exempt",
    default_parameter=PLAIN,
    help="""Exemptions from the policies, for single applications or callers, with a last day and a reason.

The term is kept in the tenant itself, where every administrator finds it: nothing has to be remembered elsewhere, and
`unsecret exempt expire` withdraws what has ended, from wherever it is run.
""",
)


def _last_day(_kind: type, tokens: tuple) -> date:  # type: ignore[type-arg]
    text = tokens[0].value
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"Cannot read '{text}'; expected a date such as 2027-01-31.") from None


Who = Annotated[
    str,
    Parameter(
        metavar="WHO",
        help="The application: appId, object id or exact display name. With --caller also a person's sign-in name.",
    ),
]
AsCaller = Annotated[
    bool,
    Parameter(
        name="--caller",
        help="Exempt who calls rather than what is changed: this person or application may do to every application "
        "what the tenant default policy forbids.",
    ),
]
Until = Annotated[
    date,
    own_reader(_last_day, name="--until", metavar="DATE", help_="The last day of the exemption, in UTC: 2027-01-31."),
]
Reason = Annotated[str, Parameter(name="--reason", metavar="TEXT", help="Why, for whoever finds the exemption.")]
Lifts = Annotated[
    tuple[
        Literal["new-secrets", "custom-secrets", "secret-lifetime", "certificate-lifetime", "certificate-issuer"], ...
    ],
    Parameter(
        name="--from",
        metavar="WHAT",
        help="What to be exempt from: the block of new secrets, of secrets with a chosen text, the limits on lifetimes "
        "of secrets or of certificates, or the list of certificates' issuers. May be repeated. Default: new-secrets.",
    ),
]


@exempt.command
def add(
    who: Who,
    /,
    *,
    until: Until,
    reason: Reason,
    from_: Lifts = ("new-secrets",),
    caller: AsCaller = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    tenant: TenantName = None,
    data: Data = None,
    output: Output = None,
) -> int:
    """Exempt an application, or a caller, until a day.

    An application gets a custom policy in which the restriction is disabled, or has its own policy changed so; one that
    shares its policy with others is refused. A caller gets a custom security attribute, which the entries of the
    tenant default policy then name.

    An exemption that is there already gets the new day and reason.

    **Examples**

        unsecret exempt add "Payroll Export" --until 2027-01-31 \\
          --reason "the vendor migrates in January"
        unsecret exempt add maria@contoso.com --caller --until 2026-12-31 \\
          --reason "rebuilds the old portal"
    """
    from unsecret.cli.applying import again_there, apply_plan
    from unsecret.cli.asking import require_yes
    from unsecret.cli.exit_codes import OK
    from unsecret.operate.exemptions.callers import define_attributes, find_caller, give
    from unsecret.operate.exemptions.exempt import LIFTS, grant_to_application, grant_to_callers
    from unsecret.operate.plans.plan import make_plan
    from unsecret.operate.policies.block import read_default
    from unsecret.operate.policies.targets import resolve
    from unsecret.wire.terms import CALLERS_ATTRIBUTE, LONGEST_CALLERS_REASON, LONGEST_REASON, Term, require_reason

    settings = read_settings()
    kinds = tuple(kind for word in from_ for kind in LIFTS[word])
    why = require_reason(reason, longest=LONGEST_CALLERS_REASON if caller else LONGEST_REASON)
    with reach(settings, data, tenant, verb="exempt") as client:
        _require_to_come(until, today(client))
        if not caller:
            target = resolve(client, [who])[0]
            wanted = grant_to_application(client, target, Term(until=until, reason=why, lifted=kinds))
        else:
            person = find_caller(client, who)
            wanted = grant_to_callers(read_default(client)[1], until, kinds)
            say(f"{person.name} gets the attribute {CALLERS_ATTRIBUTE} = {until.isoformat()}, with the reason.")
            if not dry_run:
                question = f"Exempt {person.name} until {until.isoformat()}?"
                require_yes(question, to=client.connection, yes=yes, can_rehearse=True)
                define_attributes(client)
        plan = make_plan(client, wanted, source=f"exempt add {who}", now=now())
        code = apply_plan(
            client, plan, settings=settings, yes=yes or caller, dry_run=dry_run, again=again_there(data, tenant),
            output=output or settings.output,
        )  # fmt: skip
        if caller and code == OK and not dry_run:  # at last: an entry that nobody has the attribute for frees nobody
            give(client, person, until, why, sleep=time.sleep)
        return code


@exempt.command(name="list")
def list_(
    *,
    snapshot: SnapshotFile = None,
    tenant: TenantName = None,
    data: Data = None,
    output: Report = None,
    output_file: ReportFile = None,
    query: Query = None,
) -> int:
    """List every exemption in one place: of applications and of callers, with last day and reason, and those without.

    Changes nothing. Exit code 3 when one has ended and was not withdrawn.

    **Examples**

        unsecret exempt list
        unsecret exempt list --snapshot contoso.snapshot
        unsecret exempt list --query "exemptions[?state=='ended'].who[]"
    """
    from unsecret.cli.answers import put
    from unsecret.cli.exempt_pages import listing
    from unsecret.cli.exit_codes import FINDINGS, OK
    from unsecret.cli.source import reading
    from unsecret.operate.exemptions.listed import read_exemptions

    settings = read_settings()
    with reading(settings, snapshot=snapshot, data=data, tenant=tenant, verb="exempt") as (client, at):
        answer, has_ended = listing(read_exemptions(client), at.date())
    put(answer, output=output or settings.output, query=query, file=output_file)
    return FINDINGS if has_ended else OK


@exempt.command
def remove(
    who: Who,
    /,
    *,
    caller: AsCaller = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    tenant: TenantName = None,
    data: Data = None,
    output: Output = None,
) -> int:
    """Withdraw the exemption of an application or a caller before its last day.

    What the application's policy said before is given back; a policy that was made for the exemption is deleted.

    **Examples**

        unsecret exempt remove "Payroll Export"
        unsecret exempt remove maria@contoso.com --caller
    """
    from unsecret.cli.applying import again_there
    from unsecret.cli.withdrawing import withdraw
    from unsecret.operate.exemptions.callers import find_caller
    from unsecret.operate.exemptions.ending import of_application, of_caller
    from unsecret.operate.policies.targets import resolve

    settings = read_settings()
    with reach(settings, data, tenant, verb="exempt") as client:
        if caller:
            ending = of_caller(client, find_caller(client, who))
        else:
            ending = of_application(client, resolve(client, [who])[0])
        return withdraw(
            client, ending, settings=settings, source=f"exempt remove {who}", dry_run=dry_run, yes=yes,
            again=again_there(data, tenant), output=output or settings.output,
        )  # fmt: skip


@exempt.command
def expire(
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
    tenant: TenantName = None,
    data: Data = None,
    output: Output = None,
) -> int:
    """Withdraw every exemption whose last day is over. Those without a last day stay.

    Made for a schedule: `unsecret exempt expire --yes`, every night.

    **Examples**

        unsecret exempt expire --dry-run
        unsecret exempt expire --yes
    """
    from unsecret.cli.applying import again_there
    from unsecret.cli.withdrawing import withdraw
    from unsecret.operate.exemptions.ending import over

    settings = read_settings()
    with reach(settings, data, tenant, verb="exempt") as client:
        return withdraw(
            client, over(client, today(client)), settings=settings, source="exempt expire", dry_run=dry_run, yes=yes,
            again=again_there(data, tenant), output=output or settings.output,
        )  # fmt: skip


def _require_to_come(until: date, today: date) -> None:
    if until < today:
        raise Invalid(f"{until.isoformat()} is over. Give the exemption a last day that is today or later.")
