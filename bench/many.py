"""A million applications, beside a thousand: what must not grow with the directory."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from statistics import median
from urllib.parse import quote

from bench.figures import Figure
from bench.filling import app_id, fill, name, object_id
from bench.load import ROUNDS, Subject, in_turn
from bench.tenant import Tenant, tenant

FEW, MANY = 1_000, 1_000_000
LIMIT = 1.5
_INDEXES = "the depth of an index, and pages that no longer fit into SQLite's cache"
AREA = "a million applications"
CONNECTIONS = 4


def measure(folder: Path) -> list[Figure]:
    """The figures: what takes how many times as long with a million applications as with a thousand."""
    places = {count: folder / str(count) for count in (FEW, MANY)}
    for count, place in places.items():
        fill(place, count)
    starts = {count: median(_start_seconds(place) for _ in range(ROUNDS)) for count, place in places.items()}
    with tenant(places[FEW]) as few, tenant(places[MANY]) as many:
        loads = {load: (_load(few, FEW, load), _load(many, MANY, load)) for load in _LOADS}
        figures = [Figure(AREA, "starting", starts[MANY] / starts[FEW], LIMIT, at_least=False, bound_by=_INDEXES)]
        for load, pair in loads.items():
            in_turn(pair, connections=CONNECTIONS)
            less, more = (one.median(lambda sample: 1 / sample.per_cpu_second) for one in pair)
            figures.append(Figure(AREA, load, more / less, LIMIT, at_least=False, bound_by=_INDEXES))
    return figures


def _load(one: Tenant, count: int, load: str) -> Subject:
    """Questions about objects from everywhere in the directory."""
    sample = [count * step // FEW for step in range(FEW)]
    return one.subject(load.replace(" ", "-"), [_LOADS[load](number) for number in sample])


_LOADS = {
    "a page of the list": lambda _: ("GET", "/v1.0/applications?$top=100", ""),
    "a lookup by appId": lambda number: ("GET", f"/v1.0/applications(appId='{app_id(number)}')", ""),
    "a filter by the beginning of displayName": lambda number: (
        "GET",
        "/v1.0/applications?$top=10&$filter=" + quote(f"startswith(displayName,'{name(number)}')"),
        "",
    ),
    "addPassword": lambda number: ("POST", f"/v1.0/applications/{object_id(number)}/addPassword", json.dumps({})),
}


def _start_seconds(place: Path) -> float:
    os.sync()
    began = time.perf_counter()
    with tenant(place):
        return time.perf_counter() - began
