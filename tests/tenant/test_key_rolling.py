"""addKey, removeKey and addTokenSigningCertificate: who may, with what proof, and what the law says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws
from msgspec.structs import replace

from tests.local_tenant import Identity, LocalTenant, Workload, new_identity
from unsecret.tenant.certificates import certificate_credential

AUDIENCE = "00000002-0000-0000-c000-000000000000"
NEW = new_identity("next")
CODE = "Authentication_MissingOrMalformed"


@pytest.fixture
def rolling(tenant: LocalTenant) -> Workload:
    """An application with a certificate and without any permission."""
    return tenant.as_workload()


def proof(
    tenant: LocalTenant, issuer: str, *, signer: Identity | None = None, header: Any = None, **claims: Any
) -> str:
    """What the application signs to change its keys; a claim that is None is left out."""
    signer = signer or tenant.identity
    now = int(tenant.clock.now.timestamp())
    said = {"aud": AUDIENCE, "iss": issuer, "nbf": now, "exp": now + 600} | claims
    head = {"alg": "RS256", "x5t": signer.facts.thumbprint_sha1} | (header or {})
    registry = jws.JWSRegistry(algorithms=["RS256", "PS256", "RS512", "HS256"], strict_check_header=False)
    content = json.dumps({name: value for name, value in said.items() if value is not None})
    return jws.serialize_compact(
        {name: value for name, value in head.items() if value is not None}, content, signer.jwk, registry=registry
    )


def certificate(identity: Identity = NEW, **changed: Any) -> dict[str, Any]:
    key = base64.b64encode(identity.facts.der).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key} | changed


def adding(tenant: LocalTenant, object_id: str, **changed: Any) -> dict[str, Any]:
    body = {"keyCredential": certificate(), "passwordCredential": None, "proof": proof(tenant, object_id)}
    return body | changed


def test_an_application_rolls_its_own_key_without_any_permission(tenant: LocalTenant, rolling: Workload) -> None:
    path = f"/applications/{rolling.application.id}"
    added = tenant.must("POST", f"{path}/addKey", adding(tenant, rolling.application.id), token=rolling.token)
    assert added["@odata.context"].endswith("#microsoft.graph.keyCredential")
    assert (added["type"], added["usage"], added["key"]) == ("AsymmetricX509Cert", "Verify", None)
    assert added["customKeyIdentifier"] == NEW.facts.thumbprint
    keys = tenant.get(path)["keyCredentials"]
    assert [key["keyId"] for key in keys][1:] == [added["keyId"]]
    body = {"keyId": keys[0]["keyId"], "proof": proof(tenant, rolling.application.id, signer=NEW)}
    assert tenant.graph("POST", f"{path}/removeKey", body, token=rolling.token).status_code == 204
    assert [key["keyId"] for key in tenant.get(path)["keyCredentials"]] == [added["keyId"]]


def test_a_service_principal_rolls_its_own_keys_too(tenant: LocalTenant, rolling: Workload) -> None:
    path = f"/servicePrincipals/{rolling.principal.id}"
    tenant.must("PATCH", path, {"keyCredentials": [certificate(tenant.identity)]})
    body = adding(tenant, rolling.principal.id)
    tenant.must("POST", f"{path}/addKey", body, token=rolling.token)
    assert len(tenant.get(path)["keyCredentials"]) == 2


def test_the_keys_of_others_need_a_permission_and_the_proof_all_the_same(
    tenant: LocalTenant, rolling: Workload
) -> None:
    other = tenant.as_workload()
    path = f"/applications/{other.application.id}/addKey"
    body = adding(tenant, other.application.id)
    tenant.refused("POST", path, body, status=403, token=rolling.token)
    tenant.must("POST", path, body)
    tenant.refused("POST", path, body | {"proof": "a.b.c"}, status=401)


def test_a_deleted_application_rolls_nothing(tenant: LocalTenant, rolling: Workload) -> None:
    body = adding(tenant, rolling.application.id)
    tenant.must("DELETE", f"/servicePrincipals/{rolling.principal.id}")
    path = f"/applications/{rolling.application.id}/addKey"
    error = tenant.refused("POST", path, body, status=401, token=rolling.token)
    assert error["code"] == "Authorization_IdentityNotFound"


GOOD: dict[str, dict[str, Any]] = {
    "PS256": {"header": {"alg": "PS256"}},
    "by SHA-256": {"header": lambda tenant: {"x5t": None, "x5t#S256": tenant.identity.facts.thumbprint_sha256}},
    "by kid, as .NET writes it": {"header": lambda tenant: {"x5t": None, "kid": tenant.identity.facts.thumbprint}},
    "by nothing": {"header": {"x5t": None}},
    "without nbf": {"nbf": None},
    "upper case": {"iss": "UPPER"},
}


@pytest.mark.parametrize("name", GOOD)
def test_proofs_that_hold(tenant: LocalTenant, rolling: Workload, name: str) -> None:
    spoiled: dict[str, Any] = {key: value(tenant) if callable(value) else value for key, value in GOOD[name].items()}
    if "iss" in spoiled:
        spoiled["iss"] = rolling.application.id.upper()
    body = adding(tenant, rolling.application.id, proof=proof(tenant, rolling.application.id, **spoiled))
    tenant.must("POST", f"/applications/{rolling.application.id}/addKey", body, token=rolling.token)


Spoil = Callable[[LocalTenant, Workload], str]
BAD: dict[str, Spoil] = {
    "no JWT": lambda t, w: "abc",
    "padding": lambda t, w: ".".join(
        part + "=" * (-len(part) % 4) for part in proof(t, w.application.id, x="y").split(".")
    ),
    "another audience": lambda t, w: proof(t, w.application.id, aud="https://graph.microsoft.com"),
    "no audience": lambda t, w: proof(t, w.application.id, aud=None),
    "issued by the appId": lambda t, w: proof(t, w.application.app_id),
    "issued by the service principal": lambda t, w: proof(t, w.principal.id),
    "no issuer": lambda t, w: proof(t, w.application.id, iss=None),
    "a foreign issuer": lambda t, w: proof(t, "https://issuer.example"),
    "eleven minutes": lambda t, w: proof(t, w.application.id, exp=int(t.clock.now.timestamp()) + 601),
    "without an end": lambda t, w: proof(t, w.application.id, exp=None),
    "without a beginning, and long": lambda t, w: proof(
        t, w.application.id, nbf=None, exp=int(t.clock.now.timestamp()) + 601
    ),
    "over": lambda t, w: proof(
        t, w.application.id, nbf=int(t.clock.now.timestamp()) - 600, exp=int(t.clock.now.timestamp())
    ),
    "not begun": lambda t, w: proof(
        t, w.application.id, nbf=int(t.clock.now.timestamp()) + 301, exp=int(t.clock.now.timestamp()) + 400
    ),
    "a key that the application has not": lambda t, w: proof(t, w.application.id, signer=NEW),
    "a key that it has not, under the name of one that it has": lambda t, w: proof(
        t, w.application.id, signer=NEW, header={"x5t": t.identity.facts.thumbprint_sha1}
    ),
    "a key that it has not, without a name": lambda t, w: proof(t, w.application.id, signer=NEW, header={"x5t": None}),
    "another algorithm": lambda t, w: proof(t, w.application.id, header={"alg": "RS512"}),
    "a client assertion": lambda t, w: t.assertion(w.application.app_id),
}


@pytest.mark.parametrize("name", BAD)
def test_proofs_that_do_not_hold(tenant: LocalTenant, rolling: Workload, name: str) -> None:
    path = f"/applications/{rolling.application.id}"
    text = BAD[name](tenant, rolling)
    for action, body in (
        ("addKey", adding(tenant, rolling.application.id, proof=text)),
        ("removeKey", {"keyId": rolling.application.key_credentials[0].key_id, "proof": text}),
    ):
        error = tenant.refused("POST", f"{path}/{action}", body, status=401, token=rolling.token)
        assert error["code"] == CODE
        assert "Access Token missing or malformed" in error["message"]
        assert text not in error["message"]
    assert len(tenant.get(path)["keyCredentials"]) == 1
    assert tenant.audits()[0]["result"] == "failure"


def test_an_application_whose_certificates_have_ended_proves_nothing(tenant: LocalTenant) -> None:
    expired = replace(certificate_credential(tenant.identity.facts), end_at=tenant.clock.now)
    application, _ = tenant.seed_application(created_at=tenant.clock.now, key_credentials=(expired,))
    for header in ({}, {"x5t": None}):
        body = adding(tenant, application.id, proof=proof(tenant, application.id, header=header))
        error = tenant.refused("POST", f"/applications/{application.id}/addKey", body, status=401)
        assert error["code"] == CODE


@pytest.mark.parametrize(
    ("changed", "target"),
    [
        ({"keyCredential": None}, "keyCredential"),
        ({"keyCredential": certificate(usage="Sign")}, "keyCredential"),
        ({"keyCredential": certificate(type="Symmetric")}, "keyCredential"),
        ({"keyCredential": certificate(type="X509CertAndPassword", usage="Sign")}, "keyCredential"),
        ({"passwordCredential": {"secretText": "x"}}, "keyCredential"),
        ({"keyCredential": certificate(key=None)}, "key"),
        ({"keyCredential": certificate(key="AAAA")}, None),
        ({"proof": None}, "proof"),
        ({"proof": ""}, "proof"),
        ({"proof": "x" * 9000}, "proof"),
        ({"prove": "x"}, "prove"),
    ],
)
def test_what_can_be_added_is_bounded(
    tenant: LocalTenant, rolling: Workload, changed: dict[str, Any], target: str | None
) -> None:
    body = adding(tenant, rolling.application.id) | changed
    error = tenant.refused(
        "POST", f"/applications/{rolling.application.id}/addKey", body, status=400, token=rolling.token
    )
    if target:
        assert error["details"][0]["target"] == target


def test_a_key_id_that_is_taken_is_refused(tenant: LocalTenant, rolling: Workload) -> None:
    taken = rolling.application.key_credentials[0].key_id
    body = adding(tenant, rolling.application.id, keyCredential=certificate(keyId=taken))
    tenant.refused("POST", f"/applications/{rolling.application.id}/addKey", body, status=400, token=rolling.token)


def test_a_key_that_is_not_there_cannot_be_removed(tenant: LocalTenant, rolling: Workload) -> None:
    body = {"keyId": "99999999-9999-4999-8999-999999999999", "proof": proof(tenant, rolling.application.id)}
    path = f"/applications/{rolling.application.id}/removeKey"
    error = tenant.refused("POST", path, body, status=400, token=rolling.token)
    assert (error["code"], error["message"]) == ("Request_BadRequest", "No credentials found to be removed.")


def test_a_lifetime_that_is_limited_holds_for_keys_that_are_rolled(tenant: LocalTenant, rolling: Workload) -> None:
    entry = {"restrictionType": "asymmetricKeyLifetime", "state": "enabled", "maxLifetime": "P30D"}
    policy = {"isEnabled": True, "applicationRestrictions": {"keyCredentials": [entry]}}
    tenant.must("PATCH", "/policies/defaultAppManagementPolicy", policy)
    path = f"/applications/{rolling.application.id}/addKey"
    body = adding(tenant, rolling.application.id)
    error = tenant.refused("POST", path, body, status=400, token=rolling.token)
    assert error["code"] == "CredentialInvalidLifetimeAsPerAppPolicy"
    short = certificate(startDateTime="2026-11-22T00:00:00Z", endDateTime="2026-12-21T00:00:00Z")
    tenant.must("POST", path, body | {"keyCredential": short}, token=rolling.token)


def test_a_certificate_that_signs_comes_with_its_password_and_goes_with_it(
    tenant: LocalTenant, rolling: Workload
) -> None:
    path = f"/applications/{rolling.application.id}"
    body = adding(
        tenant,
        rolling.application.id,
        keyCredential=certificate(type="X509CertAndPassword", usage="Sign"),
        passwordCredential={"secretText": "MKTr0w1"},
    )
    added = tenant.must("POST", f"{path}/addKey", body, token=rolling.token)
    (password,) = tenant.get(path)["passwordCredentials"]
    assert (password["keyId"], password["hint"], password["secretText"]) == (added["keyId"], None, None)
    refused = tenant.token_request(client_id=rolling.application.app_id, client_secret="MKTr0w1")
    assert refused.status_code == 401
    gone = {"keyId": added["keyId"], "proof": proof(tenant, rolling.application.id)}
    tenant.must("POST", f"{path}/removeKey", gone, token=rolling.token)
    assert tenant.get(path)["passwordCredentials"] == []
    tenant.block_secrets()
    error = tenant.refused("POST", f"{path}/addKey", body, status=400, token=rolling.token)
    assert error["code"] == "CredentialTypeNotAllowedAsPerAppPolicy"


def test_a_rolled_key_is_recorded_and_the_proof_is_not(tenant: LocalTenant, rolling: Workload) -> None:
    body = adding(tenant, rolling.application.id)
    tenant.must("POST", f"/applications/{rolling.application.id}/addKey", body, token=rolling.token)
    record = tenant.audits()[0]
    assert record["activityDisplayName"] == "Update application – Certificates and secrets management "
    assert NEW.facts.subject in json.dumps(record)
    assert body["proof"] not in json.dumps(record)


# -- addTokenSigningCertificate --------------------------------------------------------------------------------------


@pytest.fixture
def principal(tenant: LocalTenant) -> str:
    return f"/servicePrincipals/{tenant.new_principal(tenant.new_application('saml')['appId'])['id']}"


def test_a_token_signing_certificate_is_made(tenant: LocalTenant, principal: str) -> None:
    made = tenant.must("POST", f"{principal}/addTokenSigningCertificate", {"displayName": "CN=SSO"})
    assert made["@odata.context"].endswith("#microsoft.graph.selfSignedCertificate")
    assert (made["displayName"], made["usage"], made["type"]) == ("CN=SSO", "Verify", "AsymmetricX509Cert")
    assert made["thumbprint"] == made["customKeyIdentifier"]
    assert (made["startDateTime"], made["endDateTime"]) == ("2026-11-22T12:00:00Z", "2029-11-22T12:00:00Z")
    shown = tenant.get(principal)
    assert shown["preferredTokenSigningKeyThumbprint"] == made["thumbprint"]
    signing, verifying = shown["keyCredentials"]
    assert (signing["usage"], signing["type"]) == ("Sign", "X509CertAndPassword")
    assert verifying["keyId"] == made["keyId"]
    assert signing["customKeyIdentifier"] == verifying["customKeyIdentifier"]
    assert [password["keyId"] for password in shown["passwordCredentials"]] == [signing["keyId"]]
    assert base64.b64decode(made["key"]).startswith(b"\x30")


def test_a_second_token_signing_certificate_waits_to_be_preferred(tenant: LocalTenant, principal: str) -> None:
    first = tenant.must("POST", f"{principal}/addTokenSigningCertificate", {"displayName": "CN=one"})
    tenant.must("POST", f"{principal}/addTokenSigningCertificate", {"displayName": "CN=two"})
    assert tenant.get(principal)["preferredTokenSigningKeyThumbprint"] == first["thumbprint"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"displayName": "SSO"},
        {"displayName": "CN="},
        {"displayName": "CN=" + "x" * 65},
        {"displayName": "CN=x", "endDateTime": "2029-11-23T12:00:00Z"},
        {"displayName": "CN=x", "endDateTime": "2026-11-22T12:00:00Z"},
        {"displayName": "CN=x", "endDateTime": "soon"},
        {"displayName": "CN=x", "keySize": 4096},
    ],
)
def test_a_token_signing_certificate_is_bounded(tenant: LocalTenant, principal: str, body: dict[str, Any]) -> None:
    tenant.refused("POST", f"{principal}/addTokenSigningCertificate", body, status=400)


def test_a_limited_lifetime_holds_for_token_signing_certificates(tenant: LocalTenant, principal: str) -> None:
    entry = {"restrictionType": "asymmetricKeyLifetime", "state": "enabled", "maxLifetime": "P365D"}
    policy = {"isEnabled": True, "servicePrincipalRestrictions": {"keyCredentials": [entry]}}
    tenant.must("PATCH", "/policies/defaultAppManagementPolicy", policy)
    error = tenant.refused("POST", f"{principal}/addTokenSigningCertificate", {"displayName": "CN=x"}, status=400)
    assert error["code"] == "CredentialInvalidLifetimeAsPerAppPolicy"
    short = {"displayName": "CN=x", "endDateTime": "2027-11-22T12:00:00Z"}
    tenant.must("POST", f"{principal}/addTokenSigningCertificate", short)


def test_a_block_of_secrets_leaves_single_sign_on_alone(tenant: LocalTenant, principal: str) -> None:
    tenant.block_secrets()
    tenant.must("POST", f"{principal}/addTokenSigningCertificate", {"displayName": "CN=x"})


def test_a_reader_makes_no_certificate(tenant: LocalTenant, principal: str) -> None:
    reader = tenant.as_workload("Application.Read.All").token
    body = {"displayName": "CN=x"}
    tenant.refused("POST", f"{principal}/addTokenSigningCertificate", body, status=403, token=reader)


def test_a_service_principal_drops_its_old_key_with_a_proof_by_the_new_one(
    tenant: LocalTenant, rolling: Workload
) -> None:
    principal = rolling.principal.id
    key = {**certificate(tenant.identity), "displayName": "old"}
    tenant.must("PATCH", f"/servicePrincipals/{principal}", {"keyCredentials": [key, certificate()]})
    old, new = tenant.get(f"/servicePrincipals/{principal}")["keyCredentials"]
    body = {"keyId": old["keyId"], "proof": proof(tenant, principal, signer=NEW)}
    tenant.must("POST", f"/servicePrincipals/{principal}/removeKey", body, token=rolling.token)
    assert [left["keyId"] for left in tenant.get(f"/servicePrincipals/{principal}")["keyCredentials"]] == [new["keyId"]]
