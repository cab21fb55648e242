from __future__ import annotations


def tenant() -> int:
    """Up."""
    return 0
