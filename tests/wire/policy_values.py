"""Hypothesis strategies: every restriction and every policy that Graph could hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from unsecret.model.identifiers import PolicyId
from unsecret.model.policy import (
    ALL_PLATFORMS,
    GROUP_OF,
    LIFETIME_KINDS,
    ActorExemption,
    AppManagementPolicy,
    RedirectUriLists,
    Restriction,
    RestrictionGroup,
    RestrictionKind,
    Restrictions,
    RestrictionState,
    TenantDefault,
)

_CREDENTIALS = (RestrictionGroup.PASSWORD_CREDENTIALS, RestrictionGroup.KEY_CREDENTIALS)

guids = st.uuids().map(str)
instants = st.datetimes(timezones=st.just(UTC)) | st.just(datetime.min.replace(tzinfo=UTC))
lifetimes = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=10_000))
words = st.text("abcdefghijklmnopqrstuvwxyzé.-:/'\"", min_size=1, max_size=12)
texts = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
entries = st.lists(words, min_size=1, max_size=3).map(tuple)
by_platform = st.dictionaries(st.sampled_from([ALL_PLATFORMS, "web", "spa", "publicClient"]), entries, max_size=4)
exemptions = st.lists(st.builds(ActorExemption, st.builds("{}_{}".format, words, words), texts), max_size=2).map(tuple)


@st.composite
def redirect_uri_lists(draw: st.DrawFn, kind: RestrictionKind) -> RedirectUriLists:
    if kind is RestrictionKind.URI_WITH_WILDCARD:
        return RedirectUriLists(
            exclude_wildcards_in_path=draw(st.booleans()),
            exclude_wildcards_in_path_with_domains=draw(st.just(()) | entries),
        )
    exempt = draw(by_platform) if kind is RestrictionKind.URI_WITH_BLOCKED_SCHEME else {}
    return RedirectUriLists(listed=draw(by_platform), exempt_formats=exempt)


@st.composite
def restrictions_of_kind(draw: st.DrawFn, kind: RestrictionKind) -> Restriction:
    group = GROUP_OF[kind]
    flags = st.none() | st.booleans()
    members: dict[str, Any] = {}
    if kind in LIFETIME_KINDS:
        members["max_lifetime"] = draw(lifetimes)
    if kind is RestrictionKind.TRUSTED_CERTIFICATE_AUTHORITY:
        ids = st.lists(guids, min_size=1, max_size=2).map(tuple)
        members["certificate_based_application_configuration_ids"] = draw(ids)
    if group is RestrictionGroup.IDENTIFIER_URIS:
        members |= {"exclude_apps_receiving_v2_tokens": draw(flags), "exclude_saml": draw(flags)}
    if group is RestrictionGroup.REDIRECT_URIS:
        members["redirect_uris"] = draw(redirect_uri_lists(kind))
    return Restriction(
        kind=kind,
        state=draw(st.sampled_from(RestrictionState)),
        restrict_for_apps_created_after=draw(st.none() | instants),
        exclude_actors=draw(exemptions),
        **members,
    )


@st.composite
def sections(draw: st.DrawFn, groups: tuple[RestrictionGroup, ...] = tuple(RestrictionGroup)) -> Restrictions:
    """Each kind at most once, group by group; entries of a collection in any order."""
    found: list[Restriction] = []
    for group in groups:
        kinds = [kind for kind, of in GROUP_OF.items() if of is group]
        chosen = draw(st.lists(st.sampled_from(kinds), unique=True))
        in_order = chosen if group in _CREDENTIALS else [kind for kind in kinds if kind in chosen]
        found += [draw(restrictions_of_kind(kind)) for kind in in_order]
    return tuple(found)


tenant_defaults = st.builds(
    TenantDefault,
    id=guids.map(PolicyId),
    display_name=texts,
    description=texts,
    is_enabled=st.booleans(),
    application_restrictions=sections(),
    service_principal_restrictions=sections(_CREDENTIALS),
)

custom_policies = st.builds(
    AppManagementPolicy,
    id=guids.map(PolicyId),
    display_name=words,
    description=words,
    is_enabled=st.booleans(),
    restrictions=sections(),
)
