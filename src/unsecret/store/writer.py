"""Group commit: a thread does the writes of this process, one after the other, and commits once for all who wait.

A commit that is safe against power loss costs the disk a flush; sixteen waiting writes can share one. What a work must
have to itself while it runs is its scope: a tenant, everything, or nothing. Where locks are the database's smallest
(SQLite has one lock, and one writer), works of every scope share a transaction; elsewhere only those of one scope do,
so that a transaction holds one tenant's lock and no two can wait for each other. Each work runs in
its own savepoint, so that one that fails takes nothing of its neighbours with it; a record that comes first needs none.
What became of it is told after the commit and never before, failures included: what made a work fail may itself have
been uncommitted.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection

from unsecret.errors import Unavailable
from unsecret.store import tenants
from unsecret.store.transaction import WriteTransaction

T = TypeVar("T")

Scope = bytes
"""The 16 bytes of a tenant, or one of these."""
EVERYTHING, APPENDING = b"*", b"+"

LARGEST_BATCH = 256
LONGEST_BATCH_SECONDS = 0.05
"""The first of a batch waits for the last: these bound its wait."""


class Refusal(Protocol):
    """See `Database.refusal`."""

    def __call__(self, error: BaseException, *, committing: bool = False) -> Unavailable | None: ...


class Job(Generic[T]):
    """A work, and what became of it once that is certain."""

    __slots__ = ("error", "result", "scope", "work")

    def __init__(self, work: Callable[[Connection], T], scope: Scope):
        self.work = work
        self.scope = scope
        self.result: T | None = None
        self.error: BaseException | None = None

    def starts(self) -> bool:
        """False when nobody wants it any more; then it is not begun."""
        return True

    @property
    def receiver(self) -> Callable[[Sequence[Any]], None]:
        """Is told what became of this job, on the thread that did it, together with others of the same transaction."""
        raise NotImplementedError

    def attempt(self, transaction: WriteTransaction) -> None:
        """Runs the work inside a savepoint. Raises only when the whole transaction is lost."""
        transaction.set_savepoint()
        try:
            self.result = self.work(transaction.connection)
            transaction.release_savepoint()  # refused when the work has swallowed an error of the database
        except BaseException as error:
            self.error = error
            transaction.undo_to_savepoint()

    def attempt_alone(self, transaction: WriteTransaction) -> None:
        """As `attempt`, of a transaction in which nothing else was done yet. A work that fails is undone with the whole
        of it, and what follows begins another: a savepoint would be two statements of the five that a sign-in takes,
        and others wait for the lock meanwhile. Not for a work that relies on what it has read, or undoes by itself."""
        try:
            self.result = self.work(transaction.connection)
        except BaseException as error:
            self.error = error
            transaction.rollback()
            transaction.begin(self.scope)


class PromisedJob(Job[T]):
    """A job whose outcome is a future's."""

    __slots__ = ("future",)

    def __init__(self, work: Callable[[Connection], T], scope: Scope):
        super().__init__(work, scope)
        self.future: Future[T] = Future()

    def starts(self) -> bool:
        """False when the future was cancelled before we began."""
        return self.future.set_running_or_notify_cancel()

    @property
    def receiver(self) -> Callable[[Sequence[PromisedJob[Any]]], None]:
        """Keeps the promises, one way or the other."""
        return _keep_promises


def _keep_promises(jobs: Sequence[PromisedJob[Any]]) -> None:
    for job in jobs:
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)


