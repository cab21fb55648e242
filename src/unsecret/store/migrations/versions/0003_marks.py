"""The mark of the state that a tenant is in.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import os

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column, and a first mark for each tenant."""
    op.add_column("tenant", sa.Column("mark", sa.LargeBinary(), nullable=True))
    op.get_bind().execute(sa.text("UPDATE tenant SET mark = :mark"), {"mark": os.urandom(16)})
