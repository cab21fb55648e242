"""Which tenant a command speaks to, and the client for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unsecret.cli.options import now
from unsecret.cli.printing import say
from unsecret.config import Settings
from unsecret.errors import Invalid, NotFound, UnsecretError
from unsecret.model.snapshot import NOBODY, Manifest
from unsecret.operate.graph.connection import Connection, Remote, last_started, read_connection
from unsecret.operate.graph.named_tenants import AZURE, CLOUDS, LOCAL, NamedTenant
from unsecret.operate.graph.permissions import VERBS, least
from unsecret.tenant_settings import is_tenant_id, require_complete, unnamed_tenant

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient


def chosen(settings: Settings, data: Path | None) -> Connection:
    """The local tenant in `data`, else the one in the settings, else the one started last. Raises NotFound."""
    directory = data or settings.data or last_started(settings.state)
    if directory is None:
        raise NotFound(
            "No local tenant was started yet.",
            code="NoTenant",
            hint="Start one: unsecret up  (or name one with --data, or a real one with --tenant)",
        )
    return read_connection(directory.absolute())


def named(settings: Settings, data: Path | None, tenant: str | None) -> NamedTenant | None:
    """The tenant that is not local, when one is meant: by the option, else by the settings unless `data` was given.

    Raises NotFound for a name that nobody gave, Invalid for one that cannot be signed in to as it stands.
    """
    if tenant and data:
        raise Invalid("--tenant and --data exclude each other: --data names a local tenant.")
    name = tenant or (None if data else settings.tenant)
    if name is None or name == LOCAL:
        return None
    if name in settings.tenants:
        found = settings.tenants[name]
    elif name == AZURE or is_tenant_id(name):
        found = unnamed_tenant(name, settings.home, settings.azure)
    else:
        known = ", ".join(sorted(settings.tenants)) or "none yet"
        raise NotFound(
            f"There is no tenant '{name}' in the settings. There are: {known}.",
            code="NoTenant",
            hint=f'Name it in the settings file: [tenants.{name}] with tenant_id = "…"; '
            "see docs/guides/real-tenants.md.",
        )
    return require_complete(found, settings.azure)


def options_for(settings: Settings, manifest: Manifest, domains: Iterable[str]) -> tuple[str, ...] | None:
    """The options with which a command speaks to the tenant that a snapshot is of; None when nobody here knows how.

    A local tenant may be a copy, with the id of the one that it was made of: where the snapshot was taken decides.
    """
    ids = {manifest.tenant_id.lower(), *(one.lower() for one in domains)}
    is_of_files = not manifest.source.startswith("https://")
    is_real = manifest.source in {cloud.graph for cloud in CLOUDS.values()}
    names = [
        name
        for name, one in settings.tenants.items()
        if one.tenant_id.lower() in ids and (is_of_files or one.graph == manifest.source)
    ]
    if names:
        return ("--tenant", settings.tenant if settings.tenant in names else names[0])
    if not is_real and _local_tenant_id(settings) in ids:
        return ("--tenant", LOCAL) if settings.tenant else ()
    if manifest.tenant_id == NOBODY or not (is_real or is_of_files):
        return None
    unnamed = unnamed_tenant(manifest.tenant_id, settings.home, settings.azure)
    return ("--tenant", manifest.tenant_id) if is_of_files or unnamed.graph == manifest.source else None


def _local_tenant_id(settings: Settings) -> str | None:
    try:
        return chosen(settings, None).tenant_id.lower()
    except UnsecretError:
        return None


def reach(settings: Settings, data: Path | None, tenant: str | None = None, *, verb: str | None = None) -> GraphClient:
    """A client for the chosen tenant. No call is made yet. `verb` is the one that calls, as in `permissions.VERBS`."""
    from unsecret.operate.graph.client import GraphClient

    needs = VERBS.get(verb) if verb else None
    real = named(settings, data, tenant)
    if real is None:
        connection, tokens = chosen(settings, data), None
    else:
        from unsecret.operate.graph.azure_sign_in import AzureTokens

        asked = least(needs, is_person=True) if needs else ()
        tokens = AzureTokens(real, settings.azure, permissions=asked, say=say)
        connection = Remote(
            name=real.name,
            tenant_id=real.tenant_id,
            authority=real.authority,
            graph=real.graph,
            cloud=real.cloud,
            ca=real.ca,
            proxy=settings.proxy,
        )
    return GraphClient(
        connection, tokens=tokens, needs=needs, timeout=settings.timeout, max_wait=settings.max_wait, say=say
    )


def instant_of(client: GraphClient) -> datetime:
    """What time it is in the tenant: a local one may have a clock of its own."""
    from unsecret.operate.clock import read_clock

    return read_clock(client) if client.connection.clock else now()


def today(client: GraphClient) -> date:
    """The day that it is in the tenant, in UTC."""
    return instant_of(client).date()
