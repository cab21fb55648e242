"""`make soak MINUTES=30`: ordinary traffic at half of what the server can do, and whether anything grows meanwhile.

`python -m tests.hostile.soak --minutes 30 --report soak.md`. First the full load is measured for a few seconds, then
half of it is offered for the whole time: tokens by secret and by certificate, reads, lists, secrets added and removed,
policies changed. Memory is that of all processes of the server; it must stay within 5 % of what it was once warm.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import random
import ssl
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.running_tenant import EACH_ANSWER_COUNTS, RunningTenant

CLIENTS = 8
"""At work at a time."""

APPLICATIONS = 20
WARM = 0.25
"""The share of the time after which memory is expected to stay as it is."""

MEMORY_GROWTH = 0.05
WORK_GROWTH = 0.25
"""How much more of the processor's time an act may take the server in the last third than in the first. Unlike the time
until an answer comes, this is the server's alone, whatever else the machine does."""

RENEWED_EVERY = 1200.0
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Seen:
    """What clients saw: when each act began and how long it took, how often each was done, and what went wrong."""

    times: list[tuple[float, float]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)


@dataclass
class Traffic:
    """The clients of one tenant."""

    running: RunningTenant
    http: httpx2.AsyncClient
    chance: random.Random
    token: str = ""
    token_at: float = 0.0
    apps: list[dict[str, str]] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)

    def __post_init__(self) -> None:
        pem = self.running.certificate.read_bytes()
        self._key = RSAKey.import_key(pem)
        print_of = x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256())
        self._header = {"alg": "PS256", "x5t#S256": base64.urlsafe_b64encode(print_of).decode().rstrip("=")}
        self._endpoint = f"{self.running.authority}/{self.running.tenant_id}/oauth2/v2.0/token"

    async def prepare(self) -> None:
        """Sign in, and make the applications that take part."""
        await self.token_by_certificate()
        for number in range(APPLICATIONS):
            app = (await self._graph("POST", "/applications", {"displayName": f"soak {number}"}, 201)).json()
            await self._graph("POST", "/servicePrincipals", {"appId": app["appId"]}, 201)
            made = await self._graph("POST", f"/applications/{app['id']}/addPassword", {})
            self.apps.append({"id": app["id"], "appId": app["appId"], "secret": made.json()["secretText"]})

    async def token_by_certificate(self) -> None:
        now = int(time.time())
        who = self.running.client_id
        claims = {"iss": who, "sub": who, "aud": self._endpoint, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 300}
        proof = jwt.encode(self._header, claims, self._key, algorithms=["PS256"])
        answer = await self._token(client_id=who, client_assertion_type=JWT_BEARER, client_assertion=proof)
        self.token, self.token_at = answer.json()["access_token"], time.monotonic()

    async def token_by_secret(self) -> None:
        app = self.chance.choice(self.apps)
        await self._token(client_id=app["appId"], client_secret=app["secret"])

    async def read_one(self) -> None:
        await self._graph("GET", f"/applications/{self.chance.choice(self.apps)['id']}")

    async def list_some(self) -> None:
        await self._graph("GET", "/applications?$select=id,displayName,passwordCredentials&$top=50")

    async def sign_ins(self) -> None:
        await self._graph("GET", "/auditLogs/signIns?$top=20")

    async def secret_comes_and_goes(self) -> None:
        path = f"/applications/{self.chance.choice(self.apps)['id']}"
        made = await self._graph("POST", f"{path}/addPassword", {"passwordCredential": {"displayName": "soak"}})
        await self._graph("POST", f"{path}/removePassword", {"keyId": made.json()["keyId"]}, 204)

    async def policy_changes(self) -> None:
        entry = {"restrictionType": "passwordLifetime", "maxLifetime": f"P{self.chance.randint(800, 900)}D"}
        body = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [entry]}}
        await self._graph("PATCH", "/policies/defaultAppManagementPolicy", body, 204)
        await self._graph("GET", "/policies/defaultAppManagementPolicy")

    async def _token(self, **form: str) -> httpx2.Response:
        sent = {"grant_type": "client_credentials", "scope": f"{self.running.graph}/.default"} | form
        return _required(await self.http.post(self._endpoint, data=sent), 200)

    async def _graph(self, method: str, path: str, body: Any = None, status: int = 200) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return _required(await self.http.request(method, f"/v1.0{path}", json=body, headers=headers), status)

    def shares(self) -> dict[Callable[[], Awaitable[None]], int]:
        """What is done how often."""
        return {
            self.token_by_secret: 30,
            self.token_by_certificate: 10,
            self.read_one: 30,
            self.list_some: 10,
            self.sign_ins: 5,
            self.secret_comes_and_goes: 13,
            self.policy_changes: 2,
        }

    async def offer(self, seconds: float, pause: float) -> None:
        """CLIENTS at a time do something, each one thing in `pause` seconds, for so long."""
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._client(until, pause) for _ in range(CLIENTS)))

    async def _client(self, until: float, pause: float) -> None:
        acts, weights = zip(*self.shares().items(), strict=True)
        due = time.monotonic() + self.chance.random() * pause
        while (now := time.monotonic()) < until:
            if due > now:
                await asyncio.sleep(due - now)
            due = max(due + pause, now - 1.0)
            act = self.chance.choices(acts, weights)[0]
            began = time.monotonic()
            try:
                await act()
            except (AssertionError, httpx2.HTTPError) as problem:
                self.seen.wrong[f"{act.__name__}: {str(problem)[:200] or type(problem).__name__}"] += 1
            self.seen.done[act.__name__] += 1
            self.seen.times.append((began, time.monotonic() - began))


