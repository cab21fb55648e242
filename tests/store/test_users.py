"""People in the directory: found by id and by name, listed, renamed, deleted; and their passwords' digests."""

from __future__ import annotations

import pytest

from tests.store.nouns import NOW, NOWHERE, OTHER_TENANT, TENANT, guid, service_principal, tenant, user
from unsecret.errors import Conflict, Invalid, NotFound
from unsecret.model.identifiers import ObjectId
from unsecret.model.query import And, Comparison, Filter, Operator, Or, Query
from unsecret.store import directory_objects, links, tenants, users
from unsecret.store.engine import Store

O = Operator  # noqa: E741


def _do(store: Store, work):
    return store.write(work).result()


def test_a_user_is_found_by_id_and_by_name_in_any_case(store: Store):
    ada = user(user_principal_name="Ada@contoso.com", other={"surname": "Berg"})
    _do(store, lambda conn: users.add(conn, TENANT, ada))
    with store.read() as conn:
        assert users.get(conn, TENANT, ada.id) == ada
        assert users.find(conn, TENANT, ada.id.upper()) == ada
        assert users.find(conn, TENANT, "ADA@CONTOSO.COM") == ada
        assert users.find(conn, TENANT, "nobody@contoso.com") is None
        assert users.find(conn, TENANT, NOWHERE) is None


def test_an_application_is_no_user(store: Store):
    principal = service_principal()
    _do(store, lambda conn: directory_objects.add(conn, TENANT, principal))
    with store.read() as conn:
        assert users.get(conn, TENANT, principal.id) is None


@pytest.mark.parametrize("property", ["id", "user_principal_name"])
def test_what_names_a_user_names_nobody_else(store: Store, property: str):
    ada, other = user(), user()
    same = user(**{property: getattr(ada, property)})
    _do(store, lambda conn: [users.add(conn, TENANT, one) for one in (ada, other)])
    with pytest.raises(Conflict, match="already exists"):
        _do(store, lambda conn: users.add(conn, TENANT, same))


def test_a_name_of_another_tenant_is_free(store: Store):
    ada = user()
    _do(store, lambda conn: tenants.add_tenant(conn, tenant(OTHER_TENANT)))
    _do(store, lambda conn: users.add(conn, TENANT, ada))
    _do(store, lambda conn: users.add(conn, OTHER_TENANT, user(user_principal_name=ada.user_principal_name)))
    with store.read() as conn:
        assert users.find(conn, TENANT, ada.user_principal_name) == ada
        assert users.get(conn, OTHER_TENANT, ada.id) is None


def test_a_renamed_user_is_found_by_the_new_name_only(store: Store):
    ada = user(user_principal_name="ada@contoso.com")
    renamed = user(id=ada.id, user_principal_name="ada.berg@contoso.com", display_name="Ada B.")
    _do(store, lambda conn: users.add(conn, TENANT, ada))
    _do(store, lambda conn: users.replace(conn, TENANT, renamed))
    with store.read() as conn:
        assert users.find(conn, TENANT, "ada@contoso.com") is None
        assert users.find(conn, TENANT, "ada.berg@contoso.com") == renamed


def test_nobody_can_take_another_users_name(store: Store):
    ada, ben = user(), user()
    _do(store, lambda conn: [users.add(conn, TENANT, one) for one in (ada, ben)])
    with pytest.raises(Conflict):
        _do(
            store,
            lambda conn: users.replace(conn, TENANT, user(id=ben.id, user_principal_name=ada.user_principal_name)),
        )


def test_a_deleted_user_gives_the_name_free(store: Store):
    ada = user()
    again = user(user_principal_name=ada.user_principal_name)
    _do(store, lambda conn: users.add(conn, TENANT, ada, password_digest=b"digest"))
    _do(store, lambda conn: users.delete(conn, TENANT, ada.id, at=NOW))
    _do(store, lambda conn: users.add(conn, TENANT, again))
    with store.read() as conn:
        assert users.get(conn, TENANT, ada.id) is None
        assert users.find(conn, TENANT, ada.user_principal_name) == again
        assert users.password_digest(conn, TENANT, ada.id) is None
        assert users.list(conn, TENANT, Query()).items == (again,)


@pytest.mark.parametrize(
    "work",
    [
        lambda conn: users.replace(conn, TENANT, user(id=ObjectId(NOWHERE))),
        lambda conn: users.delete(conn, TENANT, ObjectId(NOWHERE), at=NOW),
        lambda conn: users.set_password_digest(conn, TENANT, ObjectId(NOWHERE), b"digest"),
    ],
)
def test_nobody_is_not_found(store: Store, work):
    with pytest.raises(NotFound):
        _do(store, work)


