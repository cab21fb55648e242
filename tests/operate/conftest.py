"""The operator's client on the tenant of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_tenant import LocalTenant
from tests.operate.applies import organised
from tests.operate.checked import CISA, GOOD, Hold
from tests.operate.in_process import UNKIND, InProcess, Ticks, client_of
from tests.operate.policies import default_policy
from tests.snapshots import TAKEN_AT, snapshot_of
from unsecret.model.profile import Profile
from unsecret.operate.checks.check import check
from unsecret.operate.checks.findings import Report
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.tenant.mischief import Mischief


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def transport(tenant: LocalTenant, ticks: Ticks) -> Iterator[InProcess]:
    """The tenant at its most unkind; what works through this works with Graph."""
    mischief = Mischief(UNKIND, tenant.store, clock=ticks)
    yield InProcess(tenant, mischief=mischief)
    mischief.close()


@pytest.fixture
def kind(tenant: LocalTenant) -> InProcess:
    """The tenant without mischief, for who counts requests or waits."""
    return InProcess(tenant)


@pytest.fixture
def client(tenant: LocalTenant, tmp_path: Path, transport: InProcess) -> Iterator[GraphClient]:
    with client_of(tenant, tmp_path, transport) as graph:
        yield graph


@pytest.fixture
def organisation(tenant: LocalTenant, ticks: Ticks) -> dict[str, dict[str, Any]]:
    """The applications of `applies.organised`, by name."""
    apps = organised(tenant)
    ticks.later()
    return apps


@pytest.fixture
def hold(tmp_path: Path) -> Hold:
    """Holds a tenant that consists of these collections against a profile."""

    def held(profile: Profile = CISA, /, *, missing: dict[str, str] | None = None, **given: Any) -> Report:
        options = {name: given.pop(name) for name in ("mutes", "least", "most", "now") if name in given}
        default = given.pop("default", default_policy(applications=GOOD, service_principals=GOOD))
        collections = {
            "applications": given.get("applications", []),
            "servicePrincipals": given.get("principals", []),
            "defaultAppManagementPolicy": [default] if default else [],
            "appManagementPolicies": given.get("customs", []),
        }
        file = snapshot_of(tmp_path / "tenant.snapshot", collections, missing=missing)
        with open_snapshot(file) as snapshot:
            return check(snapshot, profile, now=options.pop("now", TAKEN_AT), **options)

    return held
