"""Reading a URI with suspicion.

A list of allowed or blocked domains is only as good as the reading of the host, and clients disagree about odd
URIs: a browser takes `https://bit.ly\\@contoso.com` and `https:/bit.ly` to bit.ly, a strict parser elsewhere. So the
parts that two readers could read differently are None here, and every rule refuses what it cannot read.
https://www.rfc-editor.org/rfc/rfc3986#section-3
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_SHAPE = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?(.*)", re.DOTALL)
_UNREADABLE = re.compile(r"[\\\s\x00-\x1f\x7f]")
_PORT = re.compile(r":[0-9]*$")
_WEB_SCHEMES = frozenset({"http", "https"})


class UriParts(NamedTuple):
    """`scheme` and `host` in lower case. `host` is "" when the URI names none (`urn:…`, `myapp:/callback`).

    Both are None when they cannot be told for sure. `authority` is as written, in lower case and with its port; `rest`
    is path, query and fragment as written.
    """

    scheme: str | None
    host: str | None
    authority: str
    rest: str

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments, in lower case."""
        return tuple(re.split("[?#]", self.rest, maxsplit=1)[0].lower().strip("/").split("/"))


def uri_parts(uri: str) -> UriParts:
    """The parts of `uri`; never raises."""
    match = _SHAPE.fullmatch(uri)
    scheme, authority, rest = match.groups() if match else (None, None, uri)
    scheme = scheme.lower() if scheme else None
    if _UNREADABLE.search(uri):
        return UriParts(None, None, "", rest)
    return UriParts(scheme, _host(scheme, authority), (authority or "").lower(), rest)


def _host(scheme: str | None, authority: str | None) -> str | None:
    if not authority:
        return None if scheme in _WEB_SCHEMES else ""  # browsers find a host in `https:/x` and `https:///x` too
    if "@" in authority or "%" in authority:
        return None
    return canonical_host(_PORT.sub("", authority))


@lru_cache(maxsize=4096)
def canonical_host(host: str) -> str | None:
    """`host` as it is compared: lower case, punycode, no brackets, no final dot; None when it is no host name."""
    try:
        ascii_host = host.strip("[]").encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return ascii_host.lower().removesuffix(".") or None
