"""A fresh tenant for each test, and the operator's client on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_tenant import Identity, LocalTenant, new_identity
from tests.operate.in_process import InProcess, client_of
from unsecret.operate.client import GraphClient


@pytest.fixture(scope="session")
def identity() -> Identity:
    return new_identity()


@pytest.fixture
def tenant(tmp_path: Path, identity: Identity) -> Iterator[LocalTenant]:
    local = LocalTenant(tmp_path / "data", identity)
    yield local
    local.close()


@pytest.fixture
def transport(tenant: LocalTenant) -> InProcess:
    return InProcess(tenant)


@pytest.fixture
def client(tenant: LocalTenant, tmp_path: Path, transport: InProcess) -> Iterator[GraphClient]:
    with client_of(tenant, tmp_path, transport) as graph:
        yield graph
