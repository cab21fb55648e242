"""Policies, what they are linked to, and trusted certificate authorities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.store.nouns import NOW, NOWHERE, TENANT, application, policy, service_principal, trusted_configuration
from unsecret.errors import Conflict, NotFound
from unsecret.model.application import Application, ObjectKind
from unsecret.model.identifiers import ObjectId, PolicyId
from unsecret.model.policy import (
    ActorExemption,
    RedirectUriLists,
    Restriction,
    RestrictionKind,
    RestrictionState,
    TenantDefault,
)
from unsecret.model.query import Query
from unsecret.store import directory_objects, policies
from unsecret.store.engine import Store

EVERY_MEMBER = (
    Restriction(
        kind=RestrictionKind.PASSWORD_LIFETIME,
        state=RestrictionState.DISABLED,
        max_lifetime=timedelta(days=30, seconds=5, microseconds=7),
        restrict_for_apps_created_after=datetime(1, 1, 1, tzinfo=UTC),
        exclude_actors=(ActorExemption("Policy_Exempt", None), ActorExemption("A_B", "Yes")),
        exclude_apps_receiving_v2_tokens=True,
        exclude_saml=False,
        certificate_based_application_configuration_ids=("a", "b"),
        is_state_set_by_microsoft=True,
    ),
    Restriction(
        kind=RestrictionKind.URI_WITH_WILDCARD,
        redirect_uris=RedirectUriLists(
            listed={"web": ("a.example",), "": ()},
            exempt_formats={"spa": ("x",)},
            exclude_wildcards_in_path=True,
            exclude_wildcards_in_path_with_domains=("b.example",),
        ),
    ),
)


@pytest.fixture
def app(store: Store) -> Application:
    """An application to link policies to."""
    app = application()
    store.write(lambda conn: directory_objects.add(conn, TENANT, app)).result()
    return app


def test_the_default_is_as_graph_ships_it_until_somebody_writes_it(store: Store) -> None:
    with store.read() as conn:
        assert policies.get_default(conn, TENANT) == TenantDefault()


def test_the_default_comes_back_with_every_member_of_every_restriction(store: Store) -> None:
    for enabled in (True, False):
        wanted = TenantDefault(
            is_enabled=enabled,
            display_name=None,
            application_restrictions=EVERY_MEMBER,
            service_principal_restrictions=EVERY_MEMBER[:1],
        )
        store.write(lambda conn, wanted=wanted: policies.put_default(conn, TENANT, wanted)).result()
        with store.read() as conn:
            assert policies.get_default(conn, TENANT) == wanted


def test_a_policy_is_added_replaced_listed_and_deleted(store: Store) -> None:
    first, second = policy(restrictions=EVERY_MEMBER), policy(is_enabled=True)
    for added in (first, second):
        store.write(lambda conn, added=added: policies.add_policy(conn, TENANT, added)).result()
    renamed = replace(first, display_name="Longer", description="x", is_enabled=True)
    store.write(lambda conn: policies.replace_policy(conn, TENANT, renamed)).result()
    with store.read() as conn:
        assert policies.get_policy(conn, TENANT, first.id) == renamed
        assert policies.list_policies(conn, TENANT, Query(count=True)).items == (renamed, second)
    store.write(lambda conn: policies.delete_policy(conn, TENANT, first.id)).result()
    with store.read() as conn:
        assert policies.get_policy(conn, TENANT, first.id) is None
        assert policies.list_policies(conn, TENANT, Query(count=True)).count == 1


def test_a_policy_id_is_taken_once(store: Store) -> None:
    added = policy()
    store.write(lambda conn: policies.add_policy(conn, TENANT, added)).result()
    with pytest.raises(Conflict, match=added.id):
        store.write(lambda conn: policies.add_policy(conn, TENANT, added)).result()


MISSING = PolicyId(NOWHERE)
ON_NOTHING = {
    "replace_policy": lambda conn, app: policies.replace_policy(conn, TENANT, policy(id=MISSING)),
    "delete_policy": lambda conn, app: policies.delete_policy(conn, TENANT, MISSING),
    "link": lambda conn, app: policies.link(conn, TENANT, MISSING, app.id),
    "delete_trusted_configuration": lambda conn, app: policies.delete_trusted_configuration(
        conn, TENANT, ObjectId(NOWHERE)
    ),
}


@pytest.mark.parametrize("work", ON_NOTHING.values(), ids=ON_NOTHING)
def test_what_needs_a_policy_that_is_not_there_is_not_found(store: Store, app: Application, work) -> None:
    with pytest.raises(NotFound, match=NOWHERE):
        store.write(lambda conn: work(conn, app)).result()


def test_linking_an_object_that_is_not_there_is_not_found(store: Store) -> None:
    added = policy()
    store.write(lambda conn: policies.add_policy(conn, TENANT, added)).result()
    with pytest.raises(NotFound, match=NOWHERE):
        store.write(lambda conn: policies.link(conn, TENANT, added.id, ObjectId(NOWHERE))).result()


def test_an_object_has_one_policy_at_most_and_the_refusal_names_it(store: Store, app: Application) -> None:
    first, second = policy(), policy()

    def work(conn) -> None:
        for added in (first, second):
            policies.add_policy(conn, TENANT, added)
        policies.link(conn, TENANT, first.id, app.id)

    store.write(work).result()
    for wanted in (first, second):
        with pytest.raises(Conflict, match=first.id):
            store.write(lambda conn, wanted=wanted: policies.link(conn, TENANT, wanted.id, app.id)).result()
    with store.read() as conn:
        assert policies.policy_of(conn, TENANT, app.id) == first


def test_unlinking_frees_the_object_for_another_policy(store: Store, app: Application) -> None:
    first, second = policy(), policy()

    def work(conn) -> list[bool]:
        for added in (first, second):
            policies.add_policy(conn, TENANT, added)
        policies.link(conn, TENANT, first.id, app.id)
        return [
            policies.unlink(conn, TENANT, second.id, app.id),
            policies.unlink(conn, TENANT, first.id, app.id),
            policies.unlink(conn, TENANT, first.id, app.id),
        ]

    assert store.write(work).result() == [False, True, False]
    store.write(lambda conn: policies.link(conn, TENANT, second.id, app.id)).result()
    with store.read() as conn:
        assert policies.policy_of(conn, TENANT, app.id) == second


def test_deleting_a_policy_removes_its_links(store: Store, app: Application) -> None:
    first, second = policy(), policy()

    def work(conn) -> None:
        for added in (first, second):
            policies.add_policy(conn, TENANT, added)
        policies.link(conn, TENANT, first.id, app.id)
        policies.delete_policy(conn, TENANT, first.id)
        policies.link(conn, TENANT, second.id, app.id)

    store.write(work).result()
    with store.read() as conn:
        assert policies.policy_of(conn, TENANT, app.id) == second


def test_applies_to_lists_live_objects_of_both_kinds(store: Store, app: Application) -> None:
    principal, gone, added = service_principal(), application(), policy()

    def work(conn) -> None:
        policies.add_policy(conn, TENANT, added)
        for obj in (principal, gone):
            directory_objects.add(conn, TENANT, obj)
        for obj in (app, principal, gone):
            policies.link(conn, TENANT, added.id, obj.id)
        directory_objects.delete(conn, TENANT, ObjectKind.APPLICATION, gone.id, at=NOW)

    store.write(work).result()
    with store.read() as conn:
        page = policies.applies_to(conn, TENANT, added.id, Query(count=True))
        assert (page.items, page.count) == ((app, principal), 2)
        assert policies.policy_of(conn, TENANT, gone.id) is None
        assert policies.applies_to(conn, TENANT, PolicyId(NOWHERE), Query()).items == ()


def test_trusted_configurations_come_back_whole_and_in_order(store: Store) -> None:
    first, second = trusted_configuration(), trusted_configuration()
    for added in (first, second):
        store.write(lambda conn, added=added: policies.add_trusted_configuration(conn, TENANT, added)).result()
    with pytest.raises(Conflict, match=first.id):
        store.write(lambda conn: policies.add_trusted_configuration(conn, TENANT, first)).result()
    with store.read() as conn:
        assert policies.list_trusted_configurations(conn, TENANT) == (first, second)
        assert policies.get_trusted_configuration(conn, TENANT, second.id) == second
    store.write(lambda conn: policies.delete_trusted_configuration(conn, TENANT, first.id)).result()
    with store.read() as conn:
        assert policies.get_trusted_configuration(conn, TENANT, first.id) is None
        assert policies.list_trusted_configurations(conn, TENANT) == (second,)
