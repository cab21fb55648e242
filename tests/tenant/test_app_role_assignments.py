"""App roles of service principals and people, from both ends."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.local_tenant import LocalTenant
from unsecret.model.directory_roles import Role
from unsecret.model.identifiers import GRAPH_APP_ID, ZERO_GUID

FOR_APPS, FOR_PEOPLE, OFF = (str(uuid.UUID(int=number)) for number in (1, 2, 3))


def _role(role_id: str, *members: str, enabled: bool = True) -> dict[str, Any]:
    named = {"id": role_id, "displayName": role_id, "description": "d", "value": f"role{role_id[-1]}"}
    return named | {"allowedMemberTypes": list(members), "isEnabled": enabled}


@pytest.fixture
def resource(tenant: LocalTenant) -> dict[str, Any]:
    roles = [
        _role(FOR_APPS, "Application"),
        _role(FOR_PEOPLE, "User"),
        _role(OFF, "Application", "User", enabled=False),
    ]
    return tenant.new_principal(tenant.new_application("resource", appRoles=roles)["appId"])


def _asked(principal_id: str, resource: dict[str, Any], role: str) -> dict[str, str]:
    return {"principalId": principal_id, "resourceId": resource["id"], "appRoleId": role}


def test_a_role_is_given_and_seen_from_both_ends(tenant: LocalTenant, resource: dict[str, Any]):
    who, app = tenant.as_person(), tenant.as_workload()
    to_person = tenant.must(
        "POST", f"/users/{who.user.id}/appRoleAssignments", _asked(who.user.id, resource, FOR_PEOPLE)
    )
    to_app = tenant.must(
        "POST", f"/servicePrincipals/{resource['id']}/appRoleAssignedTo", _asked(app.principal.id, resource, FOR_APPS)
    )
    assert (to_person["principalType"], to_app["principalType"]) == ("User", "ServicePrincipal")
    given = tenant.get(f"/servicePrincipals/{resource['id']}/appRoleAssignedTo")["value"]
    assert [one["id"] for one in given] == [to_person["id"], to_app["id"]]
    assert [one["principalType"] for one in given] == ["User", "ServicePrincipal"]
    for path in (
        f"/users/{who.user.user_principal_name}/appRoleAssignments/{to_person['id']}",
        f"/servicePrincipals/{resource['id']}/appRoleAssignedTo/{to_person['id']}",
    ):
        assert tenant.get(path)["principalDisplayName"] == "Some Body"
    one = tenant.get(f"/servicePrincipals/{app.principal.id}/appRoleAssignments/{to_app['id']}")
    assert one["resourceDisplayName"] == "resource"
    tenant.must("DELETE", f"/users/{who.user.id}/appRoleAssignments/{to_person['id']}")
    tenant.must("DELETE", f"/servicePrincipals/{resource['id']}/appRoleAssignedTo/{to_app['id']}")
    assert tenant.get(f"/servicePrincipals/{resource['id']}/appRoleAssignedTo")["value"] == []
    tenant.refused("GET", f"/users/{who.user.id}/appRoleAssignments/{to_person['id']}", status=404)


@pytest.mark.parametrize(
    ("role", "to_app", "to_person"),
    [
        (FOR_APPS, 201, 400),
        (FOR_PEOPLE, 400, 201),
        (OFF, 400, 400),
        (ZERO_GUID, 201, 201),
        (str(uuid.UUID(int=9)), 400, 400),
    ],
)
def test_a_role_is_for_whom_it_says(
    tenant: LocalTenant, resource: dict[str, Any], role: str, to_app: int, to_person: int
):
    app, who = tenant.as_workload(), tenant.as_person()
    path = f"/servicePrincipals/{resource['id']}/appRoleAssignedTo"
    assert tenant.graph("POST", path, _asked(app.principal.id, resource, role)).status_code == to_app
    assert tenant.graph("POST", path, _asked(who.user.id, resource, role)).status_code == to_person


def test_a_role_is_given_once(tenant: LocalTenant, resource: dict[str, Any]):
    who = tenant.as_person()
    path, body = f"/users/{who.user.id}/appRoleAssignments", _asked(who.user.id, resource, FOR_PEOPLE)
    tenant.must("POST", path, body)
    assert "already exists" in tenant.refused("POST", path, body, status=400)["message"]


def test_the_url_and_the_body_speak_of_the_same(tenant: LocalTenant, resource: dict[str, Any]):
    who, other = tenant.as_person(), tenant.as_person()
    body = _asked(who.user.id, resource, FOR_PEOPLE)
    tenant.refused("POST", f"/users/{other.user.id}/appRoleAssignments", body, status=400)


@pytest.mark.parametrize(
    ("role", "of_ours", "of_graph"),
    [
        (Role.GLOBAL_ADMINISTRATOR, 201, 201),
        (Role.PRIVILEGED_ROLE_ADMINISTRATOR, 201, 201),
        (Role.APPLICATION_ADMINISTRATOR, 201, 403),
        (Role.CLOUD_APPLICATION_ADMINISTRATOR, 201, 403),
        (Role.SECURITY_ADMINISTRATOR, 403, 403),
    ],
)
def test_permissions_on_microsoft_graph_are_given_by_few(
    tenant: LocalTenant, resource: dict[str, Any], role: Role, of_ours: int, of_graph: int
):
    who, app = tenant.as_person(role), tenant.as_workload()
    graph = tenant.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')")
    (mail,) = [one["id"] for one in graph["appRoles"] if one["value"] == "Mail.Read"]
    path = f"/servicePrincipals/{app.principal.id}/appRoleAssignments"
    ours = tenant.graph("POST", path, _asked(app.principal.id, resource, FOR_APPS), token=who.token)
    graphs = tenant.graph("POST", path, _asked(app.principal.id, graph, mail), token=who.token)
    assert (ours.status_code, graphs.status_code) == (of_ours, of_graph)


def test_who_may_not_give_graphs_permissions_may_not_withdraw_them(tenant: LocalTenant):
    who, app = tenant.as_person(Role.APPLICATION_ADMINISTRATOR), tenant.as_workload("Mail.Read")
    (held,) = tenant.get(f"/servicePrincipals/{app.principal.id}/appRoleAssignments")["value"]
    path = f"/servicePrincipals/{app.principal.id}/appRoleAssignments/{held['id']}"
    tenant.refused("DELETE", path, status=403, token=who.token)
    tenant.must("DELETE", path)


def test_the_owner_of_a_resource_gives_its_roles(tenant: LocalTenant, resource: dict[str, Any]):
    who, other = tenant.as_person(), tenant.as_person()
    reference = {"@odata.id": f"/v1.0/directoryObjects/{who.user.id}"}
    tenant.must("POST", f"/servicePrincipals/{resource['id']}/owners/$ref", reference)
    path, body = f"/users/{other.user.id}/appRoleAssignments", _asked(other.user.id, resource, FOR_PEOPLE)
    tenant.refused("POST", path, body, status=403, token=other.token)
    tenant.must("POST", path, body, token=who.token)


def test_people_see_their_own_roles(tenant: LocalTenant, resource: dict[str, Any]):
    who, other = tenant.as_person(), tenant.as_person()
    path = f"/users/{who.user.id}/appRoleAssignments"
    tenant.must("POST", path, _asked(who.user.id, resource, FOR_PEOPLE))
    assert len(tenant.get(path, token=who.token)["value"]) == 1
    tenant.refused("GET", path, status=403, token=other.token)


def test_roles_of_people_are_in_the_log_as_theirs(tenant: LocalTenant, resource: dict[str, Any]):
    who = tenant.as_person()
    made = tenant.must("POST", f"/users/{who.user.id}/appRoleAssignments", _asked(who.user.id, resource, FOR_PEOPLE))
    tenant.must("DELETE", f"/users/{who.user.id}/appRoleAssignments/{made['id']}")
    removed, added = tenant.audits()[:2]
    assert added["activityDisplayName"] == "Add app role assignment grant to user"
    assert removed["activityDisplayName"] == "Remove app role assignment from user"
    assert added["targetResources"][0]["userPrincipalName"] == who.user.user_principal_name
