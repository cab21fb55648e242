"""Whatever is thrown at it, the tenant answers in Graph's words, never with a 500, and nothing has changed."""

from __future__ import annotations

import base64
import hmac
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.local_tenant import Identity, LocalTenant, new_identity
from unsecret.tenant import pki
from unsecret.tenant.signing import SigningKeys

pytestmark = pytest.mark.promise

DEEP = "[" * 100_000
WRITES = [
    ("POST", "/v1.0/applications"),
    ("PATCH", "/v1.0/applications/{app}"),
    ("POST", "/v1.0/applications/{app}/addPassword"),
    ("POST", "/v1.0/applications/{app}/removePassword"),
    ("POST", "/v1.0/applications/{app}/owners/$ref"),
    ("POST", "/v1.0/applications/{app}/appManagementPolicies/$ref"),
    ("POST", "/v1.0/servicePrincipals"),
    ("PATCH", "/v1.0/servicePrincipals/{sp}"),
    ("POST", "/v1.0/servicePrincipals/{sp}/appRoleAssignments"),
    ("PATCH", "/v1.0/policies/defaultAppManagementPolicy"),
    ("PATCH", "/beta/policies/defaultAppManagementPolicy"),
    ("POST", "/v1.0/policies/appManagementPolicies"),
    ("PATCH", "/v1.0/policies/appManagementPolicies/{policy}"),
    ("POST", "/beta/directory/certificateAuthorities/certificateBasedApplicationConfigurations"),
    ("POST", "/v1.0/directoryObjects/getByIds"),
]


@pytest.fixture(scope="module")
def tenant(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, identity: Identity, signing: SigningKeys
) -> Iterator[LocalTenant]:
    """One tenant for all: nothing here may change it, so nothing here can come in another test's way."""
    local = LocalTenant(shutil.copytree(migrated, tmp_path_factory.mktemp("bad") / "data"), identity, signing)
    yield local
    local.close()


@pytest.fixture(scope="module")
def places(tenant: LocalTenant) -> dict[str, str]:
    made = tenant.new_application("stays as it is", identifierUris=["api://stays"])
    policy = tenant.must("POST", "/policies/appManagementPolicies", {"displayName": "a", "description": "b"})
    return {"app": made["id"], "sp": tenant.new_principal(made["appId"])["id"], "policy": policy["id"]}


def everything(tenant: LocalTenant) -> list[Any]:
    """All that a bad request could have changed."""
    return [
        tenant.get(path)
        for path in (
            "/applications?$top=999",
            "/servicePrincipals?$top=999",
            "/beta/policies/defaultAppManagementPolicy",
            "/beta/policies/appManagementPolicies",
            "/beta/directory/certificateAuthorities/certificateBasedApplicationConfigurations",
        )
    ]


def send(tenant: LocalTenant, method: str, url: str, content: bytes | str, content_type: str = "application/json"):
    headers = {"Authorization": f"Bearer {tenant.token}", "Content-Type": content_type}
    return tenant.client.request(method, url, content=content, headers=headers)


