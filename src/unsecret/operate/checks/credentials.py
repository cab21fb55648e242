"""Credentials that a profile does not allow: held at all, living too long, or expired. Counted all, listed some.

What people sign in *with SAML* is signed by certificates that applications do not prove themselves with, and managed
identities' certificates are Microsoft's to renew: both are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.model.profile import CredentialKind, Requirement
from unsecret.model.times_in_words import duration_in_words, instant_in_words
from unsecret.operate.checks.findings import Finding, Subject
from unsecret.operate.checks.mending import removing
from unsecret.operate.checks.muting import Mutes
from unsecret.operate.policies.targets import KINDS
from unsecret.operate.snapshots.rows import from_column, rows, to_column
from unsecret.rules import profiles as rules
from unsecret.rules.patterns import like, may_be_an_id

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MICROSECOND = timedelta(microseconds=1)

HELD, LONG_LIVED, EXPIRED = "credential-held", "credential-long-lived", "credential-expired"

IN_WORDS = {
    CredentialKind.PASSWORD: "client secret",
    CredentialKind.SYMMETRIC_KEY: "symmetric key",
    CredentialKind.CERTIFICATE: "certificate",
}

_KEPT = "c.purpose = 'signIn' AND c.held_by <> 'managedIdentity' AND c.kind <> 'federated'"
_USABLE = "coalesce(c.end_at > $now, true)"
_LONG = "coalesce(epoch_us(c.end_at) - epoch_us(c.start_at) > {longest:d}, true)"
_NAMED = "lower(coalesce({name}, '')) LIKE ${parameter} ESCAPE '\\'"
_LISTED = """
    SELECT c.place, o.kind, o.object_id, o.app_id, o.display_name, c.kind, c.key_id, c.display_name, c.start_at,
        c.end_at, c.use, c.last_used_at
    FROM ({chosen}) AS c JOIN objects AS o USING (object) ORDER BY c.place, c.object, c.key_id
