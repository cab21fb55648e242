"""Withdrawing exemptions: the policies first, then the attributes that nothing names any more."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from unsecret.cli.applying import apply_plan
from unsecret.cli.asking import require_yes
from unsecret.cli.exit_codes import OK, PENDING
from unsecret.cli.options import now
from unsecret.cli.printing import answer, say
from unsecret.config import Settings
from unsecret.operate.exemptions.callers import give
from unsecret.operate.exemptions.exempt import Exempted, withdrawal
from unsecret.operate.plans.plan import make_plan
from unsecret.operate.policies.app_policy import read_versioned_policies
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.exempted_callers import Given
from unsecret.wire.terms import CALLERS_ATTRIBUTE

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient


def withdraw(
    client: GraphClient,
    ending: Iterable[Exempted],
    taken: tuple[Given, ...],
    *,
    settings: Settings,
    source: str,
    dry_run: bool,
    yes: bool,
    again: str,
    output: str,
) -> int:
    """End the exemptions `ending`, and take the attribute from `taken`, after asking. Gives the exit code."""
    ending = tuple(ending)
    if not ending and not taken:
        answer("No exemption is to be withdrawn.")
        return OK
    wanted = withdrawal(read_default(client)[1], read_versioned_policies(client)[1], ending)
    plan = make_plan(client, wanted, source=source, now=now())
    for one in taken:
        say(f"The attribute {CALLERS_ATTRIBUTE} = {one.until} is taken from {one.caller.name}.")
    if taken and not plan.steps and not dry_run:  # others have the same last day, and keep it: no policy changes
        names = ", ".join(one.caller.name for one in taken)
        require_yes(f"Take the attribute from {names}?", to=client.connection, yes=yes, can_rehearse=True)
    code = apply_plan(client, plan, settings=settings, yes=yes, dry_run=dry_run, again=again, output=output)
    if dry_run:
        return PENDING if taken else code
    if code == OK:
        for one in taken:
            give(client, one.caller, None, None, sleep=time.sleep)
    return code
