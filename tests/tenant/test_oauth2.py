"""The token endpoint: who gets a token, and what stands in it."""

from __future__ import annotations

import base64
import uuid
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.local_tenant import BASE, NOW, LocalTenant
from tests.tenant.robots import (
    GRAPH,
    JWT_BEARER,
    Robot,
    add_secret,
    claims_in,
    new_robot,
    post,
    refused_with,
    replace,
    with_assertion,
    with_secret,
)
from unsecret.model.application import Application, AppRoleAssignment, PasswordCredential, ServicePrincipal
from unsecret.model.identifiers import ZERO_GUID, AppId, KeyId, ObjectId
from unsecret.store import credentials, directory_objects, links
from unsecret.tenant import secrets
from unsecret.tenant.bootstrap import create_tenant

READ, WRITE = "11111111-0000-0000-0000-000000000001", "11111111-0000-0000-0000-000000000002"


@pytest.fixture
def robot(tenant: LocalTenant) -> Robot:
    return new_robot(tenant)


# -- tokens -------------------------------------------------------------------------------------------------------


def test_msals_request_gets_msals_answer(tenant: LocalTenant, robot: Robot):
    form = with_secret(
        robot, client_info="1", claims='{"access_token":{"xms_cc":{"values":["CP1"]}}}', **{"x-client-SKU": "msal.js"}
    )
    answer = post(tenant, form, headers={"x-client-sku": "MSAL.Python", "x-client-current-telemetry": "4|730,0|"})
    body = answer.json()
    assert set(body) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert (body["token_type"], body["expires_in"], body["ext_expires_in"]) == ("Bearer", 3599, 3599)
    assert answer.headers["cache-control"].startswith("no-store")
    assert claims_in(answer)["xms_cc"] == ["CP1"]


def test_a_token_for_graph_has_entras_claims(tenant: LocalTenant, robot: Robot):
    claims = claims_in(post(tenant, with_secret(robot)))
    now = int(NOW.timestamp())
    opaque = {name: claims.pop(name) for name in ("aio", "uti")}
    assert claims == {
        "aud": GRAPH,
        "iss": f"https://sts.windows.net/{tenant.tenant_id}/",
        "iat": now - 300,
        "nbf": now - 300,
        "exp": now + 3600,
        "app_displayname": "robot",
        "appid": robot.app_id,
        "appidacr": "1",
        "idp": f"https://sts.windows.net/{tenant.tenant_id}/",
        "idtyp": "app",
        "oid": robot.principal.id,
        "sub": robot.principal.id,
        "tid": tenant.tenant_id,
        "ver": "1.0",
        "tenant_region_scope": "WW",
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
        "xms_idrel": "7 28",
        "xms_tcdt": now,
    }
    assert len(opaque["uti"]) == 22


def test_a_certificate_is_told_from_a_secret_in_the_token(tenant: LocalTenant, robot: Robot):
    assert claims_in(post(tenant, with_assertion(tenant, robot)))["appidacr"] == "2"


def test_roles_are_those_assigned_on_the_resource_that_was_asked_for(tenant: LocalTenant):
    workload = tenant.as_workload("Application.Read.All", "AuditLog.Read.All")
    form = {"client_id": workload.application.app_id, "client_assertion_type": JWT_BEARER}
    form["client_assertion"] = tenant.assertion(workload.application.app_id)
    claims = claims_in(tenant.token_request(**form))
    assert claims["roles"] == ["Application.Read.All", "AuditLog.Read.All"]
    assert "roles" not in claims_in(tenant.token_request(**form, scope="https://management.azure.com/.default"))


def test_two_tokens_are_never_the_same(tenant: LocalTenant, robot: Robot):
    first, second = (claims_in(post(tenant, with_secret(robot))) for _ in range(2))
    assert first["uti"] != second["uti"]
    assert first["aio"] != second["aio"]


