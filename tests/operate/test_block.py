"""Blocking and allowing on a tenant that enforces: what was planned happens, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.local_tenant import LocalTenant
from tests.operate.in_process import InProcess, Ticks, Waits
from tests.operate.policies import Json
from unsecret.errors import Conflict, PolicyDenied
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.policies.app_policy import MADE_BY, plan_for_app, read_holdings
from unsecret.operate.policies.block import Wanted, blocking, plan_allow, plan_block, read_default
from unsecret.operate.policies.change import PolicyChange, apply
from unsecret.operate.policies.entries import differences
from unsecret.operate.policies.targets import resolve

BETA = "/beta/policies/defaultAppManagementPolicy"
BLOCK = blocking(start=None, longest=None)
EXEMPT = Wanted(enabled=False)

FULL: Json = {
    "isEnabled": True,
    "applicationRestrictions": {
        "passwordCredentials": [
            {
                "restrictionType": "customPasswordAddition",
                "restrictForAppsCreatedAfterDateTime": "2025-05-20T10:37:00Z",
            },
            {"restrictionType": "passwordAddition", "state": "disabled"},
        ],
        "keyCredentials": [
            {"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "P366DT0H0M0S"},
        ],
        "identifierUris": {
            "nonDefaultUriAddition": {
                "excludeAppsReceivingV2Tokens": True,
                "excludeSaml": True,
                "excludeActors": {
                    "customSecurityAttributes": [
                        {
                            "@odata.type": "microsoft.graph.customSecurityAttributeStringValueExemption",
                            "id": "PolicyExemptions_AppManagementExemption",
                            "operator": "equals",
                            "value": "Pipeline",
                        }
                    ]
                },
            }
        },
        "audiences": {"personalMicrosoftAccount": {"state": "enabled"}},
        "redirectUris": {"uriWithBlockedDomain": {"state": "enabled", "blockedDomains": ["bit.ly"]}},
    },
    "servicePrincipalRestrictions": {
        "passwordCredentials": [{"restrictionType": "passwordLifetime", "maxLifetime": "P180D"}]
    },
}


def block(client: GraphClient, wanted: Wanted = BLOCK) -> PolicyChange:
    path, current = read_default(client)
    change = plan_block(current, path, wanted)
    apply(client, change, sleep=Waits())
    return change


def add_password(client: GraphClient, path: str) -> None:
    client.send("POST", f"{path}/addPassword", body={})


def test_after_a_block_no_secret_can_be_made_anywhere(client: GraphClient, tenant: LocalTenant) -> None:
    app = tenant.new_application()
    principal = tenant.new_principal(app["appId"])
    block(client)

    for path in (f"applications/{app['id']}", f"servicePrincipals/{principal['id']}"):
        with pytest.raises(PolicyDenied):
            add_password(client, path)


def test_allow_lifts_the_block_and_leaves_the_policy_on(client: GraphClient, tenant: LocalTenant, ticks: Ticks) -> None:
    app = tenant.new_application()
    block(client)
    ticks.later()
    path, current = read_default(client)
    apply(client, plan_allow(current, path), sleep=Waits())

    add_password(client, f"applications/{app['id']}")
    assert tenant.get(BETA)["isEnabled"] is True


def test_a_second_block_has_nothing_to_do(client: GraphClient, ticks: Ticks) -> None:
    block(client)
    ticks.later()
    path, current = read_default(client)
    assert not plan_block(current, path, BLOCK).is_pending


def test_a_limit_lets_short_secrets_through_and_no_long_ones(client: GraphClient, tenant: LocalTenant) -> None:
    app = tenant.new_application()
    block(client, blocking(start=None, longest=timedelta(days=90)))

    with pytest.raises(PolicyDenied):
        add_password(client, f"applications/{app['id']}")
    short = {"endDateTime": (tenant.clock.now + timedelta(days=30)).isoformat()}
    client.send("POST", f"applications/{app['id']}/addPassword", body={"passwordCredential": short})


def test_a_date_spares_what_was_there_before(client: GraphClient, tenant: LocalTenant) -> None:
    old = tenant.new_application("old")
    tenant.clock.move(days=2)
    tenant.sign_in_again()
    block(client, blocking(start=tenant.clock.now - timedelta(days=1), longest=None))
    young = tenant.new_application("young")

    add_password(client, f"applications/{old['id']}")
    with pytest.raises(PolicyDenied):
        add_password(client, f"applications/{young['id']}")


@pytest.mark.parametrize("verb", ["block", "limit", "allow"])
def test_every_entry_that_was_not_named_is_as_it_was(client: GraphClient, tenant: LocalTenant, verb: str) -> None:
    tenant.must("PATCH", BETA, FULL)
    before = tenant.get(BETA)
    path, current = read_default(client)
    change = {
        "block": plan_block(current, path, BLOCK),
        "limit": plan_block(current, path, blocking(start=None, longest=timedelta(days=90))),
        "allow": plan_allow(current, path, ("passwordLifetime", "symmetricKeyLifetime")),
    }[verb]
    assert change.is_pending
    apply(client, change, sleep=Waits())

    named = {
        "block": {"passwordAddition", "symmetricKeyAddition"},
        "limit": {"passwordLifetime", "symmetricKeyLifetime"},
        "allow": {"passwordLifetime", "symmetricKeyLifetime"},
    }[verb]
    changed = {one.what.split(".")[2] for one in differences(before, tenant.get(BETA))}
    assert changed <= named


def test_a_tenant_without_beta_is_served_by_v1_and_loses_nothing_that_v1_hides(
    client: GraphClient, tenant: LocalTenant, transport: InProcess
) -> None:
    tenant.must("PATCH", BETA, FULL)
    before = tenant.get(BETA)
    nothing = {"error": {"code": "NotImplemented", "message": "No beta here."}}
    transport.before = lambda request: httpx2.Response(501, json=nothing) if "/beta/" in request.url.path else None
    change = block(client)

    assert change.version == "v1.0"
    transport.before = lambda _request: None
    changed = {one.what.split(".")[2] for one in differences(before, tenant.get(BETA))}
    assert changed == {"passwordAddition", "symmetricKeyAddition"}


def test_a_change_by_somebody_else_meanwhile_is_not_overwritten(
    client: GraphClient, tenant: LocalTenant, transport: InProcess
) -> None:
    path, current = read_default(client)
    change = plan_block(current, path, BLOCK)
    tenant.must("PATCH", BETA, FULL)

    with pytest.raises(Conflict, match="Somebody changed the tenant default policy meanwhile") as refusal:
        apply(client, change, sleep=Waits())
    assert refusal.value.code == "PolicyChangedMeanwhile"
    assert not any(call.startswith("PATCH") for call in transport.calls())


def test_a_mark_of_the_version_is_insisted_on_where_the_service_gives_one(
    client: GraphClient, tenant: LocalTenant, transport: InProcess
) -> None:
    def marked(request: httpx2.Request) -> httpx2.Response | None:
        if request.method != "GET" or "defaultAppManagementPolicy" not in request.url.path:
            return None
        return httpx2.Response(200, json={**tenant.get(BETA), "@odata.etag": 'W/"7"'})

    transport.before = marked
    block(client)
    assert {one.headers["if-match"] for one in transport.seen if one.method == "PATCH"} == {'W/"7"'}


def stale_for(tenant: LocalTenant, reads: int):
    """Reads that lag behind writes: after the PATCH, so many GETs still show the policy from before it."""
    old = tenant.get(BETA)
    left = [reads]
    written = [False]

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        written[0] |= request.method == "PATCH"
        if written[0] and request.method == "GET" and left[0]:
            left[0] -= 1
            return httpx2.Response(200, json=old)
        return None

    return answer


def test_a_read_that_lags_behind_the_write_is_waited_for(
    client: GraphClient, tenant: LocalTenant, transport: InProcess
) -> None:
    transport.before = stale_for(tenant, 3)
    path, current = read_default(client)
    waits = Waits()
    apply(client, plan_block(current, path, BLOCK), sleep=waits)
    assert len(waits) == 3


def test_what_does_not_read_as_written_is_not_called_done(
    client: GraphClient, tenant: LocalTenant, transport: InProcess
) -> None:
    transport.before = stale_for(tenant, 1000)
    path, current = read_default(client)
    with pytest.raises(Conflict, match=r"does not read as it should: .*passwordAddition") as refusal:
        apply(client, plan_block(current, path, BLOCK), sleep=Waits())
    assert refusal.value.code == "ReadBackDiffers"
    assert "isEnabled should be True, is False" in refusal.value.message


# -- single applications ---------------------------------------------------------------------------------------------


def for_app(client: GraphClient, name: str, wanted: Wanted) -> tuple[PolicyChange, ...]:
    (target,) = resolve(client, [name])
    changes = plan_for_app(target, read_holdings(client, target), wanted)
    for change in changes:
        if change.is_pending:
            apply(client, change, sleep=Waits())
    return changes


def test_one_application_can_be_blocked_with_both_its_faces(client: GraphClient, tenant: LocalTenant) -> None:
    app, other = tenant.new_application("Payroll"), tenant.new_application("Warehouse")
    principal = tenant.new_principal(app["appId"])
    for_app(client, "Payroll", BLOCK)

    for path in (f"applications/{app['id']}", f"servicePrincipals/{principal['id']}"):
        with pytest.raises(PolicyDenied):
            add_password(client, path)
    add_password(client, f"applications/{other['id']}")


def test_one_application_can_be_exempted_blocked_again_and_exempted_again_with_one_policy(
    client: GraphClient, tenant: LocalTenant
) -> None:
    app = tenant.new_application("Payroll")
    block(client)
    for_app(client, app["appId"], EXEMPT)
    add_password(client, f"applications/{app['id']}")

    for_app(client, app["id"], BLOCK)
    with pytest.raises(PolicyDenied):
        add_password(client, f"applications/{app['id']}")

    for_app(client, "Payroll", EXEMPT)
    add_password(client, f"applications/{app['id']}")
    (policy,) = tenant.get("/policies/appManagementPolicies")["value"]
    assert policy["description"].startswith(MADE_BY)


def test_a_second_time_there_is_nothing_to_do_for_an_application(client: GraphClient, tenant: LocalTenant) -> None:
    tenant.new_application("Payroll")
    for_app(client, "Payroll", BLOCK)
    assert not any(change.is_pending for change in for_app(client, "Payroll", BLOCK))


def test_a_service_principal_that_came_later_joins_the_policy(client: GraphClient, tenant: LocalTenant) -> None:
    app = tenant.new_application("Payroll")
    for_app(client, "Payroll", BLOCK)
    principal = tenant.new_principal(app["appId"])
    for_app(client, "Payroll", BLOCK)

    with pytest.raises(PolicyDenied):
        add_password(client, f"servicePrincipals/{principal['id']}")


def test_a_shared_policy_stays_as_it_is(client: GraphClient, tenant: LocalTenant) -> None:
    for name in ("Payroll", "Warehouse"):
        tenant.new_application(name)
    for_app(client, "Payroll", EXEMPT)
    (policy,) = tenant.get("/policies/appManagementPolicies")["value"]
    (warehouse,) = resolve(client, ["Warehouse"])
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{policy['id']}"}
    tenant.must("POST", f"/{warehouse.faces[0].link.policies_path}/$ref", reference)

    with pytest.raises(Conflict, match="with Warehouse"):
        for_app(client, "Payroll", BLOCK)
    assert tenant.get("/policies/appManagementPolicies")["value"] == [policy]


def test_a_policy_that_cannot_be_linked_is_taken_away_again(
    client: GraphClient, tenant: LocalTenant, transport: InProcess
) -> None:
    tenant.new_application("Payroll")
    refusal = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}
    transport.before = lambda request: httpx2.Response(403, json=refusal) if request.url.path.endswith("$ref") else None

    with pytest.raises(Conflict, match="deleted again; nothing has changed"):
        for_app(client, "Payroll", BLOCK)
    assert tenant.get("/policies/appManagementPolicies")["value"] == []


def test_a_date_that_would_free_the_application_is_refused_before_anything_is_written(
    client: GraphClient, tenant: LocalTenant, transport: InProcess
) -> None:
    tenant.new_application("Payroll")
    late = blocking(start=datetime(2030, 1, 1, tzinfo=UTC), longest=None)
    with pytest.raises(Exception, match="free it from the tenant default"):
        for_app(client, "Payroll", late)
    assert all(call.startswith("GET") for call in transport.calls())
