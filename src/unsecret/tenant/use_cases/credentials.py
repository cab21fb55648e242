"""Secrets and certificates: how they come and go.

https://learn.microsoft.com/en-us/graph/api/application-addpassword
https://learn.microsoft.com/en-us/graph/api/application-update (keyCredentials)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import MAXYEAR, datetime, timedelta

import msgspec

from unsecret.errors import Invalid
from unsecret.model.application import (
    Application,
    DirectoryObject,
    KeyCredential,
    KeyType,
    KeyUsage,
    ObjectKind,
    PasswordCredential,
)
from unsecret.model.change import KeyAdded, PasswordAdded
from unsecret.model.event import Activity, ModifiedProperty, OperationType
from unsecret.model.identifiers import KeyId
from unsecret.store import credentials, policies
from unsecret.tenant import secrets
from unsecret.tenant.certificates import CertificateFacts, certificate_credential, read_certificate
from unsecret.tenant.random_guids import random_guid
from unsecret.tenant.use_cases.instance_lock import require_unlocked
from unsecret.tenant.use_cases.judging import require_lawful
from unsecret.tenant.use_cases.transaction import ObjectKey, Transaction
from unsecret.trust import TrustedLists
from unsecret.wire.credentials import KeyEntry, PasswordRequest
from unsecret.wire.logs import key_description, updated_properties

DEFAULT_LIFETIME_YEARS = 2
"""addPassword without an end date ends two years after its start."""

MOST_CREDENTIALS = 1200
"""Entra's limit of entries in one application object."""

_ROUNDING = timedelta(seconds=1)
"""Clients drop fractions of a second: an end date this much past the certificate's own is the same date."""

ADDED = {
    ObjectKind.APPLICATION: Activity.UPDATE_APPLICATION_CREDENTIALS,
    ObjectKind.SERVICE_PRINCIPAL: Activity.ADD_SERVICE_PRINCIPAL_CREDENTIALS,
}
REMOVED = {
    ObjectKind.APPLICATION: Activity.UPDATE_APPLICATION_CREDENTIALS,
    ObjectKind.SERVICE_PRINCIPAL: Activity.REMOVE_SERVICE_PRINCIPAL_CREDENTIALS,
}


def add_password(
    transaction: Transaction, kind: ObjectKind, key: ObjectKey, decode: Callable[[], PasswordRequest]
) -> tuple[PasswordCredential, str]:
    """Make a client secret. Returns the credential and its text, which is kept nowhere.

    Raises NotFound, Forbidden, Invalid (dates), PolicyDenied.
    """
    target = transaction.find(kind, key)
    transaction.attempt_on(target, ADDED[kind], OperationType.UPDATE)
    transaction.permit_write(target)
    asked = decode()
    credential, text = new_password(asked, transaction.now)
    require_lawful(transaction, target, [password_addition(credential, asked)])
    _require_generated((asked,))
    after = msgspec.structs.replace(target, password_credentials=(*target.password_credentials, credential))
    require_unlocked(transaction, target, after)
    require_room(after)
    credentials.add_password(transaction.conn, transaction.tenant_id, target.id, credential, secrets.digest(text))
    transaction.record(*described(target, after))
    return credential, text


def require_room(after: DirectoryObject) -> None:
    """Raise Invalid when an object would hold more credentials than a directory object can.

    https://learn.microsoft.com/en-us/entra/identity-platform/reference-app-manifest (manifest size)
    """
    if len(after.password_credentials) + len(after.key_credentials) > MOST_CREDENTIALS:
        raise Invalid(
            "The size of the manifest has exceeded its limit. Please reduce the number of values and retry your "
            f"request: '{after.display_name}' can hold {MOST_CREDENTIALS} credentials."
        )


