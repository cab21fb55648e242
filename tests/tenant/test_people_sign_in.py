"""People sign in on the pages, and the client gets its code and its tokens."""

from __future__ import annotations

import html

import pytest

from tests.local_tenant import BASE, NOW, LocalTenant
from tests.tenant.people import (
    AZURE_CLI,
    CHALLENGE,
    OPENID,
    PASSWORD,
    VERIFIER,
    Browser,
    WebApp,
    agree,
    change,
    claims,
    code_for,
    new_person,
    redeem,
    refresh,
    sent,
    sign_ins_of,
    token,
    with_password,
)
from unsecret.model.directory_roles import Role
from unsecret.model.people import User

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"


@pytest.fixture
def ada(tenant: LocalTenant) -> User:
    return new_person(tenant, "ada", mail="ada@contoso.com", other={"givenName": "Ada", "surname": "Berg"})


def test_a_person_signs_in_consents_and_the_client_gets_tokens(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    assert "to continue to <strong>Expenses</strong>" in browser.authorize(app.app_id).text
    asked = browser.sign_in(ada)
    assert "asks ada@contoso.onmicrosoft.com for permission to" in asked.text
    assert "Sign you in and read your profile" in asked.text
    parameters = sent(browser.accept())
    assert parameters["state"] == "state-1"
    assert parameters["iss"] == f"{BASE}/{tenant.tenant_id}/v2.0"
    body = redeem(tenant, app, parameters["code"]).json()
    assert set(body) == {
        *("token_type", "scope", "expires_in", "ext_expires_in"),
        *("access_token", "refresh_token", "id_token", "client_info"),
    }
    assert set(body["scope"].split()) == {"User.Read", "openid", "profile"}
    info = claims(f".{body['client_info']}.")
    assert info == {"uid": ada.id, "utid": tenant.tenant_id}


def test_the_access_token_for_graph_has_entras_claims(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read openid profile")
    body = redeem(tenant, app, code_for(tenant, app, ada)).json()
    found = claims(body["access_token"])
    now = int(NOW.timestamp())
    assert len(found.pop("sub")) == 43
    assert found.pop("aio")
    assert found.pop("uti")
    assert set(found.pop("scp").split()) == {"User.Read", "openid", "profile"}
    assert found == {
        "aud": "https://graph.microsoft.com",
        "iss": f"https://sts.windows.net/{tenant.tenant_id}/",
        "iat": now - 300,
        "nbf": now - 300,
        "exp": now + 3600,
        "acr": "1",
        "amr": ["pwd"],
        "app_displayname": "Expenses",
        "appid": app.app_id,
        "appidacr": "1",
        "family_name": "Berg",
        "given_name": "Ada",
        "idp": f"https://sts.windows.net/{tenant.tenant_id}/",
        "idtyp": "user",
        "ipaddr": "testclient",
        "name": "Ada",
        "oid": ada.id,
        "tenant_region_scope": "WW",
        "tid": tenant.tenant_id,
        "unique_name": "ada@contoso.onmicrosoft.com",
        "upn": "ada@contoso.onmicrosoft.com",
        "ver": "1.0",
        "wids": ["b79fbf4d-3ef9-4689-8143-76b194e85509"],
        "xms_idrel": "1 24",
        "xms_tcdt": now,
    }


def test_the_id_token_is_for_the_client(tenant: LocalTenant, ada: User, app: WebApp):
    code = code_for(tenant, app, ada, scope="User.Read openid profile email")
    found = claims(redeem(tenant, app, code).json()["id_token"])
    assert found["aud"] == app.app_id
    assert found["iss"] == f"{BASE}/{tenant.tenant_id}/v2.0"
    assert (found["oid"], found["tid"], found["ver"]) == (ada.id, tenant.tenant_id, "2.0")
    assert (found["name"], found["preferred_username"]) == ("Ada", "ada@contoso.onmicrosoft.com")
    assert (found["nonce"], found["email"]) == ("nonce-1", "ada@contoso.com")
    other = claims(with_password(tenant, ada).json()["id_token"])
    assert other["sub"] != found["sub"]  # pairwise: another client knows the same person by another name


def test_directory_roles_stand_in_the_token(tenant: LocalTenant):
    admin = new_person(tenant, "root", Role.GLOBAL_ADMINISTRATOR)
    found = claims(with_password(tenant, admin).json()["access_token"])
    assert found["wids"] == [GLOBAL_ADMINISTRATOR, "b79fbf4d-3ef9-4689-8143-76b194e85509"]


def test_an_api_that_wants_v2_tokens_gets_them(tenant: LocalTenant, ada: User, app: WebApp):
    api = tenant.new_application(
        "api",
        identifierUris=["api://files"],
        api={
            "requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": [
                {
                    "id": "11111111-0000-0000-0000-000000000001",
                    "value": "Files.Read",
                    "type": "User",
                    "isEnabled": True,
                    "adminConsentDisplayName": "Read files",
                    "adminConsentDescription": "Read files",
                    "userConsentDisplayName": "Read your files",
                }
            ],
        },
    )
    tenant.new_principal(api["appId"])
    code = code_for(tenant, app, ada, scope=f"api://files/Files.Read {OPENID}")
    body = redeem(tenant, app, code).json()
    found = claims(body["access_token"])
    assert (found["aud"], found["ver"], found["azp"], found["azpacr"]) == (api["appId"], "2.0", app.app_id, "1")
    assert (found["scp"], found["preferred_username"]) == ("Files.Read", ada.user_principal_name)
    assert "api://files/Files.Read" in body["scope"].split()


def test_a_client_that_the_api_agreed_with_beforehand_asks_nobody(tenant: LocalTenant, ada: User, app: WebApp):
    scope_id = "11111111-0000-0000-0000-000000000001"
    api = tenant.new_application("api", identifierUris=["api://files"])
    scope = {
        "id": scope_id,
        "value": "Files.Read",
        "type": "Admin",
        "isEnabled": True,
        "adminConsentDisplayName": "Read files",
        "adminConsentDescription": "Read files",
    }
    tenant.must("PATCH", f"/applications/{api['id']}", {"api": {"oauth2PermissionScopes": [scope]}})
    known = [{"appId": app.app_id, "delegatedPermissionIds": [scope_id]}]
    changed = {"oauth2PermissionScopes": [scope], "preAuthorizedApplications": known}
    tenant.must("PATCH", f"/applications/{api['id']}", {"api": changed})
    tenant.new_principal(api["appId"])
    browser = Browser(tenant)
    browser.authorize(app.app_id, scope="api://files/Files.Read")
    assert sent(browser.sign_in(ada))["code"]


# -- sessions and prompts -------------------------------------------------------------------------------------------


def test_who_is_signed_in_is_not_asked_again(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    assert sent(browser.authorize(app.app_id, prompt="none"))["error"] == "login_required"
    browser.authorize(app.app_id)
    assert sent(browser.sign_in(ada))["code"]
    assert sent(browser.authorize(app.app_id))["code"]
    assert sent(browser.authorize(app.app_id, prompt="none"))["code"]
    assert sent(browser.authorize(app.app_id, name="common", prompt="none"))["code"]
    assert sent(browser.authorize(app.app_id, prompt="none", login_hint="ben@contoso.com"))["error"] == "login_required"


def test_a_session_ends_after_a_day(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    browser.sign_in(ada)
    tenant.clock.move(hours=24, seconds=1)
    assert "<h1>Sign in</h1>" in browser.authorize(app.app_id).text


def test_prompts_ask_for_what_they_say(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    browser.sign_in(ada)
    assert "<h1>Sign in</h1>" in browser.authorize(app.app_id, prompt="login").text
    assert sent(browser.sign_in(ada))["code"]
    assert "Pick an account" in browser.authorize(app.app_id, prompt="select_account").text
    assert sent(browser.send(choice="this"))["code"]
    browser.authorize(app.app_id, prompt="select_account")
    assert "<h1>Sign in</h1>" in browser.send(choice="other").text
    assert "Permissions requested" in browser.authorize(app.app_id, prompt="consent").text
    assert sent(browser.accept())["code"]


def test_the_hint_stands_in_the_form(tenant: LocalTenant, app: WebApp):
    assert 'value="ada@contoso.com"' in Browser(tenant).authorize(app.app_id, login_hint="ada@contoso.com").text


def test_consent_is_asked_once(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    browser.sign_in(ada)
    browser.accept()
    assert sent(browser.authorize(app.app_id))["code"]
    more = browser.authorize(app.app_id, scope=f"Mail.Read User.Read {OPENID}").text
    assert "Read your mail" in more
    assert "read your profile" not in more


def test_an_administrator_may_agree_for_everybody(tenant: LocalTenant, ada: User, app: WebApp):
    admin = new_person(tenant, "root", Role.CLOUD_APPLICATION_ADMINISTRATOR)
    browser = Browser(tenant)
    browser.authorize(app.app_id, scope="User.Read.All openid")
    asked = browser.sign_in(admin)
    assert "Consent on behalf of your organization" in asked.text
    assert sent(browser.accept(for_all="yes"))["code"]
    other = Browser(tenant)
    other.authorize(app.app_id, scope="User.Read.All openid")
    assert sent(other.sign_in(ada))["code"]


# -- refresh and passwords --------------------------------------------------------------------------------------------


def test_a_refresh_token_brings_new_tokens_and_stays_good(tenant: LocalTenant, ada: User, app: WebApp):
    first = redeem(tenant, app, code_for(tenant, app, ada)).json()
    tenant.clock.move(hours=2)
    second = refresh(tenant, app, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert claims(second["access_token"])["oid"] == ada.id
    assert refresh(tenant, app, first["refresh_token"]).status_code == 200
    assert refresh(tenant, app, second["refresh_token"], scope="").status_code == 200


def test_a_refresh_may_ask_for_another_resource(tenant: LocalTenant, ada: User):
    first = with_password(tenant, ada).json()
    answer = token(
        tenant,
        name="common",
        grant_type="refresh_token",
        client_id=AZURE_CLI,
        refresh_token=first["refresh_token"],
        scope="https://management.core.windows.net//.default",
    ).json()
    found = claims(answer["access_token"])
    assert (found["aud"], found["scp"]) == ("https://management.core.windows.net/", "user_impersonation")
    assert "https://management.core.windows.net//.default" in answer["scope"].split()


def test_a_password_signs_in_by_domain(tenant: LocalTenant, ada: User):
    assert with_password(tenant, ada, name="organizations").status_code == 200
    change(tenant, ada, user_principal_name="ADA.BERG@contoso.onmicrosoft.com")
    answer = with_password(tenant, ada, username="ada.berg@CONTOSO.onmicrosoft.com")
    assert answer.status_code == 200


# -- the record -------------------------------------------------------------------------------------------------------


def test_a_sign_in_is_recorded_with_its_person(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    body = redeem(tenant, app, code_for(tenant, app, ada)).json()
    redeemed, typed = sign_ins_of(tenant, ada)
    assert (typed["isInteractive"], typed["signInEventTypes"]) == (True, ["interactiveUser"])
    assert (typed["userPrincipalName"], typed["userDisplayName"]) == (ada.user_principal_name, "Ada")
    assert (typed["appId"], typed["resourceDisplayName"]) == (app.app_id, "Microsoft Graph")
    assert (redeemed["isInteractive"], redeemed["signInEventTypes"]) == (False, ["nonInteractiveUser"])
    assert redeemed["clientCredentialType"] == "clientSecret"
    assert redeemed["uniqueTokenIdentifier"] == claims(body["access_token"])["uti"]
    assert typed["clientCredentialType"] == "none"


def test_sign_ins_are_found_by_person_and_kind(tenant: LocalTenant, ada: User):
    new_person(tenant, "ben")
    with_password(tenant, ada)
    by_kind = tenant.get("/beta/auditLogs/signIns?$filter=signInEventTypes/any(t: t eq 'interactiveUser')")["value"]
    assert [row["userId"] for row in by_kind] == [ada.id]
    assert len(tenant.get(f"/auditLogs/signIns?$filter=userId eq '{ada.id}'")["value"]) == 1
    assert not tenant.get("/auditLogs/signIns?$filter=userPrincipalName eq 'ben@contoso.onmicrosoft.com'")["value"]


def test_a_wrong_password_is_said_on_the_page_and_recorded(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    answer = browser.sign_in(ada, "wrong")
    assert answer.status_code == 200
    assert "AADSTS50126" in answer.text
    assert "wrong" not in html.unescape(answer.text)
    (row,) = sign_ins_of(tenant, ada)
    assert (row["status"]["errorCode"], row["isInteractive"], row["appId"]) == (50126, True, app.app_id)
    assert browser.sign_in(ada, PASSWORD).status_code == 200


def test_a_challenge_that_is_left_plain_is_proven_plainly(tenant: LocalTenant, ada: User, app: WebApp):
    code = code_for(tenant, app, ada, code_challenge=VERIFIER, code_challenge_method="")
    assert redeem(tenant, app, code).status_code == 200
    assert CHALLENGE != VERIFIER
