"""/oauth2PermissionGrants: delegated permissions as objects of the directory."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import LocalTenant
from unsecret.model.directory_roles import Role
from unsecret.model.identifiers import GRAPH_APP_ID, ObjectId
from unsecret.tenant.use_cases.links import permission_grant_id

NOWHERE = "99999999-9999-4999-8999-999999999999"
GRANTS = "/oauth2PermissionGrants"


@pytest.fixture
def ends(tenant: LocalTenant) -> dict[str, Any]:
    client = tenant.as_workload()
    graph = tenant.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id")
    return {"clientId": client.principal.id, "resourceId": graph["id"]}


def _asked(ends: dict[str, Any], scope: str = "User.Read", person: str | None = None) -> dict[str, Any]:
    return ends | {"consentType": "Principal" if person else "AllPrincipals", "principalId": person, "scope": scope}


def test_a_grant_is_made_read_changed_and_withdrawn(tenant: LocalTenant, ends: dict[str, Any]):
    made = tenant.must("POST", GRANTS, _asked(ends, "User.Read  openid User.Read"))
    assert made["scope"] == "User.Read openid"
    shown = tenant.get(f"{GRANTS}/{made['id']}")
    assert shown == made
    assert {name: shown[name] for name in ("consentType", "principalId")} == {
        "consentType": "AllPrincipals",
        "principalId": None,
    }
    tenant.must("PATCH", f"{GRANTS}/{made['id']}", {"scope": "Mail.Read"})
    assert tenant.get(f"/oAuth2PermissionGrants/{made['id']}")["scope"] == "Mail.Read"
    tenant.must("DELETE", f"{GRANTS}/{made['id']}")
    tenant.refused("GET", f"{GRANTS}/{made['id']}", status=404)
    tenant.refused("DELETE", f"{GRANTS}/{made['id']}", status=404)


def test_grants_are_listed_by_what_they_are_for(tenant: LocalTenant, ends: dict[str, Any]):
    who = tenant.as_person()
    everybodys = tenant.must("POST", GRANTS, _asked(ends))["id"]
    own = tenant.must("POST", GRANTS, _asked(ends, "Mail.Read", who.user.id))["id"]

    def found(path: str, **options: Any) -> list[str]:
        return [one["id"] for one in tenant.get(path, **options)["value"]]

    assert found(GRANTS) == [everybodys, own]
    assert found(f"{GRANTS}?$filter=clientId eq '{ends['clientId']}'") == [everybodys, own]
    assert found(f"{GRANTS}?$filter=clientId eq '{ends['clientId']}' and consentType eq 'Principal'") == [own]
    assert found(f"{GRANTS}?$filter=principalId eq '{who.user.id}'") == [own]
    assert found(f"{GRANTS}?$filter=resourceId eq '{NOWHERE}'") == []
    assert found(f"/servicePrincipals/{ends['clientId']}/oauth2PermissionGrants") == [everybodys, own]
    assert found(f"/users/{who.user.user_principal_name}/oauth2PermissionGrants") == [own]
    assert found("/me/oauth2PermissionGrants", token=who.token) == [own]
    page = tenant.get(f"{GRANTS}?$top=1")
    assert [one["id"] for one in tenant.get(page["@odata.nextLink"])["value"]] == [own]


@pytest.mark.parametrize(
    ("changed", "status", "named"),
    [
        ({"clientId": NOWHERE}, 404, NOWHERE),
        ({"resourceId": NOWHERE}, 404, NOWHERE),
        ({"consentType": "Principal", "principalId": NOWHERE}, 404, NOWHERE),
        ({"consentType": "Principal"}, 400, "principalId"),
        ({"principalId": NOWHERE}, 400, "principalId"),
        ({"consentType": "Everybody"}, 400, "consentType"),
        ({"scope": "s" * 4000}, 400, "scope"),
        ({"clientId": "x"}, 400, "clientId"),
        ({"nonsense": 1}, 400, "nonsense"),
    ],
)
def test_what_is_wrong_with_a_grant_is_said(
    tenant: LocalTenant, ends: dict[str, Any], changed: dict[str, Any], status: int, named: str
):
    assert named in tenant.refused("POST", GRANTS, _asked(ends) | changed, status=status)["message"]


def test_there_is_one_grant_of_a_kind(tenant: LocalTenant, ends: dict[str, Any]):
    tenant.must("POST", GRANTS, _asked(ends))
    assert "already exists" in tenant.refused("POST", GRANTS, _asked(ends, "Mail.Read"), status=409)["message"]


def test_who_and_what_a_grant_is_for_never_changes(tenant: LocalTenant, ends: dict[str, Any]):
    made = tenant.must("POST", GRANTS, _asked(ends))
    tenant.refused("PATCH", f"{GRANTS}/{made['id']}", {"clientId": ends["resourceId"]}, status=400)


@pytest.mark.parametrize(
    ("role", "read", "written"),
    [
        (Role.GLOBAL_ADMINISTRATOR, 200, 201),
        (Role.APPLICATION_ADMINISTRATOR, 200, 201),
        (Role.PRIVILEGED_ROLE_ADMINISTRATOR, 200, 201),
        (Role.GLOBAL_READER, 200, 403),
        (Role.SECURITY_ADMINISTRATOR, 403, 403),
    ],
)
def test_who_may(tenant: LocalTenant, ends: dict[str, Any], role: Role, read: int, written: int):
    who = tenant.as_person(role)
    assert tenant.graph("GET", GRANTS, token=who.token).status_code == read
    assert tenant.graph("POST", GRANTS, _asked(ends), token=who.token).status_code == written


def test_an_application_needs_a_permission(tenant: LocalTenant, ends: dict[str, Any]):
    app = tenant.as_workload("Application.ReadWrite.All", "Directory.Read.All")
    assert tenant.get(GRANTS, token=app.token)["value"] == []
    tenant.refused("POST", GRANTS, _asked(ends), status=403, token=app.token)


def test_granting_and_withdrawing_are_in_the_log(tenant: LocalTenant, ends: dict[str, Any]):
    made = tenant.must("POST", GRANTS, _asked(ends))
    tenant.must("DELETE", f"{GRANTS}/{made['id']}")
    removed, added = tenant.audits()[:2]
    assert added["activityDisplayName"] == "Add delegated permission grant"
    assert removed["activityDisplayName"] == "Remove delegated permission grant"
    changed = {one["displayName"]: one["newValue"] for one in added["targetResources"][0]["modifiedProperties"]}
    assert changed["DelegatedPermissionGrant.Scope"] == '"User.Read"'
    assert changed["DelegatedPermissionGrant.ConsentType"] == '"AllPrincipals"'
    assert changed["ServicePrincipal.ObjectID"] == f'"{ends["clientId"]}"'


def test_the_id_is_made_as_graph_makes_it():
    """From a recording: this client had a grant for everybody on this resource under this id."""
    client, resource = "043293df-9b19-46aa-962f-65f957d7bcc8", "a3efc889-f1b7-4532-9e01-91e32d1039f4"
    made = permission_grant_id(ObjectId(client), ObjectId(resource), None)
    assert made == "35MyBBmbqkaWL2X5V9e8yInI76O38TJFngGR4y0QOfQ"
    assert len(permission_grant_id(ObjectId(client), ObjectId(resource), ObjectId(client))) == 64
