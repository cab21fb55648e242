"""New client secrets, beside moto (IAM CreateAccessKey) and beside SQLite alone.

Ours go over TLS, are judged by the tenant's policies, and are on disk with their audit record before they are
answered. The peer answers without TLS, out of memory.
"""

from __future__ import annotations

import json
import re
import sqlite3
import statistics
import time
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import urlencode

from bench.figures import Figure
from bench.filling import fill, object_id
from bench.load import Prepared, Subject, in_turn, prepare
from bench.servers import free_port, running
from bench.tenant import tenant

APPLICATIONS = 20_000
"""They get secrets in turn, so that each has a few, as applications have."""
USERS = 6_000
"""The peer's: each may have two keys, and no more are made than they may have."""
AREA = "new secrets"
MOTO = Path(__file__).parents[1] / ".venv-bench" / "bin" / "moto_server"
_IAM = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Authorization": "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, "
    "Signature=0",
}
_ROWS_A_COMMIT = 64
_SQLITE_SECONDS = 2.0


def measure(folder: Path) -> list[Figure]:
    """The figures. Raises SystemExit when a secret is missing in the end."""
    port = free_port()
    command = [str(MOTO), "-H", "127.0.0.1", "-p", str(port)]
    fill(folder, APPLICATIONS)
    with tenant(folder) as ours, running(command, port=port, log=folder / "peer.log") as server:
        body = json.dumps({"passwordCredential": {"displayName": "bench"}})
        requests = [
            ("POST", f"/v1.0/applications/{key}/addPassword", body) for key in map(object_id, range(APPLICATIONS))
        ]
        peer = Subject(server, f"http://127.0.0.1:{port}", _new_keys(folder, port))
        few, many = ours.subject("secrets", requests), ours.subject("secrets", requests)
        before = [ours.rows(question) for question in _WRITTEN]
        disk: list[float] = []
        in_turn([few, peer], connections=16)
        in_turn([many], connections=64, between=lambda: disk.append(_rows_per_second(folder)))
        answers = folder / "answers"
        checked = few.run(connections=16, seconds=1, answers=answers)
        answered = checked.requests + sum(sample.requests for sample in few.samples + many.samples)
        written = [ours.rows(question) - start for question, start in zip(_WRITTEN, before, strict=True)]
        _require(min(written) >= answered, f"{answered} secrets were answered, {written} are in the directory")
        _require_secrets(answers)
        kept = _keys_of_all_users(port)
        asked = sum(sample.requests for sample in peer.samples)
        _require(kept >= asked, f"the peer answered {asked} keys and has {kept}")
    rate = few.median(lambda sample: sample.per_second) / peer.median(lambda sample: sample.per_second)
    of_disk = many.median(lambda sample: sample.per_second) / statistics.median(disk)
    return [
        Figure(AREA, "addPassword: moto_server's CreateAccessKey a second", rate, 15, bound_by=_PYTHON),
        Figure(
            AREA, f"at 64 connections: rows a second of SQLite, {_ROWS_A_COMMIT} a commit", of_disk, 0.3, bound_by=_WORK
        ),
    ]


_PYTHON = "Python's time for a request, half of it in the transaction"
_WORK = "four questions and three rows for each secret, by one interpreter that also speaks HTTP"
_WRITTEN = (
    "SELECT count(*) FROM password_credential WHERE digest IS NOT NULL",
    "SELECT count(*) FROM audit_event WHERE result = 'success'",
)


def _new_keys(folder: Path, port: int) -> Prepared:
    names = [f"user{number}" for number in range(USERS)]
    for name in names:
        _iam(port, "CreateUser", UserName=name)
    forms = [urlencode({"Action": "CreateAccessKey", "Version": "2010-05-08", "UserName": name}) for name in names]
    forms += forms
    return prepare(folder, "peer-keys", [("POST", "/", form) for form in forms], _IAM)


def _keys_of_all_users(port: int) -> int:
    lists = (_iam(port, "ListAccessKeys", UserName=f"user{number}") for number in range(USERS))
    return sum(len(re.findall("<AccessKeyId>", text)) for text in lists)


def _iam(port: int, action: str, **fields: str) -> str:
    form = urlencode({"Action": action, "Version": "2010-05-08", **fields}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", form, _IAM)
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def _require_secrets(answers: Path) -> None:
    lines = [line.split("\t", 1) for line in answers.read_text().splitlines() if line.endswith("}")]
    texts = {json.loads(body)["secretText"] for status, body in lines if status == "200"}
    _require(bool(texts) and len(texts) == len(lines), f"{len(lines)} answers hold {len(texts)} secrets")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(otherwise)


def _rows_per_second(folder: Path) -> float:
    """Rows with a GUID as their key, on the same disk, in commits that are as safe as the directory's."""
    file = folder / f"{uuid.uuid4()}.sqlite"
    conn = sqlite3.connect(file, isolation_level=None)
    for command in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
        conn.execute(command)
    conn.execute("CREATE TABLE credential (key_id TEXT PRIMARY KEY, start_at INTEGER, end_at INTEGER, digest BLOB)")
    rows, began = 0, time.perf_counter()
    while time.perf_counter() - began < _SQLITE_SECONDS:
        conn.execute("BEGIN IMMEDIATE")
        batch = [(str(uuid.uuid4()), 1, 2, bytes(48)) for _ in range(_ROWS_A_COMMIT)]
        conn.executemany("INSERT INTO credential VALUES (?, ?, ?, ?)", batch)
        conn.execute("COMMIT")
        rows += _ROWS_A_COMMIT
    taken = time.perf_counter() - began
    conn.close()
    file.unlink()
    return rows / taken
