"""Who holds which directory role."""

from __future__ import annotations

import pytest

from tests.store.nouns import NOW, NOWHERE, OTHER_TENANT, TENANT, guid, service_principal, user
from unsecret.errors import Conflict, NotFound
from unsecret.model.directory_roles import Role
from unsecret.model.identifiers import ObjectId
from unsecret.model.people import DirectoryRoleAssignment
from unsecret.store import directory_objects, directory_roles, users
from unsecret.store.engine import Store


def _held(principal_id: str, role: Role = Role.GLOBAL_READER, scope: str = "/") -> DirectoryRoleAssignment:
    return DirectoryRoleAssignment(
        id=guid(), role_definition_id=role, principal_id=ObjectId(principal_id), directory_scope_id=scope
    )


def _do(store: Store, work):
    return store.write(work).result()


def test_a_role_is_given_found_and_withdrawn(store: Store):
    ada, app = user(), service_principal()
    first, second = _held(ada.id), _held(app.id, Role.GLOBAL_ADMINISTRATOR)

    def make(conn):
        users.add(conn, TENANT, ada)
        directory_objects.add(conn, TENANT, app)
        directory_roles.add(conn, TENANT, first)
        directory_roles.add(conn, TENANT, second)

    _do(store, make)
    with store.read() as conn:
        assert directory_roles.roles_of(conn, TENANT, ada.id) == {Role.GLOBAL_READER}
        assert directory_roles.assignments_of(conn, TENANT, ada.id) == (first,)
        assert directory_roles.assignments_to(conn, TENANT, Role.GLOBAL_ADMINISTRATOR) == (second,)
        assert directory_roles.all_assignments(conn, TENANT) == (first, second)
        assert directory_roles.get(conn, TENANT, second.id) == second
        assert directory_roles.all_assignments(conn, OTHER_TENANT) == ()
        assert directory_roles.roles_of(conn, OTHER_TENANT, ada.id) == frozenset()
    assert _do(store, lambda conn: directory_roles.remove(conn, TENANT, first.id))
    assert not _do(store, lambda conn: directory_roles.remove(conn, TENANT, first.id))
    assert not _do(store, lambda conn: directory_roles.remove(conn, OTHER_TENANT, second.id))
    with store.read() as conn:
        assert directory_roles.roles_of(conn, TENANT, ada.id) == frozenset()


def test_a_role_for_one_object_is_not_a_role_for_all(store: Store):
    ada = user()
    _do(store, lambda conn: users.add(conn, TENANT, ada))
    _do(store, lambda conn: directory_roles.add(conn, TENANT, _held(ada.id, scope=f"/{guid()}")))
    with store.read() as conn:
        assert directory_roles.roles_of(conn, TENANT, ada.id) == frozenset()


def test_a_role_is_held_once_in_a_scope(store: Store):
    ada = user()
    _do(store, lambda conn: users.add(conn, TENANT, ada))
    _do(store, lambda conn: directory_roles.add(conn, TENANT, _held(ada.id)))
    with pytest.raises(Conflict, match="holds this role already"):
        _do(store, lambda conn: directory_roles.add(conn, TENANT, _held(ada.id)))


def test_nobody_holds_no_role(store: Store):
    with pytest.raises(NotFound):
        _do(store, lambda conn: directory_roles.add(conn, TENANT, _held(NOWHERE)))


def test_the_deleted_hold_nothing(store: Store):
    ada = user()
    _do(store, lambda conn: users.add(conn, TENANT, ada))
    _do(store, lambda conn: directory_roles.add(conn, TENANT, _held(ada.id)))
    _do(store, lambda conn: users.delete(conn, TENANT, ada.id, at=NOW))
    with store.read() as conn:
        assert directory_roles.roles_of(conn, TENANT, ada.id) == frozenset()
        assert directory_roles.all_assignments(conn, TENANT) == ()
