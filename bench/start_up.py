"""How long a command takes to start, beside Azure CLI: `make bench`.

Both commands are run in turn, so that a machine whose speed drifts does so for both, and the ratio of the medians
of their wall times is held against a limit. Absolute times are not quoted: they belong to the machine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path

from bench.figures import Figure

ROOT = Path(__file__).parents[1]
ROUNDS = 11
LIMIT = 0.35
"""Of the time that `az version` takes."""

OURS = [str(ROOT / ".venv" / "bin" / "unsecret"), "--version"]
PEER = [str(ROOT / ".venv-az" / "bin" / "az"), "version"]


def measure(folder: Path) -> list[Figure]:
    """The figure. Raises SystemExit when something did not work."""
    environment = {**os.environ, "HOME": str(folder), "AZURE_CONFIG_DIR": str(folder)}
    environment |= {"AZURE_CORE_COLLECT_TELEMETRY": "no"}
    for command in (OURS, PEER):
        _seconds(command, environment)  # the first run pays for cold files
    pairs = [(_seconds(OURS, environment), _seconds(PEER, environment)) for _ in range(ROUNDS)]
    ours, peer = (statistics.median(column) for column in zip(*pairs, strict=True))
    what = "`unsecret --version`, of the time that `az version` takes"
    return [Figure("start-up", what, ours / peer, LIMIT, at_least=False, bound_by="Python's own start")]


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    taken = time.perf_counter() - began
    if not ran.stdout.strip():
        raise SystemExit(f"{command[0]} answered nothing")
    return taken
