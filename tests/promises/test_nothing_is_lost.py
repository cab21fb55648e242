"""What was acknowledged is there after a kill at the worst moment, whole, and with its record.

A real server is killed (SIGKILL, its whole process group) while clients write to it, started again, and asked
for everything that it had answered for.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.clients.administrator import Administrator
from tests.running_tenant import EACH_ANSWER_COUNTS, RunningTenant

ROUNDS = 20
WRITERS = 8
UNDER_LOAD = 150
"""Writes that are acknowledged before the kill, which so comes in the middle of others."""

PATIENCE = 60.0
"""Seconds that they may take on a busy machine; a fraction of one is usual."""

pytestmark = pytest.mark.promise


class Writer(threading.Thread):
    """Adds secrets to an application of its own until the server is gone; remembers what was acknowledged."""

    def __init__(self, tenant: RunningTenant):
        super().__init__()
        self.administrator = Administrator(tenant)
        made = self.administrator.call("POST", "/applications", {"displayName": "under load"})
        self.object_id: str = made["id"]
        self.acknowledged: set[str] = set()
        self.refused: list[str] = []

    def run(self) -> None:
        with closing(self.administrator):
            while True:
                try:
                    answer = self.administrator.send("POST", f"/applications/{self.object_id}/addPassword", {})
                except httpx2.TransportError:
                    return
                if not answer.is_success:
                    self.refused.append(answer.text)
                    return
                self.acknowledged.add(answer.json()["keyId"])


def wait_for_load(writers: list[Writer]) -> None:
    deadline = time.monotonic() + PATIENCE
    while sum(len(writer.acknowledged) for writer in writers) < UNDER_LOAD and not any(w.refused for w in writers):
        assert time.monotonic() < deadline, "a round without load proves nothing"
        time.sleep(0.01)


def kill(tenant: RunningTenant) -> None:
    """No goodbye for any process of the server. It leads a process group of its own."""
    assert os.getpgid(tenant.process.pid) == tenant.process.pid
    os.killpg(tenant.process.pid, signal.SIGKILL)
    tenant.process.wait(10)


def test_no_acknowledged_write_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    promised: dict[str, set[str]] = {}
    for _ in range(ROUNDS):
        with RunningTenant.start(data, "--empty", mischief=EACH_ANSWER_COUNTS) as tenant:
            writers = [Writer(tenant) for _ in range(WRITERS)]
            for writer in writers:
                writer.start()
            wait_for_load(writers)
            kill(tenant)
            for writer in writers:
                writer.join()
        assert [writer.refused for writer in writers if writer.refused] == []
        promised |= {writer.object_id: writer.acknowledged for writer in writers}
    with (
        RunningTenant.start(data, "--empty", mischief=EACH_ANSWER_COUNTS) as tenant,
        closing(Administrator(tenant)) as administrator,
    ):
        for object_id, acknowledged in promised.items():
            assert_kept(administrator, object_id, acknowledged)


def assert_kept(administrator: Administrator, object_id: str, acknowledged: set[str]) -> None:
    """Everything promised is there, and every secret that is there has its record: no half of a write."""
    listed = administrator.call("GET", f"/applications/{object_id}/passwordCredentials")["value"]
    kept = {secret["keyId"] for secret in listed}
    assert acknowledged <= kept
    assert kept == recorded(administrator, object_id)


def recorded(administrator: Administrator, object_id: str) -> set[str]:
    """The keyIds in the newest complete list that the audit log has of this application."""
    about = f"targetResources/any(t:t/id eq '{object_id}') and startswith(activityDisplayName,'Update application')"
    events = administrator.call("GET", f"/auditLogs/directoryAudits?$top=1&$filter={about}")["value"]
    if not events:
        return set()
    described = events[0]["targetResources"][0]["modifiedProperties"][0]["newValue"]
    return {part.split(",")[0] for part in described.split("KeyIdentifier=")[1:]}
