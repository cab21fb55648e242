"""docs/reference/performance.md, made by a whole run."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench.figures import Figure
from bench.load import ROUNDS, SECONDS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "performance.md"

_HEAD = """# Performance

Made by `make bench`, which measures unsecret beside its peers on one machine in one run: servers in turn, medians of
{rounds} rounds of {seconds} seconds each, load from wrk on the same machine, every answer checked. *Per server
CPU-second* is what was answered, by the user and system time of all processes of the server: it does not depend on how
much of the machine the load took. Other work on the machine disturbs the figures, and is no excuse for
those that miss their goal: on a quiet machine they were no better.

Each request gets its own token or secret, its caller is authenticated anew, and its record is on disk before the
answer leaves. What was answered about the directory before, an object's JSON too, is the answer again only where
the database says, asked anew for each request, that nothing in the tenant was written since.

"""

_TAIL = """
## How it is measured

* **Tokens**: {workers} workers on either side, 16 connections, TLS with the same certificate. npm oidc-provider has its
  clients in memory, and records nothing. A route that only signs has the tenant's server, TLS, workers and claims, and
  no client, directory or record: a goal that it misses as well is out of reach for whatever is built on that server.
* **New secrets**: one process, over TLS, judged by policies, with the audit record in the same transaction. moto_server
  answers without TLS, out of memory. SQLite alone inserts rows with a GUID as their key, in commits that survive the
  loss of power, on the same disk.
* **Reading**: one process, TLS. The bare route knows no caller, and reads nothing.
* **A million applications**: the time of the server's processes for a request, beside the same with a thousand.
* **Forecast and check**: processor time of one process over a snapshot's columns in Parquet, on all processors. The
  scan is DuckDB's own, in the same process and in turn with them: it reads the columns that they look at in every row,
  and counts what is not null in each; nothing is joined, compared or gathered.
* **A snapshot**: of a tenant that is canned, in a process of its own on the same machine, without TLS; every call is
  answered after 150 ms, one in fifty is throttled for a second. The snapshot holds service principals, policies and
  everything else as well, the list that is followed page by page applications only. Every application has to be there
  once.
* **Memory**: what the process holds, three seconds after it has started with the sample organisation.
"""


def write(figures: Sequence[Figure], *, busy: float) -> None:
    """The page, with these figures. `busy` is the load average before the run."""
    rows = [
        f"| {figure.area} | {figure.what} | {figure.shown} | {figure.wanted} | {'yes' if figure.holds else '**no**'} | "
        f"{figure.bound_by} |\n"
        for figure in figures
    ]
    table = "| | | measured | wanted | holds | bounded by |\n| --- | --- | --- | --- | --- | --- |\n" + "".join(rows)
    machine = "".join(f"* {line}\n" for line in _machine(busy))
    text = _HEAD.format(rounds=ROUNDS, seconds=SECONDS) + table + "\n## Machine and versions\n\n" + machine
    PAGE.write_text(text + _TAIL.format(workers=2))


def _machine(busy: float) -> list[str]:
    peers = json.loads((ROOT / "bench" / "peers" / "package.json").read_text())["dependencies"]
    moto = re.search(r"^moto\S*==(\S+)", (ROOT / "requirements" / "bench.txt").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return [
        f"load average before the run, which is work of others: {busy:.1f}",
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {platform.system()} {platform.machine()}",
        f"unsecret {version('unsecret')}, Python {platform.python_version()}, granian {version('granian')}, "
        f"cryptography {version('cryptography')}, Starlette {version('starlette')}",
        f"Node.js {_said('node', '--version').strip()}, oidc-provider {peers['oidc-provider']}, "
        f"moto {moto[1] if moto else 'unknown'}",
        _said("openssl", "version").strip(),
    ]


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
