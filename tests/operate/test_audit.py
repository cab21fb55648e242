"""What the log of a tenant says about credentials and policies, read through Graph as everybody reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.local_tenant import Clock, LocalTenant
from tests.operate.in_process import InProcess, Ticks, client_of
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


def record_at(number: int, at: datetime) -> dict[str, Any]:
    return {
        **{"id": str(number), "activityDateTime": at.isoformat(), "result": "success", "category": "Policy"},
        **{"activityDisplayName": "Update policy", "initiatedBy": {}, "targetResources": []},
    }


class Log:
    """The log of a tenant, in front of it: `outages` are what becomes of looks, by their number, instead of an
    answer. Its pages overlap, as those of a list that grows at its head."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.records: list[dict[str, Any]] = []
        self.looks = 0
        self.outages: dict[int, int | Exception] = {}

    def add(self, *, late: timedelta = timedelta()) -> None:
        self.records.append(record_at(len(self.records), self.clock() - late))

    def pause(self) -> None:
        self.looks += 1
        self.clock.move(seconds=30)
        self.add()

    def __call__(self, request: httpx2.Request) -> httpx2.Response | None:
        if not request.url.path.endswith("/directoryAudits"):
            return None
        if outage := self.outages.get(self.looks):
            if isinstance(outage, Exception):
                raise outage
            return httpx2.Response(outage, headers={"Retry-After": "300"})
        since = datetime.fromisoformat(request.url.params["$filter"].removeprefix("activityDateTime ge "))
        newest = [one for one in reversed(self.records) if datetime.fromisoformat(one["activityDateTime"]) >= since]
        skipped = int(request.url.params.get("$skiptoken", 0))
        page: dict[str, Any] = {"value": newest[max(skipped - 1, 0) : skipped + 3]}
        if skipped + 3 < len(newest):
            page["@odata.nextLink"] = str(request.url.copy_set_param("$skiptoken", skipped + 3))
        return httpx2.Response(200, json=page)


def watched(tenant: LocalTenant, kind: InProcess, tmp_path: Path, log: Log, many: int) -> tuple[list[str], list[str]]:
    """The ids of so many records, and what was said meanwhile."""
    kind.before, said = log, []
    with client_of(tenant, tmp_path, kind) as client:
        since = Wanted(since=tenant.clock() - timedelta(hours=1))
        told = watch(client, since, clock=tenant.clock, pause=log.pause, say=said.append)
        return [one.id for one in islice(told, many)], said


def test_watching_tells_no_record_twice_where_pages_overlap_and_records_come_late(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path
) -> None:
    log = Log(tenant.clock)
    for minutes in (50, 9, 8, 7, 6, 5, 0):
        log.add(late=timedelta(minutes=minutes))
    told, said = watched(tenant, kind, tmp_path, log, 60)
    assert sorted(told, key=int) == [str(number) for number in range(60)]
    assert said == []


@pytest.mark.parametrize(
    "outage",
    [429, 503, 500, httpx2.ConnectError("refused"), httpx2.ReadError("reset"), httpx2.ReadTimeout("slow")],
    ids=repr,
)
def test_watching_outlives_a_tenant_that_does_not_answer_for_a_while(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path, outage: int | Exception
) -> None:
    """For two looks, each with all its patience; what happened meanwhile is told, and in its order."""
    log = Log(tenant.clock)
    log.outages = {2: outage, 3: outage}
    told, said = watched(tenant, kind, tmp_path, log, 6)
    assert told == [str(number) for number in range(6)]
    assert [one.endswith("It is asked again; what happens meanwhile is told then.") for one in said] == [True] * 2


@pytest.mark.parametrize(("outage", "look"), [(503, 0), (httpx2.ConnectError("refused"), 0), (403, 2)], ids=repr)
def test_watching_ends_where_it_was_never_answered_or_may_not_look(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path, outage: int | Exception, look: int
) -> None:
    log = Log(tenant.clock)
    log.outages = {look: outage}
    with pytest.raises(UnsecretError):
        watched(tenant, kind, tmp_path, log, 6)


def test_watching_outlives_its_token(
    tenant: LocalTenant, kind: InProcess, tmp_path: Path, payroll: dict[str, Any]
) -> None:
    with client_of(tenant, tmp_path, kind) as client:

        def pause() -> None:
            tenant.clock.move(hours=2)
            add_secret(client, payroll)

        told = islice(watch(client, wanted(tenant), clock=tenant.clock, pause=pause), 3)
        assert len({one.id for one in told}) == 3
    assert len([one for one in kind.calls(tokens=True) if one.endswith("/token")]) >= 3


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
