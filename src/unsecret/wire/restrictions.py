"""One restriction of an app management policy, in and out of Graph's JSON.

Two shapes: an *entry* of a collection says its own `restrictionType`
(https://learn.microsoft.com/en-us/graph/api/resources/passwordcredentialconfiguration); a *named* restriction is
a member of its group, and the member's name is its kind
(https://learn.microsoft.com/en-us/graph/api/resources/identifierurirestriction). MEMBERS is the one table of
which kind has which members; MEMBER_CODECS says how each is read and written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any, NamedTuple

from unsecret.model.policy import (
    BETA_KINDS,
    GROUP_OF,
    LIFETIME_KINDS,
    ActorExemption,
    Restriction,
    RestrictionGroup,
    RestrictionKind,
    RestrictionState,
)
from unsecret.wire import expect, redirect_uri_lists
from unsecret.wire.instants import format_duration, format_instant, parse_duration, parse_instant

_EXEMPTION_TYPE = "#microsoft.graph.customSecurityAttributeStringValueExemption"
_EQUALS = "equals"
_CONFIGURATION_IDS = "certificateBasedApplicationConfigurationIds"

_COMMON = ("state", "restrictForAppsCreatedAfterDateTime", "excludeActors")
_ENTRY = ("restrictionType", "state", "maxLifetime", "restrictForAppsCreatedAfterDateTime", "excludeActors")
_NAMED = (*_COMMON, "isStateSetByMicrosoft")
_OF_GROUP: dict[RestrictionGroup, tuple[str, ...]] = {
    RestrictionGroup.PASSWORD_CREDENTIALS: _ENTRY,
    RestrictionGroup.KEY_CREDENTIALS: _ENTRY,
    RestrictionGroup.IDENTIFIER_URIS: (*_NAMED, "excludeAppsReceivingV2Tokens", "excludeSaml"),
    RestrictionGroup.AUDIENCES: _NAMED,
    RestrictionGroup.REDIRECT_URIS: _NAMED,
}

MEMBERS: dict[RestrictionKind, tuple[str, ...]] = {
    kind: (*_OF_GROUP[group], *redirect_uri_lists.MEMBERS.get(kind, ())) for kind, group in GROUP_OF.items()
} | {RestrictionKind.TRUSTED_CERTIFICATE_AUTHORITY: (*_ENTRY, _CONFIGURATION_IDS)}
"""What Graph shows and takes for each kind."""


def restriction_to_graph(restriction: Restriction) -> dict[str, Any]:
    """The Graph object of one restriction, with every member that its kind has."""
    shown = {
        name: codec.encode(getattr(restriction, codec.field))
        for name in MEMBERS[restriction.kind]
        if (codec := MEMBER_CODECS.get(name))
    }
    if restriction.group is RestrictionGroup.REDIRECT_URIS:
        shown |= redirect_uri_lists.lists_to_graph(restriction.kind, restriction.redirect_uris)
    return shown


def entry_from_graph(value: Any, group: RestrictionGroup, where: str, *, beta: bool) -> Restriction:
    """One entry of `passwordCredentials` or `keyCredentials`. Raises Invalid for anything that Graph would not
    take, naming the member. What v1.0 does not know does not exist there."""
    known = {name for kind, names in MEMBERS.items() if GROUP_OF[kind] is group for name in names}
    beta_members = set() if beta else known & {_CONFIGURATION_IDS}
    allowed = [name for name in (*_ENTRY, _CONFIGURATION_IDS) if name in known - beta_members]
    # isStateSetByMicrosoft is on one revision of the entry's page; it is read-only, hence harmless.
    members = expect.an_object(value, where, (*allowed, "isStateSetByMicrosoft"), beta_members=beta_members)
    kind = _kind_from_graph(members.get("restrictionType"), group, expect.join(where, "restrictionType"), beta=beta)
    if kind is not RestrictionKind.TRUSTED_CERTIFICATE_AUTHORITY and members.pop(_CONFIGURATION_IDS, None):
        path = expect.join(where, _CONFIGURATION_IDS)
        raise expect.refuse(f"Property '{path}' goes with restrictionType trustedCertificateAuthority only.", path)
    return _checked(_decoded(kind, members, where), where)


def named_from_graph(value: Any, kind: RestrictionKind, where: str, *, stored: Restriction | None) -> Restriction:
    """One member of `identifierUris`, `audiences` or `redirectUris`. It is a complex object: what `value` leaves
    out keeps its stored value, null clears, arrays are replaced. Raises Invalid as entry_from_graph does."""
    members = expect.an_object(value, where, MEMBERS[kind])
    if stored is not None:
        members = _merged(restriction_to_graph(stored), members)
    return _checked(_decoded(kind, members, where), where)


def _decoded(kind: RestrictionKind, members: dict[str, Any], where: str) -> Restriction:
    fields = {
        codec.field: codec.decode(members[name], expect.join(where, name))
        for name in MEMBERS[kind]
        if name in members and (codec := MEMBER_CODECS.get(name)) and name != "restrictionType"
    }
    if kind not in LIFETIME_KINDS:
        # Graph takes a lifetime on the other kinds without complaint and keeps null:
        # https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/3338
        fields.pop("max_lifetime", None)
    if GROUP_OF[kind] is RestrictionGroup.REDIRECT_URIS:
        fields["redirect_uris"] = redirect_uri_lists.lists_from_graph(kind, members, where)
    return Restriction(kind=kind, **fields)


def _checked(restriction: Restriction, where: str) -> Restriction:
    """Refuses an enabled restriction that lacks what it measures by."""
    if restriction.state is not RestrictionState.ENABLED:
        return restriction
    if restriction.kind in LIFETIME_KINDS and restriction.max_lifetime is None:
        path = expect.join(where, "maxLifetime")
        raise expect.refuse(
            f"Property '{path}' is required for {restriction.kind}; give a duration such as P90D.", path
        )
    authorities = restriction.certificate_based_application_configuration_ids
    if restriction.kind is RestrictionKind.TRUSTED_CERTIFICATE_AUTHORITY and not authorities:
        path = expect.join(where, _CONFIGURATION_IDS)
        raise expect.refuse(
            f"Property '{path}' is required for {restriction.kind}; without it no certificate passes.", path
        )
    return restriction


def _merged(stored: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(stored)
    for name, value in change.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _kind_from_graph(value: Any, group: RestrictionGroup, where: str, *, beta: bool) -> RestrictionKind:
    choices = {str(kind): kind for kind, of in GROUP_OF.items() if of is group}
    word = _word(value, where, [name for name, kind in choices.items() if beta or kind not in BETA_KINDS], choices)
    return choices[word]


def _state_from_graph(value: Any, where: str) -> RestrictionState:
    """A state that is missing or null is enabled: several of Microsoft's samples leave it out and block."""
    return RestrictionState.ENABLED if value is None else RestrictionState(_word(value, where, list(RestrictionState)))


