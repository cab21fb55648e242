"""The law over a whole tenant: what `decide` would say about every object and credential, as one question.

There is one law: what binds whom is asked of it by `regimes`. What is left to the database is to compare columns:
created within a span of time, living longer than a maximum, issued by none of these authorities. What cannot be
compared, such as a URI, is asked of the rules themselves, and only where such an entry binds.

The database is a DuckDB connection with the tables of a snapshot, or anything with their columns. Three-valued where
the tenant is: NULL is *not known*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from unsecret.model.application import ObjectKind
from unsecret.model.change import Addition, AudienceSet, Governed, IdentifierUriAdded, RedirectUriAdded
from unsecret.model.identifiers import AppId
from unsecret.model.policy import CREDENTIAL_GROUPS, GROUP_OF, RestrictionKind
from unsecret.rules.governing import CREATED_WHEN_UNKNOWN, binds
from unsecret.rules.regimes import NOT_LINKED, Law, Regime, Regimes, Span, regimes, spans
from unsecret.rules.restrictions import RULES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_K = RestrictionKind
_BATCH = 10_000
_LENGTH = "epoch_us(a.end_at) - epoch_us(a.start_at)"
_BROKEN: dict[RestrictionKind, str] = {
    _K.PASSWORD_ADDITION: "a.kind = 'password'",
    _K.CUSTOM_PASSWORD_ADDITION: "a.kind = 'password' AND a.own_text",
    _K.SYMMETRIC_KEY_ADDITION: "a.kind = 'symmetricKey'",
    _K.TRUSTED_CERTIFICATE_AUTHORITY: "a.kind = 'certificate' AND NOT list_has_any(a.trusted_by, r.authorities)",
    _K.PASSWORD_LIFETIME: f"a.kind = 'password' AND {_LENGTH} > r.password_lifetime_longest",
    _K.SYMMETRIC_KEY_LIFETIME: f"a.kind = 'symmetricKey' AND {_LENGTH} > r.symmetric_key_lifetime_longest",
    _K.ASYMMETRIC_KEY_LIFETIME: f"a.kind = 'certificate' AND {_LENGTH} > r.asymmetric_key_lifetime_longest",
}
"""What breaks each restriction on credentials, of an addition `a` to an object of regime `r`."""

_LIMITS: dict[str, tuple[RestrictionKind | None, RestrictionKind]] = {
    "password": (_K.PASSWORD_ADDITION, _K.PASSWORD_LIFETIME),
    "symmetricKey": (_K.SYMMETRIC_KEY_ADDITION, _K.SYMMETRIC_KEY_LIFETIME),
    "certificate": (None, _K.ASYMMETRIC_KEY_LIFETIME),
}
"""What forbids each kind of credential, and what limits how long it lives. Of the two one number is made for each
regime, its longest: that is quicker to compare three million times, and a test holds it against the reasons."""

_NUMBERED = (None, *_LIMITS)
"""The kinds by number; the first are those that nothing limits."""

_BLOCKED, _UNLIMITED = -(2**63), 2**63 - 1
_BESIDE = (_K.CUSTOM_PASSWORD_ADDITION, _K.TRUSTED_CERTIFICATE_AUTHORITY)
"""What is judged beside the length."""

COMPARED = tuple(rule.kind for rule in RULES if GROUP_OF[rule.kind] in CREDENTIAL_GROUPS)
"""The restrictions that the database judges, in the law's own order."""

_CREATED = f"coalesce(o.created_at, TIMESTAMP '{CREATED_WHEN_UNKNOWN:%Y-%m-%d}')"
_ASKED = tuple(rule for rule in RULES if GROUP_OF[rule.kind] not in CREDENTIAL_GROUPS)
_REASONS = "STRUCT(rule VARCHAR, policy_id VARCHAR)[]"


