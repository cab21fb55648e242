"""When credentials and applications were last used: read off the ends of the sign-in log's indexes.

What was ever used is found by leaping from one key of an index to the next, and its last use is the end of that key's
range. So a report costs a few steps for each line of it, however many sign-ins there are.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, bindparam, literal_column, null, select, union_all

from unsecret.errors import Invalid
from unsecret.model.activity import CredentialActivity, LastUse, PrincipalActivity
from unsecret.model.application import ObjectKind
from unsecret.model.identifiers import AppId, KeyId, ObjectId, TenantId
from unsecret.model.query import And, Comparison, Filter, Operator, OrderBy, Page, Query
from unsecret.store.columns import guid, guid_text, instant
from unsecret.store.filters import exact_guid, unsupported
from unsecret.store.schema import APPLICATION, directory_object, key_credential, password_credential
from unsecret.store.schema_records import (
    INTERACTIVE_USER_SIGN_IN,
    NON_INTERACTIVE_USER_SIGN_IN,
    SERVICE_PRINCIPAL_SIGN_IN,
    sign_in,
)
from unsecret.store.statement import Statement

T = TypeVar("T")

_object, _password, _key, _sign_in = directory_object.c, password_credential.c, key_credential.c, sign_in.c
_next = sign_in.alias("following").c

LAST_USE = "signInActivity/lastSignInDateTime"
LAST_ACTIVITY = "lastSignInActivity/lastSignInDateTime"
EXPIRATION = "expirationDateTime"

_succeeded = _sign_in.error_code == literal_column("0")


def _leaps(column: ColumnElement[Any]) -> Statement:
    """The values of `column` after `after` that a successful sign-in has, in order."""
    following = _next[column.name]
    here = (
        select(column.label("value"))
        .where(
            _sign_in.tenant_id == bindparam("tenant_id"),
            _succeeded,
            column.is_not(None),
            column > bindparam("after"),
        )
        .order_by(column)
        .limit(literal_column("1"))
        .subquery()
    )
    used = select(here.c.value).cte("used", recursive=True)
    leap = (
        select(following)
        .where(
            _next.tenant_id == bindparam("tenant_id"),
            _next.error_code == literal_column("0"),
            following.is_not(None),
            following > used.c.value,
        )
        .order_by(following)
        .limit(literal_column("1"))
        .scalar_subquery()
    )
    used = used.union_all(select(leap).where(used.c.value.is_not(None)))
    return Statement(select(used.c.value).where(used.c.value.is_not(None)).limit(bindparam("most")))


def _last(column: ColumnElement[Any], *more: ColumnElement[bool]) -> Statement:
    """The latest successful sign-in with this value of `column`."""
    return Statement(
        select(_sign_in.at, _sign_in.event_id, _sign_in.app_id, _sign_in.resource_id)
        .where(_sign_in.tenant_id == bindparam("tenant_id"), _succeeded, column == bindparam("value"), *more)
        .where(column.is_not(None))
        .order_by(_sign_in.at.desc())
        .limit(literal_column("1"))
    )


_USED_KEYS, _CLIENTS, _RESOURCES = map(_leaps, (_sign_in.credential_key_id, _sign_in.app_id, _sign_in.resource_id))
_LAST_OF_KEY = _last(_sign_in.credential_key_id)
_LAST_OF_KEY_BY_APP = _last(_sign_in.credential_key_id, _sign_in.app_id == bindparam("app_id"))
_of_type = _sign_in.event_type == bindparam("event_type")
_LAST_OF_CLIENT, _LAST_OF_RESOURCE = _last(_sign_in.app_id, _of_type), _last(_sign_in.resource_id, _of_type)

_holder = (
    _object.tenant_id == bindparam("tenant_id"),
    _object.app_id == bindparam("app_id"),
    _object.deleted_at.is_(None),
)


def _credentials(*named: Any) -> Statement:
    """Credentials of the objects of an application, secrets and keys alike."""
    place = (_object.object_id, _object.kind)
    secrets = select(_password.key_id, *place, null().label("usage"), _password.start_at, _password.end_at)
    keys = select(_key.key_id, *place, _key.usage, _key.start_at, _key.end_at)
    return Statement(
        union_all(
            secrets.join(password_credential, _password.object_row == _object.id).where(
                *_holder, *(_password.key_id == name for name in named)
            ),
            keys.join(key_credential, _key.object_row == _object.id).where(
                *_holder, *(_key.key_id == name for name in named)
            ),
        )
    )


_OF_APP, _OF_APP_AND_KEY = _credentials(), _credentials(bindparam("key_id"))


def list_credentials(conn: Connection, tenant_id: TenantId, query: Query) -> Page[CredentialActivity]:
    """A page of the credentials that are there and were used. Raises Invalid for a filter or an order that the report
    has not, and for a foreign cursor."""
    asked = _equalities(query.filter, ("appId", "keyId"))
    tenant = guid(tenant_id)
    if "keyId" in asked:
        keys: Sequence[bytes] | None = [asked["keyId"]]
    elif "appId" in asked:
        keys = sorted({row[0] for row in _OF_APP.all(conn, tenant_id=tenant, app_id=asked["appId"])})
    else:
        keys = None

    def following(after: bytes, most: int) -> Sequence[bytes]:
        if keys is None:
            return [row[0] for row in _USED_KEYS.all(conn, tenant_id=tenant, after=after, most=most)]
        return [key for key in keys if key > after][:most]

    def wanted(key: bytes) -> CredentialActivity | None:
        return _credential(conn, tenant, key, asked.get("appId"))

    orders = {LAST_USE: lambda one: one.last.at, EXPIRATION: lambda one: one.end_at}
    return _page(query, following, wanted, orders)


def get_credential(conn: Connection, tenant_id: TenantId, key_id: KeyId) -> CredentialActivity | None:
    """The use of one credential."""
    return _credential(conn, guid(tenant_id), guid(key_id))


def list_principals(conn: Connection, tenant_id: TenantId, query: Query) -> Page[PrincipalActivity]:
    """A page of the applications that signed in or were signed in to. Raises Invalid as `list_credentials` does."""
    asked = _equalities(query.filter, ("appId",))
    tenant = guid(tenant_id)

    def following(after: bytes, most: int) -> Sequence[bytes]:
        if "appId" in asked:
            return [app_id for app_id in [asked["appId"]] if app_id > after]
        values = {"tenant_id": tenant, "after": after, "most": most}
        return sorted({row[0] for leaps in (_CLIENTS, _RESOURCES) for row in leaps.all(conn, **values)})[:most]

    return _page(query, following, lambda app_id: _principal(conn, tenant, app_id), {LAST_ACTIVITY: _last_of})


def get_principal(conn: Connection, tenant_id: TenantId, app_id: AppId) -> PrincipalActivity | None:
    """The uses of one application."""
    return _principal(conn, guid(tenant_id), guid(app_id))


def _last_of(activity: PrincipalActivity) -> Any:
    return activity.last.at if activity.last else None


def _credential(conn: Connection, tenant: bytes, key: bytes, app: bytes | None = None) -> CredentialActivity | None:
    """The last use of a key; by one application, where others may have chosen the same keyId."""
    if app is None:
        used = _LAST_OF_KEY.one(conn, tenant_id=tenant, value=key)
    else:
        used = _LAST_OF_KEY_BY_APP.one(conn, tenant_id=tenant, value=key, app_id=app)
    if used is None:
        return None
    at, sign_in_id, app_id, resource_id = used
    found = _OF_APP_AND_KEY.one(conn, tenant_id=tenant, app_id=app_id, key_id=key)
    if found is None:  # it was removed since
        return None
    _, object_id, kind, usage, start_at, end_at = found
    return CredentialActivity(
        key_id=KeyId(guid_text(key)),
        app_id=AppId(guid_text(app_id)),
        object_id=ObjectId(guid_text(object_id)),
        origin=ObjectKind.APPLICATION if kind == APPLICATION else ObjectKind.SERVICE_PRINCIPAL,
        usage=usage,
        start_at=instant(start_at),
        end_at=instant(end_at),
        resource_id=None if resource_id is None else AppId(guid_text(resource_id)),
        last=LastUse(at=instant(at), sign_in_id=sign_in_id),
    )


def _principal(conn: Connection, tenant: bytes, app_id: bytes) -> PrincipalActivity | None:
    def last(of: Statement, *types: int) -> LastUse | None:
        rows = (of.one(conn, tenant_id=tenant, value=app_id, event_type=event_type) for event_type in types)
        latest = max((row for row in rows if row), default=None)
        return LastUse(at=instant(latest[0]), sign_in_id=latest[1]) if latest else None

    for_people = (INTERACTIVE_USER_SIGN_IN, NON_INTERACTIVE_USER_SIGN_IN)
    found = PrincipalActivity(
        app_id=AppId(guid_text(app_id)),
        as_client=last(_LAST_OF_CLIENT, SERVICE_PRINCIPAL_SIGN_IN),
        as_resource=last(_LAST_OF_RESOURCE, SERVICE_PRINCIPAL_SIGN_IN),
        as_client_for_people=last(_LAST_OF_CLIENT, *for_people),
        as_resource_for_people=last(_LAST_OF_RESOURCE, *for_people),
    )
    return found if found.last else None


def _page(
    query: Query,
    following: Callable[[bytes, int], Sequence[bytes]],
    read: Callable[[bytes], T | None],
    orders: dict[str, Callable[[T], Any]],
) -> Page[T]:
    """By key, a page at a time; in any other order, and to be counted, everything has to be read."""
    after = _parsed(query.after)
    if query.order_by is None and not query.count:
        keys = following(after, query.top + 1)
        items = tuple(item for key in keys[: query.top] if (item := read(key)) is not None)
        return Page(items=items, next=_cursor(keys[query.top - 1]) if len(keys) > query.top else None)
    everything = [(key, item) for key in following(b"", _MOST) if (item := read(key)) is not None]
    if query.order_by is not None:
        order = _order(query.order_by, orders)
        everything.sort(key=lambda pair: (order(pair[1]), pair[0]), reverse=query.order_by.descending)
    start = next((place + 1 for place, (key, _) in enumerate(everything) if key == after), 0)
    shown = everything[start : start + query.top]
    return Page(
        items=tuple(item for _, item in shown),
        next=_cursor(shown[-1][0]) if start + query.top < len(everything) else None,
        count=len(everything) if query.count else None,
    )


_MOST = 2**31 - 1


def _order(asked: OrderBy, orders: dict[str, Callable[[T], Any]]) -> Callable[[T], Any]:
    if (order := orders.get(asked.property)) is None:
        raise Invalid(
            f"Sorting by '{asked.property}' is not supported. Sort by {' or '.join(sorted(orders))}.",
            code="Request_UnsupportedQuery",
            target="$orderby",
        )
    return order


def _equalities(filter: Filter | None, names: tuple[str, ...]) -> dict[str, bytes]:
    """What is asked to be equal to what: the only filter of these reports."""
    match filter:
        case None:
            return {}
        case Comparison(property=name, operator=Operator.EQ, value=value) if name in names:
            return {name: exact_guid(value, name)}
        case And(parts):
            return {name: value for part in parts for name, value in _equalities(part, names).items()}
        case Comparison(property=name, operator=operator):
            raise unsupported(name, operator if name in names else None)
        case _:
            raise unsupported(" or ".join(names))


def _cursor(key: bytes) -> str:
    return urlsafe_b64encode(key).rstrip(b"=").decode()


def _parsed(text: str | None) -> bytes:
    if text is None:
        return b""
    try:
        key = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        key = b""
    if len(key) != 16:
        raise Invalid(
            "The $skiptoken does not belong to this query. Follow @odata.nextLink as it is, or begin again.",
            target="$skiptoken",
        )
    return key
