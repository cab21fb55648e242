"""Brings a database to the tables of `schema.py`, with Alembic, out of the installed package.

Alembic is imported only when there is something to do: most starts find the database as they left it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from unsecret.errors import Unavailable

HEAD = "0005"
"""The newest revision in `versions/`."""


def is_current(conn: Connection) -> bool:
    """Whether there is nothing to do. Raises Unavailable for a database of a newer version of this software."""
    revision = _revision(conn)
    if revision is not None and revision > HEAD:
        raise Unavailable(
            f"The directory was last used by a newer unsecret: its tables are revision {revision}, and this one knows "
            f"{HEAD}. Use that version again, or start with an empty directory."
        )
    return revision == HEAD


def upgrade(conn: Connection) -> None:
    """Runs what is missing, inside the transaction that the caller has begun and will commit."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def _revision(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
