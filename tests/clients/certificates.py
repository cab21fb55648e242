"""Self-signed certificates in every form in which the clients ask for them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """A key and its certificate: as text, as base64 DER (what Graph takes) and as the files that clients read."""

    private_key: str
    public_certificate: str
    der: str
    thumbprint: str  # SHA-1, upper-case hex
    pem_file: Path  # key and certificate, as az and azure-identity want it
    public_file: Path  # the certificate alone
    pfx_file: Path  # without a password


def make_certificate(directory: Path, name: str, *, days: int = 90) -> Certificate:
    """A new RSA key with a self-signed certificate, valid from a minute ago for `days`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start_at)
        .not_valid_after(start_at + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    no_password = serialization.NoEncryption()
    private_pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    public_pem = certificate.public_bytes(serialization.Encoding.PEM)
    files = {suffix: directory / f"{name}.{suffix}" for suffix in ("pem", "crt", "pfx")}
    files["pem"].write_bytes(private_pem + public_pem)
    files["crt"].write_bytes(public_pem)
    files["pfx"].write_bytes(pkcs12.serialize_key_and_certificates(None, key, certificate, None, no_password))
    return Certificate(
        private_key=private_pem.decode(),
        public_certificate=public_pem.decode(),
        der=base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode(),
        thumbprint=certificate.fingerprint(hashes.SHA1()).hex().upper(),
        pem_file=files["pem"],
        public_file=files["crt"],
        pfx_file=files["pfx"],
    )
