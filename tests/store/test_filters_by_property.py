"""Any filter finds what a plain reading of it finds: SQL against Python, on generated applications and filters."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.conftest import KINDS, empty_but_for_the_tenant
from tests.store.nouns import NOW, TENANT, application, guid, key
from unsecret.model.application import Application, DirectoryObject, ObjectKind
from unsecret.model.identifiers import AppId, KeyId
from unsecret.model.query import And, AnyOf, Comparison, Filter, Held, Literal, Not, Operator, Or, Query
from unsecret.store import directory_objects
from unsecret.store.engine import Store

WORDS = ("", "a", "A", "ab", "b_", "b%", "é", "É", "ß", "a'b")
GUIDS = tuple(guid() for _ in range(4))
TIMES = tuple(NOW + timedelta(days=days) for days in (-1, 0, 1))

words, instants = st.sampled_from(WORDS), st.sampled_from(TIMES)
word_sets = st.frozensets(words, max_size=3).map(tuple)

applications = st.builds(
    application,
    display_name=words,
    app_id=st.sampled_from(GUIDS).map(AppId),
    created_at=st.none() | instants,
    sign_in_audience=words,
    tags=word_sets,
    key_credentials=st.lists(
        st.builds(
            key,
            key_id=st.sampled_from(GUIDS).map(KeyId),
            custom_key_identifier=st.none() | words,
            end_at=instants,
        ),
        max_size=2,
        unique_by=lambda credential: credential.key_id,
    ).map(tuple),
    other=st.one_of(st.just({}), words.map(lambda domain: {"publisherDomain": domain})),
)
directories = st.lists(applications, max_size=4, unique_by=lambda app: app.app_id)

EQUALITY = (Operator.EQ, Operator.NE)
ORDERED = (*EQUALITY, Operator.GE, Operator.LE)


def comparisons(property: str, operators: tuple[Operator, ...], values: st.SearchStrategy) -> st.SearchStrategy[Filter]:
    """`property operator value` and `property in (…)`."""
    several = st.lists(values, min_size=1, max_size=3).map(tuple)
    return st.builds(Comparison, st.just(property), st.sampled_from(operators), values) | st.builds(
        Comparison, st.just(property), st.just(Operator.IN), several
    )


def prefixes(property: str) -> st.SearchStrategy[Filter]:
    """`startswith(property, …)`."""
    return st.builds(Comparison, st.just(property), st.just(Operator.STARTS_WITH), words)


def combined(leaves: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    """`and`, `or` and `not` of them."""
    return st.recursive(
        leaves,
        lambda part: (
            st.builds(And, st.lists(part, max_size=3).map(tuple))
            | st.builds(Or, st.lists(part, max_size=3).map(tuple))
            | st.builds(Not, part)
        ),
        max_leaves=4,
    )


def lambdas(collection: str, leaves: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    """`collection/any(…)`."""
    return st.builds(AnyOf, st.just(collection), st.none() | combined(leaves))


filters = combined(
    st.one_of(
        comparisons("displayName", ORDERED, words | st.none()),
        prefixes("displayName"),
        comparisons("appId", EQUALITY, st.sampled_from(GUIDS)),
        comparisons("createdDateTime", ORDERED, instants | st.none()),
        comparisons("signInAudience", EQUALITY, words),
        comparisons("publisherDomain", EQUALITY, words | st.none()),
        lambdas("tags", st.builds(Comparison, st.just(""), st.sampled_from(ORDERED), words) | prefixes("")),
        lambdas(
            "keyCredentials",
            st.one_of(
                comparisons("keyId", EQUALITY, st.sampled_from(GUIDS)),
                comparisons("customKeyIdentifier", EQUALITY, words | st.none()),
                comparisons("endDateTime", ORDERED, instants),
            ),
        ),
    )
)

TESTS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.GE: operator.ge,
    Operator.LE: operator.le,
    Operator.STARTS_WITH: lambda left, right: left.startswith(right),
}


def properties_of(app: Application) -> dict[str, Any]:
    """The application in Graph's words."""
    return {
        "displayName": app.display_name,
        "appId": app.app_id,
        "createdDateTime": app.created_at,
        "signInAudience": app.sign_in_audience,
        "publisherDomain": app.other.get("publisherDomain"),
        "tags": [{"": tag} for tag in app.tags],
        "keyCredentials": [
            {
                "keyId": found.key_id,
                "customKeyIdentifier": found.custom_key_identifier,
                "endDateTime": found.end_at,
            }
            for found in app.key_credentials
        ],
    }


def holds(filter: Filter, of: dict[str, Any]) -> bool:
    """What the filter says, read off the values themselves."""
    match filter:
        case And(parts):
            return all(holds(part, of) for part in parts)
        case Or(parts):
            return any(holds(part, of) for part in parts)
        case Not(part):
            return not holds(part, of)
        case AnyOf(collection, where):
            return any(where is None or holds(where, element) for element in of[collection])
        case Comparison(property, Operator.IN, tuple() as values):
            return any(compares(of[property], Operator.EQ, value) for value in values)
        case Comparison(property, asked, value):
            return compares(of[property], asked, value)
        case Held():
            raise TypeError("Applications have no attributes.")


def compares(left: Any, asked: Operator, right: Literal | tuple[Literal, ...]) -> bool:
    """Words ignore case; nothing equals nothing and is neither before nor after anything."""
    left, right = (value.lower() if isinstance(value, str) else value for value in (left, right))
    if left is None or right is None:
        return {Operator.EQ: left is right, Operator.NE: left is not right}.get(asked, False)
    return TESTS[asked](left, right)


@pytest.fixture(scope="module", params=KINDS)
def places(request: pytest.FixtureRequest) -> Iterator[Store]:
    """One directory; every example puts its own applications into it and takes them out again."""
    migrated = {"sqlite": "migrated_file", "postgresql": "migrated_database"}[request.param]
    place = request.getfixturevalue(migrated)
    if request.param == "postgresql":  # the tests of another file may have left something there
        empty_but_for_the_tenant(place)
    store = Store.open(place)
    yield store
    store.close()


class _Enough(Exception):
    """Undoes what an example has written."""


@settings(max_examples=200, derandomize=True)
@given(directory=directories, filter=filters)
def test_sql_finds_what_a_plain_reading_finds(places: Store, directory: list[Application], filter: Filter) -> None:
    found: list[DirectoryObject] = []

    def work(conn) -> None:
        for app in directory:
            directory_objects.add(conn, TENANT, app)
        page = directory_objects.list(conn, TENANT, ObjectKind.APPLICATION, Query(filter=filter))
        found.extend(page.items)
        raise _Enough

    with pytest.raises(_Enough):
        places.write(work).result()
    assert found == [app for app in directory if holds(filter, properties_of(app))]
