"""The keys that tokens are signed with: the directory's, shared by every server of it, and replaced in time.

A key is shown in the key document for a day before it signs, which is as long as clients may keep that document, and
after it has stopped signing until the last of its tokens has ended. So whoever looks at the document once a day
never meets a key that it does not know. As in Entra, `kid` is the base64url SHA-1 thumbprint of the key's certificate,
and so equals `x5t`.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from msgspec import Struct

from unsecret.errors import Unauthenticated, Unavailable
from unsecret.store.signing_keys import (
    StoredSigningKey,
    add_signing_key,
    delete_signing_keys,
    list_signing_keys,
)
from unsecret.tenant.certificates import base64url
from unsecret.tenant.key_making import new_key, private_key_of

if TYPE_CHECKING:
    from unsecret.store.engine import Connection, Store

ALGORITHM = "RS256"
_PADDING, _HASH = PKCS1v15(), SHA256()
MAX_TOKEN_LENGTH = 64 * 1024
TENANT_PLACEHOLDER = "{tenantid}"
"""How Microsoft writes an issuer that holds for every tenant."""

REMEMBERED_TOKENS = 1024
_SECONDS_BETWEEN_LOOKS = 2.0
REFRESH_SECONDS = 30.0
SHOWN_BEFORE = timedelta(days=1)
"""That a key is shown before it signs: the `max-age` of the key document."""

LONGEST_TOKEN = timedelta(hours=2)
"""No token that we sign is good for longer."""


class _Registry(jws.JWSRegistry):
    """Access tokens can be longer than joserfc's default; `decode` has bounded the whole before."""

    max_header_length = 4096
    max_payload_length = MAX_TOKEN_LENGTH


_REGISTRY = _Registry(algorithms=[ALGORITHM], strict_check_header=False)