class Writer:
    """Takes works from any thread and does them on threads of its own, one for each of `transactions`.

    Works of one scope are done in the order in which they came, and share transactions. Works of two scopes do so only
    when `mixed`, and else go side by side.
    """

    def __init__(self, transactions: Sequence[WriteTransaction], refusal: Refusal, *, mixed: bool):
        self._refusal = refusal
        self._mixed = mixed
        self._gate = threading.Lock()
        self._closed = False
        self._waiting: dict[Scope, deque[Job[Any]]] = {}
        """The scopes that a thread works for or is to work for, and what it has not begun yet."""
        self._ready: queue.SimpleQueue[Scope | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, args=(transaction,), name="store-writer", daemon=True)
            for transaction in transactions
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job[Any]) -> None:
        """See `Store.submit`."""
        key = EVERYTHING if self._mixed else job.scope
        with self._gate:
            if not self._closed:
                if (waiting := self._waiting.get(key)) is not None:
                    waiting.append(job)
                else:
                    self._waiting[key] = deque((job,))
                    self._ready.put(key)
                return
        job.error = Unavailable("The directory is shutting down. Try again once it is back.")
        job.receiver((job,))

    def close(self) -> None:
        """Does everything that was submitted before, and ends the threads."""
        with self._gate:
            if not self._closed:
                self._closed = True
                for _ in self._threads:
                    self._ready.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self, transaction: WriteTransaction) -> None:
        while (key := self._ready.get()) is not None:
            self._commit_with(self._waiting[key], transaction)
            while self._is_to_go_on(key):
                self._commit_with(self._waiting[key], transaction)
        transaction.close()

    def _is_to_go_on(self, key: Scope) -> bool:
        """Whether this thread does more for `key` at once. While there are others, they have their turn first; once
        nobody takes turns any more, it does."""
        with self._gate:
            if not self._waiting[key]:
                del self._waiting[key]
                return False
            if not self._closed:
                self._ready.put(key)
            return self._closed

    def _commit_with(self, waiting: deque[Job[Any]], transaction: WriteTransaction) -> None:
        """One transaction: the first who waits, and whoever else does by the time it is done."""
        jobs = (job for job in _taken(waiting) if job.starts())
        batch: list[Job[Any]] = []
        committing = False
        try:
            transaction.begin(waiting[0].scope)
            for job in jobs:
                batch.append(job)
                if len(batch) == 1 and job.scope == APPENDING:
                    job.attempt_alone(transaction)
                else:
                    job.attempt(transaction)
            _renew_marks(batch, transaction.connection)
            committing = True
            transaction.commit()
        except BaseException as error:
            if not batch:  # it could not even begin, and neither could those who wait
                batch.extend(jobs)
            self._abandon(batch, transaction, error, committing=committing)
        self._tell(batch)

    def _tell(self, batch: Sequence[Job[Any]]) -> None:
        """Each receiver once, however many of the jobs are its own: to be told may mean to be woken."""
        told: dict[Callable[[Sequence[Any]], None], list[Job[Any]]] = {}
        for job in batch:
            if job.error is not None:
                job.error = self._refusal(job.error) or job.error
            told.setdefault(job.receiver, []).append(job)
        for receiver, jobs in told.items():
            receiver(jobs)

    def _abandon(
        self, batch: list[Job[Any]], transaction: WriteTransaction, error: BaseException, *, committing: bool
    ) -> None:
        """Nothing of the batch was written, or nobody knows. A lost savepoint is only the consequence of an error
        before it."""
        with suppress(Exception):
            transaction.rollback()
        explained = (self._refusal(cause, committing=committing) for cause in _history(error))
        refusal = next(filter(None, explained), None) or _unexplained(error)
        for job in batch:
            job.error = refusal


def _renew_marks(batch: Sequence[Job[Any]], conn: Connection) -> None:
    """What the batch wrote makes what is remembered of its tenants old: see `questions.py`."""
    scopes = {job.scope for job in batch if job.error is None} - {APPENDING}
    if EVERYTHING in scopes:
        tenants.renew_every_mark(conn)
    else:
        for tenant in scopes:
            tenants.renew_mark(conn, tenant)


def _taken(waiting: deque[Job[Any]]) -> Iterator[Job[Any]]:
    """The jobs of one batch."""
    deadline = time.monotonic() + LONGEST_BATCH_SECONDS
    yield waiting.popleft()
    for _ in range(LARGEST_BATCH - 1):
        if not waiting or time.monotonic() > deadline:
            return
        yield waiting.popleft()


def _history(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it came from, the latest first."""
    while error is not None:
        yield error
        error = error.__context__


def _unexplained(error: BaseException) -> Unavailable:
    refusal = Unavailable("The directory could not be written. Nothing was changed; try again.")
    refusal.__cause__ = error
    return refusal
