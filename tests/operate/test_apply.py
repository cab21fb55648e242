"""Carrying out plans: every kind of step, what came between, what is for another tenant."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from tests.local_tenant import LocalTenant
from tests.operate.applies import EVERYTHING, NOW, STEPS, carry_out, policy_state, run, saved
from tests.operate.in_process import InProcess, Ticks, client_of
from tests.operate.test_plan import DEFAULT, POLICIES, assign, plan_of
from unsecret.errors import Conflict, Invalid
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.plans.apply import Applier, Became
from unsecret.operate.plans.files import plan_text, read_plan_or_policies, read_policies, require_place
from unsecret.operate.plans.journal import interrupted
from unsecret.operate.plans.plan import make_plan
from unsecret.operate.plans.rollback import rollback_of
from unsecret.operate.plans.steps import Plan
from unsecret.wire.policy_file_text import policy_file_text
from unsecret.wire.policy_files import read_policy_file

ELSEWHERE = "00000000-0000-4000-8000-000000000001"


def test_every_kind_of_step_is_carried_out_once(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks, organisation: dict[str, Any], tmp_path: Path
) -> None:
    outcomes = run(client, tmp_path / "state", EVERYTHING)

    assert [f"{one.became}: {one.step.words}" for one in outcomes] == [f"changed: {words}" for words in STEPS]
    ticks.later()
    assert plan_of(client, EVERYTHING).steps == ()
    assert run(client, tmp_path / "state", EVERYTHING) == ()
    default = tenant.get(DEFAULT)
    passwords = default["applicationRestrictions"]["passwordCredentials"]
    assert {one["restrictionType"]: one["state"] for one in passwords} == {
        "passwordLifetime": "enabled",
        "passwordAddition": "enabled",
    }
    assert default["applicationRestrictions"]["identifierUris"]["nonDefaultUriAddition"]["excludeSaml"] is True
    names = [one["displayName"] for one in tenant.get(POLICIES)["value"]]
    assert sorted(names) == ["Kept", "New", "Other"]
    bound = tenant.get(f"/applications/{organisation['Untouched']['id']}/appManagementPolicies")["value"]
    assert [one["displayName"] for one in bound] == ["Other"]


def test_the_rollback_file_gives_back_what_was_there(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks, organisation: dict[str, Any], tmp_path: Path
) -> None:
    before = policy_state(tenant, tmp_path)
    run(client, tmp_path / "state", EVERYTHING)
    ticks.later()
    assert policy_state(tenant, tmp_path) != before
    (file,) = (tmp_path / "state").glob("*.rollback.toml")

    outcomes = run(client, tmp_path / "state", file.read_text(), now=NOW + timedelta(seconds=1))

    assert {one.became for one in outcomes} == {Became.CHANGED}
    assert policy_state(tenant, tmp_path) == before


def test_a_plan_takes_the_place_of_a_plan_and_of_nothing_else(
    tenant: LocalTenant, kind: InProcess, organisation: dict[str, Any], tmp_path: Path
) -> None:
    older, policies = tmp_path / "older.plan", tmp_path / "policies.toml"
    with client_of(tenant, tmp_path, kind) as client:
        older.write_text(plan_text(plan_of(client, EVERYTHING)))
    policies.write_text(EVERYTHING)
    for free in (older, tmp_path / "not-there"):
        require_place(free)
    with pytest.raises(Invalid, match="is no saved plan, and is not written over"):
        require_place(policies)
    with pytest.raises(Invalid, match="is a saved plan, no policy file"):
        read_policies(older)


def test_a_saved_plan_that_does_not_send_what_it_shows_is_refused(
    tenant: LocalTenant, kind: InProcess, organisation: dict[str, Any], tmp_path: Path
) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        text = plan_text(saved(plan_of(client, EVERYTHING), tmp_path))
    file = tmp_path / "altered.plan"
    alterations = [
        ("beta/policies/defaultAppManagementPolicy", "beta/users"),
        ('"after": "enabled"', '"after": "disabled"'),
        ('"isEnabled": true', '"isEnabled": false'),
        ('"collection": "applications"', '"collection": "users"'),
        ('"title": "tenant default policy"', '"title": "nothing of importance"'),
        ('"layout": "plan/1"', '"layout": "plan/2"'),
    ]
    for before, after in alterations:
        assert before in text
        file.write_text(text.replace(before, after, 1))
        with pytest.raises(Invalid, match=r"altered since it was saved|laid out as"):
            read_plan_or_policies(file)


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("PATCH", DEFAULT, {"isEnabled": True}, "tenant default policy says something else (isEnabled was False"),
        ("PATCH", f"{POLICIES}/{{Kept}}", {"description": "mine"}, "custom policy 'Kept' says something else"),
        ("PATCH", f"{POLICIES}/{{Old}}", {"isEnabled": False}, "custom policy 'Old', which is to be deleted"),
        ("DELETE", f"{POLICIES}/{{Kept}}", None, "custom policy 'Kept' is not there any more"),
        ("POST", POLICIES, {"displayName": "New", "description": "theirs"}, "there is a custom policy 'New' now"),
        ("LINK", "Free", "Other", "the app registration 'Free' has the custom policy 'Other'"),
    ],
)
def test_a_tenant_that_moved_since_the_plan_is_left_alone(
    tenant: LocalTenant,
    kind: InProcess,
    organisation: dict[str, Any],
    tmp_path: Path,
    method: str,
    path: str,
    body: Any,
    says: str,
) -> None:
    ids = {one["displayName"]: one["id"] for one in tenant.get(POLICIES)["value"]}
    with client_of(tenant, tmp_path, kind) as client:
        plan = plan_of(client, EVERYTHING)
        if method == "LINK":
            assign(tenant, "applications", organisation[path]["id"], ids[body])
        else:
            tenant.must(method, path.format(**ids), body)
        before = policy_state(tenant, tmp_path)

        with pytest.raises(Conflict) as refused:
            carry_out(client, tmp_path / "state", plan)

    assert says in refused.value.message
    assert policy_state(tenant, tmp_path) == before


def test_what_was_planned_on_the_strength_of_a_step_that_failed_is_not_tried(
    tenant: LocalTenant, organisation: dict[str, Any], tmp_path: Path
) -> None:
    """The exemption that cannot be given would have kept the block from breaking an application."""

    def refuses_links(request: httpx2.Request) -> httpx2.Response | None:
        is_link = request.method == "POST" and request.url.path.endswith("$ref")
        error = {"error": {"code": "Authorization_RequestDenied", "message": "You may not."}}
        return httpx2.Response(403, json=error) if is_link else None

    with client_of(tenant, tmp_path, InProcess(tenant, refuses_links)) as client:
        outcomes = run(client, tmp_path / "state", EVERYTHING)

    assert [one.became for one in outcomes] == ["changed", "changed", "failed"] + ["notTried"] * 5
    assert "You may not." in str(outcomes[2].error)
    assert tenant.get(DEFAULT)["isEnabled"] is False
    assert interrupted(tmp_path / "state") is None, "it came to its end, and said so"


def test_a_tenant_without_beta_is_served_over_v1(
    tenant: LocalTenant, organisation: dict[str, Any], tmp_path: Path
) -> None:
    def has_no_beta(request: httpx2.Request) -> httpx2.Response | None:
        error = {"error": {"code": "BadRequest", "message": "Resource not found for the segment 'beta'."}}
        return httpx2.Response(404, json=error) if request.url.path.startswith("/beta") else None

    with client_of(tenant, tmp_path, InProcess(tenant, has_no_beta)) as client:
        outcomes = run(client, tmp_path / "state", EVERYTHING)
        assert [one.became for one in outcomes] == ["changed"] * len(STEPS)
        assert plan_of(client, EVERYTHING).steps == ()


def test_a_plan_for_another_tenant_is_refused(tenant: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        plan = Plan(tenant_id=ELSEWHERE, graph="", made_at=NOW, source="")

        with pytest.raises(Conflict, match="made for the tenant"):
            Applier(client, plan).require_unmoved()


def test_a_policy_file_for_another_tenant_is_refused_before_anything_is_read(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path
) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        client.tenant_id()
        kind.seen.clear()
        with pytest.raises(Conflict, match=f"for the tenant {ELSEWHERE} only") as refused:
            plan_of(client, f'tenantId = "{ELSEWHERE}"\n{EVERYTHING}')
        assert (refused.value.code, kind.calls()) == ("OtherTenant", [])
        assert plan_of(client, f'tenantId = "{tenant.tenant_id.upper()}"').steps == ()


def test_a_rollback_file_is_for_its_tenant_only(tenant: LocalTenant, kind: InProcess, tmp_path: Path) -> None:
    with client_of(tenant, tmp_path, kind) as client:
        plan = plan_of(client, EVERYTHING.partition("[[")[0])
    back = read_policy_file(policy_file_text(rollback_of(plan)))
    assert back.tenant_id == tenant.tenant_id

    elsewhere = read_policy_file(policy_file_text(rollback_of(replace(plan, tenant_id=ELSEWHERE))))
    with client_of(tenant, tmp_path, kind) as client, pytest.raises(Conflict, match="only"):
        make_plan(client, elsewhere, source="", now=NOW)
