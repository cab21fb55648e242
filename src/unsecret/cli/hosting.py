"""Tenants in a data directory: making them, finding them again, and writing down how to reach each.

The oldest tenant's administrator certificate lies in the data directory itself, that of every other tenant in
`tenants/<id>/`. While the server runs, `tenants/<id>/connection.json` is there for each of them, the oldest
included.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from unsecret.errors import Conflict, Invalid, NotFound
from unsecret.model.connection import (
    CONNECTION_FILE,
    STARTED_FILE,
    TENANTS_FOLDER,
    ConnectionFile,
    StartedFile,
)
from unsecret.operate.graph.connection import may_not_be_read
from unsecret.private_files import private_directory, write_private
from unsecret.store import tenants
from unsecret.store.engine import Connection, Store, require_postgresql, without_password
from unsecret.tenant.administrator_permissions import give_missing_permissions
from unsecret.tenant.bootstrap import (
    LONGEST_LABEL,
    NewTenant,
    create_tenant,
    initial_domain,
    register_administrator_certificate,
)
from unsecret.tenant.clock import clock_url
from unsecret.tenant.export_files import Export, read_export
from unsecret.tenant.loading import Loaded, load, origin_of
from unsecret.tenant.movable_clocks import ANY_TIME
from unsecret.tenant.pki import ADMINISTRATOR_FILE, administrator_certificate
from unsecret.tenant.sample import SAMPLE_DOMAIN, SAMPLE_NAME, add_sample
from unsecret.tenant.sample_people import PEOPLE_FILE, add_people, digests_of, new_people, people_file
from unsecret.tenant.use_cases.clock import require_forwards

if TYPE_CHECKING:
    from unsecret.model.application import Tenant
    from unsecret.model.identifiers import AppId, TenantId

STORE_FILE = "directory.sqlite"
PASSPHRASE_FILE = "signing-keys.passphrase"
EMPTY_NAME, EMPTY_DOMAIN = "Local tenant", "local"


class Filling(Struct, frozen=True, kw_only=True):
    """What a new tenant begins with: nothing, the sample organisation, or what was exported of another. `loaded` is
    told what has come of an export."""

    sample: bool = False
    export: Export | None = None
    loaded: Callable[[Loaded], None] = lambda _: None


class Hosted(Struct, frozen=True):
    """A tenant of this server, the folder of its certificate, and its administrator's application, which is
    None when somebody deleted it. `given` are permissions that an older version did not make it with."""

    tenant: Tenant
    folder: Path
    client_id: AppId | None
    given: tuple[str, ...] = ()

    @property
    def certificate(self) -> Path:
        """Certificate and key of the administrator."""
        return self.folder / ADMINISTRATOR_FILE

    @property
    def people(self) -> Path | None:
        """The people of the sample with their passwords, where there are any."""
        file = self.folder / PEOPLE_FILE
        return file if file.exists() else None


def open_store(data: Path, database: str | None = None) -> Store:
    """The directory in `data`, or in `database` where one is named; made when it is not there."""
    private_directory(data)
    return Store.open(database or data / STORE_FILE)


def open_existing_store(data: Path, database: str | None = None) -> Store:
    """As `open_store`. Raises NotFound when no server was ever started there, Invalid when it is not ours."""
    if database is not None:
        require_postgresql(database)
        return Store.open(database)
    try:
        is_there = (data / STORE_FILE).exists()
    except PermissionError:
        raise may_not_be_read(data) from None
    if not is_there:
        raise NotFound(
            f"There is no local tenant in {data}.",
            code="NoTenant",
            hint=f"Start one: unsecret up --data {data}; if its directory is in PostgreSQL, say where: --database URL",
        )
    return Store.open(data / STORE_FILE)


def key_passphrase(data: Path, database: str | None, given: str | None) -> str | None:
    """What private keys are encrypted with in the directory: what was `given`; else, for a file, a word of its own
    that lies beside it, so that a copy of the file alone signs nothing. Servers that share a database share no
    file, and without a word of theirs keys are kept as they are."""
    if given is not None or database is not None:
        return given
    file = private_directory(data) / PASSPHRASE_FILE
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32).encode())
    return file.read_text("ascii").strip()


def wanted_filling(*, empty: bool, sample: bool, source: Path | None, loaded: Callable[[Loaded], None]) -> Filling:
    """What a new tenant is filled with: the sample, unless another wish is told. Raises Invalid when there are
    several wishes, or when the export in `source` cannot be read."""
    if empty and sample:
        raise Invalid("--empty and --sample exclude each other.")
    if source is None:
        return Filling(sample=not empty)
    if empty or sample:
        raise Invalid("--from says what the tenant begins with; --empty and --sample would say something else.")
    return Filling(export=read_export(source), loaded=loaded)


def first_tenant(store: Store, data: Path, *, filling: Filling, now: datetime, clock: datetime | None) -> bool:
    """Make the first tenant if there is none. Gives whether it was made now. `clock` is what its clock says then,
    None when it is the machine's and cannot be moved."""
    with store.read() as conn:
        if tenants.list_tenants(conn):
            _require_nothing_to_load(data, filling)
            return False
    name, domain = (SAMPLE_NAME, SAMPLE_DOMAIN) if filling.sample else (EMPTY_NAME, EMPTY_DOMAIN)
    try:
        _make(store, data, name=name, domain=domain, filling=filling, now=now, clock=clock)
    except Conflict:  # another machine was first, and has the domain
        _require_nothing_to_load(data, filling)
        return False
    return True


