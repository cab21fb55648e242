"""Directory roles through Graph's two ways of telling them."""

from __future__ import annotations

import pytest

from tests.local_tenant import LocalTenant
from unsecret.model.directory_roles import Role

ASSIGNMENTS = "/roleManagement/directory/roleAssignments"
DEFINITIONS = "/roleManagement/directory/roleDefinitions"


def _asked(principal_id: str, role: str = Role.GLOBAL_READER, scope: str = "/") -> dict[str, str]:
    return {"principalId": principal_id, "roleDefinitionId": role, "directoryScopeId": scope}


def test_the_roles_are_listed_found_and_filtered(tenant: LocalTenant):
    roles = tenant.get("/directoryRoles")["value"]
    (one,) = [role for role in roles if role["displayName"] == "Application Administrator"]
    assert one["roleTemplateId"] == "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
    assert one["id"] != one["roleTemplateId"]
    for path in (f"/directoryRoles/{one['id']}", f"/directoryRoles(roleTemplateId='{one['roleTemplateId']}')"):
        assert tenant.get(path)["displayName"] == "Application Administrator"
    assert tenant.get(f"/directoryRoleTemplates/{one['roleTemplateId']}")["id"] == one["roleTemplateId"]
    for filter in ("displayName eq 'global reader'", f"templateId eq '{Role.GLOBAL_READER}'"):
        (found,) = tenant.get(f"{DEFINITIONS}?$filter={filter}")["value"]
        assert found["id"] == Role.GLOBAL_READER
    assert tenant.get(f"{DEFINITIONS}/{Role.GLOBAL_READER}")["isBuiltIn"] is True
    tenant.refused("GET", "/directoryRoles/99999999-9999-4999-8999-999999999999", status=404)


def test_a_role_is_given_and_withdrawn_and_matters_at_once(tenant: LocalTenant):
    who = tenant.as_person()
    policy = "/policies/defaultAppManagementPolicy"
    tenant.refused("GET", policy, status=403, token=who.token)
    made = tenant.must("POST", ASSIGNMENTS, _asked(who.user.id))
    assert made["principalId"] == who.user.id
    assert tenant.get(policy, token=who.token)
    tenant.must("DELETE", f"{ASSIGNMENTS}/{made['id']}")
    tenant.refused("GET", policy, status=403, token=who.token)
    tenant.refused("GET", f"{ASSIGNMENTS}/{made['id']}", status=404)


def test_assignments_are_filtered_and_show_who_holds_them(tenant: LocalTenant):
    ada, ben = tenant.as_person(Role.GLOBAL_READER, Role.USER_ADMINISTRATOR), tenant.as_person(Role.GLOBAL_READER)
    of_ada = tenant.get(f"{ASSIGNMENTS}?$filter=principalId eq '{ada.user.id}'")["value"]
    assert {one["roleDefinitionId"] for one in of_ada} == {Role.GLOBAL_READER, Role.USER_ADMINISTRATOR}
    readers = tenant.get(f"{ASSIGNMENTS}?$filter=roleDefinitionId eq '{Role.GLOBAL_READER}'&$expand=principal")["value"]
    assert [one["principal"]["id"] for one in readers] == [ada.user.id, ben.user.id]
    assert readers[0]["principal"]["@odata.type"] == "#microsoft.graph.user"
    both = f"principalId eq '{ben.user.id}' and roleDefinitionId eq '{Role.USER_ADMINISTRATOR}'"
    assert tenant.get(f"{ASSIGNMENTS}?$filter={both}")["value"] == []
    (one,) = tenant.get(f"{ASSIGNMENTS}?$filter=principalId eq '{ben.user.id}'&$expand=roleDefinition")["value"]
    assert one["roleDefinition"]["displayName"] == "Global Reader"
    tenant.refused("GET", f"{ASSIGNMENTS}?$filter=startswith(principalId,'a')", status=400)


def test_members_are_added_and_removed_the_older_way(tenant: LocalTenant):
    who = tenant.as_person()
    path = f"/directoryRoles(roleTemplateId='{Role.GLOBAL_READER}')/members"
    tenant.must("POST", f"{path}/$ref", {"@odata.id": f"/v1.0/directoryObjects/{who.user.id}"})
    assert [one["id"] for one in tenant.get(path)["value"]] == [who.user.id]
    tenant.must("DELETE", f"{path}/{who.user.id}/$ref")
    assert tenant.get(path)["value"] == []
    tenant.refused("DELETE", f"{path}/{who.user.id}/$ref", status=404)


