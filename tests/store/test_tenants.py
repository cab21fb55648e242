"""Organisations are found by their identifier and by each of their domains."""

from __future__ import annotations

import pytest

from tests.store.nouns import OTHER_TENANT, TENANT, guid, tenant
from unsecret.errors import Conflict
from unsecret.model.identifiers import TenantId
from unsecret.store import tenants
from unsecret.store.engine import Store

CONTOSO = tenant(OTHER_TENANT, "Contoso.onmicrosoft.com", "contoso.example")


@pytest.mark.parametrize(
    "name",
    [OTHER_TENANT, OTHER_TENANT.upper(), "contoso.ONMICROSOFT.com", "Contoso.onmicrosoft.com", "contoso.example"],
)
def test_a_tenant_answers_to_its_identifier_and_its_domains_in_any_case(store: Store, name: str) -> None:
    store.write(lambda conn: tenants.add_tenant(conn, CONTOSO)).result()
    with store.read() as conn:
        assert tenants.find_tenant(conn, name) == CONTOSO


@pytest.mark.parametrize("name", ["", "common", "fabrikam.example", "99999999-9999-4999-8999-999999999999"])
def test_another_name_finds_no_tenant(store: Store, name: str) -> None:
    with store.read() as conn:
        assert tenants.find_tenant(conn, name) is None
        assert tenants.get_tenant(conn, TenantId(name)) is None


def test_tenants_are_listed_oldest_first(store: Store) -> None:
    store.write(lambda conn: tenants.add_tenant(conn, CONTOSO)).result()
    with store.read() as conn:
        assert [found.id for found in tenants.list_tenants(conn)] == [TENANT, OTHER_TENANT]
        assert tenants.get_tenant(conn, OTHER_TENANT) == CONTOSO


@pytest.mark.parametrize(
    ("identifier", "domain"),
    [(OTHER_TENANT, "fabrikam.example"), (guid(), "CONTOSO.example")],
    ids=["identifier", "domain"],
)
def test_identifiers_and_domains_belong_to_one_tenant(store: Store, identifier: str, domain: str) -> None:
    store.write(lambda conn: tenants.add_tenant(conn, CONTOSO)).result()
    with pytest.raises(Conflict):
        store.write(lambda conn: tenants.add_tenant(conn, tenant(TenantId(identifier), domain))).result()
    with store.read() as conn:
        assert len(tenants.list_tenants(conn)) == 2
