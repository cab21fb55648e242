"""What well-known clients ask, as their sources and recordings have it, and what Graph is known to answer.

One row is one request to one scene, which no row changes for another. `{name}` is the id of something in the scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests import databases
from tests.local_tenant import BASE, Identity, LocalTenant
from tests.tenant.scene import Scene
from unsecret.model.identifiers import GRAPH_APP_ID, ZERO_GUID
from unsecret.tenant.signing import SigningKeys

NOBODY = "99999999-0000-4000-8000-000000000099"
READER = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
MIXED = "Invalid filter clause: A binary operator with incompatible types was detected."


class Asked(Struct, frozen=True, kw_only=True):
    """`by` is who asks so. `lists` are the names of the objects that are answered; `code` and `says` belong to a
    refusal."""

    by: str
    method: str = "GET"
    path: str
    body: Any = None
    eventual: bool = False
    status: int = 200
    lists: tuple[str, ...] | None = None
    code: str = "Request_BadRequest"
    says: str = ""


@pytest.fixture(scope="module")
def scene(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, identity: Identity, signing: SigningKeys
) -> Iterator[Scene]:
    with databases.copied(migrated, tmp_path_factory.mktemp("scene")) as directory:
        tenant = LocalTenant(directory, identity, signing)
        yield Scene(tenant, _set(tenant))
        tenant.close()


def _set(tenant: LocalTenant) -> dict[str, str]:
    """An application with an owner and a permission, an application that owns nothing, a person with a role."""
    owned, other = tenant.new_application("owned"), tenant.new_application("other")
    owner, client = tenant.new_principal(other["appId"]), tenant.new_principal(owned["appId"])
    tenant.must("POST", f"/applications/{owned['id']}/owners/$ref", {"@odata.id": f"x/{owner['id']}"})
    (graph,) = tenant.get(f"/servicePrincipals?$filter=appId eq '{GRAPH_APP_ID}'")["value"]
    role = next(role["id"] for role in graph["appRoles"] if role["value"] == "Application.Read.All")
    body = {"principalId": client["id"], "resourceId": graph["id"], "appRoleId": role}
    granted = tenant.must("POST", f"/servicePrincipals/{client['id']}/appRoleAssignments", body)
    return {
        "tenant": tenant.tenant_id,
        "owned": owned["id"],
        "ownedAppId": owned["appId"],
        "other": other["id"],
        "owner": owner["id"],
        "client": client["id"],
        "graph": graph["id"],
        "role": role,
        "granted": granted["id"],
    }


def _link(name: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/{{tenant}}/directoryObjects/{{{name}}}"}


TERRAFORM = (
    Asked(by="Terraform before 3.0", path="/beta/{tenant}/applications/{owned}/owners?$select=id", lists=("owner",)),
    Asked(by="Terraform before 3.0", path="/beta/{tenant}/directoryObjects/{owner}"),
    Asked(
        by="Terraform, whether it is there",
        path="/applications/{owned}/owners?$filter=id eq '{owner}'",
        lists=("owner",),
    ),
    Asked(by="Terraform, whether it is there", path="/applications/{owned}/owners?$filter=id eq '{client}'", lists=()),
    Asked(
        by="Terraform, once more",
        method="POST",
        path="/applications/{owned}/owners/$ref",
        body=_link("owner"),
        status=400,
        says="One or more added object references already exist for the following modified properties: 'owners'.",
    ),
    Asked(
        by="Terraform, an application as an owner",
        method="POST",
        path="/applications/{owned}/owners/$ref",
        body=_link("other"),
        status=400,
    ),
    Asked(
        by="Terraform, what has gone",
        method="DELETE",
        path="/applications/{owned}/owners/{client}/$ref",
        status=404,
        code="Request_ResourceNotFound",
        says="does not exist or one of its queried reference-property objects are not present.",
    ),
)

APP_ROLES = (
    Asked(
        by="scripts that run twice",
        method="POST",
        path="/servicePrincipals/{client}/appRoleAssignments",
        body={"principalId": "{client}", "resourceId": "{graph}", "appRoleId": "{role}"},
        status=400,
        says="Permission being assigned already exists on the object",
    ),
    Asked(
        by="the page of appRoleAssignment",
        path="/servicePrincipals/{client}/appRoleAssignments?$filter=resourceId eq {graph}",
        lists=("granted",),
    ),
    Asked(
        by="the page of appRoleAssignment",
        path="/servicePrincipals/{client}/appRoleAssignments?$filter=resourceId eq {client}",
        lists=(),
    ),
    Asked(
        by="those who quote a GUID",
        path="/servicePrincipals/{client}/appRoleAssignments?$filter=resourceId eq '{graph}'",
        status=400,
        says=MIXED,
    ),
    Asked(
        by="those who filter by the principal",
        path="/servicePrincipals/{graph}/appRoleAssignedTo?$filter=principalId eq {client}",
        status=400,
        code="Request_UnsupportedQuery",
    ),
    Asked(
        by="those who filter by the role",
        path="/servicePrincipals/{graph}/appRoleAssignedTo?$filter=appRoleId eq {role}",
        status=400,
        code="Request_UnsupportedQuery",
    ),
    Asked(
        by="those who were told to filter by the name",
        path="/servicePrincipals/{graph}/appRoleAssignedTo?$filter=principalDisplayName eq 'OWNED'&$count=true",
        eventual=True,
        lists=("granted",),
    ),
    Asked(
        by="those who were told to filter by the name",
        path="/servicePrincipals/{graph}/appRoleAssignedTo?$filter=startswith(principalDisplayName,'own')",
        lists=("granted",),
    ),
)

QUERIES = (
    Asked(
        by="CIPP",
        path="/servicePrincipals?$filter=appOwnerOrganizationId eq {tenant}&$select=id&$count=true",
        eventual=True,
    ),
    Asked(
        by="those who quote a GUID",
        path="/servicePrincipals?$filter=appOwnerOrganizationId eq '{tenant}'",
        status=400,
        says=MIXED,
    ),
    Asked(
        by="those who do not quote a string", path="/applications?$filter=appId eq {ownedAppId}", status=400, says=MIXED
    ),
    Asked(by="Azure CLI", path="/applications?$filter=appId eq '{ownedAppId}'", lists=("owned",)),
    Asked(
        by="those who limit what they expand",
        path="/applications?$expand=owners($select=id;$top=1)",
        status=400,
        code="Request_UnsupportedQuery",
    ),
)


@pytest.mark.parametrize(
    "asked", [*TERRAFORM, *APP_ROLES, *QUERIES], ids=lambda asked: f"{asked.by}: {asked.method} {asked.path}"
)
def test_a_client_is_answered_as_graph_does(scene: Scene, asked: Asked) -> None:
    headers = {"ConsistencyLevel": "eventual"} if asked.eventual else {}
    answer = scene.tenant.graph(asked.method, scene.named(asked.path), scene.named(asked.body), **headers)
    assert answer.status_code == asked.status, answer.text
    if asked.status >= 400:
        error = answer.json()["error"]
        assert (error["code"], asked.says in error["message"]) == (asked.code, True), error
    elif asked.lists is not None:
        assert {item["id"] for item in answer.json()["value"]} == {scene.ids[name] for name in asked.lists}


def test_an_object_is_made_together_with_its_owners(scene: Scene) -> None:
    """As Terraform's provider makes applications and service principals, itself always among their owners."""
    bound = {"owners@odata.bind": [scene.named(_link(name))["@odata.id"] for name in ("owner", "client", "owner")]}
    made = scene.tenant.must("POST", "/applications", {"displayName": "bound", **bound})
    principal = scene.tenant.must("POST", "/servicePrincipals", {"appId": made["appId"], **bound})
    for path in (f"/applications/{made['id']}", f"/servicePrincipals/{principal['id']}"):
        owners = scene.tenant.get(f"{path}/owners?$select=id")["value"]
        assert {owner["id"] for owner in owners} == {scene.ids["owner"], scene.ids["client"]}
    activities = [row["activityDisplayName"] for row in scene.tenant.audits() if row["result"] == "success"]
    assert activities.count("Add owner to application") == 3


