"""The tenant's signing keys, and everything that is not a token of theirs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey

from tests.local_tenant import NOW, Identity
from unsecret.errors import Invalid, Unauthenticated
from unsecret.tenant import pki
from unsecret.tenant.signing import MAX_TOKEN_LENGTH, SigningKeys

TENANT = "11111111-2222-3333-4444-555555555555"
AUDIENCE = "https://graph.microsoft.com"
ISSUERS = ("https://sts.windows.net/{tenantid}/",)


def _claims(**changed: Any) -> dict[str, Any]:
    now = int(NOW.timestamp())
    claims = {"aud": AUDIENCE, "iss": f"https://sts.windows.net/{TENANT}/", "tid": TENANT, "nbf": now, "exp": now + 60}
    return {name: value for name, value in (claims | changed).items() if value is not ...}


def _verify(signing: SigningKeys, token: str, *, now: datetime = NOW) -> dict[str, Any]:
    return signing.verify(token, audiences={AUDIENCE}, issuers=ISSUERS, now=now)


def _encoded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _kid(signing: SigningKeys) -> str:
    return signing.jwks()["keys"][0]["kid"]


# -- keys ---------------------------------------------------------------------------------------------------------


def test_key_files_are_private_and_kept(tmp_path: Path):
    directory = tmp_path / "keys"
    first = SigningKeys.open(directory, now=NOW)
    (file,) = directory.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert file.stem == _kid(first)
    again = SigningKeys.open(directory, now=NOW + timedelta(days=400))
    assert again.jwks() == first.jwks()
    assert _verify(again, first.sign(_claims()))


def test_the_newest_key_signs_and_the_older_ones_still_verify(tmp_path: Path):
    signing = SigningKeys.open(tmp_path / "keys", now=NOW)
    old_token, old = signing.sign(_claims()), _kid(signing)
    new = signing.add(now=NOW + timedelta(days=1)).kid
    assert [key["kid"] for key in signing.jwks()["keys"]] == [new, old]
    assert jws.extract_compact(signing.sign(_claims()).encode()).headers()["kid"] == new
    assert _verify(signing, old_token)
    reopened = SigningKeys.open(tmp_path / "keys", now=NOW)
    assert [key["kid"] for key in reopened.jwks()["keys"]] == [new, old]


def test_the_key_document_is_enough_to_verify_a_token_with(signing: SigningKeys):
    document = signing.jwks("https://login.example/issuer")
    (key,) = document["keys"]
    assert key["issuer"] == "https://login.example/issuer"
    assert set(key) == {"kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"}
    keys: Any = {"keys": [{name: value for name, value in key.items() if name != "issuer"}]}  # joserfc knows none
    token = jwt.decode(signing.sign(_claims(answer=42)), KeySet.import_key_set(keys), algorithms=["RS256"])
    assert token.claims["answer"] == 42
    assert token.header["typ"] == "JWT"
    assert token.header["x5t"] == token.header["kid"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0]))
    sha1 = hashlib.sha1(certificate.public_bytes(Encoding.DER)).digest()
    assert _encoded(sha1) == key["x5t"] == key["kid"]


def test_the_key_document_of_v1_names_no_issuer(signing: SigningKeys):
    assert "issuer" not in signing.jwks()["keys"][0]


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_a_file_that_is_no_key_stops_the_start_and_is_named(tmp_path: Path, content: bytes):
    directory = tmp_path / "keys"
    directory.mkdir()
    (directory / "odd.pem").write_bytes(content)
    with pytest.raises(Invalid, match=r"odd\.pem is not a signing key"):
        SigningKeys.open(directory, now=NOW)


# -- tokens -------------------------------------------------------------------------------------------------------


def test_a_token_gives_its_claims_back(signing: SigningKeys):
    assert _verify(signing, signing.sign(_claims(roles=["a"]))) == _claims(roles=["a"])


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
        _verify(signing, signing.sign(_claims(**claims)))
    assert refused.value.code == "InvalidAuthenticationToken"


def test_a_token_is_good_until_the_second_it_ends(signing: SigningKeys):
    token = signing.sign(_claims())
    assert _verify(signing, token, now=NOW + timedelta(seconds=59))
    with pytest.raises(Unauthenticated, match="expired"):
        _verify(signing, token, now=NOW + timedelta(seconds=60))


def _forgeries(signing: SigningKeys, identity: Identity) -> dict[str, str]:
    """Tokens with the right claims that nobody here signed."""
    good = signing.sign(_claims())
    header, payload, signature = good.split(".")
    kid = _kid(signing)
    body = _encoded(_claims())
    stranger = RSAKey.import_key(identity.key)
    own = x509.load_der_x509_certificate(base64.b64decode(signing.jwks()["keys"][0]["x5c"][0]))
    pem = own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def hs256(secret: bytes) -> str:
        signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{body}"
        return f"{signed}.{_encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"

    def foreign(**more: Any) -> str:
        return jwt.encode({"alg": "RS256", "kid": kid} | more, _claims(), stranger)

    def relabelled(**changed: Any) -> str:
        return f"{_encoded({'alg': 'RS256', 'kid': kid} | changed)}.{body}.{signature}"

    public = {"kty": "RSA", **{name: str(stranger.as_dict(private=False)[name]) for name in ("n", "e")}}
    return {
        "none": f"{_encoded({'alg': 'none', 'kid': kid})}.{body}.",
        "None": f"{_encoded({'alg': 'None', 'kid': kid})}.{body}.{signature}",
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
        "no kid": jwt.encode({"alg": "RS256"}, _claims(), stranger),
        "kid that is no text": relabelled(kid=5),
        "no alg": f"{_encoded({'kid': kid})}.{body}.{signature}",
        "PS256 label": relabelled(alg="PS256"),
        "RS512 label": relabelled(alg="RS512"),
        "crit": relabelled(crit=["exp"]),
        "crit of another type": relabelled(crit=5),
        "b64": relabelled(b64=False),
        "other claims": f"{header}.{_encoded(_claims(roles=['All']))}.{signature}",
        "no signature": f"{header}.{payload}.",
        "signature of zeros": f"{header}.{payload}.{_encoded(bytes(256))}",
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
        _verify(signing, _forgeries(signing, identity)[name])


def test_every_forgery_is_tried(signing: SigningKeys, identity: Identity):
    assert list(_forgeries(signing, identity)) == _NAMES


def test_a_token_of_another_server_is_refused(signing: SigningKeys, tmp_path: Path):
    other = SigningKeys.open(tmp_path / "keys", now=NOW)
    with pytest.raises(Unauthenticated, match="Invalid signature"):
        _verify(signing, other.sign(_claims()))


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
        _encoded([]) + ".a.b",
        _encoded("x") + ".a.b",
        _encoded(b"[" * 20_000) + ".a.b",
        _encoded(b'{"alg":"RS256","kid":"' + b"\xff" + b'"}') + ".a.b",
        _encoded({"alg": 5}) + ".a.b",
        "e30.e30.e30",
        "x" * (MAX_TOKEN_LENGTH + 1),
        "." * MAX_TOKEN_LENGTH,
    ],
)
def test_what_is_no_token_is_refused(signing: SigningKeys, token: str):
    with pytest.raises(Unauthenticated):
        _verify(signing, token)


def test_a_payload_that_is_no_object_is_refused_though_we_signed_it(signing: SigningKeys, tmp_path: Path):
    directory = tmp_path / "keys"
    ours = SigningKeys.open(directory, now=NOW)
    (file,) = directory.iterdir()
    key = RSAKey.import_key(file.read_bytes())
    for payload in (b"[]", b"5", b"", b"[" * 5000, b'{"aud":'):
        token = jws.serialize_compact({"alg": "RS256", "kid": _kid(ours)}, payload, key, algorithms=["RS256"])
        with pytest.raises(Unauthenticated):
            _verify(ours, token)


def test_a_long_token_of_many_roles_is_still_read(signing: SigningKeys):
    roles = [f"Some.Long.Permission.Name.{number}" for number in range(800)]
    token = signing.sign(_claims(roles=roles))
    assert len(token) < MAX_TOKEN_LENGTH
    assert _verify(signing, token)["roles"] == roles


def test_a_private_key_never_stands_in_an_error(tmp_path: Path, identity: Identity):
    directory = tmp_path / "keys"
    directory.mkdir()
    (directory / "k.pem").write_bytes(pki.private_to_pem(identity.key))
    with pytest.raises(Invalid) as refused:
        SigningKeys.open(directory, now=NOW)
    assert "PRIVATE KEY" not in str(refused.value)
