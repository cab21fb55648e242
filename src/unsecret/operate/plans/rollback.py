"""A plan turned round: the policy file that gives back what was there before it was carried out."""

from __future__ import annotations

from collections.abc import Iterable

from unsecret.operate.plans.plan import COLLECTION_OF
from unsecret.operate.plans.steps import Action, Plan, Step
from unsecret.operate.policies.change import Link
from unsecret.wire.policy_files import Assignment, Json, PolicyFile, PolicyWish
from unsecret.wire.policy_wishes import wish_back, wish_of

_WORDS = {collection: face for face, collection in COLLECTION_OF.items()}


def rollback_of(plan: Plan) -> PolicyFile:
    """What undoes `plan` in its own tenant, also when only part of it was carried out. A policy that the plan deletes
    comes back under a new id; all else is as it was."""
    default = next((_wish_back(step) for step in plan.steps if step.change and _is_default(step)), None)
    keys = dict.fromkeys((step.policy_id, step.policy_name) for step in plan.steps if not _is_default(step))
    return PolicyFile(
        default=default or None,
        policies=tuple(_policy([one for one in plan.steps if (one.policy_id, one.policy_name) == key]) for key in keys),
        tenant_id=plan.tenant_id,
    )


def _is_default(step: Step) -> bool:
    return step.action is Action.UPDATE and step.policy_id is None


def _wish_back(step: Step) -> Json:
    return wish_back(step.change.before or {}, step.change.after) if step.change else {}


def _policy(steps: list[Step]) -> PolicyWish:
    """What undoes the steps of one custom policy."""
    policy_id, name = steps[0].policy_id, steps[0].policy_name
    if any(step.action is Action.CREATE for step in steps):
        return PolicyWish(display_name=name, absent=True)
    links = tuple(_assignment(step.link, absent=step.action is Action.LINK) for step in steps if step.link)
    deleted = next((step.before for step in steps if step.action is Action.DELETE), None)
    if deleted is not None:
        return PolicyWish(display_name=name, wish=_without_name(wish_of(deleted)), applies_to=links)
    wish = next((_wish_back(step) for step in steps if step.change), {})
    return PolicyWish(policy_id=policy_id, display_name=name, wish=_without_name(wish), applies_to=links)


def _without_name(wish: Json) -> Json:
    """The name stands beside the wish; see PolicyWish."""
    return {name: one for name, one in wish.items() if name != "displayName"}


def _assignment(link: Link, *, absent: bool) -> Assignment:
    return Assignment(app=link.id, faces=(_WORDS[link.collection],), absent=absent, name=link.words)


def head(plan: Plan, undone: Iterable[str]) -> tuple[str, ...]:
    """The comments at the head of a rollback file."""
    return (
        f"Gives back what was there before {plan.source} was applied to the tenant {plan.tenant_id}.",
        "To use it: unsecret apply THIS FILE",
        "It takes back:",
        *(f"  {words}" for words in undone),
    )
