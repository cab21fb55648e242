"""Certificates as facts: what a registered certificate says.

Whatever real clients make is read: `az ad app credential reset --create-cert` makes X.509 version 1,
signed with SHA-1, with its dates as GeneralizedTime. What a certificate *proves* is not judged here.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from datetime import datetime
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.application import KeyCredential, KeyType, KeyUsage
from unsecret.model.identifiers import KeyId
from unsecret.trust import UNREADABLE, key_identifier, load

MAX_CERTIFICATE_BYTES = 64 * 1024

_ABBREVIATIONS = {
    NameOID.COMMON_NAME: "CN",
    NameOID.COUNTRY_NAME: "C",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.EMAIL_ADDRESS: "E",
    NameOID.GIVEN_NAME: "G",
    NameOID.INITIALS: "I",
    NameOID.LOCALITY_NAME: "L",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
    NameOID.STATE_OR_PROVINCE_NAME: "S",
    NameOID.STREET_ADDRESS: "STREET",
    NameOID.SURNAME: "SN",
    NameOID.TITLE: "T",
}
"""https://learn.microsoft.com/en-us/windows/win32/api/wincrypt/nf-wincrypt-certnametostra, the X.500 key names."""

_NEEDS_QUOTES = re.compile(r'^\s|\s$|[,+="\n<>#;]|^$')
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_PEM_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_SEQUENCE, _INTEGER = 0x30, 0x02
_PFX_VERSION = 3


class CertificateFacts(Struct, frozen=True, kw_only=True):
    """What a certificate says about itself.

    `thumbprint` is the upper-case hex SHA-1 that Graph shows as `customKeyIdentifier`; `thumbprint_sha1` and
    `thumbprint_sha256` are base64url without padding, as JOSE headers carry them. `subject` is the whole
    name (`CN=…, O=…`).
    """

    der: bytes
    not_before: datetime
    not_after: datetime
    subject: str
    thumbprint: str
    thumbprint_sha1: str
    thumbprint_sha256: str


def written_out(name: x509.Name) -> str:
    """A name as Microsoft's services write it: `CN=…, O=Internet Widgits Pty Ltd, S=Some-State, C=AU`. Unlike RFC 4514
    it has spaces, S for the state, and quotes around values that need them."""
    return ", ".join(" + ".join(map(_attribute, relative)) for relative in reversed(name.rdns))


def _attribute(attribute: x509.NameAttribute) -> str:
    key = _ABBREVIATIONS.get(attribute.oid, f"OID.{attribute.oid.dotted_string}")
    value = attribute.value if isinstance(attribute.value, str) else f"#{attribute.value.hex().upper()}"
    text = _UNSTORABLE.sub("", value)
    quoted = '"' + text.replace('"', '""') + '"'
    return f"{key}={quoted if _NEEDS_QUOTES.search(text) else text}"


def base64url(data: bytes) -> str:
    """`data` as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def thumbprint_hex(thumbprint: str | None) -> str:
    """A base64url thumbprint as the upper-case hex that people and Entra's messages use; "" for what is none."""
    try:
        text = thumbprint or ""
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex().upper()
    except ValueError:
        return ""


def read_certificate(data: bytes) -> CertificateFacts:
    """The facts of one certificate, given as DER or as PEM text (of a PEM chain, its first certificate).

    Raises Invalid when `data` is no certificate. A private key or a PFX file that was sent by mistake is
    refused with words that say so; nothing of it is repeated or kept.
    """
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise Invalid(f"The certificate is longer than {MAX_CERTIFICATE_BYTES} bytes. Send one certificate as DER.")
    _refuse_secret_material(data)
    try:
        return _facts(_parsed(data))
    except UNREADABLE:
        raise Invalid(
            "The key is not an X.509 certificate. Send the public certificate as base64 of its DER or PEM form (.cer)."
        ) from None


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    der = certificate.public_bytes(Encoding.DER)
    sha1 = hashlib.sha1(der, usedforsecurity=False).digest()
    return CertificateFacts(
        der=der,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        subject=written_out(certificate.subject),
        thumbprint=sha1.hex().upper(),
        thumbprint_sha1=base64url(sha1),
        thumbprint_sha256=base64url(hashlib.sha256(der).digest()),
    )


def certificate_credential(
    facts: CertificateFacts, kind: KeyType = KeyType.CERTIFICATE, usage: KeyUsage = KeyUsage.VERIFY
) -> KeyCredential:
    """A certificate as a credential, for signing in unless told otherwise, good as long as the certificate itself."""
    return KeyCredential(
        key_id=KeyId(str(uuid.uuid4())),
        type=kind,
        usage=usage,
        display_name=facts.subject,
        custom_key_identifier=facts.thumbprint,
        start_at=facts.not_before,
        end_at=facts.not_after,
        key=facts.der,
        thumbprint_sha1=facts.thumbprint_sha1,
        thumbprint_sha256=facts.thumbprint_sha256,
    )


def authority_facts(der: bytes) -> tuple[str, str]:
    """The issuer's name and the subject key identifier (upper-case hex) of a certificate authority.

    An authority without the extension is identified as RFC 5280 (4.2.1.2) would have it: by the SHA-1 of its
    public key. Raises Invalid when `der` is no certificate, or has a key or an extension that cannot be read.
    """
    certificate = load(read_certificate(der).der)
    try:
        return written_out(certificate.issuer), key_identifier(certificate).digest.hex().upper()
    except UNREADABLE:
        raise Invalid(
            "The certificate of this authority has an issuer, a key or an extension that is unknown."
        ) from None


def _parsed(data: bytes) -> x509.Certificate:
    if _PEM_CERTIFICATE in data:
        return x509.load_pem_x509_certificate(data)
    return x509.load_der_x509_certificate(data)


def _refuse_secret_material(data: bytes) -> None:
    if b"PRIVATE KEY-----" in data:
        _refuse("a private key")
    version = _leading_integer(data)
    if version == _PFX_VERSION:
        _refuse("a PFX (PKCS #12) file, which holds a private key")
    if version is not None:
        _refuse("a private key")


def _refuse(what: str) -> NoReturn:
    raise Invalid(
        f"This is {what}. A private key never leaves its owner: send the public certificate alone (.cer), "
        "and consider the key that was just sent as compromised."
    )


def _leading_integer(data: bytes) -> int | None:
    """The INTEGER that a DER SEQUENCE begins with: PFX files and private keys do, certificates do not."""
    if len(data) < 2 or data[0] != _SEQUENCE:
        return None
    length_octets = data[1] & 0x7F if data[1] & 0x80 else 0
    member = data[2 + length_octets :]
    if len(member) < 3 or member[0] != _INTEGER or member[1] != 1:
        return None
    return member[2]