def assert_refused_in_graphs_words(answer) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    error = answer.json()["error"]
    assert error["code"]
    assert error["message"]
    assert set(error["innerError"]) >= {"date", "request-id", "client-request-id"}


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "nonsense",
        '{"a":}',
        b"\xff\xfe",
        '{"displayName": "\\ud800"}',
        DEEP,
        '{"a":' * 5000,
        "NaN",
        "[1,2]",
        '"text"',
        "1e999",
    ],
    ids=lambda content: repr(content[:12]),
)
@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_body_that_is_no_json_object_changes_nothing(
    tenant: LocalTenant, places: dict[str, str], method: str, path: str, content: bytes | str
) -> None:
    before = everything(tenant)
    assert_refused_in_graphs_words(send(tenant, method, path.format(**places), content))
    assert everything(tenant) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1.0/applications", {}),
        ("POST", "/v1.0/applications", {"displayName": None}),
        ("POST", "/v1.0/applications", {"displayName": 3}),
        ("POST", "/v1.0/applications", {"displayName": "x" * 300}),
        ("POST", "/v1.0/applications", {"displayName": "x", "nonsense": 1}),
        ("POST", "/v1.0/applications", {"displayName": "x", "signInAudience": "Everybody"}),
        ("POST", "/v1.0/applications", {"displayName": "x", "identifierUris": "api://x"}),
        ("POST", "/v1.0/applications", {"displayName": "x", "identifierUris": ["https://[", "api://x"]}),
        ("POST", "/v1.0/applications", {"displayName": "x", "identifierUris": ["api://stays"]}),
        ("POST", "/v1.0/applications", {"displayName": "x", "web": []}),
        ("POST", "/v1.0/applications", {"displayName": "x", "api": {"requestedAccessTokenVersion": 7}}),
        ("POST", "/v1.0/applications", {"displayName": "x", "keyCredentials": {}}),
        ("POST", "/v1.0/applications", {"displayName": "x", "passwordCredentials": [{"endDateTime": "soon"}]}),
        ("PATCH", "/v1.0/applications/{app}", {"displayName": ""}),
        ("PATCH", "/v1.0/applications/{app}", {"appId": "1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e"}),
        ("PATCH", "/v1.0/applications/{app}", {"keyCredentials": [{"key": "%%%"}]}),
        ("PATCH", "/v1.0/applications/{app}", {"keyCredentials": [{"keyId": "not a guid"}]}),
        ("POST", "/v1.0/applications/{app}/addPassword", {"passwordCredential": []}),
        (
            "POST",
            "/v1.0/applications/{app}/addPassword",
            {"passwordCredential": {"endDateTime": "2026-13-45T00:00:00Z"}},
        ),
        (
            "POST",
            "/v1.0/applications/{app}/addPassword",
            {"passwordCredential": {"endDateTime": "2020-01-01T00:00:00Z"}},
        ),
        (
            "POST",
            "/v1.0/applications/{app}/addPassword",
            {"passwordCredential": {"startDateTime": "9999-06-01T00:00:00Z"}},
        ),
        ("POST", "/v1.0/applications/{app}/addPassword", {"passwordCredential": {"secretText": "my own"}}),
        ("POST", "/v1.0/applications/{app}/addPassword", {"password": {}}),
        ("POST", "/v1.0/applications/{app}/removePassword", {}),
        ("POST", "/v1.0/applications/{app}/owners/$ref", {"@odata.id": "nonsense"}),
        ("POST", "/v1.0/applications/{app}/appManagementPolicies/$ref", {"@odata.id": 3}),
        ("POST", "/v1.0/servicePrincipals", {"appId": "nonsense"}),
        ("POST", "/v1.0/servicePrincipals", {"appId": "1f0d5b9a-7c3e-4a55-9d10-5a6f0c1b2d3e"}),
        ("PATCH", "/v1.0/servicePrincipals/{sp}", {"accountEnabled": "yes"}),
        ("PATCH", "/v1.0/servicePrincipals/{sp}", {"customSecurityAttributes": "all"}),
        ("POST", "/v1.0/servicePrincipals/{sp}/appRoleAssignments", {"principalId": "x"}),
        ("PATCH", "/v1.0/policies/defaultAppManagementPolicy", {"isEnabled": "true"}),
        ("POST", "/v1.0/policies/appManagementPolicies", {"displayName": 1, "description": 2}),
        ("POST", "/beta/directory/certificateAuthorities/certificateBasedApplicationConfigurations", {}),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_whole(
    tenant: LocalTenant, places: dict[str, str], method: str, path: str, body: Any
) -> None:
    before = everything(tenant)
    assert_refused_in_graphs_words(send(tenant, method, path.format(**places), json.dumps(body)))
    assert everything(tenant) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=10), children, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    [
        *(
            "displayName",
            "identifierUris",
            "web",
            "api",
            "spa",
            "publicClient",
            "info",
            "tags",
            "appRoles",
            "uniqueName",
        ),
        *("keyCredentials", "passwordCredentials", "passwordCredential", "keyId", "appId", "signInAudience", "ids"),
        *("isEnabled", "restrictions", "applicationRestrictions", "description", "accountEnabled", "@odata.id"),
        *("requiredResourceAccess", "optionalClaims", "customSecurityAttributes", "principalId"),
    ]
)


@settings(max_examples=150)
@given(body=st.dictionaries(MEMBERS, JSON, max_size=4), call=st.sampled_from(WRITES))
def test_no_body_makes_it_fail(tenant: LocalTenant, places: dict[str, str], body: dict, call: tuple[str, str]) -> None:
    method, path = call
    answer = send(tenant, method, path.format(**places), json.dumps(body))
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "query",
    [
        "$filter=",
        "$filter=((((",
        "$filter=" + "(" * 5000,
        "$filter=displayName eq",
        "$filter=nonsense eq 'x'",
        "$filter=displayName eq 'a' and",
        "$top=0",
        "$top=1000",
        "$top=x",
        "$skiptoken=nonsense",
        "$skiptoken=" + "A" * 20_000,
        "$orderby=;drop table",
        "$select=nonsense(",
        "$nonsense=1",
        "$expand=everything",
    ],
    ids=lambda query: query[:30],
)
def test_a_query_that_makes_no_sense_is_400(tenant: LocalTenant, query: str) -> None:
    assert_refused_in_graphs_words(tenant.graph("GET", f"/applications?{query}"))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1.0/applications?$filter=displayName eq '%00'", ""),
        ("GET", "/v1.0/applications(uniqueName='a%00')", ""),
        ("DELETE", "/v1.0/applications/%00", ""),
        ("POST", "/v1.0/applications", r'{"displayName": "a\u0000b"}'),
        ("POST", "/v1.0/applications", r'{"displayName": "a", "web": {"redirectUris": ["https://a\u0000"]}}'),
        ("POST", "/v1.0/applications", r'{"displayName": "a", "\u0000": 1}'),
        ("POST", "/v1.0/directoryObjects/getByIds", r'{"ids": ["\u0000"]}'),
        ("GET", "/common/oauth2/v2.0/authorize?client_id=%00", ""),
    ],
)
def test_a_nul_is_refused_wherever_it_stands(tenant: LocalTenant, method: str, path: str, body: str) -> None:
    answer = send(tenant, method, path, body)
    assert_refused_in_graphs_words(answer)
    assert "NUL" in answer.json()["error"]["message"]


