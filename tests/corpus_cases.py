"""The corpus of decisions as values: how a case is written, and what it means to the law.

tests/corpus/README.md describes the format. Two runners share this module: tests/rules/test_corpus.py asks `decide`
directly; the other makes the same calls to a tenant over HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

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
from unsecret.model.policy import AppManagementPolicy, TenantDefault
from unsecret.wire.instants import parse_instant
from unsecret.wire.policies import default_policy_from_graph, policy_from_graph

CORPUS = Path(__file__).with_name("corpus")

VERIFIED_DOMAINS = ("contoso.onmicrosoft.com", "contoso.com")
"""The verified domains of the tenant in which every case plays; the first is the initial one."""

DECIDE, HTTP = "decide", "http"

PLATFORMS = {"web": "web_redirect_uris", "spa": "spa_redirect_uris", "publicClient": "public_client_redirect_uris"}
"""Graph's member of an application → the member of Subject, for redirect URIs."""

# -- how a case is written ----------------------------------------------------------------------------------------


class _Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class StoredCredential(
    _Strict,
    frozen=True,
    kw_only=True,
    rename={"key_id": "keyId", "start_at": "startDateTime", "end_at": "endDateTime"},
):
    """A secret or key that the object has already. `type` and `usage` are for keys; a key may be any of its type."""

    key_id: str
    start_at: datetime
    end_at: datetime
    type: str | None = None
    usage: str | None = None


class Subject(_Strict, frozen=True, kw_only=True):
    """What the operation is done to, as it is before. `kind` says whether the application or its service principal is
    meant; both exist, both created at `created_at`, unless the application's home is elsewhere. Everything else belongs
    to the one that has it: `preferred_single_sign_on_mode` and `custom_security_attributes` to the service principal,
    the credentials to the object that is meant, the rest to the application."""

    kind: Literal["application", "servicePrincipal"]
    created_at: datetime | None
    home: Literal["here", "elsewhere"] = "here"
    sign_in_audience: str = "AzureADMyOrg"
    requested_access_token_version: int | None = None
    identifier_uris: tuple[str, ...] = ()
    web_redirect_uris: tuple[str, ...] = ()
    spa_redirect_uris: tuple[str, ...] = ()
    public_client_redirect_uris: tuple[str, ...] = ()
    password_credentials: tuple[StoredCredential, ...] = ()
    key_credentials: tuple[StoredCredential, ...] = ()
    preferred_single_sign_on_mode: str | None = None
    custom_security_attributes: dict[str, dict[str, str]] = {}


class CustomPolicy(_Strict, frozen=True, kw_only=True):
    """A policy that was POSTed with `body` and linked to the object's application or service principal, or to neither;
    with `unlinked_again`, the link was deleted before the operation."""

    body: dict[str, Any]
    linked_to: Literal["application", "servicePrincipal"] | None
    unlinked_again: bool = False


class Operation(_Strict, frozen=True, kw_only=True):
    """The call that is judged, with its body in Graph's words."""

    name: Literal[
        "addPassword",
        "removePassword",
        "createApplication",
        "patchApplication",
        "patchServicePrincipal",
        "requestToken",
        "assignPolicy",
    ]
    body: dict[str, Any]


class CallerFacts(_Strict, frozen=True, kw_only=True):
    """Who calls: the custom security attributes of each principal of the call, set → name → value."""

    attributes: tuple[dict[str, dict[str, str]], ...] = ()


class ExpectedReason(_Strict, frozen=True, kw_only=True):
    """A ground for the refusal. `policy` and `restriction` are absent when no policy refused."""

    code: str
    policy: Literal["default", "custom"] | None = None
    restriction: str | None = None


class Expected(_Strict, frozen=True, kw_only=True):
    """The outcome; of a refusal all reasons, the one that Graph names first. A refusal is answered with 400."""

    verdict: Literal["allow", "deny"]
    reasons: tuple[ExpectedReason, ...] = ()


