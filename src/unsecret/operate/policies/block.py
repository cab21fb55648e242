"""Blocking client secrets, and allowing them again, in the tenant's default policy. Planning only: values in,
a PolicyChange out; `change.apply` carries it out.

*What is sent.* A PATCH replaces a collection of entries as a whole
(https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/configure-app-management-policies), so each
collection that changes is sent with every entry that was read. Whether Graph merges or
replaces the object *around* the collection is not documented, so its other members are sent as they were read,
too. Left out are those whose state Microsoft set, since sending them would make the state ours, and those
that Graph would not name. Either way nothing is lost, and reading back proves it.

*Which version.* beta shows entries that v1.0 hides (`trustedCertificateAuthority`, audiences, redirect URIs),
and what is hidden cannot be given back. Hence beta, and v1.0 only where beta is not answered, in which case
nothing but the collections that change is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.errors import Invalid, MethodNotAllowed, NotFound, Unsupported
from unsecret.operate.policies.change import Line, PolicyChange
from unsecret.operate.policies.entries import (
    ALL_MEMBERS,
    APPLICATIONS,
    DEFAULT_TITLE,
    GOVERNED,
    KEYS,
    PASSWORDS,
    SERVICE_PRINCIPALS,
    UNKNOWN_MEMBER,
    Json,
    binds_from,
    collection_of,
    entries_of,
    entry_of,
    excluded_callers,
    in_words,
    is_enabled,
    max_lifetime,
    require_policy,
    without_annotations,
)
from unsecret.operate.policies.portal_shape import divergences
from unsecret.wire.instants import format_duration, format_instant
from unsecret.wire.policy_wishes import measured

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

DEFAULT_POLICY = "policies/defaultAppManagementPolicy"
ADDITIONS = ("passwordAddition", "symmetricKeyAddition")
LIFETIMES = ("passwordLifetime", "symmetricKeyLifetime")
"""The portal keeps each pair together: a symmetric key is a secret under another name."""

CERTIFICATE_LIFETIMES = ("asymmetricKeyLifetime",)
CUSTOM_SECRETS = ("customPasswordAddition",)


class Wanted(Struct, frozen=True, kw_only=True):
    """What some entries, which stand in one collection, are to say. `start` binds only what is created from then on;
    `longest` is the longest lifetime; `adds` whether an entry that is missing is added; `all_callers` whether callers
    who were excluded are bound, too."""

    kinds: tuple[str, ...] = ADDITIONS
    enabled: bool = True
    start: datetime | None = None
    longest: timedelta | None = None
    adds: bool = True
    all_callers: bool = False

    @property
    def group(self) -> str:
        """The collection that the entries stand in."""
        return KEYS if self.kinds == CERTIFICATE_LIFETIMES else PASSWORDS

    def is_met_by(self, entry: Json | None) -> bool:
        """Whether `entry` says so already. Lifting asks for the state alone."""
        if entry is None:
            return not self.adds
        if not self.enabled:
            return not is_enabled(entry)
        fits = self.longest is None or max_lifetime(entry) == self.longest
        if self.all_callers and excluded_callers(entry):
            return False
        return is_enabled(entry) and binds_from(entry) == self.start and fits

    def entry(self, kind: str, old: Json | None, exclusions: Any) -> Json:
        """The entry to be sent in place of `old`: every member of it that is not asked about stays."""
        new: Json = dict(old) if old else {"restrictionType": kind, "maxLifetime": None}
        new["state"] = "enabled" if self.enabled else "disabled"
        if self.enabled:
            new["restrictForAppsCreatedAfterDateTime"] = format_instant(self.start) if self.start else None
            if self.longest is not None:
                new["maxLifetime"] = format_duration(self.longest)
        if self.all_callers:
            new["excludeActors"] = None
        elif old is None and exclusions:
            new["excludeActors"] = exclusions
        return measured(new)


def blocking(
    *,
    start: datetime | None = None,
    longest: timedelta | None = None,
    longest_certificate: timedelta | None = None,
    custom_secrets: bool = False,
    all_callers: bool = False,
) -> Wanted:
    """What `block` wants: no new secrets at all; or only short ones, only short certificates, or only secrets whose
    text the service made.

    Raises Invalid when several of those are asked for at once, and for a lifetime of nothing: to forbid secrets, block
    them.
    """
    if (longest is not None) + (longest_certificate is not None) + custom_secrets > 1:
        raise Invalid("Limit one thing at a time: the lifetime of secrets, that of certificates, or custom secrets.")
    if longest is not None and longest <= timedelta(0):
        raise Invalid("A longest lifetime of nothing forbids all secrets; leave --max-lifetime out to block them.")
    if longest_certificate is not None and longest_certificate <= timedelta(0):
        raise Invalid("A longest lifetime of nothing would forbid all certificates, which replace secrets.")
    kinds = ADDITIONS
    if longest is not None:
        kinds = LIFETIMES
    elif longest_certificate is not None:
        kinds = CERTIFICATE_LIFETIMES
    elif custom_secrets:
        kinds = CUSTOM_SECRETS
    return Wanted(kinds=kinds, start=start, longest=longest or longest_certificate, all_callers=all_callers)


def read_default(client: GraphClient) -> tuple[str, Json]:
    """The tenant's default policy and the path it was read from: beta if the tenant has it, else v1.0."""
    try:
        return _read_policy(client, f"beta/{DEFAULT_POLICY}")
    except (NotFound, Unsupported, MethodNotAllowed):
        return _read_policy(client, f"v1.0/{DEFAULT_POLICY}")


