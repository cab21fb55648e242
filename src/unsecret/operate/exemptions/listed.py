"""Every exemption of a tenant, and who has the attribute of those of callers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from unsecret.operate.exemptions.exempt import Exempted, State, exemptions_in, withdrawal
from unsecret.operate.policies.app_policy import read_bound, read_versioned_policies
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.entries import Json
from unsecret.operate.policies.exempted_callers import Holders, read_holders, values_in
from unsecret.wire.policy_files import PolicyFile
from unsecret.wire.terms import term_in

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

_ADVICE = "Take it out of the file, or give it a later last day."


class Exemptions(Struct, frozen=True, kw_only=True):
    """Every exemption of a tenant, and who has the attribute that those of callers name."""

    found: tuple[Exempted, ...]
    holders: Holders


def read_policies_with_links(client: GraphClient) -> tuple[Json, ...]:
    """Every custom policy, each with what it applies to as `appliesTo`."""
    return tuple(
        {**policy, "appliesTo": read_bound(client, str(policy["id"]))} for policy in read_versioned_policies(client)[1]
    )


def read_exemptions(client: GraphClient) -> Exemptions:
    """All exemptions, and who has the attribute, as far as it may be read."""
    default, policies = read_default(client)[1], read_policies_with_links(client)
    return Exemptions(
        found=exemptions_in(default, policies),
        holders=read_holders(client, values_in((default, *policies))),
    )


def with_ended_withdrawn(client: GraphClient, wanted: PolicyFile, today: date) -> tuple[PolicyFile, tuple[str, ...]]:
    """`wanted` and, besides, the withdrawal of every exemption that has ended, with a sentence for each. What the file
    itself speaks of is left to the file; where it would keep or make one that has ended, a sentence says so."""
    default, policies = read_default(client)[1], read_versioned_policies(client)[1]
    found = exemptions_in(default, policies)
    ended = tuple(one for one in found if one.state(today) is State.ENDED)
    ending = tuple(one for one in ended if not _is_mentioned(one, wanted))
    kept = tuple(_kept(one) for one in ended if one not in ending)
    gone = withdrawal(default, policies, ending)
    both = replace(
        wanted,
        default=wanted.default if gone.default is None else _joined(wanted.default or {}, gone.default),
        policies=(*wanted.policies, *gone.policies),
    )
    made = _made_anew(wanted, today, known=[one.policy for one in found])
    return both, (*(_withdrawn(one) for one in ending), *kept, *made)


def _made_anew(wanted: PolicyFile, today: date, *, known: list[str]) -> Iterator[str]:
    """A file of before, in which an exemption stands that has ended and was withdrawn since."""
    for wish in wanted.policies:
        term = term_in(wish.wish.get("description"))
        if term and term.until < today and wish.display_name not in known:
            yield f"The file makes the exemption by '{wish.display_name}', which ended on {term.until}. {_ADVICE}"


def _kept(one: Exempted) -> str:
    return f"The file keeps the exemption {_by(one)}, which ended on {one.until}. {_ADVICE}"


def _is_mentioned(one: Exempted, wanted: PolicyFile) -> bool:
    if one.policy_id is None:
        return "excludeActors" in str(wanted.default)
    return any(wish.policy_id == one.policy_id or wish.display_name == one.policy for wish in wanted.policies)


def _joined(wish: Json, other: Json) -> Json:
    """Two wishes that do not speak of the same members."""
    joined = dict(wish)
    for name, value in other.items():
        both = isinstance(value, dict) and isinstance(joined.get(name), dict)
        joined[name] = _joined(joined[name], value) if both else value
    return joined


def _withdrawn(one: Exempted) -> str:
    return f"The exemption {_by(one)} ended on {one.until}, and is withdrawn."


def _by(one: Exempted) -> str:
    return f"by '{one.policy}'" if one.policy_id else f"of callers with {one.attribute} = {one.value}"
