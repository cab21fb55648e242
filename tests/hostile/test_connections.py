"""Slow, silent and greedy clients: each is bounded, and the others are answered meanwhile."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.hostile.sockets import answered, seconds_until_closed, silent, tls
from tests.local_tenant import LocalTenant
from tests.running_tenant import EACH_ANSWER_COUNTS, RunningTenant
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.connection import read_connection
from unsecret.tenant.idle_connections import SILENT_FOR, SPEAKS_WITHIN, Traffic, is_stuck
from unsecret.tenant.server import HEADERS_WITHIN, LONGEST_HEADERS

SILENT = 1500
"""As many as once filled the server."""

SLACK = 6.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    with RunningTenant.start(
        tmp_path_factory.mktemp("connections") / "data", "--empty", mischief=EACH_ANSWER_COUNTS
    ) as server:
        yield server


@pytest.fixture
def port(running: RunningTenant) -> int:
    return int(running.graph.rpartition(":")[2])


def good_client(running: RunningTenant) -> httpx2.Client:
    trust = ssl.create_default_context(cafile=running.ca)
    return httpx2.Client(base_url=running.graph, verify=trust, trust_env=False, timeout=SLACK)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells what is silent on Linux only")
def test_whoever_says_nothing_is_shown_out_and_nobody_waits_for_them(running: RunningTenant, port: int) -> None:
    with silent(port, SILENT) as connections, socket.create_connection(("127.0.0.1", port)) as trickling:
        hello = threading.Thread(target=_trickle, args=(trickling,))
        hello.start()
        with good_client(running) as client:
            assert client.get("/health").status_code == 200  # a new connection, beside all the silent ones
        closed = [seconds_until_closed(one, SPEAKS_WITHIN + SLACK) for one in connections[:: SILENT // 20]]
        assert None not in closed
        assert seconds_until_closed(trickling, SLACK) is not None
        hello.join()


def _trickle(connection: socket.socket) -> None:
    """A first message of TLS that comes byte by byte and never ends."""
    try:
        for byte in b"\x16\x03\x01\x02\x00" + b"\x01" * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.5)
    except OSError:
        pass


@pytest.mark.parametrize(
    ("traffic", "stuck"),
    [
        (Traffic(age=1, silence=1, answered=0), False),
        (Traffic(age=SPEAKS_WITHIN, silence=0, answered=0), True),
        (Traffic(age=SPEAKS_WITHIN, silence=SPEAKS_WITHIN, answered=1), True),
        (Traffic(age=SPEAKS_WITHIN, silence=SPEAKS_WITHIN, answered=2000), False),
        (Traffic(age=1000, silence=HEADERS_WITHIN, answered=2000), False),  # kept open, as granian allows
        (Traffic(age=1000, silence=SILENT_FOR, answered=2000), True),
        (Traffic(age=1000, silence=1, answered=2000, untaken=SILENT_FOR), True),  # an answer that is never read
    ],
)
def test_a_connection_is_stuck_when_nothing_comes_of_it(traffic: Traffic, stuck: bool) -> None:
    assert is_stuck(traffic) is stuck


@pytest.mark.parametrize(
    "headers",
    [b"X-Flood: " + b"a" * 2 * LONGEST_HEADERS, b"\r\n".join(b"X-%d: a" % n for n in range(2000))],
    ids=["long", "many"],
)
def test_a_flood_of_headers_is_refused(running: RunningTenant, port: int, headers: bytes) -> None:
    with tls(port, running.ca) as connection:
        try:
            answer = answered(connection, b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n\r\n")
        except OSError:  # shown out while the rest was still on its way
            answer = b""
        assert answer == b"" or answer.split()[1] == b"431"
    with good_client(running) as client:
        assert client.get("/health").status_code == 200


def test_a_body_of_ten_megabytes_is_refused_unread(running: RunningTenant, port: int) -> None:
    head = (
        f"POST /{running.tenant_id}/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
    )
    with tls(port, running.ca) as announced:
        answer = answered(announced, f"{head}Content-Length: 10000000\r\n\r\n".encode())
    assert b"larger than" in answer
    with tls(port, running.ca) as unannounced:
        unannounced.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        assert _sent_until_refused(unannounced) < 5_000_000


def _sent_until_refused(connection: ssl.SSLSocket) -> int:
    """How much of an endless body is taken."""
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    connection.settimeout(0.2)
    sent = 0
    while sent < 10_000_000:
        try:
            connection.sendall(chunk)
        except OSError:
            return sent
        sent += len(chunk)
    return sent


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "x-nonsense"])
def test_a_compressed_body_is_refused_before_anything_is_unpacked(tenant: LocalTenant, encoding: str) -> None:
    bomb = gzip.compress(json.dumps({"displayName": "a" * 5_000_000}).encode())
    error = tenant.client.post(
        "/v1.0/applications",
        content=bomb,
        headers={
            "Authorization": f"Bearer {tenant.token}",
            "Content-Type": "application/json",
            "Content-Encoding": encoding,
        },
    )
    assert error.status_code == 415
    assert "Content-Encoding" in error.json()["error"]["message"]


def test_a_body_that_says_it_is_not_compressed_is_read(tenant: LocalTenant) -> None:
    tenant.must("POST", "/applications", {"displayName": "plain"}, Content_Encoding="identity")


RAW = {
    "a NUL in a path": b"GET /v1.0/applications/%00 HTTP/1.1",
    "no UTF-8 in a path": b"GET /v1.0/applications/%ff%fe HTTP/1.1",
    "half a surrogate pair in a path": b"GET /v1.0/applications/%ED%A0%80 HTTP/1.1",
    "bytes beyond ASCII in a path": b"GET /v1.0/applications/\xff\xfe HTTP/1.1",
    "a NUL in a query": b"GET /v1.0/applications?$filter=displayName%20eq%20'%00' HTTP/1.1",
    "no UTF-8 in a query": b"GET /v1.0/applications?$filter=displayName%20eq%20'%ff' HTTP/1.1",
    "half a surrogate pair in a query": b"GET /v1.0/applications?$search=%ED%A0%80 HTTP/1.1",
    "a percent sign and no digits": b"GET /v1.0/applications/%zz?$filter=%zz HTTP/1.1",
    "an absolute address": b"GET http://evil.example/v1.0/applications HTTP/1.1",
    "no path": b"OPTIONS * HTTP/1.1",
    "a method that nobody knows": b"BREW /v1.0/applications HTTP/1.1",
    "another version of HTTP": b"GET /v1.0/applications HTTP/3.7",
    "nonsense": b"\x00\x01\x02\x03",
    "a path of dots": b"GET /v1.0/../../etc/passwd HTTP/1.1",
    "a header that is no ASCII": b"GET /v1.0/applications HTTP/1.1\r\nUser-Agent: \xff\xfe\xed\xa0\x80",
    "a request id that is none": b"GET /v1.0/applications HTTP/1.1\r\nclient-request-id: \xff{}%00",
    "two lengths": b"POST /v1.0/applications HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6",
    "a length and chunks": b"POST /v1.0/applications HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
    "a length below nothing": b"POST /v1.0/applications HTTP/1.1\r\nContent-Length: -1",
    "a host that is none": b"GET /v1.0/organization HTTP/1.1\r\nHost: [::1%25]\xff:99999",
}


@pytest.fixture(scope="module")
def bearer(running: RunningTenant) -> bytes:
    with GraphClient(read_connection(running.data)) as client:
        return client._bearer().encode()


@pytest.mark.parametrize("name", RAW)
def test_what_no_library_would_send_is_refused_and_foreseen(
    running: RunningTenant, port: int, bearer: bytes, name: str
) -> None:
    with tls(port, running.ca) as connection:
        head = RAW[name] + b"\r\nAuthorization: Bearer " + bearer + b"\r\nConnection: close\r\n"
        host = b"" if b"Host" in RAW[name] else b"Host: localhost\r\n"
        try:
            answer = answered(connection, head + host + b"\r\n")
        except OSError:
            answer = b""
    assert not answer or int(answer.split()[1]) < 500 or b"501 " in answer[:20], answer
    assert "request failed" not in running.log.read_text()
    with good_client(running) as client:
        assert client.get("/health").status_code == 200
