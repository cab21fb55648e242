"""People who sign in again and again: how many refresh tokens stay good, and which."""

from __future__ import annotations

import uuid

import msgspec
import pytest

from tests.local_tenant import LocalTenant
from tests.tenant.people import AZURE_CLI, WebApp, code_for, new_person, redeem, refresh, token, with_password
from unsecret.model.issued import GrantKind, IssuedGrant
from unsecret.model.people import User
from unsecret.store import issued
from unsecret.tenant.signing_in.handing_out import MOST_REFRESH_TOKENS, MOST_SIGN_INS, hand_out_refresh_token
from unsecret.tenant.signing_in.people import Person
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
