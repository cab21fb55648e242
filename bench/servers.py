"""Server processes under measurement: started, watched and stopped here."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

STARTS_WITHIN = 60.0
STOPS_WITHIN = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Server:
    """A process that leads a session of its own, with all its children."""

    def __init__(self, leader: int):
        self.leader = leader

    def cpu_seconds(self) -> float:
        """User and system time that its living processes have had so far."""
        return sum(int(fields[11]) + int(fields[12]) for fields in self._processes()) / _TICKS

    def resident_bytes(self) -> int:
        """Memory that its processes hold, what they share counted for each."""
        return sum(int(fields[21]) for fields in self._processes()) * _PAGE

    def _processes(self) -> list[list[str]]:
        """The fields of /proc/PID/stat after the name, the state first."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(") ")[2].split()
                if int(fields[3]) == self.leader:
                    found.append(fields)
        return found


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command: list[str], *, port: int, log: Path) -> Generator[Server]:
    """Run `command` until the block ends; yields once it listens on `port`."""
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as process,
    ):
        try:
            _wait_for(port, process, log)
            yield Server(process.pid)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit(f"{process.args} did not start:\n{log.read_text()}")
