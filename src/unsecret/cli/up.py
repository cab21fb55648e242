from __future__ import annotations


def up() -> int:
    """Up."""
    return 0
