"""What each verb needs of Graph: the least permissions, for applications and for people, and words for what is missing.

From the permission tables of the Graph pages, least privileged first:
https://learn.microsoft.com/en-us/graph/api/tenantappmanagementpolicy-get, …/tenantappmanagementpolicy-update,
…/appmanagementpolicy-list, …/appmanagementpolicy-post-appliesto, …/appmanagementpolicy-list-appliesto,
…/application-list, …/application-removepassword, …/organization-list, …/directoryaudit-list. With exactly these each
verb works, and a test shows what it says when one of them is missing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct


class Need(Struct, frozen=True, kw_only=True):
    """One thing that a verb does. Of `application` (or, for a signed-in person, `delegated`) one permission is enough;
    the first is the least. `only` says when it is needed, if not always; what
    is `spared` without it is listed by the verb as not known.
    """

    to: str
    application: tuple[str, ...]
    delegated: tuple[str, ...]
    only: str = ""
    is_spared: bool = False


class VerbNeeds(Struct, frozen=True, kw_only=True):
    """A verb's row. `roles` are the directory roles of which a signed-in person needs one, the least first;
    `more_roles` show more, each of them. A verb that `names_itself` what it can do without tells of it by itself.
    """

    verb: str
    needs: tuple[Need, ...]
    roles: tuple[str, ...]
    more_roles: tuple[str, ...] = ()
    names_itself: bool = False


_READ_POLICIES = (
    "Policy.Read.All",
    "Policy.Read.ApplicationConfiguration",
    "Policy.ReadWrite.ApplicationConfiguration",
)
_WRITE_POLICIES = ("Policy.ReadWrite.ApplicationConfiguration",)
_READ_APPLICATIONS = (
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
_READ_ORGANISATION = ("Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All")
_READ_LOGS = ("AuditLog.Read.All",)

READ_POLICIES = Need(to="read policies", application=_READ_POLICIES, delegated=_READ_POLICIES)
WRITE_POLICIES = Need(to="read and change policies", application=_WRITE_POLICIES, delegated=_WRITE_POLICIES)
READ_APPLICATIONS = Need(
    to="read applications and service principals",
    application=("Application.Read.All", "Application.ReadWrite.OwnedBy", *_READ_APPLICATIONS[1:]),
    delegated=(*_READ_APPLICATIONS, "Directory.AccessAsUser.All"),
)
_WRITE_APPLICATIONS = ("Application.ReadWrite.All", "Directory.ReadWrite.All")
WRITE_CREDENTIALS = Need(
    to="read applications and service principals and change their credentials",
    application=_WRITE_APPLICATIONS,
    delegated=(*_WRITE_APPLICATIONS, "Directory.AccessAsUser.All"),
)
READ_ORGANISATION = Need(
    to="read the organisation's name",
    application=_READ_ORGANISATION,
    delegated=("User.Read", *_READ_ORGANISATION, "Directory.AccessAsUser.All"),
)
READ_LOGS = Need(to="read audit and sign-in logs and reports", application=_READ_LOGS, delegated=_READ_LOGS)

READ_DIRECTORY = Need(
    to="read the audit log, besides",
    application=("Directory.Read.All", "Directory.ReadWrite.All"),
    delegated=("Directory.Read.All", "Directory.ReadWrite.All"),
)


def _read(to: str, least: str, *more: str) -> Need:
    return Need(to=to, application=(least, *more), delegated=(least, *more))


DEFINE_ATTRIBUTES = _read("define custom security attributes", "CustomSecAttributeDefinition.ReadWrite.All")
GIVE_ATTRIBUTES = _read("give custom security attributes", "CustomSecAttributeAssignment.ReadWrite.All")

_READERS = ("Global Reader", "Security Administrator", "Cloud Application Administrator", "Application Administrator")
_WRITERS = ("Cloud Application Administrator", "Application Administrator")


_LOG_READERS = ("Reports Reader", "Security Reader", "Global Reader", "Security Administrator")


def spared(need: Need) -> Need:
    """The need as one without which the verb goes on."""
    return msgspec.structs.replace(need, is_spared=True)


def only(words: str, need: Need) -> Need:
    """The need as one of some calls of the verb: `only("with --app", …)`."""
    return msgspec.structs.replace(need, only=words)


def _row(verb: str, *needs: Need, roles: tuple[str, ...]) -> VerbNeeds:
    return VerbNeeds(verb=verb, needs=needs, roles=roles)


SHOWN_IN_A_SNAPSHOT = (
    READ_APPLICATIONS,
    *(
        spared(need)
        for need in (
            READ_POLICIES,
            READ_ORGANISATION,
            READ_LOGS,
            _read("read people and delegated permissions", "Directory.Read.All", "Directory.ReadWrite.All"),
            _read(
                "read directory roles",
                "RoleManagement.Read.Directory",
                "RoleManagement.ReadWrite.Directory",
                "Directory.Read.All",
                "Directory.ReadWrite.All",
            ),
            _read(
                "read custom security attributes of callers",
                "CustomSecAttributeAssignment.Read.All",
                "CustomSecAttributeAssignment.ReadWrite.All",
            ),
            _read(
                "read the definitions of custom security attributes",
                "CustomSecAttributeDefinition.Read.All",
                "CustomSecAttributeDefinition.ReadWrite.All",
            ),
            _read(
                "read trusted certificate authorities",
                "AppCertTrustConfiguration.Read.All",
                "AppCertTrustConfiguration.ReadWrite.All",
            ),
        )
    ),
)
"""What a snapshot asks for, and with it every verb that takes one of the tenant for its question."""


def _of_a_snapshot(verb: str) -> VerbNeeds:
    return VerbNeeds(
        verb=verb,
        needs=SHOWN_IN_A_SNAPSHOT,
        roles=_READERS[:1],
        more_roles=("Attribute Assignment Reader", "Attribute Definition Reader"),
        names_itself=True,
    )


VERBS: dict[str, VerbNeeds] = {
    row.verb: row
    for row in (
        _row("status", READ_POLICIES, spared(READ_APPLICATIONS), spared(READ_ORGANISATION), roles=_READERS),
        _of_a_snapshot("snapshot"),
        _of_a_snapshot("apps"),
        _of_a_snapshot("forecast"),
        _of_a_snapshot("check"),
        _of_a_snapshot("explain"),
        _row("audit", READ_LOGS, READ_DIRECTORY, roles=_LOG_READERS),
        _row("block", WRITE_POLICIES, only("with --app or --policy", READ_APPLICATIONS), roles=_WRITERS),
        _row("allow", WRITE_POLICIES, only("with --app", READ_APPLICATIONS), roles=_WRITERS),
        msgspec.structs.replace(
            _row(
                "exempt",
                WRITE_POLICIES,
                READ_APPLICATIONS,
                only("with --caller", DEFINE_ATTRIBUTES),
                only("with --caller", GIVE_ATTRIBUTES),
                roles=_WRITERS,
            ),
            more_roles=("Attribute Definition Administrator", "Attribute Assignment Administrator"),
        ),
        _row("remove", WRITE_CREDENTIALS, roles=_WRITERS),
        _row("export", READ_POLICIES, only("where a policy binds any", READ_APPLICATIONS), roles=_READERS),
        _row("plan", READ_POLICIES, only("where the file has appliesTo", READ_APPLICATIONS), roles=_READERS),
        _row("apply", WRITE_POLICIES, only("where the file has appliesTo", READ_APPLICATIONS), roles=_WRITERS),
    )
}
"""Each verb that speaks to Graph. `graph` sends whatever it is told to, and `clock` is the local tenant's own."""


