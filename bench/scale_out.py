"""How far one database goes: durable additions of a secret with their audit rows, by several processes at a time.

    python bench/scale_out.py [--database URL] [--seconds 4]

Each process has eight writes under way, as a server with that many clients has. SQLite and PostgreSQL take turns in
every round; medians of three rounds are printed, with what the processes and the database took of the processor.
Without `--database` the PostgreSQL of the tests is started, with fsync on.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests import postgresql  # noqa: E402
from tests.store import nouns  # noqa: E402
from unsecret.model.identifiers import TenantId  # noqa: E402
from unsecret.store import credentials, directory_objects, logs, tenants  # noqa: E402
from unsecret.store.engine import Store  # noqa: E402

ROUNDS = 3
UNDER_WAY = 8
LAYOUTS = ((1, 1), (4, 1), (4, 4))
"""(processes, tenants)"""


def work(url: str, tenant: TenantId, seconds: float) -> int:
    """In a process of its own: how many secrets were added."""
    store = Store.open(url)
    app = nouns.application()
    store.write(lambda conn: directory_objects.add(conn, tenant, app), tenant).result()

    def add(conn) -> None:
        credentials.add_password(conn, tenant, app.id, nouns.password(), nouns.DIGEST)
        logs.add_audit(conn, tenant, nouns.audit())

    print("ready", flush=True)
    sys.stdin.readline()
    deadline, done, waiting = time.monotonic() + seconds, 0, deque()
    while time.monotonic() < deadline:
        waiting.append(store.write(add, tenant))
        if len(waiting) == UNDER_WAY:
            waiting.popleft().result()
            done += 1
    for future in waiting:
        future.result()
    store.close()
    return done + len(waiting)


def measure(url: str, processes: int, tenant_count: int, seconds: float) -> tuple[float, float]:
    """Writes a second, and writes for a second of the whole machine's processor time."""
    store = Store.open(url)
    made = [TenantId(nouns.guid()) for _ in range(tenant_count)]
    for one in made:
        store.write(lambda conn, one=one: tenants.add_tenant(conn, nouns.tenant(one, f"{one}.example"))).result()
    store.close()
    children = [
        subprocess.Popen(
            [sys.executable, __file__, "--work", url, made[number % tenant_count], "--seconds", str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    busy = _busy()
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    done = sum(int(child.communicate()[0]) for child in children)
    return done / seconds, done / (_busy() - busy)


def _busy() -> float:
    """Processor seconds that this machine has worked; whatever else runs on it is counted, too."""
    user, nice, system, *_ = (int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--work", nargs=2)
    asked = parser.parse_args()
    if asked.work:
        print(work(asked.work[0], TenantId(asked.work[1]), asked.seconds), flush=True)
        return
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = asked.database or stack.enter_context(postgresql.cluster(None, "fsync=on")).url
        places = {
            "SQLite": f"sqlite:///{folder}/directory.sqlite",
            "PostgreSQL": stack.enter_context(postgresql.database_of(server)),
        }
        found: dict[tuple[str, tuple[int, int]], list[tuple[float, float]]] = {}
        for _ in range(ROUNDS):
            for layout in LAYOUTS:
                for name, url in places.items():
                    found.setdefault((name, layout), []).append(measure(url, *layout, asked.seconds))
    print("| database | processes | tenants | writes/s | writes/CPU-s |\n|---|---|---|---|---|")
    for (name, (processes, tenant_count)), seen in found.items():
        rate, per_second = (statistics.median(column) for column in zip(*seen, strict=True))
        print(f"| {name} | {processes} | {tenant_count} | {rate:,.0f} | {per_second:,.0f} |")


if __name__ == "__main__":
    main()
