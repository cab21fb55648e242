"""A route that signs a token and does nothing else, in the server and over the TLS that the tenant has: nobody is
authenticated, nothing is looked up or written down. What it reaches is all that a tenant could reach.

python bare_signing.py PORT CERTIFICATE KEY SIGNING_KEY
"""

from __future__ import annotations

import base64
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from granian import Granian
from granian.constants import Interfaces, Loops, SSLProtocols
from granian.log import LogLevels

WORKERS = 2
PADDING, HASH = PKCS1v15(), SHA256()
SAME = "00000000-0000-0000-0000-000000000000"
HEADERS = [(b"content-type", b"application/json")]


def base64url(content: bytes) -> bytes:
    """Without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def signing(signing_key: str) -> Any:
    """The application of one worker, which signs with the key in this file."""
    private: Any = load_pem_private_key(Path(signing_key).read_bytes(), None)
    header = base64url(json.dumps({"typ": "JWT", "alg": "RS256", "kid": "bare"}).encode())

    async def answer(_scope: Any, receive: Any, send: Any) -> None:
        """Claims that are about as many and as long as a tenant's."""
        await receive()
        starts = int(time.time())
        claims: dict[str, Any] = {"aud": SAME, "iss": f"https://sts.windows.net/{SAME}/", "iat": starts, "nbf": starts}
        claims |= {"exp": starts + 3600, "appid": SAME, "appidacr": "1", "idp": SAME, "oid": SAME, "sub": SAME}
        claims |= {"tid": SAME, "uti": str(uuid.uuid4()), "ver": "1.0", "roles": ["User.Read.All"]}
        signed = header + b"." + base64url(json.dumps(claims).encode())
        token = signed + b"." + base64url(private.sign(signed, PADDING, HASH))
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b'{"token_type":"Bearer","access_token":"%s"}' % token})

    return answer


if __name__ == "__main__":
    port, certificate, key, signing_key = sys.argv[1:]
    server = Granian(
        signing_key,
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.ASGINL,
        workers=WORKERS,
        loop=Loops.uvloop,
        websockets=False,
        ssl_cert=Path(certificate),
        ssl_key=Path(key),
        ssl_protocol_min=SSLProtocols.tls12,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=signing)
