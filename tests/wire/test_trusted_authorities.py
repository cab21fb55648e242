"""The lists of certificate authorities: read with what clients get wrong, and within Graph's limits."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from unsecret.errors import Invalid
from unsecret.model.identifiers import ObjectId
from unsecret.model.policy import CertificateBasedApplicationConfiguration, TrustedAuthority
from unsecret.wire.binaries import LONGEST_BINARY
from unsecret.wire.trusted_authorities import trusted_configuration_from_graph, trusted_configuration_to_graph

DER = b"0\x82\xff\xfe certificate"
BASE64 = base64.b64encode(DER).decode()
AUTHORITY = TrustedAuthority(
    certificate=DER, is_root_authority=True, issuer="CN=Root", issuer_subject_key_identifier="AB12"
)
PEM = f"-----BEGIN CERTIFICATE-----\n{BASE64[:10]}\n{BASE64[10:]}\n-----END CERTIFICATE-----\n"
ONE = {"isRootAuthority": True, "certificate": BASE64}


def facts_of(der: bytes) -> tuple[str, str]:
    assert der == DER
    return "CN=Root", "AB12"


def read(body: Any) -> Any:
    return trusted_configuration_from_graph(body, facts_of=facts_of)


def test_a_configuration_is_read_and_shown() -> None:
    body = read({"displayName": "Ours", "trustedCertificateAuthorities": [ONE]})
    assert (body.display_name, body.description) == ("Ours", None)
    assert body.trusted_certificate_authorities == (AUTHORITY,)
    shown = trusted_configuration_to_graph(
        CertificateBasedApplicationConfiguration(
            id=ObjectId("1"), display_name="Ours", description=None, trusted_certificate_authorities=(AUTHORITY,)
        )
    )
    assert shown == {
        "id": "1",
        "deletedDateTime": None,
        "displayName": "Ours",
        "description": None,
        "trustedCertificateAuthorities": [
            {
                "id": "",
                "certificate": BASE64,
                "isRootAuthority": True,
                "issuer": "CN=Root",
                "issuerSubjectKeyIdentifier": "AB12",
            }
        ],
    }
    del shown["id"]
    assert read(shown) == body


@pytest.mark.parametrize(
    "certificate",
    [
        BASE64 + " ",
        f"\n{BASE64[:8]}\r\n{BASE64[8:]}\n",
        BASE64.replace("+", "-").replace("/", "_"),
        base64.b64encode(PEM.encode()).decode(),
    ],
)
def test_stray_white_space_base64url_and_pem_are_read(certificate: str) -> None:
    body = read({"trustedCertificateAuthorities": [{**ONE, "certificate": certificate}]})
    assert body.trusted_certificate_authorities == (AUTHORITY,)


def test_an_authority_that_comes_with_its_private_key_is_refused() -> None:
    key = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"
    both = base64.b64encode((PEM + key).encode()).decode()
    with pytest.raises(Invalid, match="holds a private key"):
        read({"trustedCertificateAuthorities": [{**ONE, "certificate": both}]})


def test_microsofts_own_sample_with_a_space_in_its_keys_is_read() -> None:
    body = read({"trustedCertificateAuthorities ": [{"isRootAuthority ": True, "certificate": BASE64}]})
    assert body.trusted_certificate_authorities == (AUTHORITY,)


def test_what_a_client_says_of_the_issuer_is_not_believed() -> None:
    told = {**ONE, "issuer": "CN=Somebody", "issuerSubjectKeyIdentifier": "00", "@odata.type": "#x"}
    assert read({"trustedCertificateAuthorities": [told]}).trusted_certificate_authorities == (AUTHORITY,)


@pytest.mark.parametrize("count", [1, 10])
def test_one_to_ten_authorities_are_allowed(count: int) -> None:
    assert len(read({"trustedCertificateAuthorities": [ONE] * count}).trusted_certificate_authorities) == count


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (None, "body"),
        ({}, "trustedCertificateAuthorities"),
        ({"trustedCertificateAuthorities": None}, "trustedCertificateAuthorities"),
        ({"trustedCertificateAuthorities": []}, "at least one"),
        ({"trustedCertificateAuthorities": [ONE] * 11}, "at most 10"),
        ({"trustedCertificateAuthorities": [ONE], "id": "1"}, "id"),
        ({"trustedCertificateAuthorities": [ONE], "name": "x"}, "name"),
        ({"trustedCertificateAuthorities": [ONE], "displayName": 1}, "displayName"),
        ({"trustedCertificateAuthorities": [BASE64]}, r"\[0\]"),
        ({"trustedCertificateAuthorities": [{**ONE, "isRootAuthority": None}]}, "isRootAuthority"),
        ({"trustedCertificateAuthorities": [{**ONE, "isRootAuthority": "true"}]}, "isRootAuthority"),
        ({"trustedCertificateAuthorities": [{**ONE, "certificate": None}]}, "certificate"),
        ({"trustedCertificateAuthorities": [{**ONE, "certificate": " "}]}, "certificate"),
        ({"trustedCertificateAuthorities": [{**ONE, "certificate": "A"}]}, "base64"),
        ({"trustedCertificateAuthorities": [{**ONE, "certificate": "*é"}]}, "base64"),
        ({"trustedCertificateAuthorities": [{**ONE, "certificate": "A" * (LONGEST_BINARY + 1)}]}, "base64"),
        ({"trustedCertificateAuthorities": [{**ONE, "other": 1}]}, "other"),
    ],
)
def test_a_body_that_graph_would_not_take_is_refused(body: Any, named: str) -> None:
    with pytest.raises(Invalid, match=named):
        read(body)


def test_a_reader_that_refuses_a_certificate_is_heard() -> None:
    def refuse(_: bytes) -> tuple[str, str]:
        raise Invalid("not a certificate")

    with pytest.raises(Invalid, match="not a certificate"):
        trusted_configuration_from_graph({"trustedCertificateAuthorities": [ONE]}, facts_of=refuse)
