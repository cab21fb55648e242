"""Whose tokens an application may sign in with: federated identity credentials.

https://learn.microsoft.com/en-us/graph/api/resources/federatedidentitycredential. No app management policy speaks of
them: they are what secrets are to give way to.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from unsecret.errors import Conflict, Invalid
from unsecret.model.application import DirectoryObject, ObjectKind
from unsecret.model.event import Activity, OperationType
from unsecret.model.federation import FederatedIdentityCredential
from unsecret.model.identifiers import canonical_guid
from unsecret.model.query import Page, Query
from unsecret.rules.federation import INVALID_VALUE, expressible
from unsecret.store import federation
from unsecret.tenant.use_cases.reading import get_object
from unsecret.tenant.use_cases.transaction import ObjectKey, Transaction, not_found
from unsecret.wire.federation import federated_properties

MOST_FEDERATED_CREDENTIALS = 20
"""Of one application."""

Decode = Callable[[FederatedIdentityCredential | None, str], FederatedIdentityCredential]
"""Reads a request against the stored credential (None: it is to be made, with this id)."""

_UPDATED = {
    ObjectKind.APPLICATION: Activity.UPDATE_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Activity.UPDATE_SERVICE_PRINCIPAL,
}


def list_federated_credentials(
    transaction: Transaction, kind: ObjectKind, key: ObjectKey, query: Query
) -> tuple[DirectoryObject, Page[FederatedIdentityCredential]]:
    """The object and a page of its credentials. Raises Forbidden, NotFound, Invalid."""
    target = get_object(transaction, kind, key)
    conn, tenant_id = transaction.conn, transaction.tenant_id
    return target, federation.list_federated_credentials(conn, tenant_id, target.id, query)


def get_federated_credential(
    transaction: Transaction, kind: ObjectKind, key: ObjectKey, credential_key: str
) -> tuple[DirectoryObject, FederatedIdentityCredential]:
    """The object and one of its credentials, by id or by name. Raises Forbidden, NotFound."""
    target = get_object(transaction, kind, key)
    credential = _named(_credentials_of(transaction, target), credential_key)
    if credential is None:
        raise not_found(credential_key)
    return target, credential


def create_federated_credential(
    transaction: Transaction, kind: ObjectKind, key: ObjectKey, decode: Decode
) -> tuple[DirectoryObject, FederatedIdentityCredential]:
    """Trust an issuer's tokens. Raises NotFound, Forbidden, Invalid (values, the limit), Conflict (the name)."""
    target = _target_to_change(transaction, kind, key)
    return target, _create(transaction, target, decode)


def update_federated_credential(
    transaction: Transaction,
    kind: ObjectKind,
    key: ObjectKey,
    credential_key: str,
    decode: Decode,
    *,
    create_if_missing: bool,
) -> tuple[DirectoryObject, FederatedIdentityCredential | None]:
    """Change what is trusted. Gives back the credential only when it was not there and has been made.

    https://learn.microsoft.com/en-us/graph/api/federatedidentitycredential-upsert. Raises NotFound, Forbidden, Invalid.
    """
    target = _target_to_change(transaction, kind, key)
    present = _credentials_of(transaction, target)
    before = _named(present, credential_key)
    if before is None:
        if not create_if_missing:
            raise not_found(credential_key)
        return target, _create(transaction, target, decode)
    after = decode(before, before.id)
    others = [one for one in present if one.id != before.id]
    _require_trustworthy(after, others)
    federation.replace_federated_credential(transaction.conn, transaction.tenant_id, target.id, after)
    changed = tuple(after if one.id == before.id else one for one in present)
    transaction.record(*federated_properties(present, changed))
    return target, None


def delete_federated_credential(
    transaction: Transaction, kind: ObjectKind, key: ObjectKey, credential_key: str
) -> None:
    """Trust it no longer: the next sign-in with it is refused. Raises NotFound, Forbidden."""
    target = _target_to_change(transaction, kind, key)
    present = _credentials_of(transaction, target)
    credential = _named(present, credential_key)
    if credential is None:
        raise not_found(credential_key)
    federation.remove_federated_credential(transaction.conn, transaction.tenant_id, target.id, credential.id)
    transaction.record(*federated_properties(present, [one for one in present if one.id != credential.id]))


def _target_to_change(transaction: Transaction, kind: ObjectKind, key: ObjectKey) -> DirectoryObject:
    target = transaction.find(kind, key)
    transaction.attempt_on(target, _UPDATED[kind], OperationType.UPDATE)
    transaction.permit_write(target)
    return target


def _create(transaction: Transaction, target: DirectoryObject, decode: Decode) -> FederatedIdentityCredential:
    credential = decode(None, str(uuid.uuid4()))
    present = _credentials_of(transaction, target)
    if any(one.name.casefold() == credential.name.casefold() for one in present):
        raise Conflict(f"FederatedIdentityCredential with name {credential.name} already exists.", target="name")
    if len(present) >= MOST_FEDERATED_CREDENTIALS:
        raise Invalid(
            f"'{target.display_name}' has {len(present)} federated identity credentials, which is the most that an "
            "application can have. Delete one first.",
            target="federatedIdentityCredentials",
        )
    _require_trustworthy(credential, present)
    federation.add_federated_credential(transaction.conn, transaction.tenant_id, target.id, credential)
    transaction.record(*federated_properties(present, (*present, credential)))
    return credential


def _require_trustworthy(
    credential: FederatedIdentityCredential, others: Sequence[FederatedIdentityCredential]
) -> None:
    """Raise Invalid unless the credential says by one of two means who is meant, and no other says the same."""
    expression = credential.claims_matching_expression
    if (credential.subject is None) is (expression is None):
        raise Invalid(
            "A federated identity credential has either a 'subject' or (on the beta endpoint) a "
            "'claimsMatchingExpression', and the other one is null.",
            code=INVALID_VALUE,
            target="subject",
        )
    if expression is not None:
        verdict = expressible(credential.issuer, expression.value)
        if not verdict.allowed:
            reason = verdict.reasons[0]
            raise Invalid(reason.message, code=INVALID_VALUE, target=reason.target)
    meant = (credential.issuer, credential.subject, expression)
    if any((one.issuer, one.subject, one.claims_matching_expression) == meant for one in others):
        raise Invalid(
            "The combination of issuer and subject must be unique for the application. "
            f"Issuer {credential.issuer} and Subject: {credential.subject or (expression and expression.value)} "
            "already exist.",
            code=INVALID_VALUE,
            target="subject",
        )


def _credentials_of(transaction: Transaction, target: DirectoryObject) -> tuple[FederatedIdentityCredential, ...]:
    return federation.federated_credentials_of(transaction.conn, transaction.tenant_id, target.id)


def _named(present: Sequence[FederatedIdentityCredential], key: str) -> FederatedIdentityCredential | None:
    """By its id, or by its name: clients put either into the same place, or write `(name='…')`."""
    name, equals, value = key.partition("=")
    if equals and name != "name":
        raise Invalid(f"'{name[:64]}' is not a key of federatedIdentityCredential. Use the id, or (name='…').")
    wanted = (value if equals else key).casefold()
    guid = None if equals else canonical_guid(key)
    return next((one for one in present if one.id == guid or one.name.casefold() == wanted), None)
