"""Certificates as facts: what a registered certificate says, and who issued it.

Whatever real clients make is read: `az ad app credential reset --create-cert` makes X.509 version 1,
signed with SHA-1, with its dates as GeneralizedTime. What a certificate *proves* is not judged here, except
in `issued_by`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.application import KeyCredential, KeyType, KeyUsage
from unsecret.model.identifiers import KeyId

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

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What reading a certificate, or a part of one, can fail with. Parts are read when they are asked for, so a
certificate that could be opened may still hold a name, a key or an extension that cannot."""

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


def issued_by(certificate: bytes, authority: bytes) -> bool:
    """Whether the authority (DER) itself issued the certificate (DER): names agree, the signature is its own.

    False for signatures that nobody should rely on any more (SHA-1, MD5), for an authority whose own
    certificate says that it is not one, and for anything that cannot be read.
    """
    try:
        child, parent = load(certificate), load(authority)
        child.verify_directly_issued_by(parent)
        return _may_issue(parent)
    except (InvalidSignature, *UNREADABLE):
        return False


class Authorities:
    """Which of many certificate authorities issued a certificate. Only those are asked that have the name of its
    issuer, and only as many as could honestly be meant: a signature takes time to check, and everybody waits."""

    MOST_OF_A_NAME = 8
    """Authorities of one name that are asked. Those whose key the certificate names come first."""

    def __init__(self, certificates: Iterable[bytes]):
        self._by_name: dict[bytes, list[bytes]] = {}
        for der in dict.fromkeys(certificates):
            self._by_name.setdefault(_names(der)[0], []).append(der)
        self._known: dict[bytes, frozenset[bytes]] = {}

    def issuers_of(self, certificate: bytes) -> frozenset[bytes]:
        """The authorities (DER) that issued the certificate (DER) themselves. Asked once for each certificate."""
        if certificate not in self._known:
            self._known[certificate] = self._looked_for(certificate)
        return self._known[certificate]

    def _looked_for(self, certificate: bytes) -> frozenset[bytes]:
        named = self._by_name.get(_names(certificate)[1], []) if self._by_name else []
        if len(named) > self.MOST_OF_A_NAME:
            wanted = _authority_key_of(certificate)
            named = sorted(named, key=lambda der: _key_of(der) != wanted)[: self.MOST_OF_A_NAME]
        return frozenset(der for der in named if issued_by(certificate, der))


@lru_cache(maxsize=2048)
def _names(der: bytes) -> tuple[bytes, bytes]:
    """The subject and the issuer, as they are encoded; something that nobody has where they cannot be read."""
    try:
        certificate = load(der)
        return certificate.subject.public_bytes(), certificate.issuer.public_bytes()
    except UNREADABLE:
        return b"unreadable subject", b"unreadable issuer"


@lru_cache(maxsize=2048)
def _key_of(authority: bytes) -> bytes | None:
    try:
        return _key_identifier(load(authority)).digest
    except UNREADABLE:
        return None


def _authority_key_of(certificate: bytes) -> bytes | None:
    """Which key of its issuer signed it (RFC 5280, 4.2.1.1), when it says so."""
    try:
        extensions = load(certificate).extensions
        return extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None


def authority_facts(der: bytes) -> tuple[str, str]:
    """The issuer's name and the subject key identifier (upper-case hex) of a certificate authority.

    An authority without the extension is identified as RFC 5280 (4.2.1.2) would have it: by the SHA-1 of its
    public key. Raises Invalid when `der` is no certificate, or has a key or an extension that cannot be read.
    """
    certificate = load(read_certificate(der).der)
    try:
        return written_out(certificate.issuer), _key_identifier(certificate).digest.hex().upper()
    except UNREADABLE:
        raise Invalid(
            "The certificate of this authority has an issuer, a key or an extension that is unknown."
        ) from None


def _key_identifier(certificate: x509.Certificate) -> x509.SubjectKeyIdentifier:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())


@lru_cache(maxsize=1024)
def load(der: bytes) -> x509.Certificate:
    """The parsed certificate; remembered, because the token endpoint needs the same few again and again."""
    return x509.load_der_x509_certificate(der)


def _may_issue(authority: x509.Certificate) -> bool:
    if authority.version is x509.Version.v1:
        return True
    try:
        return authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return True


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
