"""Making the keys that tokens are signed with, and bringing them to where they are kept and back.

The private side is kept as PKCS #8, encrypted when there is a passphrase for it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from unsecret.errors import Invalid
from unsecret.store.signing_keys import StoredSigningKey, add_signing_key
from unsecret.tenant import pki
from unsecret.tenant.certificates import read_certificate

if TYPE_CHECKING:
    from unsecret.store.engine import Connection, Store

_KEY_LIFETIME = timedelta(days=5 * 365)


def new_key(now: datetime, passphrase: str | None) -> StoredSigningKey:
    """A key that nobody has yet."""
    private, certificate = pki.new_self_signed("unsecret token signing", now=now, lifetime=_KEY_LIFETIME)
    return _stored(private, certificate, now, passphrase)


def private_key_of(content: bytes, passphrase: str | None) -> RSAPrivateKey:
    """The private side of a kept key, encrypted or not. Raises Invalid when this is not the passphrase."""
    candidates = (passphrase.encode(), None) if passphrase else (None,)
    for password in candidates:
        with suppress(ValueError, TypeError):
            private = load_der_private_key(content, password)
            if isinstance(private, RSAPrivateKey):
                return private
    raise Invalid(
        "The keys that sign tokens are encrypted with another passphrase. Set the one that they were made with.",
        code="WrongPassphrase",
    )


def take_over_files(store: Store, directory: Path, *, passphrase: str | None = None) -> int:
    """Move keys that earlier versions kept in files into the directory; how many. The files are removed once the
    keys are kept elsewhere. Raises Invalid when a file there is not a signing key."""
    paths = sorted(directory.glob("*.pem"))
    keys = [_read(path, passphrase) for path in paths]
    if not keys:
        return 0

    def work(conn: Connection) -> None:
        for key in keys:
            add_signing_key(conn, key)

    store.write(work).result()
    for path in paths:
        path.unlink()
    with suppress(OSError):  # something else is in there
        directory.rmdir()
    return len(keys)


def _read(path: Path, passphrase: str | None) -> StoredSigningKey:
    try:
        content = path.read_bytes()
        private = load_pem_private_key(content, None)
        certificate = x509.load_pem_x509_certificate(content)
    except (OSError, ValueError, TypeError) as error:
        raise Invalid(f"{path} is not a signing key. Move it out of {path.parent}.") from error
    if not isinstance(private, RSAPrivateKey):
        raise Invalid(f"{path} is not an RSA key, which tokens are signed with. Move it out of {path.parent}.")
    return _stored(private, certificate, certificate.not_valid_before_utc, passphrase)


def _stored(
    private: RSAPrivateKey, certificate: x509.Certificate, created_at: datetime, passphrase: str | None
) -> StoredSigningKey:
    facts = read_certificate(pki.to_pem(certificate))
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return StoredSigningKey(
        kid=facts.thumbprint_sha1,
        created_at=created_at,
        certificate=facts.der,
        private_key=private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, encryption),
    )
