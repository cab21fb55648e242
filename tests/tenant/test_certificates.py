"""Reading certificates as they really come, and refusing what must never be sent."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.local_tenant import NOW, Identity
from unsecret.errors import Invalid
from unsecret.tenant import pki
from unsecret.tenant.certificates import (
    CertificateFacts,
    authority_facts,
    read_certificate,
    thumbprint_hex,
    written_out,
)
from unsecret.trust import Authorities, issued_by

# As `az ad app credential reset --create-cert` makes them: version 1, SHA-1, serial 1000, GeneralizedTime.
AZURE_CLI_PEM = b"""-----BEGIN CERTIFICATE-----
MIICoTCCAYkCAgPoMA0GCSqGSIb3DQEBBQUAMBQxEjAQBgNVBAMMCUNMSS1Mb2dp
bjAiGA8yMDI2MTEyMjEyMDAwMFoYDzIwMjcxMTIyMTIwMDAwWjAUMRIwEAYDVQQD
DAlDTEktTG9naW4wggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQC+I0Nn
jPn1MHf7G1SqQe3L+Jn5jfWB616gkl4HE+3huL83l4UGhBlR4+yaOKGTVnc2IHR/
pJog7h/EERTYYJ6+Ag3BQlKWkWHB6MRpTxXJ4w7wk0Gq9aNWx7XIhSFSXovCJFmB
wd0JNu3SotqtqmPmhAMv56dbX+hbM0qSmjptBQN+D9L/xiz6FmcY5dWM2tYSiDDP
YwjdAhUqVb+cMoBwFUFy7zxwkCLnQWy9X5TcLBxPf06JmrxN0LipKswclXQ2Ff2D
5p2HJs3WYraYZpk4GGf7ZZuCDTITj0A6uOae7SPWPEk1FjSmwKt1PuPKGfLsZ5an
iQDoW5cF6mRsCqX1AgMBAAEwDQYJKoZIhvcNAQEFBQADggEBADVv0AnGxuTUqcn6
XAxHvve+Egk5/g7A2Ap9pbFQH86hBI3ur1UfomUqGZDi2kjDsWd41bsLDdp0XsGQ
2boPoyBrtQQVAy/FdC2Bxj/fedy4WjjkdwsI3s2FTe/wPF3xOcv+d29CmiRJAikW
GcgsPzL+URj1n76/n8/LPEM5KRqabexE4MOw0SI52GLYRpo4qpOUqOm0Sr9e9YHX
HDjPJZPp5Cjr/DTrXH3977DTZu23pZM/oyek3pVt4DN7pn/EE8H4FF6X7UjJ5eFy
gAe4GCN8ibFT7d/z+EWnZzruNBbjyhUCZ/lM8BaMYSXhQN6BHgQr6gPyZRHGn06Q
nnc7QtY=
-----END CERTIFICATE-----
"""


def _der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


@pytest.mark.parametrize("data", [AZURE_CLI_PEM, _der(AZURE_CLI_PEM)], ids=["PEM", "DER"])
def test_the_certificates_that_azure_cli_makes_are_read(data: bytes):
    facts = read_certificate(data)
    assert facts.subject == "CN=CLI-Login"
    assert facts.not_before == datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert facts.not_after == datetime(2027, 11, 22, 12, 0, tzinfo=UTC)
    assert facts.thumbprint == "CDB535D168914991F3A52CC0FF63C94BB08B5AC9"
    assert facts.thumbprint_sha1 == "zbU10WiRSZHzpSzA_2PJS7CLWsk"
    assert facts.der == _der(AZURE_CLI_PEM)


def test_thumbprints_are_the_forms_that_jose_and_graph_use(identity: Identity):
    facts = identity.facts
    assert facts.thumbprint == identity.certificate.fingerprint(hashes.SHA1()).hex().upper()
    sha256 = base64.urlsafe_b64encode(identity.certificate.fingerprint(hashes.SHA256())).decode()
    assert facts.thumbprint_sha256 == sha256.rstrip("=")
    assert thumbprint_hex(facts.thumbprint_sha1) == facts.thumbprint
    assert thumbprint_hex(facts.thumbprint_sha1 + "=") == facts.thumbprint


@pytest.mark.parametrize(
    ("relative_names", "text"),
    [
        # The first is how Microsoft Graph was recorded to show it, as the displayName of a key.
        (
            [[("C", "AU")], [("ST", "Some-State")], [("O", "Internet Widgits Pty Ltd")]],
            "O=Internet Widgits Pty Ltd, S=Some-State, C=AU",
        ),
        ([[("CN", "a")], [("EMAIL", "a@contoso.com")]], "E=a@contoso.com, CN=a"),
        ([[("CN", "a"), ("UID", "b")]], "CN=a + OID.0.9.2342.19200300.100.1.1=b"),
        ([[("O", 'Contoso, "Ltd"')]], 'O="Contoso, ""Ltd"""'),
        ([[("O", " spaced ")]], 'O=" spaced "'),
        ([[("CN", "a\0b")]], "CN=ab"),
        ([], ""),
    ],
)
def test_names_are_written_as_microsoft_writes_them(relative_names: list[list[tuple[str, str]]], text: str):
    parts = [
        x509.RelativeDistinguishedName([x509.NameAttribute(_OIDS[key], value) for key, value in relative])
        for relative in relative_names
    ]
    assert written_out(x509.Name(parts)) == text


