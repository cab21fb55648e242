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
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from unsecret.errors import Invalid, NotFound
from unsecret.model.policy import AppManagementPolicy, TenantDefault
from unsecret.model.snapshot import (
    APPLICATIONS,
    COLUMNS,
    CUSTOM_POLICIES,
    DEFAULT_POLICY,
    GRAPH,
    LONGEST_OBJECT,
    SERVICE_PRINCIPALS,
    Collected,
    Manifest,
)
from unsecret.model.snapshot_layout import LAYOUT, MANIFEST
from unsecret.operate.snapshots.column_files import confined, first_line, make_columns, show
from unsecret.wire.columns import TABLES, TYPES, Table
from unsecret.wire.exports import default_policy_from_export, policy_from_export

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BROKEN = (OSError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a zip file can fail with: it may be encrypted, or packed in a way that this Python does not know."""

LARGEST_HELD = 128 * 1024 * 1024
"""Bytes of the policies of one tenant, which are held in memory; a small zip file can unpack to thousands of times its
size."""

MOST_UNPACKED = 200
"""How many times larger answers may become when they are unpacked. Graph's become some ten times larger; a file that
was made to fill the disk, up to a thousand."""


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

    def require_objects(self) -> None:
        """Raises Invalid where neither applications nor service principals were read: of none, nothing can be said."""
        kinds = (APPLICATIONS, SERVICE_PRINCIPALS)
        read = [self.manifest.collections.get(name, Collected(missing="it was not read")) for name in kinds]
        if all(one.missing and not one.count for one in read):
            raise Invalid(
                f"{self.path} does not say what applications there are: {read[0].missing}.",
                hint="`unsecret status` and `unsecret check` tell what is in it.",
            )

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
        database = confined(folder, temp_directory=str(folder))
        for table in TABLES:
            file = folder / f"{table.name}.parquet"
            self._unpack(f"{COLUMNS}/{file.name}", file)
        show(database, folder)
        are_whole = [self._is_whole(database, table) for table in TABLES]
        if not all(are_whole):
            show(database, self._columns_anew(folder))
        return database

    def _is_whole(self, database: DuckDBPyConnection, table: Table) -> bool:
        """Whether the file holds every column that a table has today. Raises Invalid for one of another type: no
        version wrote it so, and what is in it would be taken for something else."""
        there = {name: kind for name, kind, *_ in database.execute(f"DESCRIBE {table.name}").fetchall()}
        for name in table.columns:
            if name in there and there[name] != (meant := TYPES.get(name, "VARCHAR")):
                wrong = f"{name} of {table.name} is {there[name]}, where a snapshot has {meant}"
                raise Invalid(f"The columns in {self.path} cannot be read: {wrong}.", hint=TAKE)
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
            raise Invalid(f"The columns in {path} cannot be read: {first_line(problem)}") from problem
        raise
    finally:
        snapshot.close()


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
        return Invalid(f"{path} is empty.", hint=TAKE)
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


TAKE = "Take one: unsecret snapshot FILE"
_MADE_OF = "Make a snapshot of files with Graph's JSON: unsecret snapshot FILE --from {}"


def _no_snapshot(path: Path) -> Invalid:
    return Invalid(f"{path} is no snapshot.", hint=TAKE)
