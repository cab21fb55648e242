"""How long a command takes to start, beside Azure CLI, and how long the first page of a large inventory: `make bench`.

The commands are run in turn, so that a machine whose speed drifts does so for all, and the ratio of the medians
of their wall times is held against a limit. Absolute times are not quoted: they belong to the machine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.figures import Figure
from unsecret.model.snapshot import COLLECTIONS, MEMBERS, Collected, Manifest
from unsecret.operate.snapshots.writing import write_snapshot

ROOT = Path(__file__).parents[1]
ROUNDS = 11
LIMIT = 0.35
"""Of the time that `az version` takes."""

FIRST_PAGE_LIMIT = 3.0
"""Of the time that `unsecret --version` takes."""

APPLICATIONS = 100_000

OURS = [str(ROOT / ".venv" / "bin" / "unsecret"), "--version"]
FIRST_PAGE = [OURS[0], "apps", "list", "--snapshot"]
PEER = [str(ROOT / ".venv-az" / "bin" / "az"), "version"]


def measure(folder: Path) -> list[Figure]:
    """The figure. Raises SystemExit when something did not work."""
    environment = {**os.environ, "HOME": str(folder), "AZURE_CONFIG_DIR": str(folder)}
    environment |= {"AZURE_CORE_COLLECT_TELEMETRY": "no"}
    page = [*FIRST_PAGE, str(_snapshot(folder))]
    commands = (OURS, PEER, page)
    for command in commands:
        _seconds(command, environment)  # the first run pays for cold files
    rounds = [[_seconds(command, environment) for command in commands] for _ in range(ROUNDS)]
    ours, peer, first = (statistics.median(column) for column in zip(*rounds, strict=True))
    version = "`unsecret --version`, of the time that `az version` takes"
    listing = f"the first page of `unsecret apps list` on a snapshot of {APPLICATIONS:,} applications, of `--version`"
    return [
        Figure("start-up", version, ours / peer, LIMIT, at_least=False, bound_by="Python's own start"),
        Figure(
            "start-up",
            listing,
            first / ours,
            FIRST_PAGE_LIMIT,
            at_least=False,
            bound_by="Python's own start, and loading msgspec for the settings; the page lies ready in the snapshot",
        ),
    ]


def _snapshot(folder: Path) -> Path:
    """A tenant with many applications, each with a secret, as Graph would show it."""
    spool = folder / "spool"
    spool.mkdir()
    secret = {"startDateTime": "2025-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z", "displayName": "it"}
    with (spool / "applications.ndjson").open("wb") as lines:
        for number in range(APPLICATIONS):
            credentials = [{**secret, "keyId": f"{number:036x}"}]
            one = {"id": f"{number:036x}", "appId": f"{number:036d}", "displayName": f"Application {number}"}
            lines.write(msgspec.json.encode({**one, "passwordCredentials": credentials}) + b"\n")
    known = {name: Collected() for name in (*COLLECTIONS, *MEMBERS)}
    file = folder / "tenant.unsecret"
    manifest = Manifest(
        software="0", taken_at=datetime(2026, 11, 22, tzinfo=UTC), tenant_id="0", source="", collections=known
    )
    write_snapshot(spool, manifest, file)
    return file


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    taken = time.perf_counter() - began
    if not ran.stdout.strip():
        raise SystemExit(f"{command[0]} answered nothing")
    return taken
