"""/auditLogs: every change and every refusal, in Graph's own words."""

from __future__ import annotations

import json

import pytest

from tests.local_tenant import LocalTenant
from unsecret.model.directory_roles import Role
from unsecret.model.identifiers import GRAPH_APP_ID

CREDENTIALS = "Update application – Certificates and secrets management "


def test_a_new_secret_is_recorded_as_microsoft_does(tenant: LocalTenant) -> None:
    made = tenant.new_application("Payroll")
    secret = tenant.must(
        "POST", f"/applications/{made['id']}/addPassword", {"passwordCredential": {"displayName": "ci"}}
    )
    event = tenant.audits()[0]
    assert event["activityDisplayName"] == CREDENTIALS
    assert (event["category"], event["loggedByService"], event["result"]) == (
        "ApplicationManagement",
        "Core Directory",
        "success",
    )
    (target,) = event["targetResources"]
    assert (target["id"], target["displayName"], target["type"]) == (made["id"], "Payroll", "Application")
    described, included = target["modifiedProperties"]
    assert described["displayName"] == "KeyDescription"
    assert described["oldValue"] == "[]"
    assert json.loads(described["newValue"]) == [
        f"[KeyIdentifier={secret['keyId']},KeyType=Password,KeyUsage=Verify,DisplayName=ci]"
    ]
    assert (included["displayName"], included["newValue"]) == ("Included Updated Properties", '"KeyDescription"')
    assert event["initiatedBy"]["app"]["appId"] == tenant.new.client_id


def test_a_refusal_is_recorded_with_its_reason(tenant: LocalTenant) -> None:
    made = tenant.new_application("Payroll")
    tenant.block_secrets()
    tenant.refused("POST", f"/applications/{made['id']}/addPassword", {}, status=400)
    event = tenant.audits()[0]
    assert (event["activityDisplayName"], event["result"]) == (CREDENTIALS, "failure")
    assert event["resultReason"].startswith("Credential type not allowed as per assigned policy")
    assert event["targetResources"][0]["id"] == made["id"]


TRUSTED = "/directory/certificateAuthorities/certificateBasedApplicationConfigurations"
UNREADABLE: list[tuple[str, str, str]] = [
    ("POST", "/applications", "Add application"),
    ("PATCH", "/applications/{app}", "Update application"),
    ("POST", "/applications/{app}/addPassword", CREDENTIALS),
    ("POST", "/applications/{app}/removePassword", CREDENTIALS),
    ("POST", "/applications/{app}/addKey", CREDENTIALS),
    ("POST", "/applications/{app}/removeKey", CREDENTIALS),
    ("POST", "/applications/{app}/federatedIdentityCredentials", "Update application"),
    ("POST", "/applications/{app}/owners/$ref", "Add owner to application"),
    ("POST", "/applications/{app}/appManagementPolicies/$ref", "Add policy to application"),
    ("POST", "/servicePrincipals", "Add service principal"),
    ("PATCH", "/servicePrincipals/{principal}", "Update service principal"),
    ("POST", "/servicePrincipals/{principal}/addPassword", "Add service principal credentials"),
    ("POST", "/policies/appManagementPolicies", "Add policy"),
    ("PATCH", "/policies/defaultAppManagementPolicy", "Update policy"),
    ("POST", "/servicePrincipals/{principal}/addTokenSigningCertificate", "Add service principal credentials"),
    (
        "POST",
        "/servicePrincipals/{principal}/appRoleAssignedTo",
        "Add app role assignment to service principal",
    ),
    ("POST", "/users", "Add user"),
    ("PATCH", "/users/{user}", "Update user"),
    ("POST", "/oauth2PermissionGrants", "Add delegated permission grant"),
    ("PATCH", "/oauth2PermissionGrants/{grant}", "Add delegated permission grant"),
    ("POST", "/roleManagement/directory/roleAssignments", "Add member to role"),
    ("POST", "/directoryRoles(roleTemplateId='{role}')/members/$ref", "Add member to role"),
    ("POST", "/directory/attributeSets", "Add an attribute set"),
    ("PATCH", "/directory/attributeSets/Project", "Update attribute set"),
    (
        "POST",
        "/directory/customSecurityAttributeDefinitions",
        "Add custom security attribute definition in an attribute set",
    ),
    (
        "PATCH",
        "/directory/customSecurityAttributeDefinitions/Project_Phase",
        "Update custom security attribute definition in an attribute set",
    ),
    (
        "POST",
        "/directory/customSecurityAttributeDefinitions/Project_Phase/allowedValues",
        "Update custom security attribute definition in an attribute set",
    ),
    ("POST", f"/beta{TRUSTED}", "Add certificate based application configuration"),
]


