"""Profiles of one's own: what an organisation asks of its tenants, and what it bears for a while, in TOML.

    title = "Our standard for application credentials"

    [[requirement]]
    id = "ORG.1"
    title = "New client secrets live 90 days at most"
    severity = "high"
    restrictions = ["passwordLifetime", "symmetricKeyLifetime"]
    credentials = ["password"]
    longest = "P90D"

Mutes are TOML, too:

    [[mute]]
    subject = "ConnectSyncProvisioning_*"
    requirement = "MS.5"
    reason = "Entra Connect renews it by itself"
    until = 2027-06-30

docs/reference/checks.md says what each member means.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from unsecret.errors import Invalid
from unsecret.model.application import ObjectKind
from unsecret.model.policy import LIFETIME_KINDS
from unsecret.model.profile import CREDENTIAL_KINDS, CredentialKind, Mute, Profile, Requirement, Severity
from unsecret.wire.instants import parse_duration
from unsecret.wire.toml_text import read_toml

LARGEST_FILE = 256 * 1024
MOST_REQUIREMENTS = 100
MOST_MUTES = 1000
LONGEST_TEXT = 500

SECTIONS = {"applications": ObjectKind.APPLICATION, "servicePrincipals": ObjectKind.SERVICE_PRINCIPAL}
"""How a file names those who are bound, which is how Graph names their collections."""

TOP = ("title", "requirement")
MEMBERS = (
    "id",
    "title",
    "severity",
    "restrictions",
    "sections",
    "credentials",
    "longest",
    "accepts",
    "or_blocked",
    "standards",
    "source",
)
MUTE_MEMBERS = ("subject", "requirement", "check", "reason", "until")

Word = TypeVar("Word", bound=StrEnum)


def profile_from_toml(content: bytes, name: str) -> Profile:
    """The profile in a file's `content`, called `name`. Raises Invalid, naming what is wrong and where."""
    document = _document(content, name)
    _require_known(document, TOP, name)
    rows = _tables(document, "requirement", MOST_REQUIREMENTS, name)
    requirements = tuple(_requirement(row, f"{name}: requirement {n}") for n, row in enumerate(rows, 1))
    ids = [one.id for one in requirements]
    if twice := next((one for one in ids if ids.count(one) > 1), None):
        raise Invalid(f"The profile {name} has two requirements with the id '{twice}'.")
    title = _text(document.get("title", name), f"{name}: title")
    return Profile(name=name, title=title, requirements=requirements)


def mutes_from_toml(content: bytes, name: str) -> tuple[Mute, ...]:
    """The mutes in a file's `content`, called `name`. Raises Invalid, naming what is wrong and where.

    A mute without a reason or an end date is read: the check says that it does not mute.
    """
    document = _document(content, name)
    _require_known(document, ("mute",), name)
    rows = _tables(document, "mute", MOST_MUTES, name)
    return tuple(_mute(row, f"{name}: mute {n}") for n, row in enumerate(rows, 1))


def _document(content: bytes, name: str) -> dict[str, Any]:
    if len(content) > LARGEST_FILE:
        raise Invalid(f"{name} has more than {LARGEST_FILE} bytes, which are read at most.")
    try:
        text = content.decode()
    except UnicodeDecodeError as problem:
        raise Invalid(f"{name} is not UTF-8, which TOML is written in: {problem}") from None
    return read_toml(text, name)


def _tables(document: dict[str, Any], kind: str, most: int, name: str) -> list[Any]:
    rows = document.get(kind)
    if not isinstance(rows, list) or not 0 < len(rows) <= most:
        raise Invalid(f"{name} needs 1 to {most} tables [[{kind}]].")
    return rows


def _mute(row: Any, where: str) -> Mute:
    if not isinstance(row, dict):
        raise Invalid(f"{where} is no table; begin it with [[mute]].")
    _require_known(row, MUTE_MEMBERS, where)
    if "subject" not in row:
        raise Invalid(f"{where} has no subject.")
    given = {name: _text(row[name], f"{where}: {name}") for name in MUTE_MEMBERS if name in row and name != "until"}
    return Mute(**given, until=_day(row["until"], where) if "until" in row else None)


