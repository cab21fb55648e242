"""A policy file laid over a snapshot: the policies and their assignments as they would be, for whoever judges them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.errors import Invalid, NotFound
from unsecret.model.identifiers import ZERO_GUID, ObjectId, PolicyId, canonical_guid
from unsecret.model.policy import AppManagementPolicy, TenantDefault
from unsecret.model.snapshot import CUSTOM_POLICIES, DEFAULT_POLICY
from unsecret.wire.exports import default_policy_from_export, policy_from_export
from unsecret.wire.policy_files import FACES, Assignment, PolicyFile, PolicyWish
from unsecret.wire.policy_wishes import find_policy, merged

if TYPE_CHECKING:
    from unsecret.operate.snapshots.snapshot_file import Snapshot


class Proposal(Struct, frozen=True):
    """Every policy as it would be, and which custom policy each object would have. A policy that is not there yet has
    an id that no tenant gives."""

    default: TenantDefault
    policies: tuple[AppManagementPolicy, ...]
    assigned: dict[ObjectId, PolicyId]


def proposed(file: PolicyFile, snapshot: Snapshot) -> Proposal:
    """What `file` would make of the policies in `snapshot`.

    Raises NotFound for a policy or an application that is not there; Invalid for a name that several have, and for what
    Graph would not take, such as a restriction that this software does not know.
    """
    default = next(snapshot.objects(DEFAULT_POLICY), {"id": ZERO_GUID, "isEnabled": False})
    policies = {str(one["id"]): one for one in snapshot.objects(CUSTOM_POLICIES)}
    assigned = _assigned(snapshot)
    linking: list[tuple[PolicyId, Assignment]] = []
    for number, wish in enumerate(file.policies):
        present = find_policy(policies.values(), wish)
        policy_id = PolicyId(str(present["id"]) if present else f"00000000-0000-4000-8000-{number + 1:012d}")
        if wish.absent:
            policies.pop(policy_id, None)
            assigned = {target: one for target, one in assigned.items() if one != policy_id}
            continue
        policies[policy_id] = merged(present or _new(wish, policy_id), wish.wish)
        linking += [(policy_id, one) for one in wish.applies_to]
    for policy_id, assignment in sorted(linking, key=lambda one: not one[1].absent):  # what is freed can be taken
        _assign(snapshot, assigned, policy_id, assignment)
    return Proposal(
        default=default_policy_from_export(merged(default, file.default or {})),
        policies=tuple(policy_from_export(one) for one in policies.values()),
        assigned=assigned,
    )


def _new(wish: PolicyWish, policy_id: PolicyId) -> dict[str, object]:
    return {"id": policy_id, "displayName": wish.display_name, "description": wish.display_name, "isEnabled": False}


def _assigned(snapshot: Snapshot) -> dict[ObjectId, PolicyId]:
    rows = snapshot.database.execute(
        "SELECT object_id, custom_policy_id FROM objects WHERE custom_policy_id IS NOT NULL"
    ).fetchall()
    return {ObjectId(target): PolicyId(policy_id) for target, policy_id in rows}


def _assign(
    snapshot: Snapshot, assigned: dict[ObjectId, PolicyId], policy_id: PolicyId, assignment: Assignment
) -> None:
    for target in _objects(snapshot, assignment):
        present = assigned.get(target)
        if assignment.absent:
            if present == policy_id:
                del assigned[target]
        elif present not in (None, policy_id):
            raise Invalid(
                f"'{assignment.app}' ({target}) has the custom policy {present} already, and can have one only.",
                hint="Say in the file that it leaves that one: absent = true in its appliesTo.",
            )
        else:
            assigned[target] = policy_id


def _objects(snapshot: Snapshot, assignment: Assignment) -> Iterator[ObjectId]:
    guid = canonical_guid(assignment.app)
    column = "list_contains([app_id, object_id], $1)" if guid else "display_name = $1"
    named = snapshot.database.execute(
        f"SELECT DISTINCT app_id FROM objects WHERE {column}", [assignment.app]
    ).fetchall()
    if len(named) > 1:
        listed = ", ".join(sorted(app_id for (app_id,) in named))
        raise Invalid(
            f"Several applications are named '{assignment.app}': {listed}.",
            hint="Name the one that you mean by its appId.",
        )
    rows = (
        snapshot.database.execute("SELECT object_id, kind FROM objects WHERE app_id = $1", list(named[0])).fetchall()
        if named
        else []
    )
    found = {kind: ObjectId(target) for target, kind in rows}
    for face in assignment.faces or [one for one in FACES if one in found]:
        if face not in found:
            raise NotFound(f"'{assignment.app}' has no {face}.")
        yield found[face]
    if not found:
        raise NotFound(f"There is no application '{assignment.app}'.")
