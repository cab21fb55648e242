"""The token endpoint, asked with somebody else's token: who is believed, and what is written down of everybody else."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt

from tests.issuer import (
    AUDIENCE,
    KEY_OF,
    NAME,
    OTHER_RSA,
    RSA,
    SECONDS,
    SUBJECT,
    Network,
    claims,
    public,
    signed,
)
from tests.local_tenant import Identity, LocalTenant
from tests.tenant.robots import GRAPH, JWT_BEARER, Robot, claims_in, new_robot, post, refused_with
from unsecret.tenant.assertions import FOREIGN_ALGORITHMS
from unsecret.tenant.issuers import Issuers
from unsecret.tenant.signing import SigningKeys

GITHUB = "https://token.actions.githubusercontent.com"


@pytest.fixture
def network() -> Network:
    """Where one issuer is, and nobody else."""
    made = Network()
    made.publish()
    return made


@pytest.fixture
def tenant(own_directory: Path, identity: Identity, signing: SigningKeys, network: Network) -> Iterator[LocalTenant]:
    """A tenant that may ask that issuer."""
    issuers = Issuers({NAME: NAME, GITHUB: GITHUB}, transport=network)
    local = LocalTenant(own_directory, identity, signing, issuers=issuers, movable=True)
    yield local
    local.close()


@pytest.fixture
def robot(tenant: LocalTenant) -> Robot:
    """An application that trusts one subject of that issuer."""
    made = new_robot(tenant)
    trust(tenant, made)
    return made


def trust(tenant: LocalTenant, robot: Robot, name: str = "workload", **changed: Any) -> str:
    body = {"name": name, "issuer": NAME, "subject": SUBJECT, "audiences": [AUDIENCE]} | changed
    path = f"/beta/applications/{robot.application.id}/federatedIdentityCredentials"
    return tenant.must("POST", path, body)["id"]


def present(tenant: LocalTenant, robot: Robot, token: str, **changed: str):
    form = {
        "grant_type": "client_credentials",
        "client_id": robot.app_id,
        "client_assertion_type": JWT_BEARER,
        "client_assertion": token,
        "scope": f"{GRAPH}/.default",
    }
    return post(tenant, form | changed)


def test_a_trusted_token_is_exchanged(tenant: LocalTenant, robot: Robot) -> None:
    issued = claims_in(present(tenant, robot, signed(claims())))
    assert (issued["appid"], issued["appidacr"]) == (robot.app_id, "2")


def test_the_record_names_the_credential(tenant: LocalTenant, robot: Robot) -> None:
    credential_id = trust(tenant, robot, "other", subject="other")
    present(tenant, robot, signed(claims(sub="other")))
    row = tenant.sign_ins()[0]
    assert row["status"]["errorCode"] == 0
    assert row["clientCredentialType"] == "federatedIdentityCredential"
    assert row["federatedCredentialId"] == credential_id
    assert not row["servicePrincipalCredentialKeyId"]
    assert not row["servicePrincipalCredentialThumbprint"]


@pytest.mark.parametrize("algorithm", FOREIGN_ALGORITHMS)
def test_every_algorithm_that_issuers_use_is_understood(tenant: LocalTenant, robot: Robot, algorithm: str) -> None:
    token = signed(claims(), alg=algorithm, key=KEY_OF.get(algorithm, RSA))
    assert present(tenant, robot, token).status_code == 200


def test_a_token_without_the_name_of_a_key_is_held_against_those_that_fit(tenant: LocalTenant, robot: Robot) -> None:
    assert present(tenant, robot, signed(claims(), kid=None)).status_code == 200


MISMATCHES = [
    ({"iss": "https://stranger.example"}, 700211, "'https://stranger.example'"),
    ({"iss": f"{NAME}/"}, 700211, "issuer"),
    ({"sub": "system:serviceaccount:default:other"}, 700213, "'system:serviceaccount:default:other'"),
    ({"sub": None}, 700213, "subject"),
    ({"sub": SUBJECT.upper()}, 7002138, "case-sensitive"),
    ({"aud": "https://gitlab.com"}, 700212, "'https://gitlab.com'"),
    ({"aud": None}, 700212, "audience"),
    ({"exp": SECONDS - 301}, 700024, "valid time range"),
    ({"nbf": SECONDS + 301}, 700024, "valid time range"),
    ({"exp": None}, 50027, "'exp'"),
]


@pytest.mark.parametrize(("changed", "number", "words"), MISMATCHES)
def test_a_token_for_something_else_is_refused_and_recorded(
    tenant: LocalTenant, robot: Robot, changed: dict[str, Any], number: int, words: str
) -> None:
    assert words in refused_with(present(tenant, robot, signed(claims(**changed))), number)
    row = tenant.sign_ins()[0]
    assert row["status"]["errorCode"] == number
    assert row["clientCredentialType"] == "federatedIdentityCredential"
    assert row["appId"] == robot.app_id


def test_an_issuer_is_not_asked_about_a_token_that_nobody_trusts(
    tenant: LocalTenant, robot: Robot, network: Network
) -> None:
    for changed, number, _ in MISMATCHES[:7]:
        refused_with(present(tenant, robot, signed(claims(**changed))), number)
    assert network.asked == []


def _spliced(token: str, **header: Any) -> str:
    """The same claims and signature under another header."""
    _, payload, signature = token.split(".")
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{head}.{payload}.{signature}"


def _with_hmac(token: str, secret: bytes) -> str:
    """The same claims, "signed" with what everybody knows."""
    content = _spliced(token, alg="HS256", kid="rsa").rpartition(".")[0]
    digest = hmac.digest(secret, content.encode(), "sha256")
    return f"{content}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


FORGERIES = {
    "another key of this name": (lambda: signed(claims(), key=OTHER_RSA, kid="rsa"), 700027),
    "a key that is not published": (lambda: signed(claims(), key=OTHER_RSA), 700027),
    "no name, and no key of the issuer": (lambda: signed(claims(), key=OTHER_RSA, kid=None), 700027),
    "no signature": (lambda: signed(claims()).rpartition(".")[0] + ".", 700027),
    "alg none": (lambda: _spliced(signed(claims()), alg="none").rpartition(".")[0] + ".", 50027),
    "alg None": (lambda: _spliced(signed(claims()), alg="None", kid="rsa"), 50027),
    "alg of another family": (lambda: _spliced(signed(claims()), alg="ES256", kid="rsa"), 700027),
    "PS256 said of an RS256 signature": (lambda: _spliced(signed(claims()), alg="PS256", kid="rsa"), 700027),
    "a curve of another algorithm": (lambda: signed(claims(), alg="ES256", key=KEY_OF["ES256"], kid="P-384"), 700027),
    "HS256 with the public key": (
        lambda: _with_hmac(signed(claims()), RSA.as_pem(private=False)),
        50027,
    ),
    "jku": (lambda: signed(claims(), key=OTHER_RSA, jku="https://evil.example/keys"), 700027),
    "x5u": (lambda: signed(claims(), key=OTHER_RSA, x5u="https://evil.example/certificate"), 700027),
    "jwk": (lambda: signed(claims(), key=OTHER_RSA, kid=None, jwk=public(OTHER_RSA)), 700027),
    "crit": (lambda: _spliced(signed(claims()), alg="RS256", kid="rsa", crit=["exp"]), 50027),
    "a name that is none": (lambda: signed(claims(), kid="../rsa"), 700027),
    "claims that were changed": (
        lambda: ".".join(
            (signed(claims()).split(".")[0], signed(claims(x=1)).split(".")[1], signed(claims()).split(".")[2])
        ),
        700027,
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused_and_recorded(tenant: LocalTenant, robot: Robot, network: Network, name: str) -> None:
    make, number = FORGERIES[name]
    refused_with(present(tenant, robot, make()), number)
    row = tenant.sign_ins()[0]
    assert (row["status"]["errorCode"], row["appId"]) == (number, robot.app_id)
    assert not [url for url in network.asked if not url.startswith(NAME)]


@pytest.mark.parametrize(
    "key",
    [
        public(RSA) | {"use": "enc"},
        public(RSA) | {"alg": "PS256"},
        public(RSA) | {"key_ops": ["sign"]},
        public(RSA) | {"kty": "EC"},
        public(RSA) | {"n": "AQAB"},
        public(RSA) | {"n": "A" * 100_000},
        public(RSA) | {"e": "AQ"},
        public(RSA) | {"n": None},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"},
        {"kid": "rsa"},
    ],
)
def test_a_key_that_is_not_for_this_is_not_used(
    tenant: LocalTenant, robot: Robot, network: Network, key: dict[str, Any]
) -> None:
    network.publish(key)
    refused_with(present(tenant, robot, signed(claims())), 700027)


def test_a_token_of_one_application_signs_no_other_in(tenant: LocalTenant, robot: Robot) -> None:
    other = new_robot(tenant)
    refused_with(present(tenant, other, signed(claims())), 700211)


def test_a_token_is_good_until_its_credential_is_deleted(tenant: LocalTenant, robot: Robot) -> None:
    token = signed(claims())
    assert present(tenant, robot, token).status_code == 200
    tenant.must("DELETE", f"/applications/{robot.application.id}/federatedIdentityCredentials/workload")
    refused_with(present(tenant, robot, token), 700211)


def test_a_flexible_credential_lets_in_what_its_expression_describes(
    tenant: LocalTenant, robot: Robot, network: Network
) -> None:
    network.publish(name=GITHUB)
    expression = {"value": "claims['sub'] matches 'repo:contoso/*:ref:refs/heads/main'", "languageVersion": 1}
    trust(tenant, robot, "flexible", issuer=GITHUB, subject=None, claimsMatchingExpression=expression)
    of_main = claims(iss=GITHUB, sub="repo:contoso/payroll:ref:refs/heads/main")
    assert present(tenant, robot, signed(of_main)).status_code == 200
    of_branch = of_main | {"sub": "repo:contoso/payroll:ref:refs/heads/feature"}
    assert "no federated identity credential expression" in refused_with(
        present(tenant, robot, signed(of_branch)), 7002131
    )


def test_an_issuer_that_does_not_answer_lets_nobody_in(tenant: LocalTenant, robot: Robot, network: Network) -> None:
    network.documents.clear()
    assert "ConnectError" in refused_with(present(tenant, robot, signed(claims())), 50166)
    row = tenant.sign_ins()[0]
    assert row["status"]["errorCode"] == 50166
    assert row["federatedCredentialId"]


def test_an_issuer_that_the_server_was_not_told_of_is_not_asked(
    tenant: LocalTenant, robot: Robot, network: Network
) -> None:
    inside = "https://169.254.169.254"
    trust(tenant, robot, "inside", issuer=inside)
    words = refused_with(present(tenant, robot, signed(claims(iss=inside))), 50166)
    assert f"--issuer {inside}" in words
    assert network.asked == []


def test_an_unknown_application_asks_nobody(tenant: LocalTenant, robot: Robot, network: Network) -> None:
    stranger = "99999999-0000-0000-0000-000000000009"
    refused_with(present(tenant, robot, signed(claims()), client_id=stranger), 700016)
    assert network.asked == []


# -- another tenant of the same server -----------------------------------------------------------------------------


def _token_of(tenant: LocalTenant, robot: Robot, audience: str) -> str:
    """A token that `robot` gets for `audience`, an API of its tenant."""
    made = tenant.new_application("exchange", identifierUris=[audience])
    tenant.new_principal(made["appId"])
    form = {"grant_type": "client_credentials", "client_id": robot.app_id, "client_secret": robot.secret}
    return post(tenant, form | {"scope": f"{audience}/.default"}).json()["access_token"]


def test_a_tenant_of_this_server_is_trusted_without_a_network(
    tenant: LocalTenant, robot: Robot, network: Network
) -> None:
    token = _token_of(tenant, robot, AUDIENCE)
    issuer = f"https://sts.windows.net/{tenant.tenant_id}/"
    trust(tenant, robot, "sibling", issuer=issuer, subject=robot.principal.id)
    assert present(tenant, robot, token).status_code == 200
    assert network.asked == []


def test_who_moves_the_tenants_clock_does_not_move_the_issuers(tenant: LocalTenant, robot: Robot) -> None:
    tenant.move_clock(move="P2D")
    assert present(tenant, robot, signed(claims())).status_code == 200
    trust(tenant, robot, "own", issuer=f"https://sts.windows.net/{tenant.tenant_id}/", subject=robot.principal.id)
    assert present(tenant, robot, _token_of(tenant, robot, AUDIENCE)).status_code == 200


def test_a_token_for_somebody_else_is_no_proof(tenant: LocalTenant, robot: Robot) -> None:
    """The token that a workload gets for Graph must not open what trusts the workload."""
    issuer = f"https://sts.windows.net/{tenant.tenant_id}/"
    administrator = tenant.get(f"/servicePrincipals(appId='{tenant.new.client_id}')")["id"]
    trust(tenant, robot, "sibling", issuer=issuer, subject=administrator)
    refused_with(present(tenant, robot, tenant.token), 700212)


def test_a_token_in_the_name_of_this_server_has_to_be_signed_by_it(tenant: LocalTenant, robot: Robot) -> None:
    issuer = f"https://sts.windows.net/{tenant.tenant_id}/"
    trust(tenant, robot, "sibling", issuer=issuer, subject="somebody")
    forged = jwt.encode({"alg": "RS256", "kid": "rsa"}, claims(iss=issuer, sub="somebody"), RSA)
    refused_with(present(tenant, robot, forged), 700027)


def test_a_tenant_that_is_not_here_is_an_issuer_like_any_other(tenant: LocalTenant, robot: Robot) -> None:
    issuer = "https://sts.windows.net/99999999-9999-4999-8999-999999999999/"
    trust(tenant, robot, "elsewhere", issuer=issuer)
    refused_with(present(tenant, robot, signed(claims(iss=issuer))), 50166)
