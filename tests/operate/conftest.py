"""The operator's client on the tenant of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_tenant import LocalTenant
from tests.operate.applies import organised
from tests.operate.in_process import UNKIND, InProcess, Ticks, client_of
from unsecret.operate.graph.client import GraphClient
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
