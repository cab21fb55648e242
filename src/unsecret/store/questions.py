"""Questions that every sign-in and every look at an object asks, and their answers as long as they are true.

Each transaction that writes in a tenant gives it another mark (`tenants.mark_of`), and so does one that has the whole
directory to itself (`Writer`). Equal marks mean that nothing was written in between, by whichever process or machine:
what was answered before is the answer now. The mark is asked for anew each time, so that a credential which was
removed is unknown with the commit that removed it. Marks are drawn, not counted: a database that was set back, or whose
standby took over without its last commits, comes to none that it has had.

Answers are shared: whoever gets one only looks at it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from unsecret.model.application import Tenant
from unsecret.model.identifiers import TenantId
from unsecret.store import directory_objects
from unsecret.store.decoded import size_of

P = ParamSpec("P")
T = TypeVar("T")

MOST_BYTES = 16 * 1024 * 1024
_MOST_TENANTS = 64
"""Beyond these all is forgotten, and asked for again."""

_BYTES_AROUND_AN_ANSWER = 512
_BOUNDED_ELSEWHERE = frozenset({directory_objects.objects_of_app})
"""Questions that are answered with nouns which `Decoded` has."""


class Known(dict[tuple[Any, ...], Any]):
    """Answers in one state of a tenant, by the question and what else it was given."""

    __slots__ = ("_make_room", "size")

    def __init__(self, make_room: Callable[[int], None]):
        super().__init__()
        self._make_room = make_room
        self.size = 0

    def keep(self, key: tuple[Any, ...], answer: Any) -> None:
        """Remember `answer`, which may be the end of all that was remembered before."""
        own = None if key[0] in _BOUNDED_ELSEWHERE else answer
        size = _BYTES_AROUND_AN_ANSWER + size_of(key[1:]) + size_of(own)
        self._make_room(size)
        self.size += size
        self[key] = answer


class Questions:
    """Asks about one tenant on one connection; what is `known` is not asked again."""

    def __init__(self, conn: Connection, tenant_id: TenantId, known: Known | None = None):
        self.conn = conn
        self.tenant_id = tenant_id
        self._known = known

    def ask(self, question: Callable[Concatenate[Connection, TenantId, P], T], *args: P.args, **named: P.kwargs) -> T:
        """The answer of `question`, a function that only reads, in this tenant."""
        known = self._known
        if known is None or named:
            return question(self.conn, self.tenant_id, *args, **named)
        key = (question, *args)
        try:
            return known[key]
        except KeyError:
            answer = question(self.conn, self.tenant_id, *args)
        known.keep(key, answer)
        return answer


class Answers:
    """What this process was answered last, tenant by tenant. Safe to share between threads."""

    def __init__(self) -> None:
        self._of: dict[TenantId, tuple[bytes, Known]] = {}
        self._tenants: dict[str, Tenant] = {}

    def tenant(self, name: str) -> Tenant | None:
        """The tenant that was found by this name before."""
        return self._tenants.get(name)

    def found(self, name: str, tenant: Tenant) -> None:
        """Keep it for good: there is nothing that changes a tenant, or takes it away."""
        if len(self._tenants) >= _MOST_TENANTS:
            self._tenants.clear()
        self._tenants[name] = tenant

    def known(self, tenant_id: TenantId, mark: bytes | None) -> Known | None:
        """What is known of the tenant in the state with this mark; None where nothing may be kept. Who asks must see
        that one state until the questions are answered."""
        if mark is None:
            return None
        kept = self._of.get(tenant_id)
        if kept is not None and kept[0] == mark:
            return kept[1]
        if len(self._of) >= _MOST_TENANTS:
            self._of.clear()
        known = Known(self._make_room)
        self._of[tenant_id] = (mark, known)
        return known

    def _make_room(self, size: int) -> None:
        """For answers about all tenants together, so that many of them need no more than one does."""
        if size + sum(known.size for _, known in [*self._of.values()]) > MOST_BYTES:
            self._of.clear()
