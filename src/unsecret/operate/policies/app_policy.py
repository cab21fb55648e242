"""Blocking client secrets for single applications, or exempting them from the block, with custom policies.

A custom policy wins over the tenant default restriction by restriction, and an object can have only one
(https://learn.microsoft.com/en-us/graph/api/resources/applicationauthenticationmethodpolicy). Hence:

* an application without one gets its own, linked to its app registration and to its service principal;
* one that has a policy which binds nothing else gets that policy edited, whoever made it;
* one that shares its policy with others is refused, because editing would change the others as well, and
  taking it out would drop what the shared policy says about it. That choice is the operator's.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from unsecret.errors import Conflict, Invalid, NotFound, Unsupported
from unsecret.model.identifiers import canonical_guid
from unsecret.operate.policies.block import Wanted, common_exclusions, dormant, rewritten, section_body, switch_line
from unsecret.operate.policies.change import POLICIES, Line, Link, PolicyChange
from unsecret.operate.policies.entries import (
    ALL_MEMBERS,
    CUSTOM,
    Json,
    collection_of,
    entry_of,
    is_enabled,
    require_policy,
)
from unsecret.operate.policies.targets import Face, Target
from unsecret.wire.instants import format_instant
from unsecret.wire.policies import LONGEST_NAME
from unsecret.wire.policy_shapes import require_policy_shape

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

MADE_BY = "Made by unsecret"


class Holding(Struct, frozen=True):
    """The custom policy that binds a face of an application, if any, and which other objects it binds."""

    face: Face
    policy: Json | None
    others: tuple[str, ...]


def read_holdings(client: GraphClient, target: Target) -> tuple[Holding, ...]:
    """For each face of `target` its custom policy, as beta shows it, and who else is bound by that."""
    own = {face.link.id for face in target.faces}
    return tuple(_holding(client, face, own) for face in target.faces)


def _holding(client: GraphClient, face: Face, own: set[str]) -> Holding:
    linked = next(iter(client.pages(f"v1.0/{face.link.policies_path}")), None)
    if linked is None:
        return Holding(face, None, ())
    path = f"beta/{POLICIES}/{linked['id']}"
    policy = require_policy(client.once_visible(lambda: client.get(path, headers=ALL_MEMBERS)), path)
    bound = read_bound(client, str(linked["id"]))
    others = [f"{one.get('displayName')} ({one.get('id')})" for one in bound if one.get("id") not in own]
    return Holding(face, policy, tuple(others))


def read_bound(client: GraphClient, policy_id: str) -> list[Json]:
    """What a custom policy is linked to, each with its id, name and type. A policy that was shown a moment ago is
    waited for. Raises Invalid for an answer of another form."""
    path = f"v1.0/{POLICIES}/{policy_id}/appliesTo?$select=id,displayName"
    bound = client.once_visible(lambda: list(client.pages(path)))
    if not all(isinstance(one, dict) for one in bound):  # as somebody else's snapshot may have it
        raise Invalid(f"{path} lists something that is no object.", code="UnexpectedAnswer")
    return bound


def read_custom_policies(client: GraphClient) -> tuple[Json, ...]:
    """Every custom policy, as beta shows it if the tenant has beta, else as v1.0 does."""
    return read_versioned_policies(client)[1]


def read_versioned_policies(client: GraphClient) -> tuple[str, tuple[Json, ...]]:
    """The same, with the version that showed them. Raises Invalid for what is no policy."""
    try:
        return "beta", _listed(client, f"beta/{POLICIES}")
    except (NotFound, Unsupported):
        return "v1.0", _listed(client, f"v1.0/{POLICIES}")


def _listed(client: GraphClient, path: str) -> tuple[Json, ...]:
    found = tuple(client.pages(path, headers=ALL_MEMBERS))
    for policy in found:
        require_policy_shape(policy, path)
        if not policy.get("id"):
            raise Invalid(f"{path} holds a policy without an id.", code="UnexpectedAnswer")
    return found


def read_policy(client: GraphClient, policy_id: str) -> tuple[Json, tuple[str, ...]]:
    """A custom policy as beta shows it, and whom it binds. Raises Invalid for what is no id, NotFound."""
    guid = canonical_guid(policy_id)
    if guid is None:
        raise Invalid(f"'{policy_id}' is no id of a policy.", hint="See the custom policies: unsecret status")
    path = f"beta/{POLICIES}/{guid}"
    policy = require_policy(client.get(path, headers=ALL_MEMBERS), path)
    bound = read_bound(client, guid)
    return policy, tuple(f"{one.get('displayName')} ({one.get('id')})" for one in bound)


def plan_for_policy(policy: Json, bound: tuple[str, ...], wanted: Wanted) -> PolicyChange:
    """How a custom policy is made to say `wanted` for everything that it binds."""
    return _edited(policy, wanted, (f"It binds {', '.join(bound) or 'nothing'}.",))


def exemptions(policies: Iterable[Json], wanted: Wanted) -> tuple[str, ...]:
    """A sentence for each custom policy that frees what it is linked to from what the tenant default is to say."""
    return tuple(
        f"The custom policy '{policy.get('displayName')}' ({policy.get('id')}) exempts whatever it is linked to."
        for policy in policies
        if policy.get("isEnabled") and any(_is_lifted(policy, wanted.group, kind) for kind in wanted.kinds)
    )


def _is_lifted(policy: Json, group: str, kind: str) -> bool:
    entry = entry_of(collection_of(policy, CUSTOM, group), kind)
    return entry is not None and not is_enabled(entry)


def plan_for_app(target: Target, holdings: Iterable[Holding], wanted: Wanted) -> tuple[PolicyChange, ...]:
    """What is to be done so that `wanted` holds for every face of `target`; without pending ones, nothing.

    Raises Conflict when a policy is shared with other objects, Invalid when `start` leaves the application out.
    """
    holdings = tuple(holdings)
    _require_bound(target, wanted)
    for holding in holdings:
        require_unshared(target, holding)
    free = tuple(holding.face.link for holding in holdings if holding.policy is None)
    edits = [_edit(target, holding, wanted) for holding in _each_policy_once(holdings)]
    if not free:
        changes = edits
    elif len(edits) == 1 and is_ours(edits[0].before or {}):
        changes = [_with_links(edits[0], free)]
    else:
        changes = [*edits, _creation(target, free, wanted)]
    return _noting_what_escapes(target, changes)


def _noting_what_escapes(target: Target, changes: list[PolicyChange]) -> tuple[PolicyChange, ...]:
    """A service principal that is made later takes no link over from its application, and so would escape."""
    if any(face.link.collection != "applications" for face in target.faces):
        return tuple(changes)
    first, *others = changes
    note = f"'{target.display_name}' has no service principal yet; once it has one, run this again to bind that, too."
    return (replace(first, notes=(*first.notes, note)), *others)


def is_ours(policy: Json) -> bool:
    """Whether `unsecret` made this custom policy."""
    return str(policy.get("description") or "").startswith(MADE_BY)


def _require_bound(target: Target, wanted: Wanted) -> None:
    """A date that leaves the application out would free it: the custom entry wins, and does not bind it."""
    before = [face for face in target.faces if wanted.start and face.created_at and face.created_at < wanted.start]
    if before and wanted.start:
        created = format_instant(before[0].created_at) if before[0].created_at else ""
        raise Invalid(
            f"The {before[0].link.words} was created at {created}, before {format_instant(wanted.start)}: an entry "
            "with that date would not bind it, and would even free it from the tenant default.",
            hint="Leave --from out when you name applications.",
        )


def require_unshared(target: Target, holding: Holding) -> None:
    """Raises Conflict when the policy of a face binds other objects, which changing it would change as well."""
    policy = holding.policy
    if policy is None or not holding.others:
        return
    link = holding.face.link
    unlinking = ("unsecret", "graph", "DELETE", f"/{link.policies_path}/{policy.get('id')}/$ref")
    raise Conflict(
        f"'{target.display_name}' shares the custom policy '{policy.get('displayName')}' ({policy.get('id')}) with "
        f"{', '.join(holding.others)}; changing it would change them, too, so nothing was changed.",
        code="PolicyIsShared",
        hint="If this application may leave that policy and all that it says, unlink it and run the command again: "
        f"{shlex.join(unlinking)}",
    )


def _each_policy_once(holdings: Iterable[Holding]) -> tuple[Holding, ...]:
    return tuple({one.policy["id"]: one for one in holdings if one.policy is not None}.values())


def _edit(target: Target, holding: Holding, wanted: Wanted) -> PolicyChange:
    policy = holding.policy or {}
    name = policy.get("displayName")
    made_by = "" if is_ours(policy) else f"'{name}' was not made by unsecret; it binds '{target.display_name}' only."
    return _edited(policy, wanted, (made_by,) if made_by else ())


def _edited(policy: Json, wanted: Wanted, notes: tuple[str, ...]) -> PolicyChange:
    collection, lines = rewritten(policy, CUSTOM, wanted, common_exclusions(policy, (CUSTOM,), wanted))
    after: Json = {**policy, "isEnabled": True}
    body: Json = {"isEnabled": True}
    if lines:
        after[CUSTOM] = {**(policy.get(CUSTOM) or {}), wanted.group: collection}
        body[CUSTOM] = section_body(after[CUSTOM], "beta", [wanted.group])
    return PolicyChange(
        title=f"custom policy '{policy.get('displayName')}'",
        version="beta",
        path=f"beta/{POLICIES}/{policy['id']}",
        before=policy,
        body=body,
        after=after,
        lines=(*switch_line(policy), *lines),
        activates=dormant(policy, wanted),
        notes=notes,
    )


def _with_links(change: PolicyChange, free: tuple[Link, ...]) -> PolicyChange:
    return replace(change, links=free, lines=(*change.lines, *_link_lines(free, "the same policy")))


def _creation(target: Target, free: tuple[Link, ...], wanted: Wanted) -> PolicyChange:
    collection, lines = rewritten({}, CUSTOM, wanted, None)
    body = {
        "displayName": f"unsecret: {target.display_name}"[:LONGEST_NAME],
        "description": f"{MADE_BY} for the application {target.app_id}. "
        "What it says about credentials wins over the tenant default; all else follows the tenant default.",
        "isEnabled": True,
        CUSTOM: {wanted.group: collection},
    }
    return PolicyChange(
        title=f"custom policy '{body['displayName']}'",
        version="v1.0",
        path=None,
        before=None,
        body=body,
        after=body,
        lines=(*_link_lines(free, "a policy of its own"), *lines),
        links=free,
    )


def _link_lines(free: tuple[Link, ...], policy: str) -> tuple[Line, ...]:
    return tuple(Line(link.words, "follows the tenant default", f"has {policy}") for link in free)
