"""Snapshots of made-up tenants: Graph's JSON in, a snapshot file out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from unsecret.model.snapshot import COLLECTIONS, MEMBERS, Collected, Manifest
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.operate.snapshots.writing import write_snapshot

TAKEN_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
TENANT = "3f5c1a52-8f0c-4e0a-9d7e-5b1f0c2d4e6f"


def snapshot_of(
    path: Path,
    collections: Mapping[str, Sequence[Any]],
    *,
    taken_at: datetime = TAKEN_AT,
    missing: Mapping[str, str] | None = None,
    tenant_id: str = TENANT,
) -> Path:
    """Write a snapshot of the tenant that holds `collections`; `missing` names what could not be read, and why."""
    missing = missing or {}
    known = {
        name: Collected(count=len(collections.get(name, ())), missing=missing.get(name))
        for name in (*COLLECTIONS, *MEMBERS)
    }
    manifest = Manifest(
        software="0", taken_at=taken_at, tenant_id=tenant_id, source="https://graph.example", collections=known
    )
    with tempfile.TemporaryDirectory() as spool:
        for name, objects in collections.items():
            lines = b"".join(msgspec.json.encode(one) + b"\n" for one in objects)
            (Path(spool) / f"{name}.ndjson").write_bytes(lines)
        write_snapshot(Path(spool), manifest, path)
    return path


def rows(path: Path, question: str) -> list[Any]:
    """What the columns of the snapshot answer to a question."""
    with open_snapshot(path) as snapshot:
        return snapshot.database.execute(question).fetchall()