def _word(value: Any, where: str, allowed: Collection[str], beta: Collection[str] = ()) -> str:
    if value is None:
        raise expect.refuse(f"Property '{where}' is required; expected one of {', '.join(allowed)}.", where)
    word = expect.a_string(value, where)
    if word not in allowed:
        expected = f"expected one of {', '.join(allowed)}"
        hint = "; that value exists on the beta endpoint only" if word in beta else ""
        raise expect.refuse(f"Value '{word[:64]}' is not allowed for property '{where}'; {expected}{hint}.", where)
    return word


def _lifetime_from_graph(value: Any, where: str) -> timedelta | None:
    if value is None:
        return None
    lifetime = parse_duration(value, target=where)
    if not lifetime:
        raise expect.refuse(f"Property '{where}' must be longer than zero, such as P90D.", where)
    return lifetime


def _actors_from_graph(value: Any, where: str) -> tuple[ActorExemption, ...]:
    if value is None:
        return ()
    members = expect.an_object(value, where, ("customSecurityAttributes",))
    path = expect.join(where, "customSecurityAttributes")
    listed = members.get("customSecurityAttributes")
    items = [] if listed is None else expect.a_list(listed, path)
    return tuple(_exemption_from_graph(item, f"{path}[{index}]") for index, item in enumerate(items))


def _exemption_from_graph(value: Any, where: str) -> ActorExemption:
    members = expect.an_object(value, where, ("id", "operator", "value"))
    given = value.get("@odata.type", _EXEMPTION_TYPE)
    if not isinstance(given, str) or given.removeprefix("#") != _EXEMPTION_TYPE.removeprefix("#"):
        raise expect.refuse(f"Only {_EXEMPTION_TYPE} is supported in '{where}'.", where)
    _word(members.get("operator"), expect.join(where, "operator"), [_EQUALS])
    path = expect.join(where, "id")
    attribute = expect.a_text(members.get("id"), path)
    if not all(attribute.partition("_")):
        raise expect.refuse(
            f"Property '{path}' must be <AttributeSet>_<AttributeName>, found '{attribute[:64]}'.", path
        )
    text = members.get("value")
    return ActorExemption(attribute, None if text is None else expect.a_string(text, expect.join(where, "value")))


def _actors_to_graph(exemptions: tuple[ActorExemption, ...]) -> dict[str, Any] | None:
    if not exemptions:
        return None
    listed = [
        {"@odata.type": _EXEMPTION_TYPE, "id": exemption.id, "operator": _EQUALS, "value": exemption.value}
        for exemption in exemptions
    ]
    return {"customSecurityAttributes": listed}


def _configuration_ids(value: Any, where: str) -> tuple[str, ...]:
    items = [] if value is None else expect.a_list(value, where)
    return tuple(expect.a_guid(item, f"{where}[{index}]") for index, item in enumerate(items))


def _or_null(read: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda value, where: None if value is None else read(value, where)


def _as_it_is(value: Any) -> Any:
    return value


class MemberCodec(NamedTuple):
    """A member of Graph's object: the field of Restriction behind it, and the way in and out."""

    field: str
    decode: Callable[[Any, str], Any]
    encode: Callable[[Any], Any]


MEMBER_CODECS: dict[str, MemberCodec] = {
    "restrictionType": MemberCodec("kind", expect.a_string, str),
    "state": MemberCodec("state", _state_from_graph, str),
    "maxLifetime": MemberCodec(
        "max_lifetime", _lifetime_from_graph, lambda d: None if d is None else format_duration(d)
    ),
    "restrictForAppsCreatedAfterDateTime": MemberCodec(
        "restrict_for_apps_created_after",
        _or_null(lambda value, where: parse_instant(value, target=where)),
        lambda instant: None if instant is None else format_instant(instant),
    ),
    "excludeActors": MemberCodec("exclude_actors", _actors_from_graph, _actors_to_graph),
    "excludeAppsReceivingV2Tokens": MemberCodec("exclude_apps_receiving_v2_tokens", _or_null(expect.a_bool), _as_it_is),
    "excludeSaml": MemberCodec("exclude_saml", _or_null(expect.a_bool), _as_it_is),
    _CONFIGURATION_IDS: MemberCodec("certificate_based_application_configuration_ids", _configuration_ids, list),
    # Computed by Graph; whatever a client sends, a state that the tenant wrote was not set by Microsoft.
    "isStateSetByMicrosoft": MemberCodec("is_state_set_by_microsoft", lambda *_: False, _as_it_is),
}
"""How each member is read and written; the lists of redirect-URI restrictions are in redirect_uri_lists."""