"""
"""Credentials are chosen by themselves, and whose they are is looked up for those that are listed."""

_ROOM = 8
"""Credentials lie in the order of those who hold them. The first ones are looked for among so many times the objects
that would hold them if all were spread alike, and only then among all."""


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


class Look(Struct, frozen=True, kw_only=True):
    """What is looked for: credentials that still sign in, or no longer do, of some kinds and holders."""

    asked: Requirement
    check: str
    why: Callable[[Requirement, Credential], str]
    is_usable: bool = True
    longest: int | None = None
    mutes: tuple[int, ...] = ()

    @property
    def condition(self) -> str:
        """Whether a credential `c` is one of them."""
        kinds = ", ".join(f"'{kind}'" for kind in self.asked.credentials)
        holders = ", ".join(f"'{section}'" for section in self.asked.sections)
        usable = _USABLE if self.is_usable else f"NOT {_USABLE}"
        long = f" AND {_LONG.format(longest=self.longest)}" if self.longest is not None else ""
        muted = "".join(f" AND NOT {_flag(number)}" for number in self.mutes)
        return f"c.kind IN ({kinds}) AND c.held_by IN ({holders}) AND {usable}{long}{muted}"

    def means(self, alike: dict[str, Any]) -> bool:
        """Whether those that are `alike` are among them, muted or not."""
        return (
            alike["kind"] in self.asked.credentials
            and alike["held_by"] in self.asked.sections
            and alike["is_usable"] is self.is_usable
            and (self.longest is None or alike[f"lives_{self.longest}"])
        )


def look(asked: Requirement, mutes: Mutes) -> Look:
    """For credentials that `asked` does not allow: any that sign in, or those that live longer than it says; for the
    requirement on expired ones, those that nobody can use any more."""
    check, why = (HELD, _is_held) if asked.longest is None else (LONG_LIVED, _lives_long)
    if asked.id == rules.EXPIRED.id:
        check, why = EXPIRED, _has_ended
    return Look(
        asked=asked,
        check=check,
        why=why,
        is_usable=check != EXPIRED,
        longest=asked.longest // _MICROSECOND if asked.longest is not None else None,
        mutes=mutes.of(asked.id, check),
    )


class Held:
    """What the credentials of a tenant say to every requirement on them: all are looked at once, and counted by what
    is alike."""

    def __init__(
        self, database: DuckDBPyConnection, asked: Iterable[Requirement], *, now: datetime, mutes: Mutes, most: int
    ):
        self._database = database
        self._looks = {one.id: look(one, mutes) for one in asked if one.credentials}
        self._mutes = mutes
        self._most = most
        muting = sorted({number for one in self._looks.values() for number in one.mutes})
        self._patterns = {number: mutes.subject(number) for number in muting}
        self._facts: dict[str, Any] = {"now": to_column(now)}
        self._facts |= {_flag(number): like(pattern) for number, pattern in self._patterns.items()}

    def found(self, asked: Requirement) -> Found:
        """What `asked` does not allow; the first ones are listed, in the order of those who hold them."""
        one = self._looks[asked.id]
        total, silent = self._counts[asked.id]
        for number in one.mutes:
            self._mutes.count(number, _sum(alike for alike in self._meant(one) if alike[_flag(number)]))
        listed = tuple(_finding(asked, one.check, credential, one.why) for credential in self._listed.get(asked.id, ()))
        return Found(listed, found=total - silent, muted=silent)

    def _meant(self, one: Look) -> list[dict[str, Any]]:
        return [alike for alike in self._tally if one.means(alike)]

    @cached_property
    def _tally(self) -> list[dict[str, Any]]:
        """How many credentials there are of each kind that the requirements tell apart."""
        lengths = sorted({one.longest for one in self._looks.values() if one.longest is not None})
        columns = [
            "c.kind",
            "c.held_by",
            f"{_USABLE} AS is_usable",
            *(f"{_LONG.format(longest=longest)} AS lives_{longest}" for longest in lengths),
            *map(_flag, self._patterns),
        ]
        return rows(
            self._database,
            f"SELECT {', '.join(columns)}, count(*) AS n FROM {self._source} AS c WHERE {_KEPT} GROUP BY ALL",
            self._facts,
        )

    @cached_property
    def _counts(self) -> dict[str, tuple[int, int]]:
        """By requirement: how many there are, and how many of them are muted."""
        counts = {}
        for name, one in self._looks.items():
            found = self._meant(one)
            silent = [alike for alike in found if any(alike[_flag(number)] for number in one.mutes)]
            counts[name] = (_sum(found), _sum(silent))
        return counts

    @cached_property
    def _listed(self) -> dict[str, list[Credential]]:
        """By requirement: looked for where they must lie if they are spread alike, and everywhere if they are not."""
        left = {name: total - silent for name, (total, silent) in self._counts.items() if total > silent}
        wanted = {name: min(number, self._most) for name, number in left.items()}
        if not any(wanted.values()):
            return {}
        last = self._database.execute("SELECT max(object) FROM credentials").fetchall()[0][0]
        listed = self._list({name: last * number * _ROOM // left[name] for name, number in wanted.items()})
        if all(len(listed[name]) == number for name, number in wanted.items()):
            return listed
        return self._list(dict.fromkeys(wanted, last))

    def _list(self, until: Mapping[str, int]) -> dict[str, list[Credential]]:
        """The first ones of each, among those that objects up to some number hold."""
        wanted = {name: f"(c.object <= {last:d} AND {self._looks[name].condition})" for name, last in until.items()}
        near = (
            f"SELECT c.* FROM {self._source} AS c "
            f"WHERE c.object <= {max(until.values()):d} AND {_KEPT} AND ({' OR '.join(wanted.values())})"
        )
        chosen = " UNION ALL ".join(
            f"(SELECT {place} AS place, c.* FROM near AS c WHERE {condition} "
            f"ORDER BY object, key_id LIMIT {self._most:d})"
            for place, condition in enumerate(wanted.values())
        )
        question = f"WITH near AS MATERIALIZED ({near}) {_LISTED.format(chosen=chosen)}"
        names = list(until)
        listed: dict[str, list[Credential]] = {name: [] for name in names}
        for place, *row in self._database.execute(question, self._facts).fetchall():
            listed[names[place]].append(_credential(tuple(row)))
        return listed

    @property
    def _source(self) -> str:
        """The credentials, and which mutes speak of each."""
        flags = "".join(
            f", {_muted(_flag(number), pattern)} AS {_flag(number)}" for number, pattern in self._patterns.items()
        )
        return f"(SELECT c.*{flags} FROM credentials AS c)"


def _flag(number: int) -> str:
    return f"mute_{number}"


def _sum(tally: Iterable[dict[str, Any]]) -> int:
    return sum(one["n"] for one in tally)


def _muted(parameter: str, pattern: str) -> str:
    """Whether a mute speaks of the credential's name or id, or of those of whoever holds it."""
    names, ids = ["display_name"], ["object_id", "app_id"]
    holders = " OR ".join(
        _NAMED.format(name=name, parameter=parameter) for name in (names + ids if may_be_an_id(pattern) else names)
    )
    own = ["c.display_name", "c.key_id"] if may_be_an_id(pattern) else ["c.display_name"]
    itself = " OR ".join(_NAMED.format(name=name, parameter=parameter) for name in own)
    return f"(c.object IN (SELECT object FROM objects WHERE {holders}) OR {itself})"


def _credential(row: tuple[Any, ...]) -> Credential:
    kind, object_id, app_id, name, of_kind, key_id, called, start, end, use, last = row
    return Credential(
        kind, object_id, app_id or "", name, CredentialKind(of_kind), key_id or "", called,
        from_column(start), from_column(end), use, from_column(last),
    )  # fmt: skip


def _finding(asked: Requirement, check: str, one: Credential, why: Callable[[Requirement, Credential], str]) -> Finding:
    collection = "applications" if one.object_kind == "application" else "servicePrincipals"
    called = f" '{one.name}'" if one.name else ""
    words = f"{IN_WORDS[one.kind]}{called} of {KINDS[collection]} '{one.display_name or one.object_id}'"
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
    return instant_in_words(instant) if instant else "an unknown day"


def _day(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d}" if instant else "an unknown day"


def _is_held(_asked: Requirement, one: Credential) -> str:
    return f"A {IN_WORDS[one.kind]} is held, and signs in until {_day(one.end_at)}."


def _lives_long(asked: Requirement, one: Credential) -> str:
    longest = duration_in_words(asked.longest)
    if one.start_at is None or one.end_at is None:
        return f"How long it lives is not said; {_are_allowed(longest)}."
    return f"It lives {duration_in_words(_whole_days(one.end_at - one.start_at))}; {_are_allowed(longest)}."


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