def _read_policy(client: GraphClient, path: str) -> tuple[str, Json]:
    return path, require_policy(client.get(path, headers=ALL_MEMBERS), path)


def plan_block(current: Json, path: str, wanted: Wanted) -> PolicyChange:
    """How the tenant default is made to say `wanted` in both sections, and is switched on."""
    return _plan(current, path, wanted, switched_on=True)


def plan_allow(current: Json, path: str, kinds: tuple[str, ...] = ADDITIONS) -> PolicyChange:
    """How the entries of these kinds are switched off in both sections. The policy itself stays on or off."""
    return _plan(current, path, Wanted(kinds=kinds, enabled=False, adds=False), switched_on=False)


def _plan(current: Json, path: str, wanted: Wanted, *, switched_on: bool) -> PolicyChange:
    version = path.split("/", 1)[0]
    exclusions = common_exclusions(current, (APPLICATIONS, SERVICE_PRINCIPALS), wanted)
    after, body, lines = dict(current), {}, []
    for section in (APPLICATIONS, SERVICE_PRINCIPALS):
        collection, changed = rewritten(current, section, wanted, exclusions)
        if changed:
            after[section] = {**(current.get(section) or {}), wanted.group: collection}
            body[section] = section_body(after[section], version, [wanted.group])
            lines += changed
    if switched_on:
        after["isEnabled"] = body["isEnabled"] = True
        lines = [*switch_line(current), *lines]
    return PolicyChange(
        title=DEFAULT_TITLE,
        version=version,
        path=path,
        before=current,
        body=body,
        after=after,
        lines=tuple(lines),
        activates=dormant(current, wanted) if switched_on else (),
        notes=tuple(_notes(after, wanted)),
    )


def rewritten(policy: Json, section: str, wanted: Wanted, exclusions: Any) -> tuple[list[Json], list[Line]]:
    """The section's collection with the wanted entries in it, and what that changes, in words.

    Order and every other entry stay. Raises Invalid when an entry could not be given back.
    """
    old = collection_of(policy, section, wanted.group)
    new = list(old)
    lines = []
    for kind in wanted.kinds:
        entry = entry_of(old, kind)
        if wanted.is_met_by(entry):
            continue
        replacement = wanted.entry(kind, entry, exclusions)
        new = [replacement if one is entry else one for one in new] if entry else [*new, replacement]
        lines.append(Line(f"{GOVERNED[section]}: {kind}", in_words(entry), in_words(replacement), kind))
    if lines:
        require_returnable(new, f"{section}.{wanted.group}")
    return new, lines