def test_who_makes_something_may_own_it_and_needs_a_permission_to_name_others(scene: Scene) -> None:
    maker = scene.tenant.as_workload("Application.ReadWrite.OwnedBy")

    def bound(*ids: str) -> dict[str, Any]:
        return {
            "displayName": "theirs",
            "owners@odata.bind": [f"https://host/v1.0/directoryObjects/{id}" for id in ids],
        }

    made = scene.tenant.must("POST", "/applications", bound(maker.principal.id), token=maker.token)
    owners = scene.tenant.get(f"/applications/{made['id']}/owners?$select=id")["value"]
    assert [owner["id"] for owner in owners] == [maker.principal.id]
    for other in (scene.ids["owner"], NOBODY):  # whether there is such a person is not told, either
        others = bound(maker.principal.id, other)
        scene.tenant.refused("POST", "/applications", others, token=maker.token, status=403)
    assert len(scene.tenant.get("/applications?$filter=displayName eq 'theirs'")["value"]) == 1


@pytest.mark.parametrize("owner", ["{other}", NOBODY])
def test_nothing_is_made_with_an_owner_that_cannot_be_one(scene: Scene, owner: str) -> None:
    body = {"displayName": "never", "owners@odata.bind": [f"https://host/{scene.named(owner)}"]}
    assert scene.tenant.graph("POST", "/applications", body).status_code in (400, 404)
    assert scene.tenant.get("/applications?$filter=displayName eq 'never'")["value"] == []


