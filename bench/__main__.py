"""Measure what is named, or everything, and hold it against its limits: `python -m bench [tokens …]`.

Everything together is written down in docs/reference/performance.md. The exit code is 1 when a limit was missed.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench import forecast, many, memory, page, reading, secrets, snapshot, start_up, tokens

MEASURED = {
    "tokens": tokens.measure,
    "secrets": secrets.measure,
    "reading": reading.measure,
    "many": many.measure,
    "memory": memory.measure,
    "start-up": start_up.measure,
    "forecast": forecast.measure,
    "snapshot": snapshot.measure,
}
NEEDED = {
    "wrk": "apt-get install wrk",
    "openssl": "apt-get install openssl",
    "node": "install Node.js, version 20 or later",
}


def main(names: list[str]) -> int:
    """0 when every limit was kept."""
    missing = [f"{command} is missing: {remedy}" for command, remedy in NEEDED.items() if not shutil.which(command)]
    unknown = [f"there is nothing to measure by the name of {name}" for name in names if name not in MEASURED]
    if missing or unknown:
        print(*missing, *unknown, sep="\n", file=sys.stderr)
        return 2
    busy = os.getloadavg()[0]
    figures = []
    for name in names or MEASURED:
        print(f"… {name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            measured = MEASURED[name](Path(folder))
        figures += measured
        print(*measured, sep="\n", flush=True)
    if not names:
        page.write(figures, busy=busy)
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