def _day(value: Any, where: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise Invalid(f"{where}: until must be a date without quotes, such as 2027-06-30.")
    return value


def _requirement(row: Any, where: str) -> Requirement:
    if not isinstance(row, dict):
        raise Invalid(f"{where} is no table; begin it with [[requirement]].")
    _require_known(row, MEMBERS, where)
    for needed in ("id", "title"):
        if needed not in row:
            raise Invalid(f"{where} has no {needed}.")
    requirement = Requirement(
        id=_text(row["id"], f"{where}: id"),
        title=_text(row["title"], f"{where}: title"),
        severity=_word(Severity, row.get("severity", Severity.MEDIUM), f"{where}: severity"),
        kinds=_words(CREDENTIAL_KINDS, row.get("restrictions", []), f"{where}: restrictions"),
        sections=_sections(row.get("sections", list(SECTIONS)), f"{where}: sections"),
        credentials=_words(tuple(CredentialKind), row.get("credentials", []), f"{where}: credentials"),
        longest=_lifetime(row, "longest", where),
        accepts=_lifetime(row, "accepts", where),
        or_blocked=_flag(row.get("or_blocked", False), f"{where}: or_blocked"),
        standards=tuple(_text(one, f"{where}: standards") for one in _list(row.get("standards", []), where)),
        source=_text(row["source"], f"{where}: source") if "source" in row else "",
    )
    _require_sense(requirement, where)
    return requirement


def _require_sense(one: Requirement, where: str) -> None:
    lifetimes = LIFETIME_KINDS.intersection(one.kinds)
    if not one.kinds and not one.credentials:
        raise Invalid(f"{where} asks for nothing; give it restrictions, credentials, or both.")
    if lifetimes and (one.longest is None or len(lifetimes) < len(one.kinds)):
        raise Invalid(f"{where}: lifetimes need 'longest', and stand in a requirement without other restrictions.")
    if one.longest is not None and one.kinds and not lifetimes:
        raise Invalid(f"{where}: 'longest' goes with the restrictions {', '.join(sorted(LIFETIME_KINDS))}.")
    if one.accepts is not None and (one.longest is None or one.accepts < one.longest):
        raise Invalid(f"{where}: 'accepts' goes with 'longest', and is not shorter.")


def _require_known(table: dict[str, Any], known: Iterable[str], where: str) -> None:
    if unknown := next((name for name in table if name not in known), None):
        raise Invalid(f"{where}: {_shown(unknown)} is not known; known are {', '.join(known)}.")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
        raise Invalid(f"{where} must be a text of 1 to {LONGEST_TEXT} printable characters.")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST_REQUIREMENTS:
        raise Invalid(f"{where} must be a list.")
    return value


def _word(kind: type[Word], value: Any, where: str) -> Word:
    return _words(tuple(kind), [value], where)[0]


def _words(allowed: tuple[Word, ...], value: Any, where: str) -> tuple[Word, ...]:
    found = []
    for one in _list(value, where):
        match = next((word for word in allowed if word == one), None)
        if match is None:
            raise Invalid(f"{where}: {_shown(one)} is not one of {', '.join(allowed)}.")
        found.append(match)
    return tuple(dict.fromkeys(found))


def _sections(value: Any, where: str) -> tuple[ObjectKind, ...]:
    named = _list(value, where)
    if not named or any(one not in SECTIONS for one in named if isinstance(one, str)) or not _all_texts(named):
        raise Invalid(f"{where} must list {' or '.join(SECTIONS)}, or both.")
    return tuple(kind for name, kind in SECTIONS.items() if name in named)


def _all_texts(values: list[Any]) -> bool:
    return all(isinstance(one, str) for one in values)


def _lifetime(row: dict[str, Any], name: str, where: str) -> timedelta | None:
    if name not in row:
        return None
    lifetime = parse_duration(row[name], target=f"{where}: {name}")
    if not lifetime:
        raise Invalid(f"{where}: {name} must be longer than nothing.")
    return lifetime


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(f"{where} must be true or false.")
    return value


def _shown(value: Any) -> str:
    return repr(value)[:64]
