"""`unsecret tenant add` and `unsecret tenant list`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from unsecret.cli.loaded import say_what_was_loaded
from unsecret.cli.options import PLAIN, Output, Server, ServerDatabase, Source, now
from unsecret.cli.printing import as_json, say
from unsecret.cli.tables import table
from unsecret.config import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unsecret.model.application import Tenant
    from unsecret.model.identifiers import TenantId

tenant = App(
    name="tenant",
    default_parameter=PLAIN,
    help="""Add tenants to a local server, and list them.

Several tenants can live in one server, each with its own organisation, administrator and policies. They share
the server's address and the authority to trust.
""",
)

Name = Annotated[
    str | None, Parameter(name="--name", metavar="NAME", help="Display name of the organisation. Default: Tenant 2, …")
]
Domain = Annotated[
    str | None,
    Parameter(
        name="--domain",
        metavar="DOMAIN",
        help="Its first domain: a word before .onmicrosoft.com, or a whole domain. Default: made of the name.",
    ),
]
Empty = Annotated[bool, Parameter(name="--empty", help="Make an empty organisation.")]
Sample = Annotated[bool, Parameter(name="--sample", help="Make a sample organisation. This is the default.")]


@tenant.command
def add(
    *,
    name: Name = None,
    domain: Domain = None,
    empty: Empty = False,
    sample: Sample = False,
    from_: Source = None,
    data: Server = None,
    database: ServerDatabase = None,
    output: Output = None,
) -> int:
    """Add a tenant to a local server, running or not.

    It gets an administrator application of its own, whose certificate is put into DIR/tenants/ID. While the
    server runs, DIR/tenants/ID/connection.json says how to reach the tenant, and other commands take that
    directory: unsecret status --data DIR/tenants/ID.

    **Examples**

        unsecret tenant add --name Fabrikam --empty
        unsecret tenant add --domain rehearsal.example --data ./rehearsal
    """
    from unsecret.cli.hosting import (
        add_tenant,
        clocks_were_moved,
        open_existing_store,
        wanted_filling,
        write_connection,
    )
    from unsecret.tenant.server import running

    settings = read_settings()
    directory = _server_directory(settings, data)
    filling = wanted_filling(empty=empty, sample=sample, source=from_, loaded=say_what_was_loaded)
    server, begun = running(directory), now()
    store = open_existing_store(directory, database or settings.database)
    try:
        movable = clocks_were_moved(store) or (server is not None and server.clock is not None)
        new = add_tenant(
            store, directory, name=name, domain=domain, filling=filling, now=begun, clock=begun if movable else None
        )
    finally:
        store.close()
    if server:
        write_connection(
            directory,
            new,
            origin=server.graph,
            ca=Path(server.ca),
            pid=server.pid,
            proxy=server.proxy,
            movable=server.clock is not None,
        )
    else:
        say(f"The server is not running; it serves the tenant once it is: unsecret up --data {directory}")
    _print([new.tenant], {new.tenant.id: new.folder}, output or settings.output)
    return 0


@tenant.command(name="list")
def list_(*, data: Server = None, database: ServerDatabase = None, output: Output = None) -> int:
    """List the tenants of a local server, running or not, oldest first.

    **Examples**

        unsecret tenant list
        unsecret tenant list --data ./rehearsal -o json
    """
    from unsecret.cli.hosting import folder_of, open_existing_store
    from unsecret.store.tenants import list_tenants

    settings = read_settings()
    directory = _server_directory(settings, data)
    store = open_existing_store(directory, database or settings.database)
    try:
        with store.read() as conn:
            known = list_tenants(conn)
    finally:
        store.close()
    folders = {one.id: folder_of(directory, one, known) for one in known}
    _print(known, folders, output or settings.output)
    return 0


def _server_directory(settings: Settings, data: Path | None) -> Path:
    """Where the server's data is; a tenant's own directory stands for its server's."""
    from unsecret.operate.graph.connection import last_started, server_directory

    asked = data or settings.data or last_started(settings.state) or settings.default_data
    return server_directory(asked.absolute())


def _print(tenants: Iterable[Tenant], folders: Mapping[TenantId, Path], output: str) -> None:
    rows = [(one.id, one.display_name, one.verified_domains[0], str(folders[one.id])) for one in tenants]
    if output == "json":
        as_json([dict(zip(("id", "displayName", "domain", "directory"), row, strict=True)) for row in rows])
    else:
        table(("ID", "NAME", "DOMAIN", "DIRECTORY"), rows)
