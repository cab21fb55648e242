"""Clients that behave badly on the wire, as plain sockets: nothing that an HTTP library would do."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PATIENCE = 30.0


@contextmanager
def silent(port: int, number: int) -> Generator[list[socket.socket]]:
    """So many connections on which nothing is said."""
    with ExitStack() as opened:
        yield [opened.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE)) for _ in range(number)]


def tls(port: int, ca: Path, *, protocol: str = "http/1.1") -> ssl.SSLSocket:
    """A connection that has been through TLS."""
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols([protocol])
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE), server_hostname="localhost")


def seconds_until_closed(connection: socket.socket, within: float) -> float | None:
    """How long until the server ends the connection; None if it does not in time. What it says meanwhile is read."""
    began = time.monotonic()
    connection.settimeout(within)
    try:
        while connection.recv(65536):
            connection.settimeout(max(0.01, within - (time.monotonic() - began)))
    except TimeoutError:
        return None
    except OSError:  # not politely, but closed
        pass
    return time.monotonic() - began


def answered(connection: socket.socket, request: bytes) -> bytes:
    """The beginning of the answer to what is sent."""
    connection.sendall(request)
    return connection.recv(65536)
