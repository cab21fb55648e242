"""Client assertions: an application proves itself by signing a short statement with a registered certificate.

https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials describes the form. Real
clients write it in many ways, and all of these are read: RS256 and PS256; the certificate named by `x5t` or
`x5t#S256` with or without padding, by `kid`, or by `x5c` alone, with line breaks or not; `exp`, `iat` and
`nbf` as whole numbers, fractions or text; no `nbf` at all; the three parts with padding, which JOSE forbids
and azure-identity's asynchronous credentials write. Whatever names the certificate, the signature is
checked with the *registered* one, and nothing else in the assertion is believed.

An assertion may be used again until it expires: Entra does not refuse replays of `jti` either.

The steps are taken one after the other by `client_authentication.py`, which notes in between whose certificate it was.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jws
from joserfc.jwk import RSAKey
from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.model.application import KeyType, KeyUsage
from unsecret.model.identifiers import AppId, canonical_guid
from unsecret.store.credentials import StoredKey
from unsecret.tenant.certificates import UNREADABLE, load, read_certificate, thumbprint_hex
from unsecret.wire.aadsts import TokenRefused

MAX_ASSERTION_LENGTH = 32 * 1024
"""Characters: room for a chain of several certificates in `x5c`."""

ALGORITHMS = ("RS256", "PS256")
FOREIGN_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""What other issuers sign with. A secret shared with one (HS256) proves nothing, and `none` less."""

SKEW = timedelta(minutes=5)
MIN_KEY_BITS = 2048

_SHOWN_INSTANT = "%m/%d/%Y %H:%M:%S"

_REGISTRY = jws.JWSRegistry(algorithms=list(ALGORITHMS))


class Assertion(Struct, frozen=True, kw_only=True):
    """An assertion as it was sent: read, and not believed. `names` are the headers that name a certificate."""

    text: str
    algorithm: str
    names: dict[str, Any]
    claims: dict[str, Any]

    @property
    def is_foreign(self) -> bool:
        """Whether somebody else issued it than an application, which would name itself by its appId."""
        return _is_foreign(self.claims)

    def signed(self) -> tuple[bytes, bytes]:
        """What was signed, byte for byte as it was sent, and the signature. Raises TokenRefused 50027."""
        content, _, signature = self.text.rpartition(".")
        return content.encode(), _base64url(signature, "signature")


def read_assertion(text: str) -> Assertion:
    """The parts of `text`, nothing of it checked but its form. Raises TokenRefused 50027."""
    if len(text) > MAX_ASSERTION_LENGTH:
        raise TokenRefused(50027, reason=f"It is longer than {MAX_ASSERTION_LENGTH} characters.")
    parts = text.split(".")
    if len(parts) != 3:
        raise TokenRefused(50027, reason="A JWT has three parts with dots between them.")
    header, claims = _object(parts[0], "header"), _object(parts[1], "payload")
    algorithm, known = header.get("alg"), FOREIGN_ALGORITHMS if _is_foreign(claims) else ALGORITHMS
    if algorithm not in known:
        raise TokenRefused(50027, reason=f"The algorithm must be one of {', '.join(known)}.")
    if "crit" in header or "b64" in header:
        raise TokenRefused(50027, reason="Critical header extensions are not supported.")
    names = {name: header[name] for name in ("x5t#S256", "x5t", "kid", "x5c") if header.get(name)}
    return Assertion(text=text, algorithm=algorithm, names=names, claims=claims)


def require_issuer(assertion: Assertion, client_id: AppId) -> None:
    """Raise TokenRefused 700021 unless the assertion speaks for `client_id` and for nobody else."""
    issuer, subject = assertion.claims.get("iss"), assertion.claims.get("sub")
    if not all(isinstance(name, str) and canonical_guid(name) == client_id for name in (issuer, subject)):
        raise TokenRefused(700021)


def registered_key(assertion: Assertion, keys: Sequence[StoredKey], *, now: datetime) -> StoredKey:
    """The registered certificate that the assertion names; of several equal ones, one that is in time.

    Raises TokenRefused 700027 when none is registered.
    """
    usable = [key for key in keys if can_verify(key)]
    found: list[StoredKey] = []
    for header, value in assertion.names.items():
        found = [key for key in usable if _names(key, header, value)]
        if found or header in ("x5t#S256", "x5t"):
            break
    if not found:
        raise TokenRefused(
            700027, reason="The key was not found.", thumbprint=_shown_thumbprint(assertion.names), found=""
        )
    return next((key for key in found if _in_time(key, now)), found[0])


def require_signature(assertion: Assertion, key: StoredKey, *, now: datetime) -> None:
    """Raise TokenRefused 700027 unless `key` is in time and signed the assertion."""
    credential = key.credential
    if not _in_time(key, now):
        expired = now >= credential.end_at
        raise _unusable(key, "The key used is expired." if expired else "The key used is not valid yet.")
    public = _public_key(credential.key or b"")
    if public is None:
        raise _unusable(key, f"The key used is not an RSA key of at least {MIN_KEY_BITS} bits.")
    # Not joserfc's own reading of the whole, which refuses padded parts: what was signed are the bytes as sent.
    content, signature = assertion.signed()
    if not _REGISTRY.get_alg(assertion.algorithm).verify(content, signature, public):
        raise _unusable(key, "The signature is not of this key.")


