"""Snapshots on disk: one zip file with what Graph answered, and the same in columns.

    snapshot.json              what it is of, when it was taken, and what is missing
    graph/COLLECTION.ndjson    every object as Graph showed it, one on a line
    first-page.ndjson          the riskiest applications, worked out beforehand (`operate.listing`)
    columns/TABLE.parquet      the tables of `wire.columns`, uncompressed in the zip, so that they are read as they lie

The answers are the truth, and can fill a tenant; the columns are made of them, and answer questions about a whole
tenant at once. Any zip program, and any reader of Parquet, opens both.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path, PurePosixPath
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
    LONGEST_OBJECT,
    PRINCIPAL_ACTIVITIES,
    TRUSTED_LISTS,
    Manifest,
)
from unsecret.model.snapshot_layout import LAYOUT, MANIFEST
from unsecret.operate.snapshots.trusted_certificates import trusted_lists, vouched_for
from unsecret.wire.column_sources import COMPUTED, SOURCES, TRUSTED, table_name
from unsecret.wire.columns import PREPARED, TABLES, TYPES, Table
from unsecret.wire.exports import default_policy_from_export, policy_from_export

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BROKEN = (OSError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a zip file can fail with: it may be encrypted, or packed in a way that this Python does not know."""

LARGEST_HELD = 128 * 1024 * 1024
"""Bytes of the policies of one tenant, which are held in memory; a small zip file can unpack to thousands of times its
size."""

MEMORY = "256MB"
"""What DuckDB may hold while columns are made; beyond that it works on disk."""

MOST_UNPACKED = 200
"""How many times larger answers may become when they are unpacked. Graph's become some ten times larger; a file that
was made to fill the disk, up to a thousand."""


def write_snapshot(spool: Path, manifest: Manifest, path: Path) -> None:
    """Make the snapshot `path` of the files COLLECTION.ndjson in `spool`; the file appears whole or not at all.

    Raises Unavailable when it cannot be written.
    """
    from unsecret.operate.applications.listing import add_first_page

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


def make_columns(spool: Path, columns: Path, manifest: Manifest) -> None:
    """Make the tables of the collections in `spool`, as Parquet files in the directory `columns`.

    Raises Invalid when an object has another shape than Graph gives it.
    """
    import duckdb

    known = {
        "$use_is_known": manifest.is_known(CREDENTIAL_ACTIVITIES),
        "$trust_is_known": manifest.is_known(TRUSTED_LISTS) and _write_trusted(spool, columns),
        "$sign_ins_are_known": manifest.is_known(PRINCIPAL_ACTIVITIES),
    }
    with _confined(spool, columns, memory_limit=MEMORY, temp_directory=str(columns)) as database:
        try:
            for folder, sources in ((spool, SOURCES), (columns, COMPUTED)):
                for collection, members in sources.items():
                    database.execute(_reading(folder / f"{collection}.ndjson", table_name(collection), members))
            for question in PREPARED:
                database.execute(_told(question, known))
            for table in TABLES:
                file = columns / f"{table.name}.parquet"
                database.execute(f"COPY ({table.select}) TO {_quoted(file)} (FORMAT parquet, COMPRESSION zstd)")
        except duckdb.Error as problem:
            raise Invalid(f"What was read does not have Graph's shape: {_first_line(problem)}") from problem


def _told(question: str, known: dict[str, bool]) -> str:
    for name, is_known in known.items():
        question = question.replace(name, str(is_known).lower())
    return question


def _confined(*folders: Path, **config: str) -> DuckDBPyConnection:
    """A database that opens files in `folders` and nowhere else, and neither fetches nor loads extensions: what it
    reads may be somebody else's, and a file can ask for an extension by what it says about itself.
    https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview"""
    import duckdb

    database = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            **config,
        }
    )
    database.execute(f"SET allowed_directories = [{', '.join(map(_quoted, folders))}]")
    database.execute("SET enable_external_access = false")
    return database


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


def _show(database: DuckDBPyConnection, columns: Path) -> None:
    for table in TABLES:
        file = _quoted(columns / f"{table.name}.parquet")
        database.execute(f"CREATE OR REPLACE VIEW {table.name} AS SELECT * FROM read_parquet({file})")


