"""Group commit: one thread does every write of this process and commits once for all who wait.

A commit that is safe against power loss costs the disk a flush; sixteen waiting writes can share one. Each work runs in
its own savepoint, so that one that fails takes nothing of its neighbours with it. Futures are resolved after the
commit and never before, failures included: what made a work fail may itself have been uncommitted.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Connection

from unsecret.errors import Unavailable
from unsecret.store.transaction import WriteTransaction

T = TypeVar("T")

LARGEST_BATCH = 256
LONGEST_BATCH_SECONDS = 0.05
"""The first of a batch waits for the last: these bound its wait."""


class _Job(Generic[T]):
    """A work and the promise of its outcome."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Callable[[Connection], T]):
        self.work = work
        self.future: Future[T] = Future()
        self.result: T | None = None
        self.error: BaseException | None = None

    def starts(self) -> bool:
        """False when the caller has lost interest before we began."""
        return self.future.set_running_or_notify_cancel()

    def attempt(self, transaction: WriteTransaction) -> None:
        """Runs the work inside a savepoint. Raises only when the whole transaction is lost."""
        transaction.set_savepoint()
        try:
            self.result = self.work(transaction.connection)
        except BaseException as error:
            self.error = error
            transaction.undo_to_savepoint()
        else:
            transaction.release_savepoint()

    def resolve(self, refusal: Callable[[BaseException], Unavailable | None]) -> None:
        """Keeps the promise, one way or the other."""
        if self.error is None:
            self.future.set_result(cast("T", self.result))
        else:
            self.future.set_exception(refusal(self.error) or self.error)


class Writer:
    """Takes works from any thread and does them on one of its own."""

    def __init__(self, transaction: WriteTransaction, refusal: Callable[[BaseException], Unavailable | None]):
        self._transaction = transaction
        self._refusal = refusal
        self._queue: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """See `Store.write`."""
        job = _Job(work)
        with self._gate:
            if not self._closed:
                self._queue.put(job)
                return job.future
        job.future.set_exception(Unavailable("The directory is shutting down. Try again once it is back."))
        return job.future

    def close(self) -> None:
        """Does everything that was submitted before, and ends the thread."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            self._commit_with(job)
        self._transaction.close()

    def _commit_with(self, first: _Job[Any]) -> None:
        """One transaction: `first`, and whoever else waits by the time it is done."""
        jobs = (job for job in self._waiting(first) if job.starts())
        batch: list[_Job[Any]] = []
        try:
            self._transaction.begin()
            for job in jobs:
                batch.append(job)
                job.attempt(self._transaction)
            self._transaction.commit()
        except BaseException as error:
            if not batch:  # it could not even begin, and neither could those who wait
                batch.extend(jobs)
            self._abandon(batch, error)
        for job in batch:
            job.resolve(self._refusal)

    def _abandon(self, batch: list[_Job[Any]], error: BaseException) -> None:
        """Nothing of the batch was written. A lost savepoint is only the consequence of an error before it."""
        with suppress(Exception):
            self._transaction.rollback()
        explained = (self._refusal(cause) for cause in _history(error))
        refusal = next(filter(None, explained), None) or _unexplained(error)
        for job in batch:
            job.error = refusal

    def _waiting(self, first: _Job[Any]) -> Iterator[_Job[Any]]:
        deadline = time.monotonic() + LONGEST_BATCH_SECONDS
        yield first
        for _ in range(LARGEST_BATCH - 1):
            if time.monotonic() > deadline:
                return
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return
            if job is None:
                self._queue.put(None)
                return
            yield job


def _history(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it came from, the latest first."""
    while error is not None:
        yield error
        error = error.__context__


def _unexplained(error: BaseException) -> Unavailable:
    refusal = Unavailable("The directory could not be written. Nothing was changed; try again.")
    refusal.__cause__ = error
    return refusal
