"""The two logs: what was changed or refused, and who signed in with what. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal_column, select

from unsecret.model.event import AuditEvent, SignIn, SignInEventType
from unsecret.model.identifiers import ObjectId, TenantId
from unsecret.model.query import Page, Query
from unsecret.store.changes import mark_of_grant
from unsecret.store.columns import body_of, folded, folded_or_none, guid, guid_or_none, micros
from unsecret.store.log_properties import AUDIT_ORDERS, AUDITS, SIGN_IN_ORDERS, SIGN_INS
from unsecret.store.paging import Collection, bodies_of, page_of
from unsecret.store.schema_records import (
    INTERACTIVE_USER_SIGN_IN,
    NON_INTERACTIVE_USER_SIGN_IN,
    SERVICE_PRINCIPAL_SIGN_IN,
    WRONG_PASSWORD,
    audit_event,
    audit_target,
    sign_in,
)
from unsecret.store.statement import Insertion, Statement

_audit, _sign_in = audit_event.c, sign_in.c

_ADD_AUDIT = Insertion(audit_event)
_ADD_TARGET = Insertion(audit_target)
_ADD_SIGN_IN = Insertion(sign_in)
_EVENT_TYPES = {
    SignInEventType.SERVICE_PRINCIPAL: SERVICE_PRINCIPAL_SIGN_IN,
    SignInEventType.INTERACTIVE_USER: INTERACTIVE_USER_SIGN_IN,
    SignInEventType.NON_INTERACTIVE_USER: NON_INTERACTIVE_USER_SIGN_IN,
}

_AUDITS = Collection(
    row=_audit.id,
    tenant_id=_audit.tenant_id,
    columns=(_audit.body,),
    conditions=(),
    properties=AUDITS,
    orders=AUDIT_ORDERS,
    newest_first=_audit.at,
)
_SIGN_INS = Collection(
    row=_sign_in.id,
    tenant_id=_sign_in.tenant_id,
    columns=(_sign_in.body,),
    conditions=(),
    properties=SIGN_INS,
    orders=SIGN_IN_ORDERS,
    newest_first=_sign_in.at,
)


_WRONG_PASSWORDS = Statement(
    select(func.count())
    .select_from(sign_in)
    .where(
        _sign_in.tenant_id == bindparam("tenant_id"),
        _sign_in.user_id == bindparam("user_id"),
        _sign_in.at > bindparam("since"),
        _sign_in.error_code == literal_column(str(WRONG_PASSWORD)),
    )
)

_audits_in, _sign_ins_in = bodies_of(AuditEvent), bodies_of(SignIn)


def add_audit(conn: Connection, tenant_id: TenantId, event: AuditEvent, *, grants: Iterable[str] = ()) -> None:
    """Writes one directory audit. `grants` are the ids of the delegated permission grants that it changed, for
    whoever asks what was changed since: the record itself is about other objects and does not name them."""
    tenant, caller = guid(tenant_id), event.caller
    app = caller if caller and not caller.user else None
    user = caller.user if caller else None
    row = _ADD_AUDIT.row(
        conn,
        tenant_id=tenant,
        at=micros(event.at),
        event_id=event.id,
        folded_activity=folded(event.activity),
        folded_category=folded(event.category),
        result=event.result.value,
        folded_correlation_id=folded(event.correlation_id),
        caller_app_id=guid(app.app_id) if app else None,
        caller_service_principal_id=guid_or_none(app.service_principal_id) if app else None,
        folded_caller_name=folded(app.display_name) if app else None,
        caller_user_id=guid(user.id) if user else None,
        folded_caller_user_principal_name=folded(user.user_principal_name) if user else None,
        body=body_of(event),
    )
    for target in event.targets:
        _ADD_TARGET.run(
            conn,
            tenant_id=tenant,
            event_row=row,
            folded_target_id=folded(target.id),
            folded_display_name=folded_or_none(target.display_name),
        )
    for grant_id in grants:
        mark = mark_of_grant(grant_id)
        _ADD_TARGET.run(conn, tenant_id=tenant, event_row=row, folded_target_id=mark, folded_display_name=None)


def list_audits(conn: Connection, tenant_id: TenantId, query: Query) -> Page[AuditEvent]:
    """A page of directory audits, newest first. Raises Invalid as `directory_objects.list` does."""
    return page_of(conn, _AUDITS, tenant_id, query, _audits_in)


def add_sign_ins(conn: Connection, attempts: Sequence[tuple[TenantId, SignIn]]) -> None:
    """Writes attempts at the token endpoint, each of its tenant."""
    _ADD_SIGN_IN.rows(conn, [_sign_in_values(tenant_id, sign_in) for tenant_id, sign_in in attempts])


def _sign_in_values(tenant_id: TenantId, sign_in: SignIn) -> dict[str, Any]:
    return {
        "tenant_id": guid(tenant_id),
        "at": micros(sign_in.at),
        "event_id": sign_in.id,
        "app_id": guid(sign_in.app_id),
        "folded_app_name": folded_or_none(sign_in.app_display_name),
        "service_principal_id": guid_or_none(sign_in.service_principal_id),
        "folded_credential_type": folded(sign_in.credential_type),
        "credential_key_id": guid_or_none(sign_in.credential_key_id),
        "error_code": sign_in.error_code,
        "folded_ip_address": folded_or_none(sign_in.ip_address),
        "folded_correlation_id": folded(sign_in.correlation_id),
        "resource_id": guid_or_none(sign_in.resource_id),
        "event_type": _EVENT_TYPES[sign_in.event_type],
        "user_id": guid(sign_in.user.id) if sign_in.user else None,
        "folded_user_principal_name": folded(sign_in.user.user_principal_name) if sign_in.user else None,
        "body": body_of(sign_in),
    }


def list_sign_ins(conn: Connection, tenant_id: TenantId, query: Query) -> Page[SignIn]:
    """A page of sign-ins, newest first. Raises Invalid as `directory_objects.list` does."""
    return page_of(conn, _SIGN_INS, tenant_id, query, _sign_ins_in)


def wrong_passwords(conn: Connection, tenant_id: TenantId, user_id: ObjectId, *, since: datetime) -> int:
    """How many attempts with a wrong password there were for this person after `since`."""
    row = _WRONG_PASSWORDS.one(conn, tenant_id=guid(tenant_id), user_id=guid(user_id), since=micros(since))
    return row[0] if row else 0
