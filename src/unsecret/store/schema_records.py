"""The tables of signing in: what was handed out, the keys that sign tokens, and the two logs. See `schema.py`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, text

from unsecret.store.schema_parts import RowId, guid_column, guids_are_guids, metadata, row_id

AUTHORIZATION_CODE, DEVICE_CODE, REFRESH_TOKEN, SESSION = 1, 2, 3, 4
"""`issued_grant.kind`."""

SERVICE_PRINCIPAL_SIGN_IN, INTERACTIVE_USER_SIGN_IN, NON_INTERACTIVE_USER_SIGN_IN = 1, 2, 3
"""`sign_in.event_type`."""

WRONG_PASSWORD = 50126
"""`sign_in.error_code` of an attempt with a wrong password: how many there were lately decides on the next."""

issued_grant = Table(
    "issued_grant",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("kind", SmallInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # of the code or token, which is shown once and never kept
    Column("folded_user_code", Text),  # of a device code, what a person types
    guid_column("family"),  # what came of one sign-in: it is revoked together
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("body", Text, nullable=False),
    guid_column("user_id", nullable=True),
    guid_column("client_id", nullable=True),
    Index("uq_issued_grant", "tenant_id", "kind", "digest", unique=True),
    Index("uq_issued_grant_user_code", "tenant_id", "folded_user_code", unique=True),
    Index("ix_issued_grant_family", "tenant_id", "family"),
    Index("ix_issued_grant_end", "tenant_id", "expires_at"),
    *guids_are_guids("family"),
)

_is_refresh_token = text(f"kind = {REFRESH_TOKEN}")
Index(
    "ix_issued_grant_holder",
    issued_grant.c.tenant_id,
    issued_grant.c.user_id,
    issued_grant.c.client_id,
    issued_grant.c.family,
    sqlite_where=_is_refresh_token,
    postgresql_where=_is_refresh_token,
)

_is_session = text(f"kind = {SESSION}")
Index(
    "ix_issued_grant_session",
    issued_grant.c.tenant_id,
    issued_grant.c.user_id,
    issued_grant.c.id,
    sqlite_where=_is_session,
    postgresql_where=_is_session,
)

# Of the server, not of a tenant: the tokens of all its tenants are signed with the same key.
signing_key = Table(
    "signing_key",
    metadata,
    row_id(),
    Column("kid", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("private_key", LargeBinary, nullable=False),
    Index("uq_signing_key", "kid", unique=True),
)

audit_event = Table(
    "audit_event",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("at", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("folded_activity", Text, nullable=False),
    Column("folded_category", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("folded_correlation_id", Text, nullable=False),
    guid_column("caller_app_id", nullable=True),
    guid_column("caller_service_principal_id", nullable=True),
    Column("folded_caller_name", Text),
    guid_column("caller_user_id", nullable=True),
    Column("folded_caller_user_principal_name", Text),
    Column("body", Text, nullable=False),
    Index("ix_audit_event_at", "tenant_id", "at", "id"),
)

audit_target = Table(
    "audit_target",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("event_row", RowId, nullable=False),
    Column("folded_target_id", Text, nullable=False),
    Column("folded_display_name", Text),
    Index("ix_audit_target_lookup", "tenant_id", "folded_target_id", "event_row"),
    Index("ix_audit_target_event", "tenant_id", "event_row"),
)

sign_in = Table(
    "sign_in",
    metadata,
    row_id(),
    guid_column("tenant_id"),
    Column("at", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    guid_column("app_id"),
    Column("folded_app_name", Text),
    guid_column("service_principal_id", nullable=True),
    Column("folded_credential_type", Text, nullable=False),
    guid_column("credential_key_id", nullable=True),
    Column("error_code", Integer, nullable=False),
    Column("folded_ip_address", Text),
    Column("folded_correlation_id", Text, nullable=False),
    guid_column("resource_id", nullable=True),
    Column("event_type", SmallInteger, nullable=False, server_default=text(str(SERVICE_PRINCIPAL_SIGN_IN))),
    guid_column("user_id", nullable=True),
    Column("folded_user_principal_name", Text),
    Column("body", Text, nullable=False),
    Index("ix_sign_in_at", "tenant_id", "at", "id"),
    Index("ix_sign_in_app", "tenant_id", "app_id", "at", "id"),
)

_is_wrong_password = text(f"error_code = {WRONG_PASSWORD}")
Index(
    "ix_sign_in_wrong_password",
    sign_in.c.tenant_id,
    sign_in.c.user_id,
    sign_in.c.at,
    sqlite_where=_is_wrong_password,
    postgresql_where=_is_wrong_password,
)

# What the reports of activity ask: when was this last used with success? Each answer is the end of a range.
_succeeded = text("error_code = 0")
_proven = text("error_code = 0 AND credential_key_id IS NOT NULL")
_reached = text("error_code = 0 AND resource_id IS NOT NULL")
for _name, _column, _where in (
    ("ix_sign_in_credential", "credential_key_id", _proven),
    ("ix_sign_in_client", "app_id", _succeeded),
    ("ix_sign_in_resource", "resource_id", _reached),
):
    Index(
        _name,
        sign_in.c.tenant_id,
        sign_in.c[_column],
        *([] if _column == "credential_key_id" else [sign_in.c.event_type]),
        sign_in.c.at,
        sqlite_where=_where,
        postgresql_where=_where,
    )
