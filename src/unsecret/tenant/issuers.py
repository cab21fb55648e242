"""The issuers that this server may ask for their keys, and what they said.

https://openid.net/specs/openid-connect-discovery-1_0.html. A tenant on somebody's machine must not become a way into
the network around it: whoever may write an application can name any address as an issuer. So nothing is asked but the
issuers that were named when the server was started, and of them nothing but two small documents over TLS, without
following redirects. `ISSUER=ADDRESS` says where an issuer is to be found instead: a cluster behind `kubectl proxy`, or
something local that plays the part of GitHub. Then nothing beyond that address is asked, wherever the issuer points.

What was said is remembered for an hour. A key that is not known is looked for anew at most once a minute, and an issuer
that failed is left alone for some seconds, however many assertions come.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import ssl
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Struct

from unsecret.errors import Invalid
from unsecret.tenant.issuer_keys import MOST_KEYS, IssuerKeys
from unsecret.tenant.log import get_logger
from unsecret.wire.aadsts import TokenRefused

if TYPE_CHECKING:
    import httpx2

log = get_logger(__name__)

ANSWERS_WITHIN = 5.0
"""Seconds for both documents together."""

LONGEST_DOCUMENT = 256 * 1024
KEPT_FOR = timedelta(hours=1)
SEARCHED_AGAIN_AFTER = timedelta(minutes=1)
TRIED_AGAIN_AFTER = timedelta(seconds=5)

_DISCOVERY = "/.well-known/openid-configuration"
_ENTRY = re.compile(r"(?P<issuer>https://(?:(?!://)\S)+?)(?:=(?P<place>https?://\S+))?")
_OK = 200
_NOWHERE: Mapping[str, str] = MappingProxyType({})


class _Known(Struct, frozen=True):
    """What came of asking an issuer, and when: its keys, or the reason why there are none."""

    at: datetime
    outcome: IssuerKeys | str


class _Failed(Exception):
    """An issuer did not say what it has to; the text is the reason."""


class Issuers:
    """`places` maps an issuer to where it is asked. `authorities` is a file of further certificate authorities;
    `transport` replaces the network, `within` is how many seconds an issuer may take."""

    def __init__(
        self,
        places: Mapping[str, str] = _NOWHERE,
        *,
        authorities: Path | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        within: float = ANSWERS_WITHIN,
    ):
        self._places = places
        self._authorities = authorities
        self._transport = transport
        self._within = within
        self._known: dict[str, _Known] = {}
        self._asking: dict[tuple[Any, str], asyncio.Task[_Known]] = {}

    async def keys_of(self, issuer: str, *, kid: object, now: datetime) -> IssuerKeys:
        """The keys of `issuer`, hopefully with `kid` among them. Raises TokenRefused 50166 when it cannot be asked."""
        if issuer not in self._places:
            raise _not_asked(f"This tenant may not ask '{issuer}'. Start it with: unsecret up --issuer {issuer}")
        known = self._known.get(issuer)
        if known is None or not _is_good(known, kid, now):
            known = await self._asked(issuer, now)
        if isinstance(known.outcome, str):
            raise _not_asked(f"The issuer '{issuer}': {known.outcome}.")
        return known.outcome

    async def _asked(self, issuer: str, now: datetime) -> _Known:
        """Ask, or wait for the answer to somebody else's question; one who hangs up takes it from nobody."""
        place = (asyncio.get_running_loop(), issuer)
        if (asking := self._asking.get(place)) is None:
            asking = self._asking[place] = asyncio.create_task(self._ask(issuer, now))
            asking.add_done_callback(lambda _: self._asking.pop(place, None))
        return await asyncio.shield(asking)

    async def _ask(self, issuer: str, now: datetime) -> _Known:
        import httpx2

        outcome: IssuerKeys | str
        try:
            outcome = await self._fetched(issuer)
        except (_Failed, TimeoutError, OSError, ValueError, httpx2.HTTPError, httpx2.InvalidURL) as problem:
            outcome = str(problem) if isinstance(problem, _Failed) else type(problem).__name__
            log.warning("an issuer could not be asked", issuer=issuer, reason=outcome, detail=str(problem))
        self._known[issuer] = known = _Known(now, outcome)
        return known

    async def _fetched(self, issuer: str) -> IssuerKeys:
        import httpx2

        place = self._places[issuer]
        async with (
            asyncio.timeout(self._within),
            httpx2.AsyncClient(
                verify=True if self._transport else self._trust,
                transport=self._transport,
                timeout=self._within,
                trust_env=False,
                follow_redirects=False,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            ) as http,
        ):
            document = await _document(http, place.rstrip("/") + _DISCOVERY)
            if document.get("issuer") != issuer:
                raise _Failed("its discovery document names another issuer")
            keys = (await _document(http, _keys_address(document.get("jwks_uri"), issuer, place))).get("keys")
        if not isinstance(keys, list) or len(keys) > MOST_KEYS or not all(isinstance(key, dict) for key in keys):
            raise _Failed(f"its key document is not a list of at most {MOST_KEYS} keys")
        return IssuerKeys(tuple(keys))

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        import httpx2

        trust = httpx2.create_ssl_context(trust_env=False)
        if self._authorities is not None:
            trust.load_verify_locations(self._authorities)
        return trust


