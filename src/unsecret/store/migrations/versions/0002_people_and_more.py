"""People, federation, consent, roles, attributes, what is handed out at sign-in, and keys that sign tokens.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_GUID = sa.LargeBinary(length=16)
_IS_DELETED = sa.text("deleted_at IS NOT NULL")
_IS_USER_PRINCIPAL_NAME = sa.text("property = 4")
_IS_WRONG_PASSWORD = sa.text("error_code = 50126")


def upgrade() -> None:
    """Makes the new tables, and the new columns of the old ones."""
    _let_objects_have_no_app_id()
    op.create_index(
        "ix_directory_object_deleted",
        "directory_object",
        ["tenant_id", "kind", "deleted_at", "id"],
        sqlite_where=_IS_DELETED,
        postgresql_where=_IS_DELETED,
    )
    op.create_index(
        "uq_object_value_user_principal_name",
        "object_value",
        ["tenant_id", "folded_value"],
        unique=True,
        sqlite_where=_IS_USER_PRINCIPAL_NAME,
        postgresql_where=_IS_USER_PRINCIPAL_NAME,
    )
    op.add_column("tenant", sa.Column("clock_offset", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("audit_event", sa.Column("caller_user_id", _GUID, nullable=True))
    op.add_column("audit_event", sa.Column("folded_caller_user_principal_name", sa.Text(), nullable=True))
    op.add_column("sign_in", sa.Column("event_type", sa.SmallInteger(), nullable=False, server_default=sa.text("1")))
    op.add_column("sign_in", sa.Column("user_id", _GUID, nullable=True))
    op.add_column("sign_in", sa.Column("folded_user_principal_name", sa.Text(), nullable=True))
    op.create_index(
        "ix_sign_in_wrong_password",
        "sign_in",
        ["tenant_id", "user_id", "at"],
        sqlite_where=_IS_WRONG_PASSWORD,
        postgresql_where=_IS_WRONG_PASSWORD,
    )
    _digests_of_bodies()
    _people()
    _federation_and_consent()
    _attributes()
    _sign_in()
    _questions_to_the_logs()


def _let_objects_have_no_app_id() -> None:
    """SQLite can drop a NOT NULL only with its table (https://www.sqlite.org/lang_altertable.html, section 7), and
    whoever runs this has switched foreign keys off, so that nothing goes with it."""
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("directory_object", "app_id", existing_type=_GUID, nullable=True)
        return
    conn = op.get_bind()
    made = conn.exec_driver_sql(
        "SELECT type, sql FROM sqlite_master WHERE tbl_name = 'directory_object' AND sql IS NOT NULL"
    ).fetchall()
    table = next(text for kind, text in made if kind == "table")
    relaxed = table.replace("app_id BLOB NOT NULL", "app_id BLOB")
    conn.exec_driver_sql(relaxed.replace("CREATE TABLE directory_object", "CREATE TABLE directory_object_relaxed", 1))
    conn.exec_driver_sql("INSERT INTO directory_object_relaxed SELECT * FROM directory_object")
    conn.exec_driver_sql("DROP TABLE directory_object")
    conn.exec_driver_sql("ALTER TABLE directory_object_relaxed RENAME TO directory_object")
    for kind, text in made:
        if kind == "index":
            conn.exec_driver_sql(text)


def _digests_of_bodies() -> None:
    """As `store/decoded.py` makes them."""
    op.add_column("directory_object", sa.Column("body_digest", sa.LargeBinary(), nullable=True))
    conn = op.get_bind()
    rows = sa.table("directory_object", sa.column("id"), sa.column("body"), sa.column("body_digest"))
    found = conn.execute(sa.select(rows.c.id, rows.c.body)).all()
    known = [{"row": row, "digest": hashlib.sha256(body.encode()).digest()} for row, body in found]
    if known:
        conn.execute(
            sa.update(rows).where(rows.c.id == sa.bindparam("row")).values(body_digest=sa.bindparam("digest")), known
        )


def _row(name: str = "id", *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, _ROW_ID, nullable=nullable)


def _tenant() -> sa.Column[bytes]:
    return sa.Column("tenant_id", _GUID, nullable=False)


def _on_object(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], ["directory_object.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def _is_guid(table: str, column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"length({column}) = 16", name=op.f(f"ck_{table}_{column}"))


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _people() -> None:
    op.create_table(
        "user_password",
        _row(),
        _tenant(),
        _row("object_row"),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        _on_object("user_password", "object_row"),
        _key("user_password"),
    )
    op.create_index("uq_user_password", "user_password", ["object_row"], unique=True)
    op.create_table(
        "directory_role_assignment",
        _row(),
        _tenant(),
        sa.Column("assignment_id", sa.Text(), nullable=False),
        sa.Column("role_definition_id", _GUID, nullable=False),
        _row("principal_row"),
        sa.Column("directory_scope_id", sa.Text(), nullable=False),
        _is_guid("directory_role_assignment", "role_definition_id"),
        _on_object("directory_role_assignment", "principal_row"),
        _key("directory_role_assignment"),
    )
    op.create_index(
        "uq_directory_role_assignment_id", "directory_role_assignment", ["tenant_id", "assignment_id"], unique=True
    )
    op.create_index(
        "uq_directory_role_assignment",
        "directory_role_assignment",
        ["principal_row", "role_definition_id", "directory_scope_id"],
        unique=True,
    )
    op.create_index(
        "ix_directory_role_assignment_role", "directory_role_assignment", ["tenant_id", "role_definition_id", "id"]
    )


def _federation_and_consent() -> None:
    op.create_table(
        "federated_identity_credential",
        _row(),
        _tenant(),
        _row("object_row"),
        sa.Column("credential_id", _GUID, nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        _is_guid("federated_identity_credential", "credential_id"),
        _on_object("federated_identity_credential", "object_row"),
        _key("federated_identity_credential"),
    )
    for suffix, columns in {
        "": ["credential_id"],
        "_name": ["folded_name"],
        "_subject": ["issuer", "subject"],
    }.items():
        op.create_index(
            f"uq_federated_identity_credential{suffix}",
            "federated_identity_credential",
            ["object_row", *columns],
            unique=True,
        )
    op.create_table(
        "oauth2_permission_grant",
        _row(),
        _tenant(),
        sa.Column("grant_id", sa.Text(), nullable=False),
        _row("client_row"),
        _row("resource_row"),
        _row("principal_row", nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        *(_on_object("oauth2_permission_grant", name) for name in ("client_row", "resource_row", "principal_row")),
        _key("oauth2_permission_grant"),
    )
    op.create_index("uq_oauth2_permission_grant_id", "oauth2_permission_grant", ["tenant_id", "grant_id"], unique=True)
    op.create_index(
        "ix_oauth2_permission_grant_client", "oauth2_permission_grant", ["client_row", "resource_row", "principal_row"]
    )
    op.create_index("ix_oauth2_permission_grant_resource", "oauth2_permission_grant", ["resource_row"])
    op.create_index("ix_oauth2_permission_grant_principal", "oauth2_permission_grant", ["principal_row"])
    op.create_index("ix_oauth2_permission_grant_tenant", "oauth2_permission_grant", ["tenant_id", "id"])


def _attributes() -> None:
    op.create_table(
        "attribute_set",
        _row(),
        _tenant(),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        _key("attribute_set"),
    )
    op.create_index("uq_attribute_set", "attribute_set", ["tenant_id", "folded_name"], unique=True)
    op.create_table(
        "attribute_definition",
        _row(),
        _tenant(),
        sa.Column("folded_set", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        _key("attribute_definition"),
    )
    op.create_index(
        "uq_attribute_definition", "attribute_definition", ["tenant_id", "folded_set", "folded_name"], unique=True
    )


def _sign_in() -> None:
    op.create_table(
        "issued_grant",
        _row(),
        _tenant(),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("folded_user_code", sa.Text(), nullable=True),
        sa.Column("family", _GUID, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        _is_guid("issued_grant", "family"),
        _key("issued_grant"),
    )
    op.create_index("uq_issued_grant", "issued_grant", ["tenant_id", "kind", "digest"], unique=True)
    op.create_index("uq_issued_grant_user_code", "issued_grant", ["tenant_id", "folded_user_code"], unique=True)
    op.create_index("ix_issued_grant_family", "issued_grant", ["tenant_id", "family"])
    op.create_index("ix_issued_grant_end", "issued_grant", ["tenant_id", "expires_at"])
    op.create_table(
        "signing_key",
        _row(),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        _key("signing_key"),
    )
    op.create_index("uq_signing_key", "signing_key", ["kid"], unique=True)


def _questions_to_the_logs() -> None:
    op.create_index("ix_audit_target_event", "audit_target", ["tenant_id", "event_row"])
    for name, columns, where in (
        ("ix_sign_in_credential", ["credential_key_id", "at"], "error_code = 0 AND credential_key_id IS NOT NULL"),
        ("ix_sign_in_client", ["app_id", "event_type", "at"], "error_code = 0"),
        ("ix_sign_in_resource", ["resource_id", "event_type", "at"], "error_code = 0 AND resource_id IS NOT NULL"),
    ):
        only = sa.text(where)
        op.create_index(name, "sign_in", ["tenant_id", *columns], sqlite_where=only, postgresql_where=only)
