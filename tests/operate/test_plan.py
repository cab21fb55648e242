"""From a policy file to steps, on a tenant in process that is at its most unkind."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.local_tenant import LocalTenant
from tests.operate.in_process import InProcess, Ticks, client_of
from unsecret.errors import Invalid, NotFound, UnsecretError
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.plans.export import export_policies
from unsecret.operate.plans.plan import make_plan
from unsecret.operate.plans.steps import Plan
from unsecret.wire.policy_file_text import policy_file_text
from unsecret.wire.policy_files import read_policy_file

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEFAULT = "/beta/policies/defaultAppManagementPolicy"
POLICIES = "/beta/policies/appManagementPolicies"


def plan_of(client: GraphClient, text: str) -> Plan:
    return make_plan(client, read_policy_file(text), source="policies.toml", now=NOW)


def told(plan: Plan) -> list[str]:
    return [f"{step.action}: {line.what}: {line.before} → {line.after}" for step in plan.steps for line in step.lines]


def new_policy(tenant: LocalTenant, name: str, state: str = "disabled", **more: Any) -> str:
    passwords = [{"restrictionType": "passwordAddition", "state": state}]
    body = {
        "displayName": name,
        "description": name,
        "isEnabled": True,
        "restrictions": {"passwordCredentials": passwords},
    }
    return tenant.must("POST", POLICIES, body | more)["id"]


def assign(tenant: LocalTenant, collection: str, object_id: str, policy_id: str) -> None:
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{policy_id}"}
    tenant.must("POST", f"/{collection}/{object_id}/appManagementPolicies/$ref", reference)


ALL = """
[defaultAppManagementPolicy]
isEnabled = true

[defaultAppManagementPolicy.applicationRestrictions.passwordCredentials]
passwordAddition = { state = "enabled", restrictForAppsCreatedAfterDateTime = 2027-01-01 }

