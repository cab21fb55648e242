"""One request is one instant, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.local_tenant import Clock, Identity, LocalTenant
from unsecret.tenant.signing import SigningKeys


@dataclass
class CountingClock(Clock):
    """Stands still, and knows how often it was looked at."""

    looks: int = 0

    def __call__(self) -> datetime:
        self.looks += 1
        return super().__call__()


@pytest.fixture
def counting(tenant: LocalTenant, identity: Identity, signing: SigningKeys) -> Iterator[LocalTenant]:
    local = LocalTenant(tenant.directory, identity, signing, clock=CountingClock(), domain="fabrikam")
    yield local
    local.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1.0/applications", 200),
        ("GET", "/v1.0/applications/00000000-0000-0000-0000-000000000001", 404),
        ("GET", "/v1.0/nothing/of/the/kind", 501),
        ("GET", "/subscriptions", 200),
        ("POST", "/common/oauth2/v2.0/token", 400),
        ("GET", "/nowhere", 404),
    ],
)
def test_a_request_looks_at_the_clock_once(counting: LocalTenant, method: str, path: str, status: int) -> None:
    assert isinstance(counting.clock, CountingClock)
    counting.clock.looks = 0
    answer = counting.client.request(method, path, headers={"Authorization": f"Bearer {counting.token}"})
    assert (answer.status_code, counting.clock.looks) == (status, 1)
