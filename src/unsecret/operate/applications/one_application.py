"""Everything that a snapshot says about one application."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.errors import Invalid, NotFound
from unsecret.model.application import ObjectKind
from unsecret.model.change import Governed
from unsecret.model.policy import AppManagementPolicy
from unsecret.operate.applications.explain import May, may_create
from unsecret.operate.applications.governed import Restricted, face, restrictions_on
from unsecret.operate.applications.inventory import Application, applications
from unsecret.operate.snapshots.rows import rows, to_column
from unsecret.wire.terms import Term, term_in

if TYPE_CHECKING:
    from unsecret.operate.snapshots.snapshot_file import Snapshot

MOST_NAMED = 10
"""Applications of one name that an error lists."""

MOST_ALIKE = 3
"""Names that an error suggests."""


class Credential(Struct, frozen=True, kw_only=True):
    """One credential. `held_by` is `application` or `servicePrincipal`; `state` is `live`, `expired` or `notYet`."""

    held_by: str
    kind: str
    key_id: str | None
    display_name: str | None
    purpose: str
    state: str
    start_at: datetime | None
    end_at: datetime | None
    days: int | None
    use: str
    last_used_at: datetime | None
    issuer: str | None
    subject: str | None


class Owner(Struct, frozen=True, kw_only=True):
    """Who owns the application or its service principal."""

    owns: str
    type: str | None
    display_name: str | None
    user_principal_name: str | None
    mail: str | None


class Permission(Struct, frozen=True, kw_only=True):
    """A permission; `why` says what is dangerous about it, None when nothing is."""

    kind: str
    permission: str
    api: str | None
    why: str | None


class Governing(Struct, frozen=True, kw_only=True):
    """A face of the application and what governs it; `term` is that of the exemption which it has."""

    kind: str
    object_id: str
    restrictions: tuple[Restricted, ...]
    term: Term | None = None


class Whole(Struct, frozen=True, kw_only=True):
    """One application with all that belongs to it."""

    application: Application
    credentials: tuple[Credential, ...]
    owners: tuple[Owner, ...]
    permissions: tuple[Permission, ...]
    governed: tuple[Governing, ...]


_OBJECTS = """
SELECT lower(app_id) AS key, max(coalesce(display_name = $asked, false)) AS to_the_letter FROM objects
WHERE lower(app_id) = lower($asked) OR lower(object_id) = lower($asked) OR lower(display_name) = lower($asked)
GROUP BY 1 ORDER BY 1
"""
_ALIKE = f"""
SELECT display_name AS name, jaro_winkler_similarity(lower(display_name), lower($asked)) AS alike FROM objects
WHERE alike > 0.85 OR (length($asked) > 2 AND contains(lower(display_name), lower($asked)))
GROUP BY ALL ORDER BY alike DESC, name LIMIT {MOST_ALIKE}
"""
_CREDENTIALS = """
SELECT o.kind AS held_by, c.kind, key_id, c.display_name, purpose,
    CASE WHEN end_at <= $now THEN 'expired' WHEN start_at > $now THEN 'notYet' ELSE 'live' END AS state,
    start_at, end_at, date_diff('day', start_at, end_at) AS days, use, last_used_at, issuer, subject
FROM credentials AS c JOIN objects AS o USING (object) WHERE lower(o.app_id) = $key
ORDER BY c.kind DESC, end_at DESC NULLS FIRST, key_id
"""
_OWNERS = """
SELECT DISTINCT o.kind AS owns, w.type, w.display_name, w.user_principal_name, w.mail
FROM owners AS w JOIN objects AS o USING (object) WHERE lower(o.app_id) = $key ORDER BY ALL
"""
_PERMISSIONS = """
SELECT DISTINCT p.kind, p.permission, p.resource_display_name AS api
FROM permissions AS p JOIN objects AS o USING (object) WHERE lower(o.app_id) = $key ORDER BY ALL
"""
_FACES = """
SELECT kind, object_id, created_at, custom_policy_id, requested_access_token_version,
    bool_or(preferred_single_sign_on_mode = 'saml') OVER () AS signs_in_with_saml
FROM objects WHERE lower(app_id) = $key ORDER BY kind
"""


def read_one(snapshot: Snapshot, asked: str, *, now: datetime) -> Whole:
    """The application that `asked` names by appId, object id or display name; capitals matter only
    where several differ by them.

    Raises NotFound, or Invalid when several have that name.
    """
    key = _key_of(snapshot, asked)
    at = to_column(now)
    application = next(applications(snapshot, now=now, app_id=key))
    dangers = {privilege.name: privilege.why for privilege in application.privileges}
    return Whole(
        application=application,
        credentials=tuple(Credential(**row) for row in _rows(snapshot, _CREDENTIALS, key=key, now=at)),
        owners=tuple(Owner(**row) for row in _rows(snapshot, _OWNERS, key=key)),
        permissions=tuple(
            Permission(**row, why=dangers.get(row["permission"])) for row in _rows(snapshot, _PERMISSIONS, key=key)
        ),
        governed=tuple(_governed(snapshot, key, row) for row in _rows(snapshot, _FACES, key=key)),
    )


def may_be_created(snapshot: Snapshot, found: Whole, *, now: datetime) -> dict[str, tuple[May, ...]]:
    """Kind of each face of the application → what may be created on it now."""
    key = found.application.app_id.lower()
    return {
        row["kind"]: may_create(snapshot.default_policy, *_bound(snapshot, key, row), now=now)
        for row in _rows(snapshot, _FACES, key=key)
    }


def _key_of(snapshot: Snapshot, asked: str) -> str:
    found = _rows(snapshot, _OBJECTS, asked=asked)
    if not found:
        alike = " or ".join(f"'{row['name']}'" for row in _rows(snapshot, _ALIKE, asked=asked))
        known = "Name it by its appId, its object id or its display name; `unsecret apps list` shows them."
        raise NotFound(f"There is no application '{asked}'.", hint=f"Did you mean {alike}?" if alike else known)
    found = [row for row in found if row["to_the_letter"]] or found
    if len(found) > 1:
        listed = ", ".join(str(row["key"]) for row in found[:MOST_NAMED])
        raise Invalid(f"{len(found)} applications are named '{asked}': {listed}.", hint="Name the one by its appId.")
    return str(found[0]["key"])


def _governed(snapshot: Snapshot, key: str, row: dict[str, Any]) -> Governing:
    custom, governed = _bound(snapshot, key, row)
    said = restrictions_on(snapshot.default_policy, custom, governed)
    term = term_in(custom.description) if custom else None
    return Governing(kind=row["kind"], object_id=row["object_id"], restrictions=tuple(said), term=term)


def _bound(snapshot: Snapshot, key: str, row: dict[str, Any]) -> tuple[AppManagementPolicy | None, Governed]:
    """The custom policy of a face, and the face as the law sees it."""
    custom = next((one for one in snapshot.custom_policies if one.id == row["custom_policy_id"]), None)
    domains = [one["name"] for org in snapshot.objects("organization") for one in org.get("verifiedDomains") or ()]
    governed = face(
        ObjectKind(row["kind"]),
        tenant_id=snapshot.manifest.tenant_id,
        app_id=key,
        created_at=row["created_at"],
        domains=domains,
        requested_access_token_version=row["requested_access_token_version"],
        signs_in_with_saml=bool(row["signs_in_with_saml"]),
    )
    return custom, governed


def _rows(snapshot: Snapshot, question: str, **facts: Any) -> list[dict[str, Any]]:
    return rows(snapshot.database.cursor(), question, facts)
