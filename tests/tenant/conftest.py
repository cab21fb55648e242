"""A fresh tenant for each test, in process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_tenant import Identity, LocalTenant, new_identity


@pytest.fixture(scope="session")
def identity() -> Identity:
    return new_identity()


@pytest.fixture
def tenant(tmp_path: Path, identity: Identity) -> Iterator[LocalTenant]:
    local = LocalTenant(tmp_path / "data", identity)
    yield local
    local.close()
