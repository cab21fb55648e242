"""Looking at the directory as it was a moment ago."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from sqlalchemy import select

from unsecret.store.schema import tenant

if TYPE_CHECKING:
    from unsecret.store.engine import Connection, Store


class Snapshot:
    """The directory as it was when this was made, to be read from until it is closed, by one reader at a time.

    A state is kept by the database as long as somebody holds it, so hold it for seconds, not for minutes.
    """

    def __init__(self, store: Store):
        self._held = ExitStack()
        self.connection: Connection = self._held.enter_context(store.read())
        self.connection.execute(
            select(tenant.c.id).limit(1)
        ).all()  # both engines fix the state with the first question

    def close(self) -> None:
        """Let go of it."""
        self._held.close()
