"""The applications of a forecast, one by one: what ends when, what would be refused and why, and whom to tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.model.policy import AppManagementPolicy
from unsecret.operate.applications.inventory import renewed_by
from unsecret.operate.forecasts.forecast import AUTHORITIES, SEEN_TO, Forecast, instant
from unsecret.operate.forecasts.scenarios import NAMED
from unsecret.operate.policies.entries import TENANT_DEFAULT
from unsecret.operate.snapshots.rows import from_column, rows
from unsecret.wire.columns import SIGNING_IN
from unsecret.wire.terms import term_in

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ORDERS = {
    "day": "CASE outcome WHEN 'ends' THEN 0 WHEN 'ended' THEN 1 ELSE 2 END, f.ends_at, lower(display_name), app_id",
    "name": "lower(display_name), app_id",
    "use": "CASE f.app_use WHEN 'used' THEN 0 WHEN 'unknown' THEN 1 ELSE 2 END, f.ends_at NULLS LAST, app_id",
}
"""`--sort WORD` → the order: what is still to come first and soonest first, by name, or what is seen in use first."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which applications are asked for; everything has to hold. `apps` are appIds, object ids or exact names; `within`
    counts from now; `refused` wants those that would be refused anything; `outcomes` are words of OUTCOMES, none for
    those that somebody has to see to."""

    apps: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    within: timedelta | None = None
    refused: bool = False
    use: str | None = None
    order: str = "day"
    at_most: int | None = None


class Reason(Struct, frozen=True, kw_only=True):
    """A restriction that refuses, and the policy that holds it."""

    restriction: str
    policy_id: str
    policy: str
    is_custom: bool


class Renewal(Struct, frozen=True, kw_only=True):
    """A credential, and whether one that lives as long could take its place when it ends: `allowed`, `refused`, or
    `not known` where `unsure` lists what could not be judged."""

    held_by: str
    kind: str
    purpose: str
    key_id: str | None
    display_name: str | None
    start_at: datetime | None
    end_at: datetime | None
    use: str
    last_used_at: datetime | None
    renewal: str
    refused_by: tuple[Reason, ...]
    unsure: tuple[str, ...]


class Value(Struct, frozen=True, kw_only=True):
    """An identifier URI, an audience or a redirect URI that the application has and could not be given any more."""

    what: str
    value: str
    refused_by: tuple[Reason, ...]


class Gap(Struct, frozen=True, kw_only=True):
    """A time in which no credential is valid, though a later one begins at its end."""

    start_at: datetime
    end_at: datetime


class Foreseen(Struct, frozen=True, kw_only=True):
    """One application. `ends_at` is the day on which the last credential ends, or ended; `last` is that credential, and
    before it there may be `gaps`. `owners` is None where they were not read; `use` is `used`, `unused` or `unknown`.
    `exempt_until` is the last day of its exemption from each restriction that its custom policy lifts for a time."""

    app_id: str
    display_name: str
    application_id: str | None
    service_principal_id: str | None
    outcome: str
    ends_at: datetime | None
    renewal: str | None
    last: Renewal | None
    gaps: tuple[Gap, ...]
    new_secret: str
    new_secret_refused_by: tuple[Reason, ...]
    credentials: tuple[Renewal, ...]
    values: tuple[Value, ...]
    use: str
    last_seen_at: datetime | None
    owners: tuple[str, ...] | None
    renews_itself: str | None = None
    exempt_until: dict[str, date] = {}


class Found(Struct, frozen=True, kw_only=True):
    """Applications of one scenario: `matching` are asked for, of which the first ones are here."""

    scenario: str
    matching: int
    applications: tuple[Foreseen, ...]


_FACES = """
SELECT s.place, f.*, any_value(o.app_id) AS app_id,
    coalesce(any_value(o.display_name) FILTER (o.kind = 'application'), any_value(o.display_name), '') AS display_name,
    any_value(o.object_id) FILTER (o.kind = 'application') AS application_id,
    any_value(o.object_id) FILTER (o.kind = 'servicePrincipal') AS service_principal_id
