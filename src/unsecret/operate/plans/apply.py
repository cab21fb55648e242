"""Carrying out a plan, step by step: look, note, write, read back, note.

A step says what it found and what it leaves, so each can be asked three things of a tenant: it is still to be done, it
has been done already, or somebody came between. The last refuses the plan, before anything is written if it shows
then. A step that fails ends the apply: those after it were planned on the strength of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct

from unsecret.errors import Conflict, Invalid, NotFound, Unavailable, Unreachable, UnsecretError
from unsecret.operate.graph.client import VISIBLE_PAUSES
from unsecret.operate.plans.journal import Journal
from unsecret.operate.plans.plan import policy_of
from unsecret.operate.plans.steps import Action, Plan, Step
from unsecret.operate.policies import change
from unsecret.operate.policies.app_policy import read_versioned_policies
from unsecret.operate.policies.change import POLICIES, Link, link_policy
from unsecret.operate.policies.entries import ALL_MEMBERS, Json, differences, require_policy

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

Say = Callable[[str], None]


class Became(StrEnum):
    """What became of a step."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    NOT_TRIED = "notTried"


class Outcome(Struct, frozen=True):
    """A step and what became of it. `policy_id` is that of a policy that was made."""

    step: Step
    became: Became
    policy_id: str | None = None
    error: UnsecretError | None = None


def _silent(_words: str) -> None:
    """Tell nobody."""


