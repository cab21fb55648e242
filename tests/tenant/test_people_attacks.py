"""What somebody who means harm tries on the pages and the codes, and does not get.

The attacks are those of RFC 9700 (OAuth 2.0 Security Best Current Practice) and of web pages with forms.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tests.local_tenant import LocalTenant
from tests.tenant.people import (
    PASSWORD,
    WEB_REDIRECT,
    Browser,
    WebApp,
    agree,
    code_for,
    new_person,
    new_web_app,
    redeem,
    refresh,
    refused,
    requiring,
    sent,
    sign_ins_of,
    with_password,
)
from unsecret.model.directory_roles import Role
from unsecret.model.people import User
from unsecret.tenant import passwords
from unsecret.tenant.signing_in.redirects import Platform, platform_of, source_of
from unsecret.tenant.signing_in.sessions import CANARY_COOKIE, SESSION_COOKIE

MARKUP = "\"'><script>alert(1)</script>"


# -- codes and tokens ------------------------------------------------------------------------------------------------


def test_a_code_that_comes_twice_takes_everything_back_that_came_of_it(tenant: LocalTenant, ada: User, app: WebApp):
    code = code_for(tenant, app, ada)
    first = redeem(tenant, app, code).json()
    second = refresh(tenant, app, first["refresh_token"]).json()
    other = redeem(tenant, app, code_for(tenant, app, ada)).json()
    refused(redeem(tenant, app, code), 54005)
    refused(refresh(tenant, app, first["refresh_token"]), 70000)
    refused(refresh(tenant, app, second["refresh_token"]), 70000)
    refused(redeem(tenant, app, code), 54005)
    assert refresh(tenant, app, other["refresh_token"]).status_code == 200  # another sign-in is another family


def test_of_two_who_come_at_once_with_a_code_one_is_the_second(tenant: LocalTenant, ada: User, app: WebApp):
    code = code_for(tenant, app, ada)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: redeem(tenant, app, code), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


def test_a_verifier_for_a_code_without_a_challenge_is_refused(tenant: LocalTenant, ada: User, app: WebApp):
    code = code_for(tenant, app, ada, code_challenge="", code_challenge_method="")
    refused(redeem(tenant, app, code), 501481)
    assert redeem(tenant, app, code, code_verifier="").status_code == 200


def test_nothing_that_was_handed_out_is_in_the_database(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    browser.sign_in(ada)
    code = sent(browser.accept())["code"]
    body = redeem(tenant, app, code).json()
    session = browser.client.cookies[SESSION_COOKIE]
    kept = tenant.database.content()
    assert ada.user_principal_name.encode() in kept
    for text in (code, body["refresh_token"], body["access_token"], session, PASSWORD):
        assert text.encode() not in kept
        assert text.rpartition(".")[2].encode() not in kept


# -- redirects -------------------------------------------------------------------------------------------------------

ADDRESSES = [
    ("http://localhost:1", "http://localhost", True),
    ("http://localhost:65535/", "http://localhost", True),
    ("http://127.0.0.1:8400/callback", "http://127.0.0.1/callback", True),
    ("http://localhost:1/more", "http://localhost", False),
    ("http://localhost:1?x=1", "http://localhost", False),
    ("https://localhost:1", "https://localhost", False),
    ("http://localhost.evil.example", "http://localhost", False),
    ("http://localhost@evil.example", "http://localhost", False),
    ("http://user@localhost:1", "http://localhost", False),
    ("http://localhost:99999", "http://localhost", False),
    ("http://127.0.0.1:1", "http://localhost", False),
    ("https://app.example:444/cb", "https://app.example/cb", False),
    ("http://app.example:444/cb", "http://app.example/cb", False),
    ("https://app.example/cb#x", "https://app.example/cb", False),
    ("https://app.example/cb/../evil", "https://app.example/cb", False),
    ("https://app.example/cb%0d%0aLocation:x", "https://app.example/cb", False),
    ("HTTPS://app.example/cb", "https://app.example/cb", False),
    ("msal123://auth", "msal123://auth", True),
    ("javascript:alert(1)", "javascript:alert(1)", False),
    ("data:text/html,x", "data:text/html,x", False),
]


@pytest.mark.parametrize(("asked", "registered", "matches"), ADDRESSES, ids=[case[0] for case in ADDRESSES])
def test_only_a_registered_address_matches(asked: str, registered: str, matches: bool):
    found = platform_of(asked, [(registered, Platform.PUBLIC)])
    assert found is (Platform.PUBLIC if matches else None)


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://app.example/cb?x=1", "https://app.example"),
        ("http://localhost:1234", "http://localhost:1234"),
        ("msal123://auth", "msal123:"),
        ("https://app.example;script-src *", "https:"),
        ("x y://", ""),
        ("http://[::1", ""),
    ],
)
def test_an_address_cannot_widen_the_policy_of_a_page(uri: str, source: str):
    assert source_of(uri) == source


def test_what_is_sent_back_cannot_add_headers_or_parameters(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    browser.authorize(app.app_id, state="a\r\nSet-Cookie: x=y&code=mine#f")
    answer = browser.sign_in(ada)
    assert "x" not in answer.cookies
    found = sent(answer)
    assert found["state"] == "a\r\nSet-Cookie: x=y&code=mine#f"
    assert found["code"] != "mine"


# -- pages -----------------------------------------------------------------------------------------------------------


def test_pages_cannot_be_framed_scripted_or_kept(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    pages = [
        browser.authorize(app.app_id),
        browser.sign_in(ada, "wrong"),
        browser.sign_in(ada),
        Browser(tenant).authorize(app.app_id, redirect_uri="https://evil.example"),
    ]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert "<script" not in page.text
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "no-store" in page.headers["cache-control"]


def test_cookies_are_for_this_origin_over_tls_and_for_no_script(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    set_by_pages = [browser.authorize(app.app_id).headers["set-cookie"], browser.sign_in(ada).headers["set-cookie"]]
    for header in ", ".join(set_by_pages).split(", "):
        assert header.startswith("__Host-")
        parts = {part.strip().lower() for part in header.split(";")[1:]}
        assert parts == {"httponly", "path=/", "samesite=lax", "secure"}


@pytest.mark.parametrize("parameter", ["login_hint", "state", "nonce", "redirect_uri", "scope", "client_id", "prompt"])
def test_what_is_echoed_on_a_page_is_text(tenant: LocalTenant, app: WebApp, parameter: str):
    page = Browser(tenant).authorize(app.app_id, **{parameter: MARKUP})
    assert MARKUP not in page.text
    assert "<script>alert" not in page.text


def test_names_are_text_on_every_page(tenant: LocalTenant):
    ada = new_person(tenant, "ada", display_name=MARKUP)
    app = new_web_app(tenant, MARKUP)
    browser = Browser(tenant)
    pages = [browser.authorize(app.app_id), browser.send(account=MARKUP, password="x"), browser.sign_in(ada)]
    for page in pages:
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in page.text


def test_a_form_from_elsewhere_is_refused(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    form = {"canary": "x", "step": "sign_in", "account": ada.user_principal_name, "password": PASSWORD}
    assert "AADSTS90056" in browser.client.post(browser.at, data=form).text
    good = browser.fields()["canary"]
    browser.client.cookies.delete(CANARY_COOKIE)
    assert "AADSTS90056" in browser.client.post(browser.at, data=form | {"canary": good}).text
    assert sign_ins_of(tenant, ada) == []


def test_a_form_for_one_application_is_no_form_for_another(tenant: LocalTenant, ada: User, app: WebApp):
    other = new_web_app(tenant, "Other")
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    browser.sign_in(ada)
    accepted = browser.fields() | {"choice": "accept"}
    browser.authorize(other.app_id)
    assert "AADSTS90056" in browser.client.post(browser.at, data=accepted).text


def test_a_session_is_never_one_that_the_browser_brought(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    attacker = Browser(tenant)
    attacker.authorize(app.app_id)
    attacker.sign_in(new_person(tenant, "mallory"))
    planted = attacker.client.cookies[SESSION_COOKIE]
    victim = Browser(tenant)
    victim.client.cookies.set(SESSION_COOKIE, planted, domain="localhost.local", path="/")
    victim.authorize(app.app_id, prompt="login")
    victim.sign_in(ada)
    own = [cookie.value for cookie in victim.client.cookies.jar if cookie.name == SESSION_COOKIE]
    assert planted not in own
    assert sent(Browser(tenant).authorize(app.app_id, prompt="none"))["error"] == "login_required"
    # The session that was there ended when another began in its place.
    assert "<h1>Sign in</h1>" in attacker.authorize(app.app_id).text


def test_prompt_login_is_not_content_with_an_old_session(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    browser.sign_in(ada)
    tenant.clock.move(minutes=11)
    browser.authorize(app.app_id, prompt="login")
    assert "<h1>Sign in</h1>" in browser.send(step="consent", choice="accept").text
    assert "<h1>Sign in</h1>" in browser.send(step="choose", choice="this").text


def test_what_was_not_on_the_page_is_not_agreed_to(tenant: LocalTenant, app: WebApp):
    root = new_person(tenant, "root", Role.GLOBAL_ADMINISTRATOR)
    requiring(tenant, app, ["User.Read"], [])
    browser = Browser(tenant)
    browser.authorize(app.app_id, scope="https://graph.microsoft.com/.default openid")
    browser.sign_in(root)
    requiring(tenant, app, ["User.Read", "Directory.ReadWrite.All"], [])
    page = browser.accept(for_all="yes")
    assert "Directory.ReadWrite.All" in page.text
    assert tenant.get("/oauth2PermissionGrants")["value"] == []
    assert sent(browser.accept(for_all="yes"))["code"]
    assert "Directory.ReadWrite.All" in tenant.get("/oauth2PermissionGrants")["value"][0]["scope"]


# -- guessing --------------------------------------------------------------------------------------------------------


def test_guesses_at_once_are_counted_one_by_one(tenant: LocalTenant, ada: User):
    guesses = ["wrong"] * 24 + [PASSWORD]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda guess: with_password(tenant, ada, guess), guesses))
    codes = [row["status"]["errorCode"] for row in sign_ins_of(tenant, ada)]
    assert codes.count(50126) == 10
    assert set(codes) <= {0, 50126, 50053}


def test_a_page_tells_nobody_who_exists(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    known = browser.sign_in(ada, "wrong").text.replace(ada.user_principal_name, "")
    unknown = browser.send(account="nobody@contoso.onmicrosoft.com", password="wrong").text
    assert known == unknown.replace("nobody@contoso.onmicrosoft.com", "")


def test_nobody_takes_as_long_as_somebody(tenant: LocalTenant, ada: User):
    """Measured in the processor's time, of which a busy machine gives no more to the one than to the other. Without
    the hash an answer takes a twentieth of it."""

    def seconds(account: str) -> float:
        began = time.process_time()
        with_password(tenant, ada, "wrong", username=account)
        return time.process_time() - began

    hashing = min(_hashing_seconds() for _ in range(3))
    assert max(seconds("nobody@contoso.onmicrosoft.com") for _ in range(3)) > hashing * 0.3
    assert max(seconds(ada.user_principal_name) for _ in range(3)) > hashing * 0.3


def _hashing_seconds() -> float:
    began = time.process_time()
    passwords.matches("wrong", None)
    return time.process_time() - began


# -- sizes -----------------------------------------------------------------------------------------------------------


def test_what_is_too_long_is_not_read(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    assert "AADSTS9002313" in browser.authorize(app.app_id, claims="x" * 20_000).text
    browser.authorize(app.app_id)
    assert "AADSTS50126" in browser.send(account="a@" + "x" * 5000, password=PASSWORD).text
    assert "AADSTS50126" in browser.sign_in(ada, PASSWORD + "x" * 5000).text
    assert "AADSTS9002313" in browser.send(account="x" * 200_000, password=PASSWORD).text
    many = " ".join(f"User.Read{number}" for number in range(101))
    assert sent(browser.authorize(app.app_id, scope=many))["error"] == "invalid_scope"


def test_a_query_that_cannot_be_read_is_refused(tenant: LocalTenant, app: WebApp):
    path = f"/{tenant.tenant_id}/oauth2/v2.0/authorize?client_id={app.app_id}&redirect_uri={quote(WEB_REDIRECT)}"
    assert Browser(tenant).open(f"{path}&state=%ff").status_code == 400
    assert Browser(tenant).open(f"{path}&scope=%00").status_code == 400
    assert Browser(tenant).open(f"{path}&{'&'.join('a=b' for _ in range(200))}").status_code == 400
