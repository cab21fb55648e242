"""Signing in as an application with a certificate: a signed statement in place of a secret.

https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials and RFC 7523. Building the
request is here; sending it is the client's.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from unsecret.errors import Invalid, Unauthenticated
from unsecret.operate.graph.connection import Connection, Remote

if TYPE_CHECKING:
    from unsecret.operate.graph.answers import Answer

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME = timedelta(minutes=10)
"""Microsoft's advice for the statement's own lifetime."""

RENEW_BEFORE = timedelta(minutes=5)
"""A token this close to its end is not used for a new request."""

_PEM_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----\n?", re.DOTALL)


class TokenRequest(Struct, frozen=True, kw_only=True):
    """A request to the sign-in service: a form, or content with the headers that describe it."""

    url: str
    form: dict[str, str] | None = None
    method: str = "POST"
    headers: dict[str, str] = {}
    content: bytes | None = None


class Token(Struct, frozen=True):
    """A bearer token and the instant after which it is not used any more."""

    text: str
    use_until: datetime


class TokenSource(Protocol):
    """Gives a new token for Graph whenever it is called; `post` sends a request to the sign-in service."""

    def __call__(self, post: Callable[[TokenRequest], Answer], now: datetime, /) -> Token: ...


def by_certificate(connection: Connection) -> TokenSource:
    """Tokens for the application of a local tenant's `connection`."""

    def token(post: Callable[[TokenRequest], Answer], now: datetime) -> Token:
        answer = post(token_request(connection, now=now))
        return token_from(answer.status, answer.body, connection, now=now)

    return token


def own_tokens(connection: Connection | Remote) -> TokenSource:
    """What needs no telling: a local tenant is signed in to by its certificate. Raises Invalid for another."""
    if isinstance(connection, Remote):
        raise Invalid(f"How to sign in to {connection.words} was not said.")
    return by_certificate(connection)


def token_request(connection: Connection, *, now: datetime) -> TokenRequest:
    """What to send to get a Graph token for the application of `connection`.

    Raises Invalid when the certificate file is missing or holds no RSA key and certificate.
    """
    url = f"{connection.authority}/{connection.tenant_id}/oauth2/v2.0/token"
    assertion = _signed_statement(connection.certificate, client_id=connection.client_id, audience=url, now=now)
    return TokenRequest(
        url=url,
        form={
            "client_id": connection.client_id,
            "grant_type": "client_credentials",
            "scope": f"{connection.graph}/.default",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        },
    )


def token_from(status: int, body: Any, connection: Connection, *, now: datetime) -> Token:
    """The token in the endpoint's answer. Raises Unauthenticated with the endpoint's own words."""
    answer = body if isinstance(body, dict) else {}
    text, seconds = answer.get("access_token"), answer.get("expires_in")
    if status == 200 and isinstance(text, str) and isinstance(seconds, int | float):
        return Token(text, now + timedelta(seconds=float(seconds)) - RENEW_BEFORE)
    said = str(answer.get("error_description") or f"the sign-in service answered {status} without saying why")
    raise Unauthenticated(
        f"Signing in as {connection.client_id} failed: {said.splitlines()[0]}",
        code=str(answer.get("error") or "invalid_client"),
        hint=f"The certificate is {connection.certificate}. If another tenant was made since, start it again "
        "with `unsecret up`, which writes connection.json anew.",
    )


def _signed_statement(file: Path, *, client_id: str, audience: str, now: datetime) -> str:
    """A JWT that says: I am `client_id`, and I hold the private key of this certificate."""
    from joserfc import jwt
    from joserfc.jwk import RSAKey

    key, certificate = _key_and_certificate(file)
    issued = int(now.timestamp())
    claims = {
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": str(uuid.uuid4()),
        "iat": issued,
        "nbf": issued,
        "exp": issued + int(ASSERTION_LIFETIME.total_seconds()),
    }
    header = {"alg": "RS256", "typ": "JWT", "x5t#S256": _thumbprint(certificate)}
    try:
        return jwt.encode(header, claims, RSAKey.import_key(key))
    except ValueError as problem:
        raise Invalid(f"{file} holds no usable RSA private key.") from problem


def _key_and_certificate(file: Path) -> tuple[bytes, bytes]:
    """The private key block and the first certificate block (the leaf, RFC 8446 §4.4.2) of a PEM file."""
    try:
        blocks = [(match[1], match[0]) for match in _PEM_BLOCK.finditer(file.read_bytes())]
    except OSError as problem:
        raise Invalid(f"The certificate {file} cannot be read: {problem.strerror}.") from problem
    keys = [block for kind, block in blocks if kind.endswith(b"PRIVATE KEY")]
    certificates = [block for kind, block in blocks if kind == b"CERTIFICATE"]
    if len(keys) != 1 or not certificates:
        raise Invalid(f"{file} must hold one private key and its certificate, both as PEM.")
    return keys[0], certificates[0]


def _thumbprint(certificate: bytes) -> str:
    """`x5t#S256` (RFC 7515 §4.1.8): base64url of the SHA-256 of the certificate's DER, without padding."""
    der = base64.b64decode(b"".join(certificate.splitlines()[1:-1]))
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
