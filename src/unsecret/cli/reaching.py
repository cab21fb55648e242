"""Which tenant a command speaks to, and the client for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unsecret.cli.printing import say
from unsecret.config import Settings
from unsecret.errors import NotFound
from unsecret.operate.connection import Connection, last_started, read_connection

if TYPE_CHECKING:
    from unsecret.operate.client import GraphClient


def chosen(settings: Settings, data: Path | None) -> Connection:
    """The tenant in `data`, else the one in the settings, else the one started last. Raises NotFound."""
    directory = data or settings.data or last_started(settings.state)
    if directory is None:
        raise NotFound(
            "No local tenant was started yet.",
            code="NoTenant",
            hint="Start one: unsecret up  (or name one with --data)",
        )
    return read_connection(directory.absolute())


def reach(settings: Settings, data: Path | None) -> GraphClient:
    """A client for the chosen tenant. No call is made yet."""
    from unsecret.operate.client import GraphClient

    connection = chosen(settings, data)
    return GraphClient(connection, timeout=settings.timeout, max_wait=settings.max_wait, say=say)
