"""What a command's end says to a script. Stable; documented in docs/reference/cli.md."""

from __future__ import annotations

OK = 0
ERROR = 1
PENDING = 2
"""Changes are to be made, say --dry-run and plan."""

FINDINGS = 3
"""What was judged falls short, or could not be known: `forecast --fail-within`, `check`."""

INTERRUPTED = 130
"""Ctrl-C, as shells have it."""
