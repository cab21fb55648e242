"""Pages: everything once, in order, whatever happens between one page and the next."""

from __future__ import annotations

import random
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.store.nouns import NOW, TENANT, application, audit, guid, key, password, policy, service_principal, sign_in
from unsecret.errors import Invalid
from unsecret.model.application import Application, ObjectKind
from unsecret.model.query import Comparison, Operator, OrderBy, Page, Query
from unsecret.store import directory_objects, links, logs, policies
from unsecret.store.engine import Store

A = ObjectKind.APPLICATION
NAMES = ["Alpha", "alpha", "ALPHA", "Beta", "beta", "Émile", "zulu", "Zulu", "0", "ß"]

APPLICATIONS = [
    application(
        display_name=name,
        created_at=None if number % 5 == 0 else NOW - timedelta(days=number % 3),
        password_credentials=tuple(password() for _ in range(number % 3)),
        key_credentials=tuple(key() for _ in range(number % 2)),
    )
    for number, name in enumerate(NAMES * 2)
]

ORDERS: dict[str, tuple[OrderBy | None, Callable[[Application], Any] | None, bool]] = {
    "as created": (None, None, False),
    "by name": (OrderBy("displayName"), lambda app: app.display_name.lower(), False),
    "by name, descending": (OrderBy("displayName", True), lambda app: app.display_name.lower(), True),
    "by date": (OrderBy("createdDateTime"), lambda app: app.created_at.timestamp() if app.created_at else 0, False),
    "by date, descending": (
        OrderBy("createdDateTime", True),
        lambda app: app.created_at.timestamp() if app.created_at else 0,
        True,
    ),
}


@pytest.fixture
def filled(store: Store) -> Store:
    """A directory with twenty applications."""
    store.write(lambda conn: [directory_objects.add(conn, TENANT, app) for app in APPLICATIONS]).result()
    return store


def pages(store: Store, question: Callable[[Any, Query], Page], query: Query, between: Callable[[], None]) -> list:
    """Everything that following the cursors gives, one list a page."""
    found: list[tuple] = []
    while True:
        with store.read() as conn:
            page = question(conn, query)
        found.append(page.items)
        if page.next is None:
            return found
        between()
        query = msgspec.structs.replace(query, after=page.next)


def applications(conn, query: Query) -> Page:
    """A page of them."""
    return directory_objects.list(conn, TENANT, A, query)


def nothing() -> None:
    """Happens between two pages."""


@pytest.mark.parametrize("top", [1, 3, 19, 20, 21])
@pytest.mark.parametrize(("order_by", "sort_key", "backwards"), ORDERS.values(), ids=ORDERS)
def test_pages_hold_everything_once_and_in_order(filled: Store, order_by, sort_key, backwards: bool, top: int) -> None:
    found = pages(filled, applications, Query(order_by=order_by, top=top), nothing)
    wanted = list(enumerate(APPLICATIONS))
    if sort_key is not None:
        wanted.sort(key=lambda pair: (sort_key(pair[1]), pair[0]), reverse=backwards)
    assert [app for page in found for app in page] == [app for _, app in wanted]
    assert [len(page) for page in found[:-1]] == [top] * (len(found) - 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("order_by", "sort_key", "backwards"), ORDERS.values(), ids=ORDERS)
def test_pages_stay_right_while_others_insert_and_delete(
    filled: Store, order_by, sort_key, backwards: bool, seed: int
) -> None:
    """What is there from the first page to the last is listed exactly once; what comes or goes, once at most."""
    chance = random.Random(seed)
    going = chance.sample(APPLICATIONS, 8)
    staying = {app.id for app in APPLICATIONS} - {app.id for app in going}

    def disturb() -> None:
        new = application(display_name=chance.choice(NAMES), created_at=NOW - timedelta(days=chance.randrange(3)))
        filled.write(lambda conn: directory_objects.add(conn, TENANT, new)).result()
        if going:
            old = going.pop()
            filled.write(lambda conn: directory_objects.delete(conn, TENANT, A, old.id, at=NOW)).result()

    found = pages(filled, applications, Query(order_by=order_by, top=3), disturb)
    listed = [app.id for page in found for app in page]
    assert len(listed) == len(set(listed))
    assert staying <= set(listed)


def test_the_count_is_of_the_whole_answer_and_not_of_the_page(filled: Store) -> None:
    starting = Comparison("displayName", Operator.STARTS_WITH, "AL")
    with filled.read() as conn:
        first = applications(conn, Query(filter=starting, top=2, count=True))
        second = applications(conn, Query(filter=starting, top=2, count=True, after=first.next))
        assert (first.count, second.count) == (6, 6)
        assert applications(conn, Query()).count is None


FOREIGN = {
    "empty": "",
    "not base64": "!!!",
    "not ours": urlsafe_b64encode(b"hello").decode(),
    "not ASCII": "é",
    "of another order": urlsafe_b64encode(b'["displayName",false,"a",1]').decode(),
    "the other way round": urlsafe_b64encode(b'["",true,1,1]').decode(),
    "without a value": urlsafe_b64encode(b'["",false,null,1]').decode(),
    "beyond all rows": urlsafe_b64encode(b'["",false,1,99999999999999999999]').decode(),
}


