"""`$filter` on custom security attributes: SQL finds whom a plain reading finds, in each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.conftest import KINDS, empty_but_for_the_tenant
from tests.store.nouns import NOW, TENANT, application, service_principal, user
from unsecret.errors import Invalid
from unsecret.model.application import ObjectKind, ServicePrincipal
from unsecret.model.people import User
from unsecret.model.query import And, AnyOf, Comparison, Filter, Held, Not, Operator, Or, Query
from unsecret.store import deleted_objects, directory_objects, users
from unsecret.store.engine import Store

A, SP = ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL
WORDS = ("4", "true", "Ba", "Baker", "baker", "B_", "B%", 'O\'Brien "x" \\ \\u0042', "Ärger", "ärger", "\U0010ffff")
SETS, NAMES = ("Engineering", "Über"), ("Project", "project", "Level2")

words, numbers, flags = st.sampled_from(WORDS), st.sampled_from((0, 1, 4, -(2**31))), st.booleans()
values = st.one_of(
    words, numbers, flags, st.lists(words, min_size=1, max_size=3), st.lists(numbers, min_size=1, max_size=3)
)
attributes = st.dictionaries(
    st.sampled_from(SETS), st.dictionaries(st.sampled_from(NAMES), values, min_size=1), max_size=2
)
comparisons = st.one_of(
    st.builds(
        Held,
        st.sampled_from(SETS),
        st.sampled_from(NAMES),
        st.sampled_from((Operator.EQ, Operator.NE)),
        st.one_of(words, numbers, flags),
    ),
    st.builds(Held, st.sampled_from(SETS), st.sampled_from(NAMES), st.just(Operator.STARTS_WITH), words | st.just("")),
)
filters: st.SearchStrategy[Filter] = st.recursive(
    comparisons,
    lambda part: (
        st.builds(And, st.lists(part, min_size=1, max_size=2).map(tuple))
        | st.builds(Or, st.lists(part, min_size=1, max_size=2).map(tuple))
        | st.builds(Not, part)
    ),
    max_leaves=3,
)


def holds(asked: Filter, attributes: dict[str, dict[str, Any]]) -> bool:
    """What the filter says, read off the attributes themselves."""
    match asked:
        case And(parts):
            return all(holds(part, attributes) for part in parts)
        case Or(parts):
            return any(holds(part, attributes) for part in parts)
        case Not(part):
            return not holds(part, attributes)
        case Held(attribute_set, name, operator, value):
            found = attributes.get(attribute_set, {}).get(name, [])
            same = [one for one in (found if isinstance(found, list) else [found]) if type(one) is type(value)]
            if operator is Operator.STARTS_WITH:
                return any(one.startswith(value) for one in same)
            return (value in same) is (operator is Operator.EQ)
        case Comparison() | AnyOf():
            raise TypeError(asked)


@pytest.fixture(scope="module", params=KINDS)
def places(request: pytest.FixtureRequest) -> Iterator[Store]:
    """One directory; every example undoes what it wrote."""
    place = request.getfixturevalue({"sqlite": "migrated_file", "postgresql": "migrated_database"}[request.param])
    if request.param == "postgresql":
        empty_but_for_the_tenant(place)
    store = Store.open(place)
    yield store
    store.close()


class _Enough(Exception):
    """Undoes what an example has written."""


@settings(max_examples=150, derandomize=True)
@given(held=st.lists(attributes, max_size=3), asked=filters)
def test_sql_finds_whom_a_plain_reading_finds(places: Store, held: list[dict[str, Any]], asked: Filter) -> None:
    principals = [service_principal(custom_security_attributes=one) for one in held]
    people = [user(custom_security_attributes=one) for one in held]
    found: dict[str, list[ServicePrincipal] | list[User]] = {}

    def work(conn) -> None:
        for principal, person in zip(principals, people, strict=True):
            directory_objects.add(conn, TENANT, principal)
            users.add(conn, TENANT, person)
        page = directory_objects.list(conn, TENANT, SP, Query(filter=asked, count=True))
        found["principals"] = [one for one in page.items if isinstance(one, ServicePrincipal)]
        found["people"] = list(users.list(conn, TENANT, Query(filter=asked)).items)
        assert page.count == len(page.items)
        raise _Enough

    with pytest.raises(_Enough):
        places.write(work).result()
    assert found["principals"] == [one for one in principals if holds(asked, one.custom_security_attributes)]
    assert found["people"] == [one for one in people if holds(asked, one.custom_security_attributes)]


def test_the_deleted_are_asked_as_the_living_are(store: Store) -> None:
    gone = service_principal(custom_security_attributes={"Engineering": {"Project": ["Alpine", "Baker"]}})
    store.write(lambda conn: directory_objects.add(conn, TENANT, gone)).result()
    store.write(lambda conn: directory_objects.delete(conn, TENANT, SP, gone.id, at=NOW)).result()
    for value, count in (("Baker", 1), ("baker", 0)):
        query = Query(filter=Held("Engineering", "Project", Operator.EQ, value))
        with store.read() as conn:
            page = deleted_objects.list_deleted(conn, TENANT, SP, query, since=NOW - timedelta(days=1))
        assert len(page.items) == count


def test_a_name_is_no_part_of_the_statement(store: Store) -> None:
    holder = service_principal(custom_security_attributes={"Engineering": {"Project": "Baker"}})
    store.write(lambda conn: directory_objects.add(conn, TENANT, holder)).result()
    for name in ("Project') OR (1=1", "Project.x", "$", "*", ""):
        query = Query(filter=Held("Engineering", name, Operator.EQ, "Baker"))
        with store.read() as conn:
            assert directory_objects.list(conn, TENANT, SP, query).items == ()


@pytest.mark.parametrize("asked", [
    Comparison("customSecurityAttributes/Engineering/Project", Operator.EQ, "Baker"),
    Comparison("customSecurityAttributes", Operator.EQ, "Baker"),
    AnyOf("customSecurityAttributes/Engineering/Project", Comparison("", Operator.EQ, "Baker")),
    AnyOf("customSecurityAttributes", None),
])  # fmt: skip
def test_nothing_of_them_is_said_before_it_is_known_who_asks(store: Store, asked: Filter) -> None:
    with store.read() as conn, pytest.raises(Invalid, match="not supported"):
        directory_objects.list(conn, TENANT, SP, Query(filter=asked))
    with store.read() as conn, pytest.raises(Invalid, match="not supported"):
        users.list(conn, TENANT, Query(filter=asked))


def test_an_application_has_none(store: Store) -> None:
    store.write(lambda conn: directory_objects.add(conn, TENANT, application())).result()
    with store.read() as conn, pytest.raises(Invalid, match="not supported"):
        directory_objects.list(conn, TENANT, A, Query(filter=Held("Engineering", "Project", Operator.NE, "Baker")))
