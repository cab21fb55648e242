"""What becomes of deleted objects that nobody restored in time."""

from __future__ import annotations

from unsecret.model.application import ObjectKind
from unsecret.model.deleted import KEPT_FOR
from unsecret.model.event import Activity
from unsecret.store import deleted_objects
from unsecret.tenant.use_cases.transaction import Transaction, target_of

HARD_DELETE = {
    ObjectKind.APPLICATION: Activity.HARD_DELETE_APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL: Activity.HARD_DELETE_SERVICE_PRINCIPAL,
    ObjectKind.USER: Activity.HARD_DELETE_USER,
}


def clear_expired(transaction: Transaction) -> None:
    """Take away what was deleted more than 30 days ago, and write that down as nobody's doing.

    Called by whatever needs the room: their names are free again, and nobody can see them any more.
    """
    until = transaction.now - KEPT_FOR
    for gone in deleted_objects.expired(transaction.conn, transaction.tenant_id, until=until):
        deleted_objects.purge(transaction.conn, transaction.tenant_id, gone.object.id)
        transaction.record_expiry(HARD_DELETE[gone.object.kind], target_of(gone.object))
