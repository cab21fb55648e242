"""The tables.

Every table has `tenant_id` (the key that a directory would be split by), an integer primary key that grows in
order of creation (pages are cut by it) and GUIDs as 16 bytes. Rows point at each other by the integer. Whole nouns
are kept as JSON in `body`; what is looked up, compared or sorted by stands in a column beside it. `folded` columns hold
lower-cased text, made in Python, so that both databases compare alike. Instants are microseconds since 1970 in UTC.

A change here needs a migration beside it; `test_migrations_and_schema_agree` holds them together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    literal_column,
    text,
)
from sqlalchemy.sql.elements import ColumnElement

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_RowId = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite makes a column the rowid only when its type is spelled INTEGER."""

_Ordered = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that prefixes are looked up in: compared code point by code point, as SQLite always does."""

APPLICATION, SERVICE_PRINCIPAL = 1, 2
"""`directory_object.kind`."""

IDENTIFIER_URI, SERVICE_PRINCIPAL_NAME, TAG = 1, 2, 3
"""`object_value.property`."""


def _id() -> Column[int]:
    return Column("id", _RowId, primary_key=True)


def _guid(name: str, *, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary(16), nullable=nullable)


def _guids_are_guids(*names: str) -> list[CheckConstraint]:
    """The last fence behind `columns.guid`, which turns what is no GUID into no bytes."""
    return [CheckConstraint(f"length({name}) = 16", name=name) for name in names]


def _object(name: str) -> Column[int]:
    return Column(name, _RowId, ForeignKey("directory_object.id", ondelete="CASCADE"), nullable=False)


tenant = Table(
    "tenant",
    metadata,
    _id(),
    _guid("tenant_id"),
    Column("body", Text, nullable=False),
    Index("uq_tenant", "tenant_id", unique=True),
    *_guids_are_guids("tenant_id"),
)

tenant_domain = Table(
    "tenant_domain",
    metadata,
    _id(),
    _guid("tenant_id"),
    Column("folded_name", Text, nullable=False),
    Index("uq_tenant_domain", "folded_name", unique=True),
)

directory_object = Table(
    "directory_object",
    metadata,
    _id(),
    _guid("tenant_id"),
    Column("kind", SmallInteger, nullable=False),
    _guid("object_id"),
    _guid("app_id"),
    Column("folded_display_name", _Ordered, nullable=False),
    Column("folded_unique_name", Text),
    Column("folded_sign_in_audience", Text),
    Column("created_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("body", Text, nullable=False),
    *_guids_are_guids("tenant_id", "object_id", "app_id"),
)

LONG_AGO = -(2**62)
"""Before every instant."""

creation_order: ColumnElement[int] = func.coalesce(directory_object.c.created_at, literal_column(str(LONG_AGO)))
"""What `$orderby=createdDateTime` sorts by: old objects have no date at all, and come before every other."""

_is_live = text("deleted_at IS NULL")
Index("uq_directory_object_object_id", directory_object.c.tenant_id, directory_object.c.object_id, unique=True)
Index(
    "uq_directory_object_app_id",
    directory_object.c.tenant_id,
    directory_object.c.app_id,
    directory_object.c.kind,
    unique=True,
    sqlite_where=_is_live,  # a deleted service principal gives way to a new one of the same application
    postgresql_where=_is_live,
)
Index(
    "uq_directory_object_unique_name",
    directory_object.c.tenant_id,
    directory_object.c.folded_unique_name,
    unique=True,
)
for _name, _columns in {
    "ix_directory_object_live": (),
    "ix_directory_object_live_name": (directory_object.c.folded_display_name,),
    "ix_directory_object_live_creation": (creation_order,),
}.items():
    Index(
        _name,
        directory_object.c.tenant_id,
        directory_object.c.kind,
        *_columns,
        directory_object.c.id,
        *([directory_object.c.deleted_at] if not _columns else []),
        sqlite_where=_is_live,
        postgresql_where=_is_live,
    )

object_value = Table(
    "object_value",
    metadata,
    _id(),
    _guid("tenant_id"),
    _object("object_row"),
    Column("property", SmallInteger, nullable=False),
    Column("folded_value", _Ordered, nullable=False),
    Index("ix_object_value_lookup", "tenant_id", "property", "folded_value", "object_row"),
    Index("uq_object_value_object", "object_row", "property", "folded_value", unique=True),
)

_is_identifier_uri = text(f"property = {IDENTIFIER_URI}")
Index(
    "uq_object_value_identifier_uri",
    object_value.c.tenant_id,
    object_value.c.folded_value,
    unique=True,
    sqlite_where=_is_identifier_uri,
    postgresql_where=_is_identifier_uri,
)

password_credential = Table(
    "password_credential",
    metadata,
    _id(),
    _guid("tenant_id"),
    _object("object_row"),
    _guid("key_id"),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("display_name", Text),
    Column("hint", Text),
    Column("digest", LargeBinary),
    Index("uq_password_credential", "object_row", "key_id", unique=True),
    *_guids_are_guids("key_id"),
)

key_credential = Table(
    "key_credential",
    metadata,
    _id(),
    _guid("tenant_id"),
    _object("object_row"),
    _guid("key_id"),
    Column("type", Text, nullable=False),
    Column("usage", Text, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("display_name", Text),
    Column("custom_key_identifier", Text),
    Column("folded_custom_key_identifier", Text),
    Column("key", LargeBinary),
    Column("thumbprint_sha1", Text),
    Column("thumbprint_sha256", Text),
    Index("uq_key_credential", "object_row", "key_id", unique=True),
    Index("ix_key_credential_key_id", "tenant_id", "key_id", "object_row"),
    Index("ix_key_credential_identifier", "tenant_id", "folded_custom_key_identifier", "object_row"),
    Index("ix_key_credential_end", "tenant_id", "end_at", "object_row"),
    *_guids_are_guids("key_id"),
)

tenant_default = Table(
    "tenant_default",
    metadata,
    _id(),
    _guid("tenant_id"),
    Column("body", Text, nullable=False),
    Index("uq_tenant_default", "tenant_id", unique=True),
)

app_management_policy = Table(
    "app_management_policy",
    metadata,
    _id(),
    _guid("tenant_id"),
    _guid("policy_id"),
    Column("folded_display_name", _Ordered, nullable=False),
    Column("is_enabled", SmallInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("uq_app_management_policy", "tenant_id", "policy_id", unique=True),
    Index("ix_app_management_policy_tenant", "tenant_id", "id"),
    Index("ix_app_management_policy_name", "tenant_id", "folded_display_name", "id"),
    *_guids_are_guids("tenant_id", "policy_id"),
)

policy_link = Table(
    "policy_link",
    metadata,
    _id(),
    _guid("tenant_id"),
    Column("policy_row", _RowId, ForeignKey("app_management_policy.id", ondelete="CASCADE"), nullable=False),
    _object("object_row"),
    Index("uq_policy_link_object", "object_row", unique=True),
    Index("ix_policy_link_policy", "policy_row", "object_row"),
)

trusted_configuration = Table(
    "trusted_configuration",
    metadata,
    _id(),
    _guid("tenant_id"),
    _guid("configuration_id"),
    Column("body", Text, nullable=False),
    Index("uq_trusted_configuration", "tenant_id", "configuration_id", unique=True),
    *_guids_are_guids("tenant_id", "configuration_id"),
)

owner = Table(
    "owner",
    metadata,
    _id(),
    _guid("tenant_id"),
    _object("object_row"),
    _object("owner_row"),
    Index("uq_owner", "object_row", "owner_row", unique=True),
    Index("ix_owner_owned", "owner_row", "object_row"),
)

app_role_assignment = Table(
    "app_role_assignment",
    metadata,
    _id(),
    _guid("tenant_id"),
    Column("assignment_id", Text, nullable=False),
    _object("principal_row"),
    _object("resource_row"),
    _guid("app_role_id"),
    Column("created_at", BigInteger, nullable=False),
    Index("uq_app_role_assignment_id", "tenant_id", "assignment_id", unique=True),
    Index("uq_app_role_assignment", "principal_row", "resource_row", "app_role_id", unique=True),
    Index("ix_app_role_assignment_resource", "resource_row"),
    *_guids_are_guids("app_role_id"),
)

audit_event = Table(
    "audit_event",
    metadata,
    _id(),
    _guid("tenant_id"),
    Column("at", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("folded_activity", Text, nullable=False),
    Column("folded_category", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("folded_correlation_id", Text, nullable=False),
    _guid("caller_app_id", nullable=True),
    _guid("caller_service_principal_id", nullable=True),
    Column("folded_caller_name", Text),
    Column("body", Text, nullable=False),
    Index("ix_audit_event_at", "tenant_id", "at", "id"),
)

audit_target = Table(
    "audit_target",
    metadata,
    _id(),
    _guid("tenant_id"),
    Column("event_row", _RowId, nullable=False),
    Column("folded_target_id", Text, nullable=False),
    Column("folded_display_name", Text),
    Index("ix_audit_target_lookup", "tenant_id", "folded_target_id", "event_row"),
)

sign_in = Table(
    "sign_in",
    metadata,
    _id(),
    _guid("tenant_id"),
    Column("at", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    _guid("app_id"),
    Column("folded_app_name", Text),
    _guid("service_principal_id", nullable=True),
    Column("folded_credential_type", Text, nullable=False),
    _guid("credential_key_id", nullable=True),
    Column("error_code", Integer, nullable=False),
    Column("folded_ip_address", Text),
    Column("folded_correlation_id", Text, nullable=False),
    _guid("resource_id", nullable=True),
    Column("body", Text, nullable=False),
    Index("ix_sign_in_at", "tenant_id", "at", "id"),
    Index("ix_sign_in_app", "tenant_id", "app_id", "at", "id"),
)
