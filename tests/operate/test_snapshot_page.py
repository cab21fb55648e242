"""The page about snapshots says what the code does."""

from __future__ import annotations

from tests.operate.snapshot_page import PAGE, page
from tests.snapshots import snapshot_of
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.wire.columns import TABLES


def test_the_page_is_as_the_code_has_it() -> None:
    assert PAGE.read_text() == page(), "write it anew: make docs"


def test_every_column_is_described_and_there(tmp_path) -> None:
    with open_snapshot(snapshot_of(tmp_path / "a.snapshot", {})) as snapshot:
        for table in TABLES:
            columns = snapshot.database.execute(f"SELECT * FROM {table.name}").description
            assert [name for name, *_rest in columns or ()] == list(table.columns), table.name
