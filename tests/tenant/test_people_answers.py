"""How the answer to a sign-in reaches the client: in a form, in the fragment, on any port, across origins."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from tests.local_tenant import LocalTenant
from tests.tenant.people import (
    AZURE_CLI,
    OPENID,
    VERIFIER,
    WEB_REDIRECT,
    Browser,
    WebApp,
    agree,
    claims,
    code_for,
    new_web_app,
    redeem,
    sent,
    token,
    with_password,
)
from unsecret.model.people import User

# -- ways to answer ---------------------------------------------------------------------------------------------------


def test_an_answer_can_be_a_form(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    browser.authorize(app.app_id, response_mode="form_post", state='"><script>')
    answer = browser.sign_in(ada)
    assert f'action="{WEB_REDIRECT}"' in answer.text
    assert "<script>alert" not in answer.text
    fields = browser.fields()
    assert fields["state"] == '"><script>'
    assert redeem(tenant, app, fields["code"]).status_code == 200


def test_an_answer_can_be_in_the_fragment(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    browser.authorize(app.app_id, response_mode="fragment")
    parts = urlsplit(browser.sign_in(ada).headers["location"])
    assert not parts.query
    assert dict(parse_qsl(parts.fragment))["code"]


def test_a_request_can_be_posted(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    path = f"/{tenant.tenant_id}/oauth2/v2.0/authorize"
    form = {"client_id": app.app_id, "response_type": "code", "redirect_uri": WEB_REDIRECT, "scope": "User.Read"}
    answer = browser.client.post(path, data=form)
    assert answer.status_code == 303
    browser.open(answer.headers["location"])
    assert sent(browser.sign_in(ada))["code"]


def test_an_id_token_can_come_beside_the_code(tenant: LocalTenant, ada: User):
    app = new_web_app(tenant)
    settings = {"redirectUris": [WEB_REDIRECT], "implicitGrantSettings": {"enableIdTokenIssuance": True}}
    tenant.must("PATCH", f"/applications/{app.application.id}", {"web": settings})
    agree(tenant, app, "openid")
    browser = Browser(tenant)
    browser.authorize(app.app_id, response_type="code id_token", scope="openid", response_mode="form_post")
    browser.sign_in(ada)
    fields = browser.fields()
    found = claims(fields["id_token"])
    assert (found["aud"], found["nonce"]) == (app.app_id, "nonce-1")
    assert len(found["c_hash"]) == 22
    assert redeem(tenant, app, fields["code"]).status_code == 200


def test_a_native_client_may_listen_on_any_port(tenant: LocalTenant, ada: User):
    browser = Browser(tenant)
    browser.authorize(
        AZURE_CLI, name="organizations", redirect_uri="http://localhost:53124", scope=f".default {OPENID}"
    )
    parameters = sent(browser.sign_in(ada), "http://localhost:53124")
    answer = token(
        tenant,
        name="organizations",
        grant_type="authorization_code",
        client_id=AZURE_CLI,
        code=parameters["code"],
        redirect_uri="http://localhost:53124",
        code_verifier=VERIFIER,
    )
    found = claims(answer.json()["access_token"])
    assert (found["appid"], found["appidacr"], found["oid"]) == (AZURE_CLI, "0", ada.id)


def test_the_v1_endpoints_serve_people_too(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    resource = "https://graph.microsoft.com/"
    browser.authorize(app.app_id, v1=True, scope="", resource=resource)
    parameters = sent(browser.sign_in(ada))
    assert parameters["iss"] == f"https://sts.windows.net/{tenant.tenant_id}/"
    form = {
        "grant_type": "authorization_code",
        "client_id": app.app_id,
        "client_secret": app.secret,
        "code": parameters["code"],
        "redirect_uri": WEB_REDIRECT,
        "code_verifier": VERIFIER,
    }
    body = token(tenant, v1=True, **form).json()
    assert (body["resource"], body["expires_in"]) == (resource, "3599")
    assert claims(body["access_token"])["aud"] == resource
    assert claims(body["id_token"])["upn"] == ada.user_principal_name


def test_a_single_page_application_redeems_across_origins(tenant: LocalTenant, ada: User):
    page = "https://app.example/spa"
    app = new_web_app(tenant, web_redirect_uris=(), spa_redirect_uris=(page,))
    agree(tenant, app, "User.Read")
    code = code_for(tenant, app, ada, redirect_uri=page)
    origin = {"Origin": "https://app.example"}
    answer = redeem(tenant, app, code, headers=origin, client_secret="", redirect_uri=page)
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    refused = redeem(tenant, app, code, headers=origin, client_secret="", redirect_uri=page)
    assert refused.headers["access-control-allow-origin"] == "https://app.example"  # what was wrong is read, too


def test_no_other_page_reads_an_answer(tenant: LocalTenant, ada: User):
    page = "https://app.example/spa"
    app = new_web_app(tenant, web_redirect_uris=(), spa_redirect_uris=(page,))
    code = code_for(tenant, app, ada, redirect_uri=page)
    elsewhere = {"Origin": "https://evil.example"}
    answer = redeem(tenant, app, code, headers=elsewhere, client_secret="", redirect_uri=page)
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in with_password(tenant, ada, headers=elsewhere).headers
