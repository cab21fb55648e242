"""`make hostile`: ten thousand connections of every bad kind at once, and how a good client fares meanwhile.

`python -m tests.hostile.onslaught --connections 10000 --seconds 100`
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import ssl
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from tests.running_tenant import EACH_ANSWER_COUNTS, RunningTenant

SLOWEST = 15.0
"""Seconds that a good client may have to wait at most, handshake included; it shares a thread with all the bad ones."""

EVERY = 5.0
"""Seconds between the bytes of a slow client."""

HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
"""The beginning of a first message of TLS."""


@dataclass
class Onslaught:
    """The bad clients, by kind: how many were opened, and how many the server has shown out."""

    port: int
    trust: ssl.SSLContext
    until: float
    opened: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)

    async def one(self, kind: str) -> None:
        trust = None if kind in ("silent", "slow TLS") else self.trust
        name = "localhost" if trust else None
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.port, limit=1024, ssl=trust, server_hostname=name
            )
        except (OSError, ssl.SSLError):
            self.ended[f"{kind}, not let in"] += 1
            return
        self.opened[kind] += 1
        try:
            async with asyncio.timeout(max(0.0, self.until - time.monotonic())):
                await _SPEAKS[kind](reader, writer)
            self.ended[kind] += 1
        except TimeoutError:
            pass
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            self.ended[kind] += 1
        finally:
            writer.transport.abort()


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, drop: bytes) -> None:
    writer.write(head)
    ended = asyncio.create_task(reader.read())
    while not ended.done():
        writer.write(drop)
        await asyncio.wait((ended,), timeout=EVERY)
    ended.result()


async def _slow_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _drip(reader, writer, HELLO, b"\x01")


async def _slow_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _drip(reader, writer, b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"X-A: b\r\n")


async def _slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = b"POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
    await _drip(reader, writer, head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n", b"a")


async def _never_reads(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask without end, and take no answer in."""
    request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    writer.transport.pause_reading()  # ty: ignore[missing-attribute]
    writer.write(request * 20)
    while not writer.is_closing():
        await asyncio.sleep(1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                writer.write(b"G")
                await writer.drain()


_SPEAKS = {
    "silent": _silent,
    "slow TLS": _slow_tls,
    "slow headers": _slow_headers,
    "slow body": _slow_body,
    "never reads": _never_reads,
}
SHARES = {"silent": 0.6, "slow TLS": 0.2, "slow headers": 0.1, "slow body": 0.09, "never reads": 0.01}


async def _good(client: httpx2.AsyncClient, until: float, times: list[float]) -> None:
    """A new connection and a request, again and again."""
    while time.monotonic() < until:
        began = time.monotonic()
        answer = await client.get("/health", headers={"Connection": "close"})
        assert answer.status_code == 200
        times.append(time.monotonic() - began)
        await asyncio.sleep(0.2)


async def onslaught(running: RunningTenant, connections: int, seconds: float) -> tuple[Onslaught, list[float]]:
    """Everything at once, for so many seconds."""
    trust = ssl.create_default_context(cafile=running.ca)
    until = time.monotonic() + seconds
    attack = Onslaught(int(running.graph.rpartition(":")[2]), trust, until)
    times: list[float] = []
    async with httpx2.AsyncClient(base_url=running.graph, verify=trust, trust_env=False, timeout=30) as client:
        good = asyncio.create_task(_good(client, until, times))
        bad = []
        for kind, share in SHARES.items():
            for _ in range(round(connections * share)):
                bad.append(asyncio.create_task(attack.one(kind)))
                if len(bad) % 100 == 0:
                    await asyncio.sleep(0.05)  # this is one thread, and the good client lives in it, too
        await good
        await asyncio.gather(*bad)
    return attack, times


def _resident(pid: int) -> int:
    """MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--connections", type=int, default=10_000)
    arguments.add_argument("--seconds", type=float, default=100.0)
    given = arguments.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with (
        tempfile.TemporaryDirectory() as name,
        RunningTenant.start(Path(name) / "data", "--empty", mischief=EACH_ANSWER_COUNTS) as running,
    ):
        before = _resident(running.process.pid)
        attack, times = asyncio.run(onslaught(running, given.connections, given.seconds))
        after = _resident(running.process.pid)
    ordered = sorted(times)
    print(f"opened       {dict(attack.opened)}")
    print(f"shown out    {dict(attack.ended)}")
    print(f"good client  {len(times)} requests, each on a new connection: median {statistics.median(times):.3f} s,")
    print(f"             99th of 100 {ordered[len(ordered) * 99 // 100]:.3f} s, slowest {ordered[-1]:.3f} s")
    print(f"memory       {before} MiB before, {after} MiB after")
    left = {kind: attack.opened[kind] - attack.ended[kind] for kind in attack.opened}
    if ordered[-1] > SLOWEST or any(left[kind] for kind in ("silent", "slow TLS", "slow headers", "slow body")):
        print(f"NOT WELL: left open {left}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
