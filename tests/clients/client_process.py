"""A real client library in a process of its own, called one function at a time: JSON in, JSON out."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tests.running_tenant import RunningTenant

ANSWERS_WITHIN = 120.0  # seconds; the first call of a fresh msgraph-sdk compiles thousands of files


class ClientError(Exception):
    """The client library raised; `kind` is its exception's name, `details` what its script knows to tell."""

    def __init__(self, kind: str, message: str, details: dict[str, Any]):
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.details = details


class ClientProcess:
    """Runs a script and calls the functions it offers. See scripts/calls.py for the other end."""

    def __init__(self, interpreter: Path, script: Path, environment: dict[str, str], errors: Path):
        self._errors = errors
        with errors.open("w") as stderr:
            self._process = subprocess.Popen(
                [str(interpreter), str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment,
                text=True,
            )

    def call(self, function: str, **arguments: Any) -> Any:
        """What the function returned; ClientError when it raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(ANSWERS_WITHIN, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps({"function": function, "arguments": arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        assert line, f"the client ended without an answer to {function}:\n{self._errors.read_text()}"
        answer = json.loads(line)
        if "raised" in answer:
            raise ClientError(**answer["raised"])
        return answer["returned"]

    def close(self) -> None:
        """End the process: its script reads to the end of its input."""
        self._process.communicate(timeout=30)


def client_environment(tenant: RunningTenant, home: Path) -> dict[str, str]:
    """What a client of this tenant needs to know, and nothing of the machine that it runs on.

    Each library asks another variable for the certificate authority: httpx and aiohttp the first, requests the second,
    Node.js the third.
    """
    home.mkdir(parents=True, exist_ok=True)
    ca = str(tenant.ca)
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "SSL_CERT_FILE": ca,
        "REQUESTS_CA_BUNDLE": ca,
        "NODE_EXTRA_CA_CERTS": ca,
    }
