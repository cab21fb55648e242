"""What a policy will do to every application, and the day on which each loses the last credential it signs in with.

An application is what has one appId: its registration, its service principal, or both, and the credentials of both. The
day is the last end of all secrets and certificates that it could sign in with; policies do not move it, since they
refuse additions and nothing else. What they decide is whether that credential could be renewed on its last day, by
one that lives as long: that is judged by the policies in force on that day, on the object that holds it.

The questions are `rules.fleet`'s and a few joins around them. A table of one short row for each application is made for
each scenario; everything that is shown is asked of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from unsecret.model.identifiers import TenantId
from unsecret.model.snapshot import PRINCIPAL_ACTIVITIES
from unsecret.operate.inventory import MICROSOFTS_TENANTS
from unsecret.operate.scenarios import Phase, Scenario
from unsecret.rules.fleet import Enacted, Law, enact

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from unsecret.operate.snapshot_file import Snapshot

USUAL_SECRET = timedelta(days=180)
"""How long a new secret is taken to live: what the Entra admin center recommends when one is made."""

FOREVER = 2**63 - 1
"""Stands for the end of what does not end: a federated credential."""

SIGNING_IN = ("password", "certificate")
"""What an application proves itself with and what ends. Nothing signs in with a symmetric key by itself."""

REFUSED, UNSURE, USED, UNKNOWN = 1, 2, 4, 8
"""What is noted of an application's credentials: a renewal is refused, or cannot be judged; use was seen, or is not
known."""

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
    day; `renewals_refused` hold any live credential of which that is so, `values_refused` a URI or an audience that
    they could not be given any more."""

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
        self.enacted = tuple(self._enact(number, one) for number, one in enumerate(self.scenarios))
        for number in range(len(self.scenarios)):
            self._judge(number)

    @property
    def database(self) -> DuckDBPyConnection:
        """Where the tables are."""
        return self.snapshot.database

    def renewals(self, number: int, credentials: str, *, reasons: bool) -> str:
        """The question for the verdicts on the renewal of `credentials`, each on the day on which it ends, or now when
        it has ended."""
        laws = list(zip(self.scenarios[number].phases, self.enacted[number], strict=True))
        questions = []
        for index, (phase, enacted) in enumerate(laws):
            following = laws[index + 1][0] if index + 1 < len(laws) else None
            chosen = f"(SELECT * FROM {credentials} WHERE {self._while(phase, following)})"
            questions.append(enacted.judged(credentials if len(laws) == 1 else chosen, reasons=reasons))
        return " UNION ALL ".join(questions)

    def new_secrets(self, apps: str | None = None) -> str:
        """A new secret for each application, on its registration where there is one. `apps` is a question for those
        that are meant; all are, when it is None."""
        these = f" AND app IN ({apps})" if apps else ""
        return (
            "(SELECT object, kind AS face, service_principal_type, app_owner_organization_id, account_enabled, "
            f"'password' AS kind, {instant(self.now)} AS start_at, {instant(self.now + self.new_secret)} AS end_at, "
            f"false AS own_text, NULL::VARCHAR[] AS trusted_by FROM objects WHERE object = app{these})"
        )

    def summary(self, number: int) -> Summary:
        """The numbers of one scenario."""
        table = f"forecast_{number}"
        ask = self.database.execute
        counts = ask(
            "SELECT count(*), count(*) FILTER (outcome = 'ends' AND renewal = 'refused'), "
            "count(*) FILTER (outcome = 'ends' AND renewal = 'not known'), count(*) FILTER (new_secret_refused), "
            f"count(*) FILTER (renewals_refused), count(*) FILTER (values_refused) FROM {table}"
        ).fetchall()[0]
        outcomes = dict(ask(f"SELECT outcome, count(*) FROM {table} GROUP BY ALL").fetchall())
        uses = dict(
            ask(
                f"SELECT use, count(*) FROM {table} WHERE outcome = 'ends' AND renewal = 'refused' GROUP BY ALL"
            ).fetchall()
        )
        return Summary(
            scenario=self.scenarios[number].name,
            in_force=tuple(phase.starts_at for phase in self.scenarios[number].phases),
            applications=counts[0],
            outcomes={word: outcomes.get(word, 0) for word in OUTCOMES},
            cannot_renew=counts[1],
            renewal_not_known=counts[2],
            cannot_renew_by_use=Uses(**uses),
            new_secrets_refused=counts[3],
            renewals_refused=counts[4],
            values_refused=counts[5],
            weeks=self._weeks(table),
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

    def _weeks(self, table: str) -> tuple[Week, ...]:
        monday = (self.now - timedelta(days=self.now.weekday())).date()
        horizon = monday + timedelta(weeks=LONGEST_TIMELINE)
        rows = self.database.execute(
            f"SELECT CASE WHEN ends_at < DATE '{horizon}' THEN date_trunc('week', ends_at)::DATE END AS week, "
            "count(*), "
            f"count(*) FILTER (renewal = 'refused'), count(*) FILTER (renewal = 'not known') "
            f"FROM {table} WHERE outcome = 'ends' GROUP BY week"
        ).fetchall()
        found = {week: Week(starts_on=week, ends=n, refused=no, not_known=maybe) for week, n, no, maybe in rows}
        days = [monday + timedelta(weeks=index) for index in range(LONGEST_TIMELINE)]
        return tuple(
            found.get(day) or Week(starts_on=day, ends=0, refused=0, not_known=0)
            for day in (*days, *([None] if None in found else []))
        )

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
            )
            for index, phase in enumerate(scenario.phases)
        )

    def _objects(self, phase: Phase, name: str) -> str:
        """The objects with the custom policies that they have in `phase`."""
        moved = phase.policies.moved
        if not moved:
            return "objects"
        self.database.execute(f"CREATE OR REPLACE TEMP TABLE {name}_moved (object_id VARCHAR, policy VARCHAR)")
        self.database.execute(
            f"INSERT INTO {name}_moved SELECT unnest($1), unnest($2)", [list(moved), list(moved.values())]
        )
        self.database.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT o.* "
            "REPLACE (CASE WHEN m.object_id IS NULL THEN o.custom_policy_id ELSE nullif(m.policy, '') END "
            f"AS custom_policy_id) FROM objects AS o LEFT JOIN {name}_moved AS m ON m.object_id = o.object_id"
        )
        return name

    def _while(self, phase: Phase, following: Phase | None) -> str:
        day = f"greatest(end_at, {instant(self.now)})"
        until = f" AND {day} < {instant(following.starts_at)}" if following else ""
        return f"{day} >= {instant(phase.starts_at)}{until}"

    def _judge(self, number: int) -> None:
        """Make `forecast_N`. What is asked of every credential is folded into two numbers for each application: that
        takes half the time that a column each would."""
        final = self.enacted[number][-1]
        values = final.judge_values()
        now = instant(self.now)
        ends = f"CASE WHEN last < {FOREVER} THEN make_timestamp(last // 4) END"
        renewal = (
            f"CASE WHEN last < {FOREVER} THEN "
            "CASE last % 4 WHEN 2 THEN 'allowed' WHEN 1 THEN 'not known' ELSE 'refused' END END"
        )
        self.database.execute("SET perfect_ht_threshold = 24")  # applications are numbers without large gaps
        self.database.execute(
            f"CREATE OR REPLACE TEMP TABLE held AS SELECT app, {_LAST} AS last, {_NOTED.format(now=now)} AS noted "
            f"FROM ({self.renewals(number, CREDENTIALS, reasons=False)}) GROUP BY app"
        )
        self.database.execute(
            f"CREATE OR REPLACE TEMP TABLE forecast_{number} AS SELECT o.app, {self._outcome(now)} AS outcome, "
            f"{ends} AS ends_at, {renewal} AS renewal, o.refused AS new_secret_refused, "
            f"coalesce(noted & {REFUSED} > 0, false) AS renewals_refused, "
            f"o.object IN (SELECT object FROM {values}) AS values_refused, {self._use()} AS use "
            f"FROM ({final.judged(self.new_secrets(), reasons=False)}) AS o LEFT JOIN held ON held.app = o.app",
            {"tenant": self.snapshot.manifest.tenant_id.lower()},
        )

    def _outcome(self, now: str) -> str:
        microsoft = ", ".join(f"'{one}'" for one in sorted(MICROSOFTS_TENANTS))
        home = "lower(o.app_owner_organization_id)"
        off = "SELECT app FROM objects WHERE object <> app AND NOT account_enabled"
        return (
            "CASE WHEN o.service_principal_type = 'ManagedIdentity' THEN 'managedIdentity' "
            f"WHEN o.face = 'servicePrincipal' AND {home} IN ({microsoft}) THEN 'microsoft' "
            f"WHEN o.face = 'servicePrincipal' AND {home} <> $tenant THEN 'foreign' "
            f"WHEN NOT o.account_enabled OR o.app IN ({off}) THEN 'disabled' "
            f"WHEN last = {FOREVER} THEN 'never' WHEN last IS NULL THEN 'nothing' "
            f"WHEN make_timestamp(last // 4) <= {now} THEN 'ended' ELSE 'ends' END"
        )

    def _use(self) -> str:
        """Seen by any report is used. What the report on applications does not list is unused; without that report the
        one on credentials must have covered all that there are."""
        seen = "SELECT app FROM sign_ins WHERE last_sign_in_at IS NOT NULL AND app IS NOT NULL"
        covered = "true" if self.snapshot.manifest.is_known(PRINCIPAL_ACTIVITIES) else f"noted & {UNKNOWN} = 0"
        return (
            f"CASE WHEN noted & {USED} > 0 OR o.app IN ({seen}) THEN 'used' "
            f"WHEN {covered} THEN 'unused' ELSE 'unknown' END"
        )


CREDENTIALS = (
    "(SELECT object, kind, start_at, end_at, purpose, use, false AS own_text, NULL::VARCHAR[] AS trusted_by "
    "FROM credentials)"
)
"""What is renewed: as many days as before, with a text that the service makes up, from the same authorities."""

_LAST = f"""max(CASE WHEN kind = 'federated' THEN {FOREVER}
    WHEN purpose = 'signIn' AND kind IN {SIGNING_IN} THEN epoch_us(end_at) * 4
        + CASE WHEN refused THEN 0 WHEN refused IS NULL THEN 1 ELSE 2 END END)"""
"""The last end in microseconds, times four, and whether what ends then could be renewed."""

_NOTED = f"""bit_or((CASE WHEN refused AND end_at > {{now}} THEN {REFUSED} ELSE 0 END
    | CASE WHEN refused IS NULL THEN {UNSURE} ELSE 0 END
    | CASE use WHEN 'used' THEN {USED} WHEN 'unknown' THEN {UNKNOWN} ELSE 0 END)::UTINYINT)"""


def instant(at: datetime) -> str:
    """An instant as the database reads it: in UTC, without a zone."""
    return f"TIMESTAMP '{at.astimezone(UTC).replace(tzinfo=None).isoformat(' ')}'"
