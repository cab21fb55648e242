"""Once a change that blocks has been answered, no credential that it forbids is created. Not one, under any load.

Each round, writers add secrets to an application as fast as they are answered while an administrator switches a
block on. Right after the 204 the application's secrets are read; whatever is there later and was not there then
was created after the block. To show that the test can fail, the same round is run with a writer that reads the
policy in one transaction and writes in another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import httpx2
import pytest

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

AddPassword = Callable[["Round"], Awaitable[bool]]

pytestmark = pytest.mark.promise


@dataclass
class Round:
    """One application under load. `writer` and `administrator` may be two servers on one directory."""

    tenant: LocalTenant
    writer: httpx2.AsyncClient
    administrator: httpx2.AsyncClient
    object_id: str

    async def secrets(self) -> set[str]:
        answer = await self.administrator.get(f"/v1.0/applications/{self.object_id}/passwordCredentials")
        return {secret["keyId"] for secret in answer.json()["value"]}


def client(tenant: LocalTenant, services: Services) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(create_app(services)),
        base_url=BASE,
        headers={"Authorization": f"Bearer {tenant.token}"},
    )


async def by_http(round_: Round) -> bool:
    """The real thing."""
    answer = await round_.writer.post(f"/v1.0/applications/{round_.object_id}/addPassword", json={})
    assert answer.status_code in (200, 400), answer.text
    return answer.status_code == 200


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
    answer = await round_.administrator.patch(DEFAULT, json=body)
    assert answer.status_code == 204, answer.text


async def block_by_assignment(round_: Round) -> None:
    made = await round_.administrator.post(
        "/v1.0/policies/appManagementPolicies",
        json={
            "displayName": "block",
            "description": "block",
            "isEnabled": True,
            "restrictions": {"passwordCredentials": [BLOCK]},
        },
    )
    reference = {"@odata.id": f"{BASE}/v1.0/policies/appManagementPolicies/{made.json()['id']}"}
    answer = await round_.administrator.post(
        f"/v1.0/applications/{round_.object_id}/appManagementPolicies/$ref", json=reference
    )
    assert answer.status_code == 204, answer.text


async def lift(round_: Round) -> None:
    answer = await round_.administrator.patch(DEFAULT, json={"isEnabled": False})
    assert answer.status_code == 204, answer.text


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
    async with (
        client(tenant, tenant.services) as writer,
        client(tenant, administered_by or tenant.services) as administrator,
    ):
        for number in range(rounds):
            application = await administrator.post("/v1.0/applications", json={"displayName": f"round {number}"})
            round_ = Round(tenant, writer, administrator, application.json()["id"])
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
