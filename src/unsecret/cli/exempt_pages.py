"""Exemptions as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from unsecret.cli.answers import Answer, Sheet, day
from unsecret.cli.words import counted
from unsecret.operate.exemptions.callers import Given
from unsecret.operate.exemptions.exempt import Exempted, State
from unsecret.rules.restriction_words import restriction_in_words
from unsecret.wire.terms import CALLERS_ATTRIBUTE


class Listed(Struct, frozen=True, kw_only=True):
    """An exemption as JSON says it. `who` is None when nobody can be named, as with attributes of somebody else's."""

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


def listing(found: Sequence[Exempted], holders: Sequence[Given], today: date) -> tuple[Answer, bool]:
    """Every exemption, and whether one has ended and is still there. `holders` have the attribute for callers."""
    lines = [_listed(one, holders, today) for one in found]
    ended, endless = (sum(one.state is state for one in lines) for state in (State.ENDED, State.ENDLESS))
    answer = Answer(
        title="Exemptions",
        content={"as_of": today, "exemptions": lines},
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
            f"{counted(len(found), 'exemption')}; {counted(ended, 'has', 'have')} ended and not been withdrawn, "
            f"{counted(endless, 'has', 'have')} no last day.",
        )
        if found
        else (),
        notes=("Withdraw what has ended: unsecret exempt expire",) if ended else (),
    )
    return answer, bool(ended)


def _listed(one: Exempted, holders: Sequence[Given], today: date) -> Listed:
    mine = [held for held in holders if one.attribute == CALLERS_ATTRIBUTE and held.until == one.value]
    reasons = dict.fromkeys(held.reason for held in mine if held.reason)
    return Listed(
        subject=one.subject,
        who=one.who if one.subject == "applications" else tuple(held.caller.name for held in mine) or None,
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
