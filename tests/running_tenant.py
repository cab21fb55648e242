"""The tenant as people start it: `unsecret up` in a process of its own, on loopback, on a free port.

It does mischief unless a test says why not: what speaks to it speaks to Graph as it may be on any day.
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from collections.abc import Generator

UNSECRET = Path(sys.executable).with_name("unsecret")
STARTS_WITHIN = 60.0  # seconds; it takes about two, and a busy machine may take long
STOPS_WITHIN = 20.0

UNKIND = "pages=5,throttled=0.02,lag=0,seed=5"
"""Small pages, and 429 now and then: each costs its client the seconds that Retry-After asks for. No lag, because a
test looks at what its client has just written; those of the operator in process have lags, and a clock that ends them.
"""

GIVES_UP_AT_429 = "pages=5,lag=0,seed=5"
EACH_ANSWER_COUNTS = "off"
"""Less of it, and none, for who has such a reason: a client that never asks again, and tests of the server itself,
which look at every answer, what it took, or every line that is printed about it."""


class RunningTenant:
    """Where a running tenant is, and how to reach it: what its connection.json says."""

    def __init__(self, data: Path, process: subprocess.Popen[bytes], connection: dict[str, Any]):
        self.data = data
        self.log = _log_of(data)
        self.environment = _environment(data)
        self.process = process
        self.connection = connection
        self.tenant_id: str = connection["tenant_id"]
        self.authority: str = connection["authority"]
        self.graph: str = connection["graph"]
        self.client_id: str = connection["client_id"]
        self.ca = data / connection["ca"]
        self.certificate = data / connection["certificate"]

    @classmethod
    @contextlib.contextmanager
    def start(cls, data: Path, *arguments: str, port: int = 0, mischief: str = UNKIND) -> Generator[RunningTenant]:
        """Run `unsecret up --data DATA --port PORT ARGUMENTS`, yield when it answers, stop it in the end."""
        log = _log_of(data)
        command = [str(UNSECRET), "up", "--data", str(data), "--port", str(port), *arguments]
        command += ["--mischief", mischief]
        with (
            log.open("wb") as output,
            subprocess.Popen(
                command, stdout=output, stderr=output, env=_environment(data), start_new_session=True
            ) as process,
        ):
            try:
                yield cls(data, process, _wait_until_it_answers(data, process, log))
            finally:
                _stop(process)

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """`unsecret ARGUMENTS` against this tenant; `typed` comes from standard input."""
        return subprocess.run(
            [str(UNSECRET), *arguments],
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self.environment,
        )


def _log_of(data: Path) -> Path:
    """Where what `unsecret up` prints goes."""
    return data.parent / f"{data.name}.log"


def _environment(data: Path) -> dict[str, str]:
    """A home of its own, so that neither the settings nor the last tenant of whoever runs the tests matter."""
    home = data.parent / f"{data.name}.home"
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home), "UNSECRET_DATA": str(data)}


def _wait_until_it_answers(data: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"unsecret up ended with {process.returncode}:\n{log.read_text()}")
        with contextlib.suppress(OSError, ValueError, httpx2.TransportError):
            connection = json.loads((data / "connection.json").read_text())
            trust = ssl.create_default_context(cafile=data / connection["ca"])
            httpx2.get(f"{connection['graph']}/metadata/endpoints", verify=trust, trust_env=False).raise_for_status()
            return connection
        time.sleep(0.05)
    raise AssertionError(f"unsecret up did not answer within {STARTS_WITHIN:.0f} s:\n{log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