class Enacted(Struct, frozen=True, kw_only=True):
    """A law that was put beside the tables of a tenant, under a name; `objects` is the table that it governs."""

    database: DuckDBPyConnection
    law: Law
    regimes: Regimes
    name: str
    objects: str

    @property
    def kinds(self) -> tuple[RestrictionKind, ...]:
        """The restrictions on credentials that bind anything at all, in the law's own order."""
        found = {kind for entries in self.regimes.values() for kind in entries}
        return tuple(kind for kind in COMPARED if kind in found)

    def judged(self, additions: str) -> str:
        """The question for the verdict on every row of `additions`, a table or a question in brackets: things that
        would be added, with the columns object, kind, start_at, end_at, own_text and trusted_by (lower case).

        Besides those there are `app` (whose the object is), `refused` (NULL when it cannot be told), `refused_by`
        (restriction and policy of every reason, in the law's own order) and `unsure` (the restrictions that could not
        be judged).
        """
        verdicts = {kind: f"({_BINDS.format(_WORDS[kind])} AND {_BROKEN[kind]})" for kind in self.kinds}
        broken = (
            f"CASE WHEN {verdict} THEN {{rule: '{kind}', policy_id: r.{_WORDS[kind]}_policy}} END"
            for kind, verdict in verdicts.items()
        )
        unsure = (f"CASE WHEN {verdict} IS NULL THEN '{kind}' END" for kind, verdict in verdicts.items())
        return (
            f"SELECT a.*, o.app, {' OR '.join(verdicts.values()) or 'false'} AS refused, "
            f"{_present(broken)}::{_REASONS} AS refused_by, {_present(unsure)}::VARCHAR[] AS unsure "
            f"FROM {additions} AS a JOIN {self.name}_bound AS g ON g.object = a.object "
            f"JOIN {self.name}_regimes AS r ON r.regime = g.regime JOIN {self.objects} AS o ON o.object = a.object"
        )

    def judged_quickly(self, additions: str) -> str:
        """As `judged`, of everything that a tenant holds at once, and without the reasons."""
        return self._compared("a.*, g.app", f"{_numbered(additions)} AS a JOIN {self.name}_bound AS g USING (object)")

    def judged_for_each_object(self, addition: str) -> str:
        """As `judged_quickly`, of one and the same addition to every object, with what the law was enacted to carry;
        `addition` is a question for one row, in brackets, without `object`."""
        return self._compared("g.*, a.length", f"{self.name}_bound AS g CROSS JOIN {_numbered(addition)} AS a")

    def _compared(self, columns: str, joined: str) -> str:
        """These columns of what is joined, and `refused`. What does not say how long it lives is refused where nothing
        may be added, and allowed where nothing limits it; elsewhere it is not known."""
        beside = " OR ".join(
            f"({_BINDS.format(_WORDS[kind])} AND {_BROKEN[kind]})" for kind in _BESIDE if kind in self.kinds
        )
        entries = f" JOIN {self.name}_regimes AS r USING (regime)" if beside else ""
        limits = f"JOIN {self.name}_limits AS l ON l.place = g.regime + a.number{entries}"
        broken = f"coalesce(length > longest, CASE longest WHEN {_BLOCKED} THEN true WHEN {_UNLIMITED} THEN false END)"
        return (
            f"SELECT * EXCLUDE (longest, beside), {f'{broken} OR beside' if beside else broken} AS refused "
            f"FROM (SELECT {columns}, l.longest, {beside or 'NULL'} AS beside FROM {joined} {limits})"
        )

    def judge_values(self) -> str:
        """Make a table of every identifier URI, audience and redirect URI that an application has and could not be
        given any more: object, what (`identifierUri`, `audience`, or a platform), value, refused_by. Gives its name."""
        table = f"{self.name}_values"
        _make(self.database, table, _VALUES)
        asking = {policy: asked for (kind, policy), entries in self.regimes.items() if (asked := _asked(kind, entries))}
        if asking:
            applications = self.database.execute(_applications(asking, self.objects))
            refused = []  # a question is read to its end before the next is put
            while rows := applications.fetchmany(_BATCH):
                refused.append(msgspec.json.encode(list(_refused_values(self.law, asking, rows))))
            for batch in refused:
                _append(self.database, table, _VALUES, batch)
        return table


