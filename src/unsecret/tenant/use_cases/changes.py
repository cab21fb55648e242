"""Everything there is, and then what was changed since.

https://learn.microsoft.com/en-us/graph/delta-query-overview. The first reading goes through the collection page by
page; what is changed meanwhile is told again at its end, so that nothing is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from unsecret.errors import Gone
from unsecret.model.application import ObjectKind
from unsecret.model.deleted import KEPT_FOR
from unsecret.model.delta import STATE_LASTS, Change, Changes, Removal, State
from unsecret.model.identifiers import ObjectId
from unsecret.model.people import AnyObject
from unsecret.model.query import Comparison, Operator, Page, Query
from unsecret.store import changes, directory_objects, users
from unsecret.store.changes import Found, Touched
from unsecret.tenant.use_cases.clearing import HARD_DELETE
from unsecret.tenant.use_cases.reading import permit_reading
from unsecret.tenant.use_cases.transaction import Transaction
from unsecret.wire.deltas import DeltaAsked


def list_changes(
    transaction: Transaction, asked: DeltaAsked, *, kind: ObjectKind, with_attributes: bool = False
) -> Changes[AnyObject]:
    """A page of what `asked` does not know yet. Raises Forbidden, Gone (the state is too old, or not of this place)."""
    permit_reading(transaction, kind, with_attributes=with_attributes)
    newest = changes.newest(transaction.conn, transaction.tenant_id)
    state = asked.state
    if state is not None:
        require_good(transaction, kind.value, state, newest)
        if state.cursor is None:
            return _since(transaction, asked, state, newest)
    else:
        state = State(
            tenant_id=transaction.tenant_id, kind=kind.value, made_at=transaction.now, known=newest, ids=asked.ids
        )
    state = msgspec.structs.replace(state, select=asked.select, made_at=transaction.now)
    return Changes(items=(), state=state, is_last=True) if asked.from_now else _page(transaction, asked, state)


def require_good(transaction: Transaction, kind: str, state: State, newest: int) -> None:
    """Raise Gone when a state is too old, or of another collection or tenant."""
    here = state.tenant_id == transaction.tenant_id and state.kind == kind and state.known <= newest
    if not here or state.made_at <= transaction.now - STATE_LASTS:
        raise Gone(
            "The state that this token stands for is not known any more. Read everything again: follow the address in "
            "the Location header.",
            code="resyncRequired",
        )


def _page(transaction: Transaction, asked: DeltaAsked, state: State) -> Changes[AnyObject]:
    """The next page of all that is there."""
    chosen = None if state.ids is None else Comparison("id", Operator.IN, state.ids)
    query = Query(filter=chosen, top=asked.top, after=state.cursor)
    page: Page[Any] = (
        users.list(transaction.conn, transaction.tenant_id, query)
        if state.kind == ObjectKind.USER
        else directory_objects.list(transaction.conn, transaction.tenant_id, ObjectKind(state.kind), query)
    )
    return Changes(
        items=tuple(Change(id=obj.id, object=obj) for obj in page.items),
        state=msgspec.structs.replace(state, cursor=page.next),
        is_last=page.next is None,
    )


def _since(transaction: Transaction, asked: DeltaAsked, state: State, newest: int) -> Changes[AnyObject]:
    """What was changed, each object once and as it is now."""
    touched, is_all = changes.since(transaction.conn, transaction.tenant_id, state.known, most=asked.top)
    wanted = [one for one in touched if state.ids is None or one.id in state.ids]
    found = changes.found(transaction.conn, transaction.tenant_id, dict.fromkeys(one.id for one in wanted))
    known = newest if is_all else touched[-1].row
    return Changes(
        items=tuple(_told(transaction, ObjectKind(state.kind), wanted, found)),
        state=msgspec.structs.replace(state, known=known, select=asked.select, made_at=transaction.now),
        is_last=is_all,
    )


def _told(
    transaction: Transaction, kind: ObjectKind, touched: Sequence[Touched], found: dict[ObjectId, Found]
) -> list[Change[AnyObject]]:
    gone = {one.id for one in touched if one.id not in found and changes.is_called(one, HARD_DELETE[kind])}
    told = [Change(id=identifier, removal=Removal.FOR_GOOD) for identifier in sorted(gone)]
    for identifier, one in found.items():
        if one.object.kind is not kind:
            continue
        if one.deleted_at is None:
            told.append(Change(id=identifier, object=one.object))
        else:
            for_good = one.deleted_at <= transaction.now - KEPT_FOR
            told.append(Change(id=identifier, removal=Removal.FOR_GOOD if for_good else Removal.RESTORABLE))
    return told
