"""Exemptions as an answer."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from unsecret.cli.answers import Answer, Sheet, day
from unsecret.cli.words import counted
from unsecret.operate.exemptions.exempt import Exempted, State
from unsecret.operate.exemptions.listed import Exemptions
from unsecret.operate.policies.exempted_callers import Holders
from unsecret.rules.restriction_words import restriction_in_words
from unsecret.wire.terms import CALLERS_ATTRIBUTE


class Listed(Struct, frozen=True, kw_only=True):
    """An exemption as JSON says it. `who` is None when it is not known, as with attributes of somebody else's."""

    subject: str
    who: tuple[str, ...] | None
    state: State
    until: date | None
    reason: str | None
    lifted: tuple[str, ...]
    policy: str
    policy_id: str | None
    attribute: str | None
    value: str | None


COLUMNS = ("WHO", "EXEMPT ARE", "STATE", "UNTIL", "REASON", "FROM", "POLICY")


def listing(read: Exemptions, today: date) -> tuple[Answer, bool]:
    """Every exemption, and whether one has ended and is still there."""
    lines = [_listed(one, read.holders, today) for one in read.found]
    ended, endless = (sum(one.state is state for one in lines) for state in (State.ENDED, State.ENDLESS))
    answer = Answer(
        title="Exemptions",
        content={"as_of": today, "exemptions": lines, "not_known": read.holders.not_known},
        sheets=(
            Sheet(
                title="Exemptions",
                columns=COLUMNS,
                rows=[_row(one) for one in lines],
                empty="Nobody and nothing is exempt.",
                spare=("EXEMPT ARE", "POLICY"),
            ),
        ),
        facts=(
            f"{counted(len(lines), 'exemption')}; {counted(ended, 'has', 'have')} ended and not been withdrawn, "
            f"{counted(endless, 'has', 'have')} no last day.",
        )
        if lines
        else (),
        notes=(
            *(("Withdraw what has ended: unsecret exempt expire",) if ended else ()),
            *(f"Not known: {one}" for one in read.holders.not_known),
        ),
    )
    return answer, bool(ended)


def _listed(one: Exempted, holders: Holders, today: date) -> Listed:
    is_ours = one.attribute == CALLERS_ATTRIBUTE
    mine = [held for held in holders.given if is_ours and held.until == one.value]
    is_known = bool(mine) or (is_ours and not holders.not_known)
    callers = tuple(held.caller.name for held in mine) if is_known else None
    reasons = dict.fromkeys(held.reason for held in mine if held.reason)
    return Listed(
        subject=one.subject,
        who=one.who if one.subject == "applications" else callers,
        state=one.state(today),
        until=one.until,
        reason=one.reason or "; ".join(reasons) or None,
        lifted=one.lifted,
        policy=one.policy,
        policy_id=one.policy_id,
        attribute=one.attribute,
        value=one.value,
    )


def _row(one: Listed) -> tuple[str, ...]:
    nobody = "nobody" if one.who == () else f"whoever has {one.attribute} = {one.value}"
    who = ", ".join(one.who) if one.who else nobody
    return (
        who,
        one.subject,
        one.state,
        day(one.until),
        one.reason or "–",
        ", ".join(map(restriction_in_words, one.lifted)),
        one.policy,
    )