@pytest.mark.parametrize("content", [b"{", b"[]", b'"x"', b'{"displayName": 7, "keyId": 7, "id": 7}'])
def test_a_body_that_cannot_be_read_is_a_refusal_like_any_other(tenant: LocalTenant, content: bytes) -> None:
    made = tenant.new_application("Payroll")
    ids = {"app": made["id"], "principal": tenant.new_principal(made["appId"])["id"]}
    graph = tenant.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id")
    ends = {"clientId": ids["principal"], "resourceId": graph["id"], "consentType": "AllPrincipals", "scope": "a"}
    ids["grant"] = tenant.must("POST", "/oauth2PermissionGrants", ends)["id"]
    ids |= {"user": tenant.as_person().user.id, "role": Role.GLOBAL_READER}
    tenant.define_attribute("Project", "Phase")
    headers = {"Authorization": f"Bearer {tenant.token}", "Content-Type": "application/json"}
    for method, path, activity in UNREADABLE:
        before = len(tenant.audits())
        answer = tenant.client.request(method, _versioned(path.format(**ids)), content=content, headers=headers)
        assert answer.status_code == 400, (path, answer.text)
        event = tenant.audits()[0]
        assert len(tenant.audits()) == before + 1, path
        assert (event["activityDisplayName"], event["result"]) == (activity, "failure"), path
        assert event["resultReason"] == answer.json()["error"]["message"], path


def _versioned(path: str) -> str:
    return path if path.startswith("/beta") else f"/v1.0{path}"


def test_a_new_object_that_was_never_read_is_recorded_without_a_name(tenant: LocalTenant) -> None:
    tenant.refused("POST", "/applications", [], status=400)
    (target,) = tenant.audits()[0]["targetResources"]
    assert (target["type"], target["displayName"]) == ("Application", None)


@pytest.mark.parametrize("path", ["/oauth2PermissionGrants", "/roleManagement/directory/roleAssignments"])
def test_what_was_never_read_may_be_about_nothing_known(tenant: LocalTenant, path: str) -> None:
    tenant.refused("POST", path, [], status=400)
    assert tenant.audits()[0]["targetResources"] == []


def test_every_kind_of_change_leaves_its_record(tenant: LocalTenant) -> None:
    made = tenant.new_application("a")
    principal = tenant.new_principal(made["appId"])
    tenant.must("PATCH", f"/applications/{made['id']}", {"displayName": "b"})
    secret = tenant.must("POST", f"/servicePrincipals/{principal['id']}/addPassword", {})
    tenant.must("POST", f"/servicePrincipals/{principal['id']}/removePassword", {"keyId": secret["keyId"]})
    policy = tenant.must("POST", "/policies/appManagementPolicies", {"displayName": "p", "description": "d"})
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{policy['id']}"}
    tenant.must("POST", f"/applications/{made['id']}/appManagementPolicies/$ref", reference)
    tenant.must("DELETE", f"/applications/{made['id']}/appManagementPolicies/{policy['id']}/$ref")
    tenant.must("PATCH", f"/policies/appManagementPolicies/{policy['id']}", {"isEnabled": True})
    tenant.must("DELETE", f"/policies/appManagementPolicies/{policy['id']}")
    tenant.must("PATCH", "/policies/defaultAppManagementPolicy", {"isEnabled": True})
    owner = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{principal['id']}"}
    tenant.must("POST", f"/applications/{made['id']}/owners/$ref", owner)
    tenant.must("DELETE", f"/applications/{made['id']}")
    names = [event["activityDisplayName"] for event in reversed(tenant.audits())]
    assert names == [
        "Add application",
        "Add service principal",
        "Update application",
        "Update service principal",
        "Add service principal credentials",
        "Remove service principal credentials",
        "Add policy",
        "Add policy to application",
        "Remove policy from application",
        "Update policy",
        "Delete policy",
        "Update policy",
        "Add owner to application",
        "Delete application",
        "Remove service principal",
    ]


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("activityDisplayName eq 'Add application'", 2),
        (f"activityDisplayName eq '{CREDENTIALS}'", 1),
        ("startswith(activityDisplayName,'Update application')", 1),
        ("category eq 'Policy'", 0),
        ("result eq 'failure'", 0),
        ("activityDateTime ge 2026-11-22T11:59:00Z and activityDisplayName eq 'Add application'", 2),
        ("activityDateTime lt 2026-11-22T11:59:00Z", 0),
        ("targetResources/any(t:t/displayName eq 'first')", 2),
        ("initiatedBy/app/displayName eq 'nobody'", 0),
    ],
)
def test_audits_are_found_by_what_one_asks_about(tenant: LocalTenant, condition: str, count: int) -> None:
    made = tenant.new_application("first")
    tenant.new_application("second")
    tenant.must("POST", f"/applications/{made['id']}/addPassword", {})
    answer = tenant.client.get(
        "/v1.0/auditLogs/directoryAudits",
        params={"$filter": condition},
        headers={"Authorization": f"Bearer {tenant.token}"},
    )
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["value"]) == count


def test_the_correlation_id_is_the_clients_own(tenant: LocalTenant) -> None:
    sent = "1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e"
    tenant.must("POST", "/applications", {"displayName": "x"}, **{"client-request-id": sent})
    event = tenant.audits()[0]
    assert event["correlationId"] == sent
    assert event["id"].startswith(f"Directory_{sent}_")
    assert tenant.get(f"/auditLogs/directoryAudits/{event['id']}")["id"] == event["id"]