def test_a_password_is_replaced(store: Store):
    ada = user()
    _do(store, lambda conn: users.add(conn, TENANT, ada))
    with store.read() as conn:
        assert users.password_digest(conn, TENANT, ada.id) is None
    for digest in (b"first", b"second"):
        _do(store, lambda conn, digest=digest: users.set_password_digest(conn, TENANT, ada.id, digest))
    with store.read() as conn:
        assert users.password_digest(conn, TENANT, ada.id) == b"second"


def _is(property: str, operator: Operator, value) -> Comparison:
    return Comparison(property, operator, value)


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        (_is("userPrincipalName", O.EQ, "ADA@contoso.com"), "ada"),
        (_is("userPrincipalName", O.NE, "ada@contoso.com"), "ben cleo"),
        (_is("userPrincipalName", O.STARTS_WITH, "be"), "ben"),
        (_is("userPrincipalName", O.ENDS_WITH, "@fabrikam.com"), "cleo"),
        (_is("userPrincipalName", O.IN, ("ada@contoso.com", "ben@contoso.com")), "ada ben"),
        (_is("userPrincipalName", O.EQ, None), ""),
        (_is("displayName", O.STARTS_WITH, "b"), "ben"),
        (_is("displayName", O.EQ, "CLEO"), "cleo"),
        (_is("mail", O.EQ, "ada@mail.com"), "ada"),
        (_is("mail", O.EQ, None), "ben cleo"),
        (_is("accountEnabled", O.EQ, False), "ben"),
        (_is("userType", O.EQ, "guest"), "cleo"),
        (Or((_is("userPrincipalName", O.STARTS_WITH, "ada"), _is("displayName", O.EQ, "ben"))), "ada ben"),
        (And((_is("userPrincipalName", O.STARTS_WITH, "a"), _is("accountEnabled", O.EQ, True))), "ada"),
    ],
)
def test_people_are_filtered_by_what_graph_filters_by(store: Store, filter: Filter, names: str):
    people = (
        user(display_name="ada", user_principal_name="ada@contoso.com", mail="Ada@mail.com"),
        user(display_name="ben", user_principal_name="ben@contoso.com", account_enabled=False),
        user(display_name="cleo", user_principal_name="cleo@fabrikam.com", user_type="Guest"),
    )
    _do(store, lambda conn: [users.add(conn, TENANT, one) for one in people])
    with store.read() as conn:
        found = users.list(conn, TENANT, Query(filter=filter)).items
    assert " ".join(one.display_name for one in found) == names


def test_a_name_does_not_contain(store: Store):
    with store.read() as conn, pytest.raises(Invalid, match="contains"):
        users.list(conn, TENANT, Query(filter=_is("userPrincipalName", O.CONTAINS, "a")))


def test_people_come_in_pages(store: Store):
    people = [user() for _ in range(5)]
    _do(store, lambda conn: [users.add(conn, TENANT, one) for one in people])
    with store.read() as conn:
        first = users.list(conn, TENANT, Query(top=3))
        second = users.list(conn, TENANT, Query(top=3, after=first.next))
    assert [*first.items, *second.items] == people
    assert second.next is None


def test_a_user_owns_and_is_an_object_among_others(store: Store):
    ada, principal = user(), service_principal()

    def make(conn):
        users.add(conn, TENANT, ada)
        directory_objects.add(conn, TENANT, principal)
        links.add_owner(conn, TENANT, principal.id, ada.id)

    _do(store, make)
    with store.read() as conn:
        assert directory_objects.get_any(conn, TENANT, ada.id) == ada
        assert links.owners(conn, TENANT, principal.id) == (ada,)
        assert links.owned_objects(conn, TENANT, ada.id, Query()).items == (principal,)
        assert links.owns(conn, TENANT, ada.id, principal.id)


def test_a_question_about_app_ids_passes_people_by(store: Store):
    ada, principal, owned = user(), service_principal(), service_principal()

    def make(conn):
        users.add(conn, TENANT, ada)
        for one in (principal, owned):
            directory_objects.add(conn, TENANT, one)
        links.add_owner(conn, TENANT, owned.id, principal.id)

    _do(store, make)
    asked = Query(filter=_is("appId", O.NE, guid()))
    with store.read() as conn:
        assert links.owned_objects(conn, TENANT, principal.id, asked).items == (owned,)