class Claims(dict[str, Any]):
    """What a token says. The same for as long as the token is remembered, and equal to nothing else: so what is made
    of it can be remembered by it. Whoever gets it only looks at it."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class SigningKey(Struct, frozen=True, kw_only=True):
    """One key. `jwk` is its public side as the key document shows it; `header` is what its tokens begin with."""

    kid: str
    created_at: datetime
    header: str
    private: RSAPrivateKey
    public: RSAKey
    jwk: dict[str, Any]


class SigningKeys:
    """What this server knows of the directory's keys. `open` reads them, and makes the first one.

    Signing and verifying ask the directory nothing. `refresh` does, and is called by `kept_fresh`, and for a token
    that names a key which is not known, at most every few seconds. `clock` is the real one.
    """

    def __init__(self, store: Store, *, clock: Callable[[], datetime], passphrase: str | None):
        """Use `SigningKeys.open`."""
        self._store = store
        self._clock = clock
        self._passphrase = passphrase
        self._keys: dict[str, SigningKey] = {}  # newest first
        self._signer: SigningKey | None = None
        self._look_again_at = 0.0
        self._forget_tokens()

    @classmethod
    def open(cls, store: Store, *, clock: Callable[[], datetime], passphrase: str | None = None) -> SigningKeys:
        """The directory's keys. `passphrase` is what private keys are encrypted with when they are kept; one that was
        kept without is read all the same.

        Raises Invalid when a key cannot be read with this passphrase.
        """
        keys = cls(store, clock=clock, passphrase=passphrase)
        keys.refresh()
        if not keys._keys:
            first = new_key(clock(), passphrase)
            store.write(lambda conn: list_signing_keys(conn) or add_signing_key(conn, first)).result()
            keys.refresh()
        return keys

    def refresh(self) -> None:
        """Look what keys there are now. Raises Unavailable, and then goes on with those that are known."""
        with self._store.read() as conn:
            stored = list_signing_keys(conn)
        now = self._clock()
        shown = stored[: shown_count([key.created_at for key in stored], now)]
        keys = {key.kid: self._keys.get(key.kid) or _opened(key, self._passphrase) for key in shown}
        if self._keys.keys() - keys.keys():
            self._forget_tokens()
        self._keys = keys
        self._signer = next(iter([key for key in keys.values() if begins_to_sign(key.created_at) <= now]), None)

    def rotate(self, *, at_once: bool = False) -> str:
        """Make a key; the `kid` of it. It signs from tomorrow on. With `at_once` it signs now, and all others, and
        every token of theirs, are good for nothing any more: for a key that somebody may have got hold of."""
        key = new_key(self._clock(), self._passphrase)

        def work(conn: Connection) -> None:
            if at_once:
                delete_signing_keys(conn, [known.kid for known in list_signing_keys(conn)])
            add_signing_key(conn, key)

        self._store.write(work).result()
        self.refresh()
        return key.kid

    def keep(self, *, rotate_after: timedelta) -> None:
        """Refresh, make a new key when the newest is older than `rotate_after`, and forget those that are used no
        more. Of several servers that do so at the same time one makes a key. Raises Unavailable."""
        self.refresh()
        with self._store.read() as conn:
            stored = list_signing_keys(conn)
        now = self._clock()
        ended = stored[shown_count([key.created_at for key in stored], now) :]
        if ended:
            self._store.write(lambda conn: delete_signing_keys(conn, [key.kid for key in ended])).result()
        if stored and stored[0].created_at + rotate_after > now:
            return
        key = new_key(now, self._passphrase)

        def work(conn: Connection) -> None:
            if list_signing_keys(conn)[:1] == stored[:1]:
                add_signing_key(conn, key)

        self._store.write(work).result()
        self.refresh()

    def shown(self) -> list[tuple[SigningKey, bool]]:
        """The keys of the key document, newest first, each with whether it signs."""
        signer = self._signing_key()
        return [(key, key is signer) for key in self._keys.values()]

    def _signing_key(self) -> SigningKey:
        """Without a key that is old enough, the oldest."""
        return self._signer or next(reversed(self._keys.values()))

    def sign(self, claims: dict[str, Any]) -> str:
        """`claims` as a token (JWS compact, RS256)."""
        key = self._signing_key()
        signed = key.header + base64url(msgspec.json.encode(claims))
        return f"{signed}.{base64url(key.private.sign(signed.encode(), _PADDING, _HASH))}"

    def jwks(self, issuer: str | None = None) -> dict[str, Any]:
        """The key document: every key that tokens in use may be signed with. `issuer` is shown with each key."""
        shown = {"issuer": issuer} if issuer is not None else {}
        return {"keys": [key.jwk | shown for key in self._keys.values()]}

    def verify(self, token: str, *, audiences: Collection[str], issuers: Collection[str], now: datetime) -> Claims:
        """The claims of a token that one of these keys signed for one of `audiences`, valid at `now`.

        `issuers` may have `{tenantid}` in them, which stands for the token's own `tid`. Nothing in the token
        says which algorithm or key to use: it is RS256, with the key of ours that `kid` names; `jku`, `jwk`,
        `x5u` and `x5c` are not looked at. Raises Unauthenticated with Graph's words.
        """
        claims = self._signed_claims(token)
        audience = claims.get("aud")
        if not isinstance(audience, str) or audience not in audiences:
            raise Unauthenticated("Access token validation failure. Invalid audience.")
        if not _issued_by_one_of(issuers, claims):
            raise Unauthenticated("Access token validation failure. Invalid issuer.")
        _require_valid_at(now, claims)
        return claims

    def _decode(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN_LENGTH or token.count(".") != 2:
            raise _malformed()
        try:
            header = msgspec.json.decode(_segment(token.split(".", 1)[0]), type=_Header)
        except (ValueError, RecursionError):
            raise _malformed() from None
        key = self._key(header.kid)
        if header.alg != ALGORITHM or key is None or header.crit is not None:
            raise Unauthenticated("Access token validation failure. Invalid signature.")
        try:
            payload = jws.deserialize_compact(token, key.public, registry=_REGISTRY).payload
            return Claims(msgspec.json.decode(payload or b"", type=dict[str, Any]))
        except (JoseError, ValueError, RecursionError):
            raise Unauthenticated("Access token validation failure. Invalid signature.") from None

    def _key(self, kid: str) -> SigningKey | None:
        """A key that we do not know may be a new one of another server. Who makes up names of keys makes us look
        every few seconds, not every time."""
        if kid not in self._keys and time.monotonic() >= self._look_again_at:
            self._look_again_at = time.monotonic() + _SECONDS_BETWEEN_LOOKS
            with suppress(Unavailable):
                self.refresh()
        return self._keys.get(kid)

    def _forget_tokens(self) -> None:
        # A client shows the same token for an hour; that we signed it does not change, whatever else is asked of it.
        self._signed_claims = lru_cache(maxsize=REMEMBERED_TOKENS)(self._decode)


@contextmanager
def kept_fresh(signing: SigningKeys, *, rotate_after: timedelta, every: float = REFRESH_SECONDS) -> Generator[None]:
    """While the block lasts, a thread keeps the keys (`SigningKeys.keep`). What it cannot do it tries again."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every):
            with suppress(Unavailable):
                signing.keep(rotate_after=rotate_after)

    thread = threading.Thread(target=run, name="signing-keys", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def begins_to_sign(created_at: datetime) -> datetime:
    """When a key that was made at `created_at` has been shown for long enough."""
    return created_at + SHOWN_BEFORE


def shown_count(newest_first: Sequence[datetime], now: datetime) -> int:
    """How many of the keys that were made then are shown at `now`: a key stops signing when the next one begins, and
    is shown until its last token has ended."""
    for number, created_at in enumerate(newest_first, start=1):
        if begins_to_sign(created_at) + LONGEST_TOKEN <= now:
            return number
    return len(newest_first)


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
    return claims.get("iss") in [issuer.replace(TENANT_PLACEHOLDER, tenant_id) for issuer in issuers]


def _require_valid_at(now: datetime, claims: dict[str, Any]) -> None:
    starts, ends = claims.get("nbf"), claims.get("exp")
    if not isinstance(starts, int) or not isinstance(ends, int):
        raise Unauthenticated("Lifetime validation failed, the token has no lifetime.")
    at = now.timestamp()
    if at >= ends:
        raise Unauthenticated("Lifetime validation failed, the token is expired.")
    if at < starts:
        raise Unauthenticated("Lifetime validation failed, the token is not valid yet.")


def _opened(stored: StoredSigningKey, passphrase: str | None) -> SigningKey:
    private = private_key_of(stored.private_key, passphrase)
    public = RSAKey.import_key(private.public_key())
    jwk = {
        "kty": "RSA",
        "use": "sig",
        "kid": stored.kid,
        "x5t": stored.kid,
        "n": public.dict_value["n"],
        "e": public.dict_value["e"],
        "x5c": [base64.b64encode(stored.certificate).decode("ascii")],
    }
    header = {"typ": "JWT", "alg": ALGORITHM, "x5t": stored.kid, "kid": stored.kid}
    return SigningKey(
        kid=stored.kid,
        created_at=stored.created_at,
        header=f"{base64url(msgspec.json.encode(header))}.",
        private=private,
        public=public,
        jwk=jwk,
    )
