"""Between the event loop, which answers requests, and the store's threads, which write.

Waking a thread takes longer than writing a row, and so does being woken. What is to be written is therefore handed
over once a turn of the loop, and what a commit has made durable comes back with one call. Nobody waits for company:
a turn ends as soon as nothing else is ready to go on.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from unsecret.model.event import SignIn
from unsecret.model.identifiers import TenantId
from unsecret.store import logs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from unsecret.store.engine import Store

T = TypeVar("T")


class HandOver:
    """One for each store. Each event loop has turns of its own."""

    def __init__(self, store: Store):
        self._store = store
        self._turns: WeakKeyDictionary[AbstractEventLoop, _Turns] = WeakKeyDictionary()

    def write(self, work: Callable[[Connection], T], tenant_id: TenantId | None) -> Awaitable[T]:
        """`Store.write`, to be awaited; None is alone in the whole directory. A work whose waiter is cancelled is not
        begun any more."""
        return self._now().hand_over(lambda: self._store.write(work, tenant_id))

    def record(self, tenant_id: TenantId, sign_in: SignIn) -> Awaitable[None]:
        """Writes a sign-in down, whatever becomes of the request. What is returned is done once it is durable."""
        return self._now().record(tenant_id, sign_in)

    def _now(self) -> _Turns:
        loop = asyncio.get_running_loop()
        if (turns := self._turns.get(loop)) is None:
            turns = self._turns[loop] = _Turns(self._store, loop)
        return turns


class _Turns:
    """Of one event loop: what this turn hands over, and what has come back."""

    def __init__(self, store: Store, loop: AbstractEventLoop):
        self._store = store
        self._create_future = loop.create_future
        self._soon = loop.call_soon
        self._soon_from_thread = loop.call_soon_threadsafe
        self._leaving: list[tuple[Callable[[], Future[Any]], asyncio.Future[Any]]] = []
        self._sign_ins: list[tuple[TenantId, SignIn]] = []
        self._recording: list[asyncio.Future[None]] = []
        self._back: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._is_told = False

    def hand_over(self, submit: Callable[[], Future[T]]) -> asyncio.Future[T]:
        """`submit` is called when the turn ends; the future has its outcome."""
        if not self._leaving:
            self._soon(self._send)
        waiting = self._create_future()
        self._leaving.append((submit, waiting))
        return waiting

    def record(self, tenant_id: TenantId, sign_in: SignIn) -> asyncio.Future[None]:
        """All sign-ins of this turn are durable together, or none is. Each has a future of its own, so that one who
        goes away takes nobody's with it, not even its own record."""
        if not self._sign_ins:
            self.hand_over(self._submit_sign_ins).add_done_callback(partial(_tell_all, self._recording))
        self._sign_ins.append((tenant_id, sign_in))
        recorded = self._create_future()
        self._recording.append(recorded)
        return recorded

    def _submit_sign_ins(self) -> Future[None]:
        rows, self._sign_ins, self._recording = self._sign_ins, [], []
        return self._store.append(lambda conn: logs.add_sign_ins(conn, rows))

    def _send(self) -> None:
        leaving, self._leaving = self._leaving, []
        for submit, waiting in leaving:
            if not waiting.cancelled():
                written = submit()
                waiting.add_done_callback(partial(_lose_interest, written))
                written.add_done_callback(partial(self._come_back, waiting))

    def _come_back(self, waiting: asyncio.Future[Any], written: Future[Any]) -> None:
        """On the thread that wrote."""
        self._back.append((waiting, written))
        if not self._is_told:
            self._is_told = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._soon_from_thread(self._deliver)

    def _deliver(self) -> None:
        self._is_told = False
        while self._back:
            waiting, written = self._back.popleft()
            if waiting.done():
                continue
            if written.cancelled():
                waiting.cancel()
            elif (error := written.exception()) is not None:
                waiting.set_exception(error)
            else:
                waiting.set_result(written.result())


def _lose_interest(written: Future[Any], waiting: asyncio.Future[Any]) -> None:
    if waiting.cancelled():
        written.cancel()


def _tell_all(waiting: list[asyncio.Future[None]], written: asyncio.Future[None]) -> None:
    """Pass on to each how it ended."""
    error = written.exception()
    for one in waiting:
        if one.done():
            continue
        if error is None:
            one.set_result(None)
        else:
            one.set_exception(error)
