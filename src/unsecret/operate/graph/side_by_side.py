"""Doing the same to many things, several at once, with the answers in the order of the things.

Threads, not coroutines: the operator's code stays plain calls, and what it waits for is the network.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
A = TypeVar("A")

AHEAD = 2
"""Answers that may wait for their turn, for each thread: enough that a slow one holds nobody up, few enough that
whoever reads slowly does not fill the memory."""


def in_order(
    act: Callable[[A], T],
    things: Iterable[A],
    *,
    at_once: int,
    interrupted: Callable[[], None] = lambda: None,
) -> Iterator[T]:
    """`act` of each of `things`, in their order, `at_once` of them at a time.

    `things` is read as it is needed and may be endless. The first error, in the order of the things, is raised
    as it is; what has not begun by then never does, and what has is waited for: when this is over, nothing of it goes
    on. `interrupted` is called at a Ctrl-C, to hurry those who only wait.
    """
    if at_once < 2:
        yield from map(act, things)
        return
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="unsecret")
    begun: deque[Future[T]] = deque()
    try:
        for thing in things:
            begun.append(pool.submit(act, thing))
            if len(begun) >= at_once * AHEAD:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    except KeyboardInterrupt:
        interrupted()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
