"""Tokens, beside npm oidc-provider: by secret and by signed statement.

Both sign a JWT of their own with RS256 for every request, over TLS with the same certificate. The peer keeps its
clients in memory and records nothing; here the client, its credential and its permissions are looked up in the
directory, and the sign-in is durable before the token leaves. A route of the same server that does nothing but sign is
measured as well: what it reaches bounds everything that is built on it.
"""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import statistics
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from bench.figures import Figure
from bench.load import Prepared, Sample, Subject, in_turn, prepare
from bench.servers import free_port, running
from bench.tenant import Statements, Tenant, tenant

if TYPE_CHECKING:
    from collections.abc import Generator

WORKERS = 2
CONNECTIONS = 16
STATEMENTS = 30_000
"""More than the peer can answer in all rounds: it refuses a statement that it has seen."""
OUR_STATEMENTS = 2_000
PEERS = Path(__file__).parents[1] / ".node-bench"
BARE = Path(__file__).with_name("peers") / "bare_signing.py"
AREA = "tokens"


def measure(folder: Path) -> list[Figure]:
    """The figures. Raises SystemExit when an answer is wrong."""
    with (
        tenant(folder, "--empty", "--workers", str(WORKERS)) as ours,
        _oidc_provider(folder, ours) as peer,
        _bare_signing(folder, ours, peer["secret"].load) as (bare, bare_keys),
    ):
        recorded = ours.rows(_SUCCESSES)
        pairs = {"secret": (ours.tokens_by_secret(), peer["secret"])}
        pairs["certificate"] = (ours.tokens_by_certificate(OUR_STATEMENTS), peer["certificate"])
        subjects = [*(subject for pair in pairs.values() for subject in pair), bare]
        signing: list[float] = []
        in_turn(subjects, connections=CONNECTIONS, between=lambda: signing.append(_signatures_per_second()))
        _require_tokens(bare, folder, bare_keys)
        for ours_one, peer_one in pairs.values():
            _require_tokens(ours_one, folder, _keys(f"{ours.authority}/discovery/v2.0/keys"))
            _require_tokens(peer_one, folder, _keys(f"{peer_one.url}/jwks"))
        answered = sum(sample.requests for pair in pairs.values() for sample in pair[0].samples)
        if ours.rows(_SUCCESSES) - recorded < answered:
            raise SystemExit("tokens were handed out whose sign-in is not in the directory")
    return _figures(pairs, bare, statistics.median(signing))


_SUCCESSES = "SELECT count(*) FROM sign_in WHERE error_code = 0"


def _figures(pairs: dict[str, tuple[Subject, Subject]], bare: Subject, signing: float) -> list[Figure]:
    def compared(subject: Subject, name: str, of: Any) -> float:
        return subject.median(of) / pairs[name][1].median(of)

    def figure(what: str, name: str, of: Any, limit: float) -> Figure:
        words = f"{_SIGNING}; a route that only signs reaches {compared(bare, 'secret', of):.2f} × the peer's by secret"
        return Figure(AREA, f"by {name}: {what}", compared(pairs[name][0], name, of), limit, bound_by=words)

    def per_signature(subject: Subject) -> float:
        return subject.median(_per_cpu) / signing

    own = pairs["secret"][0]
    cpu = "npm oidc-provider, per server CPU-second"
    return [
        figure("npm oidc-provider's requests a second", "secret", _rate, 1.8),
        figure(cpu, "secret", _per_cpu, 1.8),
        Figure(
            AREA,
            "by secret, per server CPU-second: what `openssl speed rsa2048` signs on a core",
            per_signature(own),
            0.75,
            bound_by=f"{_AROUND}; a route that only signs reaches {per_signature(bare):.2f} ×",
        ),
        figure(cpu, "certificate", _per_cpu, 2.5),
        Figure(
            AREA,
            "by secret: the slowest of a hundred waits",
            compared(own, "secret", _p99),
            0.5,
            at_least=False,
            bound_by=f"{_TURN}; a route that only signs reaches {compared(bare, 'secret', _p99):.2f} ×",
        ),
    ]


_SIGNING = "the signature, and around it Python: the request, one question to the directory, the record"
_AROUND = "TLS, HTTP, the directory and the record"
_TURN = "requests wait for the signatures before theirs, and for one commit"


