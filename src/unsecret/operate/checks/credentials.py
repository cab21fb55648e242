"""Credentials that a profile does not allow: held at all, living too long, or expired. Counted all, listed some.

What people sign in *with SAML* is signed by certificates that applications do not prove themselves with, and managed
identities' certificates are Microsoft's to renew: both are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.model.profile import CredentialKind, Requirement
from unsecret.operate.checks.findings import Finding, Subject
from unsecret.operate.checks.mending import removing
from unsecret.operate.checks.muting import Mutes
from unsecret.operate.snapshots.rows import from_column, to_column
from unsecret.rules.patterns import like, may_be_an_id
from unsecret.rules.restrictions import in_words

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MICROSECOND = timedelta(microseconds=1)

HELD, LONG_LIVED, EXPIRED = "credential-held", "credential-long-lived", "credential-expired"

IN_WORDS = {
    CredentialKind.PASSWORD: "client secret",
    CredentialKind.SYMMETRIC_KEY: "symmetric key",
    CredentialKind.CERTIFICATE: "certificate",
}

_KEPT = """
    c.purpose = 'signIn' AND list_contains($kinds, c.kind)
    AND c.object NOT IN (SELECT object FROM objects WHERE service_principal_type = 'ManagedIdentity')
"""
_OF_ONE_SECTION = " AND c.object IN (SELECT object FROM objects WHERE kind = $section)"
_USABLE = " AND (c.end_at IS NULL OR c.end_at > $now)"
_LONG = " AND coalesce(epoch_us(c.end_at) - epoch_us(c.start_at) > $longest, true)"
_ENDED = " AND c.end_at <= $now"
_NAMED = "lower(coalesce({name}, '')) LIKE ${parameter} ESCAPE '\\'"
_LISTED = """
    SELECT o.kind, o.object_id, o.app_id, o.display_name, c.kind, c.key_id, c.display_name, c.start_at, c.end_at,
        c.use, c.last_used_at
    FROM ({chosen}) AS c JOIN objects AS o USING (object) ORDER BY c.object, c.key_id
"""
"""Credentials are chosen by themselves, and whose they are is looked up for those that are listed."""


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
    condition = _KEPT + (_OF_ONE_SECTION if len(asked.sections) == 1 else "") + condition
    muting = mutes.of(asked.id, check)
    patterns = {f"mute_{number}": mutes.subject(number) for number in muting}
    facts = _facts(asked, condition, now) | {name: like(pattern) for name, pattern in patterns.items()}
    flags = "".join(f", {_muted(name, pattern)} AS {name}" for name, pattern in patterns.items())
    source = f"(SELECT c.*{flags} FROM credentials AS c WHERE {condition})"
    out = " OR ".join(patterns) or "false"
    counts = ", ".join(["count(*)", *(f"count(*) FILTER (WHERE {one})" for one in (out, *patterns))])
    total, silent, *each = _one(database, f"SELECT {counts} FROM {source}", facts)
    for number, count in zip(muting, each, strict=True):
        mutes.count(number, count)
    chosen = f"SELECT * FROM {source} WHERE NOT ({out}) ORDER BY object, key_id LIMIT {most:d}"
    rows = database.execute(_LISTED.format(chosen=chosen), facts).fetchall() if total > silent and most else []
    listed = tuple(_finding(asked, check, _credential(row), why) for row in rows)
    return Found(listed, found=total - silent, muted=silent)


def _facts(asked: Requirement, condition: str, now: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kinds": [kind.value for kind in asked.credentials],
        "section": asked.sections[0].value,
        "now": to_column(now),
        "longest": asked.longest // _MICROSECOND if asked.longest else 0,
    }
    return {name: value for name, value in facts.items() if f"${name}" in condition}


def _muted(parameter: str, pattern: str) -> str:
    """Whether a mute speaks of the credential's name or id, or of those of whoever holds it."""
    names, ids = ["display_name"], ["object_id", "app_id"]
    holders = " OR ".join(
        _NAMED.format(name=name, parameter=parameter) for name in (names + ids if may_be_an_id(pattern) else names)
    )
    own = ["c.display_name", "c.key_id"] if may_be_an_id(pattern) else ["c.display_name"]
    itself = " OR ".join(_NAMED.format(name=name, parameter=parameter) for name in own)
    return f"(c.object IN (SELECT object FROM objects WHERE {holders}) OR {itself})"


def _one(database: DuckDBPyConnection, question: str, facts: dict[str, Any]) -> tuple[int, ...]:
    return database.execute(question, facts).fetchone() or ()


def _credential(row: tuple[Any, ...]) -> Credential:
    kind, object_id, app_id, name, of_kind, key_id, called, start, end, use, last = row
    return Credential(
        kind, object_id, app_id or "", name, CredentialKind(of_kind), key_id or "", called,
        from_column(start), from_column(end), use, from_column(last),
    )  # fmt: skip


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
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC" if instant else "an unknown day"


def _day(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d}" if instant else "an unknown day"


def _is_held(_asked: Requirement, one: Credential) -> str:
    return f"A {IN_WORDS[one.kind]} is held, and signs in until {_day(one.end_at)}."


def _lives_long(asked: Requirement, one: Credential) -> str:
    longest = in_words(asked.longest)
    if one.start_at is None or one.end_at is None:
        return f"How long it lives is not said; {_are_allowed(longest)}."
    return f"It lives {in_words(_whole_days(one.end_at - one.start_at))}; {_are_allowed(longest)}."


def _whole_days(lifetime: timedelta) -> timedelta:
    """A lifetime without the seconds that a clock lost on the way, where it is of days."""
    return timedelta(days=lifetime.days) if lifetime.days else lifetime


def _are_allowed(longest: str) -> str:
    return f"{longest} {'is' if longest.startswith('1 ') else 'are'} allowed"


def _has_ended(_asked: Requirement, one: Credential) -> str:
    return f"It ended on {_day(one.end_at)}, and nobody can sign in with it."


ADVICE = {
    HELD: "Give the application a certificate or a federated credential, see that sign in, and only then remove this.",
    LONG_LIVED: "Give the application a shorter-lived one, see that sign in, and only then remove this.",
    EXPIRED: "Removing it stops nobody.",
}
