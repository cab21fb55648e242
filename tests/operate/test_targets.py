"""Which application is meant."""

from __future__ import annotations

import pytest

from tests.local_tenant import LocalTenant
from unsecret.errors import Invalid, NotFound
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.policies.targets import resolve


def test_an_application_is_found_by_each_of_its_ids_and_by_name(client: GraphClient, tenant: LocalTenant) -> None:
    app = tenant.new_application("It's 100% & more")
    principal = tenant.new_principal(app["appId"])
    names = [app["id"], app["appId"].upper(), principal["id"], "It's 100% & more"]

    for name in names:
        (target,) = resolve(client, [name])
        assert target.app_id == app["appId"]
        assert [face.link.id for face in target.faces] == [app["id"], principal["id"]]


def test_an_application_named_twice_is_taken_once(client: GraphClient, tenant: LocalTenant) -> None:
    app = tenant.new_application("Payroll")
    assert len(resolve(client, ["Payroll", app["id"], app["appId"]])) == 1


def test_an_application_without_a_service_principal_has_one_face(client: GraphClient, tenant: LocalTenant) -> None:
    tenant.new_application("Payroll")
    (target,) = resolve(client, ["Payroll"])
    assert [face.link.collection for face in target.faces] == ["applications"]


def test_a_service_principal_of_a_foreign_application_is_found(client: GraphClient) -> None:
    (target,) = resolve(client, ["Microsoft Graph"])
    assert [face.link.collection for face in target.faces] == ["servicePrincipals"]


def test_a_name_that_several_have_is_refused_and_all_are_listed(client: GraphClient, tenant: LocalTenant) -> None:
    apps = [tenant.new_application("Payroll") for _ in range(2)]
    with pytest.raises(Invalid) as refusal:
        resolve(client, ["Payroll"])
    assert all(app["appId"] in refusal.value.message and app["id"] in refusal.value.message for app in apps)


@pytest.mark.parametrize("name", ["payroll", "Pay", "", "00000000-0000-4000-8000-000000000000"])
def test_nothing_is_guessed(client: GraphClient, tenant: LocalTenant, name: str) -> None:
    tenant.new_application("Payroll export")
    with pytest.raises(NotFound):
        resolve(client, [name])


def test_names_that_begin_as_what_was_typed_are_offered(client: GraphClient, tenant: LocalTenant) -> None:
    for name in ("Payroll export", "Payroll's twin"):
        tenant.new_application(name)
    for typed, offered in (("Payroll", "'Payroll export', 'Payroll's twin'"), ("payroll'", "'Payroll's twin'")):
        with pytest.raises(NotFound) as refusal:
            resolve(client, [typed])
        assert refusal.value.hint is not None
        assert refusal.value.hint.startswith(f"Did you mean {offered}?")