def test_the_v1_endpoint_writes_numbers_as_text_and_repeats_the_resource(tenant: LocalTenant, robot: Robot):
    form = with_secret(robot, resource=f"{GRAPH}/", scope="openid")
    body = post(tenant, form, v1=True).json()
    now = int(NOW.timestamp())
    assert body.pop("access_token")
    assert body == {
        "token_type": "Bearer",
        "expires_in": "3599",
        "ext_expires_in": "3599",
        "expires_on": str(now + 3599),
        "not_before": str(now),
        "resource": f"{GRAPH}/",
    }


@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        (f"{GRAPH}/.default", GRAPH),
        (f"openid offline_access {GRAPH}/.default profile", GRAPH),
        (f"{GRAPH}//.default", f"{GRAPH}/"),
        ("00000003-0000-0000-c000-000000000000/.default", "00000003-0000-0000-c000-000000000000"),
        (f"{BASE}/.default", BASE),
        (f"{BASE}//.default", f"{BASE}/"),
        ("https://127.0.0.1:8443/.default", "https://127.0.0.1:8443"),
        ("https://localhost/.default", "https://localhost"),
        ("https://localhost:9000/.default", BASE),
        ("https://localhost:9000//.default", f"{BASE}/"),
        ("https://management.azure.com//.default", "https://management.azure.com/"),
        ("https://management.core.windows.net//.default", "https://management.core.windows.net/"),
        ("797f4846-ba00-4fd7-ba43-dac1f8f63013/.default", "797f4846-ba00-4fd7-ba43-dac1f8f63013"),
    ],
)
def test_graph_and_azure_go_by_many_names(tenant: LocalTenant, robot: Robot, scope: str, audience: str):
    claims = claims_in(post(tenant, with_secret(robot, scope=scope)))
    assert claims["aud"] == audience
    assert claims["ver"] == "1.0"


@pytest.mark.parametrize("name", ["contoso.onmicrosoft.com", "CONTOSO.onmicrosoft.COM"])
def test_a_tenant_is_asked_by_its_domain(tenant: LocalTenant, robot: Robot, name: str):
    assert claims_in(post(tenant, with_secret(robot), name=name))["tid"] == tenant.tenant_id


def test_a_token_of_the_endpoint_opens_graph(tenant: LocalTenant, robot: Robot):
    token = post(tenant, with_secret(robot)).json()["access_token"]
    assert tenant.graph("GET", "/applications", token=token).status_code == 403  # known, and not permitted


# -- resources of the tenant's own --------------------------------------------------------------------------------


def _api(tenant: LocalTenant, **properties: Any) -> tuple[Application, ServicePrincipal]:
    roles = [{"id": READ, "value": "Orders.Read", "isEnabled": True}, {"id": WRITE, "value": None}]
    application, principal = tenant.seed_application(
        "orders", created_at=NOW, identifier_uris=("api://orders", "https://orders.example"), **properties
    )
    replace(tenant, principal, other={"appRoles": roles})
    return application, principal


def _assign(tenant: LocalTenant, robot: Robot, api: ServicePrincipal, *role_ids: str) -> None:
    for role_id in role_ids:
        assignment = AppRoleAssignment(
            id=str(uuid.uuid4()),
            principal_id=robot.principal.id,
            resource_id=api.id,
            app_role_id=role_id,
            created_at=NOW,
        )
        tenant.store.write(
            lambda conn, assignment=assignment: links.add_app_role_assignment(conn, tenant.tenant_id, assignment)
        ).result()


@pytest.mark.parametrize(
    ("asked", "audience"),
    [
        ("api://orders", "api://orders"),
        ("https://orders.example", "https://orders.example"),
        ("https://orders.example/", "https://orders.example/"),
    ],
)
def test_an_api_of_the_tenant_is_named_by_its_uris(tenant: LocalTenant, robot: Robot, asked: str, audience: str):
    _, principal = _api(tenant)
    _assign(tenant, robot, principal, READ, WRITE, ZERO_GUID)
    claims = claims_in(post(tenant, with_secret(robot, scope=f"{asked}/.default")))
    assert claims["aud"] == audience
    assert claims["roles"] == ["Orders.Read"]
    assert claims["ver"] == "1.0"
    assert not {"app_displayname", "idtyp", "wids"} & set(claims)


