"""The law: may this change be made to this object?

    for every restriction that governs the object and binds this call:
        for everything that the change would add:
            a violation is a reason

Nothing short-circuits and nothing raises: a refusal carries all its reasons. Only additions are judged, so what is
there already is left in peace, removals are always allowed, and no policy stops an application from signing in.
https://learn.microsoft.com/en-us/graph/api/resources/applicationauthenticationmethodpolicy
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from unsecret.model.change import Actor, Addition, Governed
from unsecret.model.policy import AppManagementPolicy, TenantDefault
from unsecret.model.verdict import Reason, Verdict
from unsecret.rules.governing import binds, governing
from unsecret.rules.restrictions import RULES, reason


def decide(
    default: TenantDefault,
    custom: AppManagementPolicy | None,
    governed: Governed,
    change: Sequence[Addition],
    actor: Actor,
    *,
    now: datetime,  # noqa: ARG001 - no restriction reads the clock yet; callers hand it in as to every decision
) -> Verdict:
    """The verdict on `change`, which lists what the request would add.

    `custom` is the policy linked to the object, enabled or not. `governed` is the object as it will be; for an object
    that is being created, `created_at` is now. Reasons come in the order of RULES, then in that of the change, and each
    of them once.
    """
    reasons: list[Reason] = []
    for rule in RULES:
        seen = [added for added in change if rule.looks_at(added)]
        found = governing(rule.kind, default, custom, governed) if seen else None
        if found and binds(found[1], governed, actor):
            policy, entry = found
            broken = (added for added in seen if rule.violated(added, entry, governed))
            reasons += (reason(rule, added, entry, governed, policy.id) for added in broken)
    return Verdict(tuple(dict.fromkeys(reasons)))