def test_sign_ins_name_the_credential_that_was_used(tenant: LocalTenant) -> None:
    made = tenant.new_application("signs in")
    tenant.new_principal(made["appId"])
    secret = tenant.must("POST", f"/applications/{made['id']}/addPassword", {})
    assert tenant.token_request(client_id=made["appId"], client_secret=secret["secretText"]).status_code == 200
    good = tenant.sign_ins()[0]
    assert (good["appId"], good["status"]["errorCode"]) == (made["appId"], 0)
    assert (good["clientCredentialType"], good["servicePrincipalCredentialKeyId"]) == ("clientSecret", secret["keyId"])
    assert tenant.token_request(client_id=made["appId"], client_secret="wrong").status_code == 401
    bad = tenant.sign_ins()[0]
    assert (bad["status"]["errorCode"], bad["clientCredentialType"]) == (7000215, "clientSecret")
    by_certificate = tenant.sign_ins()[-1]
    assert by_certificate["servicePrincipalCredentialThumbprint"] == tenant.identity.facts.thumbprint
    assert by_certificate["clientCredentialType"] in ("certificate", "clientAssertion")


def test_sign_in_event_types_are_a_word_of_beta(tenant: LocalTenant) -> None:
    condition = "$filter=signInEventTypes/any(t: t eq 'servicePrincipal')"
    assert tenant.get(f"/beta/auditLogs/signIns?{condition}")["value"]
    error = tenant.refused("GET", f"/auditLogs/signIns?{condition}", status=400)
    assert "Could not find a property named 'signInEventTypes'" in error["message"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("resourceDisplayName eq 'Microsoft Graph'", True),
        ("resourceDisplayName eq 'Elsewhere'", False),
        ("startswith(servicePrincipalName,'nobody')", False),
        ("userDisplayName eq 'Ada'", False),
        ("conditionalAccessStatus eq 'notApplied'", True),
        ("conditionalAccessStatus eq 'failure'", False),
        ("location/countryOrRegion eq 'DE'", False),
        ("status/errorCode eq 0 and resourceDisplayName eq 'microsoft graph'", True),
    ],
)
def test_sign_ins_are_found_by_all_that_microsoft_documents(tenant: LocalTenant, condition: str, found: bool) -> None:
    answer = tenant.get(
        f"/beta/auditLogs/signIns?$filter=signInEventTypes/any(t:t eq 'servicePrincipal') and ({condition})"
    )
    assert bool(answer["value"]) is found


@pytest.mark.parametrize(
    ("log", "condition"),
    [
        ("/auditLogs/directoryAudits", "resultReason eq 'x'"),
        ("/auditLogs/directoryAudits", "additionalDetails/any(d:d/key eq 'AppId')"),
        ("/auditLogs/directoryAudits", "targetResources/any(t:t/groupType eq 'x')"),
        ("/beta/auditLogs/signIns", "deviceDetail/deviceId eq 'x'"),
        ("/beta/auditLogs/signIns", "signInEventTypes/any(t:startswith(t,'x'))"),
    ],
)
def test_what_microsoft_does_not_filter_is_refused(tenant: LocalTenant, log: str, condition: str) -> None:
    assert tenant.refused("GET", f"{log}?$filter={condition}", status=400)["code"] == "Request_UnsupportedQuery"


@pytest.mark.parametrize(
    "condition",
    [
        "riskState eq 'none' and riskLevelDuringSignIn eq 'none' and not(riskEventTypes_v2/any(t:t eq 'generic'))",
        "isInteractive eq false and clientAppUsed eq null and deviceDetail/browser eq null",
    ],
)
def test_what_is_the_same_in_every_row_can_be_asked_in_both_versions(tenant: LocalTenant, condition: str) -> None:
    for version in ("/v1.0", "/beta"):
        assert tenant.get(f"{version}/auditLogs/signIns?$filter={condition}")["value"]


@pytest.mark.parametrize("name", ["userAgent", "servicePrincipalId", "originalRequestId", "authenticationRequirement"])
def test_what_only_beta_shows_cannot_be_asked_of_the_first_version(tenant: LocalTenant, name: str) -> None:
    assert "value" in tenant.get(f"/beta/auditLogs/signIns?$filter={name} eq 'x'")
    error = tenant.refused("GET", f"/auditLogs/signIns?$filter={name} eq 'x'", status=400)
    assert f"Could not find a property named '{name}'" in error["message"]


def test_a_sign_in_is_found_by_its_id(tenant: LocalTenant) -> None:
    (found, *_) = tenant.sign_ins()
    assert tenant.get(f"/beta/auditLogs/signIns/{found['id']}")["correlationId"] == found["correlationId"]
    tenant.refused("GET", "/auditLogs/signIns/99999999-9999-4999-8999-999999999999", status=404)