def test_an_api_of_the_tenant_is_named_by_its_app_id(tenant: LocalTenant, robot: Robot):
    application, _ = _api(tenant)
    assert claims_in(post(tenant, with_secret(robot, scope=f"{application.app_id}/.default")))["aud"] == (
        application.app_id
    )


def test_an_api_that_wants_v2_tokens_gets_them_at_either_endpoint(tenant: LocalTenant, robot: Robot):
    application, principal = _api(tenant, requested_access_token_version=2)
    _assign(tenant, robot, principal, READ)
    for answer in (
        post(tenant, with_secret(robot, scope="api://orders/.default")),
        post(tenant, with_secret(robot, resource="api://orders"), v1=True),
    ):
        claims = claims_in(answer)
        opaque = {name: claims.pop(name) for name in ("aio", "uti", "iat", "nbf", "exp")}
        assert opaque
        assert claims == {
            "aud": application.app_id,
            "iss": f"{BASE}/{tenant.tenant_id}/v2.0",
            "azp": robot.app_id,
            "azpacr": "1",
            "oid": robot.principal.id,
            "roles": ["Orders.Read"],
            "sub": robot.principal.id,
            "tid": tenant.tenant_id,
            "ver": "2.0",
        }


def test_the_issuer_of_a_v2_token_is_the_one_that_discovery_names(tenant: LocalTenant, robot: Robot):
    _api(tenant, requested_access_token_version=2)
    for host in ("localhost:8443", "127.0.0.1:8443", "login.microsoftonline.com", "login.windows.net"):
        document = tenant.client.get(
            f"/{tenant.tenant_id}/v2.0/.well-known/openid-configuration", headers={"Host": host}
        )
        token = post(tenant, with_secret(robot, scope="api://orders/.default"), headers={"Host": host})
        assert claims_in(token)["iss"] == document.json()["issuer"]


def test_an_api_that_wants_assignment_refuses_who_is_not_assigned(tenant: LocalTenant, robot: Robot):
    _, principal = _api(tenant)
    replace(tenant, principal, other={"appRoleAssignmentRequired": True})
    form = with_secret(robot, scope="api://orders/.default")
    assert "'orders'" not in refused_with(post(tenant, form), 501051)
    _assign(tenant, robot, principal, ZERO_GUID)
    assert "roles" not in claims_in(post(tenant, form))


def test_an_api_without_a_service_principal_is_not_there(tenant: LocalTenant, robot: Robot):
    application, principal = _api(tenant)
    tenant.store.write(
        lambda conn: directory_objects.delete(conn, tenant.tenant_id, principal.kind, principal.id, at=NOW)
    ).result()
    for asked in (application.app_id, "api://orders"):
        assert asked in refused_with(post(tenant, with_secret(robot, scope=f"{asked}/.default")), 500011)


def test_an_api_that_is_switched_off_gets_no_tokens(tenant: LocalTenant, robot: Robot):
    _, principal = _api(tenant)
    replace(tenant, principal, account_enabled=False)
    refused_with(post(tenant, with_secret(robot, scope="api://orders/.default")), 500014)


# -- credentials --------------------------------------------------------------------------------------------------


def test_a_secret_of_the_service_principal_counts_too(tenant: LocalTenant, robot: Robot):
    text, key_id = add_secret(tenant, robot.principal.id, starts=NOW, ends=NOW + timedelta(days=1))
    assert claims_in(post(tenant, with_secret(robot, client_secret=text)))
    assert key_id in {row["servicePrincipalCredentialKeyId"] for row in tenant.sign_ins()}


