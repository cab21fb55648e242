"""A question after what changed, as a value.

https://learn.microsoft.com/en-us/graph/delta-query-overview
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

from unsecret.model.identifiers import TenantId

T = TypeVar("T")

STATE_LASTS = timedelta(days=7)
"""How long a state can be gone back to: what Microsoft's page says of directory objects."""


class State(Struct, frozen=True, array_like=True):
    """Where a client stands: it knows all that was changed up to the record `known`.

    `kind` is Graph's name of the type. While it reads for the first time, `cursor` says where the next page begins.
    `select` and `ids` are what it asked for in the beginning.
    """

    tenant_id: TenantId
    kind: str
    made_at: datetime
    known: int
    cursor: str | None = None
    select: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None


class Removal(StrEnum):
    """`@removed.reason`: whether the object can be restored."""

    RESTORABLE = "changed"
    FOR_GOOD = "deleted"


class Change(Struct, Generic[T], frozen=True, kw_only=True):
    """An object that is new or changed, or that is not there any more."""

    id: str
    object: T | None = None
    removal: Removal | None = None


class Changes(Struct, Generic[T], frozen=True, kw_only=True):
    """A page of changes, the state after it, and whether there is more to be read right away."""

    items: tuple[Change[T], ...]
    state: State
    is_last: bool