def _require_nothing_to_load(data: Path, filling: Filling) -> None:
    """What is loaded is not mixed with what is there."""
    if filling.export is not None:
        raise Conflict(
            f"There is a tenant in {data} already, and --from makes a new one. Choose an empty directory with --data.",
            code="TenantIsThere",
            hint="To put it beside the others: unsecret tenant add --from",
        )


def add_tenant(
    store: Store,
    data: Path,
    *,
    name: str | None,
    domain: str | None,
    filling: Filling,
    now: datetime,
    clock: datetime | None,
) -> Hosted:
    """Make one more tenant, with its own administrator and certificate. Raises Conflict when the domain is taken.
    `clock` as in `first_tenant`.

    The certificate is made first, in a folder that gets the tenant's id once that is known. Should the move
    not happen, the next start makes and registers another one.
    """
    unnamed = data / TENANTS_FOLDER / f".new-{secrets.token_hex(4)}"
    name, domain = _names(store, name, domain, filling)
    private_directory(data / TENANTS_FOLDER)
    try:
        new = _make(store, unnamed, name=name, domain=domain, filling=filling, now=now, clock=clock)
        folder = unnamed.rename(data / TENANTS_FOLDER / new.tenant.id)
    finally:
        _take_away(unnamed)
    return Hosted(new.tenant, folder, new.client_id)


def set_clocks(store: Store, clock: datetime, *, now: datetime) -> None:
    """Set every tenant's clock. Raises Conflict when one would go back; then none was set."""

    def set_all(conn: Connection) -> None:
        for one in tenants.list_tenants(conn):
            require_forwards(now + tenants.clock_offset(conn, one.id), clock)
            tenants.set_clock_offset(conn, one.id, clock - now)

    store.write(set_all).result()


def clocks_were_moved(store: Store) -> bool:
    """Whether some tenant has a time of its own, which then goes on."""
    with store.read() as conn:
        return tenants.any_clock_moved(conn)


def hosted_tenants(store: Store, data: Path, *, now: datetime, movable: bool) -> tuple[Hosted, ...]:
    """Every tenant, oldest first, each with a certificate that signs its administrator in; at any time where
    clocks are `movable`."""
    with store.read() as conn:
        known = tenants.list_tenants(conn)
    return tuple(_with_certificate(store, one, folder_of(data, one, known), now, movable) for one in known)


def folder_of(data: Path, tenant: Tenant, known: tuple[Tenant, ...]) -> Path:
    """Where a tenant's certificate lies; `known` is all tenants, oldest first."""
    return data if tenant.id == known[0].id else data / TENANTS_FOLDER / tenant.id


def connection_file(data: Path, tenant_id: TenantId) -> Path:
    """Where it is written down how to reach a tenant of a running server."""
    return data / TENANTS_FOLDER / tenant_id / CONNECTION_FILE


def write_connection(
    data: Path, hosted: Hosted, *, origin: str, ca: Path, pid: int | None, proxy: str | None, movable: bool
) -> None:
    """Write down how to reach one tenant of the server that process `pid` runs, or is about to, at `origin`, the
    `proxy` that leads there, and where its clock is when that is `movable`."""
    if hosted.client_id is None:
        return
    own = ConnectionFile(
        tenant_id=hosted.tenant.id,
        authority=origin,
        graph=origin,
        ca=str(ca.absolute()),
        client_id=hosted.client_id,
        certificate=str(hosted.certificate.absolute()),
        pid=pid,
        proxy=proxy,
        clock=clock_url(origin, hosted.tenant.id) if movable else None,
    )
    file = connection_file(data, hosted.tenant.id)
    private_directory(data / TENANTS_FOLDER)
    private_directory(file.parent)
    write_private(file, msgspec.json.format(msgspec.json.encode(own)) + b"\n")


