"""Requests that Microsoft's pages give as examples, and what the pages say comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import databases
from tests.local_tenant import LocalTenant

EVENTUAL = {"ConsistencyLevel": "eventual"}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("owners/$count eq 0", {"none"}),
        ("owners/$count eq 1", {"one"}),
        ("owners/$count ne 1", {"none", "two"}),
        ("owners/$count gt 1", {"two"}),
        ("owners/$count le 1", {"none", "one"}),
        ("owners/$count eq 0 or owners/$count eq 1", {"none", "one"}),
        ("1 eq owners/$count", {"one"}),
    ],
)
def test_applications_are_found_by_the_number_of_their_owners(
    owned_tenant: LocalTenant, asked: str, found: set[str]
) -> None:
    path = f"/applications?$filter=({asked}) and startswith(displayName,'owners: ')&$count=true&$select=displayName"
    answer = owned_tenant.get(path, **EVENTUAL)
    assert {one["displayName"].removeprefix("owners: ") for one in answer["value"]} == found
    assert answer["@odata.count"] == len(found)


@pytest.mark.parametrize("asked", ["owners/$count eq 2", "owners/$count ge 1", "owners/$count eq 99999", "$count eq 1"])
def test_other_numbers_of_owners_are_not_asked_for(owned_tenant: LocalTenant, asked: str) -> None:
    path = f"/applications?$filter={asked}&$count=true"
    error = owned_tenant.refused("GET", path, status=400, **EVENTUAL)
    assert error["code"] == "Request_UnsupportedQuery"


@pytest.fixture(scope="module")
def owned_tenant(module_tenant: LocalTenant) -> LocalTenant:
    people = [module_tenant.as_person().user.id for _ in range(2)]
    for number, name in enumerate(("none", "one", "two")):
        made = module_tenant.new_application(f"owners: {name}")["id"]
        for owner in people[:number]:
            body = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{owner}"}
            module_tenant.must("POST", f"/applications/{made}/owners/$ref", body)
    return module_tenant


@pytest.fixture(scope="module")
def module_tenant(tmp_path_factory, migrated, identity, signing) -> Iterator[LocalTenant]:
    with databases.copied(migrated, tmp_path_factory.mktemp("documented")) as directory:
        local = LocalTenant(directory, identity, signing)
        yield local
        local.close()


@pytest.mark.parametrize(
    ("types", "found"),
    [
        (None, {"application", "servicePrincipal", "user"}),
        ([], {"application", "servicePrincipal", "user"}),
        (["directoryObject"], {"application", "servicePrincipal", "user"}),
        (["USER", "group", "device"], {"user"}),
        (["user", "group", "servicePrincipal", "directoryObjectPartnerReference"], {"user", "servicePrincipal"}),
        (["group"], set()),
    ],
)
def test_objects_are_got_by_id_of_the_types_that_are_named(
    module_tenant: LocalTenant, types: list[str] | None, found: set[str]
) -> None:
    application = module_tenant.new_application()
    principal, person = module_tenant.new_principal(application["appId"]), module_tenant.as_person()
    body = {"ids": [application["id"], principal["id"], person.user.id]} | ({} if types is None else {"types": types})
    answer = module_tenant.must("POST", "/directoryObjects/getByIds", body)
    assert {one["@odata.type"].removeprefix("#microsoft.graph.") for one in answer["value"]} == found


def test_an_object_that_is_named_often_is_told_once(module_tenant: LocalTenant) -> None:
    """Microsoft Graph's own service principal is half a megabyte long."""
    ids = [module_tenant.new_application()["id"], module_tenant.new_application()["id"]]
    answer = module_tenant.must("POST", "/directoryObjects/getByIds", {"ids": [*ids, *map(str.upper, ids)]})
    assert [one["id"] for one in answer["value"]] == ids


def test_types_are_names(module_tenant: LocalTenant) -> None:
    for types in ("user", [1], {}):
        body = {"ids": [], "types": types}
        module_tenant.refused("POST", "/directoryObjects/getByIds", body, status=400)


