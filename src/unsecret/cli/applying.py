"""What `apply` does with its file: take up what was left, plan, ask, carry out, say what has become of each change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from unsecret.cli.asking import require_yes
from unsecret.cli.exit_codes import ERROR, OK, PENDING
from unsecret.cli.options import now
from unsecret.cli.plan_words import plan_content, plan_lines, step_content, summary, talk
from unsecret.cli.printing import answer, as_json, lines_of_a_list, progress, say, say_error
from unsecret.cli.reaching import today
from unsecret.config import Settings
from unsecret.operate.exemptions.listed import with_ended_withdrawn
from unsecret.operate.plans.apply import Applier, Became, Outcome, wait_for_policy
from unsecret.operate.plans.files import read_plan_or_policies
from unsecret.operate.plans.journal import Interrupted, Journal, alone, continued, folder_of, interrupted
from unsecret.operate.plans.plan import make_plan
from unsecret.operate.plans.rollback import head, rollback_of
from unsecret.operate.plans.steps import Plan
from unsecret.wire.policy_file_text import policy_file_text
from unsecret.wire.policy_files import Json

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient


BECAME = {
    Became.CHANGED: "done",
    Became.UNCHANGED: "was so already",
    Became.FAILED: "failed",
    Became.NOT_TRIED: "not tried",
}


def apply_file(client: GraphClient, file: Path, *, settings: Settings, yes: bool, again: str, output: str) -> int:
    """Carry out the policy file or the saved plan in `file`, after asking. Gives the exit code.

    Raises Conflict when another apply is under way, or when the tenant moved since the plan was made.
    """
    folder = folder_of(settings.state, client.tenant_id())
    with alone(folder, now=now()):
        before = interrupted(folder)
        seen = _take_up(client, before, again) if before else ()
        plan, is_pending = _plan_of(client, file, seen)
        if is_pending:
            talk(plan)
            applier = Applier(client, plan, seen=seen, say=progress())
            code = _change(applier, folder, yes=yes, output=output, again=again)
        else:
            code = _nothing(plan, output)
        if before and code == OK:
            continued(before, now=now())
        return code


def again_there(data: Path | None, tenant: str | None) -> str:
    """The options with which another command speaks to the same tenant: what undoes a change must not meet another."""
    return f" --data {quote(str(data))}" if data else f" --tenant {quote(tenant)}" if tenant else ""


def apply_plan(
    client: GraphClient,
    plan: Plan,
    *,
    settings: Settings,
    yes: bool,
    dry_run: bool,
    again: str,
    output: str,
    first: Callable[[], None] = lambda: None,
) -> int:
    """Carry out a plan that a verb made by itself, after asking, or show it only. Gives the exit code.

    `first` is done once that is agreed, before anything of the plan is.

    Raises Conflict when an apply is under way, or when the tenant moved since the plan was made.
    """
    if not plan.steps:
        return _nothing(plan, output)
    talk(plan)
    if dry_run:
        if output == "json":
            as_json(plan_content(plan))
        else:
            lines_of_a_list(plan_lines(plan))
        say("Nothing was changed: this was a dry run.")
        return PENDING
    folder = folder_of(settings.state, client.tenant_id())
    with alone(folder, now=now()):
        applier = Applier(client, plan, say=progress())
        return _change(applier, folder, yes=yes, output=output, again=again, first=first)


def _take_up(client: GraphClient, before: Interrupted, again: str) -> tuple[Json, ...]:
    """Say what is known of an apply that did not end. Gives the policy that it made without hearing of it, if any."""
    say(f"note: {before.words} What is left of it is planned anew.")
    way_back = f"unsecret apply {quote(str(before.rollback))}{again}"
    say(f"To go back to before it, once what follows was taken back: {way_back}")
    if not before.making:
        return ()
    say(f"Looking whether the policy '{before.making}' was made …")
    found = wait_for_policy(client, before.making)
    return (found,) if found else ()


def _plan_of(client: GraphClient, file: Path, seen: tuple[Json, ...]) -> tuple[Plan, bool]:
    """The plan, and whether anything of it is left to do."""
    read = read_plan_or_policies(file)
    if isinstance(read, Plan):
        return read, Applier(client, read, seen=seen).require_unmoved()
    wanted, ended = with_ended_withdrawn(client, read, today(client))
    for sentence in ended:
        say(f"note: {sentence}")
    plan = make_plan(client, wanted, source=str(file), now=now(), seen=seen, say=progress())
    return plan, bool(plan.steps)


def _nothing(plan: Plan, output: str) -> int:
    if output == "json":
        as_json({**plan_content(plan), "journal": None, "rollback": None})
    else:
        answer(summary(plan) if not plan.steps else "Nothing to do: all of the plan was carried out already.")
    return OK


def _change(
    applier: Applier, folder: Path, *, yes: bool, output: str, again: str, first: Callable[[], None] = lambda: None
) -> int:
    plan = applier.plan
    if output == "table":
        lines_of_a_list(plan_lines(plan))
    elif not yes:
        say("\n".join(plan_lines(plan)))
    sys.stdout.flush()
    require_yes("Make these changes?", to=applier.client.connection, yes=yes, can_rehearse=False)
    applier.require_unmoved()
    first()
    comments = head(plan, [step.words for step in plan.steps])
    journal = Journal(folder, plan, rollback=policy_file_text(rollback_of(plan), comments=comments), clock=now)
    try:
        outcomes = applier.carry_out(journal)
    except KeyboardInterrupt:
        say(f"\nStopped. What was done is in {journal.path}; to finish, give the same command again.")
        raise
    _print(plan, outcomes, journal, output=output, again=again)
    return ERROR if any(one.became is Became.FAILED for one in outcomes) else OK


def _print(plan: Plan, outcomes: tuple[Outcome, ...], journal: Journal, *, output: str, again: str) -> None:
    if output == "json":
        told = [_outcome_content(one) for one in outcomes]
        files = {"journal": str(journal.path), "rollback": str(journal.rollback)}
        as_json({**plan_content(plan), "steps": told, **files})
    else:
        answer()
        made = (f" ({one.policy_id})" if one.policy_id else "" for one in outcomes)
        lines_of_a_list(f"{BECAME[one.became]}: {one.step.words}{id_}" for one, id_ in zip(outcomes, made, strict=True))
    for one in outcomes:
        if one.error:
            say_error(one.error, about=f"{one.step.words}: ")
    if any(one.became is Became.FAILED for one in outcomes):
        say("What was done stays; the rest was not tried. To go on once that is mended, give the same command again.")
    else:
        say("Done, and read back: everything else is as it was.")
    say(f"To go back: unsecret apply {quote(str(journal.rollback))}{again}")


def _outcome_content(one: Outcome) -> dict[str, Any]:
    content = {**step_content(one.step), "outcome": one.became}
    if one.policy_id:
        content["policyId"] = one.policy_id
    if one.error:
        content["error"] = {"code": one.error.code, "message": one.error.message}
    return content
