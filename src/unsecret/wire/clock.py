"""What is sent to a movable clock, which Graph does not have."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from unsecret.errors import Invalid
from unsecret.wire.instants import format_instant, parse_duration, parse_instant


def clock_to_json(now: datetime) -> dict[str, str]:
    """What the clock says."""
    return {"now": format_instant(now)}


def movement_from_json(body: Any) -> datetime | timedelta:
    """The instant to set a clock to, or how far to move it on: `{"now": "2027-01-01T00:00:00Z"}` or
    `{"move": "P30D"}`. Raises Invalid."""
    if isinstance(body, dict) and set(body) == {"now"}:
        return parse_instant(body["now"], target="now")
    if isinstance(body, dict) and set(body) == {"move"}:
        return parse_duration(body["move"], target="move")
    raise Invalid(
        'Send {"now": "2027-01-01T00:00:00Z"} to set the clock, or {"move": "P30D"} to move it on, and nothing else.'
    )
