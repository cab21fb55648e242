"""Writing a snapshot: the answers and their columns into one file, which appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec

from unsecret.errors import Invalid, Unavailable
from unsecret.model.snapshot import COLUMNS, GRAPH, Manifest
from unsecret.model.snapshot_layout import MANIFEST
from unsecret.operate.applications.listing import add_first_page
from unsecret.operate.snapshots.column_files import make_columns
from unsecret.operate.snapshots.snapshot_file import BROKEN, TAKE


def require_place(path: Path) -> None:
    """Raises Invalid where a snapshot at `path` would take the place of something else."""
    if path.is_dir():
        raise Invalid(f"{path} is a directory; a snapshot is one file.", hint=TAKE)
    if path.is_file() and path.stat().st_size and not _is_packed_here(path):
        raise Invalid(f"{path} is no snapshot, and is not written over.", hint="Name another file.")


def _is_packed_here(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as packed:
            return MANIFEST in packed.namelist()
    except BROKEN:
        return False


def write_snapshot(spool: Path, manifest: Manifest, path: Path) -> None:
    """Make the snapshot `path` of the files COLLECTION.ndjson in `spool`; the file appears whole or not at all.

    Raises Unavailable when it cannot be written.
    """
    unfinished = None
    try:
        unfinished = _new_beside(path)
        with (
            tempfile.TemporaryDirectory(dir=spool) as columns,
            zipfile.ZipFile(unfinished, "w", compresslevel=1) as packed,
            ThreadPoolExecutor(1) as pool,
        ):
            made = pool.submit(make_columns, spool, Path(columns), manifest)  # while the answers are packed
            packed.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
            for file in sorted(spool.glob("*.ndjson")):
                packed.write(file, f"{GRAPH}/{file.name}", zipfile.ZIP_DEFLATED)
            made.result()
            for file in sorted(Path(columns).glob("*.parquet")):
                packed.write(file, f"{COLUMNS}/{file.name}", zipfile.ZIP_STORED)
        add_first_page(unfinished)
        unfinished.replace(path)
    except OSError as problem:
        raise Unavailable(f"The snapshot {path} could not be written: {problem.strerror}.") from problem
    finally:
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)


def _new_beside(path: Path) -> Path:
    """A new, empty file for this user only. Its name cannot be foreseen: whoever may write into the directory, too,
    could have put a link to another file there."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    os.close(descriptor)
    return Path(name)