@pytest.mark.parametrize("cursor", FOREIGN.values(), ids=FOREIGN)
def test_a_cursor_that_is_not_of_this_order_is_invalid(filled: Store, cursor: str) -> None:
    with filled.read() as conn, pytest.raises(Invalid, match="skiptoken"):
        applications(conn, Query(after=cursor))


FOREIGN_TO_AN_ORDER = {
    "a number for a word": (OrderBy("displayName"), '["displayName",false,5,1]'),
    "a word that no name can be": (OrderBy("displayName"), r'["displayName",false,"a\u0000",1]'),
    "a word for a date": (OrderBy("createdDateTime"), '["createdDateTime",false,"x",1]'),
    "a word for a row": (None, '["",false,"x",1]'),
}


@pytest.mark.parametrize(("order", "cursor"), FOREIGN_TO_AN_ORDER.values(), ids=FOREIGN_TO_AN_ORDER)
def test_a_cursor_with_a_value_that_nothing_here_has_is_invalid(
    filled: Store, order: OrderBy | None, cursor: str
) -> None:
    with filled.read() as conn, pytest.raises(Invalid, match="skiptoken"):
        applications(conn, Query(order_by=order, after=urlsafe_b64encode(cursor.encode()).decode()))


@pytest.mark.parametrize("top", [0, -1])
def test_a_page_of_nothing_is_invalid(filled: Store, top: int) -> None:
    with filled.read() as conn, pytest.raises(Invalid, match="page size"):
        applications(conn, Query(top=top))


@pytest.mark.parametrize("property", ["", "appId", "displayname", "deletedDateTime", "folded_display_name"])
def test_an_order_that_graph_does_not_have_is_unsupported(filled: Store, property: str) -> None:
    with filled.read() as conn, pytest.raises(Invalid) as refusal:
        applications(conn, Query(order_by=OrderBy(property)))
    assert refusal.value.code == "Request_UnsupportedQuery"


AUDITS = [audit(at=NOW + timedelta(minutes=minute)) for minute in (5, 1, 9, 5, 5, 2)]
SIGN_INS = [sign_in(at=NOW + timedelta(minutes=minute)) for minute in (5, 1, 9, 5, 5, 2)]


@pytest.mark.parametrize("top", [1, 2, 4, 10])
def test_logs_come_newest_first_whatever_the_order_of_writing(store: Store, top: int) -> None:
    def work(conn) -> None:
        for event, attempt in zip(AUDITS, SIGN_INS, strict=True):
            logs.add_audit(conn, TENANT, event)
            logs.add_sign_ins(conn, [(TENANT, attempt)])

    store.write(work).result()
    order = [2, 4, 3, 0, 5, 1]
    audits = pages(store, lambda conn, query: logs.list_audits(conn, TENANT, query), Query(top=top), nothing)
    assert [event for page in audits for event in page] == [AUDITS[number] for number in order]
    attempts = pages(store, lambda conn, query: logs.list_sign_ins(conn, TENANT, query), Query(top=top), nothing)
    assert [attempt for page in attempts for attempt in page] == [SIGN_INS[number] for number in order]


@pytest.mark.parametrize("descending", [False, True])
def test_logs_are_sorted_by_their_time_on_request(store: Store, descending: bool) -> None:
    store.write(lambda conn: [logs.add_audit(conn, TENANT, event) for event in AUDITS]).result()
    query = Query(order_by=OrderBy("activityDateTime", descending), top=2)
    found = pages(store, lambda conn, query: logs.list_audits(conn, TENANT, query), query, nothing)
    times = [event.at for page in found for event in page]
    assert times == sorted((event.at for event in AUDITS), reverse=descending)


def test_linked_objects_and_policies_come_in_pages_too(store: Store) -> None:
    owner, bound = service_principal(), policy()
    others = [policy(display_name=guid()) for _ in range(4)]

    def work(conn) -> None:
        directory_objects.add(conn, TENANT, owner)
        for added in (bound, *others):
            policies.add_policy(conn, TENANT, added)
        for app in APPLICATIONS[:7]:
            directory_objects.add(conn, TENANT, app)
            links.add_owner(conn, TENANT, app.id, owner.id)
            policies.link(conn, TENANT, bound.id, app.id)

    store.write(work).result()
    questions = {
        "owned": lambda conn, query: links.owned_objects(conn, TENANT, owner.id, query),
        "bound": lambda conn, query: policies.applies_to(conn, TENANT, bound.id, query),
    }
    for question in questions.values():
        found = pages(store, question, Query(top=3), nothing)
        assert [app for page in found for app in page] == APPLICATIONS[:7]
    found = pages(store, lambda conn, query: policies.list_policies(conn, TENANT, query), Query(top=2), nothing)
    assert [added for page in found for added in page] == [bound, *others]
