"""Which test witnesses which operation: `witnesses.json` names one test for each, and that test is held to it.

While a test runs, every call that it makes on a tenant in process is noted. A test that the table names fails when
it did not make its operations succeed, so the table cannot go stale unseen. `python -m tests.witnesses` runs the
tests of the tenant and names a test for each operation that has none yet, the one that calls the fewest others.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from unsecret.tenant import azure_resource_manager, oauth2
from unsecret.tenant.app import BETA_ROUTES, GRAPH_ROUTES
from unsecret.tenant.paths import VERSIONS, canonical_path

TABLE = Path(__file__).with_name("witnesses.json")
RECORD_TO = "UNSECRET_RECORD_CALLS"
"""The variable with the folder that calls are written to, while the table is made."""

_SUCCEEDED = range(200, 400)
_PARAMETER = re.compile(r"\{\w+(:path)?\}")

Operation = tuple[str, str, str]
"""Which API (`graph`, `beta` or `sign-in`), method, and path template below the version."""

made: list[tuple[str, str, int]] = []
"""Method, path and status of the calls of the test that is running."""


class Noted:
    """ASGI application around the tenant's that notes what it is called with."""

    def __init__(self, app: Callable[..., Awaitable[None]]):
        self.noted = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                made.append((scope["method"], path, message["status"]))
            await send(message)

        path = scope.get("path", "")
        await self.noted(scope, receive, noting if scope["type"] == "http" else send)


@cache
def all_operations() -> dict[Operation, Any]:
    """Every operation that the tenant serves, with its handler."""
    found: dict[Operation, Any] = {}
    for api, routes in (("graph", GRAPH_ROUTES), ("beta", BETA_ROUTES)):
        for route in routes:
            method, path, handler = route[:3]
            found[api, method, path] = handler
    for route in (*oauth2.ROUTES, *azure_resource_manager.ROUTES):
        for method in sorted((route.methods or set()) & {"GET", "POST"}):
            found["sign-in", method, route.path] = route.endpoint
    return {operation: handler for operation, handler in found.items() if not _only_refuses(*operation)}


def _only_refuses(_: str, method: str, path: str) -> bool:
    """What is there to say no in so many words: GET on a token endpoint, what an application asks of `/me`, and
    federated credentials of service principals, which have none."""
    of_a_principal = path.startswith("/servicePrincipals/{key}/federatedIdentityCredentials/")
    return path.endswith(":path}") or of_a_principal or (method == "GET" and path.endswith("/token"))


def operations_of(calls: Iterable[tuple[str, str, int]]) -> set[Operation]:
    """The operations that succeeded among these calls."""
    return {operation for method, path, status in calls if status in _SUCCEEDED for operation in _named(method, path)}


def _named(method: str, path: str) -> Iterator[Operation]:
    canonical = canonical_path(path, _words())
    version, _, rest = canonical.removeprefix("/").partition("/")
    for api, of, template in all_operations():
        if of != method:
            continue
        if api == "sign-in":
            if _pattern(template).fullmatch(canonical):
                yield api, of, template
        elif version in VERSIONS and (api == "graph" or version == "beta") and _pattern(template).fullmatch(f"/{rest}"):
            yield api, of, template
            return  # the first route that takes a path answers it


@cache
def _words() -> dict[str, str]:
    segments = {segment for _, _, path in all_operations() for segment in path.split("/") if "{" not in segment}
    return {segment.casefold(): segment for segment in segments if segment}


@cache
def _pattern(template: str) -> re.Pattern[str]:
    literal, *rest = _PARAMETER.split(template)
    pieces = [re.escape(literal)]
    for whole, after in zip(rest[::2], rest[1::2], strict=True):
        pieces += [".+" if whole else "[^/]+", re.escape(after)]
    return re.compile("".join(pieces))


# -- the table ---------------------------------------------------------------------------------------------------


@cache
def table() -> dict[Operation, str]:
    """Operation → the node id of its witness."""
    kept = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    found: dict[Operation, str] = {}
    for text, test in kept.items():
        api, method, path = text.split(" ", 2)
        found[api, method, path] = test
    return found


def demanded_of(test: str) -> set[Operation]:
    """The operations that the table names `test` for."""
    return {operation for operation, witness in table().items() if witness == test}


def record(test: str) -> None:
    """While the table is made: write down what `test` called."""
    folder = os.environ.get(RECORD_TO)
    if folder and made:
        line = json.dumps([test, sorted(operations_of(made))])
        with (Path(folder) / f"{os.getpid()}.jsonl").open("a") as file:
            file.write(line + "\n")


def _chosen(folder: Path) -> dict[Operation, str]:
    candidates: dict[Operation, list[tuple[int, bool, int, str]]] = defaultdict(list)
    for file in folder.glob("*.jsonl"):
        for line in file.read_text().splitlines():
            test, operations = json.loads(line)
            for api, method, path in operations:
                rank = (len(operations), "[" in test, len(test), test)
                candidates[api, method, path].append(rank)
    return {operation: min(ranks)[-1] for operation, ranks in candidates.items()}


def main(tests: list[str]) -> None:
    """Run `tests` (all of the tenant's when none are given) and name witnesses for what has none."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "auto",
            "--dist",
            "loadfile",
            *(tests or ["tests/tenant"]),
        ]
        subprocess.run(command, env=os.environ | {RECORD_TO: folder}, check=False)
        found = _chosen(Path(folder)) | table()
    rows = {" ".join(operation): found[operation] for operation in sorted(all_operations()) if operation in found}
    TABLE.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
