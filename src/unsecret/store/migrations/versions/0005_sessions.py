"""Whose sessions these are, so that each person's can be counted.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_IS_SESSION = sa.text("kind = 4")


def upgrade() -> None:
    """Adds the index. Sessions of before that do not name their person end within a day."""
    op.create_index(
        "ix_issued_grant_session",
        "issued_grant",
        ["tenant_id", "user_id", "id"],
        sqlite_where=_IS_SESSION,
        postgresql_where=_IS_SESSION,
    )