def remove_password(transaction: Transaction, kind: ObjectKind, key: ObjectKey, decode: Callable[[], KeyId]) -> None:
    """Remove a client secret. No policy can forbid it. Raises NotFound, Forbidden, Invalid (unknown keyId)."""
    target = transaction.find(kind, key)
    transaction.attempt_on(target, REMOVED[kind], OperationType.UPDATE)
    transaction.permit_write(target)
    key_id = decode()
    remaining = tuple(password for password in target.password_credentials if password.key_id != key_id)
    after = msgspec.structs.replace(target, password_credentials=remaining)
    require_unlocked(transaction, target, after)
    if not credentials.remove_password(transaction.conn, transaction.tenant_id, target.id, key_id):
        raise Invalid(f"No password credential found with keyId '{key_id}'.", target="keyId")
    transaction.record(*described(target, after))


def new_password(asked: PasswordRequest, now: datetime) -> tuple[PasswordCredential, str]:
    """A secret as asked for, dates defaulted, its text freshly made. Raises Invalid when it would end before
    it starts."""
    start = asked.start_at or now
    end = asked.end_at or years_after(start, DEFAULT_LIFETIME_YEARS)
    if end <= start:
        raise Invalid("The endDateTime of a password must be later than its startDateTime.", target="endDateTime")
    text = secrets.new_secret()
    credential = PasswordCredential(
        key_id=asked.key_id or KeyId(random_guid()),
        display_name=asked.display_name,
        start_at=start,
        end_at=end,
        hint=secrets.hint(text),
    )
    return credential, text


def password_addition(credential: PasswordCredential, asked: PasswordRequest) -> PasswordAdded:
    """The same secret as the law sees it."""
    return PasswordAdded(
        start_at=credential.start_at, end_at=credential.end_at, is_custom=asked.secret_text is not None
    )


def _require_generated(asked: Sequence[PasswordRequest]) -> None:
    """Raise Invalid when a caller chose the text of a secret: Graph generates every one. Called after the
    law has been asked, so that a policy's refusal is the one that is heard."""
    if any(request.secret_text is not None for request in asked):
        raise Invalid(
            "The property 'secretText' is read-only: the service generates it. Leave it out.", target="secretText"
        )


def years_after(start: datetime, years: int) -> datetime:
    """The same day, `years` later; 29 February becomes 28 February, as .NET's AddYears has it."""
    try:
        return start.replace(year=start.year + years)
    except ValueError as not_a_day:
        if (start.month, start.day) == (2, 29) and start.year + years <= MAXYEAR:
            return start.replace(year=start.year + years, day=28)
        raise Invalid("The startDateTime lies too far in the future.", target="startDateTime") from not_a_day


# -- certificates and symmetric keys -----------------------------------------------------------------------------


def merged_keys(
    existing: Sequence[KeyCredential], entries: Sequence[KeyEntry], now: datetime
) -> tuple[KeyCredential, ...]:
    """The key credentials after a write that sends `entries`: what is not sent is gone, an entry with a known
    keyId and no key stays as it is, everything else is new.

    Raises Invalid when an entry would change an existing key, or is not a usable key.
    """
    known = {key.key_id: key for key in existing}
    merged: list[KeyCredential] = []
    for entry in entries:
        stored = known.get(entry.key_id) if entry.key_id else None
        merged.append(_unchanged(stored, entry) if stored else _new_key(entry, now))
    identifiers = [key.key_id for key in merged]
    if len(set(identifiers)) != len(identifiers):
        raise Invalid("Two keyCredentials have the same keyId.", target="keyCredentials")
    return tuple(merged)


def _unchanged(stored: KeyCredential, entry: KeyEntry) -> KeyCredential:
    """Graph lets nobody edit a key in place, so that an echoed entry can never alter one by accident."""
    same = (
        (entry.key is None or entry.key == stored.key)
        and entry.type in (None, stored.type)
        and entry.usage in (None, stored.usage)
        and entry.display_name in (None, stored.display_name)
        and entry.custom_key_identifier in (None, stored.custom_key_identifier)
        and _same_instant(entry.start_at, stored.start_at)
        and _same_instant(entry.end_at, stored.end_at)
    )
    if not same:
        raise Invalid(
            f"Update to existing credential with KeyId '{stored.key_id}' is not allowed. Add a new key instead.",
            target="keyCredentials",
        )
    return stored


