"""Each verb works with exactly the permissions of its row, and names the one that is taken away."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.local_tenant import LocalTenant
from tests.operate.in_process import InProcess, Waits, connection_to
from tests.operate.test_plan import NOW, assign, new_policy
from unsecret.errors import Forbidden
from unsecret.model.directory_roles import ROLE_DEFINITIONS
from unsecret.operate.app_policy import (
    exemptions,
    plan_for_app,
    plan_for_policy,
    read_custom_policies,
    read_holdings,
    read_policy,
)
from unsecret.operate.apply import Applier
from unsecret.operate.block import Wanted, blocking, plan_allow, plan_block, read_default
from unsecret.operate.change import apply
from unsecret.operate.client import GraphClient
from unsecret.operate.export import export_policies
from unsecret.operate.journal import Journal
from unsecret.operate.permissions import VERBS, Need, VerbNeeds, claims_of, least, missing_in
from unsecret.operate.plan import make_plan
from unsecret.operate.removal import find_credential
from unsecret.operate.removal import remove as remove_credential
from unsecret.operate.sign_in import Token
from unsecret.operate.status import read_status
from unsecret.operate.take import take
from unsecret.operate.targets import resolve
from unsecret.wire.policy_files import read_policy_file

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
    """Without custom security attributes, which take permissions and roles of their own: see test_take."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = take(client, Path(folder) / "a.snapshot", now=tenant.clock.now)
    return [line for line in manifest.not_known if not line.startswith(("attributeSets", "customSecurityAttribute"))]


def remove(client: GraphClient, tenant: LocalTenant) -> Iterable[str]:
    (app,) = tenant.get("/v1.0/applications?$filter=displayName eq 'payroll'")["value"]
    key = tenant.must("POST", f"/v1.0/applications/{app['id']}/addPassword", {})
    removal = find_credential(client, app["appId"], key["keyId"], now=tenant.clock.now)
    remove_credential(client, removal, now=tenant.clock.now)
    return ()


POLICY_FILE = """[defaultAppManagementPolicy]
isEnabled = true
[[appManagementPolicies]]
displayName = "of payroll"
appliesTo = [{ app = "payroll" }]
"""


def plan(client: GraphClient, _tenant: LocalTenant) -> Iterable[str]:
    make_plan(client, read_policy_file(POLICY_FILE), source="", now=NOW)
    return ()


def carry_out(client: GraphClient, _tenant: LocalTenant) -> Iterable[str]:
    applier = Applier(client, make_plan(client, read_policy_file(POLICY_FILE), source="", now=NOW))
    with tempfile.TemporaryDirectory() as folder:
        outcomes = applier.carry_out(Journal(Path(folder), applier.plan, rollback="", clock=lambda: NOW))
    for refused in (one.error for one in outcomes if one.error):
        raise refused
    return ()


def export(client: GraphClient, tenant: LocalTenant) -> Iterable[str]:
    """Of a tenant where a policy binds an application."""
    app = tenant.get("/applications?$filter=displayName%20eq%20'payroll'")["value"][0]
    if not tenant.get(f"/applications/{app['id']}/appManagementPolicies")["value"]:
        assign(tenant, "applications", app["id"], new_policy(tenant, "Free"))
    return export_policies(client)[1]


RUNS: dict[str, Callable[[GraphClient, LocalTenant], Iterable[str]]] = {
    "status": status,
    "snapshot": snapshot,
    "check": snapshot,
    "block": block,
    "allow": allow,
    "remove": remove,
    "export": export,
    "plan": plan,
    "apply": carry_out,
}
"""What each verb does in the tenant. It gives what it could not read and said so."""

CASES = [(row, missing) for row in VERBS.values() for missing in (None, *row.needs)]
NAMES = [f"{row.verb} without {missing.application[0]}" if missing else row.verb for row, missing in CASES]


def test_every_verb_with_a_row_is_proved() -> None:
    assert VERBS.keys() == RUNS.keys()


def test_every_verb_that_reaches_a_tenant_says_who_it_is_and_has_a_row() -> None:
    named = {name for file in CLI.glob("*.py") for name in re.findall(r'\bverb="([a-z]+)"', file.read_text())}
    assert named == VERBS.keys()


@pytest.fixture
def payroll(tenant: LocalTenant) -> None:
    tenant.new_principal(tenant.new_application("payroll")["appId"])


def client_of(tenant: LocalTenant, directory: Path, row: VerbNeeds, token: str) -> GraphClient:
    held = Token(token, tenant.clock.now + timedelta(hours=1))
    connection = connection_to(tenant, directory)
    return GraphClient(
        connection, tokens=lambda _post, _now: held, needs=row, transport=InProcess(tenant), sleep=Waits()
    )


def run(client: GraphClient, tenant: LocalTenant, row: VerbNeeds, missing: Need | None, name: str) -> None:
    """The verb works; or without `missing` it fails, or says what it does not know, and names it."""
    with client:
        if missing is None:
            unknown = " ".join(RUNS[row.verb](client, tenant))
            assert "needs" not in unknown, unknown
        elif missing.is_spared:
            assert f"needs {name} (to {missing.to}" in " ".join(RUNS[row.verb](client, tenant))
        else:
            with pytest.raises(Forbidden, match=re.escape(f"needs {name} (to {missing.to}")):
                RUNS[row.verb](client, tenant)


@pytest.mark.usefixtures("payroll")
@pytest.mark.parametrize(("row", "missing"), CASES, ids=NAMES)
def test_an_application_needs_these_permissions_and_no_others(
    tenant: LocalTenant, tmp_path: Path, row: VerbNeeds, missing: Need | None
) -> None:
    held = set(least(row, is_person=False)) - ({missing.application[0]} if missing else set())
    client = client_of(tenant, tmp_path, row, tenant.as_workload(*held).token)
    run(client, tenant, row, missing, f"application permissions that this sign-in lacks: {_name(missing, 0)}")


@pytest.mark.usefixtures("payroll")
@pytest.mark.parametrize(("row", "missing"), CASES, ids=NAMES)
def test_a_person_needs_these_permissions_and_the_least_of_the_roles(
    tenant: LocalTenant, tmp_path: Path, row: VerbNeeds, missing: Need | None
) -> None:
    held = set(least(row, is_person=True)) - ({missing.delegated[0]} if missing else set())
    token = tenant.as_person(role_id(row.roles[0]), scopes=" ".join(held)).token
    client = client_of(tenant, tmp_path, row, token)
    run(client, tenant, row, missing, f"delegated permissions that this sign-in lacks: {_name(missing, 1)}")


def _name(missing: Need | None, place: int) -> str:
    return (missing.application, missing.delegated)[place][0] if missing else ""


def role_id(name: str) -> str:
    return next(role for role, definition in ROLE_DEFINITIONS.items() if definition.display_name == name)


@pytest.mark.usefixtures("payroll")
@pytest.mark.parametrize("row", [row for row in VERBS.values() if row.roles], ids=lambda row: row.verb)
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
    assert {role for row in VERBS.values() for role in row.roles} <= names


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.e30", "a.W10.c", "a.eyJyb2xlcyI6MX0.c"])
def test_a_token_that_cannot_be_read_is_not_guessed_at(token: str) -> None:
    assert isinstance(claims_of(token), dict)
    if not claims_of(token):
        assert missing_in(token, VERBS["status"]) == ""


def test_a_permission_that_allows_more_does_as_well(tenant: LocalTenant) -> None:
    token = tenant.as_workload("Policy.ReadWrite.ApplicationConfiguration", "Directory.Read.All").token
    assert missing_in(token, VERBS["status"]) == ""
