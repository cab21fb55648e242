"""Who has the custom security attribute by which policies know exempted callers.

https://learn.microsoft.com/en-us/graph/custom-security-attributes-examples
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct

from unsecret.errors import Forbidden, Invalid, Unsupported
from unsecret.operate.policies.entries import Json, entries_of, excluded_callers
from unsecret.wire.questions import ADVANCED, ATTRIBUTES
from unsecret.wire.terms import ATTRIBUTE_SET, CALLERS_ATTRIBUTE, REASON, UNTIL

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

NAMED_BY = {"servicePrincipals": "displayName", "users": "userPrincipalName"}
"""Where callers are, and the member that they are known by."""


class Caller(Struct, frozen=True, kw_only=True):
    """Somebody who calls Graph: a person, or an application by its service principal."""

    collection: str
    id: str
    name: str

    @property
    def path(self) -> str:
        """Where the object is."""
        return f"v1.0/{self.collection}/{self.id}"


class Given(Struct, frozen=True, kw_only=True):
    """A caller who has the attribute, until when, and why."""

    caller: Caller
    until: str
    reason: str | None


class Holders(Struct, frozen=True):
    """Everybody who was found, and a sentence for each collection that could not be asked."""

    given: tuple[Given, ...] = ()
    not_known: tuple[str, ...] = ()


def values_in(policies: Iterable[Json]) -> set[str]:
    """The values of the attribute that policies exempt callers by."""
    pairs = [pair for policy in policies for place in entries_of(policy) for pair in excluded_callers(place.entry)]
    return {value for attribute, value in pairs if attribute == CALLERS_ATTRIBUTE and value}


def read_holders(client: GraphClient, values: set[str]) -> Holders:
    """Everybody whose attribute has one of `values`; without values nobody is asked for."""
    given: list[Given] = []
    not_known = []
    for collection, name in NAMED_BY.items() if values else ():
        try:
            found = objects_with(client, collection, values, members=("id", name))
        except (Forbidden, Unsupported) as problem:
            not_known.append(f"who of the {collection} has {CALLERS_ATTRIBUTE}: {problem.message}")
            continue
        given += [_given(collection, name, one) for one in found]
    return Holders(tuple(given), tuple(not_known))


def objects_with(client: GraphClient, collection: str, values: set[str], *, members: Iterable[str]) -> list[Json]:
    """The objects whose attribute has one of `values`, with `members` and their attributes. Where Graph does not
    answer that question, every object is asked for. Raises Forbidden where attributes may not be read."""
    selected = f"$select={','.join((*members, ATTRIBUTES))}"
    try:
        asked = [
            one
            for value in sorted(values)
            for one in client.pages(_having(collection, value, selected), headers=ADVANCED)
        ]
        return _with(asked, values)
    except Forbidden:
        raise
    except (Invalid, Unsupported):  # perhaps a million, of whom few are kept
        return _with(client.pages(f"v1.0/{collection}?{selected}"), values)


def _having(collection: str, value: str, selected: str) -> str:
    literal = value.replace("'", "''")
    term = quote(f"{ATTRIBUTES}/{ATTRIBUTE_SET}/{UNTIL} eq '{literal}'", safe="'/")
    return f"v1.0/{collection}?$filter={term}&{selected}&$count=true"


def _with(objects: Iterable[Json], values: set[str]) -> list[Json]:
    return [one for one in objects if str(_held(one).get(UNTIL)) in values]


def _given(collection: str, name: str, one: Json) -> Given:
    held = _held(one)
    caller = Caller(collection=collection, id=str(one["id"]), name=str(one.get(name)))
    reason = held.get(REASON)
    return Given(caller=caller, until=str(held[UNTIL]), reason=None if reason is None else str(reason))


def _held(one: Json) -> Json:
    held = one.get(ATTRIBUTES) or {}
    of_ours = held.get(ATTRIBUTE_SET) or {} if isinstance(held, dict) else None
    if not isinstance(of_ours, dict):
        raise Invalid(f"{ATTRIBUTES} of {one.get('id')} cannot be read.", code="UnexpectedAnswer")
    return of_ours
