"""The documents that clients read before they sign in."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.local_tenant import BASE, LocalTenant
from unsecret.tenant.discovery import is_token_audience

PATHS = ("/{}/v2.0/.well-known/openid-configuration", "/{}/.well-known/openid-configuration")
KEYS = ("/{}/discovery/v2.0/keys", "/{}/discovery/keys")


def _get(tenant: LocalTenant, path: str, host: str = "localhost:8443"):
    answer = tenant.client.get(path, headers={"Host": host})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _configuration(tenant: LocalTenant, name: str, *, v2: bool = True, host: str = "localhost:8443"):
    return _get(tenant, PATHS[0 if v2 else 1].format(name), host)


def test_the_v2_document_has_what_msal_needs(tenant: LocalTenant):
    document = _configuration(tenant, tenant.tenant_id)
    authority = f"{BASE}/{tenant.tenant_id}"
    assert document["issuer"] == f"{authority}/v2.0"
    assert document["token_endpoint"] == f"{authority}/oauth2/v2.0/token"
    assert document["authorization_endpoint"] == f"{authority}/oauth2/v2.0/authorize"
    assert document["device_authorization_endpoint"] == f"{authority}/oauth2/v2.0/devicecode"
    assert document["jwks_uri"] == f"{authority}/discovery/v2.0/keys"
    assert document["request_uri_parameter_supported"] is False


def test_the_v1_document_has_the_issuer_of_v1_tokens(tenant: LocalTenant):
    document = _configuration(tenant, tenant.tenant_id, v2=False)
    assert document["issuer"] == f"https://sts.windows.net/{tenant.tenant_id}/"
    assert document["token_endpoint"] == f"{BASE}/{tenant.tenant_id}/oauth2/token"
    assert document["jwks_uri"] == f"{BASE}/{tenant.tenant_id}/discovery/keys"


@pytest.mark.parametrize("path", PATHS + KEYS)
def test_documents_may_be_cached_for_a_day(tenant: LocalTenant, path: str):
    answer = tenant.client.get(path.format(tenant.tenant_id))
    assert answer.headers["cache-control"] == "max-age=86400, private"
    assert answer.headers["x-ms-request-id"]


@pytest.mark.parametrize("spelled", ["contoso.onmicrosoft.com", "CONTOSO.OnMicrosoft.com"])
def test_a_tenant_goes_by_its_domain_and_is_answered_with_its_id(tenant: LocalTenant, spelled: str):
    assert _configuration(tenant, spelled) == _configuration(tenant, tenant.tenant_id)
    assert _configuration(tenant, tenant.tenant_id.upper()) == _configuration(tenant, tenant.tenant_id)


@pytest.mark.parametrize("name", ["common", "organizations", "consumers", "Common"])
def test_no_tenant_in_particular_has_a_placeholder_in_its_issuer(tenant: LocalTenant, name: str):
    document = _configuration(tenant, name)
    assert document["issuer"] == f"{BASE}/{{tenantid}}/v2.0"
    assert document["token_endpoint"] == f"{BASE}/{name.lower()}/oauth2/v2.0/token"
    assert _configuration(tenant, name, v2=False)["issuer"] == "https://sts.windows.net/{tenantid}/"


@pytest.mark.parametrize("path", PATHS + KEYS)
@pytest.mark.parametrize("name", ["fabrikam.onmicrosoft.com", "99999999-2222-3333-4444-555555555555", "%20", "ä"])
def test_an_unknown_tenant_is_answered_as_msal_expects(tenant: LocalTenant, path: str, name: str):
    answer = tenant.client.get(path.format(name))
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert answer.json()["error_codes"] == [90002]
    assert answer.json()["error_description"].startswith("AADSTS90002: Tenant '")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8443", BASE),
        ("127.0.0.1:8443", "https://127.0.0.1:8443"),
        ("[::1]:8443", "https://[::1]:8443"),
        ("localhost:9000", "https://localhost:9000"),
        ("login.microsoftonline.com", "https://login.microsoftonline.com"),
        ("LOGIN.microsoftonline.com", "https://login.microsoftonline.com"),
        ("evil.example", BASE),
        ("evil.example:8443", BASE),
        ("localhost.evil.example", BASE),
        ("localhost:8443@evil.example", BASE),
        ("localhost:8443/evil", BASE),
        ("", BASE),
    ],
)
def test_addresses_are_on_the_host_that_was_asked_if_it_is_ours(tenant: LocalTenant, host: str, origin: str):
    document = _configuration(tenant, tenant.tenant_id, host=host)
    assert document["token_endpoint"] == f"{origin}/{tenant.tenant_id}/oauth2/v2.0/token"
    assert document["issuer"] == f"{origin}/{tenant.tenant_id}/v2.0"
    assert urlsplit(document["jwks_uri"]).netloc == urlsplit(origin).netloc


def test_microsofts_login_hosts_have_one_issuer(tenant: LocalTenant):
    for host in ("login.windows.net", "login.microsoft.com", "sts.windows.net", "login.microsoftonline.com"):
        document = _configuration(tenant, tenant.tenant_id, host=host)
        assert document["issuer"] == f"https://login.microsoftonline.com/{tenant.tenant_id}/v2.0"
        assert document["msgraph_host"] == "graph.microsoft.com"
    assert _configuration(tenant, tenant.tenant_id)["msgraph_host"] == "localhost:8443"


def test_the_keys_name_the_issuer_in_v2_only(tenant: LocalTenant):
    (v2,) = _get(tenant, KEYS[0].format(tenant.tenant_id))["keys"]
    (v1,) = _get(tenant, KEYS[1].format(tenant.tenant_id))["keys"]
    assert v2["issuer"] == f"{BASE}/{tenant.tenant_id}/v2.0"
    assert v1 == {name: value for name, value in v2.items() if name != "issuer"}


# -- instance discovery -------------------------------------------------------------------------------------------


def _instance(tenant: LocalTenant, endpoint: str):
    query = {"api-version": "1.1", "authorization_endpoint": endpoint}
    return tenant.client.get("/common/discovery/instance", params=query)


def test_our_own_authority_is_a_known_instance(tenant: LocalTenant):
    answer = _instance(tenant, f"{BASE}/{tenant.tenant_id}/oauth2/v2.0/authorize").json()
    assert answer["tenant_discovery_endpoint"] == (f"{BASE}/{tenant.tenant_id}/v2.0/.well-known/openid-configuration")
    aliases = {alias for group in answer["metadata"] for alias in group["aliases"]}
    assert {"localhost:8443", "login.microsoftonline.com", "login.windows.net"} <= aliases


def test_microsofts_authority_is_a_known_instance(tenant: LocalTenant):
    answer = _instance(tenant, "https://login.microsoftonline.com/common/oauth2/authorize").json()
    assert answer["tenant_discovery_endpoint"].startswith("https://login.microsoftonline.com/common/")
    (group,) = answer["metadata"]
    assert group["preferred_network"] == "login.microsoftonline.com"


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "https://evil.example/common/oauth2/authorize",
        "http://localhost:8443/common/oauth2/authorize",
        "https://localhost@evil.example/",
        "https://[::1/",
    ],
)
def test_a_foreign_authority_is_no_instance(tenant: LocalTenant, endpoint: str):
    answer = _instance(tenant, endpoint)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_instance"
    assert answer.json()["error_codes"] == [50049]


# -- what an assertion may be addressed to ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "good"),
    [
        ("https://localhost:8443/{}/oauth2/v2.0/token", True),
        ("https://localhost:8443/{}/oauth2/token", True),
        ("https://localhost:8443/{}/v2.0", True),
        ("https://localhost:8443/{}/", True),
        ("https://localhost:8443/{}", True),
        ("https://127.0.0.1:8443/{}/oauth2/v2.0/token", True),
        ("https://localhost/{}/oauth2/v2.0/token", True),
        ("https://LOCALHOST:8443/{}/oauth2/v2.0/token", True),
        ("https://localhost:8443/Contoso.onmicrosoft.com/oauth2/v2.0/token", True),
        ("https://login.microsoftonline.com/{}/oauth2/v2.0/token", True),
        ("https://login.windows.net/{}/oauth2/token", True),
        ("https://sts.windows.net/{}/", True),
        ("https://localhost:8443/common/oauth2/v2.0/token", False),
        ("https://localhost:8443/fabrikam.onmicrosoft.com/oauth2/v2.0/token", False),
        ("https://localhost:8443/{}/oauth2/v2.0/authorize", False),
        ("https://evil.example/{}/oauth2/v2.0/token", False),
        ("http://localhost:8443/{}/oauth2/v2.0/token", False),
        ("https://user@localhost:8443/{}/oauth2/v2.0/token", False),
        ("https://sts.windows.net/99999999-2222-3333-4444-555555555555/", False),
        ("https://localhost:99999/{}/v2.0", False),
        ("{}", False),
        ("", False),
    ],
)
def test_an_assertion_is_for_us_on_every_host_of_ours(tenant: LocalTenant, audience: str, good: bool):
    given = audience.format(tenant.tenant_id)
    assert is_token_audience(given, tenant.new.tenant, tenant.services.settings) is good
