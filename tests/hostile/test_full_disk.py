"""A disk that fills up under a running server: what cannot be kept is refused, nothing is lost, and it goes on."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_tenant import EACH_ANSWER_COUNTS, RunningTenant
from unsecret.errors import Unavailable, UnsecretError
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import read_connection
from unsecret.tenant.log import get_logger

NOTES = "x" * 1000
ROOM = 600_000
"""Bytes that a file of the server may still grow by, far less than one file of the log needs."""


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails, too
    get_logger("test", file=full).error("nobody reads this")
    with pytest.raises(OSError, match="No space left"):
        full.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningTenant]:
    with RunningTenant.start(tmp_path / "data", "--empty", mischief=EACH_ANSWER_COUNTS) as server:
        yield server


def operator(running: RunningTenant) -> GraphClient:
    """A client that does not wait."""
    return GraphClient(read_connection(running.data), max_wait=0.0)


def add(client: GraphClient, number: int) -> str:
    body = {"displayName": f"app {number}", "notes": NOTES}
    return client.send("POST", "applications", body=body).body["id"]


def fill(client: GraphClient, kept: list[str]) -> None:
    """Add applications until there is no room, each to `kept` once it is there."""
    for number in range(1, 5000):
        kept.append(add(client, number))


def limit_files(running: RunningTenant, most: int) -> None:
    """No file of the server may be longer from now on: to it, the disk is full."""
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def test_a_disk_that_fills_up_costs_nothing_and_the_server_goes_on_once_there_is_room(running: RunningTenant) -> None:
    with operator(running) as client:
        kept = [add(client, 0)]
        log = running.data / "directory.sqlite-wal"
        limit_files(running, max(log.stat().st_size, (running.data / "directory.sqlite").stat().st_size) + ROOM)

        with pytest.raises(Unavailable, match=r"disk.*(Free some space|Look at the system log).*Nothing was changed"):
            fill(client, kept)
        assert len(kept) > 5  # there was room at first
        assert client.get(f"applications/{kept[-1]}")["displayName"]  # reading goes on
        limit_files(running, 0)
        with pytest.raises(UnsecretError, match="AADSTS90033"), operator(running) as late:
            late.get("applications")  # no sign-in without its record, so no token

        limit_files(running, resource.RLIM_INFINITY)
        kept.append(add(client, 5000))
        found = {one["id"] for one in client.pages("applications?$select=id&$top=999")}
        assert set(kept) <= found
    assert_sound(running.data / "directory.sqlite")


def assert_sound(database: Path) -> None:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
