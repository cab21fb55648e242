"""What a tenant with nothing to do holds in memory."""

from __future__ import annotations

import time
from pathlib import Path

from bench.figures import Figure
from bench.tenant import tenant

LIMIT_MIB = 120
_SETTLED = 3.0
_LIBRARIES = "Python and the libraries that are loaded"


def measure(folder: Path) -> list[Figure]:
    """The figure, of one process with the sample organisation."""
    with tenant(folder, "--sample") as ours:
        time.sleep(_SETTLED)
        held = ours.server.resident_bytes() / 2**20
    return [Figure("memory", "a tenant at rest", held, LIMIT_MIB, at_least=False, unit="MiB", bound_by=_LIBRARIES)]
