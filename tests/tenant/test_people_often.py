"""People who sign in again and again: how many refresh tokens stay good, and which."""

from __future__ import annotations

import uuid

import msgspec
import pytest
from starlette.requests import Request

from tests.local_tenant import LocalTenant
from tests.tenant.people import AZURE_CLI, Browser, WebApp, code_for, new_person, redeem, refresh, token, with_password
from unsecret.model.issued import GrantKind, IssuedGrant
from unsecret.model.people import User
from unsecret.store import issued
from unsecret.tenant.signing_in.handing_out import MOST_REFRESH_TOKENS, MOST_SIGN_INS, hand_out_refresh_token
from unsecret.tenant.signing_in.people import Person
from unsecret.tenant.signing_in.sessions import MOST_SESSIONS, SESSION_COOKIE, begin_session
from unsecret.tenant.signing_in.texts import digest


@pytest.fixture
def ada(tenant: LocalTenant) -> User:
    return new_person(tenant, "ada")


def test_of_many_refresh_tokens_the_one_in_use_stays_good(tenant: LocalTenant, ada: User, app: WebApp):
    first = redeem(tenant, app, code_for(tenant, app, ada)).json()
    second = refresh(tenant, app, first["refresh_token"]).json()
    for _ in range(MOST_REFRESH_TOKENS):
        tenant.clock.move(seconds=1)
        last = refresh(tenant, app, first["refresh_token"])
        assert last.status_code == 200
    assert refresh(tenant, app, second["refresh_token"]).json()["error_codes"] == [70000]
    assert refresh(tenant, app, last.json()["refresh_token"]).status_code == 200


def test_of_many_sign_ins_to_a_client_the_ones_in_use_stay_good(tenant: LocalTenant, ada: User, app: WebApp):
    in_use, idle = (redeem(tenant, app, code_for(tenant, app, ada)).json()["refresh_token"] for _ in range(2))
    elsewhere = with_password(tenant, ada).json()["refresh_token"]
    family = _family_of(tenant, idle)
    tenant.clock.move(seconds=1)
    assert refresh(tenant, app, in_use).status_code == 200
    person = Person(user=ada, mark=family.password_mark or "")

    def sign_in_often(conn) -> None:
        for _ in range(MOST_SIGN_INS - 1):
            begun = msgspec.structs.replace(family, kind=GrantKind.AUTHORIZATION_CODE, family=str(uuid.uuid4()))
            hand_out_refresh_token(conn, tenant.new.tenant, begun, person, now=tenant.clock.now)

    tenant.store.write(sign_in_often, tenant.tenant_id).result()
    assert refresh(tenant, app, in_use).status_code == 200
    assert refresh(tenant, app, idle).json()["error_codes"] == [70000]
    again = token(tenant, name="common", grant_type="refresh_token", client_id=AZURE_CLI, refresh_token=elsewhere)
    assert again.status_code == 200


def _family_of(tenant: LocalTenant, refresh_token: str) -> IssuedGrant:
    with tenant.store.read() as conn:
        found = issued.find(conn, tenant.tenant_id, GrantKind.REFRESH_TOKEN, digest(refresh_token))
    assert found is not None
    return found


def test_of_many_browsers_the_one_that_signed_in_first_has_to_do_it_again(
    tenant: LocalTenant, ada: User, app: WebApp
) -> None:
    first, last = Browser(tenant), Browser(tenant)
    first.authorize(app.app_id)
    assert "account" in first.page.text
    first.sign_in(ada)
    assert _is_known(first, app)
    mark = _mark_of(tenant, first)
    person, anew = Person(user=ada, mark=mark), Request({"type": "http", "headers": []})

    def begin(conn) -> str:
        return begin_session(conn, anew, tenant.new.tenant, person, now=tenant.clock.now)

    crowd = [tenant.store.write(begin, tenant.tenant_id) for _ in range(MOST_SESSIONS - 1)]
    texts = {one.result() for one in crowd}
    assert _is_known(first, app)
    last.authorize(app.app_id)
    last.sign_in(ada)
    assert _is_known(last, app)
    assert not _is_known(first, app)
    assert all(_session(tenant, text) for text in texts)


def _is_known(browser: Browser, app: WebApp) -> bool:
    """Whether the browser need not sign in."""
    page = browser.authorize(app.app_id)
    return page.status_code == 302 or 'name="password"' not in page.text


def _session(tenant: LocalTenant, text: str) -> IssuedGrant | None:
    with tenant.store.read() as conn:
        return issued.find(conn, tenant.tenant_id, GrantKind.SESSION, digest(text))


def _mark_of(tenant: LocalTenant, browser: Browser) -> str:
    found = _session(tenant, browser.client.cookies[SESSION_COOKIE])
    assert found is not None
    return found.password_mark or ""
