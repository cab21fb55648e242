"""App management policies, in and out of Graph's JSON.

The law of a PATCH: what the body leaves out keeps its value; objects are merged member by member; a collection
is replaced as a whole; null clears. A v1.0 body can neither say nor clear what only beta shows.
https://learn.microsoft.com/en-us/graph/api/tenantappmanagementpolicy-update
https://learn.microsoft.com/en-us/graph/api/appmanagementpolicy-update
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec import structs

from unsecret.model.identifiers import PolicyId
from unsecret.model.policy import (
    BETA_KINDS,
    CREDENTIAL_GROUPS,
    GROUP_OF,
    AppManagementPolicy,
    Restriction,
    RestrictionGroup,
    RestrictionKind,
    Restrictions,
    TenantDefault,
)
from unsecret.wire import expect
from unsecret.wire.restrictions import entry_from_graph, named_from_graph, restriction_to_graph

_CREDENTIALS = tuple(group for group in RestrictionGroup if group in CREDENTIAL_GROUPS)
_APPLICATION_ONLY = tuple(group for group in RestrictionGroup if group not in CREDENTIAL_GROUPS)
_BETA_GROUPS = frozenset(
    group for group in RestrictionGroup if all(k in BETA_KINDS for k, of in GROUP_OF.items() if of is group)
)
_SHOWN_AS_NULL = frozenset({RestrictionGroup.IDENTIFIER_URIS, RestrictionGroup.AUDIENCES})
"""What beta shows as null when empty (recorded: https://github.com/microsoft/entra-apps-identifier-uri-protection);
v1.0 leaves it out (https://learn.microsoft.com/en-us/graph/api/tenantappmanagementpolicy-get)."""

_SECTIONS = {
    "applicationRestrictions": ("application_restrictions", tuple(RestrictionGroup)),
    "servicePrincipalRestrictions": ("service_principal_restrictions", _CREDENTIALS),
}
"""The sections of the tenant default: the field behind each and what can stand in it."""

LONGEST_NAME = 256
"""Characters of a policy's displayName, as Microsoft's own scripts cut it
(https://github.com/microsoft/entra-apps-identifier-uri-protection, GrantAppExemption.ps1)."""

_READ_ONLY = ("id", "deletedDateTime")
_PLACE = {group: index for index, group in enumerate(RestrictionGroup)}
_KIND_PLACE = {kind: index for index, kind in enumerate(RestrictionKind)}


def default_policy_to_graph(policy: TenantDefault, *, beta: bool) -> dict[str, Any]:
    """`policies/defaultAppManagementPolicy` without its `@odata.context`."""
    return {
        "id": policy.id,
        "displayName": policy.display_name,
        "description": policy.description,
        "isEnabled": policy.is_enabled,
        **{
            name: _groups_to_graph(getattr(policy, field), groups, beta=beta)
            for name, (field, groups) in _SECTIONS.items()
        },
    }


def default_policy_from_graph(body: Any, *, current: TenantDefault, beta: bool) -> TenantDefault:
    """The tenant default after a PATCH with `body`. Raises Invalid, naming the member, and then nothing is changed.

    `id` and `deletedDateTime` in the body are ignored, so that what was read can be written back, here or in
    another tenant. The first write gives the policy its real id; that is up to the caller.
    """
    members = expect.an_object(body, "", ("displayName", "description", "isEnabled", *_SECTIONS, *_READ_ONLY))
    changes = _texts_and_switch(members)
    for name, (field, groups) in _SECTIONS.items():
        if name in members:
            changes[field] = _section_from_graph(members[name], getattr(current, field), name, groups, beta=beta)
    return structs.replace(current, **changes)


def policy_to_graph(policy: AppManagementPolicy, *, beta: bool) -> dict[str, Any]:
    """One of `policies/appManagementPolicies`, without its `@odata.context`. What binds only applications stands
    in `restrictions.applicationRestrictions`, null when there is nothing."""
    shown = any(not _hidden(r, beta=beta) and r.group in _APPLICATION_ONLY for r in policy.restrictions)
    return {
        "id": policy.id,
        "displayName": policy.display_name,
        "description": policy.description,
        "isEnabled": policy.is_enabled,
        "restrictions": {
            **_groups_to_graph(policy.restrictions, _CREDENTIALS, beta=beta),
            "applicationRestrictions": _groups_to_graph(policy.restrictions, _APPLICATION_ONLY, beta=beta)
            if shown
            else None,
        },
    }


def policy_reference_to_graph(policy: AppManagementPolicy, root: str) -> dict[str, str]:
    """The address of a custom policy below `root`, made as the documented one of the tenant's default
    (https://learn.microsoft.com/en-us/graph/api/tenantappmanagementpolicy-get)."""
    return {"@odata.id": f"{root}/appManagementPolicies/{policy.id}"}


def policy_from_graph(
    body: Any, *, current: AppManagementPolicy | None, policy_id: PolicyId, beta: bool
) -> AppManagementPolicy:
    """The custom policy that a POST (`current` None) or a PATCH with `body` makes. Raises Invalid, naming the member.

    A POST needs `displayName` and `description` (https://learn.microsoft.com/en-us/graph/api/appmanagementpolicy-post);
    without `isEnabled` the policy is switched off.
    """
    members = expect.an_object(body, "", ("displayName", "description", "isEnabled", "restrictions", *_READ_ONLY))
    _require_own_id(members.get("id"), None if current is None else current.id)
    if current is None or "displayName" in members:
        expect.a_text(_required(members, "displayName"), "displayName")
    if current is None:
        expect.a_text(_required(members, "description"), "description")
    changes = _texts_and_switch(members)
    if "restrictions" in members:
        stored = current.restrictions if current else ()
        changes["restrictions"] = _restrictions_from_graph(members["restrictions"], stored, beta=beta)
    return structs.replace(current, **changes) if current else AppManagementPolicy(id=policy_id, **changes)


def _texts_and_switch(members: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name, field in (("displayName", "display_name"), ("description", "description")):
        if name in members:
            value, longest = members[name], LONGEST_NAME if name == "displayName" else expect.LONGEST_TEXT
            changes[field] = None if value is None else expect.a_name(value, name, longest=longest)
    if "isEnabled" in members:
        changes["is_enabled"] = expect.a_bool(members["isEnabled"], "isEnabled")
    return changes


def _required(members: dict[str, Any], name: str) -> Any:
    value = members.get(name)
    if value is None:
        raise expect.refuse(f"Property '{name}' is required and must not be empty.", name)
    return value


def _require_own_id(given: Any, own: PolicyId | None) -> None:
    """A body that was read from this policy may be sent back; no client chooses an id."""
    if given is not None and (own is None or expect.a_string(given, "id").lower() != own):
        raise expect.refuse("Property 'id' is read-only and cannot be set.", "id")


def _restrictions_from_graph(value: Any, stored: Restrictions, *, beta: bool) -> Restrictions:
    """`restrictions` of a custom policy, where `applicationRestrictions` is one level down."""
    if value is None:
        return _kept(stored, tuple(RestrictionGroup), beta=beta)
    names = (*_CREDENTIALS, "applicationRestrictions")
    members = expect.an_object(value, "restrictions", names)
    result = _merge_groups(members, stored, "restrictions", _CREDENTIALS, beta=beta)
    if "applicationRestrictions" not in members:
        return result
    where = "restrictions.applicationRestrictions"
    return _section_from_graph(members["applicationRestrictions"], result, where, _APPLICATION_ONLY, beta=beta)


def _section_from_graph(
    value: Any, stored: Restrictions, where: str, groups: Collection[RestrictionGroup], *, beta: bool
) -> Restrictions:
    if value is None:
        return _kept(stored, groups, beta=beta)
    hidden = () if beta else tuple(group for group in groups if group in _BETA_GROUPS)
    names = [str(group) for group in groups if group not in hidden]
    members = expect.an_object(value, where, names, beta_members=hidden)
    return _merge_groups(members, stored, where, groups, beta=beta)


def _merge_groups(
    members: dict[str, Any], stored: Restrictions, where: str, groups: Collection[RestrictionGroup], *, beta: bool
) -> Restrictions:
    result = list(stored)
    for group in groups:
        if group in members:
            path = expect.join(where, group)
            read = _collection_from_graph if group in CREDENTIAL_GROUPS else _named_group_from_graph
            own = tuple(r for r in stored if r.group is group)
            result = [r for r in result if r.group is not group] + read(members[group], own, group, path, beta=beta)
    return tuple(sorted(result, key=lambda r: _PLACE[r.group]))


def _collection_from_graph(
    value: Any, stored: Restrictions, group: RestrictionGroup, where: str, *, beta: bool
) -> list[Restriction]:
    items = [] if value is None else expect.a_list(value, where)
    entries: dict[RestrictionKind, Restriction] = {}
    for index, item in enumerate(items):
        entry = entry_from_graph(item, group, f"{where}[{index}]", beta=beta)
        if entry.kind in entries:
            path = f"{where}[{index}].restrictionType"
            raise expect.refuse(f"restrictionType '{entry.kind}' is in '{where}' more than once; keep one.", path)
        entries[entry.kind] = entry
    return [*entries.values(), *(r for r in stored if _hidden(r, beta=beta))]


def _named_group_from_graph(
    value: Any, stored: Restrictions, group: RestrictionGroup, where: str, *, beta: bool
) -> list[Restriction]:
    entries = {r.kind: r for r in stored}
    kinds = {str(kind): kind for kind, of in GROUP_OF.items() if of is group}
    if value is None:
        return [r for r in stored if _hidden(r, beta=beta)]
    members = expect.an_object(value, where, list(kinds))
    for name, member in members.items():
        kind = kinds[name]
        before = entries.pop(kind, None)
        if member is not None:
            entries[kind] = named_from_graph(member, kind, expect.join(where, name), stored=before)
    return sorted(entries.values(), key=lambda r: _KIND_PLACE[r.kind])


def _kept(stored: Restrictions, groups: Collection[RestrictionGroup], *, beta: bool) -> Restrictions:
    """What stays of `stored` when `groups` are cleared: the other groups, and what this version cannot see."""
    return tuple(r for r in stored if r.group not in groups or _hidden(r, beta=beta))


def _hidden(restriction: Restriction, *, beta: bool) -> bool:
    return not beta and restriction.kind in BETA_KINDS


def _groups_to_graph(restrictions: Restrictions, groups: Collection[RestrictionGroup], *, beta: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for group in groups:
        own = [r for r in restrictions if r.group is group and not _hidden(r, beta=beta)]
        if group in CREDENTIAL_GROUPS:
            shown[str(group)] = [restriction_to_graph(r) for r in own]
        elif own:
            shown[str(group)] = {str(r.kind): restriction_to_graph(r) for r in own}
        elif beta and group in _SHOWN_AS_NULL:
            shown[str(group)] = None
    return shown
