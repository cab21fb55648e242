"""Once a change that blocks has been answered, no credential that it forbids is created. Not one, under any load.

Each round, writers add secrets to an application as fast as they are answered while an administrator switches a
block on. Right after the 204 the application's secrets are read; whatever is there later and was not there then
was created after the block. To show that the test can fail, the same round is run with a writer that reads the
policy in one transaction and writes in another.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.types import Message

from tests.local_tenant import BASE, LocalTenant
from unsecret.errors import PolicyDenied
from unsecret.model.application import ObjectKind
from unsecret.model.event import Caller, Circumstances
from unsecret.model.identifiers import ObjectId
from unsecret.store import credentials, directory_objects
from unsecret.store.engine import Store
from unsecret.tenant import secrets
from unsecret.tenant.app import create_app
from unsecret.tenant.settings import Services
from unsecret.tenant.use_cases.credentials import new_password, password_addition
from unsecret.tenant.use_cases.judging import require_lawful
from unsecret.tenant.use_cases.transaction import Transaction
from unsecret.wire.credentials import PasswordRequest

WRITERS = 32
ROUNDS = 200
BLOCK = {"restrictionType": "passwordAddition", "state": "enabled", "maxLifetime": None}
DEFAULT = "/v1.0/policies/defaultAppManagementPolicy"
POLICIES = "/v1.0/policies/appManagementPolicies"

AddPassword = Callable[["Round"], Awaitable[bool]]

pytestmark = pytest.mark.promise


class Door:
    """A way into a server. What the server is, is called itself: a client's own work would be most of the load."""

    def __init__(self, tenant: LocalTenant, services: Services):
        self._app = create_app(services)
        host, token = BASE.removeprefix("https://"), tenant.token
        names = {"Host": host, "Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in names.items()]

    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        sent = [b"" if body is None else json.dumps(body).encode()]
        answered: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": sent.pop(), "more_body": False}

        async def send(message: Message) -> None:
            answered.append(message)

        length = (b"content-length", str(len(sent[0])).encode())
        address = {"scheme": "https", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": ""}
        ends = {"server": ("localhost", 8443), "client": ("127.0.0.1", 123)}
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method}
        await self._app({**scope, **address, **ends, "headers": [*self._headers, length]}, receive, send)
        content = b"".join(message.get("body", b"") for message in answered[1:])
        return answered[0]["status"], json.loads(content) if content else None


@dataclass
class Round:
    """One application under load. `writer` and `administrator` may be two servers on one directory."""

    tenant: LocalTenant
    writer: Door
    administrator: Door
    object_id: str

    async def secrets(self) -> set[str]:
        path = f"/v1.0/applications/{self.object_id}/passwordCredentials"
        status, listed = await self.administrator.send("GET", path)
        assert status == 200, listed
        return {secret["keyId"] for secret in listed["value"]}


async def by_http(round_: Round) -> bool:
    """The real thing."""
    status, answer = await round_.writer.send("POST", f"/v1.0/applications/{round_.object_id}/addPassword", {})
    assert status in (200, 400), answer
    return status == 200


async def by_two_transactions(round_: Round) -> bool:
    """The mistake: ask the law in one transaction, write in the next."""
    tenant = round_.tenant
    caller = Caller(
        tenant_id=tenant.tenant_id,
        app_id=tenant.new.client_id,
        service_principal_id=ObjectId(round_.object_id),
        display_name="careless",
    )
    circumstances = Circumstances(now=tenant.clock.now, machine_now=tenant.clock.now, correlation_id="careless")
    request = PasswordRequest()
    credential, text = new_password(request, tenant.clock.now)
    with tenant.store.read() as conn:
        target = directory_objects.get(conn, tenant.tenant_id, ObjectKind.APPLICATION, ObjectId(round_.object_id))
        assert target is not None
        try:
            require_lawful(Transaction(conn, caller, circumstances), target, [password_addition(credential, request)])
        except PolicyDenied:
            return False
    await asyncio.sleep(0.005)  # long enough for a block to be answered in between, however quick it is
    written = tenant.store.write(
        lambda conn: credentials.add_password(
            conn, tenant.tenant_id, ObjectId(round_.object_id), credential, secrets.digest(text)
        )
    )
    await asyncio.wrap_future(written)
    return True


async def block_by_default(round_: Round) -> None:
    body = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [BLOCK]}}
    status, answer = await round_.administrator.send("PATCH", DEFAULT, body)
    assert status == 204, answer


async def block_by_assignment(round_: Round) -> None:
    body = {"displayName": "block", "description": "block", "isEnabled": True}
    body["restrictions"] = {"passwordCredentials": [BLOCK]}
    _, made = await round_.administrator.send("POST", POLICIES, body)
    reference = {"@odata.id": f"{BASE}{POLICIES}/{made['id']}"}
    assigned = f"/v1.0/applications/{round_.object_id}/appManagementPolicies/$ref"
    status, answer = await round_.administrator.send("POST", assigned, reference)
    assert status == 204, answer


async def lift(round_: Round) -> None:
    status, answer = await round_.administrator.send("PATCH", DEFAULT, {"isEnabled": False})
    assert status == 204, answer


async def leaked(round_: Round, add_password: AddPassword, block: Callable[[Round], Awaitable[None]]) -> set[str]:
    """Run one round; returns the secrets that came into being after the block had been answered."""
    created = asyncio.Event()

    async def write_until_refused() -> None:
        while await add_password(round_):
            created.set()

    writers = [asyncio.create_task(write_until_refused()) for _ in range(WRITERS)]
    await created.wait()
    await block(round_)
    at_the_204 = await round_.secrets()
    await asyncio.gather(*writers)
    return await round_.secrets() - at_the_204


async def leaks_in(
    tenant: LocalTenant,
    rounds: int,
    add_password: AddPassword,
    block: Callable[[Round], Awaitable[None]] = block_by_default,
    *,
    administered_by: Services | None = None,
) -> int:
    """How many of `rounds` rounds leaked a secret. `administered_by` is another server on the same directory."""
    count = 0
    writer, administrator = Door(tenant, tenant.services), Door(tenant, administered_by or tenant.services)
    for number in range(rounds):
        _, application = await administrator.send("POST", "/v1.0/applications", {"displayName": f"round {number}"})
        round_ = Round(tenant, writer, administrator, application["id"])
        count += bool(await leaked(round_, add_password, block))
        await lift(round_)
    return count


def test_no_secret_is_created_after_a_block_was_answered(tenant: LocalTenant) -> None:
    assert asyncio.run(leaks_in(tenant, ROUNDS, by_http)) == 0


def test_no_secret_is_created_after_an_assignment_was_answered(tenant: LocalTenant) -> None:
    assert asyncio.run(leaks_in(tenant, ROUNDS // 4, by_http, block_by_assignment)) == 0


def test_the_promise_breaks_when_policy_and_write_are_two_transactions(tenant: LocalTenant) -> None:
    assert asyncio.run(leaks_in(tenant, 20, by_two_transactions)) > 0


@pytest.fixture
def second_server(tenant: LocalTenant) -> Iterator[Services]:
    """Another server on the same directory, with its own connections and its own writer."""
    store = Store.open(tenant.database.place)
    yield Services(store=store, signing=tenant.signing, settings=tenant.services.settings, clock=tenant.clock)
    store.close()


def test_the_promise_holds_across_two_servers_on_one_directory(tenant: LocalTenant, second_server: Services) -> None:
    assert asyncio.run(leaks_in(tenant, ROUNDS // 8, by_http, administered_by=second_server)) == 0
