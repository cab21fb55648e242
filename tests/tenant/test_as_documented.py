"""Requests that Microsoft's pages give as examples, and what the pages say comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import databases
from tests.local_tenant import BASE, LocalTenant
from unsecret.model.directory_roles import Role
from unsecret.model.identifiers import GRAPH_APP_ID

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
        (["user", "group", "servicePrincipal"], {"user", "servicePrincipal"}),  # Azure CLI, ad user get-member-groups
        (["user", "group", "servicePrincipal", "directoryObjectPartnerReference"], {"user", "servicePrincipal"}),
        (["group"], set()),
    ],
)
def test_objects_are_got_by_id_of_the_types_that_are_named(
    module_tenant: LocalTenant, types: list[str] | None, found: set[str]
) -> None:
    application = module_tenant.new_application()
    principal, person = module_tenant.new_principal(application["appId"]), module_tenant.as_person()
    nobody = "99999999-0000-4000-8000-000000000099"
    ids = [application["id"], principal["id"], person.user.id, nobody]
    body = {"ids": ids} | ({} if types is None else {"types": types})
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


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/policies/appManagementPolicies/$count", 2),
        ("/policies/appManagementPolicies/$count?$filter=displayName eq 'first'", 1),
        ("/policies/appManagementPolicies/{policy}/appliesTo/$count", 1),
        ("/applications/{application}/federatedIdentityCredentials/$count", 1),
        ("/servicePrincipals/{principal}/federatedIdentityCredentials/$count", 0),
        ("/servicePrincipals/{principal}/appRoleAssignments/$count", 1),
        ("/servicePrincipals(appId='{app}')/appRoleAssignments/$count", 1),
        ("/servicePrincipals/{graph}/appRoleAssignedTo/$count?$filter=startswith(principalDisplayName,'counted')", 1),
        ("/servicePrincipals/{principal}/ownedObjects/$count", 1),
        ("/servicePrincipals/{principal}/ownedObjects/microsoft.graph.application/$count", 1),
        ("/servicePrincipals/{principal}/ownedObjects/microsoft.graph.group/$count", 0),
        ("/servicePrincipals/{principal}/ownedObjects/microsoft.graph.user/$count", 0),
        ("/oauth2PermissionGrants/$count?$filter=clientId eq '{principal}'", 1),
        ("/servicePrincipals/{principal}/oauth2PermissionGrants/$count", 1),
        ("/directoryRoles/$count?$filter=displayName eq 'Global Reader'", 1),
        ("/directoryRoleTemplates/$count?$filter=startswith(displayName,'Global ')", 2),
        ("/roleManagement/directory/roleDefinitions/$count?$filter=displayName eq 'Global Reader'", 1),
        ("/roleManagement/directory/roleAssignments/$count?$filter=principalId eq '{reader}'", 2),
        ("/roleManagement/directory/roleAssignments/$count?$filter=principalId eq '{principal}'", 0),
        ("/directory/attributeSets/$count", 1),
        ("/directory/customSecurityAttributeDefinitions/$count", 2),
        ("/directory/customSecurityAttributeDefinitions/$count?$filter=name eq 'Level'", 1),
        ("/beta/directory/certificateAuthorities/certificateBasedApplicationConfigurations/$count", 0),
        ("/directory/deletedItems/microsoft.graph.group/$count", 0),
        ("/directory/deletedItems/graph.administrativeUnit/$count", 0),
    ],
)
def test_lists_are_counted(counted: tuple[LocalTenant, dict[str, str]], path: str, number: int) -> None:
    tenant, ids = counted
    answer = tenant.graph("GET", path.format(**ids), **EVENTUAL)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (
        200,
        str(number),
        "text/plain; charset=utf-8",
    )
    assert tenant.refused("GET", path.format(**ids), status=400)["code"] == "Request_BadRequest"


@pytest.fixture(scope="module")
def counted(module_tenant: LocalTenant) -> tuple[LocalTenant, dict[str, str]]:
    """Two policies, one of them on an application with a federated credential, a permission and a grant, which owns
    itself; somebody with two roles, two attributes in a set; and what they are called in the paths."""
    tenant = module_tenant
    first, _ = (
        tenant.must("POST", "/policies/appManagementPolicies", {"displayName": name, "description": "d"})["id"]
        for name in ("first", "second")
    )
    application = tenant.new_application("counted")
    root = f"/applications/{application['id']}"
    tenant.must("POST", f"{root}/appManagementPolicies/$ref", {"@odata.id": f"x/{first}"})
    tenant.must("POST", f"{root}/federatedIdentityCredentials", FEDERATED)
    principal = tenant.new_principal(application["appId"])["id"]
    tenant.must("POST", f"{root}/owners/$ref", {"@odata.id": f"x/{principal}"})
    (graph,) = tenant.get(f"/servicePrincipals?$filter=appId eq '{GRAPH_APP_ID}'")["value"]
    role = next(role["id"] for role in graph["appRoles"] if role["value"] == "Application.Read.All")
    body = {"principalId": principal, "resourceId": graph["id"], "appRoleId": role}
    tenant.must("POST", f"/servicePrincipals/{principal}/appRoleAssignments", body)
    tenant.must("POST", "/oauth2PermissionGrants", _grant(principal, graph["id"]))
    reader = tenant.as_person(Role.GLOBAL_READER, Role.DIRECTORY_READERS).user.id
    for name in ("Level", "Since"):
        tenant.define_attribute("Known", name)
    names = {
        "reader": reader,
        "policy": first,
        "application": application["id"],
        "app": application["appId"],
        "principal": principal,
    }
    return tenant, {**names, "graph": graph["id"]}


FEDERATED = {
    "name": "builds",
    "issuer": "https://token.example",
    "subject": "repo:a/b",
    "audiences": ["api://AzureADTokenExchange"],
}


def _grant(client: str, resource: str) -> dict[str, str]:
    return {"clientId": client, "consentType": "AllPrincipals", "resourceId": resource, "scope": "User.Read"}


@pytest.mark.parametrize(
    "path", ["appRoleAssignments", "oauth2PermissionGrants", "ownedObjects", "ownedObjects/microsoft.graph.application"]
)
def test_what_people_have_is_counted(module_tenant: LocalTenant, path: str) -> None:
    somebody = module_tenant.as_person(Role.GLOBAL_READER)
    for root in ("/me", f"/users/{somebody.user.id}"):
        answer = module_tenant.graph("GET", f"{root}/{path}/$count", token=somebody.token, **EVENTUAL)
        assert (answer.status_code, answer.text) == (200, "0")


def test_predefined_values_are_counted(module_tenant: LocalTenant) -> None:
    module_tenant.define_attribute("Counted", "Level", usePreDefinedValuesOnly=True)
    path = "/directory/customSecurityAttributeDefinitions/Counted_Level/allowedValues"
    for value in ("high", "low"):
        module_tenant.must("POST", path, {"id": value, "isActive": True})
    assert module_tenant.graph("GET", f"{path}/$count", **EVENTUAL).text == "2"


@pytest.mark.parametrize("kind", ["group", "administrativeUnit"])
def test_of_kinds_that_are_not_here_none_were_deleted(module_tenant: LocalTenant, kind: str) -> None:
    listed = module_tenant.get(f"/directory/deletedItems/microsoft.graph.{kind}")
    assert (listed["@odata.context"].partition("#")[2], listed["value"]) == (f"{kind}s", [])
    nobody = module_tenant.as_workload().token
    module_tenant.refused("GET", f"/directory/deletedItems/microsoft.graph.{kind}", status=403, token=nobody)


@pytest.mark.parametrize("path", ["/directoryRoles/delta", "/directoryRoles/delta()", "/users/delta/manager"])
def test_changes_that_are_not_told_are_not_missing_objects(module_tenant: LocalTenant, path: str) -> None:
    assert module_tenant.refused("GET", path, status=501)["code"] == "NotImplemented"


def test_names_may_begin_like_delta(module_tenant: LocalTenant) -> None:
    module_tenant.refused("GET", "/users/delta.force@contoso.com", status=404)


def test_what_is_made_or_done_says_where_it_is(counted: tuple[LocalTenant, dict[str, str]]) -> None:
    tenant, ids = counted
    root, own = f"/applications/{ids['application']}", f"{BASE}/v2/{tenant.tenant_id}"
    made = tenant.graph("POST", f"{root}/federatedIdentityCredentials", {**FEDERATED, "name": "other", "subject": "s"})
    assert made.headers["location"] == f"{own}/federatedIdentityCredentials/{made.json()['id']}"
    tenant.must("DELETE", f"{root}/federatedIdentityCredentials/name=other")
    client = tenant.new_principal(tenant.new_application()["appId"])["id"]
    made = tenant.graph("POST", "/oauth2PermissionGrants", _grant(client, ids["graph"]))
    assert made.headers["location"] == f"{own}/oauth2PermissionGrants/{made.json()['id']}"
    for path, body in (
        (f"{root}/addPassword", {}),
        ("/directoryObjects/getByIds", {"ids": [client]}),
        (f"/servicePrincipals/{client}/getMemberGroups", {"securityEnabledOnly": False}),
    ):
        answer = tenant.graph("POST", path, body)
        assert (answer.status_code, answer.headers["location"]) == (200, BASE)


@pytest.mark.parametrize("key", ["{principal}", "(appId='{app}')"])
@pytest.mark.parametrize("name", ["appRoleAssignments", "appRoleAssignedTo"])
def test_the_context_names_the_object_by_its_id(
    counted: tuple[LocalTenant, dict[str, str]], key: str, name: str
) -> None:
    tenant, ids = counted
    path = f"/servicePrincipals{'' if '(' in key else '/'}{key.format(**ids)}/{name}"
    assert tenant.get(path)["@odata.context"].endswith(f"#servicePrincipals('{ids['principal']}')/{name}")


EXPLICIT, ARM_ID = "isExplicit=True", "/subscriptions/5f/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Id"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("alternativeNames/any(a:a eq 'isexplicit=true')", ["identity"]),
        (f"alternativeNames/any(a:a eq '{ARM_ID}')", ["identity"]),
        ("alternativeNames/any(a:startswith(a,'/subscriptions/5F/'))", ["identity"]),
        ("alternativeNames/any(a:a eq 'isExplicit=False')", []),
        ("alternativeNames/any(a:startswith(a,'isExplicit=')) and accountEnabled eq true", ["identity"]),
    ],
)
def test_managed_identities_are_found_by_their_names(identities: LocalTenant, asked: str, found: list[str]) -> None:
    assert [one["displayName"] for one in identities.get(f"/servicePrincipals?$filter={asked}")["value"]] == found


def test_whoever_has_no_such_name_is_asked_for_in_advanced_queries(identities: LocalTenant) -> None:
    asked = "$filter=not(alternativeNames/any(a:a eq 'isExplicit=True'))"
    identities.refused("GET", f"/servicePrincipals?{asked}", status=400, **EVENTUAL)
    everybody = int(identities.graph("GET", "/servicePrincipals/$count", **EVENTUAL).text)
    for path in (f"/servicePrincipals/$count?{asked}", f"/servicePrincipals/$count?{asked}&$count=true"):
        assert identities.graph("GET", path, **EVENTUAL).text == str(everybody - 1)


@pytest.fixture(scope="module")
def identities(module_tenant: LocalTenant) -> LocalTenant:
    for name, names in (("identity", [EXPLICIT, ARM_ID]), ("nobody's", [])):
        application = module_tenant.new_application(name)
        module_tenant.new_principal(application["appId"], alternativeNames=names)
    return module_tenant
