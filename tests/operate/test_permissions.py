"""Each verb works with exactly the permissions of its row, and names the one that is taken away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.local_tenant import BASE, LocalTenant
from tests.operate.in_process import InProcess, Waits, connection_to
from unsecret.errors import Forbidden
from unsecret.model.directory_roles import ROLE_DEFINITIONS
from unsecret.operate.audit import Wanted as AuditWanted
from unsecret.operate.audit import read_audit
from unsecret.operate.exemptions.callers import define_attributes, find_caller, give
from unsecret.operate.exemptions.exempt import LIFTS, grant_to_application, grant_to_callers
from unsecret.operate.exemptions.listed import read_exemptions
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.permissions import VERBS, Need, VerbNeeds, any_of, claims_of, least, missing_in
from unsecret.operate.graph.sign_in import Token
from unsecret.operate.plans.apply import Applier
from unsecret.operate.plans.export import export_policies
from unsecret.operate.plans.journal import Journal
from unsecret.operate.plans.plan import make_plan
from unsecret.operate.policies.app_policy import (
    exemptions,
    plan_for_app,
    plan_for_policy,
    read_custom_policies,
    read_holdings,
    read_policy,
)
from unsecret.operate.policies.block import Wanted, blocking, plan_allow, plan_block, read_default
from unsecret.operate.policies.change import apply
from unsecret.operate.policies.targets import resolve
from unsecret.operate.removal import find_credential
from unsecret.operate.removal import remove as remove_credential
from unsecret.operate.snapshots.take import take
from unsecret.operate.status import read_status
from unsecret.wire.policy_files import PolicyFile, read_policy_file
from unsecret.wire.terms import Term

CLI = Path(__file__).parents[2] / "src" / "unsecret" / "cli"


BLOCK = blocking(start=None, longest=None)


def status(client: GraphClient, tenant: LocalTenant) -> Iterable[str]:
    return read_status(client, now=tenant.clock.now).not_known


def block(client: GraphClient, _tenant: LocalTenant) -> Iterable[str]:
    path, current = read_default(client)
    apply(client, plan_block(current, path, BLOCK))
    exemptions(read_custom_policies(client), BLOCK)
    _for_one_application(client, BLOCK)
    for policy in read_custom_policies(client):
        apply(client, plan_for_policy(*read_policy(client, policy["id"]), BLOCK))
    return ()


def allow(client: GraphClient, _tenant: LocalTenant) -> Iterable[str]:
    path, current = read_default(client)
    apply(client, plan_allow(current, path))
    _for_one_application(client, Wanted(enabled=False))
    return ()


def _for_one_application(client: GraphClient, wanted: Wanted) -> None:
    for target in resolve(client, ["payroll"]):
        for change in plan_for_app(target, read_holdings(client, target), wanted):
            apply(client, change)


def snapshot(client: GraphClient, tenant: LocalTenant) -> Iterable[str]:
    with TemporaryDirectory() as directory:
        return take(client, Path(directory) / "tenant.snapshot", now=tenant.clock.now).not_known


def audit(client: GraphClient, tenant: LocalTenant) -> Iterable[str]:
    list(read_audit(client, AuditWanted(since=tenant.clock.now - timedelta(days=1))))
    return ()


def export(client: GraphClient, _tenant: LocalTenant) -> Iterable[str]:
    export_policies(client)
    return ()


def plan(client: GraphClient, tenant: LocalTenant) -> Iterable[str]:
    made = make_plan(client, read_policy_file(POLICIES), source="policies.toml", now=tenant.clock.now)
    assert len(made.steps) > 2
    return ()


def apply_file(client: GraphClient, tenant: LocalTenant) -> Iterable[str]:
    _carry_out(client, tenant, read_policy_file(POLICIES))
    return ()


def _carry_out(client: GraphClient, tenant: LocalTenant, wanted: PolicyFile) -> None:
    made = make_plan(client, wanted, source="policies.toml", now=tenant.clock.now)
    with TemporaryDirectory() as directory:
        journal = Journal(Path(directory), made, rollback="", clock=tenant.clock)
        for outcome in Applier(client, made, sleep=Waits()).carry_out(journal):
            if outcome.error:
                raise outcome.error


def remove(client: GraphClient, tenant: LocalTenant) -> Iterable[str]:
    made = tenant.new_application("with a secret")
    key = tenant.must("POST", f"/applications/{made['id']}/addPassword", {})["keyId"]
    remove_credential(client, find_credential(client, made["id"], key, now=tenant.clock.now), now=tenant.clock.now)
    return ()


def exempt(client: GraphClient, tenant: LocalTenant) -> Iterable[str]:
    """As `unsecret exempt add` does, for an application and for a caller, and `list`."""
    path, current = read_default(client)
    apply(client, plan_block(current, path, BLOCK))
    day = tenant.clock.now.date()
    term = Term(until=day, reason="why", lifted=LIFTS["new-secrets"])
    _carry_out(client, tenant, grant_to_application(client, resolve(client, ["payroll"])[0], term))
    define_attributes(client)
    give(client, find_caller(client, "payroll"), day, "why", sleep=Waits())
    _carry_out(client, tenant, grant_to_callers(read_default(client)[1], day, LIFTS["new-secrets"]))
    assert len(read_exemptions(client).found) == 2
    return ()


POLICIES = """
unsecret = "policy/1"

