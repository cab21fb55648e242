"""Instants and lengths of time as people read them; as Graph writes them they are in `wire/instants.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def instant_in_words(at: datetime) -> str:
    """`2026-11-22 15:02:35 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def duration_in_words(duration: timedelta | None) -> str:
    """`90 days`, `4 days 12 hours 30 minutes 5 seconds`; what is zero is left out."""
    seconds = duration.seconds if duration else 0
    amounts = (duration.days if duration else 0, seconds // 3600, seconds // 60 % 60, seconds % 60)
    units = zip(amounts, ("day", "hour", "minute", "second"), strict=True)
    return " ".join(f"{n} {unit}{'s' * (n != 1)}" for n, unit in units if n) or "0 seconds"
