"""Decisions are values, with all their reasons."""

from __future__ import annotations

from msgspec import Struct


class Reason(Struct, frozen=True, kw_only=True):
    """One ground for a refusal.

    `code` and `message` are what a Graph client reads; `rule` is the restriction kind (or the operation, for
    a missing permission); `policy_id` is the policy whose entry decided, None for permissions. `detail_code`
    and `target` fill Graph's `error.details`.
    """

    rule: str
    code: str
    message: str
    policy_id: str | None = None
    detail_code: str | None = None
    target: str | None = None


class Verdict(Struct, frozen=True):
    """Allowed when there is no reason against it. The first reason is the one that Graph would name."""

    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.reasons


ALLOWED = Verdict()
