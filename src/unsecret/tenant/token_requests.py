"""What a client asks the token endpoint for: the form it sends, as a value.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow. Fields that
nobody here looks at (`client_info`, `x-client-…`) are ignored, as Entra does. No error repeats a credential.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from enum import StrEnum
from urllib.parse import unquote_plus, unquote_to_bytes

import msgspec
from msgspec import Struct
from starlette.requests import Request

from unsecret.tenant.assertions import Assertion
from unsecret.tenant.call import read_bounded
from unsecret.tenant.issuer_keys import IssuerKeys
from unsecret.wire.aadsts import TokenRefused

MAX_FORM_BYTES = 128 * 1024
MAX_FORM_FIELDS = 64

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_FORM = "application/x-www-form-urlencoded"
_FORM_REMEDY = f" Send the parameters as {_FORM}."


Fields = Sequence[tuple[str, str]]
"""A form as it was sent: names and values, in order, nothing left out."""


class Endpoint(StrEnum):
    """The two token endpoints: v1.0 asks for a `resource`, v2.0 for a `scope`."""

    V1 = "v1.0"
    V2 = "v2.0"


class Client(Struct, frozen=True, kw_only=True):
    """Who asks, and what it proves itself with: at most one of `secret` and `assertion`.

    `client_id` is as it was sent. The credential's text appears nowhere but here. `read` is the assertion, if it can be
    read. `issuer_keys` are those of whoever issued the assertion, when that is an issuer that the application trusts,
    or why it could not be asked for them.
    """

    client_id: str
    secret: str | None = None
    assertion: str | None = None
    read: Assertion | None = None
    issuer_keys: IssuerKeys | TokenRefused | None = None

    def __repr__(self) -> str:
        return f"Client(client_id={self.client_id!r})"


async def read_form(request: Request) -> Fields:
    """The form in the request's body, field by field.

    Raises TokenRefused: 900144 when the body is not a form, 9002313 for what cannot be decoded; TooLarge beyond
    MAX_FORM_BYTES.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _FORM:
        raise TokenRefused(900144, parameter="grant_type", remedy=_FORM_REMEDY)
    raw = await read_bounded(request, MAX_FORM_BYTES)
    if b"%00" in raw or b"\0" in raw:
        raise TokenRefused(9002313, reason="The body holds a NUL (%00), which is in no parameter.")
    pairs = raw.split(b"&")
    try:
        if len(pairs) > MAX_FORM_FIELDS:
            raise ValueError
        return [
            (_unquoted(name), _unquoted(value)) for name, _, value in (pair.partition(b"=") for pair in pairs if pair)
        ]
    except ValueError:
        raise TokenRefused(9002313, reason=f"The body is not a form of at most {MAX_FORM_FIELDS} fields.") from None


def _unquoted(text: bytes) -> str:
    """What a name or a value stands for. Raises ValueError for what is no UTF-8."""
    return (unquote_to_bytes(text.replace(b"+", b" ")) if b"%" in text or b"+" in text else text).decode("utf-8")


def named_client(fields: Fields, authorization: str | None) -> str | None:
    """The client that a request names, however little sense the rest of it makes: the attempt is recorded as its."""
    if named := next((value for name, value in fields if name == "client_id" and value), None):
        return named
    try:
        basic = _basic(authorization)
    except TokenRefused:
        return None
    return basic[0] if basic else None


def each_once(fields: Fields) -> dict[str, str]:
    """`fields` by their names. Raises TokenRefused 9000411 for a parameter that is there twice."""
    form = dict(fields)
    if len(form) != len(fields):
        names = [name for name, _ in fields]
        raise TokenRefused(9000411, parameter=next(name for name in form if names.count(name) > 1))
    return form


def read_client(form: Mapping[str, str], authorization: str | None) -> Client:
    """Who asks, by the form or by HTTP Basic. Raises TokenRefused when that is unclear, or proven twice."""
    basic = _basic(authorization)
    client_id, secret = form.get("client_id") or None, form.get("client_secret") or None
    assertion = _assertion(form)
    if basic is not None:
        if client_id not in (None, basic[0]):
            raise TokenRefused(9002313, reason="'client_id' differs between the Authorization header and the body.")
        if secret is not None or assertion is not None:
            raise _more_than_one()
        client_id, secret = basic
    if secret is not None and assertion is not None:
        raise _more_than_one()
    if client_id is None:
        raise TokenRefused(900144, parameter="client_id", remedy="")
    return Client(client_id=client_id.strip(), secret=secret or None, assertion=assertion)


def required(form: Mapping[str, str], parameter: str) -> str:
    """The value of a parameter. Raises TokenRefused 900144 when it is missing or blank."""
    value = form.get(parameter, "").strip()
    if not value:
        raise TokenRefused(900144, parameter=parameter, remedy="")
    return value


def _assertion(form: Mapping[str, str]) -> str | None:
    assertion, kind = form.get("client_assertion") or None, form.get("client_assertion_type") or None
    if assertion is None:
        return None
    if kind is None:
        raise TokenRefused(900144, parameter="client_assertion_type", remedy="")
    if kind != JWT_BEARER:
        raise TokenRefused(9002313, reason=f"'client_assertion_type' must be '{JWT_BEARER}'.")
    return assertion.strip()


def _more_than_one() -> TokenRefused:
    return TokenRefused(
        9002313, reason="The client proves itself twice. Send 'client_assertion' or a client secret, not both."
    )


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """`Basic` credentials, each part form-encoded (RFC 6749 §2.3.1); None when the header is another's."""
    scheme, _, encoded = (authorization or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except ValueError:
        colon = client_id = secret = ""
    if not colon or not client_id:
        raise TokenRefused(
            9002313, reason="The Authorization header must be Basic, with base64 of 'client_id:client_secret'."
        )
    return unquote_plus(client_id), unquote_plus(secret)


class _Values(Struct):
    values: list[str] = []


class _AccessTokenClaims(Struct):
    xms_cc: _Values | None = None


class _Claims(Struct):
    access_token: _AccessTokenClaims | None = None


def capabilities(claims: str | None) -> tuple[str, ...]:
    """`xms_cc` of the `claims` parameter; the rest of it asks for nothing that is served here. Raises TokenRefused."""
    try:
        asked = msgspec.json.decode(claims or "{}", type=_Claims)
    except (ValueError, RecursionError):
        raise TokenRefused(9002313, reason="'claims' is not a JSON object of claims.") from None
    named = asked.access_token.xms_cc if asked.access_token else None
    return tuple(value[:32] for value in named.values[:8]) if named else ()
