"""The tables of a new directory are those of the schema, and a directory from the future is left alone."""

from __future__ import annotations

import json
import shutil
import sqlite3
import uuid
import warnings
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from unsecret.errors import Unavailable
from unsecret.store import migrations, schema
from unsecret.store.decoded import digest_of
from unsecret.store.engine import Store


@pytest.fixture
def path(migrated_file: Path, tmp_path: Path) -> Path:
    """A file with a directory in it."""
    return Path(shutil.copy(migrated_file, tmp_path))


def test_migrations_and_schema_agree(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as conn, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*expression-based index.*")  # compared below, as text
        assert compare_metadata(MigrationContext.configure(conn), schema.metadata) == []
    engine.dispose()


def test_migrated_tables_and_indexes_are_spelled_as_the_schema_spells_them(path: Path) -> None:
    """Partial and expression indexes are invisible to the comparison above."""
    engine = create_engine(f"sqlite:///{path}")
    tables = schema.metadata.sorted_tables
    wanted = {str(CreateTable(table).compile(engine)) for table in tables}
    wanted |= {str(CreateIndex(index).compile(engine)) for table in tables for index in table.indexes}
    engine.dispose()
    with sqlite3.connect(path) as conn:
        made = {
            text for (text,) in conn.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'") if text
        }
    conn.close()

    def bare(statements: set[str]) -> set[str]:
        return {"".join(statement.split()).lower().replace('"', "") for statement in statements}

    assert {text for text in bare(made) if "index" in text} == {text for text in bare(wanted) if "index" in text}
    assert len(made) == len(wanted)


def test_the_newest_migration_is_the_one_that_a_start_looks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD


def test_a_directory_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    conn.close()
    before = path.read_bytes()
    with pytest.raises(Unavailable, match="newer unsecret"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_first_start_that_fails_half_way_leaves_no_half_of_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "directory.sqlite"
    with pytest.raises(Unavailable, match="full"):
        Store.open(path, max_pages=20)
    Store.open(path).close()
    with sqlite3.connect(path) as conn:
        assert conn.execute("SELECT count(*) FROM tenant").fetchone() == (0,)
    conn.close()


def test_a_directory_of_the_first_revision_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "directory.sqlite"
    _make_first_revision(path)
    Store.open(path).close()
    with sqlite3.connect(path) as conn:
        counts = [conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _FILLED]
        links = conn.execute("SELECT object_row, owner_row FROM owner").fetchall()
        broken = conn.execute("PRAGMA foreign_key_check").fetchall()
        digests = conn.execute("SELECT DISTINCT body_digest FROM directory_object").fetchall()
    conn.close()
    assert counts == [1, 2, 1, 1]
    assert links == [(1, 2)]
    assert broken == []
    assert digests == [(digest_of("{}"),)]


def test_refresh_tokens_of_an_older_revision_are_counted_with_the_newer_ones(tmp_path: Path) -> None:
    path = tmp_path / "directory.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    user, client = uuid.uuid4(), uuid.uuid4()
    with engine.connect() as conn:
        _upgrade(conn, "0003")
        for row, kind in enumerate((1, 3)):
            body = json.dumps({"user_id": str(user), "client_id": str(client)})
            values = (row, bytes(16), kind, bytes([row]), bytes(16), body)
            conn.exec_driver_sql(
                "INSERT INTO issued_grant (id, tenant_id, kind, digest, family, expires_at, body) "
                "VALUES (?, ?, ?, ?, ?, 1, ?)",
                values,
            )
        conn.commit()
    engine.dispose()
    Store.open(path).close()
    with sqlite3.connect(path) as conn:
        holders = conn.execute("SELECT user_id, client_id FROM issued_grant ORDER BY id").fetchall()
    conn.close()
    assert holders == [(None, None), (user.bytes, client.bytes)]


_FILLED = ("tenant", "directory_object", "owner", "password_credential")


def _upgrade(conn: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = conn
    command.upgrade(config, revision)


def _make_first_revision(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as conn:
        _upgrade(conn, "0001")
        tenant = bytes(16)
        conn.exec_driver_sql("INSERT INTO tenant VALUES (1, ?, '{}')", (tenant,))
        for row in (1, 2):
            conn.exec_driver_sql(
                "INSERT INTO directory_object (id, tenant_id, kind, object_id, app_id, folded_display_name, body) "
                "VALUES (?, ?, 1, ?, ?, 'app', '{}')",
                (row, tenant, bytes([row]) * 16, bytes([row]) * 16),
            )
        conn.exec_driver_sql("INSERT INTO owner VALUES (1, ?, 1, 2)", (tenant,))
        conn.exec_driver_sql(
            "INSERT INTO password_credential (id, tenant_id, object_row, key_id, start_at, end_at) "
            "VALUES (1, ?, 1, ?, 0, 1)",
            (tenant, bytes(16)),
        )
        conn.commit()
    engine.dispose()
