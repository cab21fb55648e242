"""`connection.json`: what a running tenant writes down for its clients, and where. The tenant and the operator know
nothing else of each other.
"""

from __future__ import annotations

from msgspec import Struct

CONNECTION_FILE = "connection.json"

TENANTS_FOLDER = "tenants"
"""Each tenant of a server has a directory of its own in here, named by its id."""


STARTED_FILE = "started.json"


class StartedFile(Struct, frozen=True, omit_defaults=True):
    """`started.json`: how the server of a data directory was started last, for whoever starts it again. It stays when
    the server stops. `database` is the URL of its PostgreSQL database without the password."""

    database: str | None = None


class ConnectionFile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`connection.json` as it stands.

    `authority` and `graph` are origins. `ca` is the path of the authority to trust, `certificate` that of the
    application's certificate and key; relative ones are relative to the file. `pid` is the server's process,
    `proxy` the URL of its interception proxy, and `clock` where its clock is read and moved, where there is one.
    """

    tenant_id: str
    authority: str
    graph: str
    ca: str
    client_id: str
    certificate: str
    pid: int | None = None
    proxy: str | None = None
    clock: str | None = None
