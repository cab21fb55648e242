"""The operator's client on the tenant of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_tenant import LocalTenant
from tests.operate.in_process import InProcess, client_of
from unsecret.operate.client import GraphClient


@pytest.fixture
def transport(tenant: LocalTenant) -> InProcess:
    return InProcess(tenant)


@pytest.fixture
def client(tenant: LocalTenant, tmp_path: Path, transport: InProcess) -> Iterator[GraphClient]:
    with client_of(tenant, tmp_path, transport) as graph:
        yield graph
