"""Running the tenant: one port, TLS, one process or several, and an end that loses nothing.

    with claim(data, host=host, port=port) as place:      # nothing has been written before this succeeds
        settings = server_settings(data, host=host, port=place.port)
        …open the store and the keys, make the app…
        with announced(place, settings, certificate, tenant_id=…, client_id=…):
            serve(app, place, certificate, on_ready=…)      # or workers.supervise(…)

granian runs inside the process that serves: stopping that leaves nobody behind. It listens with SO_REUSEPORT, so that
several can listen on the same port (`workers.py`); `claim` sees to it that nobody else does.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import gc
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from unsecret.errors import Conflict, Invalid, Unavailable
from unsecret.model.connection import CONNECTION_FILE, ConnectionFile
from unsecret.model.identifiers import AppId, TenantId
from unsecret.private_files import private_directory, write_private
from unsecret.tenant.bounded_requests import bounded
from unsecret.tenant.idle_connections import without_idlers
from unsecret.tenant.pki import ADMINISTRATOR_FILE, ServerCertificate
from unsecret.tenant.settings import ServerSettings, checked_host

if TYPE_CHECKING:
    from granian.server.embed import Server
    from starlette.types import ASGIApp

LOCK_FILE = "running.lock"
_LAST_PORT = 65535
_ENDS_WITHIN = 2.0  # seconds, once no request is left

LONGEST_HEADERS = 64 * 1024
"""Bytes of a request's headers; a token of the largest size fits."""
HEADERS_WITHIN = 60.0
"""Seconds in which a request's headers have to arrive, the first or, on a kept connection, the next one's."""
CONNECTIONS = 16_384
"""Connections that are open at a time, if the process may have so many; more wait to be accepted."""
_WAITING = 1024
"""Connections that wait to be accepted."""
_OTHER_FILES = 256
"""Of the files that the process may open: the database, the log, the modules that are still loaded."""
STREAMS = 128
"""Requests at a time on one HTTP/2 connection."""
GRACE = 10.0
"""Seconds that requests are given to finish once the server was told to stop."""


class Place(Struct, frozen=True, kw_only=True):
    """A data directory and a port that are this process's alone, as long as `claim` lasts."""

    data: Path
    address: str
    port: int


@contextlib.contextmanager
def claim(data: Path, *, host: str, port: int) -> Generator[Place]:
    """Take the port (0: any free one) and the data directory (made when missing) for this process.

    Raises Conflict when either is taken, Invalid when the host or port cannot be listened on; then nothing
    was written.
    """
    with contextlib.closing(bound_socket(host, port, option="--port")) as taken:
        address, taken_port = taken.getsockname()[:2]
        with _take_directory(data):
            yield Place(data=data, address=address, port=taken_port)


def serve(app: ASGIApp, place: Place, certificate: ServerCertificate, *, on_ready: Callable[[], None]) -> None:
    """Serve `app` over TLS, in this process, until SIGINT or SIGTERM; returns when the last request was answered.

    `on_ready` is told once connections are accepted. A second signal stops without waiting. Nothing is printed;
    granian's own errors go to standard error.
    """
    import uvloop

    _settle_memory()
    with without_idlers(place.port), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(app, place, certificate, on_ready))
    _let_native_threads_end()


@contextlib.contextmanager
def announced(
    place: Place,
    settings: ServerSettings,
    certificate: ServerCertificate,
    *,
    tenant_id: TenantId,
    client_id: AppId,
    proxy: str | None = None,
    clock: str | None = None,
) -> Generator[ConnectionFile]:
    """While the block lasts, `connection.json` says how this process, and those that it starts, are reached.

    `client_id` is the administrator's application, `proxy` the URL of the interception proxy that leads here,
    `clock` that of the tenant's clock where that can be moved.
    """
    connection = ConnectionFile(
        tenant_id=tenant_id,
        authority=settings.base_url,
        graph=settings.base_url,
        ca=str(certificate.ca.absolute()),
        client_id=client_id,
        certificate=str((place.data / ADMINISTRATOR_FILE).absolute()),
        pid=os.getpid(),
        proxy=proxy,
        clock=clock,
    )
    file = place.data / CONNECTION_FILE
    write_private(file, msgspec.json.format(msgspec.json.encode(connection)) + b"\n")
    try:
        yield connection
    finally:
        file.unlink(missing_ok=True)


def running(data: Path) -> ConnectionFile | None:
    """The connection of the server that runs on this data directory now, or None."""
    try:
        with (data / LOCK_FILE).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        pass
    except OSError:
        return None
    try:
        return msgspec.json.decode((data / CONNECTION_FILE).read_bytes(), type=ConnectionFile)
    except (OSError, msgspec.DecodeError):
        return None


# -- taking what is to be ours -------------------------------------------------------------------------------


