"""Arbitrary tenants, objects and changes, for properties of the law.

Everything is drawn from small pools of whole values, so that dates, lifetimes, attributes and URIs of a policy and of a
change do meet, and so that drawing is quick.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st

from unsecret.model.application import KeyType, ObjectKind
from unsecret.model.change import (
    Actor,
    Addition,
    AudienceSet,
    Governed,
    IdentifierUriAdded,
    KeyAdded,
    PasswordAdded,
    RedirectUriAdded,
)
from unsecret.model.identifiers import AppId, PolicyId, TenantId
from unsecret.model.policy import (
    ALL_PLATFORMS,
    CREDENTIAL_GROUPS,
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
from unsecret.model.verdict import Verdict
from unsecret.rules.decide import decide

LAW = settings(max_examples=100, derandomize=True, database=None)
"""The same examples on every run: a property that fails, fails for everybody."""

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
APP_ID = AppId("00001111-aaaa-2222-bbbb-3333cccc4444")
TENANT_ID = TenantId("aaaabbbb-0000-cccc-1111-dddd2222eeee")
DEFAULT_ID = PolicyId("d0000000-0000-4000-8000-000000000001")
CUSTOM_ID = PolicyId("c0000000-0000-4000-8000-000000000002")
KINDS = tuple(RestrictionKind)
PLATFORMS = ("web", "spa", "publicClient")

DAYS = tuple(datetime(year, 1, 1, tzinfo=UTC) for year in (2018, 2019, 2020, 2026))
ENABLED, DISABLED = RestrictionState.ENABLED, RestrictionState.DISABLED

_CIRCUMSTANCES = (
    {"state": ENABLED},
    {"state": DISABLED},
    {"state": ENABLED, "restrict_for_apps_created_after": DAYS[1]},
    {"state": ENABLED, "restrict_for_apps_created_after": DAYS[2]},
    {"state": ENABLED, "exclude_actors": (ActorExemption("Set_A", "X"),)},
    {"state": ENABLED, "exclude_actors": (ActorExemption("Set_B", "X"), ActorExemption("Set_A", None))},
)
"""Members that every kind has."""


def _own_members(kind: RestrictionKind) -> tuple[dict[str, object], ...]:
    """Members that only some kinds have."""
    if kind in LIFETIME_KINDS:
        return tuple({"max_lifetime": timedelta(hours=hours)} for hours in (1, 24, 48))
    if kind is RestrictionKind.TRUSTED_CERTIFICATE_AUTHORITY:
        return tuple({"certificate_based_application_configuration_ids": ids} for ids in (("one",), ("one", "two")))
    if GROUP_OF[kind] is RestrictionGroup.IDENTIFIER_URIS:
        flags = product((None, True), (False, True))
        return tuple({"exclude_apps_receiving_v2_tokens": v2, "exclude_saml": saml} for v2, saml in flags)
    if GROUP_OF[kind] is RestrictionGroup.REDIRECT_URIS:
        return tuple({"redirect_uris": lists} for lists in _lists(kind))
    return ({},)


def _lists(kind: RestrictionKind) -> tuple[RedirectUriLists | None, ...]:
    here, there = _WORDS.get(kind, (("",), ("",)))
    exempt = {ALL_PLATFORMS: ("http://localhost/callback",)}
    return (
        None,
        RedirectUriLists(listed={ALL_PLATFORMS: here}),
        RedirectUriLists(listed={ALL_PLATFORMS: here, "spa": there}, exempt_formats=exempt),
        RedirectUriLists(listed={"web": there}, exclude_wildcards_in_path=True),
    )


_WORDS = {
    RestrictionKind.URI_WITH_BLOCKED_DOMAIN: (("bit.ly",), ("contoso.com",)),
    RestrictionKind.URI_WITHOUT_ALLOWED_DOMAIN: (("contoso.com",), ("bit.ly", "app://contoso")),
    RestrictionKind.URI_WITH_BLOCKED_SCHEME: (("http", "urn"), ("myapp",)),
    RestrictionKind.URI_WITHOUT_ALLOWED_SCHEME: (("https", "myapp"), ("*",)),
}

ENTRIES = tuple(
    Restriction(kind=kind, **circumstances, **own)  # ty: ignore[invalid-argument-type] - the pools hold what fits
    for kind in KINDS
    for circumstances in _CIRCUMSTANCES
    for own in _own_members(kind)
)

_SPANS = tuple((NOW, NOW + timedelta(hours=hours)) for hours in (1, 24, 25, 49))

ADDITIONS: tuple[Addition, ...] = (
    *(PasswordAdded(start_at=a, end_at=b, is_custom=own) for (a, b), own in product(_SPANS, (False, True))),
    *(
        KeyAdded(type=kind, start_at=a, end_at=b, trusted_by=frozenset(by))
        for (a, b), kind, by in product(_SPANS, KeyType, ((), ("two",), ("one", "three")))
    ),
    IdentifierUriAdded(f"api://{APP_ID}"),
    IdentifierUriAdded(f"api://{APP_ID}/access"),
    IdentifierUriAdded("https://contoso.com/api"),
    IdentifierUriAdded("api://productapi"),
    IdentifierUriAdded("urn:foo"),
    AudienceSet("AzureADMyOrg"),
    AudienceSet("AzureADMultipleOrgs"),
    AudienceSet("PersonalMicrosoftAccount"),
    AudienceSet("AzureADandPersonalMicrosoftAccount"),
    *(
        RedirectUriAdded(platform, uri)
        for platform, uri in product(
            PLATFORMS,
            (
                "https://contoso.com/callback",
                "https://*.contoso.com/callback",
                "https://bit.ly/x",
                "http://localhost/callback",
                "urn:ietf:wg:oauth:2.0:oob",
                "myapp://auth",
                "app://contoso/callback",
                "https://contoso.com@bit.ly/x",
            ),
        )
    ),
)

OBJECTS = tuple(
    Governed(
        kind=kind,
        tenant_id=TENANT_ID,
        app_id=APP_ID,
        created_at=created,
        verified_domains=("contoso.onmicrosoft.com", "contoso.com"),
        requested_access_token_version=version,
        signs_in_with_saml=saml,
    )
    for kind, created, version, saml in product(ObjectKind, (None, *DAYS), (None, 2), (False, True))
)
ACTORS = (
    Actor(),
    Actor(({"Set_A": "X"},)),
    Actor(({"Set_A": "x"}, {"Set_B": "X"})),
    Actor(({}, {"Set_A": "X", "Set_B": "x"})),
)


class World(NamedTuple):
    """Everything that a decision depends on, but the change."""

    default: TenantDefault
    custom: AppManagementPolicy | None
    governed: Governed
    actor: Actor

    def decide(self, change: tuple[Addition, ...]) -> Verdict:
        """The law's answer to `change`."""
        return decide(self.default, self.custom, self.governed, change, self.actor, now=NOW)


def _sections(entries: tuple[Restriction, ...]) -> st.SearchStrategy[Restrictions]:
    return st.lists(st.sampled_from(entries), max_size=8, unique_by=lambda entry: entry.kind).map(tuple)


_SWITCH = st.sampled_from([True, True, True, False])
defaults = st.builds(
    TenantDefault,
    id=st.just(DEFAULT_ID),
    is_enabled=_SWITCH,
    application_restrictions=_sections(ENTRIES),
    service_principal_restrictions=_sections(tuple(entry for entry in ENTRIES if entry.group in CREDENTIAL_GROUPS)),
)
customs = st.builds(
    AppManagementPolicy,
    id=st.just(CUSTOM_ID),
    display_name=st.just("Custom"),
    is_enabled=_SWITCH,
    restrictions=_sections(ENTRIES),
)
worlds = st.builds(World, defaults, st.none() | customs, st.sampled_from(OBJECTS), st.sampled_from(ACTORS))
changes = st.lists(st.sampled_from(ADDITIONS), max_size=6).map(tuple)
days = st.sampled_from(DAYS)
lifetimes = st.sampled_from([timedelta(hours=hours) for hours in (1, 23, 24, 100)])