class Snapshot:
    """An open snapshot. Its columns are unpacked when they are asked for, into a directory of this process's own."""

    def __init__(self, path: Path, packed: zipfile.ZipFile, manifest: Manifest):
        self.path = path
        self.manifest = manifest
        self._packed = packed

    def objects(self, collection: str) -> Iterator[dict[str, Any]]:
        """The objects of a collection as Graph showed them; none when it was not read. Raises Invalid for what cannot
        be read."""
        member = f"{GRAPH}/{collection}.ndjson"
        try:
            is_held = collection in (DEFAULT_POLICY, CUSTOM_POLICIES)
            if is_held and self._packed.getinfo(member).file_size > LARGEST_HELD:
                raise Invalid(f"{member} in {self.path} unpacks to more than {LARGEST_HELD // 1024 // 1024} MiB.")
            with self._packed.open(member) as lines:
                while line := lines.readline(LONGEST_OBJECT + 1):
                    if len(line) > LONGEST_OBJECT:
                        raise Invalid(f"{member} in {self.path} holds an object that is too long.")
                    if line.strip():
                        yield msgspec.json.decode(line, type=dict[str, Any])
        except KeyError:
            return
        except (*BROKEN, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise Invalid(f"{member} in {self.path} cannot be read: {problem}.") from problem

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
        self._unpacked = tempfile.TemporaryDirectory(prefix="unsecret-")
        folder = Path(self._unpacked.name)
        database = _confined(folder, temp_directory=str(folder))
        for table in TABLES:
            file = folder / f"{table.name}.parquet"
            self._unpack(f"{COLUMNS}/{file.name}", file)
        _show(database, folder)
        are_whole = [self._is_whole(database, table) for table in TABLES]
        if not all(are_whole):
            _show(database, self._columns_anew(folder))
        return database

    def _is_whole(self, database: DuckDBPyConnection, table: Table) -> bool:
        """Whether the file holds every column that a table has today. Raises Invalid for one of another type: no
        version wrote it so, and what is in it would be taken for something else."""
        there = {name: kind for name, kind, *_ in database.execute(f"DESCRIBE {table.name}").fetchall()}
        for name in table.columns:
            if name in there and there[name] != (meant := TYPES.get(name, "VARCHAR")):
                wrong = f"{name} of {table.name} is {there[name]}, where a snapshot has {meant}"
                raise Invalid(f"The columns in {self.path} cannot be read: {wrong}.", hint=_TAKE)
        return there.keys() >= table.columns.keys()

    def _columns_anew(self, folder: Path) -> Path:
        """The columns made of what Graph answered, for a file that was written before some column came to be."""
        columns = folder / "anew"
        columns.mkdir()
        with tempfile.TemporaryDirectory(dir=folder) as spool:
            for member, inside in self._answers().items():
                self._copy(member, Path(spool) / inside.name)
            make_columns(Path(spool), columns, self.manifest)
        return columns

    def _answers(self) -> dict[str, PurePosixPath]:
        """The files of answers. Raises Invalid when they unpack to more than any tenant's would, each by itself or all
        together: many may lie in the same bytes."""
        places = {member: PurePosixPath(member) for member in self._packed.namelist()}
        found = {
            member: inside
            for member, inside in places.items()
            if inside.parent == PurePosixPath(GRAPH) and inside.suffix == ".ndjson"
        }
        packed = [self._packed.getinfo(one) for one in found]
        unpacked, size = sum(one.file_size for one in packed), self.path.stat().st_size
        if unpacked > size * MOST_UNPACKED or any(one.file_size > one.compress_size * MOST_UNPACKED for one in packed):
            raise Invalid(
                f"Answers in {self.path} unpack to more than {MOST_UNPACKED} times their size, and could fill the disk."
            )
        return found

    def _unpack(self, member: str, file: Path) -> None:
        try:
            if self._packed.getinfo(member).compress_type != zipfile.ZIP_STORED:  # a small one could fill the disk
                raise Invalid(f"{member} in {self.path} is compressed; a snapshot holds its columns as they are.")
            self._copy(member, file)
        except KeyError as problem:
            raise Invalid(f"{member} in {self.path} cannot be read: {problem}.") from problem

    def _copy(self, member: str, file: Path) -> None:
        try:
            with self._packed.open(member) as packed, file.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked, 1024 * 1024)
        except BROKEN as problem:
            raise Invalid(f"{member} in {self.path} cannot be read: {problem}.") from problem

    def _is_of_database(self, problem: Exception) -> bool:
        if not hasattr(self, "_unpacked"):
            return False
        import duckdb

        return isinstance(problem, duckdb.Error)

    def close(self) -> None:
        """Let go of the file and of what was unpacked."""
        if database := self.__dict__.pop("database", None):
            database.close()
        if hasattr(self, "_unpacked"):
            self._unpacked.cleanup()
        self._packed.close()