[defaultAppManagementPolicy]
isEnabled = true

[[appManagementPolicies]]
displayName = "Payroll may have secrets"
isEnabled = true
appliesTo = [{ app = "payroll" }]

[appManagementPolicies.restrictions.passwordCredentials]
passwordAddition = { state = "disabled" }
"""

RUNS: dict[str, Callable[[GraphClient, LocalTenant], Iterable[str]]] = {
    "status": status,
    "snapshot": snapshot,
    "apps": snapshot,
    "forecast": snapshot,
    "check": snapshot,
    "explain": snapshot,
    "audit": audit,
    "export": export,
    "plan": plan,
    "apply": apply_file,
    "exempt": exempt,
    "remove": remove,
    "block": block,
    "allow": allow,
}
"""What each verb does in the tenant. It gives what it could not read and said so."""

DISTINCT = list({(RUNS[row.verb], row.needs): row for row in reversed(VERBS.values())}.values())
"""One row of those that do the same."""

CASES = [(row, missing) for row in DISTINCT for missing in (None, *row.needs)]
NAMES = [f"{row.verb} without {missing.application[0]}" if missing else row.verb for row, missing in CASES]


def test_every_verb_with_a_row_is_proved() -> None:
    assert VERBS.keys() == RUNS.keys()


def test_every_verb_that_reaches_a_tenant_says_who_it_is_and_has_a_row() -> None:
    named = {name for file in CLI.glob("*.py") for name in re.findall(r'\bverb="([a-z]+)"', file.read_text())}
    assert named == VERBS.keys()


@pytest.fixture
def payroll(tenant: LocalTenant) -> None:
    """An application that verbs are told to change, and another that a custom policy binds."""
    bound = tenant.new_application("bound")["id"]
    policy = tenant.must("POST", "/policies/appManagementPolicies", {"displayName": "a", "description": "b"})["id"]
    reference = {"@odata.id": f"{BASE}/v1.0/policies/appManagementPolicies/{policy}"}
    tenant.must("POST", f"/applications/{bound}/appManagementPolicies/$ref", reference)
    tenant.new_principal(tenant.new_application("payroll")["appId"])


def client_of(tenant: LocalTenant, directory: Path, row: VerbNeeds, token: str) -> GraphClient:
    own = Token(token, tenant.clock.now + timedelta(hours=1))
    connection = connection_to(tenant, directory)
    return GraphClient(
        connection, tokens=lambda _post, _now: own, needs=row, transport=InProcess(tenant), sleep=Waits()
    )


def run(client: GraphClient, tenant: LocalTenant, row: VerbNeeds, missing: Need | None, is_person: bool) -> None:
    """The verb works; or without `missing` it fails, or says what it does not know, and names it."""
    with client:
        if missing is None:
            assert not [line for line in RUNS[row.verb](client, tenant) if "Insufficient" in line or "needs" in line]
            return
        least_of_it = any_of(missing, is_person=is_person)[0]
        kind = "delegated" if is_person else "application"
        words = f"needs {kind} permissions that this sign-in lacks: {least_of_it} (to {missing.to}"
        if missing.is_spared:
            assert (least_of_it if row.names_itself else words) in " ".join(RUNS[row.verb](client, tenant))
        else:
            with pytest.raises(Forbidden, match=re.escape(words)):
                RUNS[row.verb](client, tenant)


def held(row: VerbNeeds, missing: Need | None, is_person: bool) -> set[str]:
    """The least permissions without those that would do for what is to be missing."""
    return set(least(row, is_person=is_person)) - set(any_of(missing, is_person=is_person) if missing else ())


@pytest.mark.usefixtures("payroll")
@pytest.mark.parametrize(("row", "missing"), CASES, ids=NAMES)
def test_an_application_needs_these_permissions_and_no_others(
    tenant: LocalTenant, tmp_path: Path, row: VerbNeeds, missing: Need | None
) -> None:
    token = tenant.as_workload(*held(row, missing, is_person=False)).token
    run(client_of(tenant, tmp_path, row, token), tenant, row, missing, is_person=False)


@pytest.mark.usefixtures("payroll")
@pytest.mark.parametrize(("row", "missing"), CASES, ids=NAMES)
def test_a_person_needs_these_permissions_and_the_least_of_the_roles(
    tenant: LocalTenant, tmp_path: Path, row: VerbNeeds, missing: Need | None
) -> None:
    roles = [role_id(name) for name in (row.roles[0], *row.more_roles)]
    token = tenant.as_person(*roles, scopes=" ".join(held(row, missing, is_person=True))).token
    run(client_of(tenant, tmp_path, row, token), tenant, row, missing, is_person=True)


def role_id(name: str) -> str:
    return next(role for role, definition in ROLE_DEFINITIONS.items() if definition.display_name == name)


@pytest.mark.usefixtures("payroll")
@pytest.mark.parametrize(
    "row", [row for row in DISTINCT if row.roles and not row.names_itself], ids=lambda row: row.verb
)
def test_a_person_without_the_role_is_told_of_it(tenant: LocalTenant, tmp_path: Path, row: VerbNeeds) -> None:
    token = tenant.as_person(scopes=" ".join(least(row, is_person=True))).token
    with client_of(tenant, tmp_path, row, token) as client:
        try:
            said = " ".join(RUNS[row.verb](client, tenant))
        except Forbidden as refused:
            said = refused.message
    assert f"needs a directory role, too: {row.roles[0]}" in said


def test_roles_that_are_named_are_roles() -> None:
    names = {definition.display_name for definition in ROLE_DEFINITIONS.values()}
    assert {role for row in VERBS.values() for role in (*row.roles, *row.more_roles)} <= names


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.e30", "a.W10.c", "a.eyJyb2xlcyI6MX0.c"])
def test_a_token_that_cannot_be_read_is_not_guessed_at(token: str) -> None:
    assert isinstance(claims_of(token), dict)
    if not claims_of(token):
        assert missing_in(token, VERBS["status"]) == ""


def test_a_permission_that_allows_more_does_as_well(tenant: LocalTenant) -> None:
    token = tenant.as_workload("Policy.ReadWrite.ApplicationConfiguration", "Directory.Read.All").token
    assert missing_in(token, VERBS["status"]) == ""
