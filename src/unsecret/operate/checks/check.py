"""Does a tenant do what a profile asks? Asked of a snapshot, so that nothing changes and everything is of one day.

Whether a policy is on says little: it can be on with every entry disabled, hold an entry for applications and not for
service principals, allow ten years, spare everything that is there, or be lifted by custom policies. And a policy says
nothing about what it came too late for. So policies *and* credentials are held against each requirement. Where
something could not be read, or is not to be understood, a requirement is not known; it is never met for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.application import ObjectKind
from unsecret.model.policy import TenantDefault
from unsecret.model.profile import Mute, Profile, Requirement, Severity
from unsecret.model.snapshot import APPLICATIONS, CUSTOM_POLICIES, DEFAULT_POLICY, SERVICE_PRINCIPALS
from unsecret.operate.checks.credentials import Found, Held
from unsecret.operate.checks.exemptions import exemption_findings
from unsecret.operate.checks.findings import Finding, Outcome, Report, Result
from unsecret.operate.checks.muting import Mutes
from unsecret.operate.checks.policies import Policies, policy_findings, portal_findings
from unsecret.rules.profiles import EDITABLE, EXPIRED, HOUSEKEEPING, IN_TERM

if TYPE_CHECKING:
    from unsecret.operate.snapshots.snapshot_file import Snapshot

COLLECTION_OF = {ObjectKind.APPLICATION: APPLICATIONS, ObjectKind.SERVICE_PRINCIPAL: SERVICE_PRINCIPALS}


class Scene(Struct, frozen=True, kw_only=True):
    """What a check looks at. `not_understood` names the policies that could not be read into values, and why."""

    snapshot: Snapshot
    policies: Policies
    held: Held
    mutes: Mutes
    now: datetime
    most: int
    not_understood: dict[str, str]

    def why_not_known(self, collections: Iterable[str]) -> tuple[str, ...]:
        """A sentence for each of these collections that is not all there."""
        said = self.snapshot.manifest.collections
        missing = {name: (said[name].missing if name in said else "it was not read") for name in collections}
        missing |= {name: why for name, why in self.not_understood.items() if name in missing}
        return tuple(f"{name}: {why}" for name, why in missing.items() if why)


def check(
    snapshot: Snapshot,
    profile: Profile,
    *,
    now: datetime,
    mutes: Sequence[Mute] = (),
    least: Severity = Severity.LOW,
    most: int = 1000,
    say: Callable[[str], None] = lambda _words: None,
) -> Report:
    """Hold the tenant of `snapshot`, as on `now`, against the requirements of `profile` that are `least` or worse.

    Of each requirement `most` findings are listed, the rest is counted. `say` is told what is being looked at.
    """
    requirements = [one for one in (*profile.requirements, *HOUSEKEEPING) if one.severity.rank <= least.rank]
    scene = _scene(snapshot, requirements, now, Mutes(mutes, now.date()), most)
    results, listed = [], []
    for asked in requirements:
        say(f"checking {asked.id}")
        result, findings = _checked(asked, scene)
        results.append(result)
        listed += findings
    return Report(
        profile=profile.name,
        title=profile.title,
        tenant_id=snapshot.manifest.tenant_id,
        organisation=snapshot.manifest.display_name,
        as_of=now,
        results=tuple(results),
        findings=tuple(sorted(listed, key=lambda one: one.severity.rank)),
        notes=scene.mutes.notes(),
    )


def _scene(snapshot: Snapshot, asked: Sequence[Requirement], now: datetime, mutes: Mutes, most: int) -> Scene:
    not_understood: dict[str, str] = {}
    default, customs = TenantDefault(), ()
    try:
        default = snapshot.default_policy
    except Invalid as problem:
        not_understood[DEFAULT_POLICY] = f"it could not be understood: {problem.message}"
    try:
        customs = snapshot.custom_policies
    except Invalid as problem:
        not_understood[CUSTOM_POLICIES] = f"one could not be understood: {problem.message}"
    policies = Policies(default, customs, snapshot.database)
    return Scene(
        snapshot=snapshot,
        policies=policies,
        held=Held(snapshot.database, asked, now=now, mutes=mutes, most=most),
        mutes=mutes,
        now=now,
        most=most,
        not_understood=not_understood,
    )


def _checked(asked: Requirement, scene: Scene) -> tuple[Result, list[Finding]]:
    check_of = OWN_CHECKS.get(asked.id, _requirement)
    found, unknown = check_of(asked, scene)
    outcome = Outcome.MUTED if found.muted else Outcome.HOLDS
    if found.found:
        outcome = Outcome.FAILS
    elif unknown:
        outcome = Outcome.NOT_KNOWN
    result = Result(requirement=asked, outcome=outcome, found=found.found, muted=found.muted, not_known=unknown)
    return result, list(found.listed)


def _requirement(asked: Requirement, scene: Scene) -> tuple[Found, tuple[str, ...]]:
    of_policies, of_credentials = Found(), Found()
    needed: list[str] = []
    sections = [COLLECTION_OF[section] for section in asked.sections]
    if asked.kinds:
        needed = [DEFAULT_POLICY, CUSTOM_POLICIES, *sections]
        if not scene.why_not_known([DEFAULT_POLICY]):
            findings = policy_findings(asked, scene.policies, now=scene.now)
            of_policies = _unmuted(findings, scene)
    if asked.credentials:
        needed += [name for name in sections if name not in needed]
        of_credentials = scene.held.found(asked)
    return _both(of_policies, of_credentials), scene.why_not_known(needed)


def _both(first: Found, second: Found) -> Found:
    return Found((*first.listed, *second.listed), first.found + second.found, first.muted + second.muted)


def _unmuted(findings: Iterable[Finding], scene: Scene) -> Found:
    every = list(findings)
    kept = [one for one in every if not scene.mutes.is_muted(one.requirement, one.check, _names(one))]
    return Found(tuple(kept[: scene.most]), len(kept), len(every) - len(kept))


def _names(one: Finding) -> tuple[str, ...]:
    subject = one.subject
    return tuple(name for name in (subject.display_name, subject.policy_id, subject.path, subject.words) if name)


def _expired(asked: Requirement, scene: Scene) -> tuple[Found, tuple[str, ...]]:
    return scene.held.found(asked), scene.why_not_known(COLLECTION_OF.values())


def _editable(asked: Requirement, scene: Scene) -> tuple[Found, tuple[str, ...]]:
    policy = next(scene.snapshot.objects(DEFAULT_POLICY), None)
    unknown = scene.why_not_known([DEFAULT_POLICY])
    if policy is None or unknown:
        return Found(), unknown or (f"{DEFAULT_POLICY}: it was not read",)
    return _unmuted(portal_findings(asked, policy), scene), ()


def _in_term(asked: Requirement, scene: Scene) -> tuple[Found, tuple[str, ...]]:
    policy = next(scene.snapshot.objects(DEFAULT_POLICY), None)
    unknown = scene.why_not_known([DEFAULT_POLICY, CUSTOM_POLICIES])
    if policy is None or unknown:
        return Found(), unknown or (f"{DEFAULT_POLICY}: it was not read",)
    customs = scene.snapshot.objects(CUSTOM_POLICIES)
    return _unmuted(exemption_findings(asked, policy, customs, scene.now.date()), scene), ()


OWN_CHECKS: dict[str, Callable[[Requirement, Scene], tuple[Found, tuple[str, ...]]]] = {
    EXPIRED.id: _expired,
    EDITABLE.id: _editable,
    IN_TERM.id: _in_term,
}
"""Requirements of HOUSEKEEPING that are more than restrictions and credentials, each with the rule that looks."""
