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
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    literal_column,
    text,
)
from sqlalchemy.sql.elements import ColumnElement

import unsecret.store.schema_records  # noqa: F401  (its tables belong to the same metadata)
from unsecret.store.schema_parts import Ordered, RowId, guid_column, guids_are_guids, metadata, object_column, row_id

APPLICATION, SERVICE_PRINCIPAL, USER = 1, 2, 3
"""`directory_object.kind`."""

IDENTIFIER_URI, SERVICE_PRINCIPAL_NAME, TAG, USER_PRINCIPAL_NAME = 1, 2, 3, 4
"""`object_value.property`."""

tenant = Table(
    "tenant",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("body", Text, nullable=False),
    # Microseconds that the tenant's clock is ahead of the real one.
    Column("clock_offset", BigInteger, nullable=False, server_default=text("0")),
    Column("mark", LargeBinary),  # another one with each transaction that may have written in the tenant
    Index("uq_tenant", "tenant_id", unique=True),
    *guids_are_guids("tenant_id"),
)

tenant_domain = Table(
    "tenant_domain",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("folded_name", Text, nullable=False),
    Index("uq_tenant_domain", "folded_name", unique=True),
)

directory_object = Table(
    "directory_object",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("kind", SmallInteger, nullable=False),
    guid_column("object_id"),
    guid_column("app_id", nullable=True),  # a user has none
    Column("folded_display_name", Ordered, nullable=False),
    Column("folded_unique_name", Text),
    Column("folded_sign_in_audience", Text),
    Column("created_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("body", Text, nullable=False),
    Column("body_digest", LargeBinary),  # of applications and service principals, see decoded.py
    *guids_are_guids("tenant_id", "object_id", "app_id"),
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

_is_deleted = text("deleted_at IS NOT NULL")
Index(
    "ix_directory_object_deleted",
    directory_object.c.tenant_id,
    directory_object.c.kind,
    directory_object.c.deleted_at,
    directory_object.c.id,
    sqlite_where=_is_deleted,
    postgresql_where=_is_deleted,
)

object_value = Table(
    "object_value",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    object_column("object_row"),
    Column("property", SmallInteger, nullable=False),
    Column("folded_value", Ordered, nullable=False),
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

_is_user_principal_name = text(f"property = {USER_PRINCIPAL_NAME}")
Index(
    "uq_object_value_user_principal_name",
    object_value.c.tenant_id,
    object_value.c.folded_value,
    unique=True,
    sqlite_where=_is_user_principal_name,
    postgresql_where=_is_user_principal_name,
)

user_password = Table(
    "user_password",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    object_column("object_row"),
    Column("digest", LargeBinary, nullable=False),
    Index("uq_user_password", "object_row", unique=True),
)

password_credential = Table(
    "password_credential",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    object_column("object_row"),
    guid_column("key_id"),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("display_name", Text),
    Column("hint", Text),
    Column("digest", LargeBinary),
    Index("uq_password_credential", "object_row", "key_id", unique=True),
    *guids_are_guids("key_id"),
)

key_credential = Table(
    "key_credential",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    object_column("object_row"),
    guid_column("key_id"),
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
    *guids_are_guids("key_id"),
)

tenant_default = Table(
    "tenant_default",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("body", Text, nullable=False),
    Index("uq_tenant_default", "tenant_id", unique=True),
)

app_management_policy = Table(
    "app_management_policy",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    guid_column("policy_id"),
    Column("folded_display_name", Ordered, nullable=False),
    Column("is_enabled", SmallInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("uq_app_management_policy", "tenant_id", "policy_id", unique=True),
    Index("ix_app_management_policy_tenant", "tenant_id", "id"),
    Index("ix_app_management_policy_name", "tenant_id", "folded_display_name", "id"),
    *guids_are_guids("tenant_id", "policy_id"),
)

policy_link = Table(
    "policy_link",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("policy_row", RowId, ForeignKey("app_management_policy.id", ondelete="CASCADE"), nullable=False),
    object_column("object_row"),
    Index("uq_policy_link_object", "object_row", unique=True),
    Index("ix_policy_link_policy", "policy_row", "object_row"),
)

trusted_configuration = Table(
    "trusted_configuration",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    guid_column("configuration_id"),
    Column("body", Text, nullable=False),
    Index("uq_trusted_configuration", "tenant_id", "configuration_id", unique=True),
    *guids_are_guids("tenant_id", "configuration_id"),
)

owner = Table(
    "owner",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    object_column("object_row"),
    object_column("owner_row"),
    Index("uq_owner", "object_row", "owner_row", unique=True),
    Index("ix_owner_owned", "owner_row", "object_row"),
)

app_role_assignment = Table(
    "app_role_assignment",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("assignment_id", Text, nullable=False),
    object_column("principal_row"),
    object_column("resource_row"),
    guid_column("app_role_id"),
    Column("created_at", BigInteger, nullable=False),
    Index("uq_app_role_assignment_id", "tenant_id", "assignment_id", unique=True),
    Index("uq_app_role_assignment", "principal_row", "resource_row", "app_role_id", unique=True),
    Index("ix_app_role_assignment_resource", "resource_row"),
    *guids_are_guids("app_role_id"),
)

federated_identity_credential = Table(
    "federated_identity_credential",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    object_column("object_row"),
    guid_column("credential_id"),
    Column("folded_name", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text),  # None: a flexible one, which has an expression instead
    Column("body", Text, nullable=False),
    Index("uq_federated_identity_credential", "object_row", "credential_id", unique=True),
    Index("uq_federated_identity_credential_name", "object_row", "folded_name", unique=True),
    Index("uq_federated_identity_credential_subject", "object_row", "issuer", "subject", unique=True),
    *guids_are_guids("credential_id"),
)

oauth2_permission_grant = Table(
    "oauth2_permission_grant",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("grant_id", Text, nullable=False),
    object_column("client_row"),
    object_column("resource_row"),
    Column("principal_row", RowId, ForeignKey("directory_object.id", ondelete="CASCADE")),  # None: AllPrincipals
    Column("scope", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("uq_oauth2_permission_grant_id", "tenant_id", "grant_id", unique=True),
    Index("ix_oauth2_permission_grant_client", "client_row", "resource_row", "principal_row"),
    Index("ix_oauth2_permission_grant_resource", "resource_row"),
    Index("ix_oauth2_permission_grant_principal", "principal_row"),
    Index("ix_oauth2_permission_grant_tenant", "tenant_id", "id"),
)

directory_role_assignment = Table(
    "directory_role_assignment",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("assignment_id", Text, nullable=False),
    guid_column("role_definition_id"),
    object_column("principal_row"),
    Column("directory_scope_id", Text, nullable=False),
    Index("uq_directory_role_assignment_id", "tenant_id", "assignment_id", unique=True),
    Index("uq_directory_role_assignment", "principal_row", "role_definition_id", "directory_scope_id", unique=True),
    Index("ix_directory_role_assignment_role", "tenant_id", "role_definition_id", "id"),
    *guids_are_guids("role_definition_id"),
)

attribute_set = Table(
    "attribute_set",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("folded_name", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("uq_attribute_set", "tenant_id", "folded_name", unique=True),
)

attribute_definition = Table(
    "attribute_definition",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("folded_set", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("uq_attribute_definition", "tenant_id", "folded_set", "folded_name", unique=True),
)
