"""From a policy file to the steps that make a tenant say what it says. Reading only.

The order of the steps is a matter of safety: what frees comes before what binds. First custom policies, then what they
are linked to, then the tenant default; what is taken away comes last. Whoever stops halfway has broken nothing that
the whole would not break.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.errors import Conflict, Invalid, NotFound
from unsecret.operate.plans.steps import (
    Action,
    Plan,
    Step,
    body_of,
    changed_spots,
    difference_lines,
    spots_of,
)
from unsecret.operate.policies.app_policy import read_versioned_policies
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.change import POLICIES, Link, PolicyChange
from unsecret.operate.policies.entries import DEFAULT_TITLE, Json, entry_meaning, in_words, is_enabled
from unsecret.operate.policies.portal_shape import divergences
from unsecret.operate.policies.targets import KINDS, Target, resolve
from unsecret.wire.policy_files import Assignment, PolicyFile, PolicyWish
from unsecret.wire.policy_wishes import find_policy, merged

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

Notes = Callable[[Json], Iterable[str]]
"""What is worth knowing of a policy as it would be."""

COLLECTION_OF = {"application": "applications", "servicePrincipal": "servicePrincipals"}


class Policy(Struct, frozen=True):
    """A custom policy that the file mentions: its wish, and what the tenant has of it."""

    wish: PolicyWish
    present: Json | None

    @property
    def policy_id(self) -> str | None:
        """Its id; None while it is only about to be made."""
        return str(self.present["id"]) if self.present else None

    @property
    def name(self) -> str:
        """What it is called now."""
        return str((self.present or {}).get("displayName") or self.wish.display_name)


def make_plan(
    client: GraphClient,
    file: PolicyFile,
    *,
    source: str,
    now: datetime,
    seen: Iterable[Json] = (),
    say: Callable[[str], None] = lambda _words: None,
) -> Plan:
    """What has to be done so that the tenant says what `file` says. `say` is told what is being looked up.

    `seen` are custom policies that were seen a moment ago: a list may lag behind.

    Raises Conflict when the file is for another tenant; Invalid for what cannot be: a name that several have, an
    application in two policies, an entry that lacks what it measures by; NotFound for an application, or a policy's id,
    that is not there.
    """
    require_for_tenant(file, client.tenant_id())
    version, present = read_versioned_policies(client) if file.policies else ("beta", ())
    ids = {one["id"] for one in present}
    present = (*present, *(one for one in seen if one["id"] not in ids))
    policies = [Policy(wish, find_policy(present, wish)) for wish in file.policies]
    custom = [step for one in policies if (step := _custom_step(one, version))]
    moves, notes = _Assigning(client, policies, say).steps()
    default = _default_step(client, file.default) if file.default is not None else None
    gone = [_deletion(one, version) for one in policies if one.wish.absent and one.present]
    entered = {step.link.key for step in moves if step.link and step.action is Action.LINK}
    last = [step for step in moves if step.link and step.action is Action.UNLINK and step.link.key not in entered]
    first = [step for step in moves if step not in last]
    steps = (*custom, *first, *([default] if default else []), *last, *gone)
    told = [note for step in steps if step.change for note in step.change.notes]
    return Plan(
        tenant_id=client.tenant_id(),
        graph=client.connection.source,
        made_at=now,
        source=source,
        steps=steps,
        notes=(*told, *notes),
    )


def require_for_tenant(file: PolicyFile, tenant_id: str) -> None:
    """Raises Conflict when `file` says that it is for another tenant: the names in it may mean something else here."""
    if file.tenant_id is not None and file.tenant_id != tenant_id:
        raise Conflict(
            f"The file is for the tenant {file.tenant_id} only (tenantId); this one is {tenant_id}.",
            code="OtherTenant",
            hint="Name that tenant with --tenant. To use what the file says here, take its line tenantId out.",
        )


def _default_step(client: GraphClient, wish: Json) -> Step | None:
    path, present = read_default(client)
    title = DEFAULT_TITLE
    change = _change(title, path.split("/", 1)[0], path, present, merged(present, wish), notes=divergences)
    return Step(action=Action.UPDATE, policy_name=title, change=change) if change.is_pending else None


def _custom_step(policy: Policy, version: str) -> Step | None:
    if policy.wish.absent:
        return None
    title = f"custom policy '{policy.name}'"
    if policy.present is None:
        name = policy.wish.display_name
        new = merged({"displayName": name, "description": name, "isEnabled": False}, policy.wish.wish)
        change = _change(title, version, None, None, new, notes=_off)
        return Step(action=Action.CREATE, policy_name=policy.name, change=change)
    path = f"{version}/{POLICIES}/{policy.policy_id}"
    after = merged(policy.present, policy.wish.wish)
    change = _change(title, version, path, policy.present, after, notes=_off)
    if not change.is_pending:
        return None
    return Step(action=Action.UPDATE, policy_name=policy.name, policy_id=policy.policy_id, change=change)


def _change(
    title: str, version: str, path: str | None, before: Json | None, after: Json, *, notes: Notes
) -> PolicyChange:
    _require_measures(title, before or {}, after)
    lines = tuple(difference_lines(before or {}, after))
    is_switched_on = bool(after.get("isEnabled")) and before is not None and not before.get("isEnabled")
    return PolicyChange(
        title=title,
        version=version,
        path=path,
        before=before,
        body=body_of(before or {}, after, version) if lines else {},
        after=after,
        lines=lines,
        activates=_unmentioned(before, after) if is_switched_on and before else (),
        notes=tuple(f"{title}: {note}" for note in notes(after)) if lines else (),
    )


def _unmentioned(before: Json, after: Json) -> tuple[str, ...]:
    """Entries that stay as they are and begin to bind all the same."""
    changed = changed_spots(before, after)
    kept = [place for spot, place in spots_of(before).items() if spot not in changed and is_enabled(place.entry)]
    return tuple(f"{place.words} ({in_words(place.entry)})" for place in kept)


def _off(policy: Json) -> Iterator[str]:
    if not policy.get("isEnabled"):
        yield "it is off, and binds and frees nobody until the file says isEnabled = true."


def _require_measures(title: str, before: Json, after: Json) -> None:
    """An enabled lifetime without a lifetime is refused here: some tenants would take it and keep nothing."""
    places = spots_of(after)
    for spot in changed_spots(before, after):
        entry = entry_meaning(places[spot].entry) if spot in places else {}
        if spot[2].endswith("Lifetime") and entry.get("state") == "enabled" and not entry.get("maxLifetime"):
            raise Invalid(f"{title}: {spot[2]} needs a maxLifetime, such as P90D, to be enabled.")


def _deletion(policy: Policy, version: str) -> Step:
    return Step(
        action=Action.DELETE,
        policy_name=policy.name,
        policy_id=policy.policy_id,
        before=policy.present,
        version=version,
    )


class _Assigning:
    """Which object is to leave which policy, and which is to enter one. Objects are told by collection and id."""

    def __init__(self, client: GraphClient, policies: Iterable[Policy], say: Callable[[str], None]):
        self.client = client
        self.say = say
        self.policies = list(policies)
        self.notes: list[str] = []
        self.targets: dict[str, Target | NotFound] = {}
        self.present: dict[tuple[str, str], Json | None] = {}
        self.entering: dict[tuple[str, str], tuple[Link, Policy]] = {}
        self.leaving: dict[tuple[str, str], list[tuple[Link, Policy]]] = {}

    def steps(self) -> tuple[list[Step], tuple[str, ...]]:
        apps = list(dict.fromkeys(one.app for policy in self.policies for one in policy.wish.applies_to))
        self.targets = dict(zip(apps, self.client.each(self._found, apps), strict=True))
        for policy in self.policies:
            self._of_deleted(policy) if policy.wish.absent else self._of(policy)
        links = [link for link, _ in (*self.entering.values(), *itertools.chain(*self.leaving.values()))]
        bound = self.client.each(lambda link: policy_of(self.client, link), links)
        self.present = {link.key: one for link, one in zip(links, bound, strict=True)}
        steps = [step for link, policy in self.entering.values() for step in self._entry(link, policy)]
        goners = [one for key, several in self.leaving.items() if key not in self.entering for one in several]
        steps += [_linking(Action.UNLINK, link, policy) for link, policy in goners if self._has(link, policy)]
        return steps, tuple(self.notes)

    def _found(self, app: str) -> Target | NotFound:
        self.say(f"looking up the application '{app}'")
        try:
            return resolve(self.client, [app])[0]
        except NotFound as problem:
            return problem

    def _of_deleted(self, policy: Policy) -> None:
        """A policy is unlinked object by object before it goes: what becomes of the links of one that is deleted, no
        page of Graph's says."""
        if not policy.present:
            return
        path = f"v1.0/{POLICIES}/{policy.policy_id}/appliesTo?$select=id,displayName"
        try:
            bound = list(self.client.pages(path))
        except NotFound:  # it went while we looked; the step that deletes it looks again
            return
        for one in bound:
            collection = COLLECTION_OF.get(str(one.get("@odata.type")).rpartition(".")[2])
            if collection is None:
                what = f"{one.get('id')}, which is neither an app registration nor a service principal"
                raise Invalid(f"The custom policy '{policy.name}' applies to {what}.")
            self._leave(Link(collection, str(one["id"]), f"{KINDS[collection]} '{one.get('displayName')}'"), policy)

    def _of(self, policy: Policy) -> None:
        for assignment in policy.wish.applies_to:
            for link in self._links(assignment, policy):
                if assignment.absent:
                    self._leave(link, policy)
                else:
                    self._enter(link, policy)

    def _leave(self, link: Link, policy: Policy) -> None:
        self.leaving.setdefault(link.key, []).append((link, policy))

    def _enter(self, link: Link, policy: Policy) -> None:
        _, other = self.entering.setdefault(link.key, (link, policy))
        if other is not policy:
            raise Invalid(
                f"The file puts the {link.words} into two policies, '{other.name}' and '{policy.name}'; "
                "an application can have one."
            )

    def _links(self, assignment: Assignment, policy: Policy) -> Iterator[Link]:
        target = self.targets[assignment.app]
        if isinstance(target, NotFound):
            if not assignment.absent:
                raise target
            self.notes.append(f"There is no application '{assignment.app}' to be taken out of '{policy.name}'.")
            return
        found = {face.link.collection: face.link for face in target.faces}
        for collection in [COLLECTION_OF[face] for face in assignment.faces] or found:
            if collection in found:
                yield found[collection]
            elif not assignment.absent:
                raise NotFound(f"'{target.display_name}' has no {KINDS[collection]} in this tenant.")
        if not assignment.faces and "servicePrincipals" not in found and not assignment.absent:
            self.notes.append(
                f"'{target.display_name}' has no service principal yet; once it has one, it is bound by another apply."
            )

    def _entry(self, link: Link, policy: Policy) -> Iterator[Step]:
        present = self.present[link.key]
        if present is None or present["id"] != policy.policy_id:
            if present:
                yield self._exit(link, present, policy)
            yield _linking(Action.LINK, link, policy)

    def _exit(self, link: Link, present: Json, policy: Policy) -> Step:
        for _, left in self.leaving.get(link.key, ()):
            if left.policy_id == present["id"]:
                return _linking(Action.UNLINK, link, left)
        raise Invalid(
            f"The {link.words} has the custom policy '{present.get('displayName')}' ({present['id']}) already, and can "
            f"have one only; it cannot be put into '{policy.name}' as well.",
            hint="If it may leave that one, and all that it says, write so under that policy: "
            f'appliesTo = [{{ app = "{link.id}", absent = true }}]',
        )

    def _has(self, link: Link, policy: Policy) -> bool:
        present = self.present[link.key]
        return present is not None and present["id"] == policy.policy_id


def _linking(action: Action, link: Link, policy: Policy) -> Step:
    return Step(action=action, policy_name=policy.name, policy_id=policy.policy_id, link=link)


def policy_of(client: GraphClient, link: Link) -> Json | None:
    """The custom policy that an object has; None when it has none."""
    return next(iter(client.pages(f"v1.0/{link.policies_path}")), None)
