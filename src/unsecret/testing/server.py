"""The server that tests share, and how each gets a tenant of its own in it.

A tenant is made where it is kept, in the server's database, which the running server reads for every request: that
takes milliseconds, where a server takes a second. What takes longest of making a tenant is its administrator's RSA
key, so all tenants of a session have the same administrator's certificate; each has an application of its own.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from unsecret.cli.hosting import open_store
from unsecret.cli.options import now
from unsecret.errors import Unavailable
from unsecret.model.connection import CONNECTION_FILE, ConnectionFile
from unsecret.operate.graph.connection import Connection
from unsecret.tenant.bootstrap import create_tenant
from unsecret.tenant.certificates import CertificateFacts
from unsecret.tenant.clock import clock_url
from unsecret.tenant.movable_clocks import ANY_TIME
from unsecret.tenant.pki import ADMINISTRATOR_FILE, administrator_certificate
from unsecret.testing.serving import OPEN, alone, join
from unsecret.testing.tenant import EntraTenant

STARTS_WITHIN = 60.0
"""Seconds; it takes about one, and a busy machine may take long."""


class EntraServer:
    """A running server. `url` is its origin, `ca` the authority to trust, `log` what it printed."""

    def __init__(self, data: Path, connection: ConnectionFile, log: Path, *, database: str | None = None):
        self.data = data
        self.url = connection.graph
        self.ca = Path(connection.ca)
        self.proxy = connection.proxy
        self.log = log
        self._store = open_store(data, database)
        self._certificate: CertificateFacts = administrator_certificate(data, now=now(), good_at=ANY_TIME)

    @contextlib.contextmanager
    def new_tenant(self) -> Generator[EntraTenant]:
        """A fresh tenant, for the length of the context."""
        tenant = self.make_tenant()
        try:
            yield tenant
        finally:
            tenant.close()

    def make_tenant(self) -> EntraTenant:
        """A fresh tenant, for as long as the server runs."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        begun = now()
        made = self._store.write(
            lambda conn: create_tenant(
                conn, display_name=name, domain=name, administrator_certificate=self._certificate, now=begun
            )
        ).result()
        connection = Connection(
            data=self.data,
            tenant_id=made.tenant.id,
            authority=self.url,
            graph=self.url,
            ca=self.ca,
            client_id=made.client_id,
            certificate=self.data / ADMINISTRATOR_FILE,
            clock=clock_url(self.url, made.tenant.id),
        )
        return EntraTenant(connection, domain=made.tenant.verified_domains[0], proxy=self.proxy)

    def close(self) -> None:
        """Stop working with it; it runs on while others do."""
        self._store.close()


@contextlib.contextmanager
def shared_server(directory: Path, arguments: tuple[str, ...]) -> Generator[EntraServer]:
    """The server of `directory`, started by whoever comes first, with `arguments` of `unsecret up`. It stops once
    nobody uses it any more. Raises Unavailable, with what it said, when it does not come up."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(directory):
        joined = join(directory)
        if not (directory / OPEN).exists():
            _start(directory, arguments)
    try:
        connection, database = _connection(directory), _database(arguments)
        server = EntraServer(directory / "data", connection, directory / "log", database=database)
        try:
            yield server
        finally:
            server.close()
    finally:
        os.close(joined)


def _database(arguments: tuple[str, ...]) -> str | None:
    """The database that the server was told of, where the tenants of the tests have to be made as well."""
    for number, one in enumerate(arguments):
        if one == "--database":
            return next(iter(arguments[number + 1 :]), None)
        if one.startswith("--database="):
            return one.partition("=")[2]
    return None


def _start(directory: Path, arguments: tuple[str, ...]) -> None:
    """Start it, and leave it to itself. Its settings are these arguments, and its home its own directory: neither
    whose tests these are nor which tenant they started last matters to it, or is changed by it."""
    data = directory / "data"
    command = [sys.executable, "-m", "unsecret.testing.serving", str(directory)]
    own = ["--data", str(data), "--host", "127.0.0.1", "--port", "0", "--empty", "--now", "now", "--intercept", "0"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("UNSECRET_", "XDG_"))}
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(
            [*command, *own, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**kept, "HOME": str(directory)},
            start_new_session=True,  # Ctrl-C is for the tests, which then close the pipe
        )
    (directory / OPEN).write_text(str(process.pid))


def _connection(directory: Path) -> ConnectionFile:
    """How to reach the server, once it answers."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and (directory / OPEN).exists():
        with contextlib.suppress(OSError, msgspec.DecodeError):
            file = (directory / "data" / CONNECTION_FILE).read_bytes()
            connection = msgspec.json.decode(file, type=ConnectionFile)
            where: Any = urlsplit(connection.graph)
            socket.create_connection((where.hostname, where.port), 5).close()
            return connection
        if not _is_alive(int((directory / OPEN).read_text())):
            break
        time.sleep(0.01)
    (directory / OPEN).unlink(missing_ok=True)
    raise Unavailable(f"The server of entra_tenant did not start:\n{(directory / 'log').read_text()}")


def _is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and that we started is buried by this."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
