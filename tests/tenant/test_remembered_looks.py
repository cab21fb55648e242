"""A look at one object that nobody changed is answered with what was written down before, to whom it may be shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_tenant import BASE, Identity, LocalTenant
from unsecret.tenant.signing import SigningKeys


@pytest.fixture
def neighbour(tenant: LocalTenant, identity: Identity, signing: SigningKeys) -> Iterator[LocalTenant]:
    """A second tenant in the same directory, behind the same keys."""
    other = LocalTenant(tenant.directory, identity, signing, domain="fabrikam")
    yield other
    other.close()


def looked_at(tenant: LocalTenant) -> tuple[dict[str, Any], str]:
    """An application with a secret, and where it is; it was looked at."""
    made = tenant.new_application("shown")
    where = f"/applications/{made['id']}"
    tenant.must("POST", f"{where}/addPassword", {})
    return tenant.get(where), where


def test_what_is_remembered_is_what_every_other_way_shows(tenant: LocalTenant) -> None:
    first, where = looked_at(tenant)

    again = [tenant.get(path) for path in (where, where.upper().replace("APPLICATIONS", "applications"))]
    otherwise = [tenant.get(path) for path in (f"{where}?", f"/applications(appId='{first['appId']}')")]
    with_options = tenant.get(f"{where}?$format=json")

    assert [*again, *otherwise, with_options] == [first] * 5
    assert len(first["passwordCredentials"]) == 1


def test_each_version_and_each_host_has_its_own_answer(tenant: LocalTenant) -> None:
    principal = tenant.new_principal(tenant.new_application()["appId"])
    where = f"/servicePrincipals/{principal['id']}"
    for _ in range(2):
        plain, beta = tenant.get(f"/v1.0{where}"), tenant.get(f"/beta{where}")
        elsewhere = tenant.get(f"/v1.0{where}", Host="graph.microsoft.com")

        assert ("oauth2PermissionScopes" in plain, "publishedPermissionScopes" in plain) == (True, False)
        assert ("oauth2PermissionScopes" in beta, "publishedPermissionScopes" in beta) == (False, True)
        assert elsewhere.pop("@odata.context").startswith("https://graph.microsoft.com/v1.0/")
        assert plain.pop("@odata.context").startswith(f"{BASE}/v1.0/")
        assert beta["@odata.context"].startswith(f"{BASE}/beta/")
        assert elsewhere == plain


def test_it_is_shown_only_to_who_may_look(tenant: LocalTenant) -> None:
    first, where = looked_at(tenant)
    other = tenant.as_workload("Policy.Read.All")
    for _ in range(2):
        assert tenant.get(where) == first
        tenant.refused("GET", where, status=403, token=other.token)
        tenant.refused("GET", where, status=401, token="none")


def test_nothing_of_it_is_shown_to_a_neighbour(tenant: LocalTenant, neighbour: LocalTenant) -> None:
    first, where = looked_at(tenant)
    for _ in range(2):
        assert tenant.get(where) == first
        tenant.refused("GET", where, status=404, token=neighbour.token)


def test_an_object_that_comes_to_be_or_goes_is_there_or_not_at_the_next_look(tenant: LocalTenant) -> None:
    first, where = looked_at(tenant)
    tenant.must("DELETE", where)
    for _ in range(2):
        tenant.refused("GET", where, status=404)

    tenant.must("POST", f"/directory/deletedItems/{first['id']}/restore")

    assert tenant.get(where) == first


def test_a_write_shows_at_the_next_look(tenant: LocalTenant) -> None:
    _, where = looked_at(tenant)

    tenant.must("PATCH", where, {"displayName": "changed"})
    renamed = tenant.get(where)
    made = tenant.must("POST", f"{where}/addPassword", {})
    shown = tenant.get(where)

    assert renamed["displayName"] == shown["displayName"] == "changed"
    assert made["keyId"] in {secret["keyId"] for secret in shown["passwordCredentials"]}