def require_returnable(collection: list[Json], where: str) -> None:
    """Raises Invalid when the collection holds an entry that would be lost by sending it back."""
    kinds = [str(entry.get("restrictionType")) for entry in collection]
    lost = [kind for kind in kinds if kind == UNKNOWN_MEMBER or kinds.count(kind) > 1]
    if lost:
        raise Invalid(
            f"{where} holds an entry '{lost[0]}' that cannot be sent back as it is; "
            "writing the collection would lose it, so nothing was changed.",
            hint="Look at it: unsecret graph GET /beta/policies/defaultAppManagementPolicy",
        )


def section_body(section: Json, version: str, changed: Collection[str] = (PASSWORDS,)) -> Json:
    """A section as it is sent, of which these groups change: see the head of this file."""
    sent = {name: _changed_group(section.get(name)) for name in changed}
    if version == "beta":
        others = {name: one for name, one in section.items() if name not in changed}
        sent |= {name: without_annotations(one) for name, one in others.items() if _is_returnable(name, one)}
    return sent


def _changed_group(group: Any) -> Any:
    """A list replaces what is there; of named entries, those that are not sent stay."""
    if isinstance(group, dict):
        ours = {kind: entry for kind, entry in group.items() if "@" not in kind and not _is_not_ours(entry)}
        return without_annotations(ours)
    return without_annotations(group or [])


def _is_returnable(name: str, value: Any) -> bool:
    return "@" not in name and value is not None and not _is_not_ours(value)


def _is_not_ours(value: Any) -> bool:
    """Whether something inside was set by Microsoft, or is a value that Graph would not name."""
    if isinstance(value, dict):
        return value.get("isStateSetByMicrosoft") is True or any(_is_not_ours(one) for one in value.values())
    if isinstance(value, list):
        return any(_is_not_ours(one) for one in value)
    return value == UNKNOWN_MEMBER


def switch_line(policy: Json) -> list[Line]:
    """The line that says that a policy is switched on; none when it is on."""
    return [] if policy.get("isEnabled") else [Line("policy", "off", "on")]


def dormant(policy: Json, wanted: Wanted) -> tuple[str, ...]:
    """Entries that are enabled in a policy that is off, and begin to bind when it is switched on."""
    if policy.get("isEnabled"):
        return ()
    return tuple(
        f"{place.words} ({in_words(place.entry)})"
        for place in entries_of(policy)
        if is_enabled(place.entry) and not (place.group == wanted.group and place.kind in wanted.kinds)
    )


def common_exclusions(policy: Json, sections: tuple[str, ...], wanted: Wanted) -> Any:
    """The `excludeActors` that a new entry takes over: that of its siblings, when they all have the same one.

    The portal keeps the entries editable only while they are equal.
    """
    collections = [collection_of(policy, one, wanted.group) for one in sections]
    siblings = [entry for one in collections for entry in one if _kind(entry) in wanted.kinds]
    if len({excluded_callers(entry) for entry in siblings}) != 1:
        return None
    return without_annotations(siblings[0].get("excludeActors"))


def _kind(entry: Json) -> str:
    return str(entry.get("restrictionType"))


def _notes(after: Json, wanted: Wanted) -> Iterator[str]:
    if wanted.kinds == LIFETIMES and wanted.enabled and _says(after, "passwordAddition"):
        yield "passwordAddition forbids new secrets as it is; the limit shows only once that is lifted: unsecret allow"
    if wanted.kinds == ADDITIONS and not wanted.enabled and _says(after, "passwordLifetime"):
        yield "passwordLifetime still limits how long new secrets may live; to lift that: unsecret allow --lifetime"
    yield from divergences(after)


def _says(policy: Json, kind: str) -> bool:
    entries = [entry_of(collection_of(policy, section), kind) for section in (APPLICATIONS, SERVICE_PRINCIPALS)]
    return any(entry and is_enabled(entry) for entry in entries)
