"""The token endpoint: who is refused, how, and in which words."""

from __future__ import annotations

import uuid

import pytest

from tests.local_tenant import BASE, LocalTenant
from tests.tenant.robots import (
    GRAPH,
    JWT_BEARER,
    UNKNOWN_ID,
    Robot,
    Spoil,
    application_disabled,
    asserting,
    basic,
    basic_and_body,
    both_credentials,
    new_robot,
    no_service_principal,
    post,
    raw,
    refused_with,
    sending,
    switched_off,
    with_assertion,
    with_secret,
    without,
)
from unsecret.store import credentials
from unsecret.wire.aadsts import REFUSALS
from unsecret.wire.sign_in_refusals import SIGN_IN_REFUSALS


@pytest.fixture
def robot(tenant: LocalTenant) -> Robot:
    return new_robot(tenant)


REFUSED: list[tuple[str, int, Spoil]] = [
    ("a wrong secret", 7000215, sending(client_secret="wrong")),
    ("the id of the secret", 7000215, lambda tenant, robot: sending(client_secret=robot.secret_id)(tenant, robot)),
    ("a huge secret", 7000215, sending(client_secret="x" * 100_000)),
    ("a secret that is no text", 7000215, sending(client_secret="\uffff")),
    ("a secret with a NUL", 9002313, sending(client_secret="\0")),
    ("an expired secret", 7000222, lambda tenant, robot: sending(client_secret=robot.expired_secret)(tenant, robot)),
    ("no credential", 7000216, without("client_secret")),
    ("an empty secret", 7000216, sending(client_secret="")),
    ("an unknown application", 700016, sending(client_id=UNKNOWN_ID)),
    ("a client_id that is no GUID", 700016, sending(client_id="http://robot")),
    ("no client_id", 900144, without("client_id")),
    ("an empty client_id", 900144, sending(client_id="")),
    ("no grant_type", 900144, without("grant_type")),
    ("no scope", 900144, without("scope")),
    ("no resource", 900144, sending(v1=True)),
    ("a scope without .default", 1002012, sending(scope=f"{GRAPH}/User.Read.All")),
    ("a bare .default", 1002012, sending(scope=".default")),
    ("nothing before .default", 1002012, sending(scope="/.default")),
    ("two scopes", 70011, sending(scope=f"{GRAPH}/.default {GRAPH}/User.Read")),
    ("a scope for people alone", 1002012, sending(scope="openid profile offline_access")),
    ("a resource at the v2 endpoint", 901002, sending(resource=GRAPH)),
    ("an unknown resource", 500011, sending(scope="https://vault.azure.net/.default")),
    ("an unknown appId as resource", 500011, sending(scope=f"{UNKNOWN_ID}/.default")),
    ("a path below our own origin", 500011, sending(scope=f"{BASE}/api/.default")),
    ("on behalf of somebody", 70003, sending(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer")),
    ("an unheard-of grant", 70003, sending(grant_type="x" * 10_000)),
    ("a service principal that is switched off", 7000112, switched_off),
    ("an application that is disabled", 7000112, application_disabled),
    ("an application without a service principal", 7000229, no_service_principal),
    ("a secret and an assertion", 9002313, both_credentials),
    ("a secret in two places", 9002313, basic_and_body),
    ("another client_id in the header", 9002313, raw("client_id=a", Authorization=basic("b:c"))),
    ("a broken Authorization header", 9002313, raw("client_id=a", Authorization="Basic !!!")),
    ("an Authorization header without a colon", 9002313, raw("client_id=a", Authorization=basic("abc"))),
    ("an assertion without its type", 900144, sending(client_secret="", client_assertion="a.b.c")),
    (
        "an assertion of another type",
        9002313,
        sending(client_secret="", client_assertion="a.b.c", client_assertion_type="saml"),
    ),
    (
        "an assertion that is none",
        50027,
        sending(client_secret="", client_assertion="a.b.c", client_assertion_type=JWT_BEARER),
    ),
    ("an assertion of another application", 700021, asserting(iss=UNKNOWN_ID)),
    ("an assertion of another issuer", 700211, asserting(iss="https://token.actions.githubusercontent.com")),
    ("an assertion for another service", 700023, asserting(aud="https://evil.example/token")),
    ("an assertion that has ended", 700024, asserting(exp=0)),
    ("claims that are no JSON", 9002313, sending(claims="{")),
    ("claims nested without end", 9002313, sending(claims="[" * 50_000)),
    ("a parameter twice", 9000411, raw("client_id=a&client_id=b")),
    ("JSON", 900144, raw(b'{"grant_type":"client_credentials"}', Content_Type="application/json")),
    ("no content type", 900144, raw("grant_type=client_credentials", Content_Type="")),
    ("multipart", 900144, raw(b"--x--", Content_Type="multipart/form-data; boundary=x")),
    ("a form beyond all measure", 9002313, raw("a=" + "x" * 200_000)),
    ("too many fields", 9002313, raw("&".join(f"a{number}=b" for number in range(100)))),
    ("bytes that are no text", 9002313, raw(b"a=\xff\xfe")),
    ("percent signs that are no text", 9002313, raw("a=%ff%fe")),
    ("an empty form", 900144, raw("")),
    ("an unknown tenant", 90002, lambda tenant, robot: post(tenant, with_secret(robot), name="fabrikam.com")),
    ("no tenant", 50059, lambda tenant, robot: post(tenant, with_secret(robot), name="organizations")),
    ("a GET", 900561, lambda tenant, _: tenant.client.get(f"/{tenant.tenant_id}/oauth2/v2.0/token")),
    ("a PUT", 900561, lambda tenant, _: tenant.client.put(f"/{tenant.tenant_id}/oauth2/token")),
]


@pytest.mark.parametrize(("number", "spoil"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_request_is_refused_in_entras_words(tenant: LocalTenant, robot: Robot, number: int, spoil: Spoil):
    words = refused_with(spoil(tenant, robot), number)
    assert robot.secret not in words
    assert robot.expired_secret not in words
    assert len(words) < 700


def test_every_refusal_is_tried():
    elsewhere = {  # and those of signing people in: test_people_refused.py
        50049,  # test_discovery.py
        90033,  # below
        500014,  # above
        501051,  # above
        700027,  # below
        *(50166, 700212, 700213, 7002131, 7002138),  # test_federated_sign_in.py
    }
    assert {number for _, number, _ in REFUSED} | elsewhere | set(SIGN_IN_REFUSALS) == set(REFUSALS)


def test_a_certificate_that_is_not_registered_is_refused(tenant: LocalTenant, robot: Robot):
    tenant.store.write(lambda conn: credentials.set_keys(conn, tenant.tenant_id, robot.application.id, ())).result()
    words = refused_with(post(tenant, with_assertion(tenant, robot)), 700027)
    assert tenant.identity.facts.thumbprint in words


def test_a_store_that_cannot_write_gives_no_token(tenant: LocalTenant, robot: Robot):
    tenant.store.close()
    answer = post(tenant, with_secret(robot))
    assert answer.status_code == 503
    assert answer.json()["error_codes"] == [90033]


def test_a_refused_header_names_the_scheme_it_takes(tenant: LocalTenant, robot: Robot):
    form = {"grant_type": "client_credentials", "scope": f"{GRAPH}/.default"}
    answer = post(tenant, form, headers={"Authorization": basic(f"{robot.app_id}:wrong")})
    refused_with(answer, 7000215)
    assert answer.headers["www-authenticate"] == "Basic"
    assert "www-authenticate" not in post(tenant, with_secret(robot, client_secret="wrong")).headers


def test_a_refusal_shows_the_clients_own_request_id(tenant: LocalTenant, robot: Robot):
    own = str(uuid.uuid4())
    spoilt = with_secret(robot, client_secret="wrong")
    assert post(tenant, spoilt, headers={"client-request-id": own}).json()["correlation_id"] == own
    path = f"/{tenant.tenant_id}/oauth2/v2.0/token?client-request-id={own}"
    assert tenant.client.post(path, data=spoilt).json()["correlation_id"] == own
    assert post(tenant, spoilt, headers={"client-request-id": "<script>"}).json()["correlation_id"] != "<script>"
