"""Our side: a tenant that runs as people run it, and what the loads need in it."""

from __future__ import annotations

import base64
import contextlib
import sqlite3
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey

from bench.load import Subject, prepare
from bench.servers import Server
from tests.clients.administrator import Administrator
from tests.clients.certificates import make_certificate
from tests.running_tenant import EACH_ANSWER_COUNTS, RunningTenant

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Tenant:
    """A running tenant and its administrator."""

    running: RunningTenant
    administrator: Administrator
    folder: Path

    @property
    def server(self) -> Server:
        return Server(self.running.process.pid)

    @property
    def authority(self) -> str:
        """Where its tokens are issued, with the tenant's id."""
        return f"{self.running.authority}/{self.running.tenant_id}"

    @property
    def token_path(self) -> str:
        return f"/{self.running.tenant_id}/oauth2/v2.0/token"

    def subject(self, name: str, requests: Iterable[tuple[str, str, str]], *, json: bool = True) -> Subject:
        """Load for this tenant: Graph's JSON as the administrator, or forms for the token endpoint."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.administrator.token}"}
        headers = headers if json else {"Content-Type": "application/x-www-form-urlencoded"}
        return Subject(self.server, self.running.graph, prepare(self.folder, name, requests, headers))

    def rows(self, question: str) -> int:
        """A count, asked of the database itself: what is found there is what is durable."""
        with contextlib.closing(
            sqlite3.connect(f"file:{self.running.data}/directory.sqlite?mode=ro", uri=True)
        ) as conn:
            return conn.execute(question).fetchone()[0]

    def tokens_by_secret(self) -> Subject:
        """Sign-ins of one application that holds one permission, with its secret."""
        app = self.administrator.register("secret", "User.Read.All")
        form = self._form(app.app_id) | {"client_secret": self.administrator.add_password(app)}
        return self.subject("our-secret", [("POST", self.token_path, urlencode(form))], json=False)

    def tokens_by_certificate(self, count: int) -> Subject:
        """The same with its certificate: `count` statements, each signed for itself."""
        app = self.administrator.register("certificate", "User.Read.All")
        certificate = make_certificate(self.folder, "ours")
        self.administrator.add_certificate(app, certificate)
        signer = Statements(RSAKey.import_key(certificate.private_key), {"x5t": thumbprint(certificate.thumbprint)})
        audience = f"{self.running.authority}{self.token_path}"
        forms = (
            urlencode(self._form(app.app_id) | statement) for statement in signer.sign(app.app_id, audience, count)
        )
        return self.subject("our-certificate", [("POST", self.token_path, form) for form in forms], json=False)

    def _form(self, app_id: str) -> dict[str, str]:
        scope = f"{self.running.graph}/.default"
        return {"grant_type": "client_credentials", "scope": scope, "client_id": app_id}


@dataclass(frozen=True)
class Statements:
    """Client assertions, each with an id of its own."""

    key: RSAKey
    header: dict[str, str]

    def sign(self, client_id: str, audience: str, count: int) -> Generator[dict[str, str]]:
        """As the form fields that carry them."""
        for _ in range(count):
            now = int(time.time())
            claims = {"iss": client_id, "sub": client_id, "aud": audience, "jti": str(uuid.uuid4()), "iat": now}
            text = jwt.encode({"alg": "RS256"} | self.header, claims | {"nbf": now, "exp": now + 1800}, self.key)
            yield {"client_assertion_type": JWT_BEARER, "client_assertion": text}


def thumbprint(hexadecimal: str) -> str:
    """A certificate's SHA-1 as JOSE headers carry it."""
    return base64.urlsafe_b64encode(bytes.fromhex(hexadecimal)).decode().rstrip("=")


@contextlib.contextmanager
def tenant(folder: Path, *arguments: str, data: Path | None = None) -> Generator[Tenant]:
    """A tenant in `folder`, or on `data`, until the block ends."""
    with (
        RunningTenant.start(data or folder / "data", *arguments, mischief=EACH_ANSWER_COUNTS) as running,
        contextlib.closing(Administrator(running)) as administrator,
    ):
        yield Tenant(running, administrator, folder)
