"""Fixed statements: each can be said to both engines, and none makes room for a value to become SQL."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from unsecret.store import (
    credentials,
    directory_objects,
    links,
    live_objects,
    logs,
    policies,
    schema,
    signing_keys,
    tenants,
)
from unsecret.store.statement import Statement

STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": found
    for module in (credentials, directory_objects, links, live_objects, logs, policies, signing_keys, tenants)
    for name, found in vars(module).items()
    if isinstance(found, Statement)
}


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_can_be_said_to_every_engine(statement: Statement, dialect) -> None:
    text, _ = statement.compiled_for(dialect)
    assert text.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")
    assert "'" not in text


def test_the_tables_can_be_made_on_postgresql() -> None:
    for table in schema.metadata.sorted_tables:
        assert "id BIGSERIAL NOT NULL" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=postgresql.dialect()))
