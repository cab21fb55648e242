"""How a snapshot is laid out; apart from the rest, since the first page of one is shown before a library is loaded."""

from __future__ import annotations

LAYOUT = "snapshot/1"
"""Says how the file is laid out. Software that reads another layout refuses it."""

MANIFEST = "snapshot.json"
"""Where in the file it says so."""
