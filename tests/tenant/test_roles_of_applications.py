"""Directory roles of service principals: what they permit, from when, and until when."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import LocalTenant, Workload
from tests.tenant.robots import claims_in
from unsecret.model.directory_roles import Role

ASSIGNMENTS = "/roleManagement/directory/roleAssignments"
DEFAULT_POLICY = "/policies/defaultAppManagementPolicy"
EVERY_APPLICATIONS_WID = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"


def _give(tenant: LocalTenant, app: Workload, role: Role) -> dict[str, Any]:
    asked = {"principalId": app.principal.id, "roleDefinitionId": role, "directoryScopeId": "/"}
    return tenant.must("POST", ASSIGNMENTS, asked)


def test_a_role_permits_an_application_what_it_is_for_with_the_token_that_it_had(tenant: LocalTenant):
    app, made = tenant.as_workload(), tenant.new_application()
    add_password = f"/applications/{made['id']}/addPassword"
    tenant.refused("POST", add_password, {}, status=403, token=app.token)
    held = _give(tenant, app, Role.APPLICATION_ADMINISTRATOR)
    tenant.must("POST", add_password, {}, token=app.token)
    tenant.must("PATCH", DEFAULT_POLICY, {"isEnabled": True}, token=app.token)
    tenant.refused("GET", "/auditLogs/directoryAudits", status=403, token=app.token)
    grant = f"/servicePrincipals/{app.principal.id}/appRoleAssignments"
    graph = tenant.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")
    more = {"principalId": app.principal.id, "resourceId": graph["id"], "appRoleId": graph["appRoles"][0]["id"]}
    tenant.refused("POST", grant, more, status=403, token=app.token)
    tenant.must("DELETE", f"{ASSIGNMENTS}/{held['id']}")
    tenant.refused("POST", add_password, {}, status=403, token=app.token)
    tenant.refused("GET", f"/applications/{made['id']}", status=403, token=app.token)


@pytest.mark.parametrize(
    ("role", "method", "path", "body", "status"),
    [
        (Role.DIRECTORY_READERS, "GET", "/applications", None, 200),
        (Role.DIRECTORY_READERS, "GET", "/users", None, 200),
        (Role.DIRECTORY_READERS, "POST", "/applications", {"displayName": "x"}, 403),
        (Role.DIRECTORY_READERS, "GET", DEFAULT_POLICY, None, 403),
        (Role.GLOBAL_READER, "GET", DEFAULT_POLICY, None, 200),
        (Role.GLOBAL_READER, "PATCH", DEFAULT_POLICY, {"isEnabled": True}, 403),
        (Role.SECURITY_ADMINISTRATOR, "PATCH", DEFAULT_POLICY, {"isEnabled": True}, 204),
        (Role.SECURITY_ADMINISTRATOR, "GET", "/applications", None, 403),
        (Role.APPLICATION_DEVELOPER, "POST", "/applications", {"displayName": "x"}, 201),
        (Role.REPORTS_READER, "GET", "/auditLogs/signIns", None, 403),
        (Role.GLOBAL_ADMINISTRATOR, "GET", "/auditLogs/signIns", None, 403),
        (Role.GLOBAL_ADMINISTRATOR, "GET", "/directory/attributeSets", None, 403),
        (Role.ATTRIBUTE_DEFINITION_ADMINISTRATOR, "GET", "/directory/attributeSets", None, 403),
        (Role.PRIVILEGED_ROLE_ADMINISTRATOR, "GET", "/directoryRoles", None, 200),
    ],
)
def test_each_role_is_for_something_else(
    tenant: LocalTenant, role: Role, method: str, path: str, body: Any, status: int
):
    app = tenant.as_workload()
    _give(tenant, app, role)
    assert tenant.graph(method, path, body, token=app.token).status_code == status


def test_the_role_of_somebody_else_permits_nothing(tenant: LocalTenant):
    app, other = tenant.as_workload(), tenant.as_workload()
    _give(tenant, other, Role.GLOBAL_ADMINISTRATOR)
    tenant.refused("GET", "/applications", status=403, token=app.token)
    person = tenant.as_person(scopes="User.Read", client=other.application.app_id)
    tenant.refused("GET", "/applications", status=403, token=person.token)


def test_a_role_ends_with_the_service_principal_that_holds_it(tenant: LocalTenant):
    app = tenant.as_workload()
    _give(tenant, app, Role.GLOBAL_ADMINISTRATOR)
    tenant.must("DELETE", f"/servicePrincipals/{app.principal.id}")
    tenant.refused("GET", "/applications", status=401, token=app.token)


def test_whom_a_role_lets_manage_all_applications_owns_none_that_it_makes(tenant: LocalTenant):
    administrator, developer = tenant.as_workload(), tenant.as_workload()
    _give(tenant, administrator, Role.CLOUD_APPLICATION_ADMINISTRATOR)
    _give(tenant, developer, Role.APPLICATION_DEVELOPER)
    owners = []
    for app in (administrator, developer):
        made = tenant.must("POST", "/applications", {"displayName": "made"}, token=app.token)
        owners.append([one["id"] for one in tenant.get(f"/applications/{made['id']}/owners")["value"]])
    assert owners == [[], [developer.principal.id]]
    tenant.refused("PATCH", f"/applications/{made['id']}", {"tags": ["x"]}, status=403, token=developer.token)


def test_no_role_lifts_what_a_policy_forbids(tenant: LocalTenant):
    app, made = tenant.as_workload(), tenant.new_application()
    _give(tenant, app, Role.GLOBAL_ADMINISTRATOR)
    tenant.block_secrets()
    refusal = tenant.refused("POST", f"/applications/{made['id']}/addPassword", {}, status=400, token=app.token)
    assert refusal["code"] == "CredentialTypeNotAllowedAsPerAppPolicy"


def test_the_token_names_the_roles_first_and_then_what_every_applications_token_has(tenant: LocalTenant):
    app = tenant.as_workload()
    _give(tenant, app, Role.SECURITY_ADMINISTRATOR)
    _give(tenant, app, Role.APPLICATION_ADMINISTRATOR)
    asked = {
        "client_id": app.application.app_id,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": tenant.assertion(app.application.app_id),
    }
    claims = claims_in(tenant.token_request(**asked))
    assert claims["wids"] == [Role.SECURITY_ADMINISTRATOR, Role.APPLICATION_ADMINISTRATOR, EVERY_APPLICATIONS_WID]