def _rate(sample: Sample) -> float:
    return sample.per_second


def _per_cpu(sample: Sample) -> float:
    return sample.per_cpu_second


def _p99(sample: Sample) -> float:
    return sample.p99_ms


@contextlib.contextmanager
def _oidc_provider(folder: Path, ours: Tenant) -> Generator[dict[str, Subject]]:
    """The peer, with an application for either way to sign in."""
    port = free_port()
    issuer, secret = f"https://localhost:{port}", "s" * 40
    signer = RSAKey.generate_key(2048, auto_kid=True)
    told = {
        "workers": WORKERS,
        "port": port,
        "certificate": str(ours.running.data / "server.pem"),
        "private_key": str(ours.running.data / "server.key"),
        "key": RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True).as_dict(private=True),
        "clients": [
            _client("secret", "client_secret_post") | {"client_secret": secret},
            _client("certificate", "private_key_jwt") | {"jwks": {"keys": [signer.as_dict(private=False)]}},
        ],
    }
    (folder / "peer.json").write_text(json.dumps(told))
    form = {"grant_type": "client_credentials", "scope": "read"}
    forms = {"secret": [form | {"client_id": "secret", "client_secret": secret}]}
    forms["certificate"] = [
        form | {"client_id": "certificate"} | statement
        for statement in Statements(signer, {"kid": str(signer.kid)}).sign("certificate", issuer, STATEMENTS)
    ]
    command = ["node", str(PEERS / "oidc_provider.mjs"), str(folder / "peer.json")]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with running(command, port=port, log=folder / "peer.log") as server:
        yield {
            name: Subject(
                server,
                issuer,
                prepare(folder, f"peer-{name}", [("POST", "/token", urlencode(one)) for one in these], headers),
            )
            for name, these in forms.items()
        }


@contextlib.contextmanager
def _bare_signing(folder: Path, ours: Tenant, load: Prepared) -> Generator[tuple[Subject, KeySet]]:
    """A route that only signs, and the key that it signs with."""
    port = free_port()
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": "bare"})
    (folder / "bare.pem").write_bytes(key.as_pem(private=True))
    data = ours.running.data
    given = [str(port), str(data / "server.pem"), str(data / "server.key"), str(folder / "bare.pem")]
    with running([sys.executable, str(BARE), *given], port=port, log=folder / "bare.log") as server:
        yield Subject(server, f"https://localhost:{port}", load), KeySet([key])


def _client(name: str, method: str) -> dict[str, Any]:
    return {
        "client_id": name,
        "token_endpoint_auth_method": method,
        "grant_types": ["client_credentials"],
        "response_types": [],
        "redirect_uris": [],
    }


def _keys(document: str) -> KeySet:
    unverified = ssl._create_unverified_context()
    return KeySet.import_key_set(json.load(urllib.request.urlopen(document, context=unverified)))


def _require_tokens(subject: Subject, folder: Path, keys: KeySet) -> None:
    """Send a second's load once more and look at every answer: a token, another one each time, rightly signed."""
    answers = folder / "answers"
    subject.run(connections=CONNECTIONS, seconds=1, answers=answers)
    lines = [line.split("\t", 1) for line in answers.read_text().splitlines() if line.endswith("}")]
    tokens = [json.loads(body)["access_token"] for status, body in lines if status == "200"]
    claims = [jwt.decode(token, keys, algorithms=["RS256"]).claims for token in tokens]
    ids = {claim.get("uti") or claim["jti"] for claim in claims}
    if not tokens or len(tokens) != len(lines) or len(ids) != len(tokens) or len(set(tokens)) != len(tokens):
        raise SystemExit(f"of {len(lines)} answers of {subject.url} {len(ids)} are tokens of their own")


def _signatures_per_second() -> float:
    """What one core signs."""
    ran = subprocess.run(["openssl", "speed", "-seconds", "2", "rsa2048"], capture_output=True, text=True, check=True)
    found = re.search(r"rsa 2048 bits\s+[\d.]+s\s+[\d.]+s\s+([\d.]+)", ran.stdout)
    if found is None:
        raise SystemExit(f"openssl printed something else:\n{ran.stdout}")
    return float(found[1])
