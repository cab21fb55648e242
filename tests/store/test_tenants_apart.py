"""Two tenants in one file never see each other, whichever function one asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from tests.store.nouns import (
    DIGEST,
    NOW,
    OTHER_TENANT,
    TENANT,
    application,
    assignment,
    audit,
    federated_credential,
    key,
    password,
    policy,
    service_principal,
    sign_in,
    tenant,
    trusted_configuration,
)
from unsecret.errors import NotFound
from unsecret.model.application import ObjectKind
from unsecret.model.identifiers import TenantId
from unsecret.model.policy import TenantDefault
from unsecret.model.query import AnyOf, Comparison, Operator, Query
from unsecret.store import credentials, directory_objects, federation, links, logs, policies, tenants
from unsecret.store.engine import Store

A, SP = ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL

APP = application(
    unique_name="payroll",
    identifier_uris=("api://payroll",),
    tags=("hr",),
    password_credentials=(password(),),
    key_credentials=(key(),),
    other={"requiredResourceAccess": [{"resourceAppId": "x"}]},
)
PRINCIPAL = service_principal(app_id=APP.app_id, service_principal_names=("api://payroll",))
BOUND = policy()
GRANT = assignment(PRINCIPAL, PRINCIPAL)
AUTHORITIES = trusted_configuration()
TRUST = federated_credential()
EVENT, ATTEMPT = audit(), sign_in()
DIGESTS = {APP.password_credentials[0].key_id: DIGEST}


def fill(conn: Any, tenant_id: TenantId) -> None:
    """One of everything."""
    directory_objects.add(conn, tenant_id, APP, digests=DIGESTS)
    directory_objects.add(conn, tenant_id, PRINCIPAL)
    policies.put_default(conn, tenant_id, TenantDefault(is_enabled=True))
    policies.add_policy(conn, tenant_id, BOUND)
    policies.link(conn, tenant_id, BOUND.id, APP.id)
    policies.add_trusted_configuration(conn, tenant_id, AUTHORITIES)
    federation.add_federated_credential(conn, tenant_id, APP.id, TRUST)
    links.add_owner(conn, tenant_id, APP.id, PRINCIPAL.id)
    links.add_app_role_assignment(conn, tenant_id, GRANT)
    logs.add_audit(conn, tenant_id, EVENT)
    logs.add_sign_ins(conn, [(tenant_id, ATTEMPT)])


def items(page: Any) -> Any:
    """A page as what is on it; both answers must be empty."""
    assert page.count == len(page.items)
    return page.items


def any_of(collection: str, property: str, value: str) -> Query:
    """Asks through another table."""
    return Query(filter=AnyOf(collection, Comparison(property, Operator.EQ, value)), count=True)


ALL = Query(count=True)
READS: dict[str, Callable[[Any, TenantId], Any]] = {
    "get": lambda conn, t: directory_objects.get(conn, t, A, APP.id),
    "get_by_app_id": lambda conn, t: directory_objects.get_by_app_id(conn, t, SP, APP.app_id),
    "get_by_unique_name": lambda conn, t: directory_objects.get_by_unique_name(conn, t, "payroll"),
    "get_any": lambda conn, t: directory_objects.get_any(conn, t, PRINCIPAL.id),
    "objects_of_app": lambda conn, t: [
        found for found in directory_objects.objects_of_app(conn, t, APP.app_id) if found
    ],
    "list": lambda conn, t: items(directory_objects.list(conn, t, A, ALL)),
    "list by URI": lambda conn, t: items(
        directory_objects.list(conn, t, A, any_of("identifierUris", "", "api://payroll"))
    ),
    "list by name": lambda conn, t: items(
        directory_objects.list(conn, t, SP, any_of("servicePrincipalNames", "", "api://payroll"))
    ),
    "list by key": lambda conn, t: items(
        directory_objects.list(conn, t, A, any_of("keyCredentials", "keyId", APP.key_credentials[0].key_id))
    ),
    "list by resource": lambda conn, t: items(
        directory_objects.list(conn, t, A, any_of("requiredResourceAccess", "resourceAppId", "x"))
    ),
    "password_digests": lambda conn, t: credentials.password_digests(conn, t, APP.app_id),
    "keys_of_app": lambda conn, t: credentials.keys_of_app(conn, t, APP.app_id),
    "get_default": lambda conn, t: policies.get_default(conn, t).is_enabled,
    "get_policy": lambda conn, t: policies.get_policy(conn, t, BOUND.id),
    "list_policies": lambda conn, t: items(policies.list_policies(conn, t, ALL)),
    "policy_of": lambda conn, t: policies.policy_of(conn, t, APP.id),
    "applies_to": lambda conn, t: items(policies.applies_to(conn, t, BOUND.id, ALL)),
    "get_trusted_configuration": lambda conn, t: policies.get_trusted_configuration(conn, t, AUTHORITIES.id),
    "list_trusted_configurations": lambda conn, t: policies.list_trusted_configurations(conn, t),
    "federated_credentials_of": lambda conn, t: federation.federated_credentials_of(conn, t, APP.id),
    "federated_credentials_of_app": lambda conn, t: federation.federated_credentials_of_app(conn, t, APP.app_id),
    "list_federated_credentials": lambda conn, t: items(federation.list_federated_credentials(conn, t, APP.id, ALL)),
    "owners": lambda conn, t: links.owners(conn, t, APP.id),
    "owns": lambda conn, t: links.owns(conn, t, PRINCIPAL.id, APP.id),
    "owned_objects": lambda conn, t: items(links.owned_objects(conn, t, PRINCIPAL.id, ALL)),
    "app_role_assignments": lambda conn, t: links.app_role_assignments(conn, t, PRINCIPAL.id),
    "app_role_assigned_to": lambda conn, t: links.app_role_assigned_to(conn, t, PRINCIPAL.id),
    "list_audits": lambda conn, t: items(logs.list_audits(conn, t, ALL)),
    "list_audits by target": lambda conn, t: items(
        logs.list_audits(conn, t, any_of("targetResources", "id", EVENT.targets[0].id))
    ),
    "list_sign_ins": lambda conn, t: items(logs.list_sign_ins(conn, t, ALL)),
    "get_tenant": lambda conn, t: tenants.get_tenant(conn, t) if t == TENANT else None,
}

WRITES: dict[str, Callable[[Any], Any]] = {
    "replace": lambda conn: directory_objects.replace(conn, OTHER_TENANT, replace(APP, display_name="Stolen")),
    "delete": lambda conn: directory_objects.delete(conn, OTHER_TENANT, A, APP.id, at=NOW),
    "add_password": lambda conn: credentials.add_password(conn, OTHER_TENANT, APP.id, password(), DIGEST),
    "set_keys": lambda conn: credentials.set_keys(conn, OTHER_TENANT, APP.id, ()),
    "replace_policy": lambda conn: policies.replace_policy(conn, OTHER_TENANT, replace(BOUND, is_enabled=True)),
    "delete_policy": lambda conn: policies.delete_policy(conn, OTHER_TENANT, BOUND.id),
    "link": lambda conn: policies.link(conn, OTHER_TENANT, BOUND.id, PRINCIPAL.id),
    "replace_trusted_configuration": lambda conn: policies.replace_trusted_configuration(
        conn, OTHER_TENANT, AUTHORITIES
    ),
    "delete_trusted_configuration": lambda conn: policies.delete_trusted_configuration(
        conn, OTHER_TENANT, AUTHORITIES.id
    ),
    "add_federated_credential": lambda conn: federation.add_federated_credential(
        conn, OTHER_TENANT, APP.id, federated_credential(name="theirs", subject="theirs")
    ),
    "replace_federated_credential": lambda conn: federation.replace_federated_credential(
        conn, OTHER_TENANT, APP.id, replace(TRUST, subject="theirs")
    ),
    "add_owner": lambda conn: links.add_owner(conn, OTHER_TENANT, PRINCIPAL.id, APP.id),
    "add_app_role_assignment": lambda conn: links.add_app_role_assignment(
        conn, OTHER_TENANT, assignment(PRINCIPAL, PRINCIPAL)
    ),
}

REMOVALS: dict[str, Callable[[Any], bool]] = {
    "remove_password": lambda conn: credentials.remove_password(
        conn, OTHER_TENANT, APP.id, APP.password_credentials[0].key_id
    ),
    "remove_federated_credential": lambda conn: federation.remove_federated_credential(
        conn, OTHER_TENANT, APP.id, TRUST.id
    ),
    "unlink": lambda conn: policies.unlink(conn, OTHER_TENANT, BOUND.id, APP.id),
    "remove_owner": lambda conn: links.remove_owner(conn, OTHER_TENANT, APP.id, PRINCIPAL.id),
    "remove_app_role_assignment": lambda conn: links.remove_app_role_assignment(conn, OTHER_TENANT, GRANT.id),
}


@pytest.fixture
def shared(store: Store) -> Store:
    """Two tenants, of which one has everything and the other nothing."""

    def work(conn: Any) -> None:
        tenants.add_tenant(conn, tenant(OTHER_TENANT))
        fill(conn, TENANT)

    store.write(work).result()
    return store


def everything(store: Store, tenant_id: TenantId) -> dict[str, Any]:
    """What all reads say."""
    with store.read() as conn:
        return {name: read(conn, tenant_id) for name, read in READS.items()}


@pytest.mark.parametrize("name", READS)
def test_a_tenant_sees_its_own_and_the_other_sees_nothing_of_it(shared: Store, name: str) -> None:
    with shared.read() as conn:
        assert READS[name](conn, TENANT)
        assert not READS[name](conn, OTHER_TENANT)


@pytest.mark.parametrize("name", WRITES)
def test_what_belongs_to_another_tenant_cannot_be_changed(shared: Store, name: str) -> None:
    before = everything(shared, TENANT)
    with pytest.raises(NotFound):
        shared.write(WRITES[name]).result()
    assert everything(shared, TENANT) == before


@pytest.mark.parametrize("name", REMOVALS)
def test_what_belongs_to_another_tenant_cannot_be_removed(shared: Store, name: str) -> None:
    before = everything(shared, TENANT)
    assert shared.write(REMOVALS[name]).result() is False
    assert everything(shared, TENANT) == before


def test_the_same_names_and_identifiers_are_free_in_each_tenant(shared: Store) -> None:
    shared.write(lambda conn: fill(conn, OTHER_TENANT)).result()
    ours, theirs = everything(shared, TENANT), everything(shared, OTHER_TENANT)
    del ours["get_tenant"], theirs["get_tenant"]
    assert ours == theirs


def test_every_read_of_the_store_is_in_the_table() -> None:
    modules = (directory_objects, credentials, policies, links, logs, federation)
    prefixes = (
        "get",
        "list",
        "owns",
        "owners",
        "owned",
        "app_role",
        "policy_of",
        "applies",
        "objects_of",
        "keys_of",
        "federated",
    )
    public = {
        name
        for module in modules
        for name, found in vars(module).items()
        if callable(found) and found.__module__ == module.__name__ and name.startswith((*prefixes, "password_digests"))
    }
    assert public - {name.split(" ")[0] for name in READS} == {"list_linked"}
