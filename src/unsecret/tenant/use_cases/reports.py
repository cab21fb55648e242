"""When credentials and applications were last used, for who may read sign-ins.

https://learn.microsoft.com/en-us/graph/api/reportroot-list-appcredentialsigninactivities asks for AuditLog.Read.All.
"""

from __future__ import annotations

from unsecret.model.activity import CredentialActivity, PrincipalActivity
from unsecret.model.identifiers import AppId, KeyId
from unsecret.model.query import Page, Query
from unsecret.rules.permission import Operation
from unsecret.store import activity
from unsecret.tenant.use_cases.transaction import Transaction, not_found
from unsecret.wire.activity import reported_guid


def list_credential_activities(transaction: Transaction, query: Query) -> Page[CredentialActivity]:
    """A page of the credentials that are there and were used. Raises Forbidden, Invalid (another filter or order)."""
    transaction.permit(Operation.READ_SIGN_IN_LOG)
    return activity.list_credentials(transaction.conn, transaction.tenant_id, query)


def get_credential_activity(transaction: Transaction, identifier: str) -> CredentialActivity:
    """The use of one credential. Raises Forbidden, NotFound (also for one that was never used)."""
    transaction.permit(Operation.READ_SIGN_IN_LOG)
    key_id = reported_guid(identifier)
    found = activity.get_credential(transaction.conn, transaction.tenant_id, KeyId(key_id)) if key_id else None
    if found is None:
        raise not_found(identifier)
    return found


def list_principal_activities(transaction: Transaction, query: Query) -> Page[PrincipalActivity]:
    """A page of the applications that signed in or were signed in to. Raises as `list_credential_activities` does."""
    transaction.permit(Operation.READ_SIGN_IN_LOG)
    return activity.list_principals(transaction.conn, transaction.tenant_id, query)


def get_principal_activity(transaction: Transaction, identifier: str) -> PrincipalActivity:
    """The uses of one application. Raises Forbidden, NotFound."""
    transaction.permit(Operation.READ_SIGN_IN_LOG)
    app_id = reported_guid(identifier)
    found = activity.get_principal(transaction.conn, transaction.tenant_id, AppId(app_id)) if app_id else None
    if found is None:
        raise not_found(identifier)
    return found
