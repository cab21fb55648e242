"""The forecast and the check of a million applications, held against what it takes to read the same columns once."""

from __future__ import annotations

import resource
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from bench.figures import Figure
from unsecret.model.snapshot import COLLECTIONS, MEMBERS, Collected, Manifest
from unsecret.operate.checks.check import check
from unsecret.operate.forecasts.forecast import Forecast
from unsecret.operate.forecasts.scenarios import Asking, Flags, scenarios
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.rules.profiles import PROFILES
from unsecret.wire.columns import CREDENTIALS, OUTLOOK, SIGN_INS, TABLES, TYPES

APPLICATIONS, HOLDINGS, POLICIES = 1_000_000, 3_000_000, 500
RUNS = 3
AREA = "Forecast of 1,000,000 applications, 3,000,000 credentials, 500 custom policies"
CHECK = "Check of the same against the profile microsoft"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TENANT = "3f5c1a52-8f0c-4e0a-9d7e-5b1f0c2d4e6f"
POLICY = "'c0000000-0000-4000-8000-' || lpad(({})::VARCHAR, 12, '0')"

OBJECTS = f"""
SELECT i::UINTEGER AS object, i::UINTEGER AS app, 'application' AS kind, md5('object' || i) AS object_id,
    md5('app' || i) AS app_id, 'Application ' || i AS display_name,
    TIMESTAMP '2016-01-01' + to_minutes((hash(i) % 5000000)::BIGINT) AS created_at,
    CASE WHEN hash(i, 1) % 10 = 0 THEN {POLICY.format(f"hash(i, 2) % {POLICIES}")} END AS custom_policy_id,
    NULL::VARCHAR AS service_principal_type, hash(i, 3) % 50 > 0 AS account_enabled,
    NULL::VARCHAR AS app_owner_organization_id
FROM range({APPLICATIONS}) AS t(i) ORDER BY i
"""
HELD = f"""
SELECT (i * {APPLICATIONS} // {HOLDINGS})::UINTEGER AS object, 'application' AS held_by, kind,
    md5('key' || i) AS key_id, purpose, use,
    NULL::VARCHAR[] AS trusted_by, CASE WHEN kind <> 'federated' THEN start_at END AS start_at,
    CASE WHEN kind <> 'federated' THEN start_at + to_days((30 + hash(i, 4) % 700)::INTEGER) END AS end_at
FROM (
    SELECT i, CASE WHEN hash(i, 7) % 10 < 6 THEN 'password' WHEN hash(i, 7) % 10 < 9 THEN 'certificate'
            ELSE 'federated' END AS kind,
        TIMESTAMP '2025-06-01' + to_minutes((hash(i, 3) % 800000)::BIGINT) AS start_at,
        CASE WHEN hash(i, 8) % 20 = 0 THEN 'tokenSigning' ELSE 'signIn' END AS purpose,
        CASE hash(i, 5) % 3 WHEN 0 THEN 'used' WHEN 1 THEN 'unused' ELSE 'unknown' END AS use
    FROM range({HOLDINGS}) AS t(i)
)
"""
SEEN = f"""
SELECT i::UINTEGER AS app, md5('app' || i) AS app_id, TIMESTAMP '2026-11-01' AS last_sign_in_at
FROM range(0, {APPLICATIONS}, 2) AS t(i)
"""
SELECTED = {
    "objects": "SELECT * FROM made JOIN outlook USING (app) ORDER BY object",
    "credentials": CREDENTIALS.select,
    "sign_ins": SIGN_INS.select,
}
"""The tables, made of these as they are of a tenant's."""

READ = {
    "objects": "object app kind created_at custom_policy_id account_enabled service_principal_type "
    "app_owner_organization_id app_use has_federated ends_at",
    "credentials": "object kind start_at end_at is_last",
}
"""What the forecast looks at of every row."""

CHECKED = {"objects": "object kind custom_policy_id", "credentials": "kind held_by purpose start_at end_at"}
"""What the check looks at of every row. The names and days of the few that it lists are read besides; the scan that it
is held against does not read those."""

PROPOSED = Flags(block=True, longest_secret=timedelta(days=180), longest_certificate=timedelta(days=365))


