"""Every application of a snapshot on one line: its credentials, their ages and use, owners, reach, policy and risk.

An application is what has one appId: its registration, its service principal, or both, and the credentials of both.
Everything is judged as on the day that is asked for; what the snapshot does not know is None, never zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.model.application import ObjectKind
from unsecret.operate.applications.governed import NewSecrets, face, new_secrets
from unsecret.operate.policies.entries import TENANT_DEFAULT
from unsecret.operate.snapshots.rows import from_column, to_column
from unsecret.rules.patterns import matches
from unsecret.rules.privileges import Privilege, privilege_of, privilege_of_role
from unsecret.rules.risk import Facts, Ground, Level, risk_of

if TYPE_CHECKING:
    from unsecret.operate.snapshots.snapshot_file import Snapshot

MICROSOFTS_TENANTS = frozenset({"f8cdef31-a31e-4b4a-93e4-5f571e91255a", "72f988bf-86f1-41af-91ab-2d7cd011db47"})
"""The tenants that Microsoft's own applications are at home in ("Microsoft Services" and Microsoft's corporate one)."""

RENEW_THEMSELVES = (
    ("ConnectSyncProvisioning_*", "Microsoft Entra Connect Sync renews its certificate"),
    ("P2P Server", "Entra renews the certificate of device-to-device connections"),
)
"""Names of applications whose credentials are renewed by what made them, and by what."""

MULTI_TENANT = frozenset({"AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"})
AT_A_TIME = 2000
"""Rows that are held as Python values at once."""


class Origin(StrEnum):
    """Whose an application is."""

    OWN = "own"
    FOREIGN = "foreign"
    MICROSOFT = "microsoft"
    MANAGED_IDENTITY = "managedIdentity"


class Held(Struct, frozen=True, kw_only=True):
    """The secrets, or the certificates, that an application signs in with. `used`, `unused` and `unknown` count the
    live ones; `ends_at` is the last end of a live one, `next_end_at` the first."""

    live: int = 0
    expired: int = 0
    used: int = 0
    unused: int = 0
    unknown: int = 0
    longest_days: int = 0
    next_end_at: datetime | None = None
    ends_at: datetime | None = None


class Application(Struct, frozen=True, kw_only=True):
    """One application. `owners` is None where they were not read; `last_sign_in_at` is None for never or not known, and
    `is_use_known` tells which; `renews_itself` says by what it is renewed."""

    app_id: str
    display_name: str
    application_id: str | None
    service_principal_id: str | None
    origin: Origin
    is_enabled: bool
    created_at: datetime | None
    is_multi_tenant: bool
    secrets: Held
    certificates: Held
    federated: int
    last_sign_in_at: datetime | None
    is_use_known: bool
    owners: tuple[str, ...] | None
    privileges: tuple[Privilege, ...]
    permissions: int
    policy_id: str | None
    policy: str
    new_secrets: tuple[NewSecrets, ...]
    risk: Level
    score: int
    grounds: tuple[Ground, ...]
    renews_itself: str | None = None

    @property
    def use(self) -> str:
        """`used`, `unused` or `unknown`, by whatever it proved itself with. What no report covers is not unused."""
        if self.last_sign_in_at:
            return "used"
        return "unused" if self.is_use_known else "unknown"


_HELD = """
    count(*) FILTER ({of} AND live) AS {name}_live, count(*) FILTER ({of} AND NOT live) AS {name}_expired,
    count(*) FILTER ({of} AND live AND use = 'used') AS {name}_used,
    count(*) FILTER ({of} AND live AND use = 'unused') AS {name}_unused,
    count(*) FILTER ({of} AND live AND use = 'unknown') AS {name}_unknown,
    coalesce(max(date_diff('day', start_at, end_at)) FILTER ({of} AND live), 0) AS {name}_longest_days,
    min(end_at) FILTER ({of} AND live) AS {name}_next_end_at, max(end_at) FILTER ({of} AND live) AS {name}_ends_at
