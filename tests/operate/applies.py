"""A tenant with policies, a file that changes them in every way, and applying it as `unsecret apply` does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.local_tenant import LocalTenant
from tests.operate.in_process import InProcess, client_of
from tests.operate.test_plan import DEFAULT, assign, new_policy
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.plans.apply import Applier, Outcome, wait_for_policy
from unsecret.operate.plans.export import export_policies
from unsecret.operate.plans.files import plan_text, read_plan_or_policies
from unsecret.operate.plans.journal import Journal, alone, continued, interrupted
from unsecret.operate.plans.plan import make_plan
from unsecret.operate.plans.rollback import rollback_of
from unsecret.operate.plans.steps import Plan
from unsecret.wire.policy_file_text import policy_file_text
from unsecret.wire.policy_files import read_policy_file

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVERYTHING = """
[defaultAppManagementPolicy]
isEnabled = true

[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials]
passwordAddition = { state = "enabled" }

[[appManagementPolicies]]
displayName = "New"
isEnabled = true
appliesTo = [{ app = "Free" }, { app = "Moving" }]
[appManagementPolicies.restrictions.passwordCredentials]
passwordAddition = { state = "disabled" }

[[appManagementPolicies]]
displayName = "Old"
absent = true

[[appManagementPolicies]]
displayName = "Kept"
appliesTo = [{ app = "Leaving", absent = true }]
[appManagementPolicies.restrictions.keyCredentials]
asymmetricKeyLifetime = { maxLifetime = "P90D" }
"""
NAMES = ("Free", "Moving", "Leaving", "Untouched")
STEPS = [
    "create the custom policy 'New'",
    "update the custom policy 'Kept'",
    "apply custom policy 'New' to the app registration 'Free'",
    "take the app registration 'Moving' out of custom policy 'Old'",
    "apply custom policy 'New' to the app registration 'Moving'",
    "update the tenant default policy",
    "take the app registration 'Leaving' out of custom policy 'Kept'",
    "delete the custom policy 'Old'",
]


def organised(tenant: LocalTenant) -> dict[str, dict[str, Any]]:
    """Four applications, and policies that the file changes, deletes, and does not mention."""
    apps = {name: tenant.new_application(name) for name in NAMES}
    old, kept, other = (new_policy(tenant, name) for name in ("Old", "Kept", "Other"))
    for name, policy in (("Moving", old), ("Leaving", kept), ("Untouched", other)):
        assign(tenant, "applications", apps[name]["id"], policy)
    lifetime = {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P180D"}
    uris = {"nonDefaultUriAddition": {"state": "enabled", "excludeSaml": True}}
    tenant.must(
        "PATCH", DEFAULT, {"applicationRestrictions": {"passwordCredentials": [lifetime], "identifierUris": uris}}
    )
    return apps


def run(
    client: GraphClient,
    folder: Path,
    text: str,
    *,
    now: datetime = NOW,
    sleep: Callable[[float], None] = lambda _seconds: None,
) -> tuple[Outcome, ...]:
    """What `unsecret apply` does, but for talking."""
    with alone(folder, now=now):
        before = interrupted(folder)
        found = wait_for_policy(client, before.making, sleep=sleep) if before and before.making else None
        seen = (found,) if found else ()
        plan = make_plan(client, read_policy_file(text), source="policies.toml", now=now, seen=seen)
        outcomes = carry_out(client, folder, plan, now=now, sleep=sleep) if plan.steps else ()
        if before:
            continued(before, now=now)
        return outcomes


def carry_out(
    client: GraphClient,
    folder: Path,
    plan: Plan,
    *,
    now: datetime = NOW,
    sleep: Callable[[float], None] = lambda _seconds: None,
) -> tuple[Outcome, ...]:
    applier = Applier(client, plan, sleep=sleep)
    applier.require_unmoved()
    journal = Journal(folder, plan, rollback=policy_file_text(rollback_of(plan)), clock=lambda: now)
    return applier.carry_out(journal)


def saved(plan: Plan, tmp_path: Path) -> Plan:
    """The plan as it comes back from its file."""
    file = tmp_path / "saved.plan"
    file.write_text(plan_text(plan))
    read = read_plan_or_policies(file)
    assert read == plan
    return plan


def policy_state(tenant: LocalTenant, tmp_path: Path) -> str:
    """Everything that the tenant says of policies, as a file; ids are left out."""
    with client_of(tenant, tmp_path, InProcess(tenant)) as client:
        return policy_file_text(export_policies(client)[0])
