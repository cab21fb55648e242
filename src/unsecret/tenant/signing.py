"""The keys that this tenant signs its tokens with.

Each key is a file `keys/<kid>.pem` with a private key and its self-signed certificate; the directory never
holds them in its database. There may be several: the newest signs, all verify, so that a key can be
replaced while tokens of the old one are still in use. As in Entra, `kid` is the base64url SHA-1 thumbprint
of the certificate, and so equals `x5t`.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from msgspec import Struct

from unsecret.errors import Invalid, Unauthenticated
from unsecret.tenant import pki
from unsecret.tenant.certificates import read_certificate
from unsecret.tenant.private_files import private_directory, write_private

ALGORITHM = "RS256"
MAX_TOKEN_LENGTH = 64 * 1024
TENANT_PLACEHOLDER = "{tenantid}"
"""How Microsoft writes an issuer that holds for every tenant."""

_REMEMBERED_TOKENS = 1024
_KEY_LIFETIME = timedelta(days=5 * 365)


class _Registry(jws.JWSRegistry):
    """Access tokens can be longer than joserfc's default; `decode` has bounded the whole before."""

    max_header_length = 4096
    max_payload_length = MAX_TOKEN_LENGTH


_REGISTRY = _Registry(algorithms=[ALGORITHM], strict_check_header=False)


class SigningKey(Struct, frozen=True, kw_only=True):
    """One key. `jwk` is its public side as the key document shows it."""

    kid: str
    created_at: datetime
    private: RSAKey
    public: RSAKey
    jwk: dict[str, Any]


class SigningKeys:
    """All keys of this tenant server, newest first. `open` reads them, and makes the first one."""

    def __init__(self, directory: Path, keys: Collection[SigningKey]):
        self._directory = directory
        self._keys = {key.kid: key for key in sorted(keys, key=lambda key: (key.created_at, key.kid), reverse=True)}
        # A client shows the same token for an hour; that we signed it does not change, whatever else is asked of it.
        self._signed_claims = lru_cache(maxsize=_REMEMBERED_TOKENS)(self._decode)

    @classmethod
    def open(cls, directory: Path, *, now: datetime) -> SigningKeys:
        """The keys in `directory` (`<data>/keys`), which is made with a first key when it is empty.

        Raises Invalid when a file there is not a signing key.
        """
        private_directory(directory)
        keys = cls(directory, [_read(path) for path in sorted(directory.glob("*.pem"))])
        if not keys._keys:
            keys.add(now=now)
        return keys

    def add(self, *, now: datetime) -> SigningKey:
        """Make a key, which signs from now on; the others keep verifying."""
        private, certificate = pki.new_self_signed("unsecret token signing", now=now, lifetime=_KEY_LIFETIME)
        kid = read_certificate(pki.to_pem(certificate)).thumbprint_sha1
        path = self._directory / f"{kid}.pem"
        write_private(path, pki.to_pem(certificate) + pki.private_to_pem(private))
        key = _read(path)
        self._keys = {kid: key, **self._keys}
        return key

    def sign(self, claims: dict[str, Any]) -> str:
        """`claims` as a token (JWS compact, RS256) of the newest key."""
        key = next(iter(self._keys.values()))
        header = {"typ": "JWT", "alg": ALGORITHM, "x5t": key.kid, "kid": key.kid}
        return jws.serialize_compact(header, msgspec.json.encode(claims), key.private, registry=_REGISTRY)

    def jwks(self, issuer: str | None = None) -> dict[str, Any]:
        """The key document: every key that tokens in use may be signed with. `issuer` is shown with each key."""
        shown = {"issuer": issuer} if issuer is not None else {}
        return {"keys": [key.jwk | shown for key in self._keys.values()]}

    def verify(
        self, token: str, *, audiences: Collection[str], issuers: Collection[str], now: datetime
    ) -> dict[str, Any]:
        """The claims of a token that one of these keys signed for one of `audiences`, valid at `now`.

        `issuers` may have `{tenantid}` in them, which stands for the token's own `tid`. Nothing in the token
        says which algorithm or key to use: it is RS256, with the key of ours that `kid` names; `jku`, `jwk`,
        `x5u` and `x5c` are not looked at. Raises Unauthenticated with Graph's words.
        """
        claims = self._signed_claims(token)
        if claims.get("aud") not in tuple(audiences):  # compared, not hashed: it may be anything
            raise Unauthenticated("Access token validation failure. Invalid audience.")
        if not _issued_by_one_of(issuers, claims):
            raise Unauthenticated("Access token validation failure. Invalid issuer.")
        _require_valid_at(now, claims)
        return dict(claims)

    def _decode(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_TOKEN_LENGTH or token.count(".") != 2:
            raise _malformed()
        try:
            header = msgspec.json.decode(_segment(token.split(".", 1)[0]), type=_Header)
        except (ValueError, RecursionError):
            raise _malformed() from None
        key = self._keys.get(header.kid)
        if header.alg != ALGORITHM or key is None or header.crit is not None:
            raise Unauthenticated("Access token validation failure. Invalid signature.")
        try:
            payload = jws.deserialize_compact(token, key.public, registry=_REGISTRY).payload
            return msgspec.json.decode(payload or b"", type=dict[str, Any])
        except (JoseError, ValueError, RecursionError):
            raise Unauthenticated("Access token validation failure. Invalid signature.") from None


class _Header(Struct):
    alg: str
    kid: str = ""
    crit: Any = None


def _segment(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _malformed() -> Unauthenticated:
    return Unauthenticated("CompactToken parsing failed with error code: 80049217.")


def _issued_by_one_of(issuers: Collection[str], claims: dict[str, Any]) -> bool:
    tenant_id = claims.get("tid")
    if not isinstance(tenant_id, str):
        return False
    return any(claims.get("iss") == issuer.replace(TENANT_PLACEHOLDER, tenant_id) for issuer in issuers)


def _require_valid_at(now: datetime, claims: dict[str, Any]) -> None:
    starts, ends = claims.get("nbf"), claims.get("exp")
    if not isinstance(starts, int) or not isinstance(ends, int):
        raise Unauthenticated("Lifetime validation failed, the token has no lifetime.")
    if now.timestamp() >= ends:
        raise Unauthenticated("Lifetime validation failed, the token is expired.")
    if now.timestamp() < starts:
        raise Unauthenticated("Lifetime validation failed, the token is not valid yet.")


def _read(path: Path) -> SigningKey:
    try:
        content = path.read_bytes()
        private = load_pem_private_key(content, None)
        certificate = x509.load_pem_x509_certificate(content)
    except (OSError, ValueError, TypeError) as error:
        raise Invalid(f"{path} is not a signing key. Move it out of {path.parent}.") from error
    if not isinstance(private, RSAPrivateKey):
        raise Invalid(f"{path} is not an RSA key, which tokens are signed with. Move it out of {path.parent}.")
    facts = read_certificate(pki.to_pem(certificate))
    public = RSAKey.import_key(private.public_key())
    jwk = {
        "kty": "RSA",
        "use": "sig",
        "kid": facts.thumbprint_sha1,
        "x5t": facts.thumbprint_sha1,
        "n": public.dict_value["n"],
        "e": public.dict_value["e"],
        "x5c": [base64.b64encode(facts.der).decode("ascii")],
    }
    return SigningKey(
        kid=facts.thumbprint_sha1,
        created_at=facts.not_before,
        private=RSAKey.import_key(private),
        public=public,
        jwk=jwk,
    )
