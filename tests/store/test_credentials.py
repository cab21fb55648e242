"""Secrets and keys: kept per object, found per application, and never the text of a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.store.nouns import DIGEST, NOW, NOWHERE, TENANT, application, key, password, service_principal
from unsecret.errors import Conflict, NotFound
from unsecret.model.application import Application, KeyCredential, KeyType, ObjectKind
from unsecret.model.identifiers import ObjectId
from unsecret.store import credentials, directory_objects
from unsecret.store.credentials import StoredKey, StoredPassword
from unsecret.store.engine import Store

A, SP = ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL


@pytest.fixture
def app(store: Store) -> Application:
    """An application without credentials."""
    app = application()
    store.write(lambda conn: directory_objects.add(conn, TENANT, app)).result()
    return app


def passwords_of(store: Store, app: Application) -> tuple:
    """As reads show them."""
    with store.read() as conn:
        found = directory_objects.get(conn, TENANT, A, app.id)
    return found.password_credentials if found else ()


def keys_of(store: Store, app: Application) -> tuple:
    """As reads show them."""
    with store.read() as conn:
        found = directory_objects.get(conn, TENANT, A, app.id)
    return found.key_credentials if found else ()


def set_keys(store: Store, app: Application, *keys: KeyCredential) -> None:
    """Replaces the set."""
    store.write(lambda conn: credentials.set_keys(conn, TENANT, app.id, keys)).result()


def test_a_password_is_listed_and_its_digest_found_by_app_id(store: Store, app: Application) -> None:
    secret = password(display_name="rbac", hint="a8~")
    store.write(lambda conn: credentials.add_password(conn, TENANT, app.id, secret, DIGEST)).result()
    assert passwords_of(store, app) == (secret,)
    with store.read() as conn:
        stored = credentials.password_digests(conn, TENANT, app.app_id)
    assert stored == (StoredPassword(object_id=app.id, kind=A, credential=secret, digest=DIGEST),)


def test_passwords_stand_in_the_order_in_which_they_were_added(store: Store, app: Application) -> None:
    secrets = [password() for _ in range(5)]
    for secret in secrets:
        store.write(lambda conn, secret=secret: credentials.add_password(conn, TENANT, app.id, secret, DIGEST)).result()
    assert passwords_of(store, app) == tuple(secrets)


def test_a_key_id_is_taken_once_per_object(store: Store, app: Application) -> None:
    secret, other = password(), application()
    store.write(lambda conn: credentials.add_password(conn, TENANT, app.id, secret, DIGEST)).result()
    with pytest.raises(Conflict, match=secret.key_id):
        store.write(lambda conn: credentials.add_password(conn, TENANT, app.id, secret, DIGEST)).result()

    def on_another(conn) -> None:
        directory_objects.add(conn, TENANT, other)
        credentials.add_password(conn, TENANT, other.id, secret, DIGEST)

    store.write(on_another).result()
    assert passwords_of(store, app) == passwords_of(store, other) == (secret,)


@pytest.mark.parametrize("object_id", [NOWHERE, "payroll"])
def test_credentials_of_what_is_not_there_are_not_found(store: Store, object_id: str) -> None:
    with pytest.raises(NotFound, match=object_id):
        store.write(
            lambda conn: credentials.add_password(conn, TENANT, ObjectId(object_id), password(), DIGEST)
        ).result()
    with pytest.raises(NotFound, match=object_id):
        store.write(lambda conn: credentials.set_keys(conn, TENANT, ObjectId(object_id), [key()])).result()


def test_a_deleted_object_takes_no_credentials_and_gives_none_up(store: Store, app: Application) -> None:
    secret = password()
    store.write(lambda conn: credentials.add_password(conn, TENANT, app.id, secret, DIGEST)).result()
    store.write(lambda conn: directory_objects.delete(conn, TENANT, A, app.id, at=NOW)).result()
    with pytest.raises(NotFound):
        store.write(lambda conn: credentials.add_password(conn, TENANT, app.id, password(), DIGEST)).result()
    assert not store.write(lambda conn: credentials.remove_password(conn, TENANT, app.id, secret.key_id)).result()


def test_a_removed_password_signs_nobody_in(store: Store, app: Application) -> None:
    gone, kept = password(), password()
    for secret in (gone, kept):
        store.write(lambda conn, secret=secret: credentials.add_password(conn, TENANT, app.id, secret, DIGEST)).result()
    assert store.write(lambda conn: credentials.remove_password(conn, TENANT, app.id, gone.key_id)).result()
    assert not store.write(lambda conn: credentials.remove_password(conn, TENANT, app.id, gone.key_id)).result()
    assert passwords_of(store, app) == (kept,)
    with store.read() as conn:
        assert [found.credential for found in credentials.password_digests(conn, TENANT, app.app_id)] == [kept]


def test_the_application_and_its_service_principal_both_authenticate_the_app(store: Store) -> None:
    own, theirs, own_key, their_key = password(), password(), key(), key()
    app = application(password_credentials=(own,), key_credentials=(own_key,))
    principal = service_principal(app_id=app.app_id, password_credentials=(theirs,), key_credentials=(their_key,))

    def work(conn) -> None:
        for obj in (app, principal):
            digests = {secret.key_id: DIGEST for secret in obj.password_credentials}
            directory_objects.add(conn, TENANT, obj, digests=digests)

    store.write(work).result()
    with store.read() as conn:
        passwords = credentials.password_digests(conn, TENANT, app.app_id)
        keys = credentials.keys_of_app(conn, TENANT, app.app_id)
    assert {(found.kind, found.object_id, found.credential) for found in passwords} == {
        (A, app.id, own),
        (SP, principal.id, theirs),
    }
    assert set(keys) == {
        StoredKey(object_id=app.id, kind=A, credential=own_key),
        StoredKey(object_id=principal.id, kind=SP, credential=their_key),
    }


def test_a_password_without_a_digest_is_listed_and_signs_nobody_in(store: Store) -> None:
    app = application(password_credentials=(password(),))
    store.write(lambda conn: directory_objects.add(conn, TENANT, app)).result()
    assert passwords_of(store, app) == app.password_credentials
    with store.read() as conn:
        assert credentials.password_digests(conn, TENANT, app.app_id) == ()


def test_setting_keys_replaces_the_set_and_keeps_the_place_of_those_that_stay(store: Store, app: Application) -> None:
    first, second, third = key(), key(key=None, type=KeyType.SYMMETRIC), key()
    set_keys(store, app, first, second)
    renamed = replace(second, display_name="renamed", custom_key_identifier="CD34")
    set_keys(store, app, third, renamed)
    assert keys_of(store, app) == (renamed, third)
    set_keys(store, app)
    assert keys_of(store, app) == ()


def test_a_key_id_cannot_come_twice_in_a_set(store: Store, app: Application) -> None:
    kept, twice = key(), key()
    set_keys(store, app, kept)
    with pytest.raises(Conflict):
        set_keys(store, app, twice, replace(twice, display_name="again"))
    assert keys_of(store, app) == (kept,)


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_the_file_holds_the_digest_and_nothing_that_the_caller_did_not_give(
    store: Store, app: Application, database: str
) -> None:
    store.write(lambda conn: credentials.add_password(conn, TENANT, app.id, password(hint="a8~"), DIGEST)).result()
    store.close()
    assert DIGEST in Path(database.removeprefix("sqlite:///")).read_bytes()
