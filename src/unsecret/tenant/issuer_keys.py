"""The keys that an issuer publishes, and whether one of them signed an assertion.

RFC 7517 and RFC 7515. Of what stands in an assertion's header only `alg` and `kid` are looked at: `jku`, `x5u`, `jwk`
and `x5c` would let whoever wrote the assertion bring the keys along. The algorithm has to be one for the key's type.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from msgspec import Struct

from unsecret.tenant.assertions import FOREIGN_ALGORITHMS, MIN_KEY_BITS, Assertion
from unsecret.wire.aadsts import TokenRefused

MOST_KEYS = 100
MAX_KEY_BITS = 8192
"""A longer key would keep everybody waiting while one signature is checked."""

_MOST_TRIED = 10
"""Keys of one `kid`, or of none, that are tried."""

_LARGEST_EXPONENT = 2**32
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_REGISTRY = jws.JWSRegistry(algorithms=list(FOREIGN_ALGORITHMS))


class IssuerKeys(Struct, frozen=True):
    """The members of a JWKS, as they were published."""

    jwks: tuple[Mapping[str, Any], ...]

    def holds(self, kid: object) -> bool:
        """Whether there is a key of this name; of no name in particular there always is."""
        return kid is None or any(jwk.get("kid") == kid for jwk in self.jwks)


def require_issuer_signature(assertion: Assertion, keys: IssuerKeys) -> None:
    """Raise TokenRefused 700027 unless one of `keys` signed the assertion."""
    kid = assertion.names.get("kid")
    fitting = [key for jwk in keys.jwks if (key := _usable(jwk, assertion.algorithm, kid)) is not None]
    if not fitting:
        raise _refused(kid, f"The issuer publishes no {assertion.algorithm} key of this name.")
    content, signature = assertion.signed()
    algorithm = _REGISTRY.get_alg(assertion.algorithm)
    if not any(algorithm.verify(content, signature, key) for key in fitting[:_MOST_TRIED]):
        raise _refused(kid, "The signature is not of this key.")


def _usable(jwk: Mapping[str, Any], algorithm: str, kid: object) -> RSAKey | ECKey | None:
    """The key, if it may have signed what names `kid` and `algorithm`."""
    meant = (
        (kid is None or jwk.get("kid") == kid)
        and jwk.get("use") in (None, "sig")
        and jwk.get("alg") in (None, algorithm)
        and (jwk.get("key_ops") is None or "verify" in _texts(jwk.get("key_ops")))
    )
    if not meant:
        return None
    try:
        return _ec(jwk, algorithm) if algorithm in _CURVES else _rsa(jwk)
    except (ValueError, TypeError, KeyError, JoseError, UnsupportedAlgorithm):
        return None


def _rsa(jwk: Mapping[str, Any]) -> RSAKey | None:
    if jwk.get("kty") != "RSA":
        return None
    modulus, exponent = _number(jwk["n"]), _number(jwk["e"])
    if not MIN_KEY_BITS <= modulus.bit_length() <= MAX_KEY_BITS or not 3 <= exponent <= _LARGEST_EXPONENT:
        return None
    return RSAKey.import_key({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]})


def _ec(jwk: Mapping[str, Any], algorithm: str) -> ECKey | None:
    if jwk.get("kty") != "EC" or jwk.get("crv") != _CURVES[algorithm]:
        return None
    return ECKey.import_key({"kty": "EC", "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]})


def _number(text: object) -> int:
    if not isinstance(text, str) or len(text) > MAX_KEY_BITS:
        raise ValueError("no number")
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _refused(kid: object, reason: str) -> TokenRefused:
    return TokenRefused(700027, reason=reason, thumbprint=kid if isinstance(kid, str) else "(none)", found="")
