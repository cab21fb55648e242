"""How a tenant stands: its default policy, its custom policies, and who still holds secrets.

What was asked for and not answered becomes an entry of `not_known`, never a silent zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.errors import Forbidden, Invalid, NotFound, Unsupported
from unsecret.operate.policies.app_policy import read_bound, read_custom_policies
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.entries import Json, entries_of, in_words, is_enabled
from unsecret.operate.policies.portal_shape import divergences
from unsecret.operate.policies.targets import KINDS
from unsecret.wire.instants import parse_instant

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

NEVER_KNOWN = ("whether a secret is still used: policies and credentials do not say; sign-in logs do",)
"""What no answer of these calls contains."""


class Restriction(Struct, frozen=True):
    """One entry in words. `binds` is whether it is enabled in a policy that is on."""

    what: str
    kind: str
    says: str
    binds: bool


class Bound(Struct, frozen=True):
    """What a custom policy is linked to. `kind` is Graph's type: `application` or `servicePrincipal`."""

    kind: str
    id: str
    display_name: str


class Custom(Struct, frozen=True):
    """One custom policy, what it says, and whom it binds; `applies_to` is None when that could not be read."""

    id: str
    name: str
    is_enabled: bool
    restrictions: tuple[Restriction, ...]
    applies_to: tuple[Bound, ...] | None


class Holders(Struct, frozen=True):
    """How many objects there are, how many hold client secrets, and for how many all of those have expired."""

    total: int
    with_secrets: int
    with_expired_secrets_only: int


class Status(Struct, frozen=True, kw_only=True):
    """The whole answer, as things stood at `as_of`. None is what is not known; of the default policy all or nothing
    is."""

    tenant_id: str
    organisation: str | None
    graph: str
    as_of: datetime
    policy_id: str | None
    is_enabled: bool | None
    restrictions: tuple[Restriction, ...] | None
    custom_policies: tuple[Custom, ...] | None
    applications: Holders | None
    service_principals: Holders | None
    warnings: tuple[str, ...]
    not_known: tuple[str, ...]


def read_status(client: GraphClient, *, now: datetime, say: Callable[[str], None] = lambda _words: None) -> Status:
    """Read everything. `say` is told what is being read. Raises what the default policy's GET raises,
    unless there is no such policy to be read: a snapshot of somebody else's files may hold none."""
    unknown: list[str] = []
    default = _default(client, unknown)
    say("reading custom policies")
    customs = _known(unknown, "custom policies", lambda: _customs(client, unknown))
    say("reading app registrations")
    applications = _known(unknown, "applications", lambda: _holders(client, "applications", now, say))
    say("reading service principals")
    principals = _known(unknown, "service principals", lambda: _holders(client, "servicePrincipals", now, say))
    return Status(
        tenant_id=client.connection.tenant_id,
        organisation=_known(unknown, "the organisation's name", lambda: _organisation(client)),
        graph=client.connection.source,
        as_of=now,
        policy_id=None if default is None else str(default.get("id")),
        is_enabled=None if default is None else bool(default["isEnabled"]),
        restrictions=None if default is None else _restrictions(default),
        custom_policies=customs,
        applications=applications,
        service_principals=principals,
        warnings=(*_warnings(default), *_idle(customs or ())),
        not_known=(*unknown, *NEVER_KNOWN),
    )


def _default(client: GraphClient, unknown: list[str]) -> Json | None:
    try:
        return read_default(client)[1]
    except Unsupported as problem:
        unknown.append(f"the default policy: {problem.message}")
        return None


def _known(unknown: list[str], what: str, read: Callable[[], Any]) -> Any:
    """What `read` gives; None, and a line in `unknown`, when the caller may not read it or it is not there."""
    try:
        return read()
    except (Forbidden, NotFound, Unsupported) as problem:
        unknown.append(f"{what}: {problem.message}")
        return None


def _organisation(client: GraphClient) -> str | None:
    return next((str(one.get("displayName")) for one in client.pages("v1.0/organization")), None)


def _restrictions(policy: Json) -> tuple[Restriction, ...]:
    on = bool(policy.get("isEnabled"))
    return tuple(
        Restriction(place.words, place.kind, in_words(place.entry), on and is_enabled(place.entry))
        for place in entries_of(policy)
    )


def _customs(client: GraphClient, unknown: list[str]) -> tuple[Custom, ...]:
    return tuple(_custom(client, policy, unknown) for policy in read_custom_policies(client))


def _custom(client: GraphClient, policy: Json, unknown: list[str]) -> Custom:
    name, policy_id = str(policy.get("displayName")), str(policy["id"])
    bound = _known(unknown, f"whom '{name}' binds", lambda: _bound(client, policy_id))
    return Custom(policy_id, name, bool(policy.get("isEnabled")), _restrictions(policy), bound)


def _bound(client: GraphClient, policy_id: str) -> tuple[Bound, ...]:
    return tuple(
        Bound(
            kind=str(one.get("@odata.type", "object")).removeprefix("#microsoft.graph."),
            id=str(one.get("id")),
            display_name=str(one.get("displayName")),
        )
        for one in read_bound(client, policy_id)
    )


def _holders(client: GraphClient, collection: str, now: datetime, say: Callable[[str], None]) -> Holders:
    total = holding = expired = 0
    for one in client.pages(f"v1.0/{collection}?$select=id,passwordCredentials&$top=999"):
        total += 1
        if total % 5000 == 0:
            say(f"reading {KINDS[collection]}s: {total} so far")
        secrets = _secrets(one)
        holding += bool(secrets)
        expired += bool(secrets) and all(_has_ended(secret, now) for secret in secrets)
    return Holders(total, holding, expired)


def _secrets(one: Json) -> list[Json]:
    """The secrets of an object. Raises Invalid for an answer of another form, as somebody else's snapshot may have."""
    found = one.get("passwordCredentials") or []
    if not isinstance(found, list) or not all(isinstance(secret, dict) for secret in found):
        raise Invalid(f"The passwordCredentials of {one.get('id')} are not a list of objects.", code="UnexpectedAnswer")
    return found


def _has_ended(secret: Json, now: datetime) -> bool:
    end = secret.get("endDateTime")
    return bool(end) and parse_instant(end) <= now


def _warnings(default: Json | None) -> Iterable[str]:
    if default is None:
        return
    asleep = [place.words for place in entries_of(default) if is_enabled(place.entry)]
    if not default["isEnabled"] and asleep:
        yield f"The default policy is off; {len(asleep)} enabled entries bind nobody until it is on."
    yield from divergences(default)


def _idle(customs: Iterable[Custom]) -> Iterable[str]:
    for custom in customs:
        if custom.applies_to == ():
            yield f"The custom policy '{custom.name}' ({custom.id}) binds nothing."
