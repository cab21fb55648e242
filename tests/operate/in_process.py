"""The operator's client on a tenant in the same process: the transport is the tenant's own application.

It goes through a door of its own, where the tenant does mischief: small pages, 429, reads that lag. What a test itself
asks the tenant goes through the other one, and is answered as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2
from msgspec.structs import replace
from starlette.testclient import TestClient

from tests.local_tenant import BASE, LocalTenant
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import Connection
from unsecret.tenant.app import create_app
from unsecret.tenant.mischief import Mischief, MischiefSettings

Answers = Callable[[httpx2.Request], httpx2.Response | None]


class InProcess(httpx2.BaseTransport):
    """Hands each request to the tenant, unless `before` answers it; `seen` is every request, in order.

    `before` is how a test plays what a network or a busy service does in front of a tenant.
    """

    def __init__(self, tenant: LocalTenant, before: Answers = lambda _request: None, mischief: Mischief | None = None):
        self.door = tenant.client if mischief is None else door(tenant, mischief)
        self.before = before
        self.seen: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        answer = self.before(request) or self.door.send(request)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.read())

    def calls(self, *, tokens: bool = False) -> list[str]:
        """Method and path of what was sent, without the sign-ins unless asked for."""
        sent = [f"{one.method} {one.url.path}" for one in self.seen]
        return [one for one in sent if tokens or not one.endswith("/oauth2/v2.0/token")]


class Ticks:
    """Time for mischief: every look at it takes a while, so that a lag ends."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.25
        return self.now

    def later(self) -> None:
        """What was written until now has reached everywhere."""
        self.now += UNKIND.lag


UNKIND = MischiefSettings(pages=2, throttled=0.3, lag=1.0, seed=3)
"""A lag of four reads; see Ticks."""


def door(tenant: LocalTenant, mischief: Mischief) -> TestClient:
    """Another way into the tenant, with mischief."""
    app = create_app(replace(tenant.services, mischief=mischief))
    beside = TestClient(app, base_url=BASE, follow_redirects=False)
    beside.portal = tenant.client.portal
    return beside


def connection_to(tenant: LocalTenant, directory: Path) -> Connection:
    """What `connection.json` would say about this tenant."""
    certificate = directory / "administrator.pem"
    certificate.write_bytes(tenant.identity.pem)
    return Connection(
        data=directory,
        tenant_id=tenant.tenant_id,
        authority=BASE,
        graph=BASE,
        ca=directory / "ca.pem",
        client_id=tenant.new.client_id,
        certificate=certificate,
    )


class Waits(list[float]):
    """Every pause that the client would have made, in seconds."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client_of(
    tenant: LocalTenant, directory: Path, transport: InProcess, *, sleep: Callable[[float], None] | None = None
) -> GraphClient:
    pause = Waits() if sleep is None else sleep
    return GraphClient(
        connection_to(tenant, directory), transport=transport, sleep=pause, clock=tenant.clock, chance=lambda: 0.0
    )
