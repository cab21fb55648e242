"""Owners and application permissions."""

from __future__ import annotations

import pytest

from tests.store.nouns import NOW, NOWHERE, TENANT, application, assignment, guid, service_principal
from unsecret.errors import Conflict, NotFound
from unsecret.model.application import Application, ObjectKind, ServicePrincipal
from unsecret.model.identifiers import ObjectId
from unsecret.model.query import Query
from unsecret.store import directory_objects, links
from unsecret.store.engine import Store

A, SP = ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL


@pytest.fixture
def app(store: Store) -> Application:
    """An application to own."""
    app = application()
    store.write(lambda conn: directory_objects.add(conn, TENANT, app)).result()
    return app


@pytest.fixture
def principals(store: Store) -> list[ServicePrincipal]:
    """Three service principals."""
    made = [service_principal() for _ in range(3)]
    store.write(lambda conn: [directory_objects.add(conn, TENANT, principal) for principal in made]).result()
    return made


def delete(store: Store, obj: Application | ServicePrincipal) -> None:
    """Softly."""
    store.write(lambda conn: directory_objects.delete(conn, TENANT, obj.kind, obj.id, at=NOW)).result()


def test_owners_stand_in_the_order_in_which_they_were_added(
    store: Store, app: Application, principals: list[ServicePrincipal]
) -> None:
    first, second, third = principals
    for added in (third, first, second):
        store.write(lambda conn, added=added: links.add_owner(conn, TENANT, app.id, added.id)).result()
    with store.read() as conn:
        assert links.owners(conn, TENANT, app.id) == (third, first, second)


def test_ownership_goes_one_way(store: Store, app: Application, principals: list[ServicePrincipal]) -> None:
    owner = principals[0]
    store.write(lambda conn: links.add_owner(conn, TENANT, app.id, owner.id)).result()
    with store.read() as conn:
        assert links.owns(conn, TENANT, owner.id, app.id)
        assert not links.owns(conn, TENANT, app.id, owner.id)
        assert not links.owns(conn, TENANT, principals[1].id, app.id)
        assert links.owned_objects(conn, TENANT, owner.id, Query(count=True)).items == (app,)
        assert links.owned_objects(conn, TENANT, app.id, Query()).items == ()


def test_an_owner_is_added_once_and_removed_once(
    store: Store, app: Application, principals: list[ServicePrincipal]
) -> None:
    owner = principals[0]
    store.write(lambda conn: links.add_owner(conn, TENANT, app.id, owner.id)).result()
    with pytest.raises(Conflict, match="already exist"):
        store.write(lambda conn: links.add_owner(conn, TENANT, app.id, owner.id)).result()
    assert store.write(lambda conn: links.remove_owner(conn, TENANT, app.id, owner.id)).result()
    assert not store.write(lambda conn: links.remove_owner(conn, TENANT, app.id, owner.id)).result()


def test_owning_needs_both_ends(store: Store, app: Application) -> None:
    for object_id, owner_id in ((app.id, NOWHERE), (NOWHERE, app.id)):
        with pytest.raises(NotFound, match=NOWHERE):
            store.write(
                lambda conn, a=object_id, b=owner_id: links.add_owner(conn, TENANT, ObjectId(a), ObjectId(b))
            ).result()


def test_deleted_objects_neither_own_nor_are_owned(
    store: Store, app: Application, principals: list[ServicePrincipal]
) -> None:
    owner, other = principals[:2]
    store.write(lambda conn: links.add_owner(conn, TENANT, app.id, owner.id)).result()
    store.write(lambda conn: links.add_owner(conn, TENANT, other.id, owner.id)).result()
    delete(store, other)
    with store.read() as conn:
        assert links.owned_objects(conn, TENANT, owner.id, Query()).items == (app,)
    delete(store, owner)
    with store.read() as conn:
        assert links.owners(conn, TENANT, app.id) == ()
        assert not links.owns(conn, TENANT, owner.id, app.id)


def test_a_permission_is_seen_from_both_ends(store: Store, principals: list[ServicePrincipal]) -> None:
    holder, graph, other = principals
    granted = [assignment(holder, graph), assignment(holder, other), assignment(other, graph)]
    for grant in granted:
        store.write(lambda conn, grant=grant: links.add_app_role_assignment(conn, TENANT, grant)).result()
    with store.read() as conn:
        assert links.app_role_assignments(conn, TENANT, holder.id) == tuple(granted[:2])
        assert links.app_role_assigned_to(conn, TENANT, graph.id) == (granted[0], granted[2])
    delete(store, other)
    with store.read() as conn:
        assert links.app_role_assignments(conn, TENANT, holder.id) == (granted[0],)
        assert links.app_role_assigned_to(conn, TENANT, graph.id) == (granted[0],)


def test_a_permission_is_granted_once_and_taken_back_once(store: Store, principals: list[ServicePrincipal]) -> None:
    grant = assignment(*principals[:2])
    store.write(lambda conn: links.add_app_role_assignment(conn, TENANT, grant)).result()
    same_permission = assignment(*principals[:2], app_role_id=grant.app_role_id)
    same_id = assignment(*principals[1:], id=grant.id, app_role_id=guid())
    for refused in (same_permission, same_id):
        with pytest.raises(Conflict):
            store.write(lambda conn, grant=refused: links.add_app_role_assignment(conn, TENANT, grant)).result()
    assert store.write(lambda conn: links.remove_app_role_assignment(conn, TENANT, grant.id)).result()
    assert not store.write(lambda conn: links.remove_app_role_assignment(conn, TENANT, grant.id)).result()


def test_a_permission_needs_both_ends(store: Store, principals: list[ServicePrincipal]) -> None:
    for ends in ((principals[0], service_principal()), (service_principal(), principals[0])):
        with pytest.raises(NotFound):
            store.write(lambda conn, ends=ends: links.add_app_role_assignment(conn, TENANT, assignment(*ends))).result()
