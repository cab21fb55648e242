"""Tables of made-up tenants, many at a time, and what `rules.fleet` says about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import duckdb
import msgspec

from unsecret.model.application import KeyType, ObjectKind
from unsecret.model.change import (
    Actor,
    Addition,
    AudienceSet,
    Governed,
    IdentifierUriAdded,
    KeyAdded,
    PasswordAdded,
    RedirectUriAdded,
)
from unsecret.model.identifiers import TenantId
from unsecret.model.policy import AppManagementPolicy, TenantDefault
from unsecret.rules.fleet import enact_regimes
from unsecret.rules.regimes import NOT_LINKED, Law, Regime, regimes

OBJECTS = {
    "object": "UINTEGER",
    "app": "UINTEGER",
    "kind": "VARCHAR",
    "app_id": "VARCHAR",
    "created_at": "TIMESTAMP",
    "custom_policy_id": "VARCHAR",
    "requested_access_token_version": "INTEGER",
    "preferred_single_sign_on_mode": "VARCHAR",
    "sign_in_audience": "VARCHAR",
    "identifier_uris": "VARCHAR[]",
    "web_redirect_uris": "VARCHAR[]",
    "spa_redirect_uris": "VARCHAR[]",
    "public_client_redirect_uris": "VARCHAR[]",
}
ADDITIONS = {
    "object": "UINTEGER",
    "kind": "VARCHAR",
    "start_at": "TIMESTAMP",
    "end_at": "TIMESTAMP",
    "own_text": "BOOLEAN",
    "trusted_by": "VARCHAR[]",
}
PLATFORMS = {"web": "web_redirect_uris", "spa": "spa_redirect_uris", "publicClient": "public_client_redirect_uris"}
Reasons = list[tuple[str, str]]


class Asked(NamedTuple):
    """One addition to one object of a tenant of its own."""

    default: TenantDefault
    custom: AppManagementPolicy | None
    governed: Governed
    added: Addition


def reasons(asked: Iterable[Asked], actor: Actor) -> list[Reasons]:
    """The grounds on which the fleet refuses each, in order. All tenants share their id and their verified domains."""
    asked = list(asked)
    found: dict[tuple[ObjectKind, str], Regime] = {}
    objects: list[dict[str, Any]] = []
    additions: list[dict[str, Any]] = []
    laws: dict[tuple[int, int], str] = {}
    law = Law(tenant_id=TenantId(""))
    for number, (default, custom, governed, added) in enumerate(asked):
        key = (id(default), id(custom))
        if (policy := laws.get(key)) is None:
            policy = laws[key] = f"tenant {len(laws)}"
            law = Law(
                tenant_id=governed.tenant_id,
                verified_domains=governed.verified_domains,
                default=default,
                customs=(custom,) if custom else (),
                actor=actor,
            )
            linked = custom.id if custom else NOT_LINKED
            found |= {(kind, policy): one for (kind, _), one in regimes(law, [linked]).items()}
        objects += _objects(number, policy, governed, added)
        if isinstance(added, PasswordAdded | KeyAdded):
            additions.append(_addition(number, added))
    with duckdb.connect() as database:
        table(database, "objects", OBJECTS, objects)
        table(database, "additions", ADDITIONS, additions)
        enacted = enact_regimes(database, law, found)
        values = f"SELECT object, refused_by FROM {enacted.judge_values()}"
        compared = f"SELECT object, refused_by FROM ({enacted.judged('additions')}) WHERE refused"
        quick = f"SELECT object FROM ({enacted.judged_quickly('additions')}) WHERE refused"
        slow = f"SELECT object FROM ({compared})"
        unlike = f"FROM (({quick} EXCEPT {slow}) UNION ALL ({slow} EXCEPT {quick}))"
        assert database.execute(unlike).fetchall() == []
        said = dict(database.execute(f"{compared} UNION ALL {values}").fetchall())
    return [[(one["rule"], one["policy_id"]) for one in said.get(number, ())] for number in range(len(asked))]


def _objects(number: int, policy: str, governed: Governed, added: Addition) -> list[dict[str, Any]]:
    row: dict[str, Any] = {
        "object": number,
        "app": number,
        "kind": governed.kind,
        "app_id": governed.app_id,
        "created_at": governed.created_at,
        "custom_policy_id": policy,
        "requested_access_token_version": governed.requested_access_token_version,
    }
    if isinstance(added, IdentifierUriAdded):
        row["identifier_uris"] = [added.uri]
    elif isinstance(added, AudienceSet):
        row["sign_in_audience"] = added.value
    elif isinstance(added, RedirectUriAdded):
        row[PLATFORMS[added.platform]] = [added.uri]
    saml = {"object": None, "app": number, "kind": "servicePrincipal", "preferred_single_sign_on_mode": "SAML"}
    return [row, saml] if governed.signs_in_with_saml else [row]


def _addition(number: int, added: PasswordAdded | KeyAdded) -> dict[str, Any]:
    span = {"start_at": added.start_at, "end_at": added.end_at}
    if isinstance(added, PasswordAdded):
        return {"object": number, "kind": "password", "own_text": added.is_custom, **span}
    kind = "symmetricKey" if added.type is KeyType.SYMMETRIC else "certificate"
    trusted = sorted(one.lower() for one in added.trusted_by)
    return {"object": number, "kind": kind, "own_text": False, "trusted_by": trusted, **span}


def table(database: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str], rows: list[Any]) -> None:
    """Make a table of `rows`."""
    listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    members = ", ".join(f"one.{column}" for column in columns)
    database.execute(f"CREATE TABLE {name} ({listed})")
    database.execute(
        f"INSERT INTO {name} SELECT {members} FROM (SELECT unnest(from_json(?, ?)) AS one)",
        [msgspec.json.encode(rows).decode(), msgspec.json.encode([columns]).decode()],
    )
