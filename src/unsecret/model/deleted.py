"""What was deleted and can still be had back.

https://learn.microsoft.com/en-us/graph/api/resources/directory: a deleted object is kept for 30 days.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from unsecret.model.people import AnyObject

KEPT_FOR = timedelta(days=30)


class DeletedObject(Struct, frozen=True, kw_only=True):
    """A directory object that was deleted and can still be restored."""

    object: AnyObject
    deleted_at: datetime