[[appManagementPolicies]]
displayName = "Free"
isEnabled = true
appliesTo = [{ app = "Payroll" }]
[appManagementPolicies.restrictions.passwordCredentials]
passwordAddition = { state = "disabled" }
[appManagementPolicies.restrictions.applicationRestrictions.identifierUris]
nonDefaultUriAddition = { state = "disabled", excludeSaml = true }
"""


def test_a_plan_says_what_changes_entry_by_entry(tenant: LocalTenant, client: GraphClient, ticks: Ticks) -> None:
    tenant.new_principal(tenant.new_application("Payroll")["appId"])
    ticks.later()

    assert told(plan_of(client, ALL)) == [
        "create: displayName: not set → Free",
        "create: description: not set → Free",
        "create: policy: not set → on",
        "create: linked objects: passwordAddition: not set → disabled",
        "create: linked objects: nonDefaultUriAddition: not set → disabled, excludeSaml: yes",
        "link: applies to the app registration 'Payroll': not bound → bound",
        "link: applies to the service principal 'Payroll': not bound → bound",
        "update: policy: off → on",
        "update: applications: passwordAddition: not set → enabled for those created from 2027-01-01T00:00:00Z",
    ]


def test_an_export_of_a_tenant_has_nothing_pending_on_it(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks
) -> None:
    caller = {"id": "Ci_Pipeline", "operator": "equals", "value": "A"}
    exempting = {
        "customSecurityAttributes": [
            {"@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption", **caller}
        ]
    }
    tenant.must(
        "PATCH",
        DEFAULT,
        {
            "isEnabled": True,
            "applicationRestrictions": {
                "passwordCredentials": [
                    {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "PT2160H"},
                    {"restrictionType": "passwordAddition", "state": "enabled", "excludeActors": exempting},
                ],
                "redirectUris": {
                    "uriWithBlockedDomain": {"state": "enabled", "web": {"blockedDomains": ["a.example"]}}
                },
            },
        },
    )
    app, other = tenant.new_application("Payroll"), tenant.new_application("=Other\n[x]")
    principal = tenant.new_principal(app["appId"])
    free, twin, another = new_policy(tenant, "Free"), new_policy(tenant, "Twin"), new_policy(tenant, "Twin", "enabled")
    assign(tenant, "applications", app["id"], free)
    assign(tenant, "servicePrincipals", principal["id"], free)
    assign(tenant, "applications", other["id"], twin)
    ticks.later()

    file, left_out = export_policies(client)
    text = policy_file_text(file)

    assert read_policy_file(text).policies[0].applies_to[0].faces == ()
    assert {one.policy_id for one in file.policies} == {None, twin, another}
    assert told(make_plan(client, read_policy_file(text), source="", now=NOW)) == []
    assert left_out == ()
    assert policy_file_text(export_policies(client)[0]) == text


AWKWARD = ('Päyroll "new"', "O'Brien\nand sons", "[[x]] = ''''''", "日本語 # no comment", "a.b\\t{c}")


def test_an_export_of_awkward_names_and_of_what_nobody_knows_yet_has_nothing_pending(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path
) -> None:
    """Names as people give them, two applications of one name, and a Graph that knows restrictions of one day."""
    future = [
        {"restrictionType": "hardwareKeyNeeded", "state": "enabled", "attestation": {"levels": [1, 2.5, "x\n"]}},
        {"restrictionType": "passwordAdditionV2", "state": "enabled"},
    ]
    for name in AWKWARD:
        policy = new_policy(tenant, name)
        for _each in range(2):
            assign(tenant, "applications", tenant.new_application(name)["id"], policy)

    def of_one_day(request: httpx2.Request) -> httpx2.Response | None:
        if request.method != "GET" or not request.url.path.endswith("/defaultAppManagementPolicy"):
            return None
        answer = kind.door.send(request)
        body = answer.json()
        body["applicationRestrictions"]["passwordCredentials"] += future
        return httpx2.Response(200, headers=answer.headers, json=body)

    kind.before = of_one_day
    with client_of(tenant, tmp_path, kind) as client:
        file, left_out = export_policies(client)
        text = policy_file_text(file)
        assert told(make_plan(client, read_policy_file(text), source="", now=NOW)) == []
    assert {one.display_name for one in file.policies} == set(AWKWARD)
    assert [len(one.applies_to) for one in file.policies] == [2] * len(AWKWARD)
    assert "hardwareKeyNeeded" in text
    assert len(left_out) == 1
    assert "passwordAdditionV2 (" in left_out[0]
    assert left_out[0].endswith("which a policy file cannot say")


def test_a_file_that_mentions_nothing_asks_nothing(tenant: LocalTenant, client: GraphClient) -> None:
    assert plan_of(client, "").steps == ()


def test_an_application_moves_from_one_policy_to_another_only_when_told_to(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks
) -> None:
    app = tenant.new_application("Payroll")
    assign(tenant, "applications", app["id"], new_policy(tenant, "Old"))
    ticks.later()
    moving = "[[appManagementPolicies]]\ndisplayName = 'New'\nappliesTo = [{ app = 'Payroll' }]\n"

    with pytest.raises(Invalid, match="has the custom policy 'Old'") as refused:
        plan_of(client, moving)
    assert "absent = true" in str(refused.value.hint)

    leaving = "[[appManagementPolicies]]\ndisplayName = 'Old'\nappliesTo = [{ app = 'Payroll', absent = true }]"
    assert [step.action for step in plan_of(client, moving + leaving).steps] == ["create", "unlink", "link"]
    deleted = "[[appManagementPolicies]]\ndisplayName = 'Old'\nabsent = true"
    assert [step.action for step in plan_of(client, moving + deleted).steps] == ["create", "unlink", "link", "delete"]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("displayName = 'Twin'", Invalid, "2 custom policies are named 'Twin'"),
        ("id = '00000000-0000-4000-8000-000000000001'", NotFound, "no custom policy with the id"),
        ("displayName = 'X'\nappliesTo = [{ app = 'Nobody' }]", NotFound, "no application with the name 'Nobody'"),
        (
            "displayName = 'X'\nappliesTo = [{ app = 'Payroll', on = 'servicePrincipal' }]",
            NotFound,
            "no service principal",
        ),
        (
            "displayName = 'X'\nappliesTo = [{ app = 'Payroll' }]\n"
            "[[appManagementPolicies]]\ndisplayName = 'Y'\nappliesTo = [{ app = 'Payroll' }]",
            Invalid,
            "into two policies",
        ),
        (
            "displayName = 'X'\n[appManagementPolicies.restrictions.passwordCredentials]\npasswordLifetime = {}",
            Invalid,
            "needs a maxLifetime",
        ),
    ],
)
def test_what_cannot_be_carried_out_is_refused_while_planning(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks, text: str, error: type[UnsecretError], says: str
) -> None:
    tenant.new_application("Payroll")
    new_policy(tenant, "Twin")
    new_policy(tenant, "Twin")
    ticks.later()

    with pytest.raises(error) as refused:
        plan_of(client, f"[[appManagementPolicies]]\n{text}")

    assert says in refused.value.message


def test_switching_a_policy_on_tells_what_else_begins_to_bind(
    tenant: LocalTenant, client: GraphClient, ticks: Ticks
) -> None:
    sleeping = {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P90D"}
    tenant.must("PATCH", DEFAULT, {"applicationRestrictions": {"passwordCredentials": [sleeping]}})
    ticks.later()

    plan = plan_of(client, ALL.partition("[[")[0])

    assert plan.activates == ("tenant default policy: applications: passwordLifetime (enabled, at most 90 days)",)
    assert [note for note in plan.notes if "portal will not edit “Block password addition”" in note]
