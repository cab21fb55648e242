"""Connections that nobody speaks on, closed.

granian counts a connection from the moment it is accepted and gives TLS as long as it takes, so whoever opens
connections and stays silent would fill the server. What the kernel knows of each connection is enough to tell: how much
arrived on it, how much of what we sent was taken, and when. So a thread looks, and ends what is stuck; granian then
finds its end and lets go. This covers what comes before granian's own limits (TLS) and after them (an answer that is
never read).

Linux only: elsewhere the kernel says it differently, and nothing is closed here.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from msgspec import Struct

SPEAKS_WITHIN = 10.0
"""Seconds in which a new connection has to get far enough in TLS that we have something to answer."""

SILENT_FOR = 75.0
"""Seconds in which nothing went either way, or nothing was taken of an answer that waits. granian's own limit for the
headers of the next request is shorter."""

_LOOKS_EVERY = 2.0
_AT_ONCE = 500
"""How many connections are looked at before others get a turn."""

_PAUSE = 0.005
_INFO = struct.Struct("=44xI4xI64xQ16xI")
"""Of `struct tcp_info` (linux/tcp.h): last_data_sent, last_data_recv (ms ago), bytes_acked, notsent_bytes."""

_SOCKET = "socket:["
_SYN = 1  # bytes_acked may count it


class Traffic(Struct, frozen=True):
    """What the kernel knows of one connection: seconds since it was first seen, since anything went either way, and
    since anything was taken of an answer that waits to be sent; and how many bytes we sent that arrived."""

    age: float
    silence: float
    answered: int
    untaken: float = 0.0


def is_stuck(traffic: Traffic) -> bool:
    """Whether a connection holds its place without using it."""
    never_spoke = traffic.age >= SPEAKS_WITHIN and traffic.answered <= _SYN
    return never_spoke or traffic.silence >= SILENT_FOR or traffic.untaken >= SILENT_FOR


@contextmanager
def without_idlers(port: int, *, stuck: Callable[[Traffic], bool] = is_stuck) -> Generator[None]:
    """As long as this lasts, connections to `port` of this process are closed when they are stuck."""
    if sys.platform != "linux":
        yield
        return
    watch = _Watch(port, stuck)
    thread = threading.Thread(target=watch.run, name="idle-connections", daemon=True)
    thread.start()
    try:
        yield
    finally:
        watch.ends.set()
        thread.join()


class _Seen(Struct):
    """What is remembered of a connection: when it was first looked at, how much had arrived when that last grew (or
    nothing waited), and when that was."""

    first: float
    taken: int = 0
    taken_at: float = 0.0


class _Watch:
    def __init__(self, port: int, stuck: Callable[[Traffic], bool]):
        self.port = port
        self.stuck = stuck
        self.ends = threading.Event()
        self._seen: dict[str, _Seen] = {}

    def run(self) -> None:
        while not self.ends.wait(_LOOKS_EVERY):
            self._look()

    def _look(self) -> None:
        """Look at every socket of this process once. One that goes away meanwhile is nobody's loss."""
        seen = {}
        for count, descriptor in enumerate(os.listdir("/proc/self/fd"), 1):
            if count % _AT_ONCE == 0 and self.ends.wait(_PAUSE):
                return
            with contextlib.suppress(OSError):
                name = os.readlink(f"/proc/self/fd/{descriptor}")
                if name.startswith(_SOCKET):
                    seen[name] = self._seen.get(name) or _Seen(time.monotonic())
                    self._judge(int(descriptor), seen[name])
        self._seen = seen

    def _judge(self, descriptor: int, seen: _Seen) -> None:
        """End the connection if it is stuck. Another descriptor of the same connection is used, so that granian's own
        cannot become a different one under our hands."""
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            if connection.type != socket.SOCK_STREAM or connection.family not in (socket.AF_INET, socket.AF_INET6):
                return
            if connection.getsockname()[1] != self.port or connection.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN
            ):
                return
            if self.stuck(_traffic(connection, seen, time.monotonic())):
                connection.shutdown(socket.SHUT_RDWR)


def _traffic(connection: socket.socket, seen: _Seen, now: float) -> Traffic:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    sent_ago, received_ago, answered, waiting = _INFO.unpack(info)
    if not waiting or answered != seen.taken:
        seen.taken, seen.taken_at = answered, now
    age = now - seen.first
    return Traffic(age, min(sent_ago / 1000, received_ago / 1000, age), answered, now - seen.taken_at)
