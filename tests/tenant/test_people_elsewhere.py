"""What surrounds signing in: signing out, an administrator's consent, and what clients ask about people."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import BASE, LocalTenant
from tests.tenant.people import (
    AZURE_CLI,
    OPENID,
    PASSWORD,
    WEB_REDIRECT,
    Browser,
    WebApp,
    agree,
    change,
    code_for,
    new_person,
    permission_id,
    redeem,
    requiring,
    sent,
    with_password,
)
from unsecret.model.directory_roles import Role
from unsecret.model.people import User
from unsecret.tenant.signing_in.sessions import SESSION_COOKIE


@pytest.fixture
def ada(tenant: LocalTenant) -> User:
    return new_person(tenant, "ada", mail="ada@contoso.com", other={"givenName": "Ada", "surname": "Berg"})


@pytest.fixture
def root(tenant: LocalTenant) -> User:
    return new_person(tenant, "root", Role.GLOBAL_ADMINISTRATOR)


# -- signing out -----------------------------------------------------------------------------------------------------


def signed_in(tenant: LocalTenant, user: User, app: WebApp) -> Browser:
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    browser.sign_in(user)
    return browser


def test_signing_out_ends_the_session(tenant: LocalTenant, ada: User, app: WebApp):
    browser = signed_in(tenant, ada, app)
    stolen = browser.client.cookies[SESSION_COOKIE]
    page = browser.open(f"/{tenant.tenant_id}/oauth2/v2.0/logout")
    assert "You signed out" in page.text
    assert SESSION_COOKIE not in browser.client.cookies
    browser.client.cookies.set(SESSION_COOKIE, stolen)
    assert "<h1>Sign in</h1>" in browser.authorize(app.app_id).text


@pytest.mark.parametrize(
    ("address", "goes_there"), [(WEB_REDIRECT, True), ("https://evil.example/", False), ("javascript:alert(1)", False)]
)
def test_signing_out_leads_to_registered_addresses_only(
    tenant: LocalTenant, ada: User, app: WebApp, address: str, goes_there: bool
):
    browser = signed_in(tenant, ada, app)
    path = f"/{tenant.tenant_id}/oauth2/v2.0/logout"
    answer = browser.open(path, client_id=app.app_id, post_logout_redirect_uri=address, state="s")
    assert (answer.headers.get("location") == f"{address}?state=s") is goes_there
    assert "<h1>Sign in</h1>" in browser.authorize(app.app_id).text


def test_an_id_token_says_whose_address_it_is(tenant: LocalTenant, ada: User, app: WebApp):
    hint = redeem(tenant, app, code_for(tenant, app, ada)).json()["id_token"]
    path = f"/{tenant.tenant_id}/oauth2/v2.0/logout"
    answer = Browser(tenant).open(path, id_token_hint=hint, post_logout_redirect_uri=WEB_REDIRECT)
    assert answer.headers["location"] == WEB_REDIRECT
    for broken in ("x", "a.b.c", "a.W10.c", "a.eyJhdWQiOjF9.c"):
        answer = Browser(tenant).open(path, id_token_hint=broken, post_logout_redirect_uri=WEB_REDIRECT)
        assert answer.status_code == 200


# -- an administrator's consent --------------------------------------------------------------------------------------


def ask(tenant: LocalTenant, app: WebApp, user: User, path: str = "adminconsent", **parameters: str) -> Browser:
    browser = Browser(tenant)
    sent = {"client_id": app.app_id, "redirect_uri": WEB_REDIRECT, "state": "s"} | parameters
    browser.open(f"/{tenant.tenant_id}/{path}", **sent)
    browser.sign_in(user)
    return browser


def test_an_administrator_grants_all_that_is_required(tenant: LocalTenant, ada: User, root: User, app: WebApp):
    requiring(tenant, app, ["User.Read", "User.Read.All"], ["Application.Read.All"])
    browser = ask(tenant, app, root)
    assert "Application.Read.All" in browser.page.text
    assert "for everybody in Contoso" in browser.page.text
    assert sent(browser.accept()) == {"admin_consent": "True", "tenant": tenant.tenant_id, "state": "s"}
    held = tenant.get(f"/servicePrincipals/{app.principal.id}/appRoleAssignments")["value"]
    assert [one["appRoleId"] for one in held] == [permission_id(tenant, "appRoles", "Application.Read.All")]
    other = Browser(tenant)
    other.authorize(app.app_id, scope=f"User.Read.All {OPENID}")
    assert sent(other.sign_in(ada))["code"]
    activities = [row["activityDisplayName"] for row in tenant.audits()]
    assert {"Consent to application", "Add app role assignment to service principal"} <= set(activities)
    row = next(row for row in tenant.audits() if row["activityDisplayName"] == "Consent to application")
    assert row["initiatedBy"]["user"]["id"] == root.id
    assert sent(ask(tenant, app, root).accept())["admin_consent"] == "True"  # twice does no harm


def test_the_v2_endpoint_grants_the_scopes_that_it_names(tenant: LocalTenant, ada: User, root: User, app: WebApp):
    browser = ask(tenant, app, root, "v2.0/adminconsent", scope="https://graph.microsoft.com/User.Read.All")
    assert sent(browser.accept())["scope"] == "https://graph.microsoft.com/User.Read.All"
    other = Browser(tenant)
    other.authorize(app.app_id, scope="User.Read.All")
    assert sent(other.sign_in(ada))["code"]


def test_an_administrator_grants_only_what_the_page_showed(tenant: LocalTenant, root: User, app: WebApp):
    requiring(tenant, app, ["User.Read"], [])
    browser = ask(tenant, app, root)
    requiring(tenant, app, ["User.Read"], ["RoleManagement.ReadWrite.Directory"])
    assert "RoleManagement.ReadWrite.Directory" in browser.accept().text
    held = f"/servicePrincipals/{app.principal.id}/appRoleAssignments"
    assert tenant.get(held)["value"] == []
    assert sent(browser.accept())["admin_consent"] == "True"
    assert len(tenant.get(held)["value"]) == 1


def test_nobody_else_may_consent_for_all(tenant: LocalTenant, ada: User, root: User, app: WebApp):
    requiring(tenant, app, ["User.Read"], ["Application.Read.All"])
    found = sent(ask(tenant, app, ada).page)
    assert found["error_description"].startswith("AADSTS90094: ")
    assert found["state"] == "s"
    granter = new_person(tenant, "amir", Role.APPLICATION_ADMINISTRATOR)
    found = sent(ask(tenant, app, granter).page)  # application permissions of Microsoft Graph take a higher role
    assert found["error_description"].startswith("AADSTS90094: ")
    assert sent(ask(tenant, app, root).cancel())["error"] == "access_denied"
    assert tenant.get(f"/servicePrincipals/{app.principal.id}/appRoleAssignments")["value"] == []


def test_an_administrators_consent_is_sent_to_registered_addresses_only(tenant: LocalTenant, app: WebApp):
    path = f"/{tenant.tenant_id}/adminconsent"
    page = Browser(tenant).open(path, client_id=app.app_id, redirect_uri="https://evil.example")
    assert "AADSTS50011" in page.text
    assert "AADSTS900144" in Browser(tenant).open(path, redirect_uri=WEB_REDIRECT).text


def test_an_administrators_consent_is_not_given_by_a_form_from_elsewhere(tenant: LocalTenant, root: User, app: WebApp):
    requiring(tenant, app, ["User.Read"], [])
    browser = ask(tenant, app, root)
    form = {"canary": "x", "step": "consent", "choice": "accept"}
    assert "AADSTS90056" in browser.client.post(browser.at, data=form).text


def test_a_wrong_password_stays_on_the_page(tenant: LocalTenant, root: User, app: WebApp):
    browser = Browser(tenant)
    browser.open(f"/{tenant.tenant_id}/adminconsent", client_id=app.app_id, redirect_uri=WEB_REDIRECT)
    assert "AADSTS50126" in browser.sign_in(root, "wrong").text
    assert "Permissions requested" in browser.sign_in(root, PASSWORD).text


# -- what clients ask ------------------------------------------------------------------------------------------------


def test_userinfo_says_who_a_token_is_for(tenant: LocalTenant, ada: User):
    token = with_password(tenant, ada).json()["access_token"]
    answer = tenant.client.get("/oidc/userinfo", headers={"Authorization": f"Bearer {token}"})
    body = answer.json()
    assert len(body.pop("sub")) == 43
    assert body == {"name": "Ada", "given_name": "Ada", "family_name": "Berg", "email": "ada@contoso.com"}
    assert "no-store" in answer.headers["cache-control"]


@pytest.mark.parametrize("who", ["nobody", "an application", "somebody who is switched off"])
def test_userinfo_is_for_people(tenant: LocalTenant, ada: User, who: str):
    token = with_password(tenant, ada).json()["access_token"]
    if who == "somebody who is switched off":
        change(tenant, ada, account_enabled=False)
    headers = {} if who == "nobody" else {"Authorization": f"Bearer {tenant.token if 'app' in who else token}"}
    assert tenant.client.get("/oidc/userinfo", headers=headers).status_code == 401


def test_the_realm_of_a_name_is_its_domains(tenant: LocalTenant):
    known = tenant.client.get("/common/userrealm/nobody@contoso.onmicrosoft.com?api-version=1.0").json()
    assert (known["account_type"], known["domain_name"]) == ("Managed", "contoso.onmicrosoft.com")
    for unknown in ("ada@elsewhere.example", "ada"):
        assert tenant.client.get(f"/common/userrealm/{unknown}").json()["account_type"] == "Unknown"
    assert tenant.client.get("/common/userrealm/ada@elsewhere%00.example").status_code == 400


def test_discovery_names_every_endpoint_of_signing_in(tenant: LocalTenant):
    def configuration(path: str) -> dict[str, Any]:
        return tenant.client.get(f"/{tenant.tenant_id}{path}/.well-known/openid-configuration").json()

    found = configuration("/v2.0")
    base = f"{BASE}/{tenant.tenant_id}/oauth2/v2.0"
    assert found["authorization_endpoint"] == f"{base}/authorize"
    assert found["device_authorization_endpoint"] == f"{base}/devicecode"
    assert found["end_session_endpoint"] == f"{base}/logout"
    assert found["response_types_supported"] == ["code", "id_token", "code id_token"]
    assert found["code_challenge_methods_supported"] == ["plain", "S256"]
    assert "none" in found["token_endpoint_auth_methods_supported"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert {"authorization_code", "refresh_token", "password"} <= set(found["grant_types_supported"])
    for address in ("authorization_endpoint", "end_session_endpoint"):
        for document in (found, configuration("")):
            path = document[address].removeprefix(BASE)
            assert tenant.client.get(path).headers["content-type"].startswith("text/html")


def test_a_user_calls_graph_with_the_token(tenant: LocalTenant, ada: User, root: User):
    assert tenant.get("/me", token=with_password(tenant, ada).json()["access_token"])["id"] == ada.id
    token = with_password(tenant, root).json()["access_token"]
    made = tenant.must("POST", "/applications", {"displayName": "by a person"}, token=token)
    assert made["displayName"] == "by a person"
    arm = with_password(tenant, ada, scope="https://management.azure.com//.default").json()["access_token"]
    answer = tenant.client.get("/tenants?api-version=2022-12-01", headers={"Authorization": f"Bearer {arm}"})
    assert answer.json()["value"][0]["tenantId"] == tenant.tenant_id


def test_microsofts_command_line_appears_once_it_is_used(tenant: LocalTenant, ada: User):
    query = f"/servicePrincipals?$filter=appId eq '{AZURE_CLI}'"
    assert tenant.get(query)["value"] == []
    with_password(tenant, ada)
    with_password(tenant, ada)
    (found,) = tenant.get(query)["value"]
    assert found["displayName"] == "Microsoft Azure CLI"
    assert found["appOwnerOrganizationId"] == "f8cdef31-a31e-4b4a-93e4-5f571e91255a"


def test_userinfo_is_asked_for_in_both_ways(tenant: LocalTenant, ada: User):
    token = with_password(tenant, ada).json()["access_token"]
    answer = tenant.client.post("/oidc/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Ada")


@pytest.mark.parametrize("path", ["oauth2/v2.0/logout", "oauth2/logout"])
def test_signing_out_is_asked_for_in_both_ways(tenant: LocalTenant, ada: User, app: WebApp, path: str):
    browser = signed_in(tenant, ada, app)
    answer = browser.client.post(f"/{tenant.tenant_id}/{path}", data={"ui_locales": "en"})
    assert answer.status_code == 200
    assert "You signed out" in answer.text
    assert SESSION_COOKIE not in browser.client.cookies