_OIDS = {
    "C": NameOID.COUNTRY_NAME,
    "CN": NameOID.COMMON_NAME,
    "EMAIL": NameOID.EMAIL_ADDRESS,
    "O": NameOID.ORGANIZATION_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "UID": NameOID.USER_ID,
}


def test_of_a_chain_the_first_certificate_is_read(identity: Identity):
    assert read_certificate(AZURE_CLI_PEM + pki.to_pem(identity.certificate)).subject == "CN=CLI-Login"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x82",
        b"hello",
        b"\x30\x03\x02\x01",
        AZURE_CLI_PEM[:400],
        AZURE_CLI_PEM.replace(b"MIIC", b"AAAA"),
        _der(AZURE_CLI_PEM)[:-3],
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        b"\x30\x80" * 30_000,
    ],
)
def test_what_is_no_certificate_is_refused(data: bytes):
    with pytest.raises(Invalid, match=r"not an X\.509 certificate"):
        read_certificate(data)


# -- certificates with something odd inside, which opens only when it is asked for ------------------------------------

RSA_KEY = bytes.fromhex("2a864886f70d010101")
"""The identifier of RSA keys, as a certificate carries it."""


def odd(facts: CertificateFacts, part: str) -> bytes:
    """A certificate that can be opened and has a part that cannot be read."""
    changes = {
        "a key of an unknown kind": (RSA_KEY, RSA_KEY[:-1] + b"\x7f"),
        "a name that is no text": (b"\x0c\x04test", b"\x0c\x04\xff\xfe\xfd\xfc"),
        "the same extension twice": (bytes.fromhex("551d13"), bytes.fromhex("551d0e")),
        "an unreadable extension": (bytes.fromhex("551d0e"), bytes.fromhex("551d23")),
    }
    before, after = changes[part]
    assert before in facts.der
    return facts.der.replace(before, after)


@pytest.mark.parametrize("part", ["a key of an unknown kind", "the same extension twice", "an unreadable extension"])
def test_a_certificate_with_an_odd_part_was_issued_by_nobody(identity: Identity, part: str):
    whole, broken = identity.facts.der, odd(identity.facts, part)
    assert not any((issued_by(broken, whole), issued_by(whole, broken), issued_by(broken, broken)))


@pytest.mark.parametrize("part", ["a key of an unknown kind", "a name that is no text", "the same extension twice"])
def test_an_authority_with_an_odd_part_is_refused(identity: Identity, part: str):
    der = odd(identity.facts, part)
    if part == "a key of an unknown kind":
        der = der.replace(bytes.fromhex("551d0e"), bytes.fromhex("551d7f"))  # so that its key is what identifies it
    with pytest.raises(Invalid):
        authority_facts(der)


def test_a_certificate_without_a_readable_name_is_refused(identity: Identity):
    with pytest.raises(Invalid, match=r"not an X\.509 certificate"):
        read_certificate(odd(identity.facts, "a name that is no text"))


@pytest.mark.filterwarnings("ignore")  # about serial numbers and country codes that are none
@settings(max_examples=300)
@given(changes=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_certificate_is_read_or_refused(identity: Identity, changes: list[tuple[int, int]]):
    damaged = bytearray(identity.facts.der)
    for position, value in changes:
        damaged[position] = value
    with suppress(Invalid):
        facts = read_certificate(bytes(damaged))
        assert issued_by(facts.der, identity.facts.der) in (False, facts.der == identity.facts.der)
        issued_by(identity.facts.der, facts.der)
        authority_facts(facts.der)


def test_a_certificate_beyond_all_measure_is_refused():
    with pytest.raises(Invalid, match="longer than 65536 bytes"):
        read_certificate(b"\x30" * 70_000)


def _pfx(identity: Identity, password: bytes | None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"x", identity.key, identity.certificate, None, encryption)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda identity: identity.pem, "a private key"),
        (lambda identity: pki.private_to_pem(identity.key) + AZURE_CLI_PEM, "a private key"),
        (
            lambda identity: identity.key.private_bytes(
                Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"pw")
            ),
            "a private key",
        ),
        (
            lambda identity: identity.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            "a private key",
        ),
        (
            lambda identity: identity.key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
            "a private key",
        ),
        (
            lambda _: ec.generate_private_key(ec.SECP256R1()).private_bytes(
                Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
            ),
            "a private key",
        ),
        (lambda identity: _pfx(identity, None), "a PFX"),
        (lambda identity: _pfx(identity, b"pw"), "a PFX"),
    ],
    ids=["key and certificate", "key first", "encrypted PEM", "PKCS 8", "PKCS 1", "EC", "PFX", "PFX with password"],
)
def test_a_private_key_sent_by_mistake_is_refused_and_not_repeated(make, what: str, identity: Identity):
    data = make(identity)
    with pytest.raises(Invalid) as refused:
        read_certificate(data)
    assert f"This is {what}" in refused.value.message
    assert "compromised" in refused.value.message
    assert len(refused.value.message) < 250


