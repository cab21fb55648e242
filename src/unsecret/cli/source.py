"""What a question is asked of: a snapshot in a file, or the tenant as it is now."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unsecret.cli.printing import progress
from unsecret.cli.reaching import instant_of, reach
from unsecret.config import Settings
from unsecret.errors import Invalid

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient
    from unsecret.operate.snapshots.snapshot_file import Snapshot


@contextmanager
def asked(
    settings: Settings,
    *,
    snapshot: Path | None,
    data: Path | None,
    tenant: str | None = None,
    verb: str | None = None,
    app: str | None = None,
    of_objects: bool = True,
) -> Generator[Snapshot]:
    """The snapshot in the file `snapshot`, else one of the tenant that is taken now and kept for this question only.

    `verb` is the one that asks, as for `reach`. With `app`, only that application is read. A question `of_objects` is
    not asked of a file with policies only.
    Raises what reading either raises, and Invalid when a file and a tenant are named.
    """
    from unsecret.operate.snapshots.snapshot_file import open_snapshot

    if snapshot is not None:
        _require_one(tenant, data)
        with open_snapshot(snapshot) as opened:
            if of_objects:
                opened.require_objects()
            yield opened
        return
    with tempfile.TemporaryDirectory(prefix="unsecret-") as directory:
        file = Path(directory) / "tenant.unsecret"
        with reach(settings, data, tenant, verb=verb) as client:
            _take(client, file, app)
        with open_snapshot(file) as opened:
            yield opened


@contextmanager
def reading(
    settings: Settings, *, snapshot: Path | None, data: Path | None, tenant: str | None, verb: str
) -> Generator[tuple[GraphClient, datetime]]:
    """A client that reads, and what time it is there: of the tenant as the file `snapshot` shows it, else of the tenant
    as it is now. Raises as `asked`."""
    if snapshot is None:
        with reach(settings, data, tenant, verb=verb) as client:
            yield client, instant_of(client)
        return
    from unsecret.operate.snapshots.in_graphs_place import snapshot_client

    _require_one(tenant, data)
    with snapshot_client(snapshot) as (client, manifest):
        yield client, manifest.taken_at


def _require_one(tenant: str | None, data: Path | None) -> None:
    if tenant or data:
        other = "--tenant" if tenant else "--data"
        raise Invalid(f"--snapshot names a file, {other} a tenant; one of them is asked.")


def as_of(snapshot: Snapshot) -> datetime:
    """The instant at which what is in a snapshot is judged: that at which it was taken."""
    return snapshot.manifest.taken_at


def _take(client: GraphClient, file: Path, app: str | None) -> None:
    if app is not None:
        from unsecret.operate.snapshots.take_one import take_one

        take_one(client, app, file, now=instant_of(client))
        return
    from unsecret.operate.snapshots.take import take

    take(client, file, now=instant_of(client), say=progress())
