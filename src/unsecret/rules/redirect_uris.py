"""Whether a redirect URI breaks one of the five redirect-URI restrictions (beta).

What applies to a platform is the list for all platforms together with the platform's own list; the platform pages say
that the two are combined. https://learn.microsoft.com/en-us/graph/api/resources/redirecturiconfiguration?view=graph-rest-beta
"""

from __future__ import annotations

from collections.abc import Mapping

from unsecret.model.change import Governed, RedirectUriAdded
from unsecret.model.policy import ALL_PLATFORMS, RedirectUriLists, Restriction
from unsecret.rules.uri_parts import UriParts, canonical_host, uri_parts

_NO_LISTS = RedirectUriLists()
_ANY_SCHEME = "*"


def has_blocked_domain(added: RedirectUriAdded, entry: Restriction, _governed: Governed) -> bool:
    """The host is listed (exactly, case aside; subdomains are other hosts) or cannot be read."""
    parts = uri_parts(added.uri)
    return parts.host is None or _names_host(_listed(entry, added), parts)


def lacks_allowed_domain(added: RedirectUriAdded, entry: Restriction, _governed: Governed) -> bool:
    """The host is not listed. A URI without a host has no allowed domain, and an empty list allows nothing."""
    parts = uri_parts(added.uri)
    return not parts.host or not _names_host(_listed(entry, added), parts)


def has_blocked_scheme(added: RedirectUriAdded, entry: Restriction, _governed: Governed) -> bool:
    """The scheme is listed or cannot be read, and the URI is not one of the exempt formats."""
    parts = uri_parts(added.uri)
    if parts.scheme is None:
        return True
    exempt = _for_platform(_lists(entry).exempt_formats, added.platform)
    return parts.scheme in _schemes(entry, added) and not any(parts == uri_parts(uri) for uri in exempt)


def lacks_allowed_scheme(added: RedirectUriAdded, entry: Restriction, _governed: Governed) -> bool:
    """The scheme is not listed; `*` in the list allows every scheme that can be read."""
    scheme = uri_parts(added.uri).scheme
    allowed = _schemes(entry, added)
    return scheme is None or (_ANY_SCHEME not in allowed and scheme not in allowed)


def has_wildcard(added: RedirectUriAdded, _entry: Restriction, _governed: Governed) -> bool:
    """There is a `*` anywhere in it.

    Microsoft's page calls `excludeFormats` exceptions to the restriction, while the text of its members says that they
    *block* wildcards in the path. A wildcard that both readings allow does not exist, so `excludeFormats` never lets
    one pass. https://learn.microsoft.com/en-us/graph/api/resources/redirecturiwildcardexcludeformats?view=graph-rest-beta
    """
    return "*" in added.uri


def _lists(entry: Restriction) -> RedirectUriLists:
    return entry.redirect_uris or _NO_LISTS


def _for_platform(lists: Mapping[str, tuple[str, ...]], platform: str) -> tuple[str, ...]:
    return lists.get(ALL_PLATFORMS, ()) + lists.get(platform, ())


def _listed(entry: Restriction, added: RedirectUriAdded) -> tuple[str, ...]:
    return _for_platform(_lists(entry).listed, added.platform)


def _schemes(entry: Restriction, added: RedirectUriAdded) -> frozenset[str]:
    return frozenset(scheme.lower() for scheme in _listed(entry, added))


def _names_host(domains: tuple[str, ...], parts: UriParts) -> bool:
    return any(_is_host(domain, parts) for domain in domains)


def _is_host(domain: str, parts: UriParts) -> bool:
    """A domain is a bare host name or, as in Microsoft's example for public clients, `app://contoso`."""
    if "://" not in domain:
        return canonical_host(domain) == parts.host
    listed = uri_parts(domain)
    return (listed.scheme, listed.host) == (parts.scheme, parts.host)