def measure(folder: Path) -> list[Figure]:
    """The summary of one scenario: how often the scan's work, how long, how much memory; then a check likewise."""
    file = folder / "million.unsecret"
    _make(folder, file)
    with open_snapshot(file) as snapshot:
        snapshot.database.execute("SET memory_limit = '600MB'")
        foretold, wall = _beside_the_scan(AREA, READ, lambda: _forecast(snapshot), snapshot.database)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        checked, _wall = _beside_the_scan(CHECK, CHECKED, lambda: _check(snapshot), snapshot.database)
    return [
        foretold,
        Figure(AREA, "seconds", wall, 5, at_least=False, unit="s"),
        Figure(AREA, "memory at most, the bench's own included", peak, 1024, at_least=False, unit="MiB"),
        checked,
    ]


def _beside_the_scan(
    area: str, read: dict[str, str], carry_out: Callable[[], None], database: duckdb.DuckDBPyConnection
) -> tuple[Figure, float]:
    """The least work of a few runs as often as the scan's, run in turn with it, and the least time."""
    scanned, done = [], []
    for _run in range(RUNS):
        scanned.append(_work(lambda: _scan(database, read))[0])
        done.append(_work(carry_out))
    work, scan = min(work for work, _wall in done), min(scanned)
    what = f"processor time, as often as a scan of the same columns ({work:.2f} s, {scan:.2f} s)"
    return Figure(area, what, work / scan, 3.5, at_least=False), min(wall for _work, wall in done)


def _make(folder: Path, file: Path) -> None:
    known = {name: Collected() for name in (*COLLECTIONS, *MEMBERS)}
    manifest = Manifest(software="0", taken_at=NOW, tenant_id=TENANT, source="https://graph.example", collections=known)
    with duckdb.connect(config={"memory_limit": "600MB"}) as database, zipfile.ZipFile(file, "w") as packed:
        packed.writestr("snapshot.json", msgspec.json.encode(manifest))
        packed.writestr("graph/appManagementPolicies.ndjson", b"\n".join(map(msgspec.json.encode, _policies())))
        for name, made_up in {"made": OBJECTS, "held": HELD, "seen": SEEN}.items():
            database.execute(f"CREATE TEMP TABLE {name} AS {made_up}")
        database.execute("CREATE TEMP VIEW apps AS SELECT object, app FROM made")
        database.execute(OUTLOOK.replace("$sign_ins_are_known", "true"))
        for table in TABLES:
            made = folder / f"{table.name}.parquet"
            select = SELECTED.get(table.name, "SELECT NULL::UINTEGER AS object WHERE false")
            there = {column[0] for column in database.execute(f"DESCRIBE {select}").fetchall()}
            missing = [column for column in table.columns if column not in there]
            rest = "".join(f", NULL::{TYPES.get(column, 'VARCHAR')} AS {column}" for column in missing)
            database.execute(f"COPY (SELECT *{rest} FROM ({select})) TO '{made}' (FORMAT parquet, COMPRESSION zstd)")
            packed.write(made, f"columns/{made.name}")
            made.unlink()


def _policies() -> list[dict[str, Any]]:
    """Some are off, some lift the block, all let certificates live for another time."""
    return [
        {
            "id": f"c0000000-0000-4000-8000-{number:012d}",
            "displayName": f"policy {number}",
            "isEnabled": number % 3 > 0,
            "restrictions": {
                "passwordCredentials": [
                    {"restrictionType": "passwordAddition", "state": "disabled" if number % 2 else "enabled"}
                ],
                "keyCredentials": [{"restrictionType": "asymmetricKeyLifetime", "maxLifetime": f"P{100 + number}D"}],
            },
        }
        for number in range(POLICIES)
    ]


def _scan(database: duckdb.DuckDBPyConnection, read: dict[str, str]) -> None:
    """Every value of the columns is read and looked at once."""
    for table, columns in read.items():
        looked_at = ", ".join(f"count(*) FILTER ({column} IS NOT NULL)" for column in columns.split())
        database.execute(f"SELECT {looked_at} FROM {table}").fetchall()


def _forecast(snapshot: Any) -> None:
    asking = Asking(flags=PROPOSED)
    Forecast(snapshot, scenarios(snapshot, asking, now=NOW), now=NOW).summary(0)


def _check(snapshot: Any) -> None:
    check(snapshot, PROFILES["microsoft"], now=NOW)


def _work(carry_out: Callable[[], None]) -> tuple[float, float]:
    """Processor time and time."""
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    carry_out()
    after, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - begun
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall
