"""Snapshots on disk: one zip file with what Graph answered, and the same in columns.

    snapshot.json              what it is of, when it was taken, and what is missing
    graph/COLLECTION.ndjson    every object as Graph showed it, one on a line
    first-page.ndjson          the riskiest applications, worked out beforehand (`operate.listing`)
    columns/TABLE.parquet      the tables of `wire.columns`, uncompressed in the zip, so that they are read as they lie

The answers are the truth, and can fill a tenant; the columns are made of them, and answer questions about a whole
tenant at once. Any zip program, and any reader of Parquet, opens both.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from unsecret.errors import Invalid, NotFound, Unavailable
from unsecret.model.policy import AppManagementPolicy, TenantDefault
from unsecret.model.snapshot import (
    COLUMNS,
    CREDENTIAL_ACTIVITIES,
    CUSTOM_POLICIES,
    DEFAULT_POLICY,
    GRAPH,
    LAYOUT,
    LONGEST_OBJECT,
    MANIFEST,
    TRUSTED_LISTS,
    Manifest,
)
from unsecret.operate.trusted_certificates import trusted_lists, vouched_for
from unsecret.wire.columns import COMPUTED, EVERYTHING, SOURCES, TABLES, TRUSTED, table_name
from unsecret.wire.exports import default_policy_from_export, policy_from_export

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "256MB"
"""What DuckDB may hold while columns are made; beyond that it works on disk."""


def write_snapshot(spool: Path, manifest: Manifest, path: Path) -> None:
    """Make the snapshot `path` of the files COLLECTION.ndjson in `spool`; the file appears whole or not at all.

    Raises Unavailable when it cannot be written.
    """
    from unsecret.operate.listing import add_first_page

    unfinished = path.with_name(f".{path.name}.new")
    try:
        unfinished.touch(mode=0o600)
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
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def make_columns(spool: Path, columns: Path, manifest: Manifest) -> None:
    """Make the tables of the collections in `spool`, as Parquet files in the directory `columns`.

    Raises Invalid when an object has another shape than Graph gives it.
    """
    import duckdb

    known = {
        "$use_is_known": manifest.is_known(CREDENTIAL_ACTIVITIES),
        "$trust_is_known": manifest.is_known(TRUSTED_LISTS) and _write_trusted(spool, columns),
    }
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(columns)}) as database:
        try:
            for folder, sources in ((spool, SOURCES), (columns, COMPUTED)):
                for collection, members in sources.items():
                    database.execute(_reading(folder / f"{collection}.ndjson", table_name(collection), members))
            database.execute(EVERYTHING)
            for table in TABLES:
                select = table.select
                for name, is_known in known.items():
                    select = select.replace(name, str(is_known).lower())
                file = columns / f"{table.name}.parquet"
                database.execute(f"COPY ({select}) TO {_quoted(file)} (FORMAT parquet, COMPRESSION zstd)")
        except duckdb.Error as problem:
            raise Invalid(f"What was read does not have Graph's shape: {_first_line(problem)}") from problem


def _write_trusted(spool: Path, columns: Path) -> bool:
    """Write who vouches for which certificate; False when the authorities cannot be read."""
    try:
        lists = trusted_lists(spool)
    except Invalid:
        return False
    with (columns / f"{TRUSTED}.ndjson").open("wb") as opened:
        for line in vouched_for(spool, lists):
            opened.write(msgspec.json.encode(line) + b"\n")
    return True


def _reading(file: Path, name: str, members: dict[str, str]) -> str:
    listed = ", ".join(f"'{member}': '{kind}'" for member, kind in members.items())
    if not file.exists() or not file.stat().st_size:
        columns = ", ".join(f'CAST(NULL AS {kind}) AS "{member}"' for member, kind in members.items())
        return f"CREATE TEMP VIEW {name} AS SELECT {columns} WHERE false"
    return (
        f"CREATE TEMP VIEW {name} AS SELECT * FROM read_json({_quoted(file)}, format = 'newline_delimited', "
        f"columns = {{{listed}}}, maximum_object_size = {LONGEST_OBJECT})"
    )


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _first_line(problem: Exception) -> str:
    return next(iter(str(problem).splitlines()), "")


class Snapshot:
    """An open snapshot. Its columns are unpacked when they are asked for, into a directory of this process's own."""

    def __init__(self, path: Path, packed: zipfile.ZipFile, manifest: Manifest):
        self.path = path
        self.manifest = manifest
        self._packed = packed

    def objects(self, collection: str) -> Iterator[dict[str, Any]]:
        """The objects of a collection as Graph showed them; none when it was not read."""
        try:
            lines = self._packed.open(f"{GRAPH}/{collection}.ndjson")
        except KeyError:
            return
        with lines:
            for line in lines:
                if line.strip():
                    yield msgspec.json.decode(line)

    @property
    def default_policy(self) -> TenantDefault:
        """The tenant's default policy; Graph's unconfigured one when it was not read (`manifest` tells)."""
        return next((default_policy_from_export(one) for one in self.objects(DEFAULT_POLICY)), TenantDefault())

    @property
    def custom_policies(self) -> tuple[AppManagementPolicy, ...]:
        """The custom policies."""
        return tuple(policy_from_export(one) for one in self.objects(CUSTOM_POLICIES))

    @cached_property
    def database(self) -> DuckDBPyConnection:
        """A DuckDB connection with every table of `wire.columns` as a view. Instants are UTC."""
        import duckdb

        self._unpacked = tempfile.TemporaryDirectory(prefix="unsecret-")
        database = duckdb.connect()
        for table in TABLES:
            file = Path(self._unpacked.name) / f"{table.name}.parquet"
            with self._packed.open(f"{COLUMNS}/{file.name}") as packed, file.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked, 1024 * 1024)
            database.execute(f"CREATE VIEW {table.name} AS SELECT * FROM read_parquet({_quoted(file)})")
        return database

    def close(self) -> None:
        """Let go of the file and of what was unpacked."""
        if database := self.__dict__.pop("database", None):
            database.close()
            self._unpacked.cleanup()
        self._packed.close()


@contextmanager
def open_snapshot(path: Path) -> Generator[Snapshot]:
    """The snapshot in the file `path`. Raises NotFound, or Invalid when it is no snapshot or of another layout."""
    try:
        packed = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise NotFound(f"There is no snapshot {path}.", hint=f"Take one: unsecret snapshot {path}") from None
    except (OSError, zipfile.BadZipFile) as problem:
        raise _no_snapshot(path) from problem
    snapshot = Snapshot(path, packed, _manifest(packed, path))
    try:
        yield snapshot
    finally:
        snapshot.close()


def _manifest(packed: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(packed.read(MANIFEST), type=Manifest)
    except (KeyError, msgspec.DecodeError, zipfile.BadZipFile) as problem:
        packed.close()
        raise _no_snapshot(path) from problem
    if manifest.layout != LAYOUT:
        packed.close()
        raise Invalid(f"{path} is laid out as '{manifest.layout}'; this software reads '{LAYOUT}'.")
    return manifest


def _no_snapshot(path: Path) -> Invalid:
    return Invalid(f"{path} is no snapshot.", hint="Take one: unsecret snapshot FILE")
