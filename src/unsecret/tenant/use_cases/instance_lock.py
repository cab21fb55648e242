"""The lock that an application puts on its service principals (`servicePrincipalLockConfiguration`).

https://learn.microsoft.com/en-us/graph/api/resources/serviceprincipallockconfiguration. It keeps whoever administers a
tenant from signing in as somebody else's application. The application is looked for in this tenant, and the lock holds
at home, too: people unlock their own application there before its service principal takes a secret.
"""

from __future__ import annotations

from typing import Any

from unsecret.errors import Invalid
from unsecret.model.application import DirectoryObject, KeyUsage, ObjectKind, ServicePrincipal
from unsecret.store import directory_objects
from unsecret.tenant.use_cases.transaction import Transaction

_LOCK = "servicePrincipalLockConfiguration"
_ENCRYPTION = "tokenEncryptionKeyId"
_FLAG_OF = {KeyUsage.VERIFY: "credentialsWithUsageVerify", KeyUsage.SIGN: "credentialsWithUsageSign"}


def require_unlocked(transaction: Transaction, before: DirectoryObject, after: DirectoryObject) -> None:
    """Raise Invalid when `after` differs from `before` in what the application has locked. Graph's code and words."""
    if not isinstance(before, ServicePrincipal) or not isinstance(after, ServicePrincipal):
        return
    changed = {name: flags for name, flags in _changed(before, after).items() if flags}
    if not changed:
        return
    application = directory_objects.get_by_app_id(
        transaction.conn, transaction.tenant_id, ObjectKind.APPLICATION, before.app_id
    )
    lock: dict[str, Any] = (application.other.get(_LOCK) if application else None) or {}
    if not lock.get("isEnabled"):
        return
    for name, flags in changed.items():
        if lock.get("allProperties") or any(lock.get(flag) for flag in flags):
            raise Invalid(
                f"Property {name} is invalid. The application has locked it: change '{_LOCK}' of the application, or "
                "put the credential on the application itself.",
                code="CannotUpdateLockedServicePrincipalProperty",
                target=name,
            )


def _changed(before: ServicePrincipal, after: ServicePrincipal) -> dict[str, set[str]]:
    """Property → the flags of the lock that speak of what changed in it."""
    signs = {key.key_id for key in (*before.key_credentials, *after.key_credentials) if key.usage is KeyUsage.SIGN}
    keys = set(before.key_credentials) ^ set(after.key_credentials)
    passwords = set(before.password_credentials) ^ set(after.password_credentials)
    encryption = before.other.get(_ENCRYPTION) != after.other.get(_ENCRYPTION)
    usages = [KeyUsage.SIGN if password.key_id in signs else KeyUsage.VERIFY for password in passwords]
    return {
        "passwordCredentials": {_FLAG_OF[usage] for usage in usages},
        "keyCredentials": {_FLAG_OF.get(key.usage, "allProperties") for key in keys},
        _ENCRYPTION: {_ENCRYPTION} if encryption else set(),
    }
