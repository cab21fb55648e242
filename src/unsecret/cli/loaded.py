"""What has come of loading an export, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unsecret.cli.printing import say

if TYPE_CHECKING:
    from unsecret.tenant.loading import Loaded

MOST_SHOWN = 20
"""Skipped objects that are named; the others are counted."""


def say_what_was_loaded(loaded: Loaded) -> None:
    """How many of each there are, and what was skipped and why."""
    counts = ", ".join(f"{count} {collection}" for collection, count in loaded.counts.items())
    say(f"… loaded {counts or 'nothing'}")
    for one in loaded.skipped[:MOST_SHOWN]:
        say(f"  skipped {one}")
    if len(loaded.skipped) > MOST_SHOWN:
        say(f"  … and {len(loaded.skipped) - MOST_SHOWN} more were skipped")
