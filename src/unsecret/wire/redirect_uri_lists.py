"""The members that only redirect-URI restrictions have (beta), in and out of Graph's JSON.

https://learn.microsoft.com/en-us/graph/api/resources/redirecturiconfiguration?view=graph-rest-beta
"""

from __future__ import annotations

from typing import Any

from unsecret.model.policy import ALL_PLATFORMS, RedirectUriLists, RestrictionKind
from unsecret.wire import expect

PLATFORMS = ("web", "spa", "publicClient")

_LIST_MEMBERS: dict[RestrictionKind, tuple[str, ...]] = {
    RestrictionKind.URI_WITH_BLOCKED_DOMAIN: ("blockedDomains",),
    RestrictionKind.URI_WITHOUT_ALLOWED_DOMAIN: ("allowedDomains",),
    RestrictionKind.URI_WITH_BLOCKED_SCHEME: ("blockedSchemes", "exemptFormats"),
    RestrictionKind.URI_WITHOUT_ALLOWED_SCHEME: ("allowedSchemes",),
}
"""Which lists a kind has, globally and again per platform; the first is what it is about."""

_EXCLUDE_FORMATS = ("excludeWildcardsInPath", "excludeWildcardsInPathWithDomains")

MEMBERS: dict[RestrictionKind, tuple[str, ...]] = {
    **{kind: (*lists, *PLATFORMS) for kind, lists in _LIST_MEMBERS.items()},
    RestrictionKind.URI_WITH_WILDCARD: ("excludeFormats",),
}
"""What each redirect-URI kind has besides the members that every restriction has."""


def lists_of(kind: RestrictionKind) -> tuple[str, ...]:
    """The lists of a kind, as they stand in it, in each of its platforms, or in its `excludeFormats`."""
    return _LIST_MEMBERS.get(kind, _EXCLUDE_FORMATS)


def lists_to_graph(kind: RestrictionKind, lists: RedirectUriLists | None) -> dict[str, Any]:
    """The members in MEMBERS[kind]. A platform without entries of its own is null."""
    lists = lists or RedirectUriLists()
    if kind is RestrictionKind.URI_WITH_WILDCARD:
        values = (lists.exclude_wildcards_in_path, list(lists.exclude_wildcards_in_path_with_domains))
        return {"excludeFormats": dict(zip(_EXCLUDE_FORMATS, values, strict=True))}
    own = {platform for by_platform in (lists.listed, lists.exempt_formats) for platform in by_platform}
    return {
        **_platform_to_graph(kind, lists, ALL_PLATFORMS),
        **{platform: _platform_to_graph(kind, lists, platform) if platform in own else None for platform in PLATFORMS},
    }


def lists_from_graph(kind: RestrictionKind, members: dict[str, Any], where: str) -> RedirectUriLists:
    """The lists among `members` of a restriction. An empty list says the same as none and is not kept."""
    if kind is RestrictionKind.URI_WITH_WILDCARD:
        return _exclude_formats(members.get("excludeFormats"), expect.join(where, "excludeFormats"))
    by_platform = {ALL_PLATFORMS: _platform_from_graph(kind, members, where)}
    for platform in PLATFORMS:
        if members.get(platform) is not None:
            path = expect.join(where, platform)
            own = expect.an_object(members[platform], path, _LIST_MEMBERS[kind])
            by_platform[platform] = _platform_from_graph(kind, own, path)
    return RedirectUriLists(
        listed={platform: listed for platform, (listed, _) in by_platform.items() if listed},
        exempt_formats={platform: exempt for platform, (_, exempt) in by_platform.items() if exempt},
    )


def _platform_to_graph(kind: RestrictionKind, lists: RedirectUriLists, platform: str) -> dict[str, Any]:
    values = (lists.listed.get(platform, ()), lists.exempt_formats.get(platform, ()))
    return {name: list(value) for name, value in zip(_LIST_MEMBERS[kind], values, strict=False)}


def _platform_from_graph(
    kind: RestrictionKind, members: dict[str, Any], where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is listed, and what is exempt from it; the latter is empty for the kinds that do not have it."""
    listed, *exempt = (expect.strings(members.get(name), expect.join(where, name)) for name in _LIST_MEMBERS[kind])
    return listed, exempt[0] if exempt else ()


def _exclude_formats(value: Any, where: str) -> RedirectUriLists:
    if value is None:
        return RedirectUriLists()
    members = expect.an_object(value, where, _EXCLUDE_FORMATS)
    in_path, with_domains = _EXCLUDE_FORMATS
    return RedirectUriLists(
        exclude_wildcards_in_path=expect.a_bool(members.get(in_path, False), expect.join(where, in_path)),
        exclude_wildcards_in_path_with_domains=expect.strings(
            members.get(with_domains), expect.join(where, with_domains)
        ),
    )
