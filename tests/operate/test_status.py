"""What `status` tells about a tenant."""

from __future__ import annotations

from datetime import timedelta

import httpx2

from tests.local_tenant import LocalTenant
from tests.operate.in_process import InProcess, Ticks, Waits
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.policies.app_policy import plan_for_app, read_holdings
from unsecret.operate.policies.block import Wanted, blocking, plan_block, read_default
from unsecret.operate.policies.change import apply
from unsecret.operate.policies.targets import resolve
from unsecret.operate.status import NEVER_KNOWN, Bound, Holders, Restriction, read_status


def test_a_new_tenant_has_a_default_policy_that_is_off(client: GraphClient, tenant: LocalTenant) -> None:
    status = read_status(client, now=tenant.clock.now)

    assert (status.organisation, status.tenant_id) == ("Contoso", tenant.tenant_id)
    assert (status.is_enabled, status.restrictions, status.custom_policies, status.warnings) == (False, (), (), ())
    assert status.not_known == NEVER_KNOWN


def test_restrictions_are_told_in_words(client: GraphClient, tenant: LocalTenant, ticks: Ticks) -> None:
    path, current = read_default(client)
    apply(client, plan_block(current, path, blocking(start=None, longest=timedelta(days=90))), sleep=Waits())
    ticks.later()
    status = read_status(client, now=tenant.clock.now)

    assert status.is_enabled
    what, kind = "applications: passwordLifetime", "passwordLifetime"
    assert status.restrictions is not None
    assert status.restrictions[0] == Restriction(what, kind, "enabled, at most 90 days", True)


def test_holders_of_secrets_are_counted(client: GraphClient, tenant: LocalTenant) -> None:
    before = read_status(client, now=tenant.clock.now).applications
    assert before is not None
    tenant.new_application("clean")
    for name, days in (("holds one", 400), ("holds an expired one", 1)):
        app = tenant.new_application(name)
        end = (tenant.clock.now + timedelta(days=days)).isoformat()
        tenant.must("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"endDateTime": end}})

    after = read_status(client, now=tenant.clock.now + timedelta(days=30)).applications
    assert after == Holders(before.total + 3, before.with_secrets + 2, before.with_expired_secrets_only + 1)


def test_custom_policies_are_told_with_what_they_bind(client: GraphClient, tenant: LocalTenant) -> None:
    app = tenant.new_application("Payroll")
    principal = tenant.new_principal(app["appId"])
    (target,) = resolve(client, ["Payroll"])
    for change in plan_for_app(target, read_holdings(client, target), Wanted(enabled=False)):
        apply(client, change, sleep=Waits())
    customs = read_status(client, now=tenant.clock.now).custom_policies
    assert customs is not None
    [custom] = customs

    assert custom.applies_to is not None
    assert set(custom.applies_to) == {
        Bound("application", app["id"], "Payroll"),
        Bound("servicePrincipal", principal["id"], "Payroll"),
    }
    assert custom.restrictions[0] == Restriction(
        "linked objects: passwordAddition", "passwordAddition", "disabled", False
    )


def test_sleeping_entries_unbound_policies_and_a_lost_shape_are_warned_of(
    client: GraphClient, tenant: LocalTenant
) -> None:
    one_entry = {"passwordCredentials": [{"restrictionType": "passwordAddition"}]}
    tenant.must("PATCH", "/policies/defaultAppManagementPolicy", {"applicationRestrictions": one_entry})
    tenant.must("POST", "/policies/appManagementPolicies", {"displayName": "Forgotten", "description": "…"})
    warnings = " ".join(read_status(client, now=tenant.clock.now).warnings)

    assert "1 enabled entries bind nobody until it is on" in warnings
    assert "will not edit “Block password addition”" in warnings
    assert "'Forgotten'" in warnings


def test_what_may_not_be_read_is_said_to_be_not_known(
    client: GraphClient, tenant: LocalTenant, transport: InProcess
) -> None:
    refusal = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}

    def closed(request: httpx2.Request) -> httpx2.Response | None:
        return httpx2.Response(403, json=refusal) if request.url.path == "/v1.0/applications" else None

    transport.before = closed
    status = read_status(client, now=tenant.clock.now)

    assert status.applications is None
    assert status.service_principals is not None
    assert "applications: Insufficient privileges." in status.not_known