def test_a_service_principal_that_holds_a_role_is_shown_as_its_member(tenant: LocalTenant):
    app = tenant.as_workload()
    tenant.must("POST", ASSIGNMENTS, _asked(app.principal.id, Role.GLOBAL_ADMINISTRATOR))
    (held,) = tenant.get(f"{ASSIGNMENTS}?$filter=principalId eq '{app.principal.id}'&$expand=principal")["value"]
    assert held["principal"]["@odata.type"] == "#microsoft.graph.servicePrincipal"


@pytest.mark.parametrize(
    ("role", "scope", "status", "named"),
    [
        ("99999999-9999-4999-8999-999999999999", "/", 400, "roleDefinitions"),
        ("reader", "/", 400, "roleDefinitionId"),
        (Role.GLOBAL_READER, "/administrativeUnits/x", 501, "directoryScopeId"),
    ],
)
def test_what_cannot_be_given_is_refused(tenant: LocalTenant, role: str, scope: str, status: int, named: str):
    who = tenant.as_person()
    answer = tenant.refused("POST", ASSIGNMENTS, _asked(who.user.id, role, scope), status=status)
    assert named in answer["message"]


def test_a_role_is_held_once_and_only_by_who_can_sign_in(tenant: LocalTenant):
    who, app = tenant.as_person(Role.GLOBAL_READER), tenant.new_application()
    assert "holds this role already" in tenant.refused("POST", ASSIGNMENTS, _asked(who.user.id), status=400)["message"]
    tenant.refused("POST", ASSIGNMENTS, _asked(app["id"]), status=400)
    tenant.refused("POST", ASSIGNMENTS, _asked("99999999-9999-4999-8999-999999999999"), status=404)


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.PRIVILEGED_ROLE_ADMINISTRATOR, 201),
        (Role.GLOBAL_ADMINISTRATOR, 201),
        (Role.APPLICATION_ADMINISTRATOR, 403),
        (Role.USER_ADMINISTRATOR, 403),
    ],
)
def test_only_who_administers_roles_gives_one(tenant: LocalTenant, role: Role, status: int):
    giver, taker = tenant.as_person(role), tenant.as_person()
    asked = _asked(taker.user.id, Role.GLOBAL_ADMINISTRATOR)
    assert tenant.graph("POST", ASSIGNMENTS, asked, token=giver.token).status_code == status


def test_a_role_is_not_given_by_who_may_only_write_applications(tenant: LocalTenant):
    app, who = tenant.as_workload("Application.ReadWrite.All", "Directory.ReadWrite.All"), tenant.as_person()
    tenant.refused("POST", ASSIGNMENTS, _asked(who.user.id), status=403, token=app.token)


def test_giving_and_withdrawing_are_in_the_log(tenant: LocalTenant):
    who = tenant.as_person()
    made = tenant.must("POST", ASSIGNMENTS, _asked(who.user.id))
    tenant.must("DELETE", f"{ASSIGNMENTS}/{made['id']}")
    removed, added = [one for one in tenant.audits() if one["category"] == "RoleManagement"]
    assert (added["activityDisplayName"], removed["activityDisplayName"]) == (
        "Add member to role",
        "Remove member from role",
    )
    changed = {one["displayName"]: one["newValue"] for one in added["targetResources"][0]["modifiedProperties"]}
    assert changed["Role.DisplayName"] == '"Global Reader"'


def test_templates_of_roles_are_listed_and_an_assignment_is_found_by_its_id(tenant: LocalTenant):
    templates = tenant.get("/directoryRoleTemplates")["value"]
    assert "Global Administrator" in [template["displayName"] for template in templates]
    made = tenant.must("POST", ASSIGNMENTS, _asked(tenant.as_person().user.id))
    found = tenant.get(f"{ASSIGNMENTS}/{made['id']}")
    assert (found["principalId"], found["roleDefinitionId"]) == (made["principalId"], Role.GLOBAL_READER)
