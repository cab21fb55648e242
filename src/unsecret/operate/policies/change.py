"""A change of one policy as a value, and the only function that carries such a change out.

Before it writes it reads the policy again and refuses when somebody changed it meanwhile; afterwards it reads
back and refuses to call it done unless the policy says exactly what was planned, every other entry included.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from unsecret.errors import Conflict, NotFound, UnsecretError
from unsecret.operate.graph.client import VISIBLE_PAUSES, GraphClient
from unsecret.operate.policies.entries import ALL_MEMBERS, Difference, Json, differences, require_policy

POLICIES = "policies/appManagementPolicies"


class Line(Struct, frozen=True):
    """One thing that changes, in words. `kind` is the restrictionType where it is an entry of a policy."""

    what: str
    before: str
    after: str
    kind: str | None = None


class Link(Struct, frozen=True):
    """An object that a custom policy is to bind. `collection` is `applications` or `servicePrincipals`."""

    collection: str
    id: str
    words: str

    @property
    def key(self) -> tuple[str, str]:
        """Which object it is."""
        return self.collection, self.id

    @property
    def policies_path(self) -> str:
        """The collection that holds this object's custom policy, of which there is at most one."""
        return f"{self.collection}/{self.id}/appManagementPolicies"


class PolicyChange(Struct, frozen=True, kw_only=True):
    """What is to be done to one policy.

    `path` names the policy, None when it is to be made. `before` is the policy as it was read, `body` what is
    sent, `after` the whole policy as it must read afterwards. `activates` names entries that nobody asked
    for and that begin to bind because the policy is switched on; `notes` is what the operator should know.
    """

    title: str
    version: str
    path: str | None
    before: Json | None
    body: Json
    after: Json
    lines: tuple[Line, ...]
    links: tuple[Link, ...] = ()
    activates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_pending(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.lines)

    def requests(self) -> tuple[tuple[str, str, Json], ...]:
        """What will be sent: method, path and body of each write."""
        first = ("PATCH", self.path, self.body) if self.path else ("POST", f"{self.version}/{POLICIES}", self.body)
        reference = {"@odata.id": f"…/v1.0/{POLICIES}/{self.policy_id or '{id of the new policy}'}"}
        return (first, *(("POST", f"v1.0/{link.policies_path}/$ref", reference) for link in self.links))

    @property
    def policy_id(self) -> str:
        """The id of the policy; empty while it has none."""
        return str((self.before or {}).get("id") or "")


def apply(
    client: GraphClient,
    change: PolicyChange,
    *,
    sleep: Callable[[float], None] = time.sleep,
    say: Callable[[str], None] = lambda _words: None,
) -> Json:
    """Carry `change` out and return the policy as it reads afterwards. `say` is told what is waited for.

    Raises Conflict when the policy was changed since it was read (then nothing was written), or when it
    does not read as planned afterwards (then the message says what differs).
    """
    path, expected = _update(client, change, change.path) if change.path else _create(client, change)
    return _read_back(client, change, path, expected, _telling(sleep, say))


def _update(client: GraphClient, change: PolicyChange, path: str) -> tuple[str, Json]:
    mark = _require_unchanged(client, change, path)
    client.send("PATCH", path, body=change.body, headers={"If-Match": mark} if mark else None)
    for link in change.links:
        link_policy(client, link, change.policy_id)
    return path, change.after


def _require_unchanged(client: GraphClient, change: PolicyChange, path: str) -> str | None:
    """Graph's mark of the version that is about to be replaced, if it gives one; PATCH then insists on it.

    Graph does not promise one for these policies, so the policy itself is compared as well.
    """
    now = client.send("GET", path, headers=ALL_MEMBERS)
    changed = differences(change.before or {}, require_policy(now.body, path))
    if changed:
        seen = _listed(changed, "was", "is now")
        raise Conflict(
            f"Somebody changed the {change.title} meanwhile ({seen}), or the tenant's reads lag a change; "
            "nothing was written.",
            code="PolicyChangedMeanwhile",
            hint="Run the command again to see what it would do now.",
        )
    return now.etag


def _create(client: GraphClient, change: PolicyChange) -> tuple[str, Json]:
    created = require_policy(client.send("POST", f"{change.version}/{POLICIES}", body=change.body).body, POLICIES)
    policy_id = str(created["id"])
    linked: list[Link] = []
    try:
        for link in change.links:
            client.once_visible(lambda link=link: link_policy(client, link, policy_id))
            linked.append(link)
    except UnsecretError as problem:
        raise _half_done(client, problem, policy_id, linked) from problem
    return f"{change.version}/{POLICIES}/{policy_id}", {**created, **change.after}


def link_policy(client: GraphClient, link: Link, policy_id: str) -> None:
    """Make the custom policy bind the object."""
    reference = {"@odata.id": f"{client.connection.graph}/v1.0/{POLICIES}/{policy_id}"}
    client.send("POST", f"v1.0/{link.policies_path}/$ref", body=reference)


def _half_done(client: GraphClient, problem: UnsecretError, policy_id: str, linked: list[Link]) -> Conflict:
    """What to say when a policy was made and could not be linked. One that binds nothing is taken away again."""
    if not linked:
        client.send("DELETE", f"v1.0/{POLICIES}/{policy_id}")
        left = "The policy that was made for it was deleted again; nothing has changed."
    else:
        left = f"The policy {policy_id} stands, and binds {', '.join(link.words for link in linked)} only."
    return Conflict(f"{problem.message} {left}", code=problem.code, hint=problem.hint)


def _telling(sleep: Callable[[float], None], say: Callable[[str], None]) -> Callable[[float], None]:
    def wait(seconds: float) -> None:
        say("written; waiting until the tenant shows it")
        sleep(seconds)

    return wait


def _read_back(
    client: GraphClient, change: PolicyChange, path: str, expected: Json, sleep: Callable[[float], None]
) -> Json:
    found, wrong = _look(client, change, path, expected)
    for pause in VISIBLE_PAUSES:
        if not wrong:
            return found
        sleep(pause)
        found, wrong = _look(client, change, path, expected)
    if wrong:
        raise Conflict(
            f"The {change.title} was written, and does not read as it should: {_listed(wrong, 'should be', 'is')}.",
            code="ReadBackDiffers",
            hint="See the whole of it: unsecret status -o json",
        )
    return found


def _look(client: GraphClient, change: PolicyChange, path: str, expected: Json) -> tuple[Json, tuple[Difference, ...]]:
    try:
        found = require_policy(client.get(path, headers=ALL_MEMBERS), path)
    except NotFound:  # made a moment ago, and not to be seen everywhere yet
        return {}, (Difference(change.title, "there", None),)
    wrong = differences(expected, found)
    for link in change.links:
        bound = [str(one.get("id")) for one in client.pages(f"v1.0/{link.policies_path}")]
        if found.get("id") not in bound:
            wrong += (Difference(f"policy of {link.words}", str(found.get("id")), ", ".join(bound) or None),)
    return found, wrong


def _listed(found: tuple[Difference, ...], expected: str, actual: str) -> str:
    return "; ".join(
        f"{one.what} {expected} {one.expected or 'absent'}, {actual} {one.found or 'absent'}" for one in found
    )
