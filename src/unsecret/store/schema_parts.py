"""What every table is made of: its metadata, and the columns that many of them share."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, MetaData, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

RowId = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite makes a column the rowid only when its type is spelled INTEGER."""

Ordered = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that prefixes are looked up in: compared code point by code point, as SQLite always does."""


def row_id() -> Column[int]:
    """The primary key, which grows in order of creation."""
    return Column("id", RowId, primary_key=True)


def guid_column(name: str, *, nullable: bool = False) -> Column[bytes]:
    """A GUID as 16 bytes."""
    return Column(name, LargeBinary(16), nullable=nullable)


def guids_are_guids(*names: str) -> list[CheckConstraint]:
    """The last fence behind `columns.guid`, which turns what is no GUID into no bytes."""
    return [CheckConstraint(f"length({name}) = 16", name=name) for name in names]


def object_column(name: str) -> Column[int]:
    """The row of a directory object; what points at it goes with it."""
    return Column(name, RowId, ForeignKey("directory_object.id", ondelete="CASCADE"), nullable=False)