@pytest.mark.parametrize("kind", ["application", "servicePrincipal", "user"])
def test_the_namespace_has_a_shorter_name(module_tenant: LocalTenant, kind: str) -> None:
    listed = module_tenant.get(f"/directory/deletedItems/graph.{kind}")
    assert listed["@odata.context"].endswith(f"#{kind}s")
    assert module_tenant.graph("GET", f"/directory/deletedItems/graph.{kind}/$count", **EVENTUAL).text == "0"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ('$search="displayName:wa"', {"Wanda Gates"}),
        ('$search="displayName:wa" OR "displayName:ad"', {"Wanda Gates", "Adele Vance"}),
        ("$filter=endsWith(mail,'a@contoso.com')", {"Wanda Gates"}),
    ],
)
def test_people_are_searched(peopled: LocalTenant, asked: str, found: set[str]) -> None:
    answer = peopled.get(f"/users?{asked}&$orderby=displayName&$count=true&$select=displayName", **EVENTUAL)
    assert [one["displayName"] for one in answer["value"]] == sorted(found)
    assert answer["@odata.count"] == len(found)
    peopled.refused("GET", f"/users?{asked}", status=400)


@pytest.fixture(scope="module")
def peopled(module_tenant: LocalTenant) -> LocalTenant:
    module_tenant.as_person(display_name="Adele Vance", mail="adele@contoso.com")
    module_tenant.as_person(display_name="Wanda Gates", mail="wanda@contoso.com")
    return module_tenant


@pytest.mark.parametrize(
    ("path", "asked", "found"),
    [
        ("applications", "description eq 'the PAYROLL'", {"described"}),
        ("applications", "startswith(description,'the')", {"described"}),
        ("applications", "uniqueName eq 'payroll'", {"described"}),
        ("applications", "uniqueName eq 'pay'", set()),
        ("applications", "applicationTemplateId eq '8adf8e6e-67b2-4cf2-a259-e3dc5476c621'", set()),
        ("servicePrincipals", "description eq 'of wages'", {"described"}),
        ("servicePrincipals", "appRoleAssignmentRequired eq true", {"described"}),
    ],
)
def test_objects_are_filtered_by_what_describes_them(
    described: LocalTenant, path: str, asked: str, found: set[str]
) -> None:
    answer = described.get(f"/{path}?$filter={asked}&$select=displayName")
    assert {one["displayName"] for one in answer["value"]} == found
    everybody = described.get(f"/{path}?$filter=not({asked})&$count=true&$select=displayName", **EVENTUAL)
    assert answer["value"] != everybody["value"]
    assert everybody["@odata.count"] + len(found) == len(described.get(f"/{path}?$select=id")["value"])


def test_what_is_off_by_default_is_found_as_off(described: LocalTenant) -> None:
    path = "/servicePrincipals?$filter=appRoleAssignmentRequired eq false&$select=displayName"
    names = {one["displayName"] for one in described.get(path)["value"]}
    assert "Microsoft Graph" in names
    assert "described" not in names


@pytest.fixture(scope="module")
def described(module_tenant: LocalTenant) -> LocalTenant:
    made = module_tenant.new_application("described", description="The payroll", uniqueName="payroll")
    module_tenant.new_principal(made["appId"], appRoleAssignmentRequired=True, description="Of wages")
    return module_tenant


@pytest.mark.parametrize(
    "path",
    [
        "/directoryObjects/validateProperties",
        "/directoryObjects/getAvailableExtensionProperties",
        "/directory/deletedItems/getUserOwnedObjects",
        "/servicePrincipals/getByIds",
    ],
)
def test_an_action_that_is_not_served_says_so(module_tenant: LocalTenant, path: str) -> None:
    error = module_tenant.refused("POST", path, {}, status=501)
    assert error["code"] == "NotImplemented"
