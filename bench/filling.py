"""A directory with many applications, put there at once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.tenant import tenant
from unsecret.model.application import Application
from unsecret.model.identifiers import AppId, ObjectId, TenantId
from unsecret.store import directory_objects
from unsecret.store.engine import Store

if TYPE_CHECKING:
    from sqlalchemy import Connection

A_COMMIT = 5_000


def fill(folder: Path, count: int) -> None:
    """Make a tenant in `folder` whose applications are numbered from 0."""
    folder.mkdir(exist_ok=True)
    with tenant(folder, "--empty") as made:
        owner = TenantId(made.running.tenant_id)
    store = Store.open(folder / "data" / "directory.sqlite")
    try:
        for first in range(0, count, A_COMMIT):
            numbers = range(first, min(first + A_COMMIT, count))
            store.write(lambda conn, numbers=numbers: _add(conn, owner, numbers)).result()
    finally:
        store.close()


def _add(conn: Connection, owner: TenantId, numbers: range) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for number in numbers:
        key, app = ObjectId(object_id(number)), AppId(app_id(number))
        directory_objects.add(conn, owner, Application(id=key, app_id=app, display_name=name(number), created_at=at))


def name(number: int) -> str:
    """Names whose beginnings are spread over the alphabet, as those of an organisation are."""
    return f"{number * 2_654_435_761 % 2**32:08x} service {number}"


def object_id(number: int) -> str:
    """Of the application with this number."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"object {number}"))


def app_id(number: int) -> str:
    """Of the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"app {number}"))
