"""A load balancer of the smallest kind: it hands bytes on, so that TLS ends in the servers behind it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

Address = tuple[str, int]
_CHUNK = 64 * 1024


class Balancer:
    """Listens on loopback; each new connection goes to the next server in turn, past those that do not answer.
    `servers` may be changed at any time, and holds for connections from then on."""

    def __init__(self) -> None:
        self.servers: list[Address] = []
        self.sent_to: list[Address] = []
        self._turn = 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._door.getsockname()[1]

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            server = self._next_server()
            if server is None:
                client.close()
                continue
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_hand_on, args=(source, sink), daemon=True).start()

    def _next_server(self) -> socket.socket | None:
        servers = list(self.servers)
        for _ in servers:
            self._turn += 1
            address = servers[self._turn % len(servers)]
            with suppress(OSError):
                found = socket.create_connection(address, timeout=5)
                found.settimeout(None)
                self.sent_to.append(address)
                return found
        return None


def _hand_on(source: socket.socket, sink: socket.socket) -> None:
    """Until one side is done; then neither has anything more to say."""
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    for side in (source, sink):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
        side.close()
