"""Every delegated permission grant there is, and then which were made, changed or withdrawn since.

https://learn.microsoft.com/en-us/graph/api/oauth2permissiongrant-delta. A grant is shown as long as the client, the
resource and the person that it is for are there, so what becomes of those is a change of the grant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from unsecret.model.consent import OAuth2PermissionGrant
from unsecret.model.delta import Change, Changes, Removal, State
from unsecret.model.event import Activity
from unsecret.model.query import Query
from unsecret.rules.permission import Operation
from unsecret.store import changes, consent
from unsecret.store.changes import Touched
from unsecret.tenant.use_cases.changes import require_good
from unsecret.tenant.use_cases.transaction import Transaction
from unsecret.wire.deltas import DeltaAsked

_KIND = "oAuth2PermissionGrant"
_COME_AND_GO = (
    *(Activity.REMOVE_SERVICE_PRINCIPAL, Activity.RESTORE_SERVICE_PRINCIPAL),
    *(Activity.DELETE_USER, Activity.RESTORE_USER),
)
"""What hides grants, and what shows them again. What is deleted for good names its grants itself."""


def list_grant_changes(transaction: Transaction, asked: DeltaAsked) -> Changes[OAuth2PermissionGrant]:
    """A page of what `asked` does not know yet. Raises Forbidden, Gone (the state is too old, or not of this place)."""
    transaction.permit(Operation.READ_PERMISSION_GRANT)
    newest = changes.newest(transaction.conn, transaction.tenant_id)
    state = asked.state
    if state is not None:
        require_good(transaction, _KIND, state, newest)
        if state.cursor is None:
            return _since(transaction, asked, state, newest)
    else:
        state = State(tenant_id=transaction.tenant_id, kind=_KIND, made_at=transaction.now, known=newest, ids=asked.ids)
    state = msgspec.structs.replace(state, select=asked.select, made_at=transaction.now)
    if asked.from_now:
        return Changes(items=(), state=state, is_last=True)
    if state.ids is not None:
        named = tuple(change for change in _as_they_are(transaction, state.ids) if change.object is not None)
        return Changes(items=named, state=state, is_last=True)
    page = consent.list(transaction.conn, transaction.tenant_id, Query(top=asked.top, after=state.cursor))
    return Changes(
        items=tuple(Change(id=grant.id, object=grant) for grant in page.items),
        state=msgspec.structs.replace(state, cursor=page.next),
        is_last=page.next is None,
    )


def _since(transaction: Transaction, asked: DeltaAsked, state: State, newest: int) -> Changes[OAuth2PermissionGrant]:
    """What was changed, each grant once and as it is now."""
    touched, is_all = changes.since(transaction.conn, transaction.tenant_id, state.known, most=asked.top)
    ids = dict.fromkeys(one for one in _grants_in(transaction, touched) if state.ids is None or one in state.ids)
    known = newest if is_all else touched[-1].row
    return Changes(
        items=tuple(_as_they_are(transaction, ids)),
        state=msgspec.structs.replace(state, known=known, select=asked.select, made_at=transaction.now),
        is_last=is_all,
    )


def _grants_in(transaction: Transaction, touched: Iterable[Touched]) -> Iterator[str]:
    for one in touched:
        grant_id = changes.marked_grant(one.id)
        if grant_id is not None:
            yield grant_id
        elif any(changes.is_called(one, activity) for activity in _COME_AND_GO):
            yield from consent.ids_with_end(transaction.conn, transaction.tenant_id, one.id)


def _as_they_are(transaction: Transaction, ids: Iterable[str]) -> Iterator[Change[OAuth2PermissionGrant]]:
    """Nobody restores a grant, so that one that is not there is told as deleted: should the person come back whom it is
    for, it is told anew."""
    for grant_id in ids:
        grant = consent.get(transaction.conn, transaction.tenant_id, grant_id)
        yield Change(id=grant_id, object=grant, removal=Removal.FOR_GOOD if grant is None else None)
