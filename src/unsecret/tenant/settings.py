"""What a tenant server is told, and what it is made of: values that are passed in, never looked up.

Which names it answers to is decided here once: `localhost` and the address it is bound to, and Microsoft's
own host names, because many clients have those built in and reach a local tenant through a proxy or
`/etc/hosts`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct, field

from unsecret.errors import Invalid
from unsecret.model.identifiers import ARM_APP_ID, GRAPH_APP_ID
from unsecret.tenant.issuers import Issuers

if TYPE_CHECKING:
    from unsecret.store.engine import Store
    from unsecret.tenant.mischief import Mischief
    from unsecret.tenant.movable_clocks import MovableClocks
    from unsecret.tenant.signing import SigningKeys

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 8443

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")

LOGIN_HOSTS = frozenset(
    {"login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"},
)
"""The aliases of Microsoft's public login service."""

MICROSOFT_HOSTS = LOGIN_HOSTS | {"graph.microsoft.com", "management.azure.com", "management.core.windows.net"}

LOGIN_ORIGIN = "https://login.microsoftonline.com"

_HOST_HEADER = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")
_GRAPH_RESOURCES = ("https://graph.microsoft.com", "https://graph.microsoft.com/", GRAPH_APP_ID)
_ARM_RESOURCES = (
    "https://management.azure.com",
    "https://management.azure.com/",
    "https://management.core.windows.net",
    "https://management.core.windows.net/",
    ARM_APP_ID,
)


class ServerSettings(Struct, frozen=True, kw_only=True):
    """One server: where its data is, where it listens, and what it goes by.

    `host` is a name or an IP address, `port` the port it listens on. `base_url` (no trailing slash) stands
    in absolute URLs when a request came under a name that is not in `hosts`. `hosts` are lower-case names and
    IP addresses without ports; the server certificate is for all of them. An access token is for Graph when
    its `aud` is in `graph_audiences`, for Azure Resource Manager when it is in `arm_audiences`; the server's
    own origin is in both. With `subscription`, every tenant has one Azure subscription, with nothing in it.
    """

    data: Path
    host: str
    port: int
    base_url: str
    hosts: frozenset[str]
    graph_audiences: frozenset[str]
    arm_audiences: frozenset[str]
    subscription: bool = False


class Services(Struct, frozen=True, kw_only=True):
    """What the handlers of one server work with. `clock` is the machine's, and is asked once, when a request begins;
    `movable_clocks` are the tenants' own, None where they are the machine's. `mischief` is what is done to clients
    on purpose, None for nothing."""

    store: Store
    signing: SigningKeys
    settings: ServerSettings
    clock: Callable[[], datetime]
    mischief: Mischief | None = None
    movable_clocks: MovableClocks | None = None
    issuers: Issuers = field(default_factory=Issuers)


def server_settings(
    data: Path,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    base_url: str | None = None,
    subscription: bool = False,
) -> ServerSettings:
    """Settings with everything derived that can be. `port` is the real one by now, not 0.

    Without `base_url` it is `https://localhost:<port>`, or the host's own name when that is not this machine's
    loopback. Raises Invalid for a host or a base URL that cannot be one.
    """
    own = _own_names(host)
    base_url = _checked(base_url) if base_url else f"https://{_authority(_shown_name(host), port)}"
    hosts = frozenset(own) | MICROSOFT_HOSTS | {_host_of(base_url)}
    origins = {f"https://{_authority(name, port)}" for name in own} | {base_url}
    # Kiota leaves the port out when it makes a scope of a base URL: https://localhost/.default
    origins |= {f"https://{_authority(name, 443)}" for name in own}
    own_resources = origins | {f"{origin}/" for origin in origins}
    return ServerSettings(
        data=data,
        host=host,
        port=port,
        base_url=base_url,
        hosts=hosts,
        graph_audiences=frozenset(own_resources).union(_GRAPH_RESOURCES),
        arm_audiences=frozenset(own_resources).union(_ARM_RESOURCES),
        subscription=subscription,
    )


def origin(host_header: str | None, settings: ServerSettings) -> str:
    """The origin that absolute URLs in an answer begin with, e.g. `https://localhost:8443`.

    It is the one that the request was sent to, so that a client behind `/etc/hosts`, a proxy or a published
    port stays where it is, but only under a name that this server is set up for.
    """
    if host_header is None:
        return settings.base_url
    written = _HOST_HEADER.fullmatch(host_header.lower())
    if written is None or written["name"].strip("[]") not in settings.hosts:
        return settings.base_url
    return f"https://{written[0]}"


def browser_origin(host_header: str | None, settings: ServerSettings) -> str:
    """The origin that a person is sent to. Microsoft's hosts are this server to programs behind its proxy only: a
    browser beside them would bring the code, and the password, to Microsoft."""
    asked = origin(host_header, settings)
    return settings.base_url if _host_of(asked) in LOGIN_HOSTS else asked


def login_authority(origin: str) -> str:
    """The origin that v2.0 tokens name as their issuer: Microsoft's login hosts are all one."""
    return LOGIN_ORIGIN if _host_of(origin) in LOGIN_HOSTS else origin


def is_own_origin(identifier: str, settings: ServerSettings) -> bool:
    """Whether a resource identifier is this server itself: an https origin under one of its own names, on any
    port (a container's may be published under another), with or without a slash."""
    return (
        is_own_url(identifier, settings)
        and urlsplit(identifier).path in ("", "/")
        and _host_of(identifier) not in MICROSOFT_HOSTS
    )


def is_own_url(url: str, settings: ServerSettings) -> bool:
    """Whether `url` is an https URL of a host that this server answers to, on any port."""
    return url.startswith("https://") and _host_of(url) in settings.hosts


def _own_names(host: str) -> tuple[str, ...]:
    name = checked_host(host)
    return LOCAL_NAMES if _is_wildcard(name) else (*LOCAL_NAMES, name)


def _shown_name(host: str) -> str:
    """The name in `base_url`: `localhost` for everything that is the loopback or every interface."""
    name = checked_host(host)
    return "localhost" if name in LOCAL_NAMES or _is_wildcard(name) else name


def _is_wildcard(name: str) -> bool:
    return name in ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def checked_host(host: str) -> str:
    """`host` as a bare lower-case name or IP address. Raises Invalid when it is neither."""
    name = host.strip("[]").lower()
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        if not name or not name.isascii() or any(character in name for character in " /:@?#%\\"):
            raise Invalid(f"'{host}' is not a host name or an IP address.") from None
        return name


def _checked(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
        raise Invalid(f"'{base_url}' cannot be the base URL. It looks like https://tenant.example:8443")
    return base_url.rstrip("/").lower()


def _authority(name: str, port: int) -> str:
    shown = f"[{name}]" if ":" in name else name
    return shown if port == 443 else f"{shown}:{port}"


def _host_of(url: str) -> str:
    """The host of `url` without its port, or "" when there is none to be read."""
    try:
        parts = urlsplit(url)
        if parts.port == 0 or parts.username is not None:
            return ""
        return parts.hostname or ""
    except ValueError:
        return ""
