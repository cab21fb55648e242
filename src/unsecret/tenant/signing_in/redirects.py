"""Where an answer may be sent: the redirect URIs of an application, and how the answer is put into them.

https://learn.microsoft.com/en-us/entra/identity-platform/reply-url. A redirect URI matches exactly, character by
character (RFC 9700 §4.1.3), but for the port of a loopback address, which a native application chooses when it starts
(RFC 8252 §7.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from unsecret.model.application import Application

LONGEST_REDIRECT_URI = 2048

_LOOPBACK = ("localhost", "127.0.0.1")
_NEVER = frozenset({"javascript", "data", "vbscript", "blob", "file", "about", "view-source", "ws", "wss"})
"""Schemes that a browser runs or reads instead of going there; no application is given an answer through them."""


class Platform(StrEnum):
    """Under which heading of an application a redirect URI is registered: it says who takes the code back."""

    WEB = "web"
    SPA = "spa"
    PUBLIC = "publicClient"


Registered = tuple[tuple[str, Platform], ...]


def registered_redirects(application: Application) -> Registered:
    """The redirect URIs of an application with their platforms."""
    return (
        *((uri, Platform.WEB) for uri in application.web_redirect_uris),
        *((uri, Platform.SPA) for uri in application.spa_redirect_uris),
        *((uri, Platform.PUBLIC) for uri in application.public_client_redirect_uris),
    )


def platform_of(redirect_uri: str, registered: Iterable[tuple[str, Platform]]) -> Platform | None:
    """The platform under which `redirect_uri` is registered; None when it is not."""
    if not _can_be_gone_to(redirect_uri):
        return None
    known = tuple(registered)
    exact = next((platform for uri, platform in known if uri == redirect_uri), None)
    if exact is not None:
        return exact
    asked = _without_loopback_port(redirect_uri)
    if asked is None:
        return None
    return next((platform for uri, platform in known if _without_loopback_port(uri) == asked), None)


def with_query(uri: str, parameters: dict[str, str]) -> str:
    """`uri` with `parameters` behind the query that it may have already."""
    parts = urlsplit(uri)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *parameters.items()])
    return urlunsplit(parts._replace(query=query, fragment=""))


def with_fragment(uri: str, parameters: dict[str, str]) -> str:
    """`uri` with `parameters` in its fragment, which no server sees."""
    return urlunsplit(urlsplit(uri)._replace(fragment=urlencode(parameters)))


def source_of(uri: str) -> str:
    """What `form-action` of a content security policy calls the place that `uri` leads to: its origin, or its scheme
    alone. Nothing in it can end the directive."""
    parts = _split(uri)
    if parts is None or not parts.scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        return ""
    authority = parts.netloc
    plain = authority and all(character.isalnum() or character in ".-:[]" for character in authority)
    if parts.scheme in ("http", "https") and plain and authority.isascii():
        return f"{parts.scheme}://{authority}"
    return f"{parts.scheme}:"


def origin_of(uri: str) -> str:
    """The origin of a redirect URI, as a browser writes it."""
    parts = _split(uri)
    return f"{parts.scheme}://{parts.netloc}".lower() if parts else ""


def _can_be_gone_to(uri: str) -> bool:
    if len(uri) > LONGEST_REDIRECT_URI or not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        return False
    parts = _split(uri)
    return parts is not None and bool(parts.scheme) and parts.scheme not in _NEVER and "#" not in uri


def _without_loopback_port(uri: str) -> tuple[str, str, str] | None:
    """Host, path and query of an http URI on this machine; None for every other."""
    parts = _split(uri)
    if parts is None or parts.scheme != "http" or parts.hostname not in _LOOPBACK or "@" in parts.netloc:
        return None
    return parts.hostname, parts.path or "/", parts.query


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts
