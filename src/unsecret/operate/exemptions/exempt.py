"""Exemptions with a term and a reason, kept in the tenant itself: granting, finding and withdrawing them.

An application is exempt by a custom policy in which the restriction is disabled; the term stands in the description of
that policy. A caller is exempt by a custom security attribute that the policy's entries name; the attribute's value is
the last day. What is granted and withdrawn is a policy file in memory (`wire.policy_files`), so that planning, reading
back, journal and rollback are those of every other change.
https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/configure-app-management-policies
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.errors import Conflict, Invalid, NotFound
from unsecret.model.identifiers import canonical_guid
from unsecret.model.policy import GROUP_OF, RestrictionKind
from unsecret.operate.policies.app_policy import MADE_BY, Holding, read_holdings, require_unshared
from unsecret.operate.policies.entries import CUSTOM, TENANT_DEFAULT, Json, entries_of, excluded_callers, is_enabled
from unsecret.operate.policies.targets import Target
from unsecret.wire.policies import LONGEST_NAME
from unsecret.wire.policy_files import ABSENT, CALLER_TYPE, Assignment, PolicyFile, PolicyWish
from unsecret.wire.terms import CALLERS_ATTRIBUTE, Term, term_in, with_term, without_term

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

NAMED = "unsecret exemption: "
"""How the policies begin that are made for an exemption, and go with it."""

_MADE_FOR = f"{MADE_BY} for the application "
"""How the descriptions of these policies begin, before the appId."""

_K = RestrictionKind
LIFTS: dict[str, tuple[str, ...]] = {
    "new-secrets": (_K.PASSWORD_ADDITION, _K.SYMMETRIC_KEY_ADDITION),
    "custom-secrets": (_K.CUSTOM_PASSWORD_ADDITION,),
    "secret-lifetime": (_K.PASSWORD_LIFETIME, _K.SYMMETRIC_KEY_LIFETIME),
    "certificate-lifetime": (_K.ASYMMETRIC_KEY_LIFETIME,),
    "certificate-issuer": (_K.TRUSTED_CERTIFICATE_AUTHORITY,),
}
"""`--from WORD` → the kinds that are lifted. Secrets and symmetric keys go together, as the portal keeps them."""


class State(StrEnum):
    """How an exemption stands on a day."""

    RUNNING = "running"
    ENDED = "ended"
    ENDLESS = "endless"


class Exempted(Struct, frozen=True, kw_only=True):
    """One exemption. `subject` is `applications` or `callers`; `who` are their names, None where not known; `policy_id`
    is that of the custom policy, None for callers; `until` and `reason` are None where the tenant keeps none.
    `made_for` is the appId of the application for which the policy was made, where it was made for one."""

    subject: str
    who: tuple[str, ...] | None
    lifted: tuple[str, ...]
    policy: str
    policy_id: str | None = None
    attribute: str | None = None
    value: str | None = None
    until: date | None = None
    reason: str | None = None
    made_for: str | None = None

    def state(self, today: date) -> State:
        """How it stands: its last day belongs to it."""
        if self.until is None:
            return State.ENDLESS
        return State.ENDED if today > self.until else State.RUNNING


# -- granting ------------------------------------------------------------------------------------------------------


def grant_to_application(client: GraphClient, target: Target, term: Term) -> PolicyFile:
    """What to write so that `target` is exempt from what `term` lifts, on every face that it has.

    A policy that the application has to itself is edited; a face without one gets one. Raises Conflict where a policy
    is shared with others: editing it would exempt them, too.
    """
    holdings = read_holdings(client, target)
    for holding in holdings:
        require_unshared(target, holding)
    held = {str(one.policy["id"]): one.policy for one in holdings if one.policy}
    wishes = [_in_policy(policy, term) for policy in held.values()]
    if free := tuple(_face_of(one) for one in holdings if one.policy is None):
        wishes.append(_policy_of_its_own(target, free, term))
    return PolicyFile(policies=tuple(wishes))


def _face_of(holding: Holding) -> str:
    return holding.face.link.collection.removesuffix("s")


def _policy_of_its_own(target: Target, faces: tuple[str, ...], term: Term) -> PolicyWish:
    about = f"{_MADE_FOR}{target.app_id}; it goes when the exemption does."
    return PolicyWish(
        display_name=f"{NAMED}{target.display_name} ({target.app_id})"[:LONGEST_NAME],
        wish={"description": with_term(about, term), "isEnabled": True, CUSTOM: _lifted(term.lifted)},
        applies_to=(Assignment(app=target.app_id, faces=faces, name=target.display_name),),
    )


def _in_policy(policy: Json, term: Term) -> PolicyWish:
    """An application's own policy, with the restrictions disabled; what was enabled there is noted and given back."""
    _require_on(policy)
    before = term_in(policy.get("description"))
    enabled = {place.kind for place in entries_of(policy) if is_enabled(place.entry) and policy.get("isEnabled")}
    kinds = _each_once((*(before.lifted if before else ()), *term.lifted))
    earlier = before.enabled_before if before else ()
    kept = Term(
        until=term.until,
        reason=term.reason,
        lifted=kinds,
        enabled_before=_each_once((*earlier, *(kind for kind in term.lifted if kind in enabled))),
    )
    about = with_term(policy.get("description"), kept)
    return PolicyWish(
        policy_id=str(policy["id"]),
        display_name=str(policy.get("displayName")),
        wish={"description": about, "isEnabled": True, CUSTOM: _lifted(term.lifted)},
    )


