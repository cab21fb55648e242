"""What the log of a tenant says about credentials and policies, read through Graph as everybody reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from tests.local_tenant import LocalTenant
from tests.operate.in_process import Ticks
from unsecret.errors import UnsecretError
from unsecret.operate.audit import Kind, Wanted, kind_of, read_audit, watch
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.policies.block import blocking, plan_block, read_default
from unsecret.operate.policies.change import apply
from unsecret.wire.audit_records import AuditRecord


@pytest.fixture
def payroll(client: GraphClient) -> dict[str, Any]:
    return client.send("POST", "applications", body={"displayName": "Payroll"}).body


def add_secret(client: GraphClient, application: dict[str, Any]) -> None:
    def add() -> None:
        client.send("POST", f"applications/{application['id']}/addPassword", body={})

    client.once_visible(add)


def wanted(tenant: LocalTenant, **members: Any) -> Wanted:
    return Wanted(since=tenant.clock() - timedelta(hours=1), **members)


@pytest.fixture
def busy(tenant: LocalTenant, client: GraphClient, payroll: dict[str, Any], ticks: Ticks) -> LocalTenant:
    """A secret was added, secrets were blocked, and another secret was refused."""
    add_secret(client, payroll)
    path, policy = read_default(client)
    apply(client, plan_block(policy, path, blocking(start=None, longest=None)), sleep=lambda _seconds: None)
    with pytest.raises(UnsecretError):
        add_secret(client, payroll)
    ticks.later()
    return tenant


def test_additions_refusals_and_policies_are_told(busy: LocalTenant, client: GraphClient) -> None:
    refused, policy, added = read_audit(client, wanted(busy))
    assert (added.result, added.changes[0].split(" (")[0]) == ("success", "added secret")
    assert (refused.result, "not allowed" in refused.reason) == ("failure", True)
    assert "switched on" in policy.changes
    assert "applications: passwordAddition not set → enabled" in policy.changes


@pytest.mark.parametrize(
    ("members", "activities"),
    [
        ({"is_refused": True}, ["Update application – Certificates and secrets management"]),
        ({"kinds": ("policies",)}, ["Update policy"]),
        ({"app": "Pay*", "is_refused": True}, ["Update application – Certificates and secrets management"]),
        ({"app": "Nobody"}, []),
        ({"who": "nobody@*"}, []),
        ({"kinds": ("applications",), "app": "payroll"}, ["Add application"]),
    ],
    ids=str,
)
def test_only_what_is_asked_for_is_told(
    busy: LocalTenant, client: GraphClient, members: Any, activities: list[str]
) -> None:
    assert [one.activity for one in read_audit(client, wanted(busy, **members))] == activities


def test_nothing_from_before_is_told(busy: LocalTenant, client: GraphClient) -> None:
    assert list(read_audit(client, Wanted(since=busy.clock() + timedelta(hours=1)))) == []


def test_watching_tells_each_record_once(tenant: LocalTenant, client: GraphClient, payroll: dict[str, Any]) -> None:
    add_secret(client, payroll)
    looks = 0

    def pause() -> None:
        nonlocal looks
        looks += 1
        if looks in (2, 4):
            add_secret(client, payroll)

    seen = list(islice(watch(client, wanted(tenant), clock=tenant.clock, pause=pause), 3))
    assert looks == 4
    assert len({record.id for record in seen}) == 3


def test_a_kind_follows_from_the_activity_or_from_what_was_changed() -> None:
    def kind(activity: str, *types: str, category: str = "") -> Kind:
        record = AuditRecord(
            id="1",
            at=datetime(2026, 11, 22, tzinfo=UTC),
            activity=activity,
            category=category,
            result="success",
            reason="",
            who="",
            who_id=None,
            targets=tuple((one, "id", "name") for one in types),
            changes=(),
        )
        return kind_of(record)

    assert kind("Add service principal credentials", "ServicePrincipal") is Kind.CREDENTIALS
    assert kind("Anything", category="Policy") is Kind.POLICIES
    assert kind("Add owner to application", "Application") is Kind.APPLICATIONS
    assert kind("Add user", "User") is Kind.OTHER
