"""The tenant's own certificate authority, its server certificate, and the administrator's certificate.

Clients are given `ca.pem` to trust. The authority is made once and kept, so that clients need it once; the
server certificate is made anew whenever it nears its end or lacks the name that the server is to be reached
by. The authority can sign server certificates only (path length 0), and its key never leaves the data
directory.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.private_files import private_directory, write_private
from unsecret.tenant.certificates import CertificateFacts, read_certificate

ADMINISTRATOR_FILE = "administrator.pem"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_CA_LIFETIME = timedelta(days=10 * 365)
_SERVER_LIFETIME = timedelta(days=397)  # the longest that every platform's verifier accepts
_ADMINISTRATOR_LIFETIME = timedelta(days=365)
_RENEW_BEFORE_END = timedelta(days=30)
_BACKDATED = timedelta(days=1)  # a client whose clock is behind can still connect


class ServerCertificate(Struct, frozen=True, kw_only=True):
    """Where the files are: the authority that clients trust, and what the server shows and signs with."""

    ca: Path
    certificate: Path
    key: Path


def ensure_server_certificate(data: Path, names: Collection[str], *, now: datetime) -> ServerCertificate:
    """The server certificate for `names` (host names and IP addresses), made or renewed when it has to be.

    `data` is the data directory. Raises Invalid when a new certificate is needed and the authority's key is
    gone, or does not belong to `ca.pem`.
    """
    private_directory(data)
    files = ServerCertificate(ca=data / "ca.pem", certificate=data / "server.pem", key=data / "server.key")
    ca_key_file = data / "ca.key"
    if not files.ca.exists() or _ends_soon(_certificate(files.ca), now):
        _make_authority(files.ca, ca_key_file, now=now)
    ca = _certificate(files.ca)
    if not _still_good(files, ca, names, now=now):
        _make_server_certificate(files, ca, _authority_key(files.ca, ca_key_file), names, now=now)
    return files


def administrator_certificate(
    data: Path, *, now: datetime, good_at: tuple[datetime, datetime] | None = None
) -> CertificateFacts:
    """The certificate that the tenant's first application proves itself with, as `administrator.pem`.

    The file holds certificate and RSA key, as `az login --certificate` and azure-identity want them. It is
    made when it is missing, unreadable or near its end; whoever calls this registers what comes back. `good_at`
    is when it has to be valid, a year from now on when it is not given.
    """
    path = private_directory(data) / ADMINISTRATOR_FILE
    starts, ends = good_at or (now, now + _ADMINISTRATOR_LIFETIME)
    needed_until = ends if good_at else now + _RENEW_BEFORE_END
    try:
        facts = read_certificate(to_pem(x509.load_pem_x509_certificate(path.read_bytes())))
        if facts.not_before <= starts and facts.not_after >= needed_until:
            return facts
    except (OSError, ValueError):
        pass
    key, certificate = new_self_signed("unsecret administrator", now=starts, lifetime=ends - starts)
    write_private(path, to_pem(certificate) + private_to_pem(key))
    return read_certificate(to_pem(certificate))


def new_self_signed(
    common_name: str, *, now: datetime, lifetime: timedelta
) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """A fresh RSA-2048 key and its self-signed certificate, valid from `now`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = _name(common_name)
    builder = _builder(name, name, key, starts=now, ends=now + lifetime)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return key, builder.sign(key, hashes.SHA256())


def to_pem(certificate: x509.Certificate) -> bytes:
    """The certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM)


def private_to_pem(key: PrivateKey) -> bytes:
    """The private key as PKCS #8 PEM without a password: its file's mode is what protects it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _make_authority(certificate_file: Path, key_file: Path, *, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # The name has a random part: a client that trusts an older authority must not mistake this one for it.
    name = _name(f"unsecret local authority {x509.random_serial_number():x}"[:48])
    builder = _builder(name, name, key, starts=now - _BACKDATED, ends=now + _CA_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    # The key first: a crash in between leaves a key without a certificate, and then both are made anew.
    write_private(key_file, private_to_pem(key))
    write_private(certificate_file, to_pem(builder.sign(key, hashes.SHA256())))


def _make_server_certificate(
    files: ServerCertificate, ca: x509.Certificate, ca_key: PrivateKey, names: Collection[str], *, now: datetime
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    ends = min(now + _SERVER_LIFETIME, ca.not_valid_after_utc)
    builder = _builder(_name("localhost"), ca.subject, key, starts=now - _BACKDATED, ends=ends)
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(signs_certificates=False), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([_general_name(name) for name in sorted(names)]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False),
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    write_private(files.key, private_to_pem(key))
    write_private(files.certificate, to_pem(builder.sign(ca_key, hashes.SHA256())))


def _still_good(files: ServerCertificate, ca: x509.Certificate, names: Collection[str], *, now: datetime) -> bool:
    """Whether the server certificate there is can be shown: ours, ours to sign with, for these names, in time."""
    try:
        certificate = _certificate(files.certificate)
        key = load_pem_private_key(files.key.read_bytes(), None)
        certificate.verify_directly_issued_by(ca)
        known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:  # whatever is wrong with it, the remedy is a new one
        return False
    return (
        _public_bytes(key) == _public_bytes(certificate)
        and not _ends_soon(certificate, now)
        and {_general_name(name) for name in names} <= set(known)
    )


def _authority_key(ca: Path, key_file: Path) -> PrivateKey:
    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)) or _public_bytes(key) != _public_bytes(
        _certificate(ca)
    ):
        raise Invalid(
            f"{key_file} is missing or does not belong to {ca}, so the server certificate cannot be renewed. "
            f"Delete {ca} to have a new authority made, and give it to your clients again."
        )
    return key


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Invalid(f"{path} is not a certificate, or cannot be read. Delete it to have a new one made.") from error


def _ends_soon(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_after_utc - now < _RENEW_BEFORE_END


def _public_bytes(holder: PrivateKeyTypes | x509.Certificate) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, *, starts: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
