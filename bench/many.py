"""A million applications, beside a thousand: what must not grow with the directory."""

from __future__ import annotations

import json
import os
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.figures import Figure
from bench.load import ROUNDS, Subject, in_turn
from bench.tenant import Tenant, tenant
from unsecret.model.application import Application
from unsecret.model.identifiers import AppId, ObjectId, TenantId
from unsecret.store import directory_objects
from unsecret.store.engine import Store

if TYPE_CHECKING:
    from sqlalchemy import Connection

FEW, MANY = 1_000, 1_000_000
A_COMMIT = 5_000
LIMIT = 1.5
AREA = "a million applications"
CONNECTIONS = 4


def measure(folder: Path) -> list[Figure]:
    """The figures: what takes how many times as long with a million applications as with a thousand."""
    places = {count: folder / str(count) for count in (FEW, MANY)}
    for count, place in places.items():
        place.mkdir()
        with tenant(place, "--empty") as one:
            owner = TenantId(one.running.tenant_id)
        _fill(place / "data" / "directory.sqlite", owner, count)
    starts = {count: median(_start_seconds(place) for _ in range(ROUNDS)) for count, place in places.items()}
    with tenant(places[FEW]) as few, tenant(places[MANY]) as many:
        loads = {name: (_load(few, FEW, name), _load(many, MANY, name)) for name in _LOADS}
        figures = [Figure(AREA, "starting", starts[MANY] / starts[FEW], LIMIT, at_least=False)]
        for name, pair in loads.items():
            in_turn(pair, connections=CONNECTIONS)
            less, more = (one.median(lambda sample: 1 / sample.per_cpu_second) for one in pair)
            figures.append(Figure(AREA, name, more / less, LIMIT, at_least=False))
    return figures


def _load(one: Tenant, count: int, name: str) -> Subject:
    """Questions about objects from everywhere in the directory."""
    sample = [count * step // 50 for step in range(50)]
    return one.subject(name.replace(" ", "-"), [_LOADS[name](number) for number in sample])


_LOADS = {
    "a page of the list": lambda _: ("GET", "/v1.0/applications?$top=100", ""),
    "a lookup by appId": lambda number: ("GET", f"/v1.0/applications(appId='{_guid(2, number)}')", ""),
    "a filter by the beginning of displayName": lambda number: (
        "GET",
        "/v1.0/applications?$top=10&$filter=" + quote(f"startswith(displayName,'{_name(number)}')"),
        "",
    ),
    "addPassword": lambda number: ("POST", f"/v1.0/applications/{_guid(1, number)}/addPassword", json.dumps({})),
}


def _fill(path: Path, owner: TenantId, count: int) -> None:
    """So many applications, through the store."""
    store = Store.open(path)
    try:
        for first in range(0, count, A_COMMIT):
            store.write(
                lambda conn, first=first: _add(conn, owner, range(first, min(first + A_COMMIT, count)))
            ).result()
    finally:
        store.close()


def _add(conn: Connection, owner: TenantId, numbers: range) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for number in numbers:
        app = Application(
            id=ObjectId(_guid(1, number)), app_id=AppId(_guid(2, number)), display_name=_name(number), created_at=at
        )
        directory_objects.add(conn, owner, app)


def _name(number: int) -> str:
    """Names whose beginnings are spread over the alphabet, as those of an organisation are."""
    return f"{number * 2_654_435_761 % 2**32:08x} service {number}"


def _guid(kind: int, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {number}"))


def _start_seconds(place: Path) -> float:
    os.sync()
    began = time.perf_counter()
    with tenant(place):
        return time.perf_counter() - began