def test_a_service_principal_without_an_application_here_signs_in(tenant: LocalTenant, robot: Robot):
    foreign = msgspec.structs.replace(
        robot.principal, id=ObjectId(str(uuid.uuid4())), app_id=AppId(str(uuid.uuid4())), display_name="foreign"
    )
    tenant.store.write(lambda conn: directory_objects.add(conn, tenant.tenant_id, foreign)).result()
    text, _ = add_secret(tenant, foreign.id, starts=NOW, ends=NOW + timedelta(days=1))
    form = with_secret(robot, client_id=foreign.app_id, client_secret=text)
    assert claims_in(post(tenant, form))["app_displayname"] == "foreign"


def test_a_secret_in_the_authorization_header_counts(tenant: LocalTenant, robot: Robot):
    encoded = base64.b64encode(f"{robot.app_id}:{robot.secret.replace('~', '%7E')}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": f"{GRAPH}/.default"}
    assert claims_in(post(tenant, form, headers={"Authorization": f"Basic {encoded}"}))["appid"] == robot.app_id
    assert claims_in(post(tenant, form | {"client_id": robot.app_id}, headers={"Authorization": f"basic {encoded}"}))


def test_a_secret_that_was_removed_opens_nothing_any_more(tenant: LocalTenant, robot: Robot):
    assert claims_in(post(tenant, with_secret(robot)))
    tenant.store.write(
        lambda conn: credentials.remove_password(conn, tenant.tenant_id, robot.application.id, robot.secret_id)
    ).result()
    refused_with(post(tenant, with_secret(robot)), 7000215)


@pytest.mark.parametrize(
    ("starts", "ends", "number"),
    [
        (-10, 1, None),
        (0, 1, None),
        (-10, 0, 7000222),
        (-10, -5, 7000222),
        (1, 10, 7000215),
        (5, -5, 7000215),
    ],
)
def test_a_secret_is_good_from_its_start_to_its_end(
    tenant: LocalTenant, robot: Robot, starts: int, ends: int, number: int | None
):
    text, _ = add_secret(
        tenant, robot.application.id, starts=NOW + timedelta(seconds=starts), ends=NOW + timedelta(seconds=ends)
    )
    answer = post(tenant, with_secret(robot, client_secret=text))
    if number is None:
        assert claims_in(answer)
    else:
        refused_with(answer, number)


def test_a_secret_ends_while_the_clock_goes_on(tenant: LocalTenant, robot: Robot):
    tenant.clock.move(days=30, seconds=-1)
    assert post(tenant, with_secret(robot)).status_code == 200
    tenant.clock.move(seconds=1)
    assert post(tenant, with_secret(robot)).json()["error_codes"] == [7000222]


@pytest.mark.parametrize("seconds", [0, 9])
def test_the_same_secret_twice_is_good_while_one_of_the_two_is(tenant: LocalTenant, robot: Robot, seconds: int):
    credential = PasswordCredential(
        key_id=KeyId(str(uuid.uuid4())), start_at=NOW - timedelta(days=2), end_at=NOW + timedelta(seconds=seconds)
    )
    tenant.store.write(
        lambda conn: credentials.add_password(
            conn, tenant.tenant_id, robot.principal.id, credential, secrets.digest(robot.secret)
        )
    ).result()
    assert claims_in(post(tenant, with_secret(robot)))


# -- tenants apart ------------------------------------------------------------------------------------------------


def test_an_application_of_one_tenant_is_unknown_in_another(tenant: LocalTenant, robot: Robot):
    other = tenant.store.write(
        lambda conn: create_tenant(
            conn,
            display_name="Fabrikam",
            domain="fabrikam",
            administrator_certificate=tenant.identity.facts,
            now=NOW,
        )
    ).result()
    refused_with(post(tenant, with_secret(robot), name=other.tenant.id), 700016)
    assert robot.app_id not in {row["appId"] for row in tenant.sign_ins() if row["status"]["errorCode"] == 700016}
