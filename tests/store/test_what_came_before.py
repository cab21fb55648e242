"""What was deleted, what was changed, and what was last used: told alike by both kinds of database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.store.nouns import DIGEST, NOW, OTHER_TENANT, TENANT, application, audit, key, password, sign_in
from unsecret.errors import NotFound
from unsecret.model.application import Application, ObjectKind
from unsecret.model.event import Outcome, Target
from unsecret.model.query import AnyOf, Comparison, Not, Operator, OrderBy, Query
from unsecret.store import activity, changes, deleted_objects, directory_objects, logs
from unsecret.store.engine import Store

A = ObjectKind.APPLICATION
LONG_BEFORE = NOW - timedelta(days=30)


def write(store: Store, work: Any) -> Any:
    return store.write(work).result()


def add(store: Store, *objects: Application) -> None:
    def work(conn: Any) -> None:
        for obj in objects:
            digests = {secret.key_id: DIGEST for secret in obj.password_credentials}
            directory_objects.add(conn, TENANT, obj, digests=digests)

    write(store, work)


def delete(store: Store, obj: Application, at: Any = NOW) -> None:
    write(store, lambda conn: directory_objects.delete(conn, TENANT, A, obj.id, at=at))


def test_the_deleted_are_listed_restored_and_purged(store: Store) -> None:
    first, second = application(password_credentials=(password(),)), application()
    add(store, first, second)
    delete(store, first, NOW - timedelta(days=1))
    delete(store, second)
    with store.read() as conn:
        page = deleted_objects.list_deleted(conn, TENANT, A, Query(count=True), since=LONG_BEFORE)
        assert [item.object.id for item in page.items] == [second.id, first.id]
        assert page.count == 2
        assert not deleted_objects.list_deleted(conn, OTHER_TENANT, A, Query(), since=LONG_BEFORE).items
        assert deleted_objects.get_deleted(conn, TENANT, first.id, since=NOW) is None
        assert [item.object.id for item in deleted_objects.expired(conn, TENANT, until=NOW - timedelta(days=1))] == [
            first.id
        ]
    write(store, lambda conn: deleted_objects.restore(conn, TENANT, first.id))
    write(store, lambda conn: deleted_objects.purge(conn, TENANT, second.id))
    with store.read() as conn:
        assert directory_objects.get(conn, TENANT, A, first.id) == first
        assert changes.found(conn, TENANT, [second.id]) == {}
    with pytest.raises(NotFound):
        write(store, lambda conn: deleted_objects.purge(conn, TENANT, first.id))


def test_changes_are_those_that_succeeded_in_order_and_in_pieces(store: Store) -> None:
    def target(name: str) -> tuple[Target, ...]:
        return (Target(id=name, display_name=None, type="Application"),)

    def work(conn: Any) -> None:
        for name in ("a", "b", "c"):
            logs.add_audit(conn, TENANT, audit(targets=target(name)))
        logs.add_audit(conn, TENANT, audit(targets=target("refused"), result=Outcome.FAILURE))

    write(store, work)
    with store.read() as conn:
        touched, is_all = changes.since(conn, TENANT, 0, most=2)
        assert ([one.id for one in touched], is_all) == (["a", "b"], False)
        touched, is_all = changes.since(conn, TENANT, touched[-1].row, most=2)
        assert ([one.id for one in touched], is_all) == (["c"], True)
        assert changes.newest(conn, TENANT) > touched[-1].row
        assert changes.newest(conn, OTHER_TENANT) == 0


def test_the_last_use_of_credentials_and_applications(store: Store) -> None:
    apps = [application(password_credentials=(password(),), key_credentials=(key(),)) for _ in range(3)]
    add(store, *apps)

    def work(conn: Any) -> None:
        for number, app in enumerate(apps):
            for at in (NOW, NOW + timedelta(minutes=number + 1)):
                used = {"app_id": app.app_id, "resource_id": apps[0].app_id}
                key_id = app.password_credentials[0].key_id
                logs.add_sign_ins(conn, [(TENANT, sign_in(at=at, credential_key_id=key_id, error_code=0, **used))])
        later = NOW + timedelta(days=1)
        failed = {"app_id": apps[0].app_id, "credential_key_id": apps[0].password_credentials[0].key_id}
        logs.add_sign_ins(conn, [(TENANT, sign_in(at=later, error_code=7000222, **failed))])

    write(store, work)
    latest = Query(order_by=OrderBy(activity.LAST_USE, descending=True), top=2, count=True)
    with store.read() as conn:
        page = activity.list_credentials(conn, TENANT, latest)
        assert [one.app_id for one in page.items] == [apps[2].app_id, apps[1].app_id]
        assert page.items[0].last.at == NOW + timedelta(minutes=3)
        assert page.count == 3
        shown, after = [], None
        while True:
            page = activity.list_credentials(conn, TENANT, Query(top=2, after=after))
            shown += [one.key_id for one in page.items]
            if (after := page.next) is None:
                break
        assert shown == sorted(app.password_credentials[0].key_id for app in apps)
        resource = activity.get_principal(conn, TENANT, apps[0].app_id)
        assert resource is not None
        assert resource.as_resource is not None
        assert resource.as_resource.at == NOW + timedelta(minutes=3)
        assert len(activity.list_principals(conn, TENANT, Query()).items) == 3
        assert not activity.list_principals(conn, OTHER_TENANT, Query()).items


def test_words_and_relationships_are_found(store: Store) -> None:
    add(store, application(display_name="Payroll service"), application(display_name="old-pay%ments"))
    with store.read() as conn:
        for filter, count in (
            (Comparison("displayName", Operator.HAS_WORD, "SERV"), 1),
            (Comparison("displayName", Operator.HAS_WORD, "roll"), 0),
            (Comparison("displayName", Operator.HAS_WORD, "pay%"), 1),
            (AnyOf("owners", None), 0),
            (Not(AnyOf("owners", None)), 2),
            (AnyOf("federatedIdentityCredentials", None), 0),
        ):
            assert len(directory_objects.list(conn, TENANT, A, Query(filter=filter)).items) == count, filter
