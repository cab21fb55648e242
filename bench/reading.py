"""One application, beside a bare Starlette route that answers with the same bytes from the same server over TLS."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.figures import Figure
from bench.load import Subject, in_turn
from bench.servers import free_port, running
from bench.tenant import tenant

BARE = Path(__file__).with_name("peers") / "bare_starlette.py"
CONNECTIONS = 16


def measure(folder: Path) -> list[Figure]:
    """The figure. Raises SystemExit when an answer is not the application."""
    port = free_port()
    with tenant(folder, "--empty") as ours:
        made = ours.administrator.register("read")
        path = f"/v1.0/applications/{made.object_id}"
        body = folder / "body"
        body.write_bytes(ours.administrator.send("GET", path.removeprefix("/v1.0")).content)
        data = ours.running.data
        command = [sys.executable, str(BARE), str(port), str(data / "server.pem"), str(data / "server.key"), str(body)]
        with running(command, port=port, log=folder / "bare.log") as server:
            mine = ours.subject("read", [("GET", path, "")])
            bare = Subject(server, f"https://localhost:{port}", mine.load)
            in_turn([mine, bare], connections=CONNECTIONS)
            for subject in (mine, bare):
                _require_same(subject, folder, body.read_text())
    ratio = mine.median(lambda sample: sample.per_cpu_second) / bare.median(lambda sample: sample.per_cpu_second)
    return [
        Figure(
            "reading",
            "GET one application: a bare Starlette route with the same bytes, per server CPU-second",
            ratio,
            0.4,
            bound_by="checking who calls, asking what was written since, and Python around it",
        )
    ]


def _require_same(subject: Subject, folder: Path, body: str) -> None:
    answers = folder / "answers"
    subject.run(connections=CONNECTIONS, seconds=1, answers=answers)
    got = {line for line in answers.read_text().splitlines() if line.endswith("}")}
    if {json.dumps(json.loads(line.split("\t", 1)[1])) for line in got} != {json.dumps(json.loads(body))}:
        raise SystemExit(f"{subject.url} answered something else than the application")
