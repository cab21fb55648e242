"""Credentials that a profile does not allow: held at all, living too long, or expired. Counted all, listed some.

What people sign in *with SAML* is signed by certificates that applications do not prove themselves with, and managed
identities' certificates are Microsoft's to renew: both are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.model.profile import CredentialKind, Requirement
from unsecret.operate.findings import Finding, Subject
from unsecret.operate.mending import removing
from unsecret.operate.muting import Mutes
from unsecret.wire.instants import format_duration, format_instant

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MICROSECOND = timedelta(microseconds=1)

HELD, LONG_LIVED, EXPIRED = "credential-held", "credential-long-lived", "credential-expired"

IN_WORDS = {
    CredentialKind.PASSWORD: "client secret",
    CredentialKind.SYMMETRIC_KEY: "symmetric key",
    CredentialKind.CERTIFICATE: "certificate",
}

_FROM = """
    FROM credentials AS c JOIN objects AS o USING (object)
    WHERE c.purpose = 'signIn' AND o.service_principal_type IS DISTINCT FROM 'ManagedIdentity'
        AND list_contains($kinds, c.kind) AND list_contains($sections, o.kind)
"""
_USABLE = " AND (c.end_at IS NULL OR c.end_at > $now)"
_LONG = " AND coalesce(epoch_us(c.end_at) - epoch_us(c.start_at) > $longest, true)"
_ENDED = " AND c.end_at <= $now"
_NAMES = (
    "coalesce(o.display_name, '')",
    "o.object_id",
    "coalesce(o.app_id, '')",
    "coalesce(c.display_name, '')",
    "coalesce(c.key_id, '')",
)
_COLUMNS = """
    SELECT o.kind, o.object_id, o.app_id, o.display_name, c.kind, c.key_id, c.display_name, c.start_at, c.end_at,
        c.use, c.last_used_at
