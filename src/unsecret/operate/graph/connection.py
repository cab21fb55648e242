"""Where a tenant is and how to prove oneself to it: reading `connection.json`, and remembering which came last.

`unsecret up` writes the file into the tenant's directory and takes it away when it stops; every other command
begins by reading it.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from unsecret.errors import Invalid, NotFound
from unsecret.model.connection import (
    CONNECTION_FILE,
    STARTED_FILE,
    TENANTS_FOLDER,
    ConnectionFile,
    StartedFile,
)
from unsecret.model.identifiers import canonical_guid

if TYPE_CHECKING:
    import ssl

LAST_STARTED_FILE = "last-started.json"


class Connection(Struct, frozen=True, kw_only=True):
    """One tenant, and the application that speaks to it for us.

    `authority` and `graph` are origins (`https://localhost:8443`). `certificate` is a PEM file with the
    application's private key and certificate, `ca` a PEM file with the authority that issued the server's.
    `clock` is the address of the tenant's clock, when that can be moved. `data` is the directory that all this was read
    from.
    """

    data: Path
    tenant_id: str
    authority: str
    graph: str
    ca: Path
    client_id: str
    certificate: Path
    clock: str | None = None

    @property
    def source(self) -> str:
        """Where the answers come from."""
        return self.graph

    @property
    def server_data(self) -> Path:
        """The directory that `unsecret up` is started with; tenants that were added later live under it."""
        return server_directory(self.data)

    @property
    def words(self) -> str:
        """The tenant as a person is to recognise it."""
        return f"the local tenant in {self.data} (tenant {self.tenant_id})"

    @property
    def remedy(self) -> str:
        """What to do when it does not answer."""
        return how_to_start(self.server_data)


class Remote(Struct, frozen=True, kw_only=True):
    """A tenant that is not ours to start or stop: one of Microsoft's clouds, by its name; `cloud` is None where its
    addresses were given instead.

    `ca` is a PEM file with an authority to trust besides the public ones, `proxy` the URL of a proxy on the way.
    """

    name: str
    tenant_id: str
    authority: str
    graph: str
    cloud: str | None = None
    ca: Path | None = None
    proxy: str | None = None
    clock: None = None

    @property
    def source(self) -> str:
        """Where the answers come from."""
        return self.graph

    @property
    def words(self) -> str:
        """The tenant as a person is to recognise it."""
        where = f"cloud {self.cloud}" if self.cloud else f"at {self.graph}"
        return f"tenant '{self.name}' ({self.tenant_id}, {where})"

    @property
    def remedy(self) -> str:
        """What to do when it does not answer."""
        return "Is the network there? A proxy on the way is named by the setting `proxy`."


class _LastStarted(Struct, frozen=True):
    data: str


def trust(connection: Connection | Remote) -> ssl.SSLContext | bool:
    """TLS that trusts a local tenant's own authority and no other; elsewhere the public ones, True, and the one that
    was named. Raises Invalid when that cannot be read."""
    import ssl

    if connection.ca is None:
        return True
    try:
        if isinstance(connection, Connection):
            return ssl.create_default_context(cafile=str(connection.ca))
        public = ssl.create_default_context()
        public.load_verify_locations(str(connection.ca))
        return public
    except OSError as problem:
        raise Invalid(f"The tenant's authority {connection.ca} cannot be read: {problem}.") from problem


def server_directory(data: Path) -> Path:
    """The directory that a server is started with: `data`, or, for one tenant's own directory, the one above.

    A tenant's own is named by its id, so that `tenants/rehearsal` may be anybody's.
    """
    is_a_tenants_own = data.parent.name == TENANTS_FOLDER and canonical_guid(data.name)
    return data.parents[1] if is_a_tenants_own else data


def read_connection(data: Path) -> Connection:
    """The connection kept in the tenant directory `data`; paths in it may be relative to that directory.

    Raises NotFound when no tenant runs there, Invalid when the file cannot be understood.
    """
    file = data / CONNECTION_FILE
    try:
        read = msgspec.json.decode(file.read_bytes(), type=ConnectionFile)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"No local tenant is running in {data}.",
            code="NoTenant",
            hint=how_to_start(server_directory(data)),
        ) from None
    except PermissionError:
        raise may_not_be_read(data) from None
    except (OSError, msgspec.DecodeError) as problem:
        raise Invalid(f"{file} cannot be read: {problem}", hint="`unsecret up` writes it anew.") from problem
    return Connection(
        data=data,
        tenant_id=read.tenant_id,
        authority=read.authority.rstrip("/"),
        graph=read.graph.rstrip("/"),
        ca=data / read.ca,
        client_id=read.client_id,
        certificate=data / read.certificate,
        clock=read.clock,
    )


def how_to_start(data: Path) -> str:
    """The command that starts the server of a data directory with the database that it had."""
    try:
        database = msgspec.json.decode((data / STARTED_FILE).read_bytes(), type=StartedFile).database
    except (OSError, msgspec.DecodeError):
        database = None
    command = ("unsecret", "up", "--data", str(data), *(("--database", database) if database else ()))
    return f"Start it: {shlex.join(command)}"


def may_not_be_read(data: Path) -> Invalid:
    """A tenant's directory holds its keys, and is for the user who started it only."""
    return Invalid(
        f"{data} may not be read by this user.",
        hint="Run the command as the user who started the server, or name another directory with --data.",
    )


def remember_started(state: Path, data: Path) -> None:
    """Note that the tenant in `data` was started last. The note replaces the old one in one step."""
    state.mkdir(parents=True, exist_ok=True)
    unfinished = state / f".{LAST_STARTED_FILE}.new"
    unfinished.write_bytes(msgspec.json.encode({"data": str(data.absolute())}))
    unfinished.replace(state / LAST_STARTED_FILE)


def last_started(state: Path) -> Path | None:
    """The directory of the tenant started last; None when none was, or when the note cannot be read."""
    try:
        return Path(msgspec.json.decode((state / LAST_STARTED_FILE).read_bytes(), type=_LastStarted).data)
    except (OSError, msgspec.DecodeError):
        return None
