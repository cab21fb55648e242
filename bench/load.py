"""Load from wrk, and what came of it."""

from __future__ import annotations

import re
import statistics
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.servers import Server

ROUNDS = 3
SECONDS = 4
_SCRIPT = Path(__file__).with_name("requests.lua")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Sample:
    """One run: how much was answered, how fast, and what it took the server."""

    requests: int
    per_second: float
    p99_ms: float
    cpu_seconds: float

    @property
    def per_cpu_second(self) -> float:
        return self.requests / max(self.cpu_seconds, 0.01)


@dataclass(frozen=True)
class Prepared:
    """Requests and their headers, as files that wrk's script reads."""

    requests: Path
    headers: Path


@dataclass
class Subject:
    """A server and the requests that are sent to it."""

    server: Server
    url: str
    load: Prepared
    sent: int = 0
    samples: list[Sample] = field(default_factory=list)

    def run(self, *, connections: int, seconds: int = SECONDS, answers: Path | None = None) -> Sample:
        """Send for so many seconds. Raises SystemExit when anything was answered with an error."""
        arguments = [
            str(self.load.requests),
            str(self.load.headers),
            str(self.sent),
            *([str(answers)] if answers else []),
        ]
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s"]
        before = self.server.cpu_seconds()
        ran = subprocess.run(
            [*command, str(_SCRIPT), self.url, "--", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        sample = _read(ran.stdout, self.server.cpu_seconds() - before)
        self.sent += sample.requests + connections
        return sample

    def median(self, of: Callable[[Sample], float]) -> float:
        """Over the rounds."""
        return statistics.median(of(sample) for sample in self.samples)


def prepare(folder: Path, name: str, requests: Iterable[tuple[str, str, str]], headers: Mapping[str, str]) -> Prepared:
    """Requests as (method, path, body)."""
    prepared = Prepared(folder / f"{name}.requests", folder / f"{name}.headers")
    prepared.requests.write_text("".join(f"{method}\t{path}\t{body}\n" for method, path, body in requests))
    prepared.headers.write_text("".join(f"{header}: {value}\n" for header, value in headers.items()))
    return prepared


def in_turn(subjects: Sequence[Subject], *, connections: int, between: Callable[[], None] | None = None) -> None:
    """Measure each after a warm-up, one after the other and again, so that a drifting machine does so for all.
    `between` is done once in each round."""
    for subject in subjects:
        subject.run(connections=connections, seconds=1)
    for _ in range(ROUNDS):
        for subject in subjects:
            subject.samples.append(subject.run(connections=connections))
        if between:
            between()


def _read(printed: str, cpu_seconds: float) -> Sample:
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", printed)
    if wrong:
        raise SystemExit(f"not everything was answered as it should: {wrong[0]}")
    requests = int(_found(r"(\d+) requests in", printed)[1])
    number, unit = _found(r"99%\s+([\d.]+)(us|ms|s|m)\b", printed).groups()
    per_second = float(_found(r"Requests/sec:\s+([\d.]+)", printed)[1])
    return Sample(requests, per_second, float(number) * _UNITS[unit], cpu_seconds)


def _found(pattern: str, printed: str) -> re.Match[str]:
    found = re.search(pattern, printed)
    if found is None:
        raise SystemExit(f"wrk printed something else:\n{printed}")
    return found
