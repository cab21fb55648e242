"""Alembic runs this file; `migrations.upgrade` has given it a connection."""

from __future__ import annotations

from alembic import context

from unsecret.store import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
