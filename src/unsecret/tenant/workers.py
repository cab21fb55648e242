"""Several processes that serve one port, and the one that keeps them running.

Each worker listens on the port itself (SO_REUSEPORT), and the kernel shares connections out. The parent serves
nothing: it starts the workers, starts one anew that has died, and stops all of them when it is told to. A worker's
standard input is a pipe whose other end only the parent has; when that is closed, however the parent ended, the
worker ends, too. So nobody is left behind, on any system.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from unsecret.errors import Unavailable
from unsecret.tenant.log import get_logger
from unsecret.tenant.server import GRACE

log = get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds before a worker that died is started anew; twice as many each time, until one has become ready."""

_MOST_FAILURES = 5
_ENDS_WITHIN = GRACE + 10.0
_READY = b"ready\n"


def supervise(command: Sequence[str], message: bytes, count: int, on_ready: Callable[[], None]) -> None:
    """Run `count` processes of `command` until SIGINT or SIGTERM; returns when all have ended.

    Each is given `message`, one line, on its standard input, and says that it is ready with `say_ready`. `on_ready` is
    told once all of them are. A second signal stops without waiting. Raises Unavailable when a worker cannot start.
    """
    asyncio.run(_Supervisor(command, message, count).run(on_ready))


def read_message() -> bytes:
    """In a worker: what the parent has to say. From then on this process is told to stop when the parent ends."""
    line = bytearray()
    while not line.endswith(b"\n") and (byte := os.read(sys.stdin.fileno(), 1)):
        line += byte
    threading.Thread(target=_stop_with_parent, name="parent", daemon=True).start()
    return bytes(line)


def say_ready() -> None:
    """In a worker: connections are accepted."""
    os.write(sys.stdout.fileno(), _READY)


def _stop_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


class _Supervisor:
    """The workers of one server."""

    def __init__(self, command: Sequence[str], message: bytes, count: int):
        self._command = command
        self._message = message
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._ready = [asyncio.Event() for _ in range(count)]
        self._stopping = asyncio.Event()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """See `supervise`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._told_to_stop)
        workers = [asyncio.create_task(self._keep_running(number)) for number in range(len(self._ready))]
        ready = asyncio.create_task(self._all_ready())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((ready, stopping, *workers), return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                on_ready()
            await asyncio.wait((stopping, *workers), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            stopping.cancel()
            await self._end(workers)

    async def _all_ready(self) -> None:
        for event in self._ready:
            await event.wait()

    def _told_to_stop(self) -> None:
        self._stopping.set()
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()

    async def _end(self, workers: list[asyncio.Task[None]]) -> None:
        """Raises what a worker's task ended with."""
        if not self._stopping.is_set():
            self._told_to_stop()
        _, late = await asyncio.wait(workers, timeout=_ENDS_WITHIN)
        for process in self._processes.values() if late else ():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*workers)

    async def _keep_running(self, number: int) -> None:
        pause, failures = _FIRST_PAUSE, 0
        while not self._stopping.is_set():
            if await self._run_once(number):
                pause, failures = _FIRST_PAUSE, 0
            else:
                pause, failures = min(pause * 2, _LONGEST_PAUSE), failures + 1
            if self._stopping.is_set():
                return
            if failures == _MOST_FAILURES:
                raise Unavailable("A worker of the server cannot start. Its last words are on standard error.")
            log.warning("a worker has ended and is started anew", worker=number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _run_once(self, number: int) -> bool:
        """One life of a worker; whether it ever was ready."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=pipe,
            stdout=pipe,
            process_group=0,  # a terminal's Ctrl-C is the parent's to pass on
        )
        self._processes[number] = process
        if self._stopping.is_set():  # told while it was being started
            self._told_to_stop()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(self._message + b"\n")
            was_ready = await process.stdout.readline() == _READY
            if was_ready:
                self._ready[number].set()
            await process.wait()
            return was_ready
        finally:
            process.stdin.close()
            del self._processes[number]
