"""`unsecret check`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from msgspec.structs import replace

from unsecret.cli.exit_codes import FINDINGS, OK
from unsecret.cli.options import At, Data, MutesFile, Query, ReportFile, SnapshotFile, TenantName, choice
from unsecret.config import Settings, read_settings

if TYPE_CHECKING:
    from unsecret.operate.checks.findings import Report
    from unsecret.operate.snapshots.snapshot_file import Snapshot

UNNAMED = ("--tenant", "NAME")
"""Where nobody here knows how to name the tenant of a snapshot: copied as it is, a command refuses to do anything."""

ON_A_SCREEN, IN_A_FILE = 20, 1000
"""Findings of one requirement that are listed unless asked otherwise."""

ProfileName = Annotated[
    str,
    Parameter(
        name="--profile",
        metavar="PROFILE",
        help="What to hold the tenant against: microsoft, cisa, cis, zero-secrets, or a TOML file of your own. "
        "Default: microsoft.",
    ),
]
Format = Annotated[
    Literal["table", "json", "csv", "md", "html", "junit", "sarif"] | None,
    choice(
        ["--output", "-o"],
        metavar="FORMAT",
        help_="Print a table for people, JSON, CSV, Markdown, a page in HTML, JUnit XML, or SARIF. Default: table.",
    ),
]
Least = Annotated[
    Literal["critical", "high", "medium", "low"],
    Parameter(
        name="--severity", metavar="LEVEL", help="Only requirements of this severity or a worse one. Default: low."
    ),
]
Most = Annotated[
    int | None,
    Parameter(
        name="--limit",
        metavar="N",
        help="List N findings of each requirement; all are counted. Default: 20 in a table, 1000 in other forms.",
    ),
]
IgnoreFindings = Annotated[
    bool,
    Parameter(name=["--ignore-exit-code-3", "-z"], help="End with 0 also when there are findings."),
]


def check(
    *,
    profile: ProfileName = "microsoft",
    severity: Least = "low",
    mutes: MutesFile = None,
    limit: Most = None,
    snapshot: SnapshotFile = None,
    now: At = None,
    tenant: TenantName = None,
    data: Data = None,
    output: Format = None,
    output_file: ReportFile = None,
    query: Query = None,
    ignore_exit_code_3: IgnoreFindings = False,
) -> int:
    """Hold the tenant against a standard: its policies, and the credentials that they came too late for.

    A policy that is on can be without effect: with every entry disabled, for applications but not for service
    principals, with limits of years, sparing everything that is there already, or lifted by custom policies. All of
    that is looked at, and so are credentials that the standard does not allow, and those that have expired.

    Every finding has the command that mends it. What could not be read is not known, and never counts as met.

    Exit code 3 when a requirement is not met or not known, 0 when all are met. Nothing is changed.

    **Examples**

        unsecret check
        unsecret check --profile zero-secrets --snapshot contoso.snapshot
        unsecret check --profile cisa --output html --output-file cisa.html
        unsecret check --profile ours.toml --mutes known.toml --severity high
        unsecret check --profile cis -o sarif --output-file cis.sarif -z
    """
    from unsecret.cli.check_answer import deliver
    from unsecret.cli.printing import progress
    from unsecret.cli.source import as_of, asked
    from unsecret.model.profile import Severity
    from unsecret.operate.checks.check import check as hold
    from unsecret.operate.checks.files import chosen_profile, read_mutes

    settings = read_settings()
    wanted, form = chosen_profile(profile), output or settings.output
    borne = read_mutes(mutes) if mutes else ()
    with asked(settings, snapshot=snapshot, data=data, tenant=tenant, verb="check", of_objects=False) as taken:
        report = hold(
            taken,
            wanted,
            now=now or as_of(taken),
            mutes=borne,
            least=Severity(severity),
            most=_most(limit, form),
            say=progress(),
        )
        words = _of_snapshot(settings, taken) if snapshot else _told(tenant, data)
    report = _naming(report, UNNAMED if words is None else words)
    deliver(report, output=form, query=query, file=output_file, is_named=words is not None)
    return _exit_code(report, ignored=ignore_exit_code_3)


def _of_snapshot(settings: Settings, snapshot: Snapshot) -> tuple[str, ...] | None:
    """How commands name the tenant of a snapshot, which need not be the usual one."""
    from unsecret.cli.reaching import options_for

    organisation = next(snapshot.objects("organization"), {})
    domains = [one.get("name") for one in organisation.get("verifiedDomains") or ()]
    return options_for(settings, snapshot.manifest, [one for one in domains if isinstance(one, str)])


def _told(tenant: str | None, data: Path | None) -> tuple[str, ...]:
    return ("--tenant", tenant) if tenant else ("--data", str(data)) if data else ()


def _naming(report: Report, options: tuple[str, ...]) -> Report:
    """The report with commands that speak to the tenant that was checked."""
    if not options:
        return report
    words = shlex.join(options)
    return replace(report, findings=tuple(replace(one, mend=f"{one.mend} {words}") for one in report.findings))


def _most(limit: int | None, form: str) -> int:
    if limit is not None:
        return max(limit, 0)
    return ON_A_SCREEN if form == "table" else IN_A_FILE


def _exit_code(report: Report, *, ignored: bool) -> int:
    return OK if report.is_met or ignored else FINDINGS
