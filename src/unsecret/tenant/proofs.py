"""Proofs of possession: an application changes its own keys by signing a short statement with one that it holds.

https://learn.microsoft.com/en-us/graph/application-rollkey-prooftoken. The statement is for Azure AD Graph (`aud`),
issued by the object's id (not its appId), and holds for ten minutes at most. Its parts have no padding; which
certificate signed it may be said by `x5t`, `x5t#S256` or `kid`. Whatever is wrong with it is one error, 401, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NoReturn

from unsecret.errors import Unauthenticated
from unsecret.model.application import KeyCredential, ObjectKind
from unsecret.model.identifiers import ObjectId, canonical_guid
from unsecret.store.credentials import StoredKey
from unsecret.tenant import assertions
from unsecret.wire.aadsts import TokenRefused

AUDIENCE = "00000002-0000-0000-c000-000000000000"
LONGEST_LIFE = timedelta(minutes=10)

_MOST_TRIED = 20
"""Certificates that a proof which names none is held against."""


def require_proof(
    proof: str,
    kind: ObjectKind,
    object_id: ObjectId,
    keys: Sequence[KeyCredential],
    *,
    now: datetime,
    signed_at: datetime,
) -> None:
    """Raise Unauthenticated unless the object's own certificate, which is in time `now`, signed `proof`, for us and
    just now by the signer's clock, which says `signed_at`."""
    try:
        assertion = assertions.read_assertion(proof)
        if "=" in proof or assertion.is_foreign:
            _refuse("its parts are base64url without padding, and its issuer is an object id")
        signer = _signer(assertion, [_stored(kind, object_id, key) for key in keys], now)
        assertions.require_signature(assertion, signer, now=now)
    except TokenRefused as refused:
        _refuse(refused.message.partition(": ")[2])
    claims = assertion.claims
    if claims.get("aud") != AUDIENCE:
        _refuse(f"'aud' is {AUDIENCE}")
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or canonical_guid(issuer) != object_id:
        _refuse("'iss' is the id of the object whose key is changed, which is not its appId")
    _require_fresh(assertion, signed_at)


def _signer(assertion: assertions.Assertion, keys: list[StoredKey], now: datetime) -> StoredKey:
    """The certificate that the proof names. One that names none was signed by any of those that are in time."""
    if assertion.names:
        return assertions.registered_key(assertion, keys, now=now)
    for key in [key for key in keys if assertions.can_verify(key)][:_MOST_TRIED]:
        try:
            assertions.require_signature(assertion, key, now=now)
        except TokenRefused:
            continue
        return key
    _refuse("no valid certificate of the object has signed it. An object without one gets its first by PATCH")


def _require_fresh(assertion: assertions.Assertion, now: datetime) -> None:
    """It ends ten minutes after it begins, or after now when it does not say when it begins; what has ended is over."""
    starts = assertions.instant_in(assertion, "nbf") or assertions.instant_in(assertion, "iat") or now
    ends = assertions.instant_in(assertion, "exp")
    if ends is None or ends - starts > LONGEST_LIFE:
        _refuse("'exp' is at most ten minutes after 'nbf'")
    if not starts - assertions.SKEW <= now < ends:
        _refuse("it is not valid now")


def _stored(kind: ObjectKind, object_id: ObjectId, key: KeyCredential) -> StoredKey:
    return StoredKey(object_id=object_id, kind=kind, credential=key)


def _refuse(reason: str) -> NoReturn:
    raise Unauthenticated(
        f"Access Token missing or malformed. The proof does not hold: {reason}.",
        code="Authentication_MissingOrMalformed",
        target="proof",
    )
