"""One table of tokens that are not good, and the two doors that each is tried at: Graph and Azure Resource Manager."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.local_tenant import BASE, Identity, LocalTenant

DOORS = {"graph": "/v1.0/applications", "arm": "/subscriptions"}
NOBODY = "5c1f2a57-0000-4000-8000-1d2c3b4a5f60"


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Forger:
    """Who has seen a good token for a door, and the public keys, and has a key of his own."""

    def __init__(self, tenant: LocalTenant, door: str):
        self.tenant = tenant
        graph, arm = (token_for(tenant, f"https://{host}") for host in ("graph.microsoft.com", "management.azure.com"))
        self.good, self.other_door = (graph, arm) if door == "graph" else (arm, graph)
        self.header_part, self.payload_part, self.signature = self.good.split(".")
        self.header, self.claims = decoded(self.header_part), decoded(self.payload_part)
        self.own: Identity = tenant.identity  # a key that is good for something else
        published = tenant.client.get(f"/{tenant.tenant_id}/discovery/v2.0/keys").json()["keys"][0]
        self.public = RSAKey.import_key({name: published[name] for name in ("kty", "n", "e")})

    def signed(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Signed with a key that the tenant does not sign with."""
        body = {**self.claims, **claims}
        return jwt.encode({**self.header, **(header or {})}, body, self.own.jwk, algorithms=["RS256", "PS256"])

    def hashed(self, key: bytes, algorithm: str = "HS256") -> str:
        """With a MAC, as if the algorithm were a symmetric one."""
        head = encoded({**self.header, "alg": algorithm})
        digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
        mac = hmac.digest(key, f"{head}.{self.payload_part}".encode(), digest().name)
        return f"{head}.{self.payload_part}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    def unsigned(self, algorithm: str) -> str:
        return f"{encoded({**self.header, 'alg': algorithm})}.{self.payload_part}."

    def issued(self, **claims: Any) -> str:
        """By the tenant's own key: what it would never put into a token."""
        return self.tenant.signing.sign({**self.claims, **claims})


def token_for(tenant: LocalTenant, resource: str) -> str:
    """The administrator's own token for another resource."""
    answer = tenant.token_request(
        client_id=tenant.new.client_id,
        scope=f"{resource}/.default",
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion=tenant.assertion(tenant.new.client_id),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def jwk_of(forger: Forger) -> dict[str, Any]:
    return dict(forger.own.jwk.as_dict(private=False))


FORGERIES: dict[str, Callable[[Forger], str]] = {
    # nobody signed it
    "alg none": lambda f: f.unsigned("none"),
    "alg None, in another case": lambda f: f.unsigned("nOnE"),
    "no signature": lambda f: f"{f.header_part}.{f.payload_part}.",
    "two parts": lambda f: f"{f.header_part}.{f.payload_part}",
    "the signature of another token": lambda f: f"{f.header_part}.{encoded({**f.claims, 'x': 1})}.{f.signature}",
    "a header that was changed afterwards": lambda f: f"{encoded({**f.header, 'x': 1})}.{f.payload_part}.{f.signature}",
    # the wrong one signed it
    "HS256 with the public key as PEM": lambda f: f.hashed(f.public.as_pem(private=False)),
    "HS256 with the public key as DER": lambda f: f.hashed(f.public.as_der(private=False)),
    "HS512 with nothing": lambda f: f.hashed(b"", "HS512"),
    "RS256 by another key under our name": lambda f: f.signed(),
    "RS256 by another key under its own name": lambda f: f.signed({"kid": f.own.jwk.thumbprint()}),
    "RS256 by another key, without a name": lambda f: jwt.encode({"alg": "RS256"}, f.claims, f.own.jwk),
    "PS256 by another key": lambda f: f.signed({"alg": "PS256"}),
    "a key that the token brings along": lambda f: f.signed({"jwk": jwk_of(f)}),
    "a key that lies elsewhere": lambda f: f.signed(
        {"jku": "https://evil.example/keys", "x5u": "https://evil.example"}
    ),
    "a name of a key that is a path": lambda f: f.signed({"kid": "../../../../dev/null"}),
    # we signed it, and it says the wrong thing
    "not yet good": lambda f: f.issued(nbf=f.claims["nbf"] + 100_000),
    "expired": lambda f: f.issued(exp=f.claims["iat"] - 1),
    "without an end": lambda f: f.issued(exp=None),
    "for another resource": lambda f: f.issued(aud="https://vault.azure.net"),
    "for several resources": lambda f: f.issued(aud=[f.claims["aud"], "https://vault.azure.net"]),
    "with the issuer of v2.0": lambda f: f.issued(iss=f"{BASE}/{f.tenant.tenant_id}/v2.0", ver="2.0"),
    "with the issuer of another tenant": lambda f: f.issued(iss=f"https://sts.windows.net/{NOBODY}/"),
    "of another tenant, by our issuer": lambda f: f.issued(tid=NOBODY),
    "of nobody": lambda f: f.issued(oid=None, sub=None),
    "with an id that is none": lambda f: f.issued(oid="everybody"),
    "with roles that are no list": lambda f: f.issued(roles="Application.ReadWrite.All"),
    # it was good elsewhere
    "for the other door": lambda f: f.other_door,
    "a client assertion": lambda f: f.tenant.assertion(f.tenant.new.client_id),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", FORGERIES)
def test_a_token_that_is_not_good_opens_nothing(tenant: LocalTenant, name: str, door: str) -> None:
    forged = FORGERIES[name](Forger(tenant, door))
    answer = tenant.client.get(DOORS[door], headers={"Authorization": f"Bearer {forged}"})
    assert answer.status_code == 401, answer.text
    error = answer.json()["error"]
    assert error["code"]
    assert forged not in answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("door", DOORS)
def test_the_token_that_the_forgeries_are_made_from_is_good(tenant: LocalTenant, door: str) -> None:
    forger = Forger(tenant, door)
    for good in (forger.good, forger.issued()):
        assert tenant.client.get(DOORS[door], headers={"Authorization": f"Bearer {good}"}).status_code == 200


def test_a_caller_that_was_deleted_is_nobody(tenant: LocalTenant) -> None:
    workload = tenant.as_workload("Application.ReadWrite.All")
    tenant.get("/applications", token=workload.token)
    tenant.must("DELETE", f"/servicePrincipals/{workload.principal.id}")
    for method, path, body in (
        ("GET", "/applications", None),
        ("POST", "/applications", {"displayName": "made by nobody"}),
        ("GET", "/organization", None),
    ):
        tenant.refused(method, path, body, status=401, token=workload.token)
