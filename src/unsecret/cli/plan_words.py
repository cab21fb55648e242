"""What `plan` and `apply` print of a plan: what is added, changed and taken away, policy by policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from unsecret.cli.printing import harmless, on_one_line, say
from unsecret.cli.words import entry_in_words
from unsecret.operate.plans.steps import Action, Plan, Step

if TYPE_CHECKING:
    from unsecret.operate.policies.change import Line

_NOTHING = ("not set", "not bound")
_SIGNS = {Action.CREATE: "+", Action.DELETE: "-"}


def plan_lines(plan: Plan) -> Iterator[str]:
    """The plan in words, a line each; `+` is added, `~` changed, `-` taken away."""
    return map(on_one_line, _plan_lines(plan))


def _plan_lines(plan: Plan) -> Iterator[str]:
    yield f"Tenant {plan.tenant_id} at {plan.graph}"
    for steps in _by_policy(plan.steps):
        yield ""
        yield f"{_sign(steps)} {_title(steps)}"
        lines = [(entry_in_words(line.what, line.kind), line) for step in steps for line in step.lines]
        width = max((len(what) for what, _line in lines), default=0)
        yield from (f"    {line_sign(line)} {what:{width}}  {_becomes(line)}".rstrip() for what, line in lines)
    yield ""
    yield summary(plan)


def summary(plan: Plan) -> str:
    """How much of what, in one sentence."""
    if not plan.steps:
        return f"Nothing to do: the tenant is as `{plan.source}` would have it."
    signs = [line_sign(line) for step in plan.steps for line in step.lines]
    return f"{signs.count('+')} to add, {signs.count('~')} to change, {signs.count('-')} to take away."


def talk(plan: Plan) -> None:
    """What the operator should know before saying yes."""
    for entry in plan.activates:
        say(f"WARNING: switching it on also activates what the file does not mention: {on_one_line(entry)}")
    for note in plan.notes:
        say(f"note: {on_one_line(note)}")


def plan_content(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "tenant": plan.tenant_id,
        "graph": plan.graph,
        "source": plan.source,
        "pending": bool(plan.steps),
        "steps": [step_content(step) for step in plan.steps],
        "activates": plan.activates,
        "notes": plan.notes,
    }


def step_content(step: Step) -> dict[str, Any]:
    """One step as JSON: what it does, to which policy and object, and what it would send."""
    content: dict[str, Any] = {
        "action": step.action,
        "policy": step.title,
        "policyId": step.policy_id,
        "changes": step.lines,
    }
    if step.link:
        content["object"] = {"collection": step.link.collection, "id": step.link.id, "words": step.link.words}
    if step.change:
        content["requests"] = [
            {"method": method, "path": path, "body": body} for method, path, body in step.change.requests()
        ]
    return content


def line_sign(line: Line) -> str:
    """Whether something is added, taken away or changed."""
    if line.before in _NOTHING:
        return "+"
    return "-" if line.after in _NOTHING else "~"


def _becomes(line: Line) -> str:
    if "bound" in (line.before, line.after):
        return ""
    sign = line_sign(line)
    return harmless({"+": line.after, "-": line.before}.get(sign, f"{line.before} → {line.after}"))


def _by_policy(steps: Iterable[Step]) -> list[list[Step]]:
    found: dict[tuple[str | None, str], list[Step]] = {}
    for step in steps:
        found.setdefault((step.policy_id, step.policy_name), []).append(step)
    return list(found.values())


def _sign(steps: list[Step]) -> str:
    return next((_SIGNS[step.action] for step in steps if step.action in _SIGNS), "~")


def _title(steps: list[Step]) -> str:
    sign = _sign(steps)
    if sign == "+":
        return f"{steps[0].title} (new; the tenant gives it an id)"
    known = f" ({steps[0].policy_id})" if steps[0].policy_id else ""
    return f"{steps[0].title}{known}"


def save_plan(plan: Plan, file: Path) -> None:
    """Write the plan to `file`. Raises Unavailable."""
    from unsecret.cli.answers import write_file
    from unsecret.operate.plans.files import plan_text

    write_file(file, plan_text(plan))
    say(f"Written: {file}. To carry out just this: unsecret apply {quote(str(file))}")