"""

_SECRETS = _HELD.format(name="secrets", of="kind IN ('password', 'symmetricKey')")
_CERTIFICATES = _HELD.format(name="certificates", of="kind = 'certificate'")

_QUESTION = f"""
WITH faces AS (SELECT *, lower(app_id) AS key FROM objects),
named AS (
    SELECT key, any_value(app_id) AS app_id,
        coalesce(any_value(display_name) FILTER (kind = 'application'), any_value(display_name), '') AS display_name,
        any_value(object_id) FILTER (kind = 'application') AS application_id,
        any_value(object_id) FILTER (kind = 'servicePrincipal') AS service_principal_id,
        any_value(service_principal_type) AS service_principal_type,
        any_value(lower(app_owner_organization_id)) AS owner_tenant_id,
        bool_and(account_enabled) AS is_enabled,
        any_value(created_at) FILTER (kind = 'application') AS application_created_at,
        any_value(created_at) FILTER (kind = 'servicePrincipal') AS service_principal_created_at,
        any_value(sign_in_audience) FILTER (kind = 'application') AS sign_in_audience,
        any_value(custom_policy_id) FILTER (kind = 'application') AS application_policy_id,
        any_value(custom_policy_id) FILTER (kind = 'servicePrincipal') AS service_principal_policy_id
    FROM faces GROUP BY key
), held AS (
    SELECT key, {_SECRETS}, {_CERTIFICATES}, count(*) FILTER (kind = 'federated') AS federated,
        max(last_used_at) AS last_used_at
    FROM (
        SELECT lower(o.app_id) AS key, c.kind, c.start_at, c.end_at, c.use, c.last_used_at, c.end_at > $now AS live
        FROM credentials AS c JOIN objects AS o USING (object) WHERE c.purpose = 'signIn'
    ) GROUP BY key
), owned AS (
    SELECT lower(o.app_id) AS key,
        list_sort(list(DISTINCT coalesce(user_principal_name, w.display_name, owner_id))) AS names
    FROM owners AS w JOIN objects AS o USING (object) GROUP BY key
), may AS (
    SELECT lower(o.app_id) AS key, count(*) AS permissions,
        list(DISTINCT permission) FILTER (p.kind = 'application') AS by_itself,
        list(DISTINCT permission) FILTER (p.kind = 'delegated') AS for_people
    FROM permissions AS p JOIN objects AS o USING (object) GROUP BY key
), directs AS (
    SELECT lower(o.app_id) AS key, list(DISTINCT r.display_name) FILTER (r.display_name IS NOT NULL) AS roles
    FROM roles AS r JOIN objects AS o USING (object) GROUP BY key
)
SELECT named.*, held.*, owned.names, permissions, by_itself, for_people, roles,
    greatest(last_used_at, last_sign_in_at) AS seen_at
FROM named LEFT JOIN held USING (key) LEFT JOIN owned USING (key) LEFT JOIN may USING (key)
    LEFT JOIN directs USING (key) LEFT JOIN sign_ins ON sign_ins.app_id = named.key
