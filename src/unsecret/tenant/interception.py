"""An HTTPS proxy that answers for Microsoft's sign-in and Graph hosts with this tenant, and leads nowhere else.

Some clients have those hosts built in and cannot be told of another cloud, but nearly all of them obey
HTTPS_PROXY: they ask a proxy to `CONNECT graph.microsoft.com:443` (RFC 9110 §9.3.6) and speak TLS through it. The
tunnel ends at the tenant's own port, whose certificate is for these names. The proxy sees nothing but the name.

    with intercepting("127.0.0.1", 8444, to=(place.address, place.port)) as url:
        …HTTPS_PROXY=url…

Every other host is refused at once, so that nothing that is being rehearsed reaches the outside by accident
and nobody waits. It runs in a thread with an event loop of its own, beside whatever serves the tenant.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Collection, Generator
from typing import Any

from msgspec import Struct

from unsecret.tenant.server import bound_socket
from unsecret.tenant.settings import LOCAL_NAMES, MICROSOFT_HOSTS

LONGEST_HEAD = 16 * 1024
"""Bytes of a CONNECT request's headers; a proxy is sent few."""
HEAD_WITHIN = 10.0
"""Seconds in which the headers have to arrive."""
TUNNELS = 512
"""Connections at a time; more are told to come back."""
IDLE_FOR = 300.0
"""Seconds after which a tunnel in which nothing moves is closed; the server behind closes earlier by itself."""

_HTTPS = 443
_CHUNK = 64 * 1024
_CONNECT = re.compile(
    rb"CONNECT (?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):(?P<port>\d{1,5}) HTTP/1\.[01]"
)


class Limits(Struct, frozen=True, kw_only=True):
    """How much, and for how long, the proxy bears with its clients."""

    head_within: float = HEAD_WITHIN
    tunnels: int = TUNNELS
    idle_for: float = IDLE_FOR


@contextlib.contextmanager
def intercepting(host: str, port: int, *, to: tuple[str, int], limits: Limits | None = None) -> Generator[str]:
    """Run the proxy on `host` and `port` (0: any free one) while the context lasts. Gives its URL.

    `to` is where the tenant listens: a client that sends everything through its proxy may ask for that, too.
    Raises Conflict when the port is taken, Invalid when it cannot be listened on.
    """
    with contextlib.closing(bound_socket(host, port, option="--intercept")) as listening:
        address, taken_port = listening.getsockname()[:2]
        here = _reachable(address)
        tunnels = _Tunnels((_reachable(to[0]), to[1]), _served(to[1]), limits or Limits())
        running = _Running(tunnels, listening)
        try:
            yield f"http://{f'[{here}]' if ':' in here else here}:{taken_port}"
        finally:
            running.stop()


def _reachable(address: str) -> str:
    """Where what listens on `address` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - compared with, not bound to


def _served(port: int) -> frozenset[tuple[str, int]]:
    return frozenset({(name, _HTTPS) for name in MICROSOFT_HOSTS} | {(name, port) for name in LOCAL_NAMES})


class _Running:
    """The proxy's event loop, in a thread of its own. It listens once this is made."""

    def __init__(self, tunnels: _Tunnels, listening: socket.socket):
        self._tunnels = tunnels
        self._listening = listening
        self._loop = asyncio.new_event_loop()
        self._told_to_stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="interception", daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Close all tunnels and wait until they are."""
        self._loop.call_soon_threadsafe(self._told_to_stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._tunnels.answer, sock=self._listening, limit=LONGEST_HEAD)
        self._ready.set()
        await self._told_to_stop.wait()
        server.close()
        await self._tunnels.close()


class _Tunnels:
    """What is done with each connection."""

    def __init__(self, to: tuple[str, int], served: Collection[tuple[str, int]], limits: Limits):
        self._to = to
        self._served = served
        self._limits = limits
        self._open: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Break off whatever is open."""
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(self._open)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            if len(self._open) > self._limits.tunnels:
                await _refuse(writer, "503 Service Unavailable", "This proxy has all the connections that it bears.")
            else:
                await self._answer(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the client hung up, or the proxy stops: nobody is left to be told
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._limits.head_within):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            await _refuse(writer, "431 Request Header Fields Too Large", f"Headers may have {LONGEST_HEAD} bytes.")
        except TimeoutError:
            await _refuse(writer, "408 Request Timeout", "The request's headers did not arrive in time.")
        except asyncio.IncompleteReadError:
            return
        else:
            await self._connect(head, reader, writer)

    async def _connect(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = _CONNECT.fullmatch(head.split(b"\r\n", 1)[0])
        if asked is None:
            await _refuse(writer, "501 Not Implemented", _ONLY_CONNECT)
            return
        host, port = asked["host"].decode().lower().strip("[]").removesuffix("."), int(asked["port"])
        if (host, port) not in self._served:
            await _refuse(writer, f"403 unsecret does not answer for {host}:{port}", _NOT_OURS.format(host=host))
            return
        try:
            onward_reader, onward_writer = await asyncio.open_connection(*self._to)
        except OSError:
            await _refuse(writer, "502 Bad Gateway", "The tenant does not accept connections now.")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await self._carry((reader, writer), (onward_reader, onward_writer))

    async def _carry(self, client: _Stream, tenant: _Stream) -> None:
        """Carry bytes both ways until both sides have ended, one breaks off, or nothing moves any more."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.idle_for) as idle, asyncio.TaskGroup() as both:

                def moved() -> None:
                    idle.reschedule(loop.time() + self._limits.idle_for)

                both.create_task(_copy(client[0], tenant[1], moved))
                both.create_task(_copy(tenant[0], client[1], moved))
        except* (OSError, TimeoutError):
            pass
        finally:
            tenant[1].close()


_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, moved: Callable[[], Any]) -> None:
    while chunk := await reader.read(_CHUNK):
        moved()
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


_ONLY_CONNECT = (
    "This is unsecret's interception proxy. It takes CONNECT to port 443 only: set it as HTTPS_PROXY, "
    "not as HTTP_PROXY."
)
_NOT_OURS = (
    "This is unsecret's interception proxy. It answers on port 443 for "
    f"{', '.join(sorted(MICROSOFT_HOSTS))}; everything else is refused, so that a rehearsal stays where it is. "
    "If the client is to reach {host} itself, add it to NO_PROXY."
)


async def _refuse(writer: asyncio.StreamWriter, status: str, message: str) -> None:
    """Most clients show their users the status line alone, so that says whom it is about."""
    body = f"{message}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
