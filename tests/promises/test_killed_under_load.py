"""What was acknowledged is there, whole and with its record, whoever is killed while several processes write.

In each round a worker, then PostgreSQL with every process of it, then the whole server is ended by SIGKILL in the
middle of the load. One round is run with the tests; `make kill ROUNDS=50` runs many.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests import postgresql
from tests.clients.administrator import Administrator
from tests.promises.test_nothing_is_lost import recorded
from tests.running_tenant import EACH_ANSWER_COUNTS, RunningTenant

ROUNDS = int(os.environ.get("UNSECRET_KILL_ROUNDS", "1"))
WRITERS = 6
UNDER_LOAD = 40
"""Writes that are acknowledged before the kill, which so comes in the middle of others."""

PATIENCE = 120.0

pytestmark = pytest.mark.promise


class Writer(threading.Thread):
    """Adds secrets to an application of its own until told to stop, or until nobody answers; remembers what was
    acknowledged. To be told that the directory is unavailable is no acknowledgement, and no reason to stop."""

    def __init__(self, tenant: RunningTenant):
        super().__init__()
        self.administrator = Administrator(tenant)
        self.object_id: str = self.administrator.call("POST", "/applications", {"displayName": "under load"})["id"]
        self.acknowledged: set[str] = set()
        self.strange: list[str] = []
        self.told_to_stop = threading.Event()

    def run(self) -> None:
        with closing(self.administrator), contextlib.suppress(httpx2.TransportError):
            while not self.told_to_stop.is_set():
                answer = self.administrator.send("POST", f"/applications/{self.object_id}/addPassword", {})
                if answer.is_success:
                    self.acknowledged.add(answer.json()["keyId"])
                elif answer.status_code != 503:
                    self.strange.append(answer.text)


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgresql.Cluster]:
    """A PostgreSQL that may be killed."""
    with postgresql.cluster() as made:
        yield made


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill(*pids: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_a_worker(tenant: RunningTenant, _cluster: postgresql.Cluster) -> None:
    kill(children_of(tenant.process.pid)[0])


def kill_the_server(tenant: RunningTenant, _cluster: postgresql.Cluster) -> None:
    """The workers first, lest they hear of it."""
    kill(*children_of(tenant.process.pid), tenant.process.pid)
    tenant.process.wait(10)


def kill_postgresql(_tenant: RunningTenant, cluster: postgresql.Cluster) -> None:
    backends = children_of(cluster.process.pid)
    cluster.kill()
    kill(*backends)
    time.sleep(0.2)
    cluster.start()


VICTIMS: dict[str, Callable[[RunningTenant, postgresql.Cluster], None]] = {
    "a worker": kill_a_worker,
    "PostgreSQL": kill_postgresql,
    "the server": kill_the_server,
}


# Python itself leaves a socket unclosed when the peer dies between the TCP connection and the TLS handshake
# (ssl.SSLSocket._create raises ECONNRESET from its recv without closing); here peers die on purpose, all the time.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nothing_acknowledged_is_lost_and_nothing_is_there_by_half(cluster: postgresql.Cluster, tmp_path: Path) -> None:
    promised: dict[str, set[str]] = {}
    with postgresql.database_of(cluster.url) as database:
        arguments = ("--empty", "--workers", "2", "--database", database)
        for _ in range(ROUNDS):
            with RunningTenant.start(tmp_path / "data", *arguments, mischief=EACH_ANSWER_COUNTS) as tenant:
                for victim in VICTIMS:
                    _round(tenant, cluster, victim, promised)
        with (
            RunningTenant.start(tmp_path / "data", *arguments, mischief=EACH_ANSWER_COUNTS) as tenant,
            closing(Administrator(tenant)) as administrator,
        ):
            for object_id, acknowledged in promised.items():
                _require_kept(administrator, object_id, acknowledged)


def _round(tenant: RunningTenant, cluster: postgresql.Cluster, victim: str, promised: dict[str, set[str]]) -> None:
    _wait_until(lambda: _answers(tenant), "the tenant does not come back")
    writers = [Writer(tenant) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    _wait_until(lambda: sum(len(writer.acknowledged) for writer in writers) >= UNDER_LOAD, "there is no load")
    VICTIMS[victim](tenant, cluster)
    if tenant.process.poll() is None:
        _wait_until(lambda: _answers(tenant), "the tenant does not come back")
    for writer in writers:
        writer.told_to_stop.set()
        writer.join(PATIENCE)
    assert [writer.strange for writer in writers if writer.strange] == []
    promised |= {writer.object_id: writer.acknowledged for writer in writers}


def _answers(tenant: RunningTenant) -> bool:
    """Whether somebody can sign in and write."""
    try:
        with closing(Administrator(tenant)) as administrator:
            return administrator.send("POST", "/applications", {"displayName": "there?"}).is_success
    except (httpx2.TransportError, AssertionError):
        return False


def _wait_until(happened: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def _require_kept(administrator: Administrator, object_id: str, acknowledged: set[str]) -> None:
    """Every secret that was promised is there, and every one that is there has its record."""
    listed = administrator.call("GET", f"/applications/{object_id}/passwordCredentials")["value"]
    kept = {secret["keyId"] for secret in listed}
    assert acknowledged <= kept
    assert kept == recorded(administrator, object_id)
