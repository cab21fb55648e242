"""Everything that is not a token of ours, and what makes one."""

from __future__ import annotations

import base64
import hmac
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.local_tenant import NOW, Identity
from tests.tenant.test_signing import AUDIENCE, encoded, kid_of, some_claims, verified
from unsecret.errors import Unauthenticated
from unsecret.tenant.signing import MAX_TOKEN_LENGTH, SigningKeys

# -- tokens -------------------------------------------------------------------------------------------------------


def test_a_token_gives_its_claims_back(signing: SigningKeys):
    assert verified(signing, signing.sign(some_claims(roles=["a"]))) == some_claims(roles=["a"])


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"aud": "https://vault.azure.net"}, "Invalid audience"),
        ({"aud": ["https://graph.microsoft.com"]}, "Invalid audience"),
        ({"aud": ...}, "Invalid audience"),
        ({"aud": f"{AUDIENCE}/"}, "Invalid audience"),
        ({"iss": "https://sts.windows.net/another/"}, "Invalid issuer"),
        ({"iss": "https://evil.example/"}, "Invalid issuer"),
        ({"iss": "https://sts.windows.net/{tenantid}/"}, "Invalid issuer"),
        ({"iss": ...}, "Invalid issuer"),
        ({"iss": 5}, "Invalid issuer"),
        ({"iss": ["https://sts.windows.net/"]}, "Invalid issuer"),
        ({"tid": ...}, "Invalid issuer"),
        ({"tid": 5}, "Invalid issuer"),
        ({"tid": "99999999-2222-3333-4444-555555555555"}, "Invalid issuer"),
        ({"exp": int(NOW.timestamp())}, "the token is expired"),
        ({"exp": int(NOW.timestamp()) - 9999}, "the token is expired"),
        ({"exp": ...}, "no lifetime"),
        ({"exp": "tomorrow"}, "no lifetime"),
        ({"nbf": int(NOW.timestamp()) + 1}, "not valid yet"),
        ({"nbf": ...}, "no lifetime"),
    ],
)
def test_a_token_of_ours_that_says_the_wrong_thing_is_refused(signing: SigningKeys, claims: dict[str, Any], words: str):
    with pytest.raises(Unauthenticated, match=words) as refused:
        verified(signing, signing.sign(some_claims(**claims)))
    assert refused.value.code == "InvalidAuthenticationToken"


def test_a_token_is_good_until_the_second_it_ends(signing: SigningKeys):
    token = signing.sign(some_claims())
    assert verified(signing, token, now=NOW + timedelta(seconds=59))
    with pytest.raises(Unauthenticated, match="expired"):
        verified(signing, token, now=NOW + timedelta(seconds=60))


def _forgeries(signing: SigningKeys, identity: Identity) -> dict[str, str]:
    """Tokens with the right claims that nobody here signed."""
    good = signing.sign(some_claims())
    header, payload, signature = good.split(".")
    kid = kid_of(signing)
    body = encoded(some_claims())
    stranger = RSAKey.import_key(identity.key)
    own = x509.load_der_x509_certificate(base64.b64decode(signing.jwks()["keys"][0]["x5c"][0]))
    pem = own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def hs256(secret: bytes) -> str:
        signed = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{body}"
        return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"

    def foreign(**more: Any) -> str:
        return jwt.encode({"alg": "RS256", "kid": kid} | more, some_claims(), stranger)

    def relabelled(**changed: Any) -> str:
        return f"{encoded({'alg': 'RS256', 'kid': kid} | changed)}.{body}.{signature}"

    public = {"kty": "RSA", **{name: str(stranger.as_dict(private=False)[name]) for name in ("n", "e")}}
    return {
        "none": f"{encoded({'alg': 'none', 'kid': kid})}.{body}.",
        "None": f"{encoded({'alg': 'None', 'kid': kid})}.{body}.{signature}",
        "HS256 with the public key as PEM": hs256(pem),
        "HS256 with the kid": hs256(kid.encode()),
        "HS256 with nothing": hs256(b""),
        "another key under our kid": foreign(),
        "another key with its own jwk": foreign(jwk=public),
        "another key with jku": foreign(jku="https://evil.example/keys"),
        "another key with x5u": foreign(x5u="https://evil.example/cert"),
        "another key with x5c": foreign(x5c=[base64.b64encode(identity.facts.der).decode()]),
        "unknown kid": foreign(kid="unknown"),
        "kid as a path": foreign(kid="../../server.key"),
        "no kid": jwt.encode({"alg": "RS256"}, some_claims(), stranger),
        "kid that is no text": relabelled(kid=5),
        "no alg": f"{encoded({'kid': kid})}.{body}.{signature}",
        "PS256 label": relabelled(alg="PS256"),
        "RS512 label": relabelled(alg="RS512"),
        "crit": relabelled(crit=["exp"]),
        "crit of another type": relabelled(crit=5),
        "b64": relabelled(b64=False),
        "other claims": f"{header}.{encoded(some_claims(roles=['All']))}.{signature}",
        "no signature": f"{header}.{payload}.",
        "signature of zeros": f"{header}.{payload}.{encoded(bytes(256))}",
        "signature cut": f"{header}.{payload}.{signature[:-4]}",
        "signature flipped": f"{header}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
    }


_NAMES = [
    "none",
    "None",
    "HS256 with the public key as PEM",
    "HS256 with the kid",
    "HS256 with nothing",
    "another key under our kid",
    "another key with its own jwk",
    "another key with jku",
    "another key with x5u",
    "another key with x5c",
    "unknown kid",
    "kid as a path",
    "no kid",
    "kid that is no text",
    "no alg",
    "PS256 label",
    "RS512 label",
    "crit",
    "crit of another type",
    "b64",
    "other claims",
    "no signature",
    "signature of zeros",
    "signature cut",
    "signature flipped",
]


@pytest.mark.parametrize("name", _NAMES)
def test_a_forged_token_is_refused(signing: SigningKeys, identity: Identity, name: str):
    with pytest.raises(Unauthenticated):
        verified(signing, _forgeries(signing, identity)[name])


def test_every_forgery_is_tried(signing: SigningKeys, identity: Identity):
    assert list(_forgeries(signing, identity)) == _NAMES


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "...",
        "..",
        "ä.b.c",
        "\ud800.b.c",
        encoded([]) + ".a.b",
        encoded("x") + ".a.b",
        encoded(b"[" * 20_000) + ".a.b",
        encoded(b'{"alg":"RS256","kid":"' + b"\xff" + b'"}') + ".a.b",
        encoded({"alg": 5}) + ".a.b",
        "e30.e30.e30",
        "x" * (MAX_TOKEN_LENGTH + 1),
        "." * MAX_TOKEN_LENGTH,
    ],
)
def test_what_is_no_token_is_refused(signing: SigningKeys, token: str):
    with pytest.raises(Unauthenticated):
        verified(signing, token)


def test_a_long_token_of_many_roles_is_still_read(signing: SigningKeys):
    roles = [f"Some.Long.Permission.Name.{number}" for number in range(800)]
    token = signing.sign(some_claims(roles=roles))
    assert len(token) < MAX_TOKEN_LENGTH
    assert verified(signing, token)["roles"] == roles
