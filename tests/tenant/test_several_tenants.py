"""Several tenants live in one server and know nothing of each other."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterator

import msgspec
import pytest

from tests.local_tenant import Identity, LocalTenant
from tests.tenant.people import WEB_REDIRECT, Browser, WebApp, agree, new_person, new_web_app
from unsecret.errors import Conflict
from unsecret.model.identifiers import ObjectId
from unsecret.store import directory_objects
from unsecret.tenant.signing import SigningKeys

DEFAULT = "/policies/defaultAppManagementPolicy"


@pytest.fixture
def neighbour(tenant: LocalTenant, identity: Identity, signing: SigningKeys) -> Iterator[LocalTenant]:
    """A second tenant in the same directory, behind the same keys."""
    other = LocalTenant(tenant.directory, identity, signing, domain="fabrikam")
    yield other
    other.close()


def test_one_tenants_block_is_not_the_others(tenant: LocalTenant, neighbour: LocalTenant) -> None:
    ours, theirs = tenant.new_application(), neighbour.new_application()
    tenant.block_secrets()
    tenant.refused("POST", f"/applications/{ours['id']}/addPassword", {}, status=400)
    assert neighbour.get(DEFAULT)["isEnabled"] is False
    neighbour.must("POST", f"/applications/{theirs['id']}/addPassword", {})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/applications/{id}", None),
        ("GET", "/applications(appId='{appId}')", None),
        ("PATCH", "/applications/{id}", {"displayName": "taken over"}),
        ("DELETE", "/applications/{id}", None),
        ("POST", "/applications/{id}/addPassword", {}),
        ("GET", "/directoryObjects/{id}", None),
        ("GET", "/policies/appManagementPolicies/{policy}", None),
        ("PATCH", "/policies/appManagementPolicies/{policy}", {"isEnabled": True}),
        ("DELETE", "/policies/appManagementPolicies/{policy}", None),
        ("GET", "/servicePrincipals/{sp}", None),
        ("POST", "/servicePrincipals/{sp}/addPassword", {}),
    ],
)
def test_what_belongs_to_a_neighbour_is_not_there(
    tenant: LocalTenant, neighbour: LocalTenant, method: str, path: str, body: dict | None
) -> None:
    theirs = neighbour.new_application("theirs")
    principal = neighbour.new_principal(theirs["appId"])
    policy = neighbour.must("POST", "/policies/appManagementPolicies", {"displayName": "a", "description": "b"})
    url = path.format(**theirs | {"policy": policy["id"], "sp": principal["id"]})
    tenant.refused(method, url, body, status=404)
    assert neighbour.get(f"/applications/{theirs['id']}")["displayName"] == "theirs"


def test_lists_and_logs_show_ones_own_only(tenant: LocalTenant, neighbour: LocalTenant) -> None:
    theirs = neighbour.new_application("theirs")
    for path in ("/applications", "/servicePrincipals", "/auditLogs/directoryAudits", "/beta/auditLogs/signIns"):
        assert theirs["id"] not in tenant.graph("GET", f"{path}?$top=999").text
        assert neighbour.new.client_id not in tenant.graph("GET", f"{path}?$top=999").text
    assert tenant.get("/organization")["value"][0]["id"] == tenant.tenant_id
    assert neighbour.get("/organization")["value"][0]["id"] == neighbour.tenant_id


def test_a_policy_is_not_assigned_across_tenants(tenant: LocalTenant, neighbour: LocalTenant) -> None:
    ours = tenant.new_application()
    policy = neighbour.must("POST", "/policies/appManagementPolicies", {"displayName": "a", "description": "b"})
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{policy['id']}"}
    tenant.refused("POST", f"/applications/{ours['id']}/appManagementPolicies/$ref", reference, status=404)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/applications/{app}/owners/$ref", {"@odata.id": "https://graph.microsoft.com/v1.0/x/{their_sp}"}),
        ("DELETE", "/applications/{app}/owners/{their_sp}/$ref", None),
        ("POST", "/servicePrincipals", {"appId": "{their_app_id}"}),
        (
            "POST",
            "/servicePrincipals/{sp}/appRoleAssignments",
            {"principalId": "{sp}", "resourceId": "{their_sp}", "appRoleId": "00000000-0000-0000-0000-000000000000"},
        ),
        (
            "POST",
            "/servicePrincipals/{their_sp}/appRoleAssignedTo",
            {"principalId": "{sp}", "resourceId": "{their_sp}", "appRoleId": "00000000-0000-0000-0000-000000000000"},
        ),
        ("DELETE", "/servicePrincipals/{their_sp}/appRoleAssignments/{their_grant}", None),
        ("DELETE", "/servicePrincipals/{sp}/appRoleAssignments/{their_grant}", None),
        (
            "PATCH",
            "/beta/policies/defaultAppManagementPolicy",
            {
                "applicationRestrictions": {
                    "keyCredentials": [
                        {
                            "restrictionType": "trustedCertificateAuthority",
                            "certificateBasedApplicationConfigurationIds": ["{their_authorities}"],
                        }
                    ]
                }
            },
        ),
        ("GET", "/auditLogs/directoryAudits/{their_audit}", None),
        ("GET", "/auditLogs/signIns/{their_sign_in}", None),
        ("GET", "/organization/{their_tenant}", None),
    ],
)
def test_nothing_of_a_neighbours_can_be_pointed_to(
    tenant: LocalTenant, neighbour: LocalTenant, method: str, path: str, body: dict | None
) -> None:
    app = neighbour.new_application("theirs")
    theirs = neighbour.as_workload("Application.Read.All").principal
    certificate = base64.b64encode(tenant.identity.facts.der).decode()
    authorities = {"trustedCertificateAuthorities": [{"certificate": certificate, "isRootAuthority": True}]}
    configurations = "/beta/directory/certificateAuthorities/certificateBasedApplicationConfigurations"
    ours = tenant.new_application("ours")
    names = {
        "app": ours["id"],
        "sp": tenant.new_principal(ours["appId"])["id"],
        "their_app_id": app["appId"],
        "their_sp": theirs.id,
        "their_grant": neighbour.get(f"/servicePrincipals/{theirs.id}/appRoleAssignments")["value"][0]["id"],
        "their_authorities": neighbour.must("POST", configurations, authorities)["id"],
        "their_audit": neighbour.audits()[0]["id"],
        "their_sign_in": neighbour.sign_ins()[0]["id"],
        "their_tenant": neighbour.tenant_id,
    }

    def filled(text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], text)

    answer = tenant.graph(method, filled(path), body and json.loads(filled(json.dumps(body))))
    assert answer.status_code in (400, 404), answer.text
    assert neighbour.get(f"/servicePrincipals/{theirs.id}/appRoleAssignments")["value"]


def test_a_page_of_a_neighbours_does_not_go_on_here(tenant: LocalTenant, neighbour: LocalTenant) -> None:
    """A cursor is a place in an order: in the other tenant it leads to that tenant's own rows."""
    for name in ("a", "b", "c"):
        neighbour.new_application(name)
    following = neighbour.get("/applications?$top=1")["@odata.nextLink"]
    theirs = {app["id"] for app in neighbour.get("/applications")["value"]}
    shown = tenant.get(following.removeprefix("https://localhost:8443"))["value"]
    assert theirs.isdisjoint(app["id"] for app in shown)