def test_an_address_names_no_other_tenant_than_the_token(scene: Scene) -> None:
    scene.tenant.get(f"/v1.0/{scene.tenant.tenant_id.upper()}/applications")
    scene.tenant.refused("GET", f"/v1.0/{NOBODY}/applications", status=403)


def test_grants_roles_and_members_are_expanded(scene: Scene) -> None:
    client, graph = scene.ids["client"], scene.ids["graph"]
    grant = {"clientId": client, "consentType": "AllPrincipals", "resourceId": graph, "scope": "User.Read"}
    granted = scene.tenant.must("POST", "/oauth2PermissionGrants", grant)
    role = {"principalId": client, "roleDefinitionId": GLOBAL_READER, "directoryScopeId": "/"}
    scene.tenant.must("POST", "/roleManagement/directory/roleAssignments", role)
    shown = scene.tenant.get(f"/servicePrincipals/{client}?$expand=oauth2PermissionGrants,memberOf")
    assert [item["id"] for item in shown["oauth2PermissionGrants"]] == [granted["id"]]
    assert [item["displayName"] for item in shown["memberOf"]] == ["Global Reader"]
    held = f"/directoryRoles?$filter=roleTemplateId eq '{GLOBAL_READER}'&$expand=members($select=id)"
    (role_here,) = scene.tenant.get(held)["value"]
    assert [item["id"] for item in role_here["members"]] == [client]


def test_azure_powershell_chooses_the_key_id_of_a_secret(scene: Scene) -> None:
    """Recorded with New-AzADAppCredential: a keyId of its own and local time."""
    path, key_id = f"/applications/{scene.ids['other']}", "3A299473-3d5a-4ab5-b9ea-1e173023719f"
    asked = {"passwordCredential": {"keyId": key_id, "startDateTime": "2026-11-22T17:05:26.1557753+08:00"}}
    made = scene.tenant.must("POST", f"{path}/microsoft.graph.addPassword", asked)
    assert (made["keyId"], made["startDateTime"]) == (key_id.lower(), "2026-11-22T09:05:26.155775Z")
    scene.tenant.refused("POST", f"{path}/addPassword", asked, status=409)
    scene.tenant.must("POST", f"{path}/microsoft.graph.removePassword", {"keyId": key_id})
    twice = {"displayName": "twice", "passwordCredentials": [{"keyId": key_id}] * 2}
    scene.tenant.refused("POST", "/applications", twice, status=400)


def _ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["value"]]


