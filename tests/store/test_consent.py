"""Delegated permissions: granted to clients, for everybody or for one person."""

from __future__ import annotations

import pytest

from tests.store.nouns import NOW, NOWHERE, OTHER_TENANT, TENANT, guid, service_principal, user
from unsecret.errors import Conflict, Invalid, NotFound
from unsecret.model.application import ObjectKind, ServicePrincipal
from unsecret.model.consent import ConsentType, OAuth2PermissionGrant
from unsecret.model.identifiers import ObjectId
from unsecret.model.people import User
from unsecret.model.query import Comparison, Operator, Query
from unsecret.store import consent, directory_objects, users
from unsecret.store.engine import Store

CLIENT, RESOURCE, OTHER = service_principal(), service_principal(), service_principal()
ADA, BEN = user(), user()


@pytest.fixture
def filled(store: Store) -> Store:
    def make(conn):
        for one in (CLIENT, RESOURCE, OTHER):
            directory_objects.add(conn, TENANT, one)
        for person in (ADA, BEN):
            users.add(conn, TENANT, person)

    store.write(make).result()
    return store


def _grant(
    scope: str, person: User | None = None, client: ServicePrincipal = CLIENT, resource: ServicePrincipal = RESOURCE
) -> OAuth2PermissionGrant:
    return OAuth2PermissionGrant(
        id=guid(),
        client_id=client.id,
        consent_type=ConsentType.PRINCIPAL if person else ConsentType.ALL_PRINCIPALS,
        principal_id=person.id if person else None,
        resource_id=resource.id,
        scope=scope,
    )


def _do(store: Store, work):
    return store.write(work).result()


def _granted(store: Store, client: ServicePrincipal = CLIENT) -> str:
    with store.read() as conn:
        return " ".join(one.scope for one in consent.grants_of_client(conn, TENANT, client.id))


def test_a_client_has_what_was_granted_to_it_for_everybody_and_for_one(filled: Store):
    for grant in (_grant("User.Read openid"), _grant("Mail.Read", ADA), _grant("email", client=OTHER)):
        _do(filled, lambda conn, grant=grant: consent.add(conn, TENANT, grant))
        with filled.read() as conn:
            assert consent.get(conn, TENANT, grant.id) == grant
    assert _granted(filled) == "User.Read openid Mail.Read"
    assert _granted(filled, OTHER) == "email"
    assert _granted(filled, RESOURCE) == ""


@pytest.mark.parametrize("person", [None, ADA])
def test_there_is_one_grant_of_a_kind(filled: Store, person: User | None):
    _do(filled, lambda conn: consent.add(conn, TENANT, _grant("openid", person)))
    with pytest.raises(Conflict, match="already exists"):
        _do(filled, lambda conn: consent.add(conn, TENANT, _grant("User.Read", person)))


def test_a_grant_is_changed_and_removed(filled: Store):
    grant = _grant("openid")
    changed = OAuth2PermissionGrant(
        id=grant.id, client_id=CLIENT.id, consent_type=grant.consent_type, principal_id=None, resource_id=RESOURCE.id,
        scope="Mail.Read",
    )  # fmt: skip
    _do(filled, lambda conn: consent.add(conn, TENANT, grant))
    _do(filled, lambda conn: consent.replace(conn, TENANT, changed))
    assert _granted(filled) == "Mail.Read"
    assert not _do(filled, lambda conn: consent.remove(conn, OTHER_TENANT, grant.id))
    assert _do(filled, lambda conn: consent.remove(conn, TENANT, grant.id))
    assert not _do(filled, lambda conn: consent.remove(conn, TENANT, grant.id))
    with pytest.raises(NotFound):
        _do(filled, lambda conn: consent.replace(conn, TENANT, changed))
    assert _granted(filled) == ""


@pytest.mark.parametrize("end", ["client_id", "resource_id", "principal_id"])
def test_nothing_is_granted_to_nobody(filled: Store, end: str):
    ends = {"client_id": CLIENT.id, "resource_id": RESOURCE.id, "principal_id": ADA.id} | {end: ObjectId(NOWHERE)}
    grant = OAuth2PermissionGrant(id=guid(), consent_type=ConsentType.PRINCIPAL, scope="openid", **ends)
    with pytest.raises(NotFound):
        _do(filled, lambda conn: consent.add(conn, TENANT, grant))


def test_the_deleted_have_nothing_and_get_it_back(filled: Store):
    grant = _grant("openid", ADA)
    _do(filled, lambda conn: consent.add(conn, TENANT, grant))
    _do(filled, lambda conn: users.delete(conn, TENANT, ADA.id, at=NOW))
    assert _granted(filled) == ""
    with filled.read() as conn:
        assert consent.get(conn, TENANT, grant.id) is None
        assert consent.list(conn, TENANT, Query()).items == ()
    kind = ObjectKind.SERVICE_PRINCIPAL
    _do(filled, lambda conn: directory_objects.delete(conn, TENANT, kind, CLIENT.id, at=NOW))
    assert _granted(filled) == ""


@pytest.mark.parametrize(
    ("property", "value", "found"),
    [
        ("clientId", CLIENT.id, "all ada"),
        ("clientId", OTHER.id, "other"),
        ("clientId", NOWHERE, ""),
        ("resourceId", RESOURCE.id, "all ada other"),
        ("principalId", ADA.id, "ada"),
        ("consentType", "AllPrincipals", "all other"),
        ("consentType", "Principal", "ada"),
    ],
    ids=["a client", "another client", "no client", "a resource", "a person", "everybody", "somebody"],
)
def test_grants_are_filtered_by_who_and_what_they_are_for(filled: Store, property: str, value: str, found: str):
    for grant in (_grant("all"), _grant("ada", ADA), _grant("other", client=OTHER)):
        _do(filled, lambda conn, grant=grant: consent.add(conn, TENANT, grant))
    with filled.read() as conn:
        query = Query(filter=Comparison(property, Operator.EQ, value))
        assert " ".join(one.scope for one in consent.list(conn, TENANT, query).items) == found
        with pytest.raises(Invalid):
            consent.list(conn, TENANT, Query(filter=Comparison(property, Operator.NE, value)))


def test_grants_come_in_pages(filled: Store):
    grants = [_grant("a"), _grant("b", ADA), _grant("c", BEN)]
    for grant in grants:
        _do(filled, lambda conn, grant=grant: consent.add(conn, TENANT, grant))
    with filled.read() as conn:
        first = consent.list(conn, TENANT, Query(top=2))
        second = consent.list(conn, TENANT, Query(top=2, after=first.next))
    assert [*first.items, *second.items] == grants
