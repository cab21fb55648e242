"""Client assertions in every form that real clients write, and in every form that proves nothing."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import CertificateBuilder, Name, NameAttribute, random_serial_number
from cryptography.x509.oid import NameOID

from tests.local_tenant import NOW, Identity, new_identity
from unsecret.model.application import KeyCredential, KeyType, KeyUsage, ObjectKind
from unsecret.model.identifiers import AppId, KeyId, ObjectId
from unsecret.store.credentials import StoredKey
from unsecret.tenant import pki
from unsecret.tenant.assertions import (
    MAX_ASSERTION_LENGTH,
    read_assertion,
    registered_key,
    require_claims,
    require_issuer,
    require_signature,
)
from unsecret.tenant.certificates import CertificateFacts, certificate_credential, read_certificate
from unsecret.wire.aadsts import TokenRefused

APP = AppId("aaaaaaaa-0000-0000-0000-000000000001")
AUDIENCE = "https://localhost:8443/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token"
SECONDS = NOW.timestamp()


@pytest.fixture(scope="module")
def stranger() -> Identity:
    """A certificate that is registered nowhere."""
    return new_identity("stranger")


def _stored(facts: CertificateFacts, **changed: Any) -> StoredKey:
    known = certificate_credential(facts)
    fields = {name: getattr(known, name) for name in known.__struct_fields__} | changed
    return StoredKey(object_id=ObjectId("o"), kind=ObjectKind.APPLICATION, credential=KeyCredential(**fields))


def _encoded(value: Any, *, padded: bool = False) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    text = base64.urlsafe_b64encode(data).decode()
    return text if padded else text.rstrip("=")


def _padded(thumbprint: str) -> str:
    return thumbprint + "=" * (-len(thumbprint) % 4)


def _standard_base64(facts: CertificateFacts, *, broken_lines: bool) -> str:
    encode = base64.encodebytes if broken_lines else base64.b64encode
    return encode(facts.der).decode()


@dataclass
class Form:
    """One way of writing an assertion. `header` and `claims` change the usual ones; `...` takes one away."""

    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    padded_parts: bool = False

    def written(self, signer: Identity) -> str:
        header = {"typ": "JWT", "alg": self.algorithm, "x5t": _padded(signer.facts.thumbprint_sha1)} | self.header
        claims = {"aud": AUDIENCE, "iss": APP, "sub": APP, "jti": "1", "iat": SECONDS, "exp": SECONDS + 600}
        parts = [
            _encoded({name: value for name, value in part.items() if value is not ...}, padded=self.padded_parts)
            for part in (header, claims | self.claims)
        ]
        signed = ".".join(parts)
        return f"{signed}.{_encoded(_signature(signer.key, self.algorithm, signed), padded=self.padded_parts)}"


def _signature(key: rsa.RSAPrivateKey, algorithm: str, text: str) -> bytes:
    how = padding.PKCS1v15()
    if algorithm == "PS256":
        how = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    return key.sign(text.encode(), how, hashes.SHA512() if algorithm == "RS512" else hashes.SHA256())


def _verify(text: str, *keys: StoredKey, now=NOW) -> StoredKey:
    """The steps in the order in which the token endpoint takes them."""
    assertion = read_assertion(text)
    require_issuer(assertion, APP)
    key = registered_key(assertion, keys, now=now)
    require_signature(assertion, key, now=now)
    require_claims(assertion, is_audience=lambda given: given == AUDIENCE, audience=AUDIENCE, now=now)
    return key


def _refused(text: str, *keys: StoredKey, now=NOW) -> TokenRefused:
    with pytest.raises(TokenRefused) as refused:
        _verify(text, *keys, now=now)
    return refused.value


# -- what clients write -------------------------------------------------------------------------------------------


def _good_forms(facts: CertificateFacts) -> dict[str, Form]:
    sha1, sha256 = facts.thumbprint_sha1, facts.thumbprint_sha256
    lines = _standard_base64(facts, broken_lines=True)
    line = _standard_base64(facts, broken_lines=False)
    return {
        "azure-identity, Azure CLI: RS256, x5t padded": Form(),
        "CLI for Microsoft 365: RS256, x5t": Form({"x5t": sha1}),
        "MSAL Python: PS256, x5t#S256 padded, x5c in lines": Form(
            {"x5t": ..., "x5t#S256": _padded(sha256), "x5c": [lines]}, algorithm="PS256"
        ),
        "@azure/identity: PS256, x5t#S256": Form({"x5t": ..., "x5t#S256": sha256}, algorithm="PS256"),
        "@azure/identity with x5c": Form({"x5t": ..., "x5t#S256": sha256, "x5c": [line]}, algorithm="PS256"),
        "RS256 with x5t#S256": Form({"x5t": ..., "x5t#S256": sha256}),
        "PS256 with x5t": Form(algorithm="PS256"),
        "Azure CLI --use-cert-sn-issuer: x5c in lines": Form({"x5t": ..., "x5c": [lines]}),
        "x5c in one line": Form({"x5t": ..., "x5c": [line, lines]}),
        "x5t and x5c": Form({"x5c": [lines]}),
        "roadtx: times as text": Form(
            claims={"iat": str(int(SECONDS)), "nbf": str(int(SECONDS)), "exp": str(int(SECONDS) + 60)}
        ),
        "times as fractions of text": Form(claims={"exp": f"{SECONDS + 60:.3f}"}),
        "whole numbers and nbf": Form(claims={"nbf": int(SECONDS), "exp": int(SECONDS) + 60}),
        "no iat, no jti": Form(claims={"iat": ..., "jti": ...}),
        "nbf a second ahead": Form(claims={"nbf": SECONDS + 1}),
        "nbf almost five minutes ahead": Form(claims={"nbf": SECONDS + 299}),
        "exp almost five minutes ago": Form(claims={"exp": SECONDS - 299}),
        "exp in a year": Form(claims={"exp": SECONDS + 31_536_000}),
        "kid in hex": Form({"x5t": ..., "kid": facts.thumbprint}),
        "kid in small hex": Form({"x5t": ..., "kid": facts.thumbprint.lower()}),
        "kid in base64url": Form({"x5t": ..., "kid": sha1}),
        "kid that is the other thumbprint": Form({"x5t": ..., "kid": sha256}),
        "kid of the client's own beside x5c": Form({"x5t": ..., "kid": "my-key", "x5c": [line]}),
        "aud in a list": Form(claims={"aud": ["https://else.example", AUDIENCE]}),
        "iss in capitals": Form(claims={"iss": APP.upper(), "sub": APP.upper()}),
        "no typ": Form({"typ": ...}),
        "x5u, jku and jwk, which nobody follows": Form(
            {"x5u": "https://evil.example", "jku": "https://evil.example", "jwk": {"kty": "oct", "k": "AAAA"}}
        ),
        "azure-identity aio: every part padded": Form(padded_parts=True),
    }


_GOOD = [
    "azure-identity, Azure CLI: RS256, x5t padded",
    "CLI for Microsoft 365: RS256, x5t",
    "MSAL Python: PS256, x5t#S256 padded, x5c in lines",
    "@azure/identity: PS256, x5t#S256",
    "@azure/identity with x5c",
    "RS256 with x5t#S256",
    "PS256 with x5t",
    "Azure CLI --use-cert-sn-issuer: x5c in lines",
    "x5c in one line",
    "x5t and x5c",
    "roadtx: times as text",
    "times as fractions of text",
    "whole numbers and nbf",
    "no iat, no jti",
    "nbf a second ahead",
    "nbf almost five minutes ahead",
    "exp almost five minutes ago",
    "exp in a year",
    "kid in hex",
    "kid in small hex",
    "kid in base64url",
    "kid that is the other thumbprint",
    "kid of the client's own beside x5c",
    "aud in a list",
    "iss in capitals",
    "no typ",
    "x5u, jku and jwk, which nobody follows",
    "azure-identity aio: every part padded",
]


@pytest.mark.parametrize("name", _GOOD)
def test_an_assertion_is_accepted_as_clients_write_it(identity: Identity, stranger: Identity, name: str):
    key = _stored(identity.facts)
    assert _verify(_good_forms(identity.facts)[name].written(identity), _stored(stranger.facts), key) is key


def test_every_form_is_tried(identity: Identity):
    assert list(_good_forms(identity.facts)) == _GOOD


def test_an_assertion_may_be_used_again_until_it_ends(identity: Identity):
    text, key = Form().written(identity), _stored(identity.facts)
    assert _verify(text, key)
    assert _verify(text, key, now=NOW + timedelta(minutes=9))


# -- what proves nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "number", "words"),
    [
        (Form(claims={"exp": SECONDS - 300}), 700024, "not within its valid time range"),
        (Form(claims={"exp": 0}), 700024, "not within its valid time range"),
        (Form(claims={"nbf": SECONDS + 301}), 700024, "not within its valid time range"),
        (Form(claims={"exp": ...}), 50027, "'exp'"),
        (Form(claims={"exp": "soon"}), 50027, "'exp'"),
        (Form(claims={"exp": True}), 50027, "'exp'"),
        (Form(claims={"exp": None}), 50027, "'exp'"),
        (Form(claims={"exp": "inf"}), 50027, "'exp'"),
        (Form(claims={"exp": "nan"}), 50027, "'exp'"),
        (Form(claims={"exp": 1e300}), 50027, "'exp'"),
        (Form(claims={"exp": [SECONDS]}), 50027, "'exp'"),
        (Form(claims={"nbf": "soon"}), 50027, "'nbf'"),
        (Form(claims={"aud": "https://evil.example/token"}), 700023, "audience"),
        (Form(claims={"aud": ...}), 700023, "audience"),
        (Form(claims={"aud": []}), 700023, "audience"),
        (Form(claims={"aud": {"x": AUDIENCE}}), 700023, "audience"),
        (Form(claims={"iss": "aaaaaaaa-0000-0000-0000-000000000002"}), 700021, "client_id"),
        (Form(claims={"sub": "aaaaaaaa-0000-0000-0000-000000000002"}), 700021, "client_id"),
        (Form(claims={"sub": ...}), 700021, "client_id"),
        (Form(claims={"iss": ...}), 700021, "client_id"),
        (Form(claims={"iss": 5}), 700021, "client_id"),
        (Form(claims={"iss": "https://token.actions.githubusercontent.com"}), 700021, "client_id"),
        (Form({"x5t": ...}), 700027, "The key was not found"),
        (Form({"x5t": "AAAAAAAAAAAAAAAAAAAAAAAAAAA"}), 700027, "The key was not found"),
        (Form({"x5t": 5}), 700027, "The key was not found"),
        (Form({"x5t": ..., "kid": "AAAA"}), 700027, "The key was not found"),
        (Form({"x5t": ..., "kid": {"a": 1}}), 700027, "The key was not found"),
        (Form({"x5t": ..., "x5c": "text"}), 700027, "The key was not found"),
        (Form({"x5t": ..., "x5c": [5]}), 700027, "The key was not found"),
        (Form({"x5t": ..., "x5c": ["AAAA"]}), 700027, "The key was not found"),
        (Form({"x5t": ..., "x5c": ["ä"]}), 700027, "The key was not found"),
        (Form({"alg": "HS256"}), 50027, "algorithm"),
        (Form({"alg": "none"}), 50027, "algorithm"),
        (Form({"alg": "ES256"}), 50027, "algorithm"),
        (Form({"alg": ...}), 50027, "algorithm"),
        (Form({"alg": ["RS256"]}), 50027, "algorithm"),
        (Form(algorithm="RS512"), 50027, "algorithm"),
        (Form({"alg": "PS256"}), 700027, "The signature is not of this key"),
        (Form({"crit": ["exp"]}), 50027, "Critical"),
        (Form({"b64": False}), 50027, "Critical"),
    ],
)
def test_an_assertion_that_says_the_wrong_thing_is_refused(identity: Identity, form: Form, number: int, words: str):
    refused = _refused(form.written(identity), _stored(identity.facts))
    assert refused.number == number
    assert words in refused.message


def test_a_thumbprint_that_is_not_registered_is_named_in_hex(identity: Identity, stranger: Identity):
    refused = _refused(Form().written(stranger), _stored(identity.facts))
    assert refused.number == 700027
    assert f"'{stranger.facts.thumbprint}'" in refused.message


def test_another_key_under_a_registered_thumbprint_is_refused(identity: Identity, stranger: Identity):
    claimed = Form({"x5t": identity.facts.thumbprint_sha1}).written(stranger)
    assert "not of this key" in _refused(claimed, _stored(identity.facts)).message


def test_a_certificate_in_x5c_is_believed_only_if_it_is_registered(identity: Identity, stranger: Identity):
    chain = [_standard_base64(facts, broken_lines=False) for facts in (stranger.facts, identity.facts)]
    assert _refused(Form({"x5t": ..., "x5c": chain}).written(stranger), _stored(identity.facts)).number == 700027


def test_a_registered_thumbprint_does_not_help_the_x5c_of_another(identity: Identity, stranger: Identity):
    chain = [_standard_base64(stranger.facts, broken_lines=False)]
    claimed = Form({"x5t": identity.facts.thumbprint_sha1, "x5c": chain}).written(stranger)
    assert "not of this key" in _refused(claimed, _stored(identity.facts)).message


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"end_at": NOW}, "The key used is expired"),
        ({"end_at": NOW - timedelta(days=1)}, "The key used is expired"),
        ({"start_at": NOW + timedelta(seconds=1)}, "The key used is not valid yet"),
    ],
)
def test_a_certificate_out_of_time_is_refused_and_its_dates_are_named(
    identity: Identity, changed: dict[str, Any], words: str
):
    key = _stored(identity.facts, **changed)
    refused = _refused(Form().written(identity), key)
    assert refused.number == 700027
    assert words in refused.message
    assert f"End={key.credential.end_at:%m/%d/%Y %H:%M:%S}" in refused.message
    assert identity.facts.thumbprint in refused.message


def test_of_one_certificate_registered_twice_the_one_in_time_counts(identity: Identity):
    expired = _stored(identity.facts, end_at=NOW)
    good = _stored(identity.facts, key_id=KeyId("bbbbbbbb-0000-0000-0000-000000000001"))
    assert _verify(Form().written(identity), expired, good) is good
    assert _verify(Form().written(identity), good, expired) is good


@pytest.mark.parametrize(
    "changed",
    [
        {"usage": KeyUsage.SIGN},
        {"usage": KeyUsage.ENCRYPT},
        {"type": KeyType.SYMMETRIC, "key": None},
        {"type": KeyType.CERTIFICATE_AND_PASSWORD},
        {"key": None},
    ],
)
def test_a_key_for_another_purpose_signs_nobody_in(identity: Identity, changed: dict[str, Any]):
    assert _refused(Form().written(identity), _stored(identity.facts, **changed)).number == 700027


def test_keys_without_thumbprints_match_nothing(identity: Identity):
    key = _stored(identity.facts, thumbprint_sha1=None, thumbprint_sha256=None)
    for header in ({"x5t": "="}, {"x5t": ..., "kid": "="}, {"x5t": ..., "x5c": []}, {"x5t": ..., "x5c": ["AAAA"]}):
        assert _refused(Form(header).written(identity), key).number == 700027


def _certificate_with(key) -> CertificateFacts:
    name = Name([NameAttribute(NameOID.COMMON_NAME, "weak")])
    builder = CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(random_serial_number()).not_valid_before(NOW - timedelta(days=1))
    certificate = builder.not_valid_after(NOW + timedelta(days=1)).sign(key, hashes.SHA256())
    return read_certificate(pki.to_pem(certificate))


def test_a_certificate_with_another_kind_of_key_is_refused(identity: Identity):
    facts = _certificate_with(ec.generate_private_key(ec.SECP256R1()))
    refused = _refused(Form({"x5t": facts.thumbprint_sha1}).written(identity), _stored(facts))
    assert "not an RSA key of at least 2048 bits" in refused.message


def test_a_certificate_with_an_unknown_kind_of_key_is_refused(identity: Identity):
    rsa_key = bytes.fromhex("2a864886f70d010101")
    facts = read_certificate(identity.facts.der.replace(rsa_key, rsa_key[:-1] + b"\x7f"))
    refused = _refused(Form({"x5t": facts.thumbprint_sha1}).written(identity), _stored(facts))
    assert "not an RSA key of at least 2048 bits" in refused.message


def test_a_certificate_with_a_short_key_is_refused():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    facts = _certificate_with(key)
    header = {"typ": "JWT", "alg": "RS256", "x5t": facts.thumbprint_sha1}
    claims = {"aud": AUDIENCE, "iss": APP, "sub": APP, "exp": SECONDS + 600}
    signed = f"{_encoded(header)}.{_encoded(claims)}"
    text = f"{signed}.{_encoded(_signature(key, 'RS256', signed))}"
    assert "not an RSA key of at least 2048 bits" in _refused(text, _stored(facts)).message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "ä.ä.ä",
        "\ud800.e30.",
        "e30.e30.e30",
        "W10.W10.W10",
        f"{_encoded(b'[' * 15_000)}.e30.AAAA",
        f"{_encoded({'alg': 'RS256'})}.{_encoded(b'[' * 15_000)}.AAAA",
        f"{_encoded({'alg': 'RS256'})}.{_encoded([])}.AAAA",
        f"{_encoded({'alg': 'RS256'})}.{_encoded(b'{')}.AAAA",
        f"{_encoded({'alg': 'RS256'})}.{_encoded(bytes([255, 254]))}.AAAA",
        "x" * (MAX_ASSERTION_LENGTH + 1),
        "." * MAX_ASSERTION_LENGTH,
    ],
)
def test_what_is_no_assertion_is_refused(identity: Identity, text: str):
    refused = _refused(text, _stored(identity.facts))
    assert refused.number == 50027
    assert len(refused.message) < 300


@pytest.mark.parametrize("signature", ["", "!!!", "AAAA", "ä", "A" * 5000])
def test_a_signature_that_is_none_is_refused(identity: Identity, signature: str):
    signed, _, _ = Form().written(identity).rpartition(".")
    assert _refused(f"{signed}.{signature}", _stored(identity.facts)).number in (50027, 700027)
