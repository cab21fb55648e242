"""The directory as it first was: objects, credentials, policies, links and the two logs.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_GUID = sa.LargeBinary(length=16)
_ORDERED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_IS_LIVE = sa.text("deleted_at IS NULL")
_IS_IDENTIFIER_URI = sa.text("property = 1")


def upgrade() -> None:
    """Makes every table."""
    op.create_table(
        "app_management_policy",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("policy_id", _GUID, nullable=False),
        sa.Column("folded_display_name", _ORDERED, nullable=False),
        sa.Column("is_enabled", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("length(policy_id) = 16", name=op.f("ck_app_management_policy_policy_id")),
        sa.CheckConstraint("length(tenant_id) = 16", name=op.f("ck_app_management_policy_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_management_policy")),
    )
    op.create_index(
        "ix_app_management_policy_name", "app_management_policy", ["tenant_id", "folded_display_name", "id"]
    )
    op.create_index("ix_app_management_policy_tenant", "app_management_policy", ["tenant_id", "id"])
    op.create_index("uq_app_management_policy", "app_management_policy", ["tenant_id", "policy_id"], unique=True)
    op.create_table(
        "audit_event",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("folded_activity", sa.Text(), nullable=False),
        sa.Column("folded_category", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("folded_correlation_id", sa.Text(), nullable=False),
        sa.Column("caller_app_id", _GUID, nullable=True),
        sa.Column("caller_service_principal_id", _GUID, nullable=True),
        sa.Column("folded_caller_name", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_at", "audit_event", ["tenant_id", "at", "id"])
    op.create_table(
        "audit_target",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("event_row", _ROW_ID, nullable=False),
        sa.Column("folded_target_id", sa.Text(), nullable=False),
        sa.Column("folded_display_name", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_target")),
    )
    op.create_index("ix_audit_target_lookup", "audit_target", ["tenant_id", "folded_target_id", "event_row"])
    op.create_table(
        "directory_object",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("object_id", _GUID, nullable=False),
        sa.Column("app_id", _GUID, nullable=False),
        sa.Column("folded_display_name", _ORDERED, nullable=False),
        sa.Column("folded_unique_name", sa.Text(), nullable=True),
        sa.Column("folded_sign_in_audience", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("length(app_id) = 16", name=op.f("ck_directory_object_app_id")),
        sa.CheckConstraint("length(object_id) = 16", name=op.f("ck_directory_object_object_id")),
        sa.CheckConstraint("length(tenant_id) = 16", name=op.f("ck_directory_object_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_object")),
    )
    op.create_index(
        "ix_directory_object_live",
        "directory_object",
        ["tenant_id", "kind", "id", "deleted_at"],
        sqlite_where=_IS_LIVE,
        postgresql_where=_IS_LIVE,
    )
    op.create_index(
        "ix_directory_object_live_creation",
        "directory_object",
        ["tenant_id", "kind", sa.text("coalesce(created_at, -4611686018427387904)"), "id"],
        sqlite_where=_IS_LIVE,
        postgresql_where=_IS_LIVE,
    )
    op.create_index(
        "ix_directory_object_live_name",
        "directory_object",
        ["tenant_id", "kind", "folded_display_name", "id"],
        sqlite_where=_IS_LIVE,
        postgresql_where=_IS_LIVE,
    )
    op.create_index(
        "uq_directory_object_app_id",
        "directory_object",
        ["tenant_id", "app_id", "kind"],
        unique=True,
        sqlite_where=_IS_LIVE,
        postgresql_where=_IS_LIVE,
    )
    op.create_index("uq_directory_object_object_id", "directory_object", ["tenant_id", "object_id"], unique=True)
    op.create_index(
        "uq_directory_object_unique_name", "directory_object", ["tenant_id", "folded_unique_name"], unique=True
    )
    op.create_table(
        "sign_in",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("app_id", _GUID, nullable=False),
        sa.Column("folded_app_name", sa.Text(), nullable=True),
        sa.Column("service_principal_id", _GUID, nullable=True),
        sa.Column("folded_credential_type", sa.Text(), nullable=False),
        sa.Column("credential_key_id", _GUID, nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=False),
        sa.Column("folded_ip_address", sa.Text(), nullable=True),
        sa.Column("folded_correlation_id", sa.Text(), nullable=False),
        sa.Column("resource_id", _GUID, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
    )
    op.create_index("ix_sign_in_app", "sign_in", ["tenant_id", "app_id", "at", "id"])
    op.create_index("ix_sign_in_at", "sign_in", ["tenant_id", "at", "id"])
    op.create_table(
        "tenant",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("length(tenant_id) = 16", name=op.f("ck_tenant_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
    )
    op.create_index("uq_tenant", "tenant", ["tenant_id"], unique=True)
    op.create_table(
        "tenant_default",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_default")),
    )
    op.create_index("uq_tenant_default", "tenant_default", ["tenant_id"], unique=True)
    op.create_table(
        "tenant_domain",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_domain")),
    )
    op.create_index("uq_tenant_domain", "tenant_domain", ["folded_name"], unique=True)
    op.create_table(
        "trusted_configuration",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("configuration_id", _GUID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("length(configuration_id) = 16", name=op.f("ck_trusted_configuration_configuration_id")),
        sa.CheckConstraint("length(tenant_id) = 16", name=op.f("ck_trusted_configuration_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trusted_configuration")),
    )
    op.create_index("uq_trusted_configuration", "trusted_configuration", ["tenant_id", "configuration_id"], unique=True)
    op.create_table(
        "app_role_assignment",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("assignment_id", sa.Text(), nullable=False),
        sa.Column("principal_row", _ROW_ID, nullable=False),
        sa.Column("resource_row", _ROW_ID, nullable=False),
        sa.Column("app_role_id", _GUID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(app_role_id) = 16", name=op.f("ck_app_role_assignment_app_role_id")),
        sa.ForeignKeyConstraint(
            ["principal_row"],
            ["directory_object.id"],
            name=op.f("fk_app_role_assignment_principal_row"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resource_row"],
            ["directory_object.id"],
            name=op.f("fk_app_role_assignment_resource_row"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_role_assignment")),
    )
    op.create_index("ix_app_role_assignment_resource", "app_role_assignment", ["resource_row"])
    op.create_index(
        "uq_app_role_assignment", "app_role_assignment", ["principal_row", "resource_row", "app_role_id"], unique=True
    )
    op.create_index("uq_app_role_assignment_id", "app_role_assignment", ["tenant_id", "assignment_id"], unique=True)
    op.create_table(
        "key_credential",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("object_row", _ROW_ID, nullable=False),
        sa.Column("key_id", _GUID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("usage", sa.Text(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("custom_key_identifier", sa.Text(), nullable=True),
        sa.Column("folded_custom_key_identifier", sa.Text(), nullable=True),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("thumbprint_sha1", sa.Text(), nullable=True),
        sa.Column("thumbprint_sha256", sa.Text(), nullable=True),
        sa.CheckConstraint("length(key_id) = 16", name=op.f("ck_key_credential_key_id")),
        sa.ForeignKeyConstraint(
            ["object_row"], ["directory_object.id"], name=op.f("fk_key_credential_object_row"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_credential")),
    )
    op.create_index("ix_key_credential_end", "key_credential", ["tenant_id", "end_at", "object_row"])
    op.create_index(
        "ix_key_credential_identifier", "key_credential", ["tenant_id", "folded_custom_key_identifier", "object_row"]
    )
    op.create_index("ix_key_credential_key_id", "key_credential", ["tenant_id", "key_id", "object_row"])
    op.create_index("uq_key_credential", "key_credential", ["object_row", "key_id"], unique=True)
    op.create_table(
        "object_value",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("object_row", _ROW_ID, nullable=False),
        sa.Column("property", sa.SmallInteger(), nullable=False),
        sa.Column("folded_value", _ORDERED, nullable=False),
        sa.ForeignKeyConstraint(
            ["object_row"], ["directory_object.id"], name=op.f("fk_object_value_object_row"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_object_value")),
    )
    op.create_index("ix_object_value_lookup", "object_value", ["tenant_id", "property", "folded_value", "object_row"])
    op.create_index(
        "uq_object_value_identifier_uri",
        "object_value",
        ["tenant_id", "folded_value"],
        unique=True,
        sqlite_where=_IS_IDENTIFIER_URI,
        postgresql_where=_IS_IDENTIFIER_URI,
    )
    op.create_index("uq_object_value_object", "object_value", ["object_row", "property", "folded_value"], unique=True)
    op.create_table(
        "owner",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("object_row", _ROW_ID, nullable=False),
        sa.Column("owner_row", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["object_row"], ["directory_object.id"], name=op.f("fk_owner_object_row"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_row"], ["directory_object.id"], name=op.f("fk_owner_owner_row"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner")),
    )
    op.create_index("ix_owner_owned", "owner", ["owner_row", "object_row"])
    op.create_index("uq_owner", "owner", ["object_row", "owner_row"], unique=True)
    op.create_table(
        "password_credential",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("object_row", _ROW_ID, nullable=False),
        sa.Column("key_id", _GUID, nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("hint", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("length(key_id) = 16", name=op.f("ck_password_credential_key_id")),
        sa.ForeignKeyConstraint(
            ["object_row"], ["directory_object.id"], name=op.f("fk_password_credential_object_row"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_credential")),
    )
    op.create_index("uq_password_credential", "password_credential", ["object_row", "key_id"], unique=True)
    op.create_table(
        "policy_link",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("tenant_id", _GUID, nullable=False),
        sa.Column("policy_row", _ROW_ID, nullable=False),
        sa.Column("object_row", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["object_row"], ["directory_object.id"], name=op.f("fk_policy_link_object_row"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["policy_row"], ["app_management_policy.id"], name=op.f("fk_policy_link_policy_row"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_link")),
    )
    op.create_index("ix_policy_link_policy", "policy_link", ["policy_row", "object_row"])
    op.create_index("uq_policy_link_object", "policy_link", ["object_row"], unique=True)