"""


class Found(Struct, frozen=True):
    """The findings that are listed, and how many there are in all, without and with those that are muted."""

    listed: tuple[Finding, ...] = ()
    found: int = 0
    muted: int = 0


class Credential(Struct, frozen=True):
    """One row of the question: a credential and whose it is."""

    object_kind: str
    object_id: str
    app_id: str
    display_name: str | None
    kind: CredentialKind
    key_id: str
    name: str | None
    start_at: datetime | None
    end_at: datetime | None
    use: str
    last_used_at: datetime | None


def held(database: DuckDBPyConnection, asked: Requirement, *, now: datetime, mutes: Mutes, most: int) -> Found:
    """Credentials that still sign in and that `asked` does not allow: any, or those that live longer than it says."""
    if asked.longest is None:
        return _ask(database, asked, HELD, _USABLE, _is_held, now=now, mutes=mutes, most=most)
    return _ask(database, asked, LONG_LIVED, _USABLE + _LONG, _lives_long, now=now, mutes=mutes, most=most)


def expired(database: DuckDBPyConnection, asked: Requirement, *, now: datetime, mutes: Mutes, most: int) -> Found:
    """Credentials that nobody can use any more."""
    return _ask(database, asked, EXPIRED, _ENDED, _has_ended, now=now, mutes=mutes, most=most)


def _ask(
    database: DuckDBPyConnection,
    asked: Requirement,
    check: str,
    condition: str,
    why: Callable[[Requirement, Credential], str],
    *,
    now: datetime,
    mutes: Mutes,
    most: int,
) -> Found:
    source = _FROM + condition
    facts = _facts(asked, source, now)
    muting = mutes.of(asked.id, check)
    patterns = {f"mute_{number}": mutes.pattern(number) for number in muting}
    muted = [_muted(f"mute_{number}") for number in muting]
    any_muted = " OR ".join(muted) or "false"
    counts = ", ".join(["count(*)", *(f"count(*) FILTER (WHERE {one})" for one in (any_muted, *muted))])
    total, out, *each = _one(database, f"SELECT {counts} {source}", {**facts, **patterns})
    for number, count in zip(muting, each, strict=True):
        mutes.count(number, count)
    question = f"{_COLUMNS} {source} AND NOT ({any_muted}) ORDER BY c.object, c.key_id LIMIT {most:d}"
    rows = database.execute(question, {**facts, **patterns}).fetchall() if total > out else []
    listed = tuple(_finding(asked, check, _credential(row), why) for row in rows)
    return Found(listed, found=total - out, muted=out)


def _facts(asked: Requirement, source: str, now: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kinds": [kind.value for kind in asked.credentials],
        "sections": [section.value for section in asked.sections],
        "now": now.astimezone(UTC).replace(tzinfo=None),
        "longest": asked.longest // _MICROSECOND if asked.longest else 0,
    }
    return {name: value for name, value in facts.items() if f"${name}" in source}


def _muted(parameter: str) -> str:
    return "(" + " OR ".join(f"regexp_full_match({name}, ${parameter}, 'si')" for name in _NAMES) + ")"


def _one(database: DuckDBPyConnection, question: str, facts: dict[str, Any]) -> tuple[int, ...]:
    return database.execute(question, facts).fetchone() or ()


def _credential(row: tuple[Any, ...]) -> Credential:
    kind, object_id, app_id, name, of_kind, key_id, called, start, end, use, last = row
    return Credential(
        kind, object_id, app_id or "", name, CredentialKind(of_kind), key_id or "", called,
        _aware(start), _aware(end), use, _aware(last),
    )  # fmt: skip


def _aware(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(tzinfo=UTC)


def _finding(asked: Requirement, check: str, one: Credential, why: Callable[[Requirement, Credential], str]) -> Finding:
    collection = "applications" if one.object_kind == "application" else "servicePrincipals"
    owner = "application" if one.object_kind == "application" else "service principal"
    called = f" '{one.name}'" if one.name else ""
    words = f"{IN_WORDS[one.kind]}{called} of {owner} '{one.display_name or one.object_id}'"
    return Finding(
        id=f"{asked.id}/{check}/{one.object_id}/{one.key_id}",
        requirement=asked.id,
        check=check,
        severity=asked.severity,
        subject=Subject(
            words=words,
            path=f"{collection}/{one.object_id}",
            object_kind=one.object_kind,
            object_id=one.object_id,
            app_id=one.app_id,
            display_name=one.display_name,
            credential=one.kind.value,
            key_id=one.key_id,
        ),
        why=why(asked, one),
        evidence=_evidence(one),
        mend=removing(one.object_id, one.key_id, is_usable=check != EXPIRED),
        advice=ADVICE[check],
        standards=asked.standards,
    )


def _evidence(one: Credential) -> tuple[str, ...]:
    term = f"from {_instant(one.start_at)} to {_instant(one.end_at)}"
    used = {"used": f"last seen signing in {_instant(one.last_used_at)}", "unused": "not seen signing in"}
    return (term, used.get(one.use, "whether it is used is not known"))


def _instant(instant: datetime | None) -> str:
    return format_instant(instant) if instant else "an unknown day"


def _is_held(_asked: Requirement, one: Credential) -> str:
    return f"A {IN_WORDS[one.kind]} is held, and signs in until {_instant(one.end_at)}."


def _lives_long(asked: Requirement, one: Credential) -> str:
    longest = format_duration(asked.longest) if asked.longest else ""
    if one.start_at is None or one.end_at is None:
        return f"How long it lives is not said; {longest} is allowed."
    return f"It lives {format_duration(one.end_at - one.start_at)}; {longest} is allowed."


def _has_ended(_asked: Requirement, one: Credential) -> str:
    return f"It ended on {_instant(one.end_at)}, and nobody can sign in with it."


ADVICE = {
    HELD: "Give the application a certificate or a federated credential, see that sign in, and only then remove this.",
    LONG_LIVED: "Give the application a shorter-lived one, see that sign in, and only then remove this.",
    EXPIRED: "Removing it stops nobody.",
}
