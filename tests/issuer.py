"""Somebody else who issues tokens: its keys, its documents and what it signs. Everything can be made to go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from tests.local_tenant import NOW
from unsecret.tenant.assertions import FOREIGN_ALGORITHMS
from unsecret.tenant.pki import ensure_server_certificate

NAME = "https://issuer.example/tenants/one"
SUBJECT = "system:serviceaccount:default:payroll"
AUDIENCE = "api://AzureADTokenExchange"
SECONDS = int(NOW.timestamp())

_REGISTRY = jws.JWSRegistry(algorithms=[*FOREIGN_ALGORITHMS, "HS256"], strict_check_header=False)

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "other"})
CURVES = {name: ECKey.generate_key(name, {"kid": name}) for name in ("P-256", "P-384", "P-521")}
KEY_OF = {"ES256": CURVES["P-256"], "ES384": CURVES["P-384"], "ES512": CURVES["P-521"]}


def public(key: RSAKey | ECKey) -> dict[str, Any]:
    """A key as an issuer publishes it."""
    return {**key.as_dict(private=False), "use": "sig"}


def signed(claims: dict[str, Any], *, key: Any = RSA, **header: Any) -> str:
    """A token. `header` is added to `alg` and `kid`, and None takes one away."""
    head = {"alg": "RS256", "typ": "JWT", "kid": key.kid} | header
    head = {name: value for name, value in head.items() if value is not None}
    return jws.serialize_compact(head, json.dumps(claims), key, registry=_REGISTRY)


def claims(**changed: Any) -> dict[str, Any]:
    """What a workload's token says; None takes a claim away."""
    said = {
        "iss": NAME,
        "sub": SUBJECT,
        "aud": [AUDIENCE],
        "iat": SECONDS,
        "nbf": SECONDS,
        "exp": SECONDS + 3600,
    } | changed
    return {name: value for name, value in said.items() if value is not None}


@dataclass
class Network(httpx2.AsyncBaseTransport):
    """The network as an issuer's documents: address → status, content. `asked` is every address that was asked."""

    documents: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    asked: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = str(request.url)
        self.asked.append(url)
        await asyncio.sleep(self.delay)
        if url not in self.documents:
            raise httpx2.ConnectError("nobody is there")
        status, content = self.documents[url]
        return httpx2.Response(status, stream=httpx2.ByteStream(content), headers=self.headers)

    def publish(self, *keys: Any, name: str = NAME, at: str | None = None, **changed: Any) -> None:
        """The discovery and the key document of an issuer, which may be found `at` another address."""
        place = at or name
        document = {"issuer": name, "jwks_uri": f"{name}/keys"} | changed
        self.documents[f"{place}/.well-known/openid-configuration"] = (200, json.dumps(document).encode())
        jwks = [key if isinstance(key, dict) else public(key) for key in keys or (RSA, *CURVES.values())]
        self.documents[f"{place}/keys"] = (200, json.dumps({"keys": jwks}).encode())


@dataclass
class Served:
    """An issuer over TLS on this machine: its address, the authority that vouches for it, and how slow it is.

    It is `name`, and under the path `/github` it plays the part of GitHub.
    """

    name: str
    ca: Path
    pause: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)


GITHUB = "https://token.actions.githubusercontent.com"


@contextlib.contextmanager
def serving(directory: Path) -> Generator[Served]:
    """The issuer, until the block ends."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.ended.wait(served.pause)
            name = GITHUB if self.path.startswith("/github/") else served.name
            keys = {"keys": [public(RSA)]}
            shown = keys if self.path.endswith("/keys") else {"issuer": name, "jwks_uri": f"{name}/github/keys"}
            content = json.dumps(shown).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Who hangs up in the middle of an answer is no accident here."""

    certificate = ensure_server_certificate(directory, {"localhost"}, now=datetime.now(UTC))
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(certificate.certificate, certificate.key)
    server = Server(("127.0.0.1", 0), Answers)
    server.socket = trust.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    served = Served(f"https://localhost:{server.server_port}", certificate.ca)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