class Case(_Strict, frozen=True, kw_only=True):
    """One decision. `runners` says who can assert it, `because` why not both; `example` is its number in the table of
    decisions that the corpus began with."""

    name: str
    rule: tuple[str, ...]
    operation: Operation
    expected: Expected
    object: Subject | None
    now: datetime
    example: int | None = None
    beta: bool = False
    default_policy: dict[str, Any] | None = None
    custom_policy: CustomPolicy | None = None
    trusted_authorities: tuple[str, ...] = ()
    caller: CallerFacts = CallerFacts()
    runners: tuple[Literal["decide", "http"], ...] = (DECIDE, HTTP)
    because: str | None = None


def load_cases(runner: str | None = None) -> dict[str, Case]:
    """Every case, or those of one runner, by `<file>: <name>`. Raises msgspec.ValidationError when one is malformed."""
    cases = {
        f"{path.stem}: {case.name}": case
        for path in sorted(CORPUS.glob("*.json"))
        for case in msgspec.json.decode(path.read_bytes(), type=list[Case])
    }
    return {name: case for name, case in cases.items() if runner is None or runner in case.runners}


_PLACEHOLDER = re.compile(r"\{([A-Za-z]+(?::[a-z0-9]+)?)\}")


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """`value` with each `{placeholder}` in its strings replaced. Raises KeyError for one that `names` does not have."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: names[match[1]], value)
    if isinstance(value, Mapping):
        return {key: filled(member, names) for key, member in value.items()}
    return [filled(item, names) for item in value] if isinstance(value, list | tuple) else value


# -- what a case means to the law ---------------------------------------------------------------------------------

TENANT_ID = TenantId("aaaabbbb-0000-cccc-1111-dddd2222eeee")
APP_ID = AppId("00001111-aaaa-2222-bbbb-3333cccc4444")
DEFAULT_ID = PolicyId("d0000000-0000-4000-8000-000000000001")
CUSTOM_ID = PolicyId("c0000000-0000-4000-8000-000000000002")

_V2 = 2
_ISSUED = "issued-by:"


class Question(NamedTuple):
    """What `decide` is asked."""

    default: TenantDefault
    custom: AppManagementPolicy | None
    governed: Governed
    change: tuple[Addition, ...]
    actor: Actor


def question(case: Case) -> Question:
    """The case as the law sees it: policies decoded, the change reduced to what it would add."""
    names = _names(case)
    body = filled(case.operation.body, names)
    return Question(
        default=_default(case, names),
        custom=_custom(case, names),
        governed=_governed(case, body),
        change=tuple(_additions(case, body, names)),
        actor=Actor(tuple(_flat(attributes) for attributes in case.caller.attributes)),
    )


def _names(case: Case) -> dict[str, str]:
    """A trusted authority's configuration is named by its own placeholder, and so is what it issued."""
    names = {"tenantId": TENANT_ID, "appId": APP_ID, "APPID": APP_ID.upper(), "certificate": "", "symmetricKey": ""}
    for number, authority in enumerate(case.trusted_authorities):
        names[f"trusted:{authority}"] = f"e0000000-0000-4000-8000-00000000000{number}"
        names[f"certificate:{authority}"] = f"{_ISSUED}{authority}"
    return names


def _default(case: Case, names: Mapping[str, str]) -> TenantDefault:
    if case.default_policy is None:
        return TenantDefault()
    body = filled(case.default_policy, names)
    return default_policy_from_graph(body, current=TenantDefault(id=DEFAULT_ID), beta=case.beta)


def _custom(case: Case, names: Mapping[str, str]) -> AppManagementPolicy | None:
    written = case.custom_policy
    if written is None or case.object is None or written.linked_to != case.object.kind or written.unlinked_again:
        return None
    return policy_from_graph(filled(written.body, names), current=None, policy_id=CUSTOM_ID, beta=case.beta)


