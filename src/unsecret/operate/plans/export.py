"""A tenant's policies, with what they are linked to, as a policy file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from unsecret.model.policy import DEFAULT_POLICY_DESCRIPTION, DEFAULT_POLICY_NAME
from unsecret.operate.policies.app_policy import read_versioned_policies
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.change import POLICIES
from unsecret.operate.policies.entries import Json, entries_of, in_words
from unsecret.wire.policy_file_text import in_order
from unsecret.wire.policy_files import FACES, Assignment, PolicyFile, PolicyWish
from unsecret.wire.policy_wishes import is_tellable, wish_of

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

_USUAL = {"displayName": DEFAULT_POLICY_NAME, "description": DEFAULT_POLICY_DESCRIPTION}
"""What every tenant's default policy is called; a file that repeats it says nothing."""


def export_policies(client: GraphClient) -> tuple[PolicyFile, tuple[str, ...]]:
    """All policies of the tenant as a file, and a sentence for each thing that the file does not say.

    Policies are known by their names, so that the file can be used on another tenant; by their ids where several have
    one name.
    """
    _, default = read_default(client)
    _, policies = read_versioned_policies(client)
    names = Counter(str(one.get("displayName") or "") for one in policies)
    left_out = [*_untold(default, "the tenant default policy")]
    wishes = []
    applied = client.each(lambda policy: _assignments(client, str(policy["id"])), policies)
    for policy, (assignments, strange) in zip(policies, applied, strict=True):
        name = str(policy.get("displayName") or "")
        left_out += _untold(policy, f"the custom policy '{name}'")
        wish = {member: told for member, told in wish_of(policy).items() if member != "displayName"}
        left_out += [f"the custom policy '{name}' applies to {one}" for one in strange]
        wishes.append(
            PolicyWish(
                policy_id=str(policy["id"]).lower() if names[name] > 1 or not name.strip() else None,
                display_name=name or None,
                wish=wish,
                applies_to=assignments,
            )
        )
    told = {member: one for member, one in wish_of(default).items() if one != _USUAL.get(member, ...)}
    return PolicyFile(default=told, policies=in_order(wishes)), tuple(left_out)


def _untold(policy: Json, whose: str) -> list[str]:
    return [
        f"{whose}: {place.words} ({in_words(place.entry)}), which "
        + ("Microsoft set" if place.entry.get("isStateSetByMicrosoft") is True else "a policy file cannot say")
        for place in entries_of(policy)
        if not is_tellable(place.group, place.kind, place.entry)
    ]


def _assignments(client: GraphClient, policy_id: str) -> tuple[tuple[Assignment, ...], list[str]]:
    path = f"v1.0/{POLICIES}/{policy_id}/appliesTo?$select=id,appId,displayName"
    faces: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    strange = []
    for one in client.once_visible(lambda: list(client.pages(path))):
        kind, app_id = str(one.get("@odata.type")).rpartition(".")[2], str(one.get("appId") or "").lower()
        if kind in FACES and app_id:
            faces.setdefault(app_id, []).append(kind)
            names.setdefault(app_id, str(one.get("displayName")))
        else:
            strange.append(f"{one.get('id')} ({kind})")
    listed = [
        Assignment(
            app=app_id,
            faces=() if set(kinds) == set(FACES) else tuple(face for face in FACES if face in kinds),
            name=names[app_id],
        )
        for app_id, kinds in faces.items()
    ]
    return tuple(sorted(listed, key=lambda one: (one.name.casefold(), one.app))), strange