def require_claims(assertion: Assertion, *, is_audience: Callable[[str], bool], audience: str, now: datetime) -> None:
    """Raise TokenRefused unless the assertion is addressed to us (700023) and in time (700024)."""
    if not any(is_audience(one) for one in _texts(assertion.claims.get("aud"))):
        raise TokenRefused(700023, audience=audience)
    require_time(assertion, now=now)


def require_time(assertion: Assertion, *, now: datetime) -> None:
    """Raise TokenRefused 700024 unless the assertion is valid at `now`, 50027 when it does not say how long it is."""
    starts, ends = instant_in(assertion, "nbf"), instant_in(assertion, "exp")
    if ends is None or (starts is None and "nbf" in assertion.claims):
        raise TokenRefused(50027, reason="'exp', and 'nbf' if it is there, are numbers of seconds since 1970.")
    if now >= ends + SKEW or (starts is not None and now < starts - SKEW):
        shown = starts.isoformat() if starts else "(no nbf)"
        raise TokenRefused(700024, now=now.isoformat(), starts=shown, ends=ends.isoformat())


def _is_foreign(claims: dict[str, Any]) -> bool:
    issuer = claims.get("iss")
    return isinstance(issuer, str) and canonical_guid(issuer) is None


def _object(segment: str, what: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_base64url(segment, what), type=dict[str, Any])
    except (ValueError, RecursionError):
        raise TokenRefused(50027, reason=f"Its {what} is not base64url of a JSON object.") from None


def _base64url(segment: str, what: str) -> bytes:
    """The bytes of a part, with padding or without."""
    try:
        return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise TokenRefused(50027, reason=f"Its {what} is not base64url.") from None


def can_verify(key: StoredKey) -> bool:
    """Whether it is a certificate that an application proves itself with."""
    credential = key.credential
    return credential.type is KeyType.CERTIFICATE and credential.usage is KeyUsage.VERIFY and credential.key is not None


def _names(key: StoredKey, header: str, value: object) -> bool:
    """Whether `value` of `header` names this certificate."""
    credential = key.credential
    if header == "x5c":
        return _leaf_thumbprint(value) in {credential.thumbprint_sha256} - {None}
    if not isinstance(value, str):
        return False
    bare = value.rstrip("=")
    if header == "x5t#S256":
        return bare == credential.thumbprint_sha256
    if header == "x5t":
        return bare == credential.thumbprint_sha1
    return bare in (credential.thumbprint_sha1, credential.thumbprint_sha256) or value.upper() == thumbprint_hex(
        credential.thumbprint_sha1
    )


def _leaf_thumbprint(chain: object) -> str | None:
    """The thumbprint of the first certificate of `x5c`; azure-identity and MSAL break its lines."""
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        return None
    try:
        return read_certificate(base64.b64decode("".join(chain[0].split()), validate=True)).thumbprint_sha256
    except (ValueError, Invalid):
        return None


def _shown_thumbprint(names: dict[str, Any]) -> str:
    for header in ("x5t", "x5t#S256"):
        value = names.get(header)
        if isinstance(value, str) and value.isascii():
            return thumbprint_hex(value.rstrip("=")) or value
    return str(names.get("kid", "(none)"))


def _in_time(key: StoredKey, now: datetime) -> bool:
    return key.credential.start_at <= now < key.credential.end_at


def _unusable(key: StoredKey, reason: str) -> TokenRefused:
    credential = key.credential
    start, end = (
        instant.astimezone(UTC).strftime(_SHOWN_INSTANT) for instant in (credential.start_at, credential.end_at)
    )
    return TokenRefused(
        700027,
        reason=reason,
        thumbprint=thumbprint_hex(credential.thumbprint_sha1),
        found=f", Found key 'Start={start}, End={end}'",
    )


@lru_cache(maxsize=1024)
def _public_key(der: bytes) -> RSAKey | None:
    """The certificate's RSA key, None when it has another kind of key, an unreadable or too short a one."""
    try:
        public = load(der).public_key()
    except UNREADABLE:
        return None
    if not isinstance(public, RSAPublicKey) or public.key_size < MIN_KEY_BITS:
        return None
    return RSAKey.import_key(public)


def _texts(value: object) -> Iterable[str]:
    """`aud` is one text or a list of them."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def instant_in(assertion: Assertion, name: str) -> datetime | None:
    """A NumericDate among the claims, None when there is none to be read: MSAL for Python sends fractions, roadtx sends
    text."""
    value = assertion.claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
        return datetime.fromtimestamp(seconds, UTC) if math.isfinite(seconds) else None
    except (ValueError, OverflowError, OSError):
        return None