def _require_on(policy: Json) -> None:
    """An exemption frees; switching a policy on that says more would bind."""
    dormant = [place.kind for place in entries_of(policy) if is_enabled(place.entry)]
    if not policy.get("isEnabled") and dormant:
        raise Invalid(
            f"The custom policy '{policy.get('displayName')}' is off, and an exemption would have to switch it "
            f"on: that would enforce {', '.join(dormant)}.",
            hint="Unlink it from the application first, or say with `unsecret apply` what it shall say.",
        )


def _lifted(kinds: Iterable[str]) -> Json:
    groups: Json = {}
    for kind in kinds:
        groups.setdefault(str(GROUP_OF[RestrictionKind(kind)]), {})[str(kind)] = {"state": "disabled"}
    return groups


def grant_to_callers(default: Json, until: date, kinds: Iterable[str]) -> PolicyFile:
    """What to write so that callers whose attribute says `until` are exempt from entries of the tenant default.

    Raises NotFound when the default policy holds no entry of these kinds.
    """
    wish = _with_callers(default, kinds, until.isoformat(), absent=False)
    if not wish:
        raise NotFound(
            f"The tenant default policy holds no entry for {', '.join(kinds)}; there is nothing to be exempt from."
        )
    return PolicyFile(default=wish)


def _with_callers(policy: Json, kinds: Iterable[str], value: str, *, absent: bool) -> Json:
    caller = {"@odata.type": CALLER_TYPE, "operator": "equals", "id": CALLERS_ATTRIBUTE, "value": value}
    member = {"excludeActors": {"customSecurityAttributes": [{**caller, **ABSENT} if absent else caller]}}
    wish: Json = {}
    for place in entries_of(policy):
        if place.kind in kinds and place.section != CUSTOM:
            wish.setdefault(place.section, {}).setdefault(place.group, {})[place.kind] = member
    return wish


# -- finding -------------------------------------------------------------------------------------------------------


def exemptions_in(default: Json, policies: Iterable[Json]) -> tuple[Exempted, ...]:
    """Every exemption that the policies of a tenant hold."""
    policies = tuple(policies)
    return (*exempted_applications(policies), *exempted_callers(default, policies))


def exempted_applications(policies: Iterable[Json]) -> Iterator[Exempted]:
    """The custom policies that lift something, each with whom it binds (`appliesTo`, where that was read)."""
    for policy in policies:
        term = term_in(policy.get("description"))
        disabled = tuple(place.kind for place in entries_of(policy) if not is_enabled(place.entry))
        if term is None and not (disabled and policy.get("isEnabled")):
            continue
        bound = policy.get("appliesTo")
        names = None if bound is None else _each_once(str(one.get("displayName")) for one in bound)
        if names == () and term is None:  # it frees nobody, and nobody said that it should end
            continue
        yield Exempted(
            subject="applications",
            who=names,
            lifted=term.lifted if term else disabled,
            policy=str(policy.get("displayName")),
            policy_id=str(policy.get("id")),
            until=term.until if term else None,
            reason=term.reason if term else None,
            made_for=_made_for(policy),
        )


