"""Several processes serve one port: they are kept running, stop together, and none outlives the rest."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.clients.administrator import Administrator
from tests.running_tenant import EACH_ANSWER_COUNTS, STOPS_WITHIN, RunningTenant
from unsecret.errors import Unavailable
from unsecret.tenant.workers import supervise

SOON = 60.0


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SOON
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningTenant]:
    with RunningTenant.start(tmp_path / "data", "--empty", "--workers", "2", mischief=EACH_ANSWER_COUNTS) as running:
        wait_until(lambda: len(children_of(running.process.pid)) == 2, "two workers")
        yield running


def answers(server: RunningTenant) -> bool:
    """Whether new connections get answers: one may come to a worker that is just gone, or not there yet."""
    try:
        with closing(Administrator(server)) as administrator:
            return administrator.send("GET", "/applications").is_success
    except httpx2.TransportError:
        return False


def test_workers_know_what_the_others_wrote_and_whom_they_let_in(server: RunningTenant) -> None:
    """Each connection may come to another worker; a token of one is good for all."""
    made = set()
    for _ in range(8):
        with closing(Administrator(server)) as administrator:
            made.add(administrator.call("POST", "/applications", {"displayName": "app"})["id"])
            seen = {one["id"] for one in administrator.call("GET", "/applications?$top=999")["value"]}
            assert made <= seen


def test_a_worker_that_dies_is_started_anew(server: RunningTenant) -> None:
    before = children_of(server.process.pid)
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: len(children_of(server.process.pid) - {min(before)}) == 2, "another worker")
    wait_until(lambda: all(answers(server) for _ in range(4)), "answers")
    assert "a worker has ended" in server.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_stop_together(server: RunningTenant, number: signal.Signals) -> None:
    workers = children_of(server.process.pid)
    assert answers(server)
    server.process.send_signal(number)
    assert server.process.wait(STOPS_WITHIN) == 0
    assert not any(is_alive(worker) for worker in workers)
    assert server.log.read_text().endswith("Stopped. Everything is kept for the next start.\n")


def test_a_terminals_ctrl_c_reaches_all_of_them_and_does_no_harm(server: RunningTenant) -> None:
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(STOPS_WITHIN) == 0
    assert "Traceback" not in server.log.read_text()


def test_no_worker_outlives_a_parent_that_was_killed(server: RunningTenant) -> None:
    workers = children_of(server.process.pid)
    server.process.kill()
    server.process.wait(STOPS_WITHIN)
    wait_until(lambda: not any(is_alive(worker) for worker in workers), "their end")


def test_workers_that_cannot_start_stop_the_server_with_a_reason() -> None:
    with pytest.raises(Unavailable, match="cannot start"):
        supervise((sys.executable, "-c", "raise SystemExit(3)"), b"{}", 2, lambda: None)
