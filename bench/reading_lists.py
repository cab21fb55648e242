"""A process that reads a canned tenant, and prints how long that took and how much it held:
`python -m bench.reading_lists GRAPH snapshot FILE`, or `… GRAPH follow QUERY`."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx2

from tests.operate.canned import TAKEN
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import Connection
from unsecret.operate.graph.sign_in import Token
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.operate.snapshots.take import take


def snapshot(client: GraphClient, file: str) -> int:
    """Take a snapshot."""
    return take(client, Path(file), now=TAKEN).collections["applications"].count


def follow(client: GraphClient, query: str) -> int:
    """One page after the other; what is read is let go at once."""
    return len({one["id"] for one in client.pages(f"v1.0/applications{query}")})


def different_ids(file: str) -> int:
    """How many applications there are in a snapshot."""
    with open_snapshot(Path(file)) as taken:
        return len({one["id"] for one in taken.objects("applications")})


def most_held() -> int:
    """Bytes that this process held at most. `getrusage` would count what the process that started it held, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


WORK: dict[str, Callable[[GraphClient, str], int]] = {"snapshot": snapshot, "follow": follow}


def main(graph: str, work: str, what: str) -> None:
    """Do it, and print JSON."""
    nowhere = Path("nowhere")
    connection = Connection(
        data=nowhere, tenant_id="1", authority=graph, graph=graph, ca=nowhere, client_id="", certificate=nowhere
    )
    client = GraphClient(
        connection,
        transport=httpx2.HTTPTransport(trust_env=False),
        tokens=lambda _post, now: Token("a token", now + timedelta(hours=1)),
    )
    began = time.perf_counter()
    with client:
        count = WORK[work](client, what)
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = different_ids(what) if work == "snapshot" else count
    print(
        json.dumps(
            {
                "applications": found,
                "seconds": seconds,
                "processor": used.ru_utime + used.ru_stime,
                "mebibytes": most_held() / 2**20,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
