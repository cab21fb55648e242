"""Which exemptions end, and from whom the attribute is taken: of an application, of a caller, or all that are over.

Each is found again after a withdrawal that was broken off. The attribute is taken before the entry that names it, so
that what is left is an entry which exempts nobody: every tenant shows those. An attribute that no entry names would be
asked about by nobody, and would exempt its holder once somebody else gets the same last day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.errors import Conflict, NotFound
from unsecret.operate.exemptions.callers import given_to
from unsecret.operate.exemptions.exempt import Exempted, State, exempted_applications, last_day
from unsecret.operate.exemptions.listed import Exemptions, read_exemptions, read_policies_with_links
from unsecret.operate.policies.app_policy import read_holdings, require_unshared
from unsecret.operate.policies.exempted_callers import Caller, Given, read_holders
from unsecret.wire.terms import CALLERS_ATTRIBUTE

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient
    from unsecret.operate.policies.targets import Target


class Ending(Struct, frozen=True):
    """The exemptions that end, and the attributes that are taken first. `not_known` says whose attributes could not be
    read. `is_over`: the last day of all is gone, so that nobody gets it any more, and an attribute that cannot be taken
    exempts nobody once no entry names it."""

    exempted: tuple[Exempted, ...]
    taken: tuple[Given, ...] = ()
    not_known: tuple[str, ...] = ()
    is_over: bool = False


def over(client: GraphClient, today: date) -> Ending:
    """Every exemption whose last day is before `today`."""
    read = read_exemptions(client)
    return Ending(
        tuple(one for one in read.found if one.state(today) is State.ENDED),
        tuple(one for one in read.holders.given if (day := last_day(one.until)) and day < today),
        read.holders.not_known,
        is_over=True,
    )


def of_application(client: GraphClient, target: Target) -> Ending:
    """The exemption of `target`, also one that binds nothing any more. Raises NotFound where there is none, Conflict
    where its policy is shared with others."""
    found = exempted_applications(read_policies_with_links(client))
    holdings = read_holdings(client, target)
    held = {str(one.policy["id"]) for one in holdings if one.policy}
    ending = tuple(one for one in found if one.until and (one.policy_id in held or _is_left_of(target, one)))
    if not ending:
        raise _no_exemption(target.display_name)
    for one in holdings:
        require_unshared(target, one)
    return Ending(ending)


def _is_left_of(target: Target, one: Exempted) -> bool:
    """Whether it is what a broken withdrawal leaves: the policy that was made for `target`, unlinked from it."""
    return one.who == () and one.made_for == target.app_id


def of_caller(client: GraphClient, caller: Caller) -> Ending:
    """The exemption of `caller`. Of one who has none (any more), the entries by which nobody is exempt: one of them may
    be what a broken withdrawal left. Raises NotFound where there is nothing of the kind, Forbidden where the attributes
    of `caller` may not be read."""
    mine = given_to(client, caller)  # asked for by itself: it may be that no policy names it
    read = read_exemptions(client)
    free = tuple(_needed_by_nobody_else(read, caller))
    if mine is None and not free:
        raise _no_exemption(caller.name)
    ending = tuple(one for one in free if one.value == mine.until) if mine else free
    return Ending(ending, (mine,) if mine else (), read.holders.not_known)


def require_free(client: GraphClient, ending: Ending) -> None:
    """Raises Conflict where somebody got an attribute meanwhile that an ending entry names: the entry is theirs now.
    What is over nobody gets any more."""
    values = {one.value for one in ending.exempted if one.attribute and one.value} if not ending.is_over else set()
    known = {one.caller.id for one in ending.taken}  # what finds them may lag behind what was taken
    others = [one.caller.name for one in read_holders(client, values).given if one.caller.id not in known]
    if others:
        taken = "".join(f"The attribute was taken from {one.caller.name}. " for one in ending.taken)
        raise Conflict(
            f"{taken}The entries that name it stay: {', '.join(others)} got the same last day meanwhile.",
            code="ChangedMeanwhile",
            hint="See what there is: unsecret exempt list",
        )


def _needed_by_nobody_else(read: Exemptions, caller: Caller) -> Iterator[Exempted]:
    """The entries of the tenant default for attributes that nobody but `caller` has; none where that is not known."""
    others = {one.until for one in read.holders.given if one.caller.id != caller.id}
    for one in read.found if not read.holders.not_known else ():
        is_ours = one.attribute == CALLERS_ATTRIBUTE and one.policy_id is None and one.until is not None
        if is_ours and one.value not in others:
            yield one


def _no_exemption(who: str) -> NotFound:
    return NotFound(f"'{who}' has no exemption with a term.", hint="See what there is: unsecret exempt list")