def test_a_nul_in_a_form_is_refused(tenant: LocalTenant) -> None:
    answer = tenant.token_request(client_id="a\0b", client_secret="c")
    assert answer.status_code == 400
    assert "NUL" in answer.json()["error_description"]


def test_what_only_looks_like_a_nul_is_kept(tenant: LocalTenant) -> None:
    made = tenant.new_application(r"not a NUL: \u0000")
    assert made["displayName"] == r"not a NUL: \u0000"
    tenant.must("DELETE", f"/applications/{made['id']}")


@pytest.mark.parametrize("path", ["/v1.0/applications", "/v1.0/policies/defaultAppManagementPolicy"])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(tenant: LocalTenant, path: str) -> None:
    method = "PATCH" if "policies" in path else "POST"
    began = time.monotonic()
    answer = send(tenant, method, path, b'{"displayName": "' + b"x" * 10_000_000 + b'"}')
    assert answer.status_code == 413
    assert answer.json()["error"]["code"]
    assert time.monotonic() - began < 5


LONG = "a" * 50_000


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1.0/applications/{app}/owners/" + LONG + "/$ref"),
        ("DELETE", "/v1.0/applications/{app}/appManagementPolicies/" + LONG + "/$ref"),
        ("GET", "/v1.0/applications(uniqueName='" + LONG + "')"),
        ("GET", "/v1.0/" + LONG),
        ("PUT", "/v1.0/applications/" + LONG),
        ("GET", "/" + LONG),
    ],
    ids=lambda value: value[:40],
)
def test_an_error_is_short_however_long_the_path(
    tenant: LocalTenant, places: dict[str, str], method: str, path: str
) -> None:
    answer = send(tenant, method, path.format(**places), "")
    assert answer.status_code in (404, 405, 501)
    assert len(answer.json()["error"]["message"]) < 1000
    assert len(tenant.audits()[0]["resultReason"]) < 1000


@pytest.mark.parametrize("path", ["/v1.0", "/beta", "/V1.0/", "//v1.0//"])
def test_the_root_of_a_version_leads_nowhere(tenant: LocalTenant, path: str) -> None:
    assert_refused_in_graphs_words(send(tenant, "GET", path, ""))


def test_a_body_needs_its_content_type(tenant: LocalTenant) -> None:
    answer = send(tenant, "POST", "/v1.0/applications", '{"displayName": "x"}', "text/plain")
    assert_refused_in_graphs_words(answer)
    assert "Content-Type" in answer.json()["error"]["message"]


# -- tokens ---------------------------------------------------------------------------------------------------------


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def forged(tenant: LocalTenant) -> dict[str, str]:
    """Tokens that a thief might try."""
    claims = claims_of(tenant.token)
    header, payload, signature = tenant.token.split(".")
    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    published = tenant.client.get(f"/{tenant.tenant_id}/discovery/v2.0/keys").json()["keys"][0]
    public_pem = RSAKey.import_key({name: published[name] for name in ("kty", "n", "e")}).as_pem(private=False)
    own = RSAKey.import_key(pki.private_to_pem(new_identity("thief").key))
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    more = base64.urlsafe_b64encode(json.dumps({**claims, "roles": ["Everything"]}).encode()).rstrip(b"=").decode()
    confused = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": kid}).encode()).rstrip(b"=").decode()
    mac = hmac.digest(public_pem, f"{confused}.{payload}".encode(), "sha256")
    return {
        "unsigned": f"{none}.{payload}.",
        "signature cut off": f"{header}.{payload}.",
        "claims replaced": f"{header}.{more}.{signature}",
        "signed by somebody else": jwt.encode({"alg": "RS256", "kid": kid}, claims, own),
        "HMAC with the public key": f"{confused}.{payload}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}",
        "key brought along": jwt.encode({"alg": "RS256", "kid": kid, "jwk": own.as_dict(private=False)}, claims, own),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "unsigned",
        "signature cut off",
        "claims replaced",
        "signed by somebody else",
        "HMAC with the public key",
        "key brought along",
    ],
)
def test_a_forged_token_opens_nothing(tenant: LocalTenant, kind: str) -> None:
    error = tenant.refused("GET", "/applications", status=401, token=forged(tenant)[kind])
    assert error["code"] == "InvalidAuthenticationToken"


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "https://somewhere.example"},
        {"iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/"},
        {"exp": 0},
        {"nbf": 99999999999},
        {"exp": "soon"},
        {"tid": None},
        {"idtyp": "user"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_token_of_ours_for_something_else_opens_nothing(tenant: LocalTenant, change: dict) -> None:
    token = tenant.signing.sign({**claims_of(tenant.token), **change})
    tenant.refused("GET", "/applications", status=401, token=token)
