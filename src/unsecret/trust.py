"""Who issued a certificate: what makes a policy's trust in certificate authorities count.

The tenant asks it of a certificate that is added, the operator of those that a tenant holds already.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from unsecret.model.policy import CertificateBasedApplicationConfiguration

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
        return key_identifier(load(authority)).digest
    except UNREADABLE:
        return None


def _authority_key_of(certificate: bytes) -> bytes | None:
    """Which key of its issuer signed it (RFC 5280, 4.2.1.1), when it says so."""
    try:
        extensions = load(certificate).extensions
        return extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None


class TrustedLists:
    """The tenant's lists of trusted authorities, and which of them vouch for a certificate."""

    def __init__(self, configurations: Iterable[CertificateBasedApplicationConfiguration]):
        self._lists: dict[bytes, set[str]] = {}
        for configuration in configurations:
            for authority in configuration.trusted_certificate_authorities:
                self._lists.setdefault(authority.certificate, set()).add(configuration.id)
        self._authorities = Authorities(self._lists)

    def vouching_for(self, certificate: bytes | None) -> frozenset[str]:
        """The ids of the lists that hold an authority which issued the certificate (DER) itself."""
        issuers = self._authorities.issuers_of(certificate) if certificate else frozenset()
        return frozenset(name for issuer in issuers for name in self._lists[issuer])


def key_identifier(certificate: x509.Certificate) -> x509.SubjectKeyIdentifier:
    """By which a certificate's key is known: what it says, or the SHA-1 of its public key (RFC 5280, 4.2.1.2)."""
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
