"""One Starlette route that answers with the bytes of a file, in the server and over the TLS that the tenant has.

python bare_starlette.py PORT CERTIFICATE KEY BODY
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from granian.constants import Interfaces, SSLProtocols
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

port, certificate, key, body = sys.argv[1:]
content = Path(body).read_bytes()


async def answer(_: Request) -> Response:
    """The same for everybody."""
    return Response(content, media_type="application/json")


asyncio.run(
    Server(
        Starlette(routes=[Route("/v1.0/applications/{key}", answer)]),
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.ASGINL,
        websockets=False,
        ssl_cert=Path(certificate),
        ssl_key=Path(key),
        ssl_protocol_min=SSLProtocols.tls12,
        log_level=LogLevels.error,
    ).serve()
)
