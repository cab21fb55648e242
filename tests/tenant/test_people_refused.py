"""What people and their clients are refused, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local_tenant import NOW, LocalTenant
from tests.tenant.people import (
    AZURE_CLI,
    CHALLENGE,
    OPENID,
    PASSWORD,
    WEB_REDIRECT,
    Browser,
    WebApp,
    agree,
    change,
    change_principal,
    code_for,
    new_person,
    new_web_app,
    redeem,
    refresh,
    refused,
    sent,
    set_password,
    sign_ins_of,
    token,
    with_password,
)
from unsecret.model.directory_roles import Role
from unsecret.model.people import User
from unsecret.store import consent, users
from unsecret.tenant.bootstrap import create_tenant

UNKNOWN = "99999999-0000-0000-0000-000000000009"


# -- before the redirect URI is trusted: on a page ----------------------------------------------------------------

ON_A_PAGE = [
    ("an unknown client", {"client_id": UNKNOWN}, 700016),
    ("no client", {"client_id": ""}, 900144),
    ("another address", {"redirect_uri": "https://evil.example/"}, 50011),
    ("the address with more behind it", {"redirect_uri": f"{WEB_REDIRECT}/more"}, 50011),
    ("the address with a query", {"redirect_uri": f"{WEB_REDIRECT}?a=b"}, 50011),
    ("the address in other letters", {"redirect_uri": WEB_REDIRECT.upper()}, 50011),
    ("a user before the host", {"redirect_uri": "https://app.example@evil.example/signed-in"}, 50011),
    ("a backslash", {"redirect_uri": "https://app.example\\@evil.example/signed-in"}, 50011),
    ("a line break", {"redirect_uri": f"{WEB_REDIRECT}\r\nSet-Cookie: a=b"}, 50011),
    ("a script", {"redirect_uri": "javascript:alert(1)//"}, 50011),
    ("loopback that is not registered", {"redirect_uri": "http://localhost:1"}, 50011),
]


@pytest.mark.parametrize(
    ("parameters", "number"), [case[1:] for case in ON_A_PAGE], ids=[case[0] for case in ON_A_PAGE]
)
def test_nothing_is_sent_to_an_address_that_is_not_the_clients(
    tenant: LocalTenant, app: WebApp, parameters: dict[str, str], number: int
):
    answer = Browser(tenant).authorize(app.app_id, **parameters)
    assert answer.status_code == 400
    assert f"AADSTS{number}" in answer.text
    assert "location" not in answer.headers


def test_a_parameter_that_is_there_twice_is_refused(tenant: LocalTenant, app: WebApp):
    path = f"/{tenant.tenant_id}/oauth2/v2.0/authorize"
    query = f"client_id={app.app_id}&redirect_uri={WEB_REDIRECT}&redirect_uri=https://evil.example"
    assert "AADSTS9000411" in Browser(tenant).open(f"{path}?{query}").text


def test_a_client_that_is_switched_off_signs_nobody_in(tenant: LocalTenant, app: WebApp):
    change_principal(tenant, app.principal, account_enabled=False)
    assert "AADSTS7000112" in Browser(tenant).authorize(app.app_id).text


# -- after that: sent there ---------------------------------------------------------------------------------------

SENT_BACK = [
    ("tokens at once", {"response_type": "token"}, 700051, "unsupported_response_type"),
    ("an unheard-of response type", {"response_type": "device"}, 70005, "unsupported_response_type"),
    ("no response type", {"response_type": ""}, 900144, "invalid_request"),
    ("an id token without leave", {"response_type": "id_token"}, 700054, "unsupported_response_type"),
    ("an unheard-of mode", {"response_mode": "web_message"}, 90023, "invalid_request"),
    ("an unheard-of prompt", {"prompt": "please"}, 90023, "invalid_request"),
    ("no scope", {"scope": ""}, 900144, "invalid_request"),
    ("two resources", {"scope": "User.Read https://management.azure.com/user_impersonation"}, 28000, "invalid_request"),
    (".default and more", {"scope": ".default User.Read"}, 70011, "invalid_scope"),
    ("a method without a challenge", {"code_challenge": ""}, 501491, "invalid_request"),
    ("an unheard-of method", {"code_challenge_method": "S512"}, 501491, "invalid_request"),
    ("a challenge that is too short", {"code_challenge": "x" * 42}, 501491, "invalid_request"),
    ("a long nonce", {"nonce": "x" * 5000}, 9002313, "invalid_request"),
    ("nobody there", {"prompt": "none"}, 50058, "login_required"),
]


@pytest.mark.parametrize(
    ("parameters", "number", "error"), [case[1:] for case in SENT_BACK], ids=[case[0] for case in SENT_BACK]
)
def test_the_client_hears_what_was_wrong_with_its_request(
    tenant: LocalTenant, app: WebApp, parameters: dict[str, str], number: int, error: str
):
    answer = Browser(tenant).authorize(app.app_id, **parameters)
    found = sent(answer)
    assert (found["error"], found["state"]) == (error, "state-1")
    assert found["error_description"].startswith(f"AADSTS{number}: ")


def test_id_tokens_do_not_travel_in_a_query(tenant: LocalTenant, app: WebApp):
    settings = {"redirectUris": [WEB_REDIRECT], "implicitGrantSettings": {"enableIdTokenIssuance": True}}
    tenant.must("PATCH", f"/applications/{app.application.id}", {"web": settings})
    answer = Browser(tenant).authorize(app.app_id, response_type="id_token", response_mode="query", scope="openid")
    assert sent(answer)["error_description"].startswith("AADSTS70007: ")


def test_a_single_page_application_needs_pkce(tenant: LocalTenant):
    app = new_web_app(tenant, web_redirect_uris=(), spa_redirect_uris=(WEB_REDIRECT,))
    answer = Browser(tenant).authorize(app.app_id, code_challenge="", code_challenge_method="")
    assert sent(answer)["error_description"].startswith("AADSTS9002325: ")


def test_a_single_page_application_redeems_from_a_browser_only(tenant: LocalTenant, ada: User):
    app = new_web_app(tenant, web_redirect_uris=(), spa_redirect_uris=(WEB_REDIRECT,))
    code = code_for(tenant, app, ada)
    refused(redeem(tenant, app, code, client_secret=""), 9002327)


def test_a_permission_that_does_not_exist_is_named(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    browser.authorize(app.app_id, scope="User.Reed")
    found = sent(browser.sign_in(ada))
    assert found["error_description"].startswith("AADSTS650053: ")
    assert "'User.Reed'" in found["error_description"]


def test_declining_is_told_to_the_client_and_recorded(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    browser.sign_in(ada)
    assert sent(browser.cancel())["error"] == "access_denied"
    assert [row["status"]["errorCode"] for row in sign_ins_of(tenant, ada)] == [65004]


def test_a_person_may_not_agree_to_what_needs_an_administrator(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    browser.authorize(app.app_id, scope="User.Read.All")
    page = browser.sign_in(ada)
    assert "AADSTS90094" in page.text
    assert 'value="accept"' not in page.text
    assert "AADSTS90094" in browser.accept().text  # who sends what the form does not offer is asked again
    assert sent(browser.cancel())["error"] == "access_denied"


def test_a_silent_request_is_told_that_consent_is_missing(tenant: LocalTenant, ada: User, app: WebApp):
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    browser.sign_in(ada)
    assert sent(browser.authorize(app.app_id, prompt="none"))["error_description"].startswith("AADSTS65001: ")


def test_an_application_for_assigned_people_signs_in_nobody_else(tenant: LocalTenant, ada: User, app: WebApp):
    change_principal(tenant, app.principal, other={"appRoleAssignmentRequired": True})
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    assert sent(browser.sign_in(ada))["error_description"].startswith("AADSTS50105: ")


# -- codes --------------------------------------------------------------------------------------------------------

BAD_REDEMPTIONS = [
    ("another verifier", {"code_verifier": "y" * 43}, 501481),
    ("no verifier", {"code_verifier": ""}, 501481),
    ("the challenge itself", {"code_verifier": CHALLENGE}, 501481),
    ("another redirect URI", {"redirect_uri": "https://app.example/other"}, 500112),
    ("no redirect URI", {"redirect_uri": ""}, 900144),
    ("no secret", {"client_secret": ""}, 7000218),
    ("a wrong secret", {"client_secret": "wrong"}, 7000215),
    ("a code of nobody's", {"code": "1.AAAAAAAAAAAAAAAAAAAAAA.x"}, 700005),
    ("no code at all", {"code": "x" * 5000}, 70000),
    ("another scope", {"scope": "Mail.Read"}, 65001),
]


@pytest.mark.parametrize(
    ("changed", "number"), [case[1:] for case in BAD_REDEMPTIONS], ids=[case[0] for case in BAD_REDEMPTIONS]
)
def test_a_code_is_taken_back_only_as_it_was_handed_out(
    tenant: LocalTenant, ada: User, app: WebApp, changed: dict[str, str], number: int
):
    code = code_for(tenant, app, ada)
    refused(redeem(tenant, app, code, **changed), number)
    assert redeem(tenant, app, code).status_code == 200  # whoever it belongs to loses nothing by it


def test_a_code_of_another_client_is_no_code(tenant: LocalTenant, ada: User, app: WebApp):
    other = new_web_app(tenant, "Other")
    code = code_for(tenant, app, ada)
    refused(redeem(tenant, other, code), 70000)


def test_a_code_ends_after_ten_minutes(tenant: LocalTenant, ada: User, app: WebApp):
    code = code_for(tenant, app, ada)
    tenant.clock.move(minutes=10)
    refused(redeem(tenant, app, code), 70008)


def test_a_public_client_has_nothing_to_prove(tenant: LocalTenant, ada: User):
    app = new_web_app(tenant, web_redirect_uris=(), public_client_redirect_uris=("http://localhost",))
    code = code_for(tenant, app, ada, redirect_uri="http://localhost:1234/")
    refused(redeem(tenant, app, code, redirect_uri="http://localhost:1234/"), 700025)
    assert redeem(tenant, app, code, redirect_uri="http://localhost:1234/", client_secret="").status_code == 200


def test_a_code_and_a_token_are_good_in_their_own_tenant_only(tenant: LocalTenant, ada: User, app: WebApp):
    other = tenant.store.write(
        lambda conn: create_tenant(
            conn,
            display_name="Fabrikam",
            domain="fabrikam",
            administrator_certificate=tenant.identity.facts,
            now=NOW,
        )
    ).result()
    first = with_password(tenant, ada).json()
    answer = token(
        tenant,
        name=other.tenant.id,
        grant_type="refresh_token",
        client_id=AZURE_CLI,
        refresh_token=first["refresh_token"],
        scope=".default",
    )
    refused(answer, 700005)
    refused(with_password(tenant, ada, name=other.tenant.id), 50034)


# -- what ends a refresh token ------------------------------------------------------------------------------------


def deleted(tenant: LocalTenant, ada: User, app: WebApp) -> None:
    tenant.store.write(lambda conn: users.delete(conn, tenant.tenant_id, ada.id, at=NOW)).result()


def disabled(tenant: LocalTenant, ada: User, app: WebApp) -> None:
    change(tenant, ada, account_enabled=False)


def with_another_password(tenant: LocalTenant, ada: User, app: WebApp) -> None:
    set_password(tenant, ada, "Another-One-8")


def with_the_same_password_again(tenant: LocalTenant, ada: User, app: WebApp) -> None:
    set_password(tenant, ada, PASSWORD)


def without_consent(tenant: LocalTenant, ada: User, app: WebApp) -> None:
    def revoke(conn: Any) -> None:
        for grant in consent.grants_of_client(conn, tenant.tenant_id, app.principal.id):
            consent.remove(conn, tenant.tenant_id, grant.id)

    tenant.store.write(revoke).result()


def after_ninety_days(tenant: LocalTenant, ada: User, app: WebApp) -> None:
    tenant.clock.move(days=90)


def with_the_client_switched_off(tenant: LocalTenant, ada: User, app: WebApp) -> None:
    change_principal(tenant, app.principal, account_enabled=False)


ENDINGS = [
    (deleted, 50034),
    (disabled, 50057),
    (with_another_password, 50173),
    (with_the_same_password_again, 50173),
    (without_consent, 65001),
    (after_ninety_days, 700082),
    (with_the_client_switched_off, 7000112),
]


@pytest.mark.parametrize(("end", "number"), ENDINGS, ids=[end.__name__ for end, _ in ENDINGS])
def test_a_refresh_token_ends_with_what_it_stands_on(
    tenant: LocalTenant, ada: User, app: WebApp, end: Callable[..., None], number: int
):
    first = redeem(tenant, app, code_for(tenant, app, ada)).json()
    end(tenant, ada, app)
    refused(refresh(tenant, app, first["refresh_token"]), number)


def test_a_refresh_token_is_its_clients_only(tenant: LocalTenant, ada: User, app: WebApp):
    other = new_web_app(tenant, "Other")
    first = redeem(tenant, app, code_for(tenant, app, ada)).json()
    refused(refresh(tenant, other, first["refresh_token"]), 70000)
    refused(refresh(tenant, app, first["refresh_token"], client_secret=""), 7000218)


def test_a_session_ends_with_the_password(tenant: LocalTenant, ada: User, app: WebApp):
    agree(tenant, app, "User.Read")
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    assert sent(browser.sign_in(ada))["code"]
    set_password(tenant, ada, "Another-One-8")
    assert "<h1>Sign in</h1>" in browser.authorize(app.app_id).text


# -- passwords ----------------------------------------------------------------------------------------------------

PASSWORDS_REFUSED = [
    ("wrong", {"password": "wrong"}, 50126),
    ("of nobody", {"username": "nobody@contoso.onmicrosoft.com"}, 50034),
    ("by an object id", {"username": UNKNOWN}, 50034),
    ("left out", {"password": ""}, 900144),
    ("too long to be one", {"password": PASSWORD + "x" * 1000}, 50126),
    ("without a scope", {"scope": ""}, 900144),
    ("for a confidential client that sends nothing", {"client_id": "confidential"}, 7000218),
]


@pytest.mark.parametrize(
    ("changed", "number"), [case[1:] for case in PASSWORDS_REFUSED], ids=[case[0] for case in PASSWORDS_REFUSED]
)
def test_a_password_is_refused(tenant: LocalTenant, ada: User, app: WebApp, changed: dict[str, str], number: int):
    if changed.get("client_id"):
        changed = {"client_id": app.app_id, "scope": "User.Read"}
    refused(with_password(tenant, ada, **changed), number)


def test_only_who_knows_the_password_learns_that_an_account_is_off(tenant: LocalTenant, ada: User):
    change(tenant, ada, account_enabled=False)
    refused(with_password(tenant, ada, "wrong"), 50126)
    refused(with_password(tenant, ada), 50057)


def test_ten_wrong_passwords_lock_the_account_for_a_minute(tenant: LocalTenant, ada: User, app: WebApp):
    ben = new_person(tenant, "ben")
    for _ in range(10):
        refused(with_password(tenant, ada, "wrong"), 50126)
        tenant.clock.move(seconds=1)
    refused(with_password(tenant, ada), 50053)  # the right one, too
    browser = Browser(tenant)
    browser.authorize(app.app_id)
    assert "AADSTS50053" in browser.sign_in(ada).text
    assert with_password(tenant, ben).status_code == 200
    tenant.clock.move(seconds=51)  # the first of them is a minute old
    assert with_password(tenant, ada).status_code == 200


def test_at_an_address_without_a_tenant_the_domain_must_be_one_of_ours(tenant: LocalTenant, ada: User, app: WebApp):
    refused(with_password(tenant, ada, name="common", username="ada@elsewhere.example"), 50059)
    browser = Browser(tenant)
    browser.authorize(app.app_id, name="common")
    assert "AADSTS50126" in browser.send(account="ada@elsewhere.example", password=PASSWORD).text


def test_an_administrator_is_not_asked_for_another(tenant: LocalTenant, app: WebApp):
    admin = new_person(tenant, "root", Role.GLOBAL_ADMINISTRATOR)
    browser = Browser(tenant)
    browser.authorize(app.app_id, scope=f"User.Read.All {OPENID}")
    assert "Permissions requested" in browser.sign_in(admin).text
