"""Pages of a collection, cut by key and not by number: they stay right while others insert and delete.

A cursor says after which (sort value, row) the next page begins. It is opaque to everyone else, and it is only
good for the order in which it was made.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, Connection, Executable, and_, func, or_, select

from unsecret.errors import Invalid
from unsecret.model.identifiers import TenantId
from unsecret.model.query import OrderBy, Page, Query
from unsecret.store.columns import guid
from unsecret.store.expressions import unindexed
from unsecret.store.filters import Property, compile_filter, leads_elsewhere

T = TypeVar("T")


class Collection(Struct, frozen=True, kw_only=True):
    """What can be listed: its rows, the columns that make a noun, and Graph's words for asking about it.

    `orders` maps the property names of `$orderby` to columns. `newest_first` turns the default order around; it then
    follows `newest_first` and not the row.
    """

    row: ColumnElement[int]
    tenant_id: ColumnElement[bytes]
    columns: Sequence[ColumnElement[Any]]
    conditions: Sequence[ColumnElement[bool]]
    properties: Mapping[str, Property]
    orders: Mapping[str, ColumnElement[Any]]
    newest_first: ColumnElement[Any] | None = None


_Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class _Cursor(Struct, frozen=True, array_like=True):
    """Where a page ended, and in which order."""

    property: str
    descending: bool
    value: _Int64 | str
    row: _Int64


class _Order(Struct, frozen=True, kw_only=True):
    """The order of one listing: by `key`, and by `row` among equals; by `row` alone without a key."""

    property: str
    descending: bool
    key: ColumnElement[Any] | None
    row: ColumnElement[int]

    def columns(self) -> Sequence[ColumnElement[Any]]:
        """What to sort by."""
        columns = [self.row] if self.key is None else [self.key, self.row]
        return [column.desc() for column in columns] if self.descending else columns

    def beyond(self, cursor: _Cursor) -> ColumnElement[bool]:
        """Past the end of a page. The bound on the key alone is for the index; the rest settles equals."""
        row_beyond = self.row < cursor.row if self.descending else self.row > cursor.row
        if self.key is None:
            return row_beyond
        if self.descending:
            return and_(self.key <= cursor.value, or_(self.key < cursor.value, row_beyond))
        return and_(self.key >= cursor.value, or_(self.key > cursor.value, row_beyond))

    def cursor(self, last: Sequence[Any]) -> str:
        """The cursor of the page after `last`, a row that begins with key and row."""
        made = _Cursor(self.property, self.descending, last[0], last[1])
        return urlsafe_b64encode(msgspec.json.encode(made)).rstrip(b"=").decode()

    def parsed(self, text: str) -> _Cursor:
        """Raises Invalid for a cursor that this order did not make."""
        try:
            cursor = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Cursor)
        except (ValueError, msgspec.MsgspecError):
            cursor = None
        if cursor is None or not self._made(cursor):
            raise Invalid(
                "The $skiptoken does not belong to this query. Follow @odata.nextLink as it is, or begin again.",
                target="$skiptoken",
            )
        return cursor

    def _made(self, cursor: _Cursor) -> bool:
        """Whether it is of this order. PostgreSQL compares nothing with a value of another type, and takes no NUL."""
        if (cursor.property, cursor.descending) != (self.property, self.descending):
            return False
        kept = int if self.key is None else self.key.type.python_type
        return isinstance(cursor.value, kept) and "\0" not in str(cursor.value)


def page_of(
    conn: Connection,
    collection: Collection,
    tenant_id: TenantId,
    query: Query,
    read: Callable[[Sequence[Any]], Sequence[T]],
    *chosen: ColumnElement[bool],
) -> Page[T]:
    """One page of those of the tenant that are `chosen` and meet `query`; `read` turns rows of `columns` into nouns.

    Raises Invalid for a filter or an order that the collection does not have, and for a foreign cursor.
    """
    tenant = guid(tenant_id)
    led = bool(chosen) or leads_elsewhere(query.filter, collection.properties)
    of_tenant = unindexed(collection.tenant_id) if led else collection.tenant_id
    conditions = [of_tenant == tenant, *collection.conditions, *chosen]
    if query.filter is not None:
        conditions.append(compile_filter(query.filter, collection.properties, tenant))
    order = _order_of(collection, query.order_by)
    if query.count and query.top == 0:
        return Page(items=(), count=_count(conn, collection, conditions))
    rows = conn.execute(_question(collection, conditions, order, query)).all()
    kept = rows[: query.top]
    return Page(
        items=tuple(read([row[2:] for row in kept])),
        next=order.cursor(kept[-1]) if len(rows) > query.top else None,
        count=_count(conn, collection, conditions) if query.count else None,
    )


def bodies_of(noun: type[T]) -> Callable[[Sequence[Any]], Sequence[T]]:
    """How `page_of` reads rows that are a `body` alone."""
    decode = msgspec.json.Decoder(noun).decode
    return lambda rows: [decode(body) for (body,) in rows]


def _order_of(collection: Collection, asked: OrderBy | None) -> _Order:
    if asked is None:
        newest_first = collection.newest_first
        return _Order(property="", descending=newest_first is not None, key=newest_first, row=collection.row)
    if (key := collection.orders.get(asked.property)) is None:
        raise Invalid(
            f"Sorting by '{asked.property}' is not supported. Sort by {' or '.join(sorted(collection.orders))}.",
            code="Request_UnsupportedQuery",
            target="$orderby",
        )
    return _Order(property=asked.property, descending=asked.descending, key=key, row=collection.row)


def _question(
    collection: Collection, conditions: Sequence[ColumnElement[bool]], order: _Order, query: Query
) -> Executable:
    """Asks for one row more than wanted, so that we know whether there is a next page."""
    if query.top < 1:
        raise Invalid("Invalid page size specified. Ask for at least one item with $top.", target="$top")
    key = order.row if order.key is None else order.key
    question = select(key, order.row, *collection.columns).where(*conditions)
    if query.after is not None:
        question = question.where(order.beyond(order.parsed(query.after)))
    return question.order_by(*order.columns()).limit(query.top + 1)


def _count(conn: Connection, collection: Collection, conditions: Sequence[ColumnElement[bool]]) -> int:
    counted = select(func.count(collection.row)).where(*conditions)
    return conn.execute(counted).scalar_one()