def enact(
    database: DuckDBPyConnection,
    law: Law,
    *,
    name: str = "law",
    objects: str = "objects",
    carried: Sequence[str] = (),
) -> Enacted:
    """Put `law` beside the table `objects`, under `name`. Columns of `objects` that are `carried` are kept with the
    verdicts on every object, so that nobody has to read the objects once more for them."""
    found = regimes(law, [NOT_LINKED, *(policy.id for policy in law.customs)])
    enacted = enact_regimes(database, law, found, name=name, objects=objects, carried=carried)
    counts = f"SELECT (SELECT count(*) FROM {name}_bound), (SELECT count(*) FROM {objects})"
    bound, all_of_them = database.execute(counts).fetchall()[0]
    if bound == all_of_them:
        return enacted
    # Some object is linked to a policy that nobody can name, or names it in capitals.
    linked = database.execute(f"SELECT DISTINCT coalesce(custom_policy_id, '{NOT_LINKED}') FROM {objects}").fetchall()
    found = regimes(law, [policy for (policy,) in linked])
    return enact_regimes(database, law, found, name=name, objects=objects, carried=carried)


def enact_regimes(
    database: DuckDBPyConnection,
    law: Law,
    found: Regimes,
    *,
    name: str = "law",
    objects: str = "objects",
    carried: Sequence[str] = (),
) -> Enacted:
    """`enact` with regimes that are known already."""
    _make(database, f"{name}_regimes", _COLUMNS)
    enacted = Enacted(database=database, law=law, regimes=found, name=name, objects=objects)
    parted = list(spans(law, found, enacted.kinds))
    rows = [_row(number * len(_NUMBERED), span) for number, span in enumerate(parted)]
    _append(database, f"{name}_regimes", _COLUMNS, msgspec.json.encode(rows))
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_limits AS SELECT (regime + number)::UINTEGER AS place, longest FROM "
        f"(SELECT regime, unnest(range({len(_NUMBERED)})) AS number, unnest([{', '.join(_longest())}]) AS longest "
        f"FROM {name}_regimes AS r)"
    )
    kept = (f"o.{column}" for column in carried)
    dated = f" AND {_CREATED} >= r.since AND {_CREATED} < r.until" if len(parted) > len(found) else ""
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_bound AS SELECT {', '.join(('o.object', 'o.app', 'r.regime', *kept))} "
        f"FROM {objects} AS o JOIN {name}_regimes AS r "
        f"ON r.object_kind = o.kind AND r.policy = coalesce(o.custom_policy_id, '{NOT_LINKED}'){dated}"
    )
    return enacted


def _longest() -> Iterator[str]:
    """How long a credential of each kind may live, in the order of their numbers."""
    yield f"{_UNLIMITED}"
    for block, limit in _LIMITS.values():
        blocked = f"WHEN {_BINDS.format(_WORDS[block])} THEN {_BLOCKED} " if block else ""
        yield f"CASE {blocked}WHEN {_BINDS.format(_WORDS[limit])} THEN r.{_WORDS[limit]}_longest ELSE {_UNLIMITED} END"


# -- the entries as a table ---------------------------------------------------------------------------------------

_LONGEST = tuple(kind for kind, broken in _BROKEN.items() if "_longest" in broken)
_COLUMNS = (
    {"regime": "UINTEGER", "object_kind": "VARCHAR", "policy": "VARCHAR", "since": "TIMESTAMP", "until": "TIMESTAMP"}
    | {"authorities": "VARCHAR[]"}
    | {f"{_kind.name.lower()}_longest": "BIGINT" for _kind in _LONGEST}
    | {f"{_kind.name.lower()}_policy": "VARCHAR" for _kind in COMPARED}
)

_WORDS = {kind: kind.name.lower() for kind in COMPARED}
_BINDS = "r.{}_policy IS NOT NULL"
"""Whether there is an entry in the regime `r` that binds."""


def _row(number: int, span: Span) -> dict[str, Any]:
    row: dict[str, Any] = {"regime": number, "object_kind": span.kind, "policy": span.policy}
    row |= {"since": _instant(span.since, "-infinity"), "until": _instant(span.until, "infinity")}
    for restriction, (policy_id, entry) in span.entries.items():
        word = _WORDS[restriction]
        if restriction in _LONGEST:
            if entry.max_lifetime is None:  # sets no limit
                continue
            row[f"{word}_longest"] = entry.max_lifetime // timedelta(microseconds=1)
        if restriction is _K.TRUSTED_CERTIFICATE_AUTHORITY:
            row["authorities"] = [one.lower() for one in entry.certificate_based_application_configuration_ids]
        row[f"{word}_policy"] = policy_id
    return row