def _made_for(policy: Json) -> str | None:
    start, made, rest = str(policy.get("description") or "").partition(_MADE_FOR)
    return canonical_guid(rest.partition(";")[0]) if made and not start else None


def exempted_callers(default: Json, policies: Iterable[Json]) -> Iterator[Exempted]:
    """The attributes that policies exempt callers by, each once for every policy."""
    for policy, name in ((default, TENANT_DEFAULT), *((one, str(one.get("displayName"))) for one in policies)):
        lifted: dict[tuple[str, str], list[str]] = {}
        for place in entries_of(policy):
            for caller in excluded_callers(place.entry):
                lifted.setdefault(caller, []).append(place.kind)
        for (attribute, value), kinds in lifted.items():
            yield Exempted(
                subject="callers",
                who=None,
                lifted=_each_once(kinds),
                policy=name,
                policy_id=str(policy.get("id")) if policy is not default else None,
                attribute=attribute,
                value=value,
                until=last_day(value) if attribute == CALLERS_ATTRIBUTE else None,
            )


def last_day(value: str) -> date | None:
    """The day that a value of the callers' attribute is; None for what somebody wrote there that is no day."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


# -- withdrawing ---------------------------------------------------------------------------------------------------


def withdrawal(default: Json, policies: Iterable[Json], ending: Iterable[Exempted]) -> PolicyFile:
    """What to write so that `ending` are exempt no longer. Nothing else in a policy changes. A policy that is gone by
    now frees nobody. Raises Conflict for one whose exemption got another term meanwhile, Invalid for one without."""
    ending = tuple(ending)
    by_id = {str(one.get("id")): one for one in policies}
    ended = [one for one in ending if one.subject == "applications" and one.policy_id in by_id]
    wishes = [_without(by_id[str(one.policy_id)], one.until) for one in ended]
    wish: Json = {}
    for one in ending:
        if one.attribute == CALLERS_ATTRIBUTE and one.policy_id is None and one.value:
            _merge(wish, _with_callers(default, one.lifted, one.value, absent=True))
    return PolicyFile(default=wish or None, policies=tuple(wishes))


def _without(policy: Json, until: date | None) -> PolicyWish:
    """The policy without its exemption: gone, when it was made for it and says nothing else; else as it was before.

    What somebody enabled or took out since is theirs: only entries that are still lifted are touched.
    """
    term = term_in(policy.get("description"))
    name, policy_id = str(policy.get("displayName")), str(policy.get("id"))
    if term is None:
        raise Invalid(
            f"The custom policy '{name}' has no term, so what it said before is not known.",
            hint=f"Say what it shall say with `unsecret apply`, or delete it: policy {policy_id}.",
        )
    if term.until != until:
        raise Conflict(
            f"The exemption by the custom policy '{name}' was to end on {until}, and ends on {term.until} now; "
            "nothing was changed.",
            code="PolicyChangedMeanwhile",
            hint="See what there is: unsecret exempt list",
        )
    entries = tuple(entries_of(policy))
    lifted = {place.kind for place in entries if place.section == CUSTOM and not is_enabled(place.entry)}
    if name.startswith(NAMED) and {place.kind for place in entries} <= lifted & set(term.lifted):
        return PolicyWish(policy_id=policy_id, display_name=name, absent=True)
    groups: Json = {}
    for kind in term.lifted:
        if kind in lifted:
            given_back = {"state": "enabled"} if kind in term.enabled_before else dict(ABSENT)
            groups.setdefault(str(GROUP_OF[RestrictionKind(kind)]), {})[kind] = given_back
    about = without_term(policy.get("description")) or name
    wish: Json = {"description": about} | ({CUSTOM: groups} if groups else {})
    return PolicyWish(policy_id=policy_id, display_name=name, wish=wish)


def _merge(into: Json, wish: Json) -> None:
    for section, groups in wish.items():
        for group, kinds in groups.items():
            for kind, member in kinds.items():
                here = into.setdefault(section, {}).setdefault(group, {})
                if kind in here:
                    listed = here[kind]["excludeActors"]["customSecurityAttributes"]
                    listed += member["excludeActors"]["customSecurityAttributes"]
                else:
                    here[kind] = {"excludeActors": {"customSecurityAttributes": list(_callers(member))}}


def _callers(member: Json) -> list[Json]:
    return member["excludeActors"]["customSecurityAttributes"]


def _each_once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(word) for word in words))