FROM shown AS s JOIN {table} AS f ON f.app = s.app JOIN objects AS o ON o.app = s.app GROUP BY ALL ORDER BY s.place
"""
_HELD = f"""(SELECT c.* EXCLUDE (trusted_by), o.kind AS held_by, false AS own_text, {AUTHORITIES}
    FROM credentials AS c JOIN objects AS o ON o.object = c.object WHERE o.app IN (SELECT app FROM shown))"""
_OWNERS = """
SELECT o.app, list_sort(list(DISTINCT coalesce(user_principal_name, w.display_name, owner_id)))
FROM owners AS w JOIN objects AS o ON o.object = w.object WHERE o.app IN (SELECT app FROM shown) GROUP BY o.app
"""
_LINKED = """
SELECT DISTINCT app, custom_policy_id FROM {objects}
WHERE custom_policy_id IS NOT NULL AND app IN (SELECT app FROM shown)
"""
_SEEN = "SELECT app, max(last_sign_in_at) FROM sign_ins WHERE app IN (SELECT app FROM shown) GROUP BY app"


def foreseen(forecast: Forecast, wanted: Wanted) -> tuple[Found, ...]:
    """The applications that are asked for, the same ones for each scenario. One that would be refused something in any
    scenario is refused."""
    database = forecast.database
    where, facts = _where(forecast, wanted)
    chosen = f"FROM forecast_0 AS f JOIN objects AS n ON n.object = f.app WHERE {where}"
    at_most = "" if wanted.at_most is None else f" LIMIT {int(wanted.at_most)}"
    matching = database.execute(f"SELECT count(*) {chosen}", facts).fetchall()[0][0]
    database.execute(
        "CREATE OR REPLACE TEMP TABLE shown AS SELECT row_number() OVER () AS place, app FROM "
        f"(SELECT f.app {chosen} ORDER BY {ORDERS[wanted.order]}{at_most})",
        facts,
    )
    return tuple(_found(forecast, number, matching) for number in range(len(forecast.scenarios)))


def _found(forecast: Forecast, number: int, matching: int) -> Found:
    reading = _Reading(forecast, number)
    faces = rows(forecast.database, _FACES.format(table=f"forecast_{number}"))
    return Found(
        scenario=forecast.scenarios[number].name,
        matching=matching,
        applications=tuple(reading.application(row) for row in faces),
    )


def _where(forecast: Forecast, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    conditions, facts = ["true"], {}
    outcomes = wanted.outcomes or (() if wanted.apps else SEEN_TO)
    if outcomes:
        conditions.append("list_contains($outcomes, f.outcome)")
        facts["outcomes"] = list(outcomes)
    if wanted.apps:
        conditions.append(f"f.app IN (SELECT app FROM objects WHERE {NAMED})")
        facts["apps"] = [one.lower() for one in wanted.apps]
    if wanted.within is not None:
        conditions.append(f"f.outcome = 'ends' AND f.ends_at <= {instant(forecast.now + wanted.within)}")
    if wanted.refused:
        refused = "new_secret_refused OR renewals_refused OR values_refused OR renewal IN ('refused', 'not known')"
        tables = [f"SELECT app FROM forecast_{number} WHERE {refused}" for number in range(len(forecast.scenarios))]
        conditions.append(f"f.app IN ({' UNION ALL '.join(tables)})")
    if wanted.use:
        conditions.append("f.app_use = $use")
        facts["use"] = wanted.use
    return " AND ".join(conditions), facts


class _Reading:
    """What is known of all the applications in the table `shown`, each thing by application."""

    def __init__(self, forecast: Forecast, number: int):
        self._are_owners_known = forecast.snapshot.manifest.is_known("owners")
        phases = forecast.scenarios[number].phases
        self._names = {policy.id: policy.display_name for phase in phases for policy in phase.policies.customs}
        self._now = forecast.now
        self._credentials: dict[int, list[Renewal]] = {}
        for row in rows(
            forecast.database, f"SELECT * FROM ({forecast.renewals(number, _HELD, reasons=True)}) ORDER BY end_at"
        ):
            self._credentials.setdefault(row["app"], []).append(self._renewal(row))
        final = forecast.enacted[number][-1]
        values = (
            f"SELECT o.app, v.* FROM {final.name}_values AS v JOIN shown AS s ON s.app = v.object JOIN objects AS o "
        )
        self._values: dict[int, list[Value]] = {}
        for row in rows(forecast.database, f"{values} ON o.object = v.object ORDER BY v.what, v.value"):
            value = Value(what=row["what"], value=row["value"], refused_by=self._reasons(row["refused_by"]))
            self._values.setdefault(row["app"], []).append(value)
        secrets = final.judged(forecast.new_secrets("SELECT app FROM shown"))
        self._secrets = {
            row["app"]: self._reasons(row["refused_by"])
            for row in rows(forecast.database, f"SELECT app, refused_by FROM ({secrets})")
        }
        self._exempt = self._exemptions(forecast.database, phases[-1].policies.customs, final.objects)
        self._owners = dict(forecast.database.execute(_OWNERS).fetchall())
        self._seen = dict(forecast.database.execute(_SEEN).fetchall())

    def application(self, row: dict[str, Any]) -> Foreseen:
        app = row["app"]
        credentials = tuple(self._credentials.get(app, ()))
        refused_by = self._secrets.get(app, ())
        owners = self._owners.get(app)
        seen = [one.last_used_at for one in credentials if one.last_used_at]
        seen += [from_column(self._seen[app])] if self._seen.get(app) else []
        return Foreseen(
            app_id=row["app_id"] or "",
            display_name=row["display_name"],
            application_id=row["application_id"],
            service_principal_id=row["service_principal_id"],
            outcome=row["outcome"],
            ends_at=row["ends_at"],
            renewal=row["renewal"],
            last=_last(credentials, row["ends_at"], row["renewal"]),
            gaps=tuple(_gaps(credentials, self._now)) if row["outcome"] == "ends" else (),
            new_secret="refused" if row["new_secret_refused"] else "allowed",
            new_secret_refused_by=refused_by,
            credentials=credentials,
            values=tuple(self._values.get(app, ())),
            use=row["app_use"],
            last_seen_at=max(seen, default=None),
            owners=tuple(owners or ()) if owners or self._are_owners_known else None,
            renews_itself=renewed_by(row["display_name"]),
            exempt_until=self._exempt.get(app, {}),
        )

    @staticmethod
    def _exemptions(
        database: DuckDBPyConnection, customs: Sequence[AppManagementPolicy], objects: str
    ) -> dict[int, dict[str, date]]:
        """Until when each application is exempt from what; of its two faces the earlier day counts."""
        terms = {
            policy.id.lower(): term for policy in customs if policy.is_enabled and (term := term_in(policy.description))
        }
        exempt: dict[int, dict[str, date]] = {}
        for app, policy in database.execute(_LINKED.format(objects=objects)).fetchall() if terms else ():
            if term := terms.get(policy.lower()):
                days = exempt.setdefault(app, {})
                days |= {kind: min(term.until, days.get(kind, term.until)) for kind in term.lifted}
        return exempt

    def _renewal(self, row: dict[str, Any]) -> Renewal:
        return Renewal(
            held_by=row["held_by"],
            kind=row["kind"],
            purpose=row["purpose"],
            key_id=row["key_id"],
            display_name=row["display_name"],
            start_at=row["start_at"],
            end_at=row["end_at"],
            use=row["use"],
            last_used_at=row["last_used_at"],
            renewal={True: "refused", False: "allowed"}.get(row["refused"], "not known"),
            refused_by=self._reasons(row["refused_by"]),
            unsure=tuple(row["unsure"]),
        )

    def _reasons(self, found: Sequence[dict[str, str]]) -> tuple[Reason, ...]:
        return tuple(
            Reason(
                restriction=one["rule"],
                policy_id=one["policy_id"],
                policy=self._names.get(one["policy_id"], TENANT_DEFAULT),
                is_custom=one["policy_id"] in self._names,
            )
            for one in found
        )


def _last(credentials: Sequence[Renewal], ends_at: datetime | None, renewal: str | None) -> Renewal | None:
    """The credential that ends last; of several, one that stands as the application does."""
    ending = [one for one in credentials if one.end_at == ends_at and one.purpose == "signIn"] if ends_at else []
    return next((one for one in ending if one.renewal == renewal), None)


def _gaps(credentials: Sequence[Renewal], now: datetime) -> Iterator[Gap]:
    """When nothing is valid between now and the last end."""
    terms = sorted(
        (one.start_at, one.end_at)
        for one in credentials
        if one.purpose == "signIn" and one.kind in SIGNING_IN and one.start_at and one.end_at
    )
    covered = now
    for start, end in terms:
        if start > covered and end > start:
            yield Gap(start_at=covered, end_at=start)
        covered = max(covered, end)