@contextmanager
def open_snapshot(path: Path) -> Generator[Snapshot]:
    """The snapshot in the file `path`. Raises NotFound, or Invalid when it is no snapshot or of another layout, and
    when its columns are not what it says."""
    packed = _packed(path)
    snapshot = Snapshot(path, packed, _manifest(packed, path))
    try:
        yield snapshot
    except Exception as problem:
        if snapshot._is_of_database(problem):
            raise Invalid(f"The columns in {path} cannot be read: {_first_line(problem)}") from problem
        raise
    finally:
        snapshot.close()


def require_place(path: Path) -> None:
    """Raises Invalid where a snapshot at `path` would take the place of something else."""
    if path.is_dir():
        raise Invalid(f"{path} is a directory; a snapshot is one file.", hint=_TAKE)
    if path.is_file() and path.stat().st_size and not _is_packed_here(path):
        raise Invalid(f"{path} is no snapshot, and is not written over.", hint="Name another file.")


def _is_packed_here(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as packed:
            return MANIFEST in packed.namelist()
    except BROKEN:
        return False


def _packed(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise NotFound(f"There is no snapshot {path}.", hint=f"Take one: unsecret snapshot {path}") from None
    except IsADirectoryError:
        raise Invalid(f"{path} is a directory; a snapshot is one file.", hint=_MADE_OF.format(path)) from None
    except OSError as problem:
        raise Invalid(f"{path} cannot be read: {problem.strerror or problem}.") from problem
    except zipfile.BadZipFile as problem:
        raise _no_zip(path) from problem


def _no_zip(path: Path) -> Invalid:
    with path.open("rb") as file:
        begin = file.read(64).lstrip()
    if not begin:
        return Invalid(f"{path} is empty.", hint=_TAKE)
    if begin.startswith(b"PK"):
        return Invalid(f"{path} is cut off: its end is missing.", hint="Copy it again, or take another snapshot.")
    if begin[:1] in (b"{", b"["):
        return Invalid(f"{path} is JSON, and no snapshot yet.", hint=_MADE_OF.format(path))
    return _no_snapshot(path)


def _manifest(packed: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        with packed.open(MANIFEST) as opened:
            content = opened.read(LONGEST_OBJECT)
        laid_out = msgspec.json.decode(content, type=_LaidOut)
        if laid_out.layout == LAYOUT:
            return msgspec.json.decode(content, type=Manifest)
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, *BROKEN) as problem:
        packed.close()
        raise _no_snapshot(path) from problem
    packed.close()
    raise Invalid(
        f"{path} is laid out as '{laid_out.layout}'; this software reads '{LAYOUT}'.",
        hint=f"It was made by unsecret {laid_out.software}: use that version, or a newer one.",
    )


class _LaidOut(msgspec.Struct):
    """What the manifest of any version says."""

    layout: str
    software: str = "of another version"


_TAKE = "Take one: unsecret snapshot FILE"
_MADE_OF = "Make a snapshot of files with Graph's JSON: unsecret snapshot FILE --from {}"


def _no_snapshot(path: Path) -> Invalid:
    return Invalid(f"{path} is no snapshot.", hint=_TAKE)
