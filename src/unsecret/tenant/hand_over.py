"""Between the event loop, which answers requests, and the store's threads, which write.

Waking a thread takes longer than writing a row, and so does being woken. What is to be written is therefore handed
over once a turn of the loop, and what a commit has made durable comes back with one call. Nobody waits for company:
a turn ends as soon as nothing else is ready to go on.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from unsecret.model.event import SignIn
from unsecret.model.identifiers import TenantId
from unsecret.store import logs
from unsecret.store.engine import scope_of
from unsecret.store.writer import APPENDING, Job, Scope

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from unsecret.store.engine import Store

T = TypeVar("T")

Receiver = Callable[[Sequence["_AwaitedJob[Any]"]], None]


class _AwaitedJob(Job[T]):
    """A job whose outcome a request waits for."""

    __slots__ = ("_receiver", "waiting")

    def __init__(
        self, work: Callable[[Connection], T], scope: Scope, *, waiting: asyncio.Future[T], receiver: Receiver
    ):
        super().__init__(work, scope)
        self.waiting = waiting
        self._receiver = receiver

    def starts(self) -> bool:
        """False when the request was given up before."""
        return not self.waiting.cancelled()

    @property
    def receiver(self) -> Receiver:
        """The turns of the event loop that the request is on."""
        return self._receiver


class HandOver:
    """One for each store. Each event loop has turns of its own."""

    def __init__(self, store: Store):
        self._store = store
        self._turns: WeakKeyDictionary[AbstractEventLoop, _Turns] = WeakKeyDictionary()

    def write(self, work: Callable[[Connection], T], tenant_id: TenantId | None) -> Awaitable[T]:
        """`Store.write`, to be awaited; None is alone in the whole directory. A work whose waiter is cancelled is not
        begun any more."""
        return self._now().hand_over(work, scope_of(tenant_id))

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
        self._leaving: list[_AwaitedJob[Any]] = []
        self._sign_ins: list[tuple[TenantId, SignIn]] = []
        self._recording: list[asyncio.Future[None]] = []
        self._back: deque[_AwaitedJob[Any]] = deque()
        self._is_told = False
        self._receiver: Receiver = self._come_back

    def hand_over(self, work: Callable[[Connection], T], scope: Scope) -> asyncio.Future[T]:
        """The work is handed over when the turn ends; the future has its outcome."""
        if not self._leaving:
            self._soon(self._send)
        waiting = self._create_future()
        self._leaving.append(_AwaitedJob(work, scope, waiting=waiting, receiver=self._receiver))
        return waiting

    def record(self, tenant_id: TenantId, sign_in: SignIn) -> asyncio.Future[None]:
        """All sign-ins of this turn are durable together, or none is. Each has a future of its own, so that one who
        goes away takes nobody's with it, not even its own record."""
        if not self._sign_ins:
            rows, recording = self._sign_ins, self._recording
            written = self.hand_over(lambda conn: logs.add_sign_ins(conn, rows), APPENDING)
            written.add_done_callback(partial(_tell_all, recording))
        self._sign_ins.append((tenant_id, sign_in))
        recorded = self._create_future()
        self._recording.append(recorded)
        return recorded

    def _send(self) -> None:
        leaving, self._leaving, self._sign_ins, self._recording = self._leaving, [], [], []
        for job in leaving:
            if job.starts():
                self._store.submit(job)

    def _come_back(self, jobs: Sequence[_AwaitedJob[Any]]) -> None:
        """On the thread that wrote."""
        self._back.extend(jobs)
        if not self._is_told:
            self._is_told = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._soon_from_thread(self._deliver)

    def _deliver(self) -> None:
        self._is_told = False
        while self._back:
            job = self._back.popleft()
            if job.waiting.done():
                continue
            if job.error is not None:
                job.waiting.set_exception(job.error)
            else:
                job.waiting.set_result(job.result)


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