def _same_instant(sent: datetime | None, stored: datetime) -> bool:
    return sent is None or abs(sent - stored) < _ROUNDING


def _new_key(entry: KeyEntry, now: datetime) -> KeyCredential:
    if entry.type is None or entry.usage is None:
        raise Invalid("A new key credential needs 'type' and 'usage'.", target="keyCredentials")
    if entry.key is None:
        raise Invalid(
            "A new key credential needs 'key'. (A known keyId without key leaves a key as it is.)", target="key"
        )
    key_id = entry.key_id or KeyId(random_guid())
    if entry.type is KeyType.SYMMETRIC:
        return _symmetric(entry, key_id, now)
    return _certificate(entry, key_id, read_certificate(entry.key))


def _symmetric(entry: KeyEntry, key_id: KeyId, now: datetime) -> KeyCredential:
    """A symmetric key's bytes are a secret: they are not kept."""
    start = entry.start_at or now
    end = entry.end_at or years_after(start, DEFAULT_LIFETIME_YEARS)
    _require_order(start, end)
    return KeyCredential(
        key_id=key_id,
        type=KeyType.SYMMETRIC,
        usage=entry.usage or KeyUsage.VERIFY,
        display_name=entry.display_name,
        custom_key_identifier=entry.custom_key_identifier,
        start_at=start,
        end_at=end,
    )


def _certificate(entry: KeyEntry, key_id: KeyId, facts: CertificateFacts) -> KeyCredential:
    start = entry.start_at or facts.not_before
    end = entry.end_at or facts.not_after
    _require_order(start, end)
    if end > facts.not_after + _ROUNDING:
        raise Invalid(
            "Key credential end date is invalid: it lies after the end of the certificate.",
            code="KeyCredentialsInvalidEndDate",
            target="endDateTime",
        )
    return msgspec.structs.replace(
        certificate_credential(facts, entry.type or KeyType.CERTIFICATE, entry.usage or KeyUsage.VERIFY),
        key_id=key_id,
        display_name=entry.display_name or facts.subject,
        custom_key_identifier=entry.custom_key_identifier or facts.thumbprint,
        start_at=start,
        end_at=end,
    )


def _require_order(start: datetime, end: datetime) -> None:
    if end <= start:
        raise Invalid("The endDateTime of a key must be later than its startDateTime.", target="endDateTime")


def key_additions(
    transaction: Transaction, before: Sequence[KeyCredential], after: Sequence[KeyCredential]
) -> list[KeyAdded]:
    """The keys of `after` that `before` does not have, as the law sees them."""
    known = {key.key_id for key in before}
    added = [key for key in after if key.key_id not in known]
    if not added:
        return []
    trusted = TrustedLists(policies.list_trusted_configurations(transaction.conn, transaction.tenant_id))
    return [
        KeyAdded(type=key.type, start_at=key.start_at, end_at=key.end_at, trusted_by=trusted.vouching_for(key.key))
        for key in added
    ]


def described(before: DirectoryObject | None, after: DirectoryObject) -> tuple[ModifiedProperty, ...]:
    """The audit's `modifiedProperties` for a change of credentials: the complete lists before and after."""
    return (
        key_description(
            (before.password_credentials, before.key_credentials) if before else None,
            (after.password_credentials, after.key_credentials),
        ),
        updated_properties(["KeyDescription"]),
    )


def credentials_changed(before: DirectoryObject, after: DirectoryObject) -> bool:
    """Whether a write touched a secret or a key."""
    return before.password_credentials != after.password_credentials or before.key_credentials != after.key_credentials


def holds_credentials(application: Application) -> bool:
    """Whether an application has any way to prove itself."""
    return bool(application.password_credentials or application.key_credentials)
