"""The token endpoint: every attempt is written down before it is answered."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.local_tenant import LocalTenant
from tests.tenant.robots import (
    GRAPH,
    UNKNOWN_ID,
    Robot,
    Spoil,
    asserting,
    basic,
    both_credentials,
    claims_in,
    new_robot,
    post,
    sending,
    switched_off,
    with_assertion,
    with_secret,
    without,
)
from unsecret.model.identifiers import ZERO_GUID

_AS_JSON = {"Content-Type": "application/json"}


@pytest.fixture
def robot(tenant: LocalTenant) -> Robot:
    return new_robot(tenant)


# -- the record ---------------------------------------------------------------------------------------------------


def _last(tenant: LocalTenant) -> dict[str, Any]:
    return tenant.sign_ins()[0]


def test_a_sign_in_with_a_secret_is_recorded_with_its_key(tenant: LocalTenant, robot: Robot):
    own = str(uuid.uuid4())
    answer = post(tenant, with_secret(robot), headers={"client-request-id": own, "User-Agent": "robot/1.0"})
    row = _last(tenant)
    assert row["id"] == answer.headers["x-ms-request-id"]
    assert row["uniqueTokenIdentifier"] == claims_in(answer)["uti"]
    assert row["correlationId"] == own
    assert row["createdDateTime"] == "2026-11-22T12:00:00Z"
    assert row["status"]["errorCode"] == 0
    assert row["clientCredentialType"] == "clientSecret"
    assert row["servicePrincipalCredentialKeyId"] == robot.secret_id
    assert not row["servicePrincipalCredentialThumbprint"]
    assert (row["appId"], row["appDisplayName"]) == (robot.app_id, "robot")
    assert (row["servicePrincipalId"], row["servicePrincipalName"]) == (robot.principal.id, "robot")
    assert (row["resourceId"], row["resourceDisplayName"]) == (
        "00000003-0000-0000-c000-000000000000",
        "Microsoft Graph",
    )
    assert row["userAgent"] == "robot/1.0"


def test_a_sign_in_with_a_certificate_is_recorded_with_its_thumbprint(tenant: LocalTenant, robot: Robot):
    post(tenant, with_assertion(tenant, robot))
    row = _last(tenant)
    assert row["clientCredentialType"] == "certificate"
    assert row["servicePrincipalCredentialThumbprint"] == tenant.identity.facts.thumbprint
    assert row["servicePrincipalCredentialKeyId"] == robot.application.key_credentials[0].key_id


def two_secrets(tenant: LocalTenant, robot: Robot):
    return post(tenant, f"{urlencode(with_secret(robot))}&client_secret={robot.secret}")


def in_the_header_and_the_body(tenant: LocalTenant, robot: Robot):
    form = {name: value for name, value in with_secret(robot).items() if name != "client_id"}
    return post(tenant, form, headers={"Authorization": basic(f"{robot.app_id}:{robot.secret}")})


RECORDED: list[tuple[str, Spoil, int, str, bool]] = [
    ("a wrong secret", sending(client_secret="wrong"), 7000215, "clientSecret", False),
    (
        "an expired secret",
        lambda tenant, robot: sending(client_secret=robot.expired_secret)(tenant, robot),
        7000222,
        "clientSecret",
        True,
    ),
    ("no credential", without("client_secret"), 7000216, "none", False),
    ("an assertion out of time", asserting(exp=0), 700024, "certificate", True),
    ("an assertion of another application", asserting(iss=UNKNOWN_ID), 700021, "clientAssertion", False),
    ("an unknown resource", sending(scope="https://vault.azure.net/.default"), 500011, "clientSecret", True),
    ("a scope without .default", sending(scope=GRAPH), 1002012, "none", False),
    ("another grant", sending(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer"), 70003, "none", False),
    ("two credentials", both_credentials, 9002313, "none", False),
    ("switched off", switched_off, 7000112, "clientSecret", True),
    ("a secret that is there twice", two_secrets, 9000411, "none", False),
    ("a client in the header that proves itself twice", in_the_header_and_the_body, 9002313, "none", False),
]


@pytest.mark.parametrize(
    ("spoil", "number", "credential_type", "has_key"),
    [case[1:] for case in RECORDED],
    ids=[case[0] for case in RECORDED],
)
def test_a_refused_attempt_is_recorded(
    tenant: LocalTenant, robot: Robot, spoil: Spoil, number: int, credential_type: str, has_key: bool
):
    before = len(tenant.sign_ins())
    answer = spoil(tenant, robot)
    rows = tenant.sign_ins()
    assert len(rows) == before + 1
    row = next(row for row in rows if row["id"] == answer.json()["trace_id"])
    assert row["appId"] == robot.app_id
    assert row["status"]["errorCode"] == number
    assert answer.json()["error_description"].startswith(row["status"]["failureReason"])
    assert row["clientCredentialType"] == credential_type
    assert bool(row["servicePrincipalCredentialKeyId"]) is has_key
    assert robot.secret not in json.dumps(row)


def test_an_unknown_application_is_recorded(tenant: LocalTenant, robot: Robot):
    answer = post(tenant, with_secret(robot, client_id=UNKNOWN_ID))
    row = next(row for row in tenant.sign_ins() if row["id"] == answer.json()["trace_id"])
    assert (row["appId"], row["status"]["errorCode"]) == (UNKNOWN_ID, 700016)
    assert not row["servicePrincipalId"]
    answer = post(tenant, with_secret(robot, client_id=robot.secret))
    row = next(row for row in tenant.sign_ins() if row["id"] == answer.json()["trace_id"])
    assert row["appId"] == ZERO_GUID
    assert robot.secret not in json.dumps(row)
    assert robot.secret not in answer.text


def test_a_request_that_names_no_client_is_nobodys_attempt(tenant: LocalTenant):
    before = tenant.sign_ins()
    post(tenant, "grant_type=client_credentials")
    post(tenant, "{}", headers=_AS_JSON)
    tenant.client.get(f"/{tenant.tenant_id}/oauth2/v2.0/token")
    assert tenant.sign_ins() == before


def test_a_long_user_agent_is_cut(tenant: LocalTenant, robot: Robot):
    post(tenant, with_secret(robot), headers={"User-Agent": "x" * 5000})
    assert len(_last(tenant)["userAgent"]) <= 512


def test_a_sign_in_is_on_disk_before_its_token_is_out(tenant: LocalTenant, robot: Robot):
    uti = claims_in(post(tenant, with_secret(robot)))["uti"]
    tenant.store.close()
    reopened = type(tenant.store).open(tenant.database.place)
    try:
        from unsecret.model.query import Query
        from unsecret.store import logs

        with reopened.read() as conn:
            assert uti in {row.token_id for row in logs.list_sign_ins(conn, tenant.tenant_id, Query()).items}
    finally:
        reopened.close()