@pytest.mark.parametrize("collection", ["applications", "servicePrincipals"])
def test_owners_are_asked_for_by_kind_by_number_and_by_address(scene: Scene, collection: str) -> None:
    """As Graph's SDKs (`graph.user`), its PowerShell and Terraform's provider do."""
    tenant, owner = scene.tenant, scene.ids["owner"]
    made = tenant.new_application()
    if collection == "servicePrincipals":
        made = tenant.new_principal(made["appId"])
    person = tenant.as_person().user.id
    path = f"/{collection}/{made['id']}/owners"
    for id in (owner, person):
        tenant.must("POST", f"{path}/$ref", {"@odata.id": f"https://host/{id}"})
    people = tenant.get(f"{path}/graph.user?$select=id,displayName")
    assert people["@odata.context"].endswith("$metadata#users(id,displayName)")
    assert people["value"] == [{"id": person, "displayName": "Some Body"}]
    assert _ids(tenant.get(f"{path}/microsoft.graph.servicePrincipal")) == [owner]
    assert _ids(tenant.get(f"{path}/Microsoft.Graph.Group")) == []
    assert tenant.graph("GET", f"{path}/$count", ConsistencyLevel="eventual").text == "2"
    tenant.refused("GET", f"{path}/$count", status=400)
    tenant.refused("GET", f"{path}/microsoft.graph.policyBase", status=501)
    root = f"{BASE}/v2/{tenant.tenant_id}/directoryObjects"
    references = tenant.get(f"{path}/$ref")
    assert references["@odata.context"] == f"{BASE}/v1.0/$metadata#Collection($ref)"
    assert {"@odata.id": f"{root}/{person}/Microsoft.DirectoryServices.User"} in references["value"]
    one = tenant.get(f"{path}/{owner}/$ref?$select=id,url")
    assert one["@odata.id"] == f"{root}/{owner}/Microsoft.DirectoryServices.ServicePrincipal"
    tenant.refused("GET", f"{path}/{NOBODY}/$ref", status=404)
    owned = tenant.get(f"/servicePrincipals/{owner}/ownedObjects/microsoft.graph.{made_of(collection)}?$select=id")
    assert made["id"] in _ids(owned)
    other = "servicePrincipal" if collection == "applications" else "application"
    assert made["id"] not in _ids(tenant.get(f"/servicePrincipals/{owner}/ownedObjects/graph.{other}"))
    for nobodys in ("user", "group"):
        none = tenant.get(f"/servicePrincipals/{owner}/ownedObjects/graph.{nobodys}")
        assert "@odata.count" not in none
        assert none["value"] == []
    assert _ids(tenant.get(f"/users/{person}/ownedObjects/{made_of(collection)}")) == [made["id"]]
    assert _ids(tenant.get(f"/users/{person}/ownedObjects/microsoft.graph.group")) == []


def made_of(collection: str) -> str:
    """The name of the type of its objects."""
    return collection.removesuffix("s")


def test_who_is_signed_in_asks_for_what_is_theirs(scene: Scene) -> None:
    ada = scene.tenant.as_person()
    made = scene.tenant.must("POST", "/applications", {"displayName": "hers"}, token=ada.token)
    assert _ids(scene.tenant.get("/me/ownedObjects/microsoft.graph.application", token=ada.token)) == [made["id"]]
    body = {"principalId": ada.user.id, "resourceId": scene.ids["client"], "appRoleId": ZERO_GUID}
    granted = scene.tenant.must("POST", f"/users/{ada.user.id}/appRoleAssignments", body)
    mine = f"/me/appRoleAssignments?$filter=resourceId eq {scene.ids['client']}"
    assert _ids(scene.tenant.get(mine, token=ada.token)) == [granted["id"]]
    scene.tenant.refused("GET", "/me/appRoleAssignments", status=400)


def test_members_of_a_role_are_asked_for_in_the_same_ways(scene: Scene) -> None:
    tenant, holder = scene.tenant, scene.tenant.as_person(READER).user.id
    path = f"/directoryRoles(roleTemplateId='{READER}')/members"
    assert _ids(tenant.get(f"{path}/microsoft.graph.user")) == [holder]
    assert _ids(tenant.get(f"{path}/microsoft.graph.servicePrincipal")) == []
    assert tenant.graph("GET", f"{path}/$count", ConsistencyLevel="eventual").text == "1"
    assert len(tenant.get(f"{path}/$ref")["value"]) == 1
    assert holder in tenant.get(f"{path}/{holder}/$ref")["@odata.id"]


@pytest.mark.parametrize(
    "path",
    [
        "/directory/deletedItems/microsoft.graph.device",
        "/applications/microsoft.graph.agentIdentityBlueprint",
        "/servicePrincipals/graph.agentIdentity",
        "/directoryObjects/$count",
    ],
)
def test_a_list_that_is_not_narrowed_here_is_no_missing_object(scene: Scene, path: str) -> None:
    scene.tenant.refused("GET", path, status=501)