def _instant(at: datetime | None, without_end: str) -> str:
    return without_end if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def _numbered(additions: str) -> str:
    """`additions` with what is compared as numbers, made before anything is joined: words are few and alike there."""
    listed = ", ".join(f"'{credential}'" for credential in _LIMITS)
    number = f"coalesce(list_position([{listed}], a.kind), 0)::UINTEGER"
    return f"(SELECT a.*, {number} AS number, {_LENGTH} AS length FROM {additions} AS a)"


def _present(cases: Iterable[str]) -> str:
    return f"list_filter([{', '.join(cases)}], lambda one: one IS NOT NULL)"


def _make(database: DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> None:
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    database.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({listed})")


def _append(database: DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: bytes) -> None:
    shape = msgspec.json.encode([dict(columns)]).decode()
    members = ", ".join(f"one.{name}" for name in columns)
    database.execute(
        f"INSERT INTO {table} SELECT {members} FROM (SELECT unnest(from_json($rows, $shape)) AS one)",
        {"rows": rows.decode(), "shape": shape},
    )


# -- what is asked of the rules, value by value -------------------------------------------------------------------

_VALUES = {"object": "UINTEGER", "what": "VARCHAR", "value": "VARCHAR", "refused_by": _REASONS}
_PLATFORMS = {"web_redirect_uris": "web", "spa_redirect_uris": "spa", "public_client_redirect_uris": "publicClient"}


def _asked(kind: ObjectKind, entries: Regime) -> Regime:
    if kind is not ObjectKind.APPLICATION:
        return {}
    return {rule.kind: entries[rule.kind] for rule in _ASKED if rule.kind in entries}


def _applications(asking: Mapping[str, Regime], objects: str) -> str:
    policies = ", ".join("'" + policy.replace("'", "''") + "'" for policy in asking)
    mode = "lower(preferred_single_sign_on_mode) = 'saml'"
    saml = f"SELECT app FROM {objects} WHERE kind = 'servicePrincipal' AND {mode}"
    return (
        f"SELECT object, app_id, created_at, requested_access_token_version, app IN ({saml}), "
        f"coalesce(custom_policy_id, '{NOT_LINKED}') AS policy, identifier_uris, sign_in_audience, "
        f"{', '.join(_PLATFORMS)} FROM {objects} WHERE kind = 'application' AND policy IN ({policies})"
    )


def _refused_values(
    law: Law, asking: Mapping[str, Regime], rows: Iterable[tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
    for number, app_id, created_at, version, saml, policy, uris, audience, *redirects in rows:
        governed = Governed(
            kind=ObjectKind.APPLICATION,
            tenant_id=law.tenant_id,
            app_id=AppId(app_id or ""),
            created_at=created_at and created_at.replace(tzinfo=UTC),
            verified_domains=law.verified_domains,
            requested_access_token_version=version,
            signs_in_with_saml=bool(saml),
        )
        obeyed = {kind: one for kind, one in asking[policy].items() if binds(one.entry, governed, law.actor)}
        for what, value, added in _values(uris, audience, redirects) if obeyed else ():
            if reasons := _reasons(added, obeyed, governed):
                yield {"object": number, "what": what, "value": value, "refused_by": reasons}


def _values(
    uris: list[str] | None, audience: str | None, redirects: Iterable[list[str] | None]
) -> Iterator[tuple[str, str, Addition]]:
    for uri in uris or ():
        yield "identifierUri", uri, IdentifierUriAdded(uri)
    if audience:
        yield "audience", audience, AudienceSet(audience)
    for platform, listed in zip(_PLATFORMS.values(), redirects, strict=True):
        for uri in listed or ():
            yield platform, uri, RedirectUriAdded(platform, uri)


def _reasons(added: Addition, obeyed: Regime, governed: Governed) -> list[dict[str, str]]:
    return [
        {"rule": rule.kind, "policy_id": obeyed[rule.kind].policy_id}
        for rule in _ASKED
        if rule.kind in obeyed and rule.looks_at(added) and rule.violated(added, obeyed[rule.kind].entry, governed)
    ]
