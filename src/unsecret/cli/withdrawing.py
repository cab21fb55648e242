"""Withdrawing exemptions: the attributes first, then the policies that name them.

Broken off in between, it leaves an entry that exempts nobody. It is listed, and the same command takes it out.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from unsecret.cli.applying import apply_plan
from unsecret.cli.asking import require_yes
from unsecret.cli.exit_codes import ERROR, OK, PENDING
from unsecret.cli.options import now
from unsecret.cli.printing import answer, say, say_error
from unsecret.config import Settings
from unsecret.errors import Conflict, Forbidden
from unsecret.operate.exemptions.callers import take_from
from unsecret.operate.exemptions.ending import Ending, require_free
from unsecret.operate.exemptions.exempt import withdrawal
from unsecret.operate.plans.plan import make_plan
from unsecret.operate.policies.app_policy import read_versioned_policies
from unsecret.operate.policies.block import read_default
from unsecret.wire.terms import CALLERS_ATTRIBUTE

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient
    from unsecret.operate.policies.exempted_callers import Given


def withdraw(
    client: GraphClient,
    ending: Ending,
    *,
    settings: Settings,
    source: str,
    dry_run: bool,
    yes: bool,
    again: str,
    output: str,
) -> int:
    """End these exemptions, after asking. Gives the exit code. What is over ends also where somebody's attribute cannot
    be taken: the entries that name it go, and one who may not be changed would keep all others exempt."""
    if not ending.exempted and not ending.taken:
        answer("No exemption is to be withdrawn.")
        return OK
    wanted = withdrawal(read_default(client)[1], read_versioned_policies(client)[1], ending.exempted)
    plan = make_plan(client, wanted, source=source, now=now())
    _talk(ending)

    left: list[Given] = []

    def take() -> None:
        for one in ending.taken:
            try:
                take_from(client, one, sleep=time.sleep)
            except (Conflict, Forbidden) as problem:
                if not ending.is_over:
                    raise
                say_error(problem, about=f"{one.caller.name} keeps the attribute: ")
                left.append(one)
        require_free(client, ending)

    if ending.taken and not plan.steps and not dry_run:  # others have the same last day and keep it: no policy changes
        names = ", ".join(one.caller.name for one in ending.taken)
        require_yes(f"Take the attribute from {names}?", to=client.connection, yes=yes, can_rehearse=True)
        take()
    code = apply_plan(client, plan, settings=settings, yes=yes, dry_run=dry_run, again=again, output=output, first=take)
    if left and code == OK:
        return ERROR
    return PENDING if dry_run and ending.taken else code


def _talk(ending: Ending) -> None:
    for one in ending.taken:
        say(f"The attribute {CALLERS_ATTRIBUTE} = {one.until} is taken from {one.caller.name}.")
    for one in ending.not_known:
        say(f"note: not known is {one}")
    values = [str(one.value) for one in ending.exempted if one.attribute]
    if values and not ending.taken and not ending.not_known:
        said = " or ".join(dict.fromkeys(values))
        say(f"Nobody has the attribute {CALLERS_ATTRIBUTE} = {said} any more; what names it is taken out.")
