"""Who may do what: application permissions are enforced on every call, with Graph's bodies."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.local_tenant import LocalTenant

CALLS = [
    ("GET", "/applications", None, "Application.Read.All"),
    ("POST", "/applications", {"displayName": "x"}, "Application.ReadWrite.All"),
    ("PATCH", "/applications/{app}", {"displayName": "x"}, "Application.ReadWrite.All"),
    ("DELETE", "/applications/{app}", None, "Application.ReadWrite.All"),
    ("POST", "/applications/{app}/addPassword", {}, "Application.ReadWrite.All"),
    ("GET", "/applications/{app}/owners", None, "Application.Read.All"),
    ("GET", "/servicePrincipals", None, "Application.Read.All"),
    ("POST", "/servicePrincipals/{sp}/addPassword", {}, "Application.ReadWrite.All"),
    ("GET", "/policies/defaultAppManagementPolicy", None, "Policy.Read.All"),
    ("PATCH", "/policies/defaultAppManagementPolicy", {"isEnabled": True}, "Policy.ReadWrite.ApplicationConfiguration"),
    ("GET", "/policies/appManagementPolicies", None, "Policy.Read.All"),
    (
        "POST",
        "/policies/appManagementPolicies",
        {"displayName": "a", "description": "b"},
        "Policy.ReadWrite.ApplicationConfiguration",
    ),
    ("GET", "/organization", None, "Organization.Read.All"),
    ("GET", "/beta/auditLogs/signIns", None, "AuditLog.Read.All"),
]


@pytest.mark.parametrize(("method", "path", "body", "permission"), CALLS, ids=lambda value: str(value))
def test_a_call_needs_its_permission_and_no_more(
    tenant: LocalTenant, method: str, path: str, body: dict | None, permission: str
) -> None:
    made = tenant.new_application()
    principal = tenant.new_principal(made["appId"])
    url = path.format(app=made["id"], sp=principal["id"])
    nobody = tenant.as_workload()
    error = tenant.refused(method, url, body, status=403, token=nobody.token)
    assert error["code"] == "Authorization_RequestDenied"
    assert error["message"].startswith("Insufficient privileges to complete the operation.")
    assert permission in error["message"]
    holder = tenant.as_workload(permission)
    assert tenant.graph(method, url, body, token=holder.token).status_code < 300


def test_a_refused_caller_changes_nothing_and_is_on_record(tenant: LocalTenant) -> None:
    made = tenant.new_application("untouched")
    reader = tenant.as_workload("Application.Read.All")
    tenant.refused("PATCH", f"/applications/{made['id']}", {"displayName": "x"}, status=403, token=reader.token)
    assert tenant.get(f"/applications/{made['id']}")["displayName"] == "untouched"
    refusal = tenant.audits()[0]
    assert (refusal["activityDisplayName"], refusal["result"]) == ("Update application", "failure")
    assert refusal["initiatedBy"]["app"]["servicePrincipalId"] == reader.principal.id


def test_owned_by_reaches_what_it_made_and_nothing_else(tenant: LocalTenant) -> None:
    caller = tenant.as_workload("Application.ReadWrite.OwnedBy")
    own = tenant.must("POST", "/applications", {"displayName": "own"}, token=caller.token)
    foreign = tenant.new_application("foreign")
    tenant.must("POST", f"/applications/{own['id']}/addPassword", {}, token=caller.token)
    tenant.refused("POST", f"/applications/{foreign['id']}/addPassword", {}, status=403, token=caller.token)
    tenant.refused("DELETE", f"/applications/{foreign['id']}", status=403, token=caller.token)
    (owner,) = tenant.get(f"/applications/{own['id']}/owners")["value"]
    assert owner["id"] == caller.principal.id


def test_owned_by_makes_principals_of_its_own_applications_only(tenant: LocalTenant) -> None:
    caller = tenant.as_workload("Application.ReadWrite.OwnedBy")
    foreign = tenant.new_application("foreign")
    tenant.refused("POST", "/servicePrincipals", {"appId": foreign["appId"]}, status=403, token=caller.token)
    tenant.refused("POST", "/servicePrincipals", {"appId": str(uuid4())}, status=403, token=caller.token)
    own = tenant.must("POST", "/applications", {"displayName": "own"}, token=caller.token)
    principal = tenant.must("POST", "/servicePrincipals", {"appId": own["appId"]}, token=caller.token)
    tenant.must("POST", f"/servicePrincipals/{principal['id']}/addPassword", {}, token=caller.token)
    (owner,) = tenant.get(f"/servicePrincipals/{principal['id']}/owners")["value"]
    assert owner["id"] == caller.principal.id


@pytest.mark.parametrize("kind", ["applications", "servicePrincipals"])
def test_owned_by_hands_what_it_owns_to_nobody(tenant: LocalTenant, kind: str) -> None:
    caller = tenant.as_workload("Application.ReadWrite.OwnedBy")
    own = tenant.must("POST", "/applications", {"displayName": "own"}, token=caller.token)
    principal = tenant.must("POST", "/servicePrincipals", {"appId": own["appId"]}, token=caller.token)
    path = f"/{kind}/{own['id'] if kind == 'applications' else principal['id']}/owners/$ref"
    accomplice = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{tenant.as_workload().principal.id}"}
    tenant.refused("POST", path, accomplice, status=403, token=caller.token)
    tenant.must("POST", path, accomplice, token=tenant.as_workload("Application.ReadWrite.All").token)


def test_assigning_a_policy_needs_both_permissions(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    policy = tenant.must("POST", "/policies/appManagementPolicies", {"displayName": "a", "description": "b"})
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{policy['id']}"}
    path = f"/applications/{made['id']}/appManagementPolicies/$ref"
    for permissions in (("Application.Read.All",), ("Policy.ReadWrite.ApplicationConfiguration",)):
        tenant.refused("POST", path, reference, status=403, token=tenant.as_workload(*permissions).token)
    both = tenant.as_workload("Application.Read.All", "Policy.ReadWrite.ApplicationConfiguration")
    tenant.must("POST", path, reference, token=both.token)


def test_nobody_exempts_themselves_without_the_permission_to_assign_attributes(tenant: LocalTenant) -> None:
    caller = tenant.as_workload("Application.ReadWrite.All")
    body = {"customSecurityAttributes": {"Exemptions": {"Level": "all"}}}
    tenant.refused("PATCH", f"/servicePrincipals/{caller.principal.id}", body, status=403, token=caller.token)
    smuggled = {**body, "tags": ["x"]}
    tenant.refused("PATCH", f"/servicePrincipals/{caller.principal.id}", smuggled, status=403, token=caller.token)


def test_nobody_makes_an_exempt_accomplice_without_that_permission_either(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    body = {"appId": made["appId"], "customSecurityAttributes": {"Exemptions": {"Level": "all"}}}
    caller = tenant.as_workload("Application.ReadWrite.All")
    tenant.refused("POST", "/servicePrincipals", body, status=403, token=caller.token)
    assert tenant.get(f"/servicePrincipals?$filter=appId eq '{made['appId']}'")["value"] == []
    assert (tenant.audits()[0]["activityDisplayName"], tenant.audits()[0]["result"]) == (
        "Add service principal",
        "failure",
    )
    tenant.define_attribute("Exemptions", "Level")
    tenant.must("POST", "/servicePrincipals", body)


def test_an_error_tells_nothing_to_who_may_not_read(tenant: LocalTenant) -> None:
    """A guess at a property that cannot be written is right when it is ignored, and wrong when it is refused."""
    principal = tenant.as_workload().principal
    nobody = tenant.as_workload()
    for guess in (principal.display_name, "something else"):
        body = {"appDisplayName": guess}
        tenant.refused("PATCH", f"/servicePrincipals/{principal.id}", body, status=403, token=nobody.token)


def test_attributes_are_shown_only_to_who_may_see_them(tenant: LocalTenant) -> None:
    workload = tenant.as_workload("Application.Read.All", Exemptions_Level="all")
    path = f"/servicePrincipals/{workload.principal.id}"
    assert "customSecurityAttributes" not in tenant.get(path)
    shown = tenant.get(f"{path}?$select=id,customSecurityAttributes")["customSecurityAttributes"]
    assert shown["Exemptions"]["Level"] == "all"
    nobody_of_that_name = "/servicePrincipals?$filter=displayName eq 'nobody'"
    assert tenant.get(nobody_of_that_name, token=workload.token)["value"] == []
    for asked in (path + "?", "/servicePrincipals?", nobody_of_that_name + "&"):
        tenant.refused("GET", f"{asked}$select=customSecurityAttributes", status=403, token=workload.token)


def test_the_log_names_attributes_and_keeps_their_values_to_itself(tenant: LocalTenant) -> None:
    workload = tenant.as_workload(Exemptions_Level="known-to-few")
    tenant.give_attributes(workload.principal.id, Exemptions_Level="known-to-fewer")
    (change, included) = tenant.audits()[0]["targetResources"][0]["modifiedProperties"]
    assert change == {
        "displayName": "CustomSecurityAttributes",
        "oldValue": '[{"Exemptions":["Level"]}]',
        "newValue": '[{"Exemptions":["Level"]}]',
    }
    assert included["newValue"] == '"CustomSecurityAttributes"'
    assert "known-to-few" not in tenant.graph("GET", "/auditLogs/directoryAudits?$top=999").text


def test_an_exempt_caller_passes_where_others_are_stopped(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    entry = {
        "restrictionType": "passwordAddition",
        "state": "enabled",
        "excludeActors": {
            "customSecurityAttributes": [
                {
                    "@odata.type": "#microsoft.graph.customSecurityAttributeStringValueExemption",
                    "id": "Exemptions_Level",
                    "operator": "equals",
                    "value": "all",
                }
            ]
        },
    }
    body = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [entry]}}
    tenant.must("PATCH", "/policies/defaultAppManagementPolicy", body)
    path = f"/applications/{made['id']}/addPassword"
    exempt = tenant.as_workload("Application.ReadWrite.All", Exemptions_Level="all")
    wrong_case = tenant.as_workload("Application.ReadWrite.All", Exemptions_Level="ALL")
    tenant.must("POST", path, {}, token=exempt.token)
    tenant.refused("POST", path, {}, status=400, token=wrong_case.token)
    tenant.refused("POST", path, {}, status=400)


# -- application permissions, and how one might get at more of them -----------------------------------------------


def microsoft_graph(tenant: LocalTenant) -> dict:
    return tenant.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")


def test_what_microsoft_graph_offers_is_not_for_the_tenant_to_rename(tenant: LocalTenant) -> None:
    """Who could would hold a harmless permission under the name of any other."""
    graph = microsoft_graph(tenant)
    path = f"/servicePrincipals/{graph['id']}"
    harmless = next(role for role in graph["appRoles"] if role["value"] == "Mail.Read")
    renamed = [role | {"value": "Renamed.All"} if role == harmless else role for role in graph["appRoles"]]
    for caller in ("Application.ReadWrite.All", "Directory.ReadWrite.All"):
        token = tenant.as_workload(caller).token
        tenant.refused("PATCH", path, {"appRoles": renamed}, status=403, token=token)
        tenant.refused("DELETE", path, status=403, token=token)
        tenant.must("PATCH", path, {"appRoles": graph["appRoles"], "tags": [caller]}, token=token)
    assert microsoft_graph(tenant)["appRoles"] == graph["appRoles"]


def test_roles_for_people_and_roles_that_are_off_are_not_granted(tenant: LocalTenant) -> None:
    common = {"displayName": "role", "description": "role"}
    people = {**common, "id": str(uuid4()), "allowedMemberTypes": ["User"], "value": "People"}
    off = {**common, "id": str(uuid4()), "allowedMemberTypes": ["Application"], "value": "Off", "isEnabled": False}
    both = {**common, "id": str(uuid4()), "allowedMemberTypes": ["Application", "User"], "value": "Both"}
    made = tenant.new_application(appRoles=[people, off, both])
    resource, holder = tenant.new_principal(made["appId"]), tenant.as_workload().principal
    path = f"/servicePrincipals/{holder.id}/appRoleAssignments"
    ends = {"principalId": holder.id, "resourceId": resource["id"]}
    for role in (people, off):
        error = tenant.refused("POST", path, {**ends, "appRoleId": role["id"]}, status=400)
        assert error["message"].startswith("Permission being assigned was not found on application")
    tenant.must("POST", path, {**ends, "appRoleId": both["id"]})


@pytest.mark.parametrize("end", ["appRoleAssignments", "appRoleAssignedTo"])
def test_who_tries_to_grant_or_revoke_permissions_is_on_record(tenant: LocalTenant, end: str) -> None:
    graph, caller = microsoft_graph(tenant), tenant.as_workload()
    assignment = tenant.get(f"/servicePrincipals/{graph['id']}/appRoleAssignedTo")["value"][0]
    named = caller.principal.id if end == "appRoleAssignments" else graph["id"]
    body = {
        "principalId": caller.principal.id,
        "resourceId": graph["id"],
        "appRoleId": next(role["id"] for role in graph["appRoles"] if role["value"] == "Application.ReadWrite.All"),
    }
    tenant.refused("POST", f"/servicePrincipals/{named}/{end}", body, status=403, token=caller.token)
    tenant.refused("DELETE", f"/servicePrincipals/{named}/{end}/{assignment['id']}", status=403, token=caller.token)
    assert [(event["activityDisplayName"], event["result"]) for event in tenant.audits()[:2]] == [
        ("Remove app role assignment from service principal", "failure"),
        ("Add app role assignment to service principal", "failure"),
    ]


@pytest.mark.parametrize("end", ["appRoleAssignments", "appRoleAssignedTo"])
def test_a_permission_is_granted_and_revoked_from_either_end(tenant: LocalTenant, end: str) -> None:
    graph, holder = microsoft_graph(tenant), tenant.as_workload()
    named, other = (holder.principal.id, graph["id"])[:: 1 if end == "appRoleAssignments" else -1]
    role = next(role["id"] for role in graph["appRoles"] if role["value"] == "Application.Read.All")
    body = {"principalId": holder.principal.id, "resourceId": graph["id"], "appRoleId": role}
    tenant.refused("POST", f"/servicePrincipals/{other}/{end}", body, status=400)
    made = tenant.must("POST", f"/servicePrincipals/{named}/{end}", body)
    tenant.get("/applications", token=tenant.sign_in(holder.application.app_id))
    tenant.refused("DELETE", f"/servicePrincipals/{other}/{end}/{made['id']}", status=404)
    tenant.must("DELETE", f"/servicePrincipals/{named}/{end}/{made['id']}")
    assert tenant.audits()[0]["targetResources"][0]["id"] == holder.principal.id
    tenant.refused("GET", "/applications", status=403, token=tenant.sign_in(holder.application.app_id))


# -- tokens -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/applications", None),
        ("POST", "/applications", {"displayName": "x"}),
        ("POST", "/applications/{id}/addPassword", {}),
        ("PATCH", "/policies/defaultAppManagementPolicy", {"isEnabled": True}),
    ],
)
def test_a_token_outlives_its_principal_and_opens_nothing(
    tenant: LocalTenant, method: str, path: str, body: dict | None
) -> None:
    made = tenant.new_application()
    caller = tenant.as_workload("Application.ReadWrite.All", "Policy.ReadWrite.ApplicationConfiguration")
    tenant.must("DELETE", f"/servicePrincipals/{caller.principal.id}")
    error = tenant.refused(method, path.format(**made), body, status=401, token=caller.token)
    assert error["code"] == "Authorization_IdentityNotFound"


def test_a_caller_who_is_deleted_looks_no_more(tenant: LocalTenant) -> None:
    made = tenant.new_application()
    caller = tenant.as_workload("Application.Read.All")
    where = f"/applications/{made['id']}"
    assert tenant.get(where, token=caller.token)["id"] == made["id"]
    tenant.must("DELETE", f"/servicePrincipals/{caller.principal.id}")

    error = tenant.refused("GET", where, status=401, token=caller.token)

    assert error["code"] == "Authorization_IdentityNotFound"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer not.a.token", "Bearer a.b.c", "Bearer " + "x" * 100_000]
)
def test_without_a_valid_token_there_is_401_with_a_challenge(tenant: LocalTenant, header: str) -> None:
    answer = tenant.client.get("/v1.0/applications", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert "WWW-Authenticate" in answer.headers


def test_an_expired_token_is_refused(tenant: LocalTenant) -> None:
    tenant.clock.move(hours=2)
    error = tenant.refused("GET", "/applications", status=401)
    assert error["code"] == "InvalidAuthenticationToken"
    tenant.sign_in_again()
    tenant.get("/applications")


def test_what_is_not_served_says_so(tenant: LocalTenant) -> None:
    for method, path in (
        ("GET", "/groups"),
        ("GET", "/groups/x/members"),
        ("POST", "/applications/x/setVerifiedPublisher"),
    ):
        error = tenant.refused(method, path, {} if method == "POST" else None, status=501)
        assert "does not serve" in error["message"]
        assert "docs/reference/divergences.md" in error["message"]


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/applications"), ("DELETE", "/policies/defaultAppManagementPolicy")]
)
def test_a_verb_that_a_path_has_not_is_405(tenant: LocalTenant, method: str, path: str) -> None:
    tenant.refused(method, path, status=405)


def test_me_is_for_people(tenant: LocalTenant) -> None:
    error = tenant.refused("GET", "/me/ownedObjects", status=400)
    assert error["message"] == "/me request is only valid with delegated authentication flow."