class Applier:
    """Carries out one plan. `made` maps the name of each policy that it makes to its id; `seen` are custom policies
    that were seen a moment ago, since a list may lag behind."""

    def __init__(
        self,
        client: GraphClient,
        plan: Plan,
        *,
        seen: tuple[Json, ...] = (),
        sleep: Callable[[float], None] = time.sleep,
        say: Say = _silent,
    ):
        self.client = client
        self.plan = plan
        self.seen = seen
        self.sleep = sleep
        self.say = say
        self.made: dict[str, str] = {}
        unlinking = [step for step in plan.steps if step.link and step.action is Action.UNLINK]
        self.leaving = {(_link_of(step).key, step.policy_id) for step in unlinking}
        """What an object may have been bound by until a moment ago."""

    def require_unmoved(self) -> bool:
        """Whether anything is left to do. Nothing is written.

        Raises Conflict when something that the plan was made on is not so any more.
        """
        tenant_id = self.client.tenant_id()
        if self.plan.tenant_id != tenant_id:
            raise Conflict(
                f"The plan was made for the tenant {self.plan.tenant_id}; this one is {tenant_id}.",
                hint="Name that tenant with --tenant or --data.",
                code="OtherTenant",
            )
        left = [step for step in self.plan.steps if not self._is_done(step)]
        return bool(left)

    def carry_out(self, journal: Journal) -> tuple[Outcome, ...]:
        """Do the steps in their order. Every write is in the journal before it is sent, and after it was read back."""
        outcomes: list[Outcome] = []
        for number, step in enumerate(self.plan.steps):
            if any(one.became is Became.FAILED for one in outcomes):
                outcomes.append(Outcome(step, Became.NOT_TRIED))
            else:
                outcomes.append(self._outcome(number, step, journal))
        if not any(one.error and _is_unsure(one.error) for one in outcomes):
            journal.end()
        journal.close()
        return tuple(outcomes)

    def _outcome(self, number: int, step: Step, journal: Journal) -> Outcome:
        self.say(f"{number + 1} of {len(self.plan.steps)}: {step.words}")
        try:
            if self._is_done(step):
                return Outcome(step, Became.UNCHANGED, self.made.get(step.policy_name))
            journal.writing(number, step)
            self._write(step)
        except UnsecretError as problem:
            (journal.unsure if _is_unsure(problem) else journal.failed)(number, step, problem.message)
            return Outcome(step, Became.FAILED, error=problem)
        made = self.made.get(step.policy_name) if step.action is Action.CREATE else None
        journal.written(number, step, made)
        return Outcome(step, Became.CHANGED, made)

    # -- is it done? ----------------------------------------------------------------------------------------

    def _is_done(self, step: Step) -> bool:
        """Whether the tenant says already what the step is to make it say. Raises Conflict when it says neither that
        nor what it said when the plan was made."""
        match step.action:
            case Action.CREATE:
                return self._is_made(step)
            case Action.UPDATE:
                return self._is_changed(step)
            case Action.DELETE:
                return self._is_gone(step)
        link = _link_of(step)
        present = policy_of(self.client, link)
        present_id = str(present["id"]) if present else None
        if step.action is Action.UNLINK:
            return present_id != step.policy_id
        if present_id and present_id != self._policy_id(step) and (link.key, present_id) not in self.leaving:
            name = (present or {}).get("displayName")
            _moved(f"the {link.words} has the custom policy '{name}' ({present_id}) now")
        return present_id is not None and present_id == self._policy_id(step)

    def _is_made(self, step: Step) -> bool:
        _, policies = read_versioned_policies(self.client)
        known = {one["id"]: one for one in (*self.seen, *policies)}
        found = [one for one in known.values() if one.get("displayName") == step.policy_name]
        if not found:
            return False
        wrong = differences(_change_of(step).after, found[0])
        if len(found) > 1 or wrong:
            _moved(f"there is a {step.title} now ({', '.join(str(one['id']) for one in found)})")
        self.made[step.policy_name] = str(found[0]["id"])
        return True

    def _is_changed(self, step: Step) -> bool:
        planned = _change_of(step)
        path = planned.path or ""
        try:
            now = self.client.once_visible(lambda: require_policy(self.client.get(path, headers=ALL_MEMBERS), path))
        except NotFound:
            _moved(f"the {step.title} is not there any more")
        if not differences(planned.after, now):
            return True
        if changed := differences(planned.before or {}, now):
            listed = "; ".join(
                f"{one.what} was {one.expected or 'absent'}, is now {one.found or 'absent'}" for one in changed
            )
            _moved(f"the {step.title} says something else ({listed})")
        return False

    def _is_gone(self, step: Step) -> bool:
        path = f"{step.version}/{POLICIES}/{step.policy_id}"
        try:
            now = require_policy(self.client.get(path, headers=ALL_MEMBERS), path)
        except NotFound:
            return True
        if differences(step.before or {}, now):
            _moved(f"the {step.title}, which is to be deleted, says something else")
        return False

    def _policy_id(self, step: Step) -> str | None:
        return step.policy_id or self.made.get(step.policy_name)

    # -- do it ----------------------------------------------------------------------------------------------

    def _write(self, step: Step) -> None:
        match step.action:
            case Action.CREATE:
                self.made[step.policy_name] = str(self._change(step)["id"])
            case Action.UPDATE:
                self._change(step)
            case Action.LINK:
                self._link(_link_of(step), str(self._policy_id(step)))
            case Action.UNLINK:
                self._unlink(_link_of(step), str(step.policy_id))
            case Action.DELETE:
                self._delete(step)

    def _change(self, step: Step) -> Json:
        return change.apply(self.client, _change_of(step), sleep=self.sleep, say=self.say)

    def _link(self, link: Link, policy_id: str) -> None:
        try:
            self.client.once_visible(lambda: link_policy(self.client, link, policy_id))
        except (Invalid, Conflict):  # it may be ours already, from a write whose answer was lost
            if not self._holds(link, policy_id):
                raise
        self._wait(lambda: self._holds(link, policy_id), f"the {link.words} is not bound by the policy {policy_id}")

    def _unlink(self, link: Link, policy_id: str) -> None:
        with suppress(NotFound):  # likewise; whether it is gone is looked at next
            self.client.send("DELETE", f"v1.0/{link.policies_path}/{policy_id}/$ref")
        self._wait(lambda: not self._holds(link, policy_id), f"the {link.words} is still bound by {policy_id}")

    def _holds(self, link: Link, policy_id: str) -> bool:
        return (policy_of(self.client, link) or {}).get("id") == policy_id

    def _delete(self, step: Step) -> None:
        path = f"v1.0/{POLICIES}/{step.policy_id}"
        self._wait(
            lambda: not any(self.client.pages(f"{path}/appliesTo?$select=id")),
            f"the {step.title} binds objects that it did not bind when the plan was made; it was not deleted",
        )
        self.client.send("DELETE", path)
        self._wait(lambda: self._is_gone(step), f"the {step.title} is still there")

    def _wait(self, holds: Callable[[], bool], otherwise: str) -> None:
        """Look until it holds: reads may lag a write. Raises Conflict when it does not come to hold."""
        for pause in VISIBLE_PAUSES:
            if holds():
                return
            self.say("waiting until the tenant shows it")
            self.sleep(pause)
        if not holds():
            raise Conflict(f"After the write, {otherwise}.", code="ReadBackDiffers")


def wait_for_policy(client: GraphClient, name: str, *, sleep: Callable[[float], None] = time.sleep) -> Json | None:
    """The policy of this name, after having given the tenant time to show it; None when it does not.

    A write of which nobody heard the answer may have made it, and making it again would leave two.
    """
    for pause in (*VISIBLE_PAUSES, 0.0):
        _, policies = read_versioned_policies(client)
        if found := next((one for one in policies if one.get("displayName") == name), None):
            return found
        if pause:
            sleep(pause)
    return None


def _change_of(step: Step) -> change.PolicyChange:
    if step.change is None:
        raise Conflict(f"The plan does not say how to {step.words}.", code="PlanIsIncomplete")
    return step.change


def _link_of(step: Step) -> Link:
    if step.link is None:
        raise Conflict(f"The plan does not say what to {step.words}.", code="PlanIsIncomplete")
    return step.link


def _is_unsure(problem: UnsecretError) -> bool:
    """Whether the write may have been made all the same. The next apply then looks closely."""
    return isinstance(problem, Unreachable | Unavailable) or problem.code == "ReadBackDiffers"


def _moved(what: str) -> NoReturn:
    raise Conflict(
        f"The tenant moved since the plan was made: {what}. The step was not carried out.",
        code="TenantMoved",
        hint="Make a new plan and look at it: unsecret plan FILE",
    )