def remember_how_started(data: Path, database: str | None) -> None:
    """Write down what whoever starts the server again has to say, and no password."""
    written = StartedFile(database=without_password(database) if database else None)
    write_private(data / STARTED_FILE, msgspec.json.encode(written) + b"\n")


def forget_connections(data: Path) -> None:
    """The server has stopped: nobody is to be sent to where it was."""
    for file in (data / TENANTS_FOLDER).glob(f"*/{CONNECTION_FILE}"):
        file.unlink(missing_ok=True)


def _make(
    store: Store, folder: Path, *, name: str, domain: str, filling: Filling, now: datetime, clock: datetime | None
) -> NewTenant:
    if filling.export is not None:
        return _load(store, folder, filling.export, filling.loaded, name=name, domain=domain, now=now, clock=clock)
    certificate = administrator_certificate(folder, now=now, good_at=ANY_TIME if clock else None)
    begins = clock or now
    people = new_people(initial_domain(domain)) if filling.sample else ()
    digests = digests_of(people)
    if people:
        write_private(folder / PEOPLE_FILE, people_file(people))

    def make(conn: Connection) -> NewTenant:
        new = create_tenant(conn, display_name=name, domain=domain, administrator_certificate=certificate, now=begins)
        tenants.set_clock_offset(conn, new.tenant.id, begins - now)
        if filling.sample:
            known = add_people(conn, new.tenant.id, people, digests, begins)
            add_sample(conn, new.tenant.id, begins, known)
        return new

    return store.write(make).result()


def _load(
    store: Store,
    folder: Path,
    export: Export,
    tell: Callable[[Loaded], None],
    *,
    name: str,
    domain: str,
    now: datetime,
    clock: datetime | None,
) -> NewTenant:
    """A tenant made after another. `name` and `domain` are for an export that does not tell its own."""
    tenant, origin = origin_of(export)
    certificate = administrator_certificate(folder, now=now, good_at=ANY_TIME if clock else None)
    names = (domain,) if tenant is None else tenant.verified_domains

    def make(conn: Connection) -> tuple[NewTenant, Loaded]:
        new = create_tenant(
            conn,
            display_name=name if tenant is None else tenant.display_name,
            domain=names[0],
            verified_domains=names[1:],
            administrator_certificate=certificate,
            now=clock or now,
            origin=origin,
        )
        tenants.set_clock_offset(conn, new.tenant.id, (clock or now) - now)
        return new, load(conn, new.tenant.id, export)

    new, loaded = store.write(make).result()
    tell(loaded)
    return new


def _names(store: Store, name: str | None, domain: str | None, filling: Filling) -> tuple[str, str]:
    """Name and domain of an added tenant: a domain that is not given is made of the name, and a number is the
    name of one that has none."""
    if filling.export is not None and (name or domain):
        raise Invalid("--name and --domain say what --from says: a tenant that is loaded keeps its own.")
    with store.read() as conn:
        number = len(tenants.list_tenants(conn)) + 1
    name = f"Tenant {number}" if name is None else name
    letters = "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum())
    return name, letters[:LONGEST_LABEL] or f"tenant{number}" if domain is None else domain


def _with_certificate(store: Store, tenant: Tenant, folder: Path, now: datetime, movable: bool) -> Hosted:
    certificate = administrator_certificate(folder, now=now, good_at=ANY_TIME if movable else None)

    def make_sure(conn: Connection) -> tuple[AppId | None, tuple[str, ...]]:
        client_id = register_administrator_certificate(conn, tenant.id, certificate)
        at = now + tenants.clock_offset(conn, tenant.id)
        return client_id, give_missing_permissions(conn, tenant.id, now=at)

    client_id, given = store.write(make_sure, tenant.id).result()
    return Hosted(tenant, folder, client_id, given)


def _take_away(folder: Path) -> None:
    """Remove a folder that did not get its name, with the certificate and the passwords that are for nobody."""
    if folder.exists():
        for name in (ADMINISTRATOR_FILE, PEOPLE_FILE):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
