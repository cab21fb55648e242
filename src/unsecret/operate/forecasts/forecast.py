"""What a policy will do to every application, and the day on which each loses the last credential it signs in with.

An application is what has one appId: its registration, its service principal, or both, and the credentials of both. The
day is the last end of all secrets and certificates that it could sign in with; policies do not move it, since they
refuse additions and nothing else. What they decide is whether that credential could be renewed on its last day, by
one that lives as long: that is judged by the policies in force on that day, on the object that holds it.

The questions are `rules.fleet`'s and a few joins around them. A table of one short row for each application is made for
each scenario; everything that is shown is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from unsecret.model.identifiers import TenantId
from unsecret.operate.applications.inventory import MICROSOFTS_TENANTS
from unsecret.operate.forecasts.scenarios import Phase, Scenario
from unsecret.operate.snapshots.rows import to_column
from unsecret.rules.fleet import Enacted, enact
from unsecret.rules.regimes import Law

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from unsecret.operate.snapshots.snapshot_file import Snapshot

USUAL_SECRET = timedelta(days=180)
"""How long a new secret is taken to live: what the Entra admin center recommends when one is made."""

REFUSED, LAST_ALLOWED, LAST_UNSURE, LAST_REFUSED, NO_SECRET, VALUES = (2**bit for bit in range(6))
"""What is noted of an application by the law: some live credential could not be renewed; of those that end last one
could be, of one that is not known, one could not; a new secret is refused; so are values that it has."""

REGISTERED, DISABLED, MANAGED, MICROSOFT, FOREIGN, USED, UNUSED, NEVER, ENDED, ENDS = (2**bit for bit in range(6, 16))
"""What is noted of it whatever the law: it is registered here, disabled, a managed identity, at home at Microsoft or
elsewhere; its use was seen, or it is not in use; it has a federated credential; the others have ended, or end."""

SECOND = 2**16
"""From here up there is the second in which the last credential ends, so that all is gathered as one number. The exact
instant is among the columns of `objects`."""

OUTCOMES = {
    "ends": "loses its last credential",
    "ended": "has lost it already: all have expired",
    "never": "never: it has a federated credential",
    "nothing": "signs in with nothing of its own",
    "disabled": "is disabled",
    "foreign": "is at home in another organisation, where its credentials are",
    "managedIdentity": "is a managed identity, which Azure renews",
    "microsoft": "is Microsoft's",
}
"""What becomes of an application when nothing changes, in words."""

SEEN_TO = ("ends", "ended", "never", "nothing", "disabled")
"""Outcomes of applications that somebody in the organisation answers for."""

USES = ("used", "unused", "unknown")
LONGEST_TIMELINE = 53
"""Weeks that are told one by one; what comes later is counted together."""


class Week(Struct, frozen=True, kw_only=True):
    """How many applications lose their last credential in the week that begins on a Monday: all of them, those that
    could not renew it as it is, and those of which that is not known. `starts_on` is None for what comes later."""

    starts_on: date | None
    ends: int
    refused: int
    not_known: int


class Uses(Struct, frozen=True, kw_only=True):
    """Of how many of them the reports say what: three different things."""

    used: int = 0
    unused: int = 0
    unknown: int = 0


class Summary(Struct, frozen=True, kw_only=True):
    """One scenario in numbers of applications. `cannot_renew` lose their last credential and could not renew it on that
    day; `new_secrets_refused` are those among SEEN_TO that could not be given a new secret; `renewals_refused` hold any
    live credential that could not be renewed, `values_refused` a URI or an audience that they could not be given any
    more."""

    scenario: str
    in_force: tuple[datetime, ...]
    applications: int
    outcomes: dict[str, int]
    cannot_renew: int
    renewal_not_known: int
    cannot_renew_by_use: Uses
    new_secrets_refused: int
    renewals_refused: int
    values_refused: int
    weeks: tuple[Week, ...]


class Forecast:
    """The scenarios of one snapshot, judged: a table `forecast_N` for each, with what is asked of all."""

    def __init__(
        self, snapshot: Snapshot, scenarios: Sequence[Scenario], *, now: datetime, new_secret: timedelta = USUAL_SECRET
    ):
        self.snapshot = snapshot
        self.scenarios = tuple(scenarios)
        self.now = now
        self.new_secret = new_secret
        self._look_at_faces()
        self.enacted = tuple(self._enact(number, one) for number, one in enumerate(self.scenarios))
        for number in range(len(self.scenarios)):
            self._judge(number)

    @property
    def database(self) -> DuckDBPyConnection:
        """Where the tables are."""
        return self.snapshot.database

    def renewals(self, number: int, credentials: str, *, reasons: bool = False) -> str:
        """The question for the verdicts on the renewal of `credentials`, each on the day on which it ends, or now when
        it has ended."""
        laws = list(zip(self.scenarios[number].phases, self.enacted[number], strict=True))
        questions = []
        for index, (phase, enacted) in enumerate(laws):
            following = laws[index + 1][0] if index + 1 < len(laws) else None
            chosen = f"(SELECT * FROM {credentials} WHERE {self._while(phase, following)})"
            ask = enacted.judged if reasons else enacted.judged_quickly
            questions.append(ask(credentials if len(laws) == 1 else chosen))
        return " UNION ALL ".join(questions)

    def new_secrets(self, apps: str) -> str:
        """A new secret for each of the applications that the question `apps` gives, as additions."""
        faces = f"SELECT object FROM objects WHERE object = app AND app IN ({apps})"
        return f"(SELECT o.object, s.* FROM ({faces}) AS o CROSS JOIN {self._new_secret} AS s)"

    def summary(self, number: int) -> Summary:
        """The numbers of one scenario."""
        monday = (self.now.astimezone(UTC) - timedelta(days=self.now.weekday())).date()
        # Gathered as numbers first, then put in words: what is alike in its numbers is alike in its words.
        week = f"((noted >> {SECOND.bit_length() - 1}) - {_seconds(monday)}) // {_A_WEEK}"
        alike = (
            f"SELECT noted, week, count(*) AS n "
            f"FROM (SELECT noted & {SECOND - 1} AS noted, {week} AS week FROM noted_{number}) GROUP BY ALL"
        )
        cursor = self.database.execute(
            "SELECT outcome, renewal, app_use, new_secret_refused, renewals_refused, values_refused, week, n "
            f"FROM (SELECT *, {_WORDS} FROM ({alike}))"
        )
        tally = [_Tallied(*row) for row in cursor.fetchall()]
        ending = [one for one in tally if one.outcome == "ends"]
        refused = [one for one in ending if one.renewal == "refused"]
        return Summary(
            scenario=self.scenarios[number].name,
            in_force=tuple(phase.starts_at for phase in self.scenarios[number].phases),
            applications=_sum(tally),
            outcomes={word: _sum(one for one in tally if one.outcome == word) for word in OUTCOMES},
            cannot_renew=_sum(refused),
            renewal_not_known=_sum(one for one in ending if one.renewal == "not known"),
            cannot_renew_by_use=Uses(**{use: _sum(one for one in refused if one.use == use) for use in USES}),
            new_secrets_refused=_sum(one for one in tally if one.new_secret_refused and one.outcome in SEEN_TO),
            renewals_refused=_sum(one for one in tally if one.renewals_refused),
            values_refused=_sum(one for one in tally if one.values_refused),
            weeks=_weeks(ending, monday),
        )

    def fails_within(self, term: timedelta) -> int:
        """How many applications, in whichever scenario, lose their last credential within `term` and could not renew
        it, or nobody knows whether they could."""
        until = instant(self.now + term)
        found = " UNION ".join(
            f"SELECT app FROM forecast_{number} WHERE outcome = 'ends' AND renewal <> 'allowed' AND ends_at <= {until}"
            for number in range(len(self.scenarios))
        )
        return self.database.execute(f"SELECT count(*) FROM ({found})").fetchall()[0][0]

    def _enact(self, number: int, scenario: Scenario) -> tuple[Enacted, ...]:
        organization = next(self.snapshot.objects("organization"), {})
        domains = tuple(str(one["name"]) for one in organization.get("verifiedDomains") or () if one.get("name"))
        return tuple(
            enact(
                self.database,
                Law(
                    tenant_id=TenantId(self.snapshot.manifest.tenant_id),
                    verified_domains=domains,
                    default=phase.policies.default,
                    customs=phase.policies.customs,
                ),
                name=f"scenario_{number}_{index}",
                objects=self._objects(phase, f"objects_{number}_{index}"),
                carried=("face",),
            )
            for index, phase in enumerate(scenario.phases)
        )

    def _look_at_faces(self) -> None:
        """Make the view `faces`: the objects, and what is noted of each whatever the law."""
        microsoft = ", ".join(f"'{one}'" for one in sorted(MICROSOFTS_TENANTS))
        tenant = self.snapshot.manifest.tenant_id.lower().replace("'", "''")
        face = _FACE.format(microsoft=microsoft, tenant=tenant, now=instant(self.now))
        self.database.execute(f"CREATE OR REPLACE TEMP VIEW faces AS SELECT *, {face} AS face FROM objects")

    def _objects(self, phase: Phase, name: str) -> str:
        """The objects with the custom policies that they have in `phase`."""
        moved = phase.policies.moved
        if not moved:
            return "faces"
        self.database.execute(f"CREATE OR REPLACE TEMP TABLE {name}_moved (object_id VARCHAR, policy VARCHAR)")
        self.database.execute(
            f"INSERT INTO {name}_moved SELECT unnest($1), unnest($2)", [list(moved), list(moved.values())]
        )
        self.database.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT o.* "
            "REPLACE (CASE WHEN m.object_id IS NULL THEN o.custom_policy_id ELSE nullif(m.policy, '') END "
            f"AS custom_policy_id) FROM faces AS o LEFT JOIN {name}_moved AS m ON m.object_id = o.object_id"
        )
        return name

    def _while(self, phase: Phase, following: Phase | None) -> str:
        day = f"greatest(end_at, {instant(self.now)})"
        until = f" AND {day} < {instant(following.starts_at)}" if following else ""
        return f"{day} >= {instant(phase.starts_at)}{until}"

    def _judge(self, number: int) -> None:
        """Make `forecast_N`. All that is asked of objects and credentials is noted as bits of one number, and gathered
        by application at once: that takes half the time that joining a column each would."""
        final = self.enacted[number][-1]
        renewals = self.renewals(number, CREDENTIALS.format(now=instant(self.now)))
        new_secrets = final.judged_for_each_object(self._new_secret)
        gathered = (
            f"SELECT app, {_NOTED} AS noted FROM ({renewals})",
            f"SELECT app, {_FACE_NOTED} AS noted FROM ({new_secrets})",
            f"SELECT object AS app, {VALUES} AS noted FROM {final.judge_values()}",
        )
        rows = " UNION ALL ".join(f"SELECT app, noted::BIGINT AS noted FROM ({one})" for one in gathered)
        self.database.execute("SET perfect_ht_threshold = 24")  # applications are numbers without large gaps
        self.database.execute(
            f"CREATE OR REPLACE TEMP TABLE noted_{number} AS "
            f"SELECT app, bit_or(noted) AS noted FROM ({rows}) GROUP BY app"
        )
        self.database.execute(
            f"CREATE OR REPLACE TEMP VIEW forecast_{number} AS SELECT n.app, {_WORDS}, "
            f"CASE WHEN noted & {NEVER} = 0 THEN o.ends_at END AS ends_at "
            f"FROM noted_{number} AS n JOIN objects AS o ON o.object = n.app"
        )

    @property
    def _new_secret(self) -> str:
        return (
            f"(SELECT 'password' AS kind, {instant(self.now)} AS start_at, "
            f"{instant(self.now + self.new_secret)} AS end_at, false AS own_text, NULL::VARCHAR[] AS trusted_by)"
        )


class _Tallied(NamedTuple):
    """Applications that are alike."""

    outcome: str
    renewal: str | None
    use: str
    new_secret_refused: bool
    renewals_refused: bool
    values_refused: bool
    week: int | None
    number: int


def _sum(tally: Iterable[_Tallied]) -> int:
    return sum(one.number for one in tally)


def _weeks(ending: Sequence[_Tallied], monday: date) -> tuple[Week, ...]:
    alike: dict[int | None, list[_Tallied]] = {index: [] for index in range(LONGEST_TIMELINE)}
    for one in ending:
        alike.setdefault(one.week if one.week in alike else None, []).append(one)
    return tuple(
        Week(
            starts_on=None if index is None else monday + timedelta(weeks=index),
            ends=_sum(found),
            refused=_sum(one for one in found if one.renewal == "refused"),
            not_known=_sum(one for one in found if one.renewal == "not known"),
        )
        for index, found in alike.items()
    )


_A_WEEK = timedelta(weeks=1) // timedelta(seconds=1)


def _seconds(day: date) -> int:
    return (day - date(1970, 1, 1)) // timedelta(seconds=1)


AUTHORITIES = "list_transform(trusted_by, lambda one: lower(one)) AS trusted_by"
"""Whose certificate it is, as the law compares them."""

CREDENTIALS = f"""(SELECT object, kind, start_at, end_at, false AS own_text, {AUTHORITIES}, is_last,
    end_at > {{now}} AS is_live FROM credentials)"""
"""What is renewed: as many days as before, with a text that the service makes up, from the same authorities."""

_NOTED = f"""CASE WHEN refused
    THEN (is_live IS DISTINCT FROM false)::UTINYINT * {REFUSED}::UTINYINT + is_last::UTINYINT * {LAST_REFUSED}::UTINYINT
    WHEN is_last THEN CASE WHEN refused IS NULL THEN {LAST_UNSURE} ELSE {LAST_ALLOWED} END ELSE 0 END"""

_FACE_NOTED = f"face + CASE WHEN refused AND object = app THEN {NO_SECRET} ELSE 0 END"
"""What is noted of an object, and of a new secret where the application would get it: on its registration, or on its
principal where that is all there is."""

_FACE = f"""CASE WHEN kind = 'application' THEN {REGISTERED}
        WHEN service_principal_type = 'ManagedIdentity' THEN {MANAGED}
        WHEN lower(app_owner_organization_id) IN ({{microsoft}}) THEN {MICROSOFT}
        WHEN lower(app_owner_organization_id) <> '{{tenant}}' THEN {FOREIGN} ELSE 0 END
    + (account_enabled IS NOT true)::BIGINT * {DISABLED}
    + [{USED}, {UNUSED}, 0][list_position(['used', 'unused', 'unknown'], app_use)] + has_federated::BIGINT * {NEVER}
    + coalesce(epoch_us(ends_at) // 1000000 * {SECOND} + {ENDED} * (1 + (ends_at > {{now}})::BIGINT), 0)"""

_FOREIGN = f"noted & {REGISTERED} = 0 AND noted &"
_WORDS = f"""
    CASE WHEN noted & {MANAGED} > 0 THEN 'managedIdentity' WHEN {_FOREIGN} {MICROSOFT} > 0 THEN 'microsoft'
        WHEN {_FOREIGN} {FOREIGN} > 0 THEN 'foreign' WHEN noted & {DISABLED} > 0 THEN 'disabled'
        WHEN noted & {NEVER} > 0 THEN 'never' WHEN noted & {ENDED} > 0 THEN 'ended'
        WHEN noted & {ENDS} > 0 THEN 'ends' ELSE 'nothing' END AS outcome,
    CASE WHEN noted & {NEVER} > 0 OR noted & {ENDS | ENDED} = 0 THEN NULL
        WHEN noted & {LAST_ALLOWED} > 0 THEN 'allowed'
        WHEN noted & {LAST_UNSURE} > 0 THEN 'not known' ELSE 'refused' END AS renewal,
    CASE WHEN noted & {USED} > 0 THEN 'used' WHEN noted & {UNUSED} > 0 THEN 'unused' ELSE 'unknown' END AS app_use,
    noted & {NO_SECRET} > 0 AS new_secret_refused, noted & {REFUSED} > 0 AS renewals_refused,
    noted & {VALUES} > 0 AS values_refused"""
"""What is noted, in words. Of outcomes in this order: whose it is; whether it may sign in at all; what it signs in
with. What is registered here is the organisation's own."""


def instant(at: datetime) -> str:
    """An instant as the database reads it: in UTC, without a zone."""
    return f"TIMESTAMP '{to_column(at).isoformat(' ')}'"
