"""Whose refresh tokens these are, so that they can be counted by person and client.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import json
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_GUID = sa.LargeBinary(length=16)
_IS_REFRESH_TOKEN = sa.text("kind = 3")


def upgrade() -> None:
    """Adds the columns and their index, and fills them from what each body says."""
    op.add_column("issued_grant", sa.Column("user_id", _GUID, nullable=True))
    op.add_column("issued_grant", sa.Column("client_id", _GUID, nullable=True))
    _fill()
    op.create_index(
        "ix_issued_grant_holder",
        "issued_grant",
        ["tenant_id", "user_id", "client_id", "family"],
        sqlite_where=_IS_REFRESH_TOKEN,
        postgresql_where=_IS_REFRESH_TOKEN,
    )


def _fill() -> None:
    conn = op.get_bind()
    rows = sa.table(
        "issued_grant",
        *(sa.column(name) for name in ("id", "kind", "body")),
        sa.column("user_id"),
        sa.column("client_id"),
    )
    found = conn.execute(sa.select(rows.c.id, rows.c.body).where(_IS_REFRESH_TOKEN)).all()
    holders = [
        {"row": row, "user": _guid_in(body, "user_id"), "client": _guid_in(body, "client_id")} for row, body in found
    ]
    if holders:
        values = {"user_id": sa.bindparam("user"), "client_id": sa.bindparam("client")}
        conn.execute(sa.update(rows).where(rows.c.id == sa.bindparam("row")).values(values), holders)


def _guid_in(body: str, name: str) -> bytes | None:
    text = json.loads(body).get(name)
    return uuid.UUID(text).bytes if text else None