def require_authorities(file: Path) -> None:
    """Raise Invalid when `file` holds no certificates to trust."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as problem:  # ssl.SSLError is one
        raise Invalid(
            f"{file} cannot be read as authorities of issuers. It has to be a file of certificates in PEM."
        ) from problem


def issuer_places(entries: Iterable[str]) -> dict[str, str]:
    """Issuer → where it is asked, from entries `ISSUER` and `ISSUER=ADDRESS`. Raises Invalid."""
    places: dict[str, str] = {}
    for entry in entries:
        found = _ENTRY.fullmatch(entry)
        if found is None or not _may_be_asked(urlsplit(found["place"] or found["issuer"])):
            raise Invalid(
                f"'{entry}' is no issuer. Write ISSUER or ISSUER=ADDRESS; both are https addresses, but for an ADDRESS "
                "on this machine, which may be http."
            )
        places[found["issuer"]] = found["place"] or found["issuer"]
    return places


def _may_be_asked(place: SplitResult) -> bool:
    if not place.hostname or place.username is not None or place.query or place.fragment:
        return False
    return place.scheme == "https" or _is_loopback(place.hostname)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_good(known: _Known, kid: object, now: datetime) -> bool:
    """Whether what is known will do. A clock that was set back makes everything old."""
    age = now - known.at
    if age < timedelta():
        return False
    if isinstance(known.outcome, str):
        return age < TRIED_AGAIN_AFTER
    return age < KEPT_FOR and (known.outcome.holds(kid) or age < SEARCHED_AGAIN_AFTER)


def _not_asked(reason: str) -> TokenRefused:
    return TokenRefused(50166, reason=reason)


def _keys_address(address: object, issuer: str, place: str) -> str:
    """Where the keys are. An issuer that is found elsewhere is asked for them there, too."""
    if not isinstance(address, str):
        raise _Failed("its discovery document has no jwks_uri")
    parts, asked = urlsplit(address), urlsplit(place)
    if place != issuer:
        return parts._replace(scheme=asked.scheme, netloc=asked.netloc, fragment="").geturl()
    if parts.scheme != "https" or parts.username is not None:
        raise _Failed("its jwks_uri is not an https address")
    return address


async def _document(http: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    async with http.stream("GET", url) as answer:
        if answer.status_code != _OK or "content-encoding" in answer.headers:
            raise _Failed(f"it answered {answer.status_code}, where a plain document was expected")
        received = b""
        async for chunk in answer.aiter_raw():
            received += chunk
            if len(received) > LONGEST_DOCUMENT:
                raise _Failed(f"it sent more than {LONGEST_DOCUMENT} bytes")
    try:
        return msgspec.json.decode(received, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise _Failed("what it sent is not a JSON object") from None
