"""Keys that come and go with a proof that another one is held, and certificates that are made here to sign tokens.

https://learn.microsoft.com/en-us/graph/api/application-addkey
https://learn.microsoft.com/en-us/graph/api/application-removekey
https://learn.microsoft.com/en-us/graph/api/serviceprincipal-addtokensigningcertificate
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from unsecret.errors import Invalid, UnsecretError
from unsecret.model.application import (
    DirectoryObject,
    KeyCredential,
    KeyType,
    KeyUsage,
    ObjectKind,
    PasswordCredential,
)
from unsecret.model.change import PasswordAdded
from unsecret.model.event import OperationType
from unsecret.store import credentials, directory_objects
from unsecret.tenant.certificates import CertificateFacts, certificate_credential
from unsecret.tenant.proofs import require_proof
from unsecret.tenant.use_cases.credentials import (
    ADDED,
    REMOVED,
    described,
    key_additions,
    merged_keys,
    require_room,
    years_after,
)
from unsecret.tenant.use_cases.instance_lock import require_unlocked
from unsecret.tenant.use_cases.judging import require_lawful
from unsecret.tenant.use_cases.transaction import ObjectKey, Transaction
from unsecret.wire.key_actions import AddKey, RemoveKey

SIGNING_YEARS = 3
"""How long a certificate that is made here may last, and does when nobody says."""

_PREFERRED = "preferredTokenSigningKeyThumbprint"


def add_key(transaction: Transaction, kind: ObjectKind, key: ObjectKey, decode: Callable[[], AddKey]) -> KeyCredential:
    """Add a certificate. Raises NotFound, Forbidden, Unauthenticated (the proof), Invalid, PolicyDenied."""
    target = transaction.find(kind, key)
    transaction.attempt_on(target, ADDED[kind], OperationType.UPDATE)
    transaction.permit_rolling(target)
    asked = decode()
    require_proof(
        asked.proof, kind, target.id, target.key_credentials, now=transaction.now, signed_at=transaction.machine_now
    )
    signs = _signs(asked)
    keys = (*target.key_credentials, *merged_keys((), (asked.key,), transaction.now))
    if len({one.key_id for one in keys}) != len(keys):
        raise Invalid(f"The keyId '{asked.key.key_id}' is taken. Leave it out to have one made.", target="keyId")
    after = msgspec.structs.replace(target, key_credentials=keys)
    if signs:
        after = _with_password(after, keys[-1])
    opener = [PasswordAdded(start_at=keys[-1].start_at, end_at=keys[-1].end_at, is_custom=True)] if signs else []
    require_lawful(transaction, after, [*opener, *key_additions(transaction, target.key_credentials, keys)])
    require_unlocked(transaction, target, after)
    _store(transaction, target, after)
    transaction.record(*described(target, after))
    return keys[-1]


def remove_key(transaction: Transaction, kind: ObjectKind, key: ObjectKey, decode: Callable[[], RemoveKey]) -> None:
    """Remove a key, and the password that goes with it. Raises NotFound, Forbidden, Unauthenticated, Invalid."""
    target = transaction.find(kind, key)
    transaction.attempt_on(target, REMOVED[kind], OperationType.UPDATE)
    transaction.permit_rolling(target)
    asked = decode()
    require_proof(
        asked.proof, kind, target.id, target.key_credentials, now=transaction.now, signed_at=transaction.machine_now
    )
    keys = tuple(one for one in target.key_credentials if one.key_id != asked.key_id)
    if keys == target.key_credentials:
        raise Invalid("No credentials found to be removed.", target="keyId")
    passwords = tuple(one for one in target.password_credentials if one.key_id != asked.key_id)
    after = msgspec.structs.replace(target, key_credentials=keys, password_credentials=passwords)
    require_unlocked(transaction, target, after)
    _store(transaction, target, after)
    transaction.record(*described(target, after))


def may_sign(transaction: Transaction, key: ObjectKey) -> bool:
    """Whether `add_token_signing_certificate` is permitted, as far as can be told now."""
    try:
        transaction.permit_write(transaction.find(ObjectKind.SERVICE_PRINCIPAL, key))
    except UnsecretError:
        return False
    return True


def add_token_signing_certificate(
    transaction: Transaction, key: ObjectKey, make: Callable[[], CertificateFacts]
) -> KeyCredential:
    """Keep a certificate as what signs SAML tokens of a service principal: once as the private key (of which nothing is
    kept), once as the public one, and the password of the former. Gives back the public one. `make` makes it, which
    takes long: whoever calls has seen to it that it was made before.

    Raises NotFound, Forbidden, PolicyDenied, Invalid (locked).
    """
    target = transaction.find(ObjectKind.SERVICE_PRINCIPAL, key)
    transaction.attempt_on(target, ADDED[target.kind], OperationType.UPDATE)
    transaction.permit_write(target)
    certificate = make()
    private = certificate_credential(certificate, KeyType.CERTIFICATE_AND_PASSWORD, KeyUsage.SIGN)
    public = certificate_credential(certificate, KeyType.CERTIFICATE, KeyUsage.VERIFY)
    keys = (*target.key_credentials, private, public)
    preferred = target.other.get(_PREFERRED) or certificate.thumbprint
    after = msgspec.structs.replace(target, key_credentials=keys, other=target.other | {_PREFERRED: preferred})
    after = _with_password(after, private)
    require_lawful(transaction, after, key_additions(transaction, target.key_credentials, keys))
    require_unlocked(transaction, target, after)
    directory_objects.replace(transaction.conn, transaction.tenant_id, after)
    _store(transaction, target, after)
    transaction.record(*described(target, after))
    return public


def require_signing_end(end_at: datetime | None, now: datetime) -> datetime:
    """When a certificate that signs tokens ends. Raises Invalid for one that has ended, or lasts too long."""
    latest = years_after(now, SIGNING_YEARS)
    if end_at is not None and not now < end_at <= latest:
        raise Invalid(
            f"The endDateTime of a token signing certificate lies within {SIGNING_YEARS} years from now.",
            target="endDateTime",
        )
    return end_at or latest


def _signs(asked: AddKey) -> bool:
    """Whether it is a certificate that signs, which has a password, and not one to sign in with, which has none.
    Raises Invalid for everything else."""
    kind, has_password = (asked.key.type, asked.key.usage), asked.password is not None
    if kind == (KeyType.CERTIFICATE, KeyUsage.VERIFY) and not has_password:
        return False
    secret = asked.password.secret_text if asked.password else None
    if kind == (KeyType.CERTIFICATE_AND_PASSWORD, KeyUsage.SIGN) and secret:
        return True
    raise Invalid(
        "addKey takes a keyCredential of type AsymmetricX509Cert and usage Verify with passwordCredential null, or of "
        "type X509CertAndPassword and usage Sign with the secretText of a passwordCredential.",
        target="keyCredential",
    )


def _with_password(target: DirectoryObject, key: KeyCredential) -> DirectoryObject:
    """`target` with the password of a key's file. Its text opens that file, and signs nobody in: it is not kept."""
    password = PasswordCredential(
        key_id=key.key_id, display_name=key.display_name, start_at=key.start_at, end_at=key.end_at
    )
    return msgspec.structs.replace(target, password_credentials=(*target.password_credentials, password))


def _store(transaction: Transaction, before: DirectoryObject, after: DirectoryObject) -> None:
    require_room(after)
    conn, tenant_id = transaction.conn, transaction.tenant_id
    credentials.set_keys(conn, tenant_id, after.id, after.key_credentials)
    kept = {password.key_id for password in after.password_credentials}
    known = {password.key_id for password in before.password_credentials}
    for password in before.password_credentials:
        if password.key_id not in kept:
            credentials.remove_password(conn, tenant_id, after.id, password.key_id)
    for password in after.password_credentials:
        if password.key_id not in known:
            credentials.add_password(conn, tenant_id, after.id, password, None)
