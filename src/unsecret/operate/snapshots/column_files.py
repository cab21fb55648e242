"""The columns of a snapshot: Parquet files that DuckDB makes of what Graph answered, and shows as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from unsecret.errors import Invalid
from unsecret.model.snapshot import (
    CREDENTIAL_ACTIVITIES,
    LONGEST_OBJECT,
    PRINCIPAL_ACTIVITIES,
    TRUSTED_LISTS,
    Manifest,
)
from unsecret.operate.snapshots.trusted_certificates import trusted_lists, vouched_for
from unsecret.wire.column_sources import COMPUTED, SOURCES, TRUSTED, table_name
from unsecret.wire.columns import PREPARED, TABLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "256MB"
"""What DuckDB may hold while columns are made; beyond that it works on disk."""


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
    with confined(spool, columns, memory_limit=MEMORY, temp_directory=str(columns)) as database:
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
            raise Invalid(f"What was read does not have Graph's shape: {first_line(problem)}") from problem


def _told(question: str, known: dict[str, bool]) -> str:
    for name, is_known in known.items():
        question = question.replace(name, str(is_known).lower())
    return question


def confined(*folders: Path, **config: str) -> DuckDBPyConnection:
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


def first_line(problem: Exception) -> str:
    """What a person is told of a problem of the database's, which goes on with the question itself."""
    return next(iter(str(problem).splitlines()), "")


def show(database: DuckDBPyConnection, columns: Path) -> None:
    """Make a view of every table in the directory `columns`, in place of one that is there."""
    for table in TABLES:
        file = _quoted(columns / f"{table.name}.parquet")
        database.execute(f"CREATE OR REPLACE VIEW {table.name} AS SELECT * FROM read_parquet({file})")
