"""How long a command takes to start, beside Azure CLI: `make bench`.

Both commands are run in turn, so that a machine whose speed drifts does so for both, and the ratio of the medians
of their wall times is held against a limit. Absolute times are not quoted: they belong to the machine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROUNDS = 11
LIMIT = 0.35
"""Of the time that `az version` takes."""

OURS = [str(ROOT / ".venv" / "bin" / "unsecret"), "--version"]
PEER = [str(ROOT / ".venv-az" / "bin" / "az"), "version"]


def main() -> int:
    """Measure, print, and return 1 when the limit is passed or something did not work."""
    if not Path(PEER[0]).exists():
        print("Azure CLI is not installed: make strangers", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home, "AZURE_CONFIG_DIR": home, "AZURE_CORE_COLLECT_TELEMETRY": "no"}
        for command in (OURS, PEER):
            _seconds(command, environment)  # the first run pays for cold files
        pairs = [(_seconds(OURS, environment), _seconds(PEER, environment)) for _ in range(ROUNDS)]
    ours, peer = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = ours / peer
    print(
        f"unsecret --version / az version: {ratio:.2f} of its time (limit {LIMIT}), medians of {ROUNDS} rounds in turn"
    )
    return 0 if ratio <= LIMIT else 1


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    taken = time.perf_counter() - began
    if not ran.stdout.strip():
        raise SystemExit(f"{command[0]} answered nothing")
    return taken


if __name__ == "__main__":
    sys.exit(main())
