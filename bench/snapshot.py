"""A snapshot of a large tenant that is far away, beside following the list's pages one by one.

The tenant is canned: it runs in a process of its own, answers every call 150 ms after it came, and throttles one in
fifty. Every application has to be in the file, once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure

APPLICATIONS = 100_000
PRINCIPALS = 20_000
LIMIT = 4.0
LIMIT_MIB = 400
_WAITING = "the tenant's answers, of which eight are waited for at once; one processor decodes them"
_AREA = f"a snapshot of {APPLICATIONS:,} applications".replace(",", " ")


def measure(folder: Path) -> list[Figure]:
    """The figures. The pages of applications alone are followed one by one; the snapshot holds everything else, too."""
    with _tenant() as graph:
        snapshot = _measured(graph, "snapshot", str(folder / "bench.snapshot"))
        plain = _measured(graph, "follow", "")
        largest = _measured(graph, "follow", "?$top=999")
    for one in (snapshot, plain, largest):
        if one["applications"] != APPLICATIONS:
            raise AssertionError(f"{one['applications']} of {APPLICATIONS} applications were read")
    return [
        _times("one page of 100 after the other, as `az ad app list` does", plain, snapshot, LIMIT),
        _times("the same with the largest pages, $top=999", largest, snapshot, 1.0),
        Figure(_AREA, "memory", snapshot["mebibytes"], LIMIT_MIB, at_least=False, unit="MiB", bound_by="DuckDB"),
    ]


def _times(what: str, peer: dict[str, float], ours: dict[str, float], limit: float) -> Figure:
    return Figure(_AREA, what, peer["seconds"] / ours["seconds"], limit, bound_by=_WAITING)


def _measured(graph: str, *work: str) -> dict[str, float]:
    """What a process of its own says of itself."""
    command = [sys.executable, "-m", "bench.reading_lists", graph, *work]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@contextmanager
def _tenant() -> Generator[str]:
    command = [sys.executable, "-m", "bench.canned_tenant", str(APPLICATIONS), str(PRINCIPALS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield (process.stdout or sys.stdin).readline().strip()
        finally:
            process.kill()