"""


def applications(snapshot: Snapshot, *, now: datetime, app_id: str | None = None) -> Iterator[Application]:
    """Every application, in no particular order, or the one with this appId (in lower case). `now` is the instant at
    which ages and ends are judged."""
    reading = _Reading(snapshot)
    cursor = snapshot.database.cursor()
    which, facts = ("", {}) if app_id is None else (" WHERE named.key = $key", {"key": app_id})
    cursor.execute(_QUESTION + which, {"now": to_column(now), **facts})
    names = [column[0] for column in cursor.description or ()]
    while rows := cursor.fetchmany(AT_A_TIME):
        yield from (reading.application(dict(zip(names, row, strict=True))) for row in rows)


def by_risk(found: Application) -> tuple[int, str, str]:
    """A key that sorts the riskiest first."""
    return -found.score, found.display_name.lower(), found.app_id


class _Reading:
    """What is the same for every row of one snapshot."""

    def __init__(self, snapshot: Snapshot):
        manifest = snapshot.manifest
        self._tenant_id = manifest.tenant_id
        self._default = snapshot.default_policy
        self._custom = {policy.id: policy for policy in snapshot.custom_policies}
        self._are_owners_known = manifest.is_known("owners")
        self._is_use_known = manifest.is_known("appCredentialSignInActivities") or manifest.is_known(
            "servicePrincipalSignInActivities"
        )

    def application(self, row: dict[str, Any]) -> Application:
        secrets, certificates = _held(row, "secrets"), _held(row, "certificates")
        owners = tuple(row["names"] or ()) if self._are_owners_known or row["names"] else None
        privileges = tuple(_privileges(row))
        is_multi_tenant = row["sign_in_audience"] in MULTI_TENANT
        risk = risk_of(
            Facts(
                live_secrets=secrets.live,
                used_secrets=secrets.used,
                unused_secrets=secrets.unused,
                longest_days=secrets.longest_days,
                expired=secrets.expired + certificates.expired,
                owners=None if owners is None else len(owners),
                is_multi_tenant=is_multi_tenant,
                privileges=privileges,
            )
        )
        policy = self._custom.get(row["application_policy_id"] or row["service_principal_policy_id"] or "")
        return Application(
            app_id=row["app_id"] or "",
            display_name=row["display_name"],
            application_id=row["application_id"],
            service_principal_id=row["service_principal_id"],
            origin=self._origin(row),
            is_enabled=bool(row["is_enabled"]),
            created_at=from_column(row["application_created_at"] or row["service_principal_created_at"]),
            is_multi_tenant=is_multi_tenant,
            secrets=secrets,
            certificates=certificates,
            federated=row["federated"] or 0,
            last_sign_in_at=from_column(row["seen_at"]),
            is_use_known=self._is_use_known,
            owners=owners,
            privileges=privileges,
            permissions=row["permissions"] or 0,
            policy_id=policy.id if policy else None,
            policy=policy.display_name if policy else TENANT_DEFAULT,
            new_secrets=tuple(self._new_secrets(row)),
            risk=risk.level,
            score=risk.score,
            grounds=risk.grounds,
            renews_itself=renewed_by(row["display_name"]),
        )

    def _origin(self, row: dict[str, Any]) -> Origin:
        if row["service_principal_type"] == "ManagedIdentity":
            return Origin.MANAGED_IDENTITY
        if row["owner_tenant_id"] in MICROSOFTS_TENANTS:
            return Origin.MICROSOFT
        at_home = row["application_id"] or row["owner_tenant_id"] in (None, self._tenant_id.lower())
        return Origin.OWN if at_home else Origin.FOREIGN

    def _new_secrets(self, row: dict[str, Any]) -> Iterator[NewSecrets]:
        for kind, prefix in (
            (ObjectKind.APPLICATION, "application"),
            (ObjectKind.SERVICE_PRINCIPAL, "service_principal"),
        ):
            if row[f"{prefix}_id"]:
                created_at = from_column(row[f"{prefix}_created_at"])
                governed = face(kind, tenant_id=self._tenant_id, app_id=row["app_id"] or "", created_at=created_at)
                custom = self._custom.get(row[f"{prefix}_policy_id"] or "")
                yield new_secrets(self._default, custom, governed)


def _held(row: dict[str, Any], name: str) -> Held:
    return Held(
        live=row[f"{name}_live"] or 0,
        expired=row[f"{name}_expired"] or 0,
        used=row[f"{name}_used"] or 0,
        unused=row[f"{name}_unused"] or 0,
        unknown=row[f"{name}_unknown"] or 0,
        longest_days=row[f"{name}_longest_days"] or 0,
        next_end_at=from_column(row[f"{name}_next_end_at"]),
        ends_at=from_column(row[f"{name}_ends_at"]),
    )


def _privileges(row: dict[str, Any]) -> Iterator[Privilege]:
    yield from (privilege_of_role(name) for name in row["roles"] or ())
    for delegated, names in ((False, row["by_itself"]), (True, row["for_people"])):
        yield from (found for name in sorted(names or ()) if (found := privilege_of(name, delegated=delegated)))


def renewed_by(display_name: str) -> str | None:
    """What replaces the credentials of an application of this name, where something does (RENEW_THEMSELVES)."""
    return next((what for pattern, what in RENEW_THEMSELVES if matches(pattern, display_name)), None)