def _governed(case: Case, body: Mapping[str, Any]) -> Governed:
    """The object as it will be; one that is being created is created now."""
    subject = case.object
    version = subject.requested_access_token_version if subject else None
    return Governed(
        kind=ObjectKind(subject.kind) if subject else ObjectKind.APPLICATION,
        tenant_id=TENANT_ID,
        app_id=APP_ID,
        created_at=subject.created_at if subject else case.now,
        verified_domains=VERIFIED_DOMAINS,
        requested_access_token_version=body.get("api", {}).get("requestedAccessTokenVersion", version),
        signs_in_with_saml=bool(subject and subject.preferred_single_sign_on_mode == "saml"),
    )


def _flat(attributes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {f"{group}_{name}": value for group, members in attributes.items() for name, value in members.items()}


def _additions(case: Case, body: Mapping[str, Any], names: Mapping[str, str]) -> list[Addition]:
    if case.operation.name == "addPassword":
        return [_password(body.get("passwordCredential") or {}, case.now)]
    if case.operation.name in ("createApplication", "patchApplication", "patchServicePrincipal"):
        return [
            *(_password(entry, case.now) for entry in body.get("passwordCredentials", ())),
            *_keys(case, body, names),
            *(IdentifierUriAdded(uri) for uri in _identifier_uris(case, body)),
            *_audience(case, body),
            *_redirect_uris(case, body),
        ]
    return []


def _password(entry: Mapping[str, Any], now: datetime) -> PasswordAdded:
    start = _instant(entry.get("startDateTime")) or now
    end = _instant(entry.get("endDateTime")) or two_years_after(start)
    return PasswordAdded(start_at=start, end_at=end, is_custom="secretText" in entry)


def two_years_after(start: datetime) -> datetime:
    """The end of a secret for which none was asked; 29 February becomes 28 February."""
    leap_day = (start.month, start.day) == (2, 29)
    return start.replace(year=start.year + 2, day=28 if leap_day else start.day)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)


def _keys(case: Case, body: Mapping[str, Any], names: Mapping[str, str]) -> list[KeyAdded]:
    known = {key.key_id for key in case.object.key_credentials} if case.object else set()
    return [
        KeyAdded(
            type=KeyType(entry["type"]),
            start_at=parse_instant(entry["startDateTime"]),
            end_at=parse_instant(entry["endDateTime"]),
            trusted_by=_trusted_by(entry["key"], names),
        )
        for entry in body.get("keyCredentials", ())
        if entry.get("keyId") not in known
    ]


def _trusted_by(key: str, names: Mapping[str, str]) -> frozenset[str]:
    issuer = key.removeprefix(_ISSUED)
    return frozenset({names[f"trusted:{issuer}"]}) if key.startswith(_ISSUED) else frozenset()


def _identifier_uris(case: Case, body: Mapping[str, Any]) -> list[str]:
    """The new ones; all, when the application leaves the v2 tokens that exempted it."""
    before = [filled(uri, _names(case)) for uri in case.object.identifier_uris] if case.object else []
    after = body.get("identifierUris", before)
    was_v2 = bool(case.object and case.object.requested_access_token_version == _V2)
    leaves_v2 = was_v2 and _governed(case, body).requested_access_token_version != _V2
    return [uri for uri in after if leaves_v2 or uri not in before]


def _audience(case: Case, body: Mapping[str, Any]) -> list[AudienceSet]:
    """A value that the application does not have yet; a new application has none yet."""
    before = case.object.sign_in_audience if case.object else None
    after = body.get("signInAudience", before or "AzureADMyOrg")
    return [AudienceSet(after)] if after != before else []


def _redirect_uris(case: Case, body: Mapping[str, Any]) -> list[RedirectUriAdded]:
    return [
        RedirectUriAdded(platform, uri)
        for platform, member in PLATFORMS.items()
        for uri in (body.get(platform) or {}).get("redirectUris", ())
        if case.object is None or uri not in getattr(case.object, member)
    ]
