"""Applications and service principals: what is put is what comes back, and names that must be unique are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.store.nouns import DIGEST, NOW, NOWHERE, TENANT, application, guid, key, password, service_principal
from unsecret.errors import Conflict, NotFound
from unsecret.model.application import DirectoryObject, ObjectKind
from unsecret.model.identifiers import AppId, ObjectId, TenantId
from unsecret.model.query import Query
from unsecret.store import credentials, directory_objects
from unsecret.store.engine import Store

A, SP = ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL

KINDS = (ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL)

FULL_APPLICATION = application(
    created_by_app_id=AppId(guid()),
    unique_name="payroll",
    sign_in_audience="AzureADMultipleOrgs",
    identifier_uris=("api://payroll", "https://contoso.example/payroll"),
    requested_access_token_version=2,
    web_redirect_uris=("https://contoso.example/signin",),
    spa_redirect_uris=("https://contoso.example/spa",),
    public_client_redirect_uris=("http://localhost",),
    is_disabled=False,
    tags=("Payroll", "HR"),
    password_credentials=(password(display_name="rbac", hint="a8~"), password()),
    key_credentials=(key(custom_key_identifier="AB12", thumbprint_sha1="qw", thumbprint_sha256="er"), key()),
    other={"info": {"logoUrl": None}, "notes": "Ünïcode 🔑", "optionalClaims": {"idToken": [{"name": "x"}]}},
)
FULL_SERVICE_PRINCIPAL = service_principal(
    app_owner_organization_id=TENANT,
    account_enabled=False,
    service_principal_type="ManagedIdentity",
    sign_in_audience="AzureADMyOrg",
    service_principal_names=("api://payroll",),
    preferred_single_sign_on_mode="saml",
    tags=("HideApp",),
    custom_security_attributes={"Policy": {"Exempt": "Yes", "Level": 3}},
    password_credentials=(password(),),
    key_credentials=(key(),),
    other={"homepage": "https://contoso.example"},
)
OBJECTS = {
    "application": FULL_APPLICATION,
    "service principal": FULL_SERVICE_PRINCIPAL,
    "application of unknown age": application(created_at=None),
    "bare service principal": service_principal(),
}


def add(store: Store, *objects: DirectoryObject) -> None:
    """Adds them all, or none."""
    store.write(lambda conn: [directory_objects.add(conn, TENANT, obj) for obj in objects]).result()


@pytest.mark.parametrize("obj", OBJECTS.values(), ids=OBJECTS)
def test_what_is_added_comes_back_whole_by_every_key(store: Store, obj: DirectoryObject) -> None:
    add(store, obj)
    with store.read() as conn:
        assert directory_objects.get(conn, TENANT, obj.kind, obj.id) == obj
        assert directory_objects.get_by_app_id(conn, TENANT, obj.kind, obj.app_id) == obj
        assert directory_objects.get_any(conn, TENANT, obj.id) == obj
        assert directory_objects.list(conn, TENANT, obj.kind, Query()).items == (obj,)


def test_an_application_is_found_by_its_unique_name_in_any_case(store: Store) -> None:
    add(store, FULL_APPLICATION)
    with store.read() as conn:
        assert directory_objects.get_by_unique_name(conn, TENANT, "PayRoll") == FULL_APPLICATION
        assert directory_objects.get_by_unique_name(conn, TENANT, "payrol") is None


def test_identifiers_are_the_same_in_any_case(store: Store) -> None:
    app = application()
    add(store, app)
    with store.read() as conn:
        assert directory_objects.get(conn, TENANT, A, ObjectId(app.id.upper())) == app


@pytest.mark.parametrize("text", ["", "payroll", NOWHERE, NOWHERE[:-1] + "g", "é" * 36, NOWHERE.replace("-", "")])
def test_a_text_that_names_nothing_finds_nothing(store: Store, text: str) -> None:
    add(store, FULL_APPLICATION)
    with store.read() as conn:
        assert directory_objects.get(conn, TENANT, A, ObjectId(text)) is None
        assert directory_objects.get_by_app_id(conn, TENANT, A, AppId(text)) is None
        assert directory_objects.get_any(conn, TenantId(text), FULL_APPLICATION.id) is None


def test_the_two_kinds_are_kept_apart(store: Store) -> None:
    app = application()
    principal = service_principal(app_id=app.app_id)
    add(store, app, principal)
    with store.read() as conn:
        assert directory_objects.get(conn, TENANT, SP, app.id) is None
        assert directory_objects.get_by_app_id(conn, TENANT, SP, app.app_id) == principal
        assert directory_objects.objects_of_app(conn, TENANT, app.app_id) == (app, principal)


TAKEN = {
    "the id": (application(id=ObjectId(NOWHERE)), application(id=ObjectId(NOWHERE)), "id"),
    "the id, of another kind": (application(id=ObjectId(NOWHERE)), service_principal(id=ObjectId(NOWHERE)), "id"),
    "the appId": (application(app_id=AppId(NOWHERE)), application(app_id=AppId(NOWHERE)), "appId"),
    "a principal's appId": (
        service_principal(app_id=AppId(NOWHERE)),
        service_principal(app_id=AppId(NOWHERE)),
        "appId",
    ),
    "the uniqueName, in another case": (
        application(unique_name="Payroll"),
        application(unique_name="PAYROLL"),
        "uniqueName",
    ),
    "an identifier URI, in another case": (
        application(identifier_uris=("api://a", "api://B")),
        application(identifier_uris=("api://c", "API://b")),
        "identifierUris",
    ),
}


@pytest.mark.parametrize(("first", "second", "property"), TAKEN.values(), ids=TAKEN)
def test_what_must_be_unique_is_refused_and_nothing_of_it_written(
    store: Store, first: DirectoryObject, second: DirectoryObject, property: str
) -> None:
    add(store, first)
    with pytest.raises(Conflict) as refusal:
        add(store, second)
    assert refusal.value.target == property
    assert property in refusal.value.message
    with store.read() as conn:
        pages = [directory_objects.list(conn, TENANT, kind, Query()).items for kind in KINDS]
    assert [obj for page in pages for obj in page] == [first]


def test_a_caught_conflict_leaves_the_transaction_usable(store: Store) -> None:
    add(store, FULL_APPLICATION)
    other = application()

    def work(conn) -> None:
        with pytest.raises(Conflict):
            directory_objects.add(conn, TENANT, application(identifier_uris=("api://new", "api://payroll")))
        directory_objects.add(conn, TENANT, other)

    store.write(work).result()
    with store.read() as conn:
        assert directory_objects.list(conn, TENANT, A, Query()).items == (FULL_APPLICATION, other)


def test_replacing_writes_everything_but_the_credentials(store: Store) -> None:
    add(store, FULL_APPLICATION)
    wanted = replace(
        FULL_APPLICATION,
        display_name="Wages",
        unique_name="wages",
        identifier_uris=("api://payroll", "api://wages"),
        tags=(),
        other={},
    )
    bare = replace(wanted, password_credentials=(), key_credentials=())
    store.write(lambda conn: directory_objects.replace(conn, TENANT, bare)).result()
    with store.read() as conn:
        assert directory_objects.get(conn, TENANT, A, wanted.id) == wanted
        assert directory_objects.get_by_unique_name(conn, TENANT, "payroll") is None


def test_a_name_that_was_given_up_is_free_again(store: Store) -> None:
    add(store, FULL_APPLICATION)
    bare = replace(FULL_APPLICATION, unique_name=None, identifier_uris=())
    store.write(lambda conn: directory_objects.replace(conn, TENANT, bare)).result()
    add(store, application(unique_name="payroll", identifier_uris=("api://payroll",)))


@pytest.mark.parametrize(
    "taken", [{"unique_name": "PAYROLL"}, {"identifier_uris": ("API://payroll",)}], ids=["uniqueName", "identifierUris"]
)
def test_replacing_cannot_take_a_name_that_another_has(store: Store, taken: dict) -> None:
    other = application(tags=("kept",))
    add(store, FULL_APPLICATION, other)
    with pytest.raises(Conflict):
        store.write(lambda conn: directory_objects.replace(conn, TENANT, replace(other, **taken))).result()
    with store.read() as conn:
        assert directory_objects.get(conn, TENANT, A, other.id) == other


def test_replacing_or_deleting_what_is_not_there_is_not_found(store: Store) -> None:
    missing = application()
    with pytest.raises(NotFound, match=missing.id):
        store.write(lambda conn: directory_objects.replace(conn, TENANT, missing)).result()
    with pytest.raises(NotFound, match=missing.id):
        store.write(lambda conn: directory_objects.delete(conn, TENANT, A, missing.id, at=NOW)).result()


def test_a_deleted_object_appears_nowhere_and_signs_nobody_in(store: Store) -> None:
    secret = FULL_APPLICATION.password_credentials[0].key_id
    store.write(lambda conn: directory_objects.add(conn, TENANT, FULL_APPLICATION, digests={secret: DIGEST})).result()
    store.write(
        lambda conn: directory_objects.delete(conn, TENANT, A, FULL_APPLICATION.id, at=NOW + timedelta(days=1))
    ).result()
    with store.read() as conn:
        assert directory_objects.get(conn, TENANT, A, FULL_APPLICATION.id) is None
        assert directory_objects.get_by_app_id(conn, TENANT, A, FULL_APPLICATION.app_id) is None
        assert directory_objects.get_by_unique_name(conn, TENANT, "payroll") is None
        assert directory_objects.get_any(conn, TENANT, FULL_APPLICATION.id) is None
        assert directory_objects.objects_of_app(conn, TENANT, FULL_APPLICATION.app_id) == (None, None)
        assert directory_objects.list(conn, TENANT, A, Query(count=True)).count == 0
        assert credentials.password_digests(conn, TENANT, FULL_APPLICATION.app_id) == ()
        assert credentials.keys_of_app(conn, TENANT, FULL_APPLICATION.app_id) == ()


def test_a_deleted_object_keeps_its_names(store: Store) -> None:
    add(store, FULL_APPLICATION)
    store.write(lambda conn: directory_objects.delete(conn, TENANT, A, FULL_APPLICATION.id, at=NOW)).result()
    with pytest.raises(Conflict):
        add(store, application(unique_name="payroll"))
    with pytest.raises(Conflict):
        add(store, application(identifier_uris=("api://payroll",)))


def test_deleting_twice_is_not_found_the_second_time(store: Store) -> None:
    add(store, FULL_APPLICATION)
    store.write(lambda conn: directory_objects.delete(conn, TENANT, A, FULL_APPLICATION.id, at=NOW)).result()
    with pytest.raises(NotFound):
        store.write(lambda conn: directory_objects.delete(conn, TENANT, A, FULL_APPLICATION.id, at=NOW)).result()


def test_what_a_sign_in_looks_up_is_what_was_written_last(store: Store) -> None:
    app = application(tags=("old",))
    bare = replace(app, password_credentials=(), key_credentials=())
    add(store, app)
    for tags in (("old",), ("new",), ("old",), ()):
        now_tagged = replace(bare, tags=tags)
        store.write(lambda conn, obj=now_tagged: directory_objects.replace(conn, TENANT, obj)).result()
        for _ in range(2):
            with store.read() as conn:
                assert directory_objects.objects_of_app(conn, TENANT, app.app_id) == (now_tagged, None)