# -- who issued it ------------------------------------------------------------------------------------------------


def _authority(name: str, *, ca: bool | None = True) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, _issue(name, key, issuer=name, issuer_key=key, ca=ca)


def _issue(subject: str, key, *, issuer: str, issuer_key, ca: bool | None = None) -> x509.Certificate:
    builder = _issued(subject, key, issuer=issuer)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _issued(subject: str, key, *, issuer: str) -> x509.CertificateBuilder:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=30))
    )


def _der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize("ca", [True, None], ids=["says it is an authority", "says nothing"])
def test_a_certificate_is_issued_by_the_authority_that_signed_it(ca: bool | None):
    key, authority = _authority("root", ca=ca)
    leaf = _issue("leaf", ec.generate_private_key(ec.SECP256R1()), issuer="root", issuer_key=key)
    assert issued_by(_der_of(leaf), _der_of(authority))


def test_a_certificate_is_not_issued_by_others():
    key, authority = _authority("root")
    _, namesake = _authority("root")
    other_key, other = _authority("other")
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    leaf = _issue("leaf", leaf_key, issuer="root", issuer_key=key)
    assert not issued_by(_der_of(leaf), _der_of(namesake))
    assert not issued_by(_der_of(leaf), _der_of(other))
    assert not issued_by(_der_of(_issue("leaf", leaf_key, issuer="root", issuer_key=other_key)), _der_of(authority))


def test_an_end_entity_is_not_an_authority():
    key, end_entity = _authority("leaf", ca=False)
    assert not issued_by(_der_of(_issue("x", key, issuer="leaf", issuer_key=key)), _der_of(end_entity))


def test_a_sha1_signature_proves_nothing():
    assert not issued_by(_der(AZURE_CLI_PEM), _der(AZURE_CLI_PEM))


@pytest.mark.parametrize("broken", [b"", b"\x30\x00", b"not a certificate"])
def test_what_cannot_be_read_was_issued_by_nobody(broken: bytes):
    assert not issued_by(broken, _der(AZURE_CLI_PEM))
    assert not issued_by(_der(AZURE_CLI_PEM), broken)


def test_of_many_authorities_those_that_issued_a_certificate_are_found():
    key, authority = _authority("Contoso CA")
    others = [_der_of(_authority(f"Other {number}")[1]) for number in range(5)]
    namesakes = [_der_of(_authority("Contoso CA")[1]) for _ in range(3)]
    leaf = _der_of(_issue("leaf", key, issuer="Contoso CA", issuer_key=key))
    authorities = Authorities([*others, *namesakes, _der_of(authority), _der_of(authority)])
    assert authorities.issuers_of(leaf) == {_der_of(authority)}
    assert Authorities([*others, *namesakes]).issuers_of(leaf) == frozenset()
    assert Authorities([]).issuers_of(leaf) == frozenset()


def test_of_many_namesakes_the_one_whose_key_the_certificate_names_is_asked():
    key, authority = _authority("Contoso CA")
    namesakes = [_der_of(_authority("Contoso CA")[1]) for _ in range(Authorities.MOST_OF_A_NAME + 1)]
    named = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    leaf = _issued("leaf", key, issuer="Contoso CA").add_extension(named, critical=False).sign(key, hashes.SHA256())
    assert Authorities([*namesakes, _der_of(authority)]).issuers_of(_der_of(leaf)) == {_der_of(authority)}


@pytest.mark.parametrize("broken", [b"", b"0", b"no certificate"])
def test_what_cannot_be_read_has_no_authority_and_is_none(broken: bytes, identity: Identity):
    assert Authorities([broken, identity.facts.der]).issuers_of(broken) == frozenset()
    assert Authorities([broken]).issuers_of(identity.facts.der) == frozenset()
