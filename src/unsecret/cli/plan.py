"""`unsecret plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unsecret.cli.exit_codes import OK, PENDING
from unsecret.cli.options import Data, Output, SnapshotFile, TenantName, now
from unsecret.cli.printing import as_json, lines_of_a_list, progress, say
from unsecret.cli.source import reading
from unsecret.config import read_settings
from unsecret.model.times_in_words import instant_in_words

File = Annotated[Path, Parameter(metavar="FILE", help="A policy file; docs/reference/policy-file.md describes it.")]
Out = Annotated[
    Path | None,
    Parameter(
        name="--out",
        metavar="PLAN",
        help="Save the plan to this file. `unsecret apply PLAN` carries out just that, or nothing if the tenant moved.",
    ),
]


def plan(
    file: File,
    /,
    *,
    out: Out = None,
    snapshot: SnapshotFile = None,
    tenant: TenantName = None,
    data: Data = None,
    output: Output = None,
) -> int:
    """Show what would change if the tenant were made to say what a policy file says. Changes nothing.

    What is added is marked `+`, what is changed `~`, what is taken away `-`, entry by entry. What the file does not
    mention stays as it is: policies, sections, entries, members of entries, exempted callers, assignments. To take
    something away, the file says `absent = true` of it. Exemptions whose last day is over are withdrawn, too. Exit
    code 2 when there is something to change.

    `unsecret export` writes such a file of what is there. With --snapshot the plan is for the tenant as it was then;
    `unsecret apply` refuses it where the tenant has moved since.

    **Examples**

        unsecret plan policies.toml
        unsecret plan policies.toml --out monday.plan
        unsecret plan policies.toml --snapshot contoso.snapshot
        unsecret plan policies.toml -o json
    """
    from unsecret.cli.plan_words import plan_content, plan_lines, save_plan, talk
    from unsecret.operate.exemptions.listed import with_ended_withdrawn
    from unsecret.operate.plans.files import read_policies, require_place
    from unsecret.operate.plans.journal import folder_of, interrupted
    from unsecret.operate.plans.plan import make_plan

    settings = read_settings()
    wanted = read_policies(file)
    if out:
        require_place(out)
    with reading(settings, snapshot=snapshot, data=data, tenant=tenant, verb="plan") as (client, at):
        if before := interrupted(folder_of(settings.state, client.tenant_id())):
            say(f"note: {before.words}")
        wanted, ended = with_ended_withdrawn(client, wanted, at.date())
        made = make_plan(client, wanted, source=str(file), now=now(), say=progress())
    if snapshot:
        say(f"note: This is asked of the tenant as {snapshot} shows it, of {instant_in_words(at)}.")
    for sentence in ended:
        say(f"note: {sentence}")
    talk(made)
    if (output or settings.output) == "json":
        as_json(plan_content(made))
    else:
        lines_of_a_list(plan_lines(made))
    if out:
        save_plan(made, out)
    return PENDING if made.steps else OK
