"""Exemptions that outlived the day until which they were granted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from unsecret.model.profile import Requirement
from unsecret.operate.checks.findings import Finding, Subject
from unsecret.operate.exemptions.exempt import Exempted, State, exemptions_in
from unsecret.operate.policies.block import DEFAULT_POLICY
from unsecret.operate.policies.change import POLICIES
from unsecret.operate.policies.entries import Json

EXEMPTION_ENDED = "exemption-ended"
ADVICE = "It withdraws every exemption whose last day is over; made for a schedule, every night."


def exemption_findings(asked: Requirement, default: Json, customs: Iterable[Json], today: date) -> Iterator[Finding]:
    """Each exemption whose last day is over on `today`, and that is still in the tenant."""
    for one in exemptions_in(default, customs):
        if one.state(today) is State.ENDED:
            yield _finding(asked, one)


def _finding(asked: Requirement, one: Exempted) -> Finding:
    lifted = ", ".join(one.lifted)
    whom = f"callers with {one.attribute}={one.value}" if one.attribute else ", ".join(one.who or ()) or "nobody"
    place = f"{POLICIES}/{one.policy_id}" if one.policy_id else DEFAULT_POLICY
    return Finding(
        id=f"{asked.id}/{EXEMPTION_ENDED}/{one.policy_id or 'default'}/{one.value or one.subject}",
        requirement=asked.id,
        check=EXEMPTION_ENDED,
        severity=asked.severity,
        subject=Subject(words=f"exemption of {whom}", path=place, policy_id=one.policy_id, display_name=one.policy),
        why=f"It was granted until {one.until}, and still lifts {lifted}.",
        evidence=(f"in the policy '{one.policy}'", *([f"granted because: {one.reason}"] if one.reason else [])),
        mend="unsecret exempt expire",
        advice=ADVICE,
        standards=asked.standards,
    )
