"""The clock of a local tenant that was started with one that can be moved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from unsecret.errors import Invalid, NotFound
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import Remote
from unsecret.wire.instants import format_duration, format_instant, parse_instant


def read_clock(client: GraphClient) -> datetime:
    """What the tenant's clock says. Raises NotFound when it is the machine's."""
    return _instant(client.get(_clock(client)))


def set_clock(client: GraphClient, instant: datetime) -> datetime:
    """Set the clock; gives what it says then. Raises as `read_clock`, and Conflict when it would go back."""
    return _instant(client.send("PATCH", _clock(client), body={"now": format_instant(instant)}).body)


def move_clock(client: GraphClient, by: timedelta) -> datetime:
    """Move the clock on; gives what it says then. Raises as `read_clock`."""
    return _instant(client.send("PATCH", _clock(client), body={"move": format_duration(by)}).body)


def _clock(client: GraphClient) -> str:
    connection = client.connection
    if isinstance(connection, Remote):
        raise NotFound(f"The clock of {connection.words} is not ours to read or move.", code="NoClock")
    if connection.clock is None:
        raise NotFound(
            "This tenant's clock is the machine's and cannot be moved.",
            code="NoClock",
            hint=f"Start it with one that can: unsecret up --data {connection.server_data} --now now",
        )
    return connection.clock


def _instant(answer: Any) -> datetime:
    if not isinstance(answer, dict):
        raise Invalid("The tenant's clock did not say what time it is.", code="UnexpectedAnswer")
    return parse_instant(answer.get("now"), target="now")