def _required(answer: httpx2.Response, status: int) -> httpx2.Response:
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:200]}"
    return answer


class Use(NamedTuple):
    """What the server's processes have used: `at` seconds after the begin, MiB of memory, seconds of processor."""

    at: float
    memory: float
    work: float


def use(leader: int, at: float) -> Use:
    """Of a process and all that it started."""
    total, ticks, waiting = 0, 0, [leader]
    while waiting:
        process = waiting.pop()
        try:
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
            stat = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
        ticks += int(stat[11]) + int(stat[12])
        waiting += map(int, children)
    return Use(at, total / 1024, ticks / os.sysconf("SC_CLK_TCK"))


@dataclass
class Soaked:
    """What came of it. `full` and `offered` are acts a second."""

    full: float
    offered: float
    began: float
    seen: Seen
    used: list[Use]
    seconds: float

    def growth_of_memory(self) -> float:
        """Of the end, beside the time just after the server was warm."""
        warm = [one.memory for one in self.used if self.seconds * WARM <= one.at < self.seconds * (WARM + 0.15)]
        end = [one.memory for one in self.used if one.at >= self.seconds * 0.85]
        return statistics.median(end) / statistics.median(warm) - 1

    def growth_of_work(self) -> float:
        """Of the last third, beside the first."""
        third = self.seconds / 3
        return self.work(2 * third, self.seconds) / self.work(0.0, third) - 1

    def work(self, begin: float, end: float) -> float:
        """Milliseconds of processor that the server took for each act that began in this time."""
        used = [one.work for one in self.used if begin <= one.at < end]
        acts = sum(begin <= at - self.began < end for at, _ in self.seen.times)
        return (used[-1] - used[0]) / max(1, acts) * 1000

    def minutes(self, length: float = 60.0) -> Iterator[str]:
        """A line of the table for each minute."""
        for number in range(max(1, round(self.seconds / length))):
            begin, end = number * length, (number + 1) * length
            took = sorted(t * 1000 for at, t in self.seen.times if begin <= at - self.began < end)
            memory = [one.memory for one in self.used if begin <= one.at < end]
            if took and memory:
                middle, late = statistics.median(took), took[len(took) * 99 // 100]
                sizes = f"{self.work(begin, end):.2f} | {statistics.median(memory):.0f}"
                yield f"| {number + 1} | {len(took)} | {middle:.1f} | {late:.1f} | {sizes} |"

    def complaints(self) -> list[str]:
        """What was not as it should be."""
        found = [f"{count} × {what}" for what, count in self.seen.wrong.items()]
        if (memory := self.growth_of_memory()) > MEMORY_GROWTH:
            found.append(f"memory grew by {memory:.1%}")
        if (work := self.growth_of_work()) > WORK_GROWTH:
            found.append(f"an act took {work:.0%} more work in the end")
        return found

    def report(self) -> str:
        lines = [
            f"{self.seen.done.total()} acts in {self.seconds / 60:.1f} minutes: {self.offered:.0f} a second were "
            f"offered, half of the {self.full:.0f} that this machine did at most beside its clients.",
            f"Memory grew by {self.growth_of_memory():+.1%} once warm, the server's work for an act by "
            f"{self.growth_of_work():+.0%}.",
            "",
            "| minute | acts | p50 ms | p99 ms | work ms | MiB |",
            "| --- | --- | --- | --- | --- | --- |",
            *self.minutes(),
            "",
            ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in self.seen.done.most_common()),
        ]
        return "\n".join([*lines, "", *(self.complaints() or ["Nothing was wrong."]), ""])


async def soak(running: RunningTenant, *, seconds: float, full_seconds: float = 10.0, chance: int = 1) -> Soaked:
    """Measure the full load, then offer half of it."""
    trust = ssl.create_default_context(cafile=running.ca)
    limits = httpx2.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with httpx2.AsyncClient(
        base_url=running.graph, verify=trust, trust_env=False, timeout=30, limits=limits
    ) as http:
        traffic = Traffic(running, http, random.Random(chance))
        await traffic.prepare()
        await traffic.offer(full_seconds, 0.0)
        full = traffic.seen.done.total() / full_seconds
        traffic.seen = Seen(wrong=traffic.seen.wrong)
        began, used = time.monotonic(), []
        watching = asyncio.create_task(_watch(running.process.pid, began, used, min(5.0, seconds / 40)))
        await traffic.offer(seconds, CLIENTS / (full / 2))
        watching.cancel()
    return Soaked(full, full / 2, began, traffic.seen, used, seconds)


async def _watch(leader: int, began: float, used: list[Use], every: float) -> None:
    while True:
        used.append(use(leader, time.monotonic() - began))
        await asyncio.sleep(every)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=30.0)
    arguments.add_argument("--report", type=Path, default=None)
    given = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        RunningTenant.start(Path(name) / "data", mischief=EACH_ANSWER_COUNTS) as running,
    ):
        soaked = asyncio.run(soak(running, seconds=given.minutes * 60))
    print(soaked.report())
    if given.report:
        given.report.write_text(soaked.report())
    return 1 if soaked.complaints() else 0


if __name__ == "__main__":
    sys.exit(main())
