"""Which identifier URIs are the default ones, and which carry something that only this tenant can have.

https://learn.microsoft.com/en-us/entra/identity-platform/identifier-uri-restrictions (the secure patterns)
https://learn.microsoft.com/en-us/graph/api/resources/identifieruriconfiguration
"""

from __future__ import annotations

from collections.abc import Iterable

from unsecret.model.change import Governed
from unsecret.rules.uri_parts import canonical_host, uri_parts


def is_default_uri(uri: str, governed: Governed) -> bool:
    """Whether `uri` is `api://{appId}` or `api://{tenantId}/{appId}` and nothing more; case does not matter."""
    app_id, tenant_id = governed.app_id.lower(), governed.tenant_id.lower()
    return uri.lower() in (f"api://{app_id}", f"api://{tenant_id}/{app_id}")


def has_unique_tenant_identifier(uri: str, governed: Governed) -> bool:
    """Whether `uri` matches a secure pattern, whatever its scheme.

    Its host is the app id, the tenant id, a verified domain or a subdomain of one, or a path segment is one of the two
    ids. A port does not matter. URIs without `//` (`urn:…`) match no published pattern.
    """
    parts = uri_parts(uri)
    if not parts.scheme or not parts.host:
        return False
    ids = {governed.app_id.lower(), governed.tenant_id.lower()}
    return parts.host in ids or not ids.isdisjoint(parts.segments) or _is_on(parts.host, governed.verified_domains)


def is_on_verified_domain(uri: str, verified_domains: Iterable[str]) -> bool:
    """Whether the host of `uri` is one of the domains or a subdomain of one; False where no host can be read."""
    host = uri_parts(uri).host
    return bool(host) and _is_on(host, verified_domains)


def _is_on(host: str, domains: Iterable[str]) -> bool:
    known = (canonical_host(domain) for domain in domains)
    return any(domain and (host == domain or host.endswith(f".{domain}")) for domain in known)
