"""A process that answers as a large tenant would that is far away.

`python -m bench.canned_tenant APPLICATIONS PRINCIPALS` prints its address, and serves until it is killed.
"""

from __future__ import annotations

import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from tests.operate.canned import Canned, Reply

AWAY = 0.150
"""Seconds until an answer begins."""

THROTTLED = 0.02
BUSY: Reply = (429, {"Retry-After": "1"}, b'{"error": {"code": "TooManyRequests", "message": "Please retry."}}')


def serve(canned: Canned) -> None:
    """Serve on a free port, for ever."""
    chance, one_at_a_time = random.Random(7), Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answered()

        def do_POST(self) -> None:
            self._answered()

        def _answered(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            time.sleep(AWAY)
            with one_at_a_time:
                busy = chance.random() < THROTTLED
            status, headers, content = BUSY if busy else canned.answer(self.command, self.path, body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    canned.base = f"http://127.0.0.1:{server.server_port}"
    print(canned.base, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(Canned(applications=int(sys.argv[1]), principals=int(sys.argv[2])))
