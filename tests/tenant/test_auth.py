"""From an Authorization header to a caller."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws

from tests.local_tenant import BASE, NOW, LocalTenant
from unsecret.errors import Unauthenticated
from unsecret.store.engine import Store
from unsecret.tenant.auth import authenticate, authenticate_arm
from unsecret.tenant.signing import SigningKeys

GRAPH = "https://graph.microsoft.com"


def _token(tenant: LocalTenant, **changed: Any) -> str:
    now = int(NOW.timestamp())
    tenant_id = tenant.tenant_id
    claims = {
        "aud": GRAPH,
        "iss": f"https://sts.windows.net/{tenant_id}/",
        "nbf": now,
        "exp": now + 60,
        "app_displayname": "app",
        "appid": "aaaaaaaa-0000-0000-0000-000000000001",
        "idtyp": "app",
        "oid": "bbbbbbbb-0000-0000-0000-000000000001",
        "roles": ["Application.Read.All"],
        "tid": tenant_id,
    } | changed
    return tenant.signing.sign({name: value for name, value in claims.items() if value is not ...})


def _caller(tenant: LocalTenant, **changed: Any):
    return authenticate(f"Bearer {_token(tenant, **changed)}", tenant.services, NOW)


def test_a_token_says_who_calls(tenant: LocalTenant):
    caller = _caller(tenant)
    assert caller.tenant_id == tenant.tenant_id
    assert caller.app_id == "aaaaaaaa-0000-0000-0000-000000000001"
    assert caller.service_principal_id == "bbbbbbbb-0000-0000-0000-000000000001"
    assert caller.display_name == "app"
    assert caller.roles == {"Application.Read.All"}


def test_a_token_without_roles_is_a_caller_who_may_nothing(tenant: LocalTenant):
    assert _caller(tenant, roles=...).roles == frozenset()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "  Bearer ", "Bearer  "])
def test_the_scheme_is_read_in_any_case(tenant: LocalTenant, scheme: str):
    assert authenticate(f"{scheme} {_token(tenant)}", tenant.services, NOW)


@pytest.mark.parametrize("header", [None, "", " ", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "token abc", "Bearerabc"])
def test_no_token_is_an_empty_token(tenant: LocalTenant, header: str | None):
    with pytest.raises(Unauthenticated, match="Access token is empty") as refused:
        authenticate(header, tenant.services, NOW)
    assert refused.value.code == "InvalidAuthenticationToken"


@pytest.mark.parametrize(
    "audience",
    [GRAPH, f"{GRAPH}/", "00000003-0000-0000-c000-000000000000", BASE, f"{BASE}/", "https://127.0.0.1:8443"],
)
def test_graph_goes_by_several_names(tenant: LocalTenant, audience: str):
    assert _caller(tenant, aud=audience)


@pytest.mark.parametrize(
    "audience",
    ["https://management.azure.com/", "https://graph.microsoft.com.evil.example", "https://localhost:9", "", "Graph"],
)
def test_a_token_for_somebody_else_is_refused(tenant: LocalTenant, audience: str):
    with pytest.raises(Unauthenticated, match="Invalid audience"):
        _caller(tenant, aud=audience)


@pytest.mark.parametrize(
    ("audience", "good"),
    [
        ("https://management.azure.com/", True),
        ("https://management.azure.com", True),
        ("https://management.core.windows.net/", True),
        ("797f4846-ba00-4fd7-ba43-dac1f8f63013", True),
        (f"{BASE}/", True),
        (GRAPH, False),
    ],
)
def test_azure_resource_manager_has_names_of_its_own(tenant: LocalTenant, audience: str, good: bool):
    header = f"Bearer {_token(tenant, aud=audience)}"
    if good:
        assert authenticate_arm(header, tenant.services, NOW).tenant_id == tenant.tenant_id
    else:
        with pytest.raises(Unauthenticated, match="Invalid audience"):
            authenticate_arm(header, tenant.services, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"idtyp": "user"},
        {"idtyp": ...},
        {"appid": ...},
        {"appid": "not a guid"},
        {"oid": ...},
        {"oid": 5},
        {"roles": "Application.Read.All"},
        {"app_displayname": 5},
        {"idtyp": "device"},
        {"scp": "User.Read"},
        {"idtyp": "user", "scp": "User.Read"},
        {"idtyp": "user", "upn": "ada@contoso.com"},
        {"idtyp": "user", "upn": "ada@contoso.com", "scp": ["User.Read"]},
        {"idtyp": "user", "upn": "ada@contoso.com", "scp": "User.Read", "oid": "ada"},
    ],
)
def test_a_token_that_is_nobodys_is_refused(tenant: LocalTenant, claims: dict[str, Any]):
    with pytest.raises(Unauthenticated, match="neither an application's nor a user's"):
        _caller(tenant, **claims)


@pytest.mark.parametrize("idtyp", ["user", ...])
@pytest.mark.parametrize("name", ["upn", "unique_name"])
def test_a_users_token_says_who_is_signed_in_and_to_what(tenant: LocalTenant, idtyp: Any, name: str):
    caller = _caller(tenant, idtyp=idtyp, scp="User.Read  Mail.Read", name="Ada Berg", roles=..., **{name: "ada@x.y"})
    assert caller.user is not None
    assert caller.user.id == "bbbbbbbb-0000-0000-0000-000000000001"
    assert (caller.user.display_name, caller.user.user_principal_name) == ("Ada Berg", "ada@x.y")
    assert caller.scopes == {"User.Read", "Mail.Read"}
    assert caller.app_id == "aaaaaaaa-0000-0000-0000-000000000001"
    assert caller.service_principal_id is None
    assert caller.roles == frozenset()


def test_application_permissions_in_a_users_token_count_for_nothing(tenant: LocalTenant):
    caller = _caller(tenant, idtyp="user", scp="User.Read", upn="ada@x.y", roles=["Application.ReadWrite.All"])
    assert caller.roles == frozenset()


def test_a_v2_issuer_is_not_graphs(tenant: LocalTenant):
    with pytest.raises(Unauthenticated, match="Invalid issuer"):
        _caller(tenant, iss=f"{BASE}/{tenant.tenant_id}/v2.0")


def test_graph_answers_a_missing_token_with_401_and_a_challenge(tenant: LocalTenant):
    answer = tenant.client.get("/v1.0/applications")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"


def test_an_expired_token_is_refused_by_graph_in_graphs_words(tenant: LocalTenant):
    tenant.clock.move(minutes=59)
    assert tenant.graph("GET", "/applications").status_code == 200
    tenant.clock.move(minutes=2)
    answer = tenant.graph("GET", "/applications")
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "Lifetime validation failed, the token is expired."


def test_a_token_of_another_directory_is_refused_by_graph(tenant: LocalTenant, tmp_path: Path):
    other = Store.open(tmp_path / "other.sqlite")
    theirs = SigningKeys.open(other, clock=lambda: NOW)
    other.close()
    payload = jws.extract_compact(tenant.token.encode()).payload
    forged = theirs.sign(json.loads(payload or b""))
    assert tenant.graph("GET", "/applications", token=forged).status_code == 401