def bound_socket(host: str, port: int, *, option: str) -> socket.socket:
    """A socket that holds the port (0: any free one) without listening yet.

    It is bound the exclusive way, which fails if anybody has the port, and only then opened to be shared: the
    worker of this same user can listen there, and connections never come to a socket that does not.

    Raises Conflict when the port is taken, Invalid when it cannot be had; both name the `option` that chooses it.
    """
    if not 0 <= port <= _LAST_PORT:
        raise Invalid(
            f"There is no port {port}. Choose one up to {_LAST_PORT} with {option}, or 0 for any that is free."
        )
    try:
        family, kind, _, _, where = socket.getaddrinfo(checked_host(host), port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise Invalid(f"'{host}' is not an address of this machine: {said}. Choose another with --host.") from error
    holder = socket.socket(family, kind)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(where)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError as error:
        holder.close()
        raise _cannot_listen(host, port, option, error) from error
    return holder


def _cannot_listen(host: str, port: int, option: str, error: OSError) -> Conflict | Invalid:
    if error.errno == errno.EADDRINUSE:
        return Conflict(
            f"Port {port} on {host} is in use. Choose another with {option}, or {option} 0 for any that is free.",
            code="PortInUse",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return Invalid(f"Port {port} may not be listened on by this user. Choose one above 1023 with {option}.")
    if error.errno == errno.EADDRNOTAVAIL:
        return Invalid(f"'{host}' is not an address of this machine. Choose another with --host.")
    return Invalid(f"Cannot listen on {host}, port {port}: {error.strerror}.")


@contextlib.contextmanager
def _take_directory(data: Path) -> Generator[None]:
    """Hold the directory's lock, which ends with the process, however that ends."""
    try:
        descriptor = os.open(private_directory(data) / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Invalid(f"{data} cannot be written to: {error.strerror}. Choose another place with --data.") from error
    try:
        _lock(descriptor, data)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, data: Path) -> None:
    for _ in range(10):  # `running` may be looking for a moment
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.02)
    raise Conflict(
        f"A server is running on {data} already. Stop it, or choose another directory with --data.",
        code="AlreadyRunning",
    )


# -- serving -------------------------------------------------------------------------------------------------


def _settle_memory() -> None:
    """What has been loaded stays for good, and requests leave no cycles to speak of: looking for some after every few
    hundred objects was a tenth of what a token took."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _serve(app: ASGIApp, place: Place, certificate: ServerCertificate, on_ready: Callable[[], None]) -> None:
    in_flight: set[asyncio.Task[Any]] = set()
    server = _granian(bounded(app, in_flight), place, certificate)
    stopping = asyncio.Event()
    hurrying = asyncio.Event()

    def told_to_stop() -> None:
        (hurrying if stopping.is_set() else stopping).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_stop)
    serving = asyncio.create_task(server.serve())
    try:
        await _first(serving, asyncio.create_task(_until_accepting(place)), asyncio.create_task(stopping.wait()))
        if not stopping.is_set() and not serving.done():
            on_ready()
        await _first(serving, asyncio.create_task(stopping.wait()))
        if serving.done():
            raise serving.exception() or Unavailable("The server stopped by itself. Its last words are on stderr.")
        server.stop()
        await _first(serving, asyncio.create_task(hurrying.wait()), within=GRACE)
    finally:
        await _end(server, serving, in_flight)


async def _end(server: Server, serving: asyncio.Task[None], in_flight: set[asyncio.Task[Any]]) -> None:
    """Give up the requests that are left; granian then ends by itself. Raises what it ended with."""
    server.stop()
    for task in tuple(in_flight):
        task.cancel()
    await asyncio.wait((serving,), timeout=_ENDS_WITHIN)
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _first(*tasks: asyncio.Task[Any], within: float | None = None) -> None:
    """Wait until one of the tasks is done; the others, but for the first, are given up."""
    await asyncio.wait(tasks, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks[1:]:
        task.cancel()


async def _until_accepting(place: Place) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(place.address, place.port)
        except OSError:
            await asyncio.sleep(0.005)
        else:
            writer.close()
            return


def _most_connections() -> int:
    """CONNECTIONS, or as many as the process may have, once it has asked for all that it is allowed to ask for."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + _OTHER_FILES
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return CONNECTIONS if allowed == resource.RLIM_INFINITY else max(64, min(CONNECTIONS, allowed - _OTHER_FILES))


def _granian(app: ASGIApp, place: Place, certificate: ServerCertificate) -> Server:
    from granian.constants import Interfaces, SSLProtocols
    from granian.http import HTTP1Settings, HTTP2Settings
    from granian.log import LogLevels
    from granian.server.embed import Server

    return Server(
        app,
        address=place.address,
        port=place.port,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=_WAITING,
        backpressure=_most_connections(),
        ssl_cert=certificate.certificate,
        ssl_key=certificate.key,
        ssl_protocol_min=SSLProtocols.tls12,
        http1_settings=HTTP1Settings(header_read_timeout=int(HEADERS_WITHIN * 1000), max_buffer_size=LONGEST_HEADERS),
        http2_settings=HTTP2Settings(max_headers_size=LONGEST_HEADERS, max_concurrent_streams=STREAMS),
        log_level=LogLevels.error,
        log_dictconfig=_LOG_TO_STANDARD_ERROR,
    )


_LOG_TO_STANDARD_ERROR = {
    "handlers": {
        name: {"class": "logging.StreamHandler", "formatter": "generic", "stream": "ext://sys.stderr"}
        for name in ("console", "access")
    }
}


def _let_native_threads_end() -> None:
    """granian's own threads end a moment after it says that it has stopped, and need the interpreter for it;
    one that outlives the interpreter ends in a panic message."""
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        time.sleep(0.01)
        if sys.platform != "linux":
            continue
        ours = {thread.native_id for thread in threading.enumerate()}
        if {int(task.name) for task in Path("/proc/self/task").iterdir()} <= ours:
            return
