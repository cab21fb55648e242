"""Two machines behind a balancer, as the guide on several machines has them: each with an address and a directory of
its own, one PostgreSQL, one name. The machines are loopback addresses, and the network does not part them."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import postgresql
from tests.balancer import Address, Balancer
from tests.clients.administrator import Administrator
from tests.running_tenant import EACH_ANSWER_COUNTS, RunningTenant

pytestmark = pytest.mark.promise

COPIED = ("ca.pem", "ca.key", "server.pem", "server.key")
"""What the guide has copied to every machine."""


@dataclass
class Machine:
    """A server, and where the balancer finds it."""

    tenant: RunningTenant
    address: Address


@dataclass
class Site:
    """What there is of it. The administrator's requests go to whichever machine `at` named last."""

    balancer: Balancer
    machines: tuple[Machine, Machine]
    administrator: Administrator

    def at(self, *machines: Machine) -> Administrator:
        self.balancer.servers = [machine.address for machine in machines]
        return self.administrator


def _free_address(host: str) -> Address:
    try:
        with socket.create_server((host, 0)) as door:
            return door.getsockname()
    except OSError:
        pytest.skip(f"this system has no {host}")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as opened:
        cluster = opened.enter_context(postgresql.server())
        database = opened.enter_context(postgresql.database_of(cluster))
        balancer = opened.enter_context(closing(Balancer()))
        name = f"https://localhost:{balancer.port}"

        def start(number: int, *begin: str) -> Machine:
            """Without mischief: each connection is looked at, and one that is sent again would be one more."""
            data, address = tmp_path / f"machine-{number}", _free_address(f"127.0.0.{number}")
            balancer.servers = [address]
            places = ("--host", address[0], "--base-url", name, "--database", database)
            tenant = opened.enter_context(
                RunningTenant.start(data, *places, *begin, port=address[1], mischief=EACH_ANSWER_COUNTS)
            )
            return Machine(tenant, address)

        first = start(2, "--empty")
        (tmp_path / "machine-3").mkdir(mode=0o700)
        for file in COPIED:
            shutil.copy2(first.tenant.data / file, tmp_path / "machine-3" / file)
        second = start(3)
        administrator = opened.enter_context(closing(Administrator(second.tenant, keeps_alive=False)))
        yield Site(balancer, (first, second), administrator)


def test_what_one_machine_answered_holds_on_the_other_and_one_is_enough(site: Site) -> None:
    one, other = site.machines
    assert one.tenant.graph == other.tenant.graph
    app = site.at(one).register("payroll", "Application.ReadWrite.All")
    path = f"/applications/{app.object_id}"
    site.at(one).block_secrets()
    refused = site.at(other).send("POST", f"{path}/addPassword", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "CredentialTypeNotAllowedAsPerAppPolicy")
    site.at(other).block_secrets(enabled=False)
    secret = site.at(one).add_password(app)

    for issuer, reader in ((one, other), (other, one)):
        token = site.at(issuer).request_token(issuer.tenant, app.app_id, client_secret=secret).json()["access_token"]
        assert site.at(reader).send("GET", path, token=token).is_success
        assert site.balancer.sent_to[-2:] == [issuer.address, reader.address]

    one.tenant.process.kill()
    one.tenant.process.wait()
    both = site.at(one, other)
    both.block_secrets()
    for _ in range(4):
        assert both.send("GET", path, token=token).is_success
        assert both.send("POST", f"{path}/addPassword", {}).status_code == 400
        assert both.request_token(one.tenant, app.app_id, client_secret=secret).is_success
    assert set(site.balancer.sent_to[-12:]) == {other.address}