def test_no_token_is_given_for_a_neighbours_resource(tenant: LocalTenant, neighbour: LocalTenant) -> None:
    theirs = neighbour.new_application(identifierUris=["api://theirs"])
    neighbour.new_principal(theirs["appId"])
    made = tenant.new_application()
    tenant.new_principal(made["appId"])
    secret = tenant.must("POST", f"/applications/{made['id']}/addPassword", {})["secretText"]
    for resource in ("api://theirs", theirs["appId"]):
        form = {"client_id": made["appId"], "client_secret": secret, "scope": f"{resource}/.default"}
        assert "AADSTS500011" in tenant.token_request(**form).json()["error_description"]


def test_an_application_signs_in_at_home_only(tenant: LocalTenant, neighbour: LocalTenant) -> None:
    made = tenant.new_application()
    tenant.new_principal(made["appId"])
    secret = tenant.must("POST", f"/applications/{made['id']}/addPassword", {})["secretText"]
    assert tenant.token_request(client_id=made["appId"], client_secret=secret).status_code == 200
    abroad = neighbour.token_request(client_id=made["appId"], client_secret=secret)
    assert abroad.status_code in (400, 401)
    assert "access_token" not in abroad.json()


def test_two_tenants_cannot_have_one_domain(tenant: LocalTenant, identity: Identity, signing: SigningKeys) -> None:
    with pytest.raises(Conflict):
        LocalTenant(tenant.directory, identity, signing, domain="contoso")


def test_an_organisation_is_found_by_its_own_id_only(tenant: LocalTenant) -> None:
    assert tenant.get(f"/organization/{tenant.tenant_id}")["id"] == tenant.tenant_id
    tenant.refused("GET", "/organization/99999999-9999-4999-8999-999999999999", status=404)


def test_a_code_goes_only_where_the_persons_own_tenant_sends_it(tenant: LocalTenant, neighbour: LocalTenant) -> None:
    """Copies of one application in two tenants have one appId; at /common the first of them answers for it."""
    mine = new_web_app(tenant, web_redirect_uris=("https://elsewhere.example/",))
    application = msgspec.structs.replace(
        mine.application, id=ObjectId(str(uuid.uuid4())), web_redirect_uris=(WEB_REDIRECT,)
    )
    principal = msgspec.structs.replace(mine.principal, id=ObjectId(str(uuid.uuid4())))
    theirs = WebApp(application, principal, mine.secret)
    for copy in (theirs.application, theirs.principal):
        neighbour.store.write(lambda conn, copy=copy: directory_objects.add(conn, neighbour.tenant_id, copy)).result()
    agree(neighbour, theirs, "User.Read")
    browser = Browser(tenant)
    browser.authorize(mine.app_id, name="common", redirect_uri="https://elsewhere.example/")
    answer = browser.sign_in(new_person(neighbour, "ada"))
    assert answer.status_code == 400
    assert "AADSTS50011" in answer.text