def least(row: VerbNeeds, *, is_person: bool) -> tuple[str, ...]:
    """The least permissions with which all of the verb works."""
    return tuple(dict.fromkeys(any_of(need, is_person=is_person)[0] for need in row.needs))


def any_of(need: Need, *, is_person: bool) -> tuple[str, ...]:
    """The permissions of which one is enough, for a signed-in person or for an application."""
    return need.delegated if is_person else need.application


def in_words(row: VerbNeeds) -> str:
    """The row as a list for the verb's help, in Markdown."""
    lines = "\n".join(f"* {_one(need)}" for need in row.needs)
    roles = f", and the directory role {' or '.join(row.roles[:2])}" if row.roles else ""
    roles += f" ({' and '.join(row.more_roles)} show more)" if row.more_roles else ""
    person = f"A signed-in person needs them as delegated permissions{roles}."
    return f"Least Graph permissions:\n\n{lines}\n\n{person}"


def _listed(needs: Iterable[Need], *, is_person: bool) -> str:
    return ", ".join(f"{any_of(one, is_person=is_person)[0]} ({_what_for(one)})" for one in needs)


def _one(need: Need) -> str:
    application, person = (any_of(need, is_person=one)[0] for one in (False, True))
    name = application if application == person else f"{application} (a signed-in person: {person})"
    return f"{name} {_what_for(need)}"


def _what_for(need: Need) -> str:
    spared = " – it goes on without" if need.is_spared else ""
    return f"to {need.to}{f', {need.only}' if need.only else ''}{spared}"


def claims_of(token: str) -> dict[str, Any]:
    """What an access token says of itself, unverified; {} when it cannot be read. Good for words, never for decisions:
    Graph's tokens are Graph's to read, and it may encrypt them one day."""
    parts = token.split(".")
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = msgspec.json.decode(body)
    except (IndexError, binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def naming_what_is_missing(body: Any, token: str, row: VerbNeeds) -> Any:
    """The body of a 403 with our words after the tenant's; `body` as it is when we know nothing to add."""
    missing = missing_in(token, row)
    if not missing:
        return body
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    said = str(error.get("message") or "The tenant refused without an explanation.")
    return {"error": {**error, "message": f"{said} {missing}"}}


def missing_in(token: str, row: VerbNeeds) -> str:
    """What to say when the tenant refused this token for want of a permission; empty when nothing can be said."""
    claims = claims_of(token)
    scopes, roles = claims.get("scp"), claims.get("roles")
    is_person = isinstance(scopes, str)
    if not claims:
        return ""
    held = frozenset(scopes.split() if isinstance(scopes, str) else _strings(roles))
    lacking = [
        need
        for need in row.needs
        if held.isdisjoint(any_of(need, is_person=is_person)) and not (row.names_itself and need.is_spared)
    ]
    if lacking:
        kind = "delegated" if is_person else "application"
        names = _listed(lacking, is_person=is_person)
        return f"`unsecret {row.verb}` needs {kind} permissions that this sign-in lacks: {names}."
    if row.names_itself:
        return ""
    if is_person and row.roles:
        return (
            f"The permissions that `unsecret {row.verb}` needs are there; the person who signed in needs a directory "
            f"role, too: {' or '.join(row.roles)}."
        )
    return ""


def _strings(value: Any) -> Iterable[str]:
    return (one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
