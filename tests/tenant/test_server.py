"""A real server in a process of its own: TLS, its connection file, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from unsecret.errors import Conflict, Invalid
from unsecret.tenant.bounded_requests import bounded
from unsecret.tenant.server import LONGEST_HEADERS, claim, running

SERVER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from unsecret.tenant.pki import ensure_server_certificate
from unsecret.tenant.server import announced, claim, serve
from unsecret.tenant.settings import server_settings

async def quick(request):
    return PlainTextResponse(request.url.scheme + " " + request.scope["http_version"])

async def slow(request):
    print("slow", flush=True)
    await asyncio.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse("done")

async def echo(request):
    return PlainTextResponse(str(len(await request.body())))

app = Starlette(routes=[Route("/", quick), Route("/slow", slow), Route("/echo", echo, methods=["POST"])])
data, host, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with claim(data, host=host, port=port) as place:
    settings = server_settings(data, host=host, port=place.port)
    certificate = ensure_server_certificate(data, settings.hosts, now=datetime.now(UTC))
    with announced(place, settings, certificate, tenant_id="t", client_id="c") as connection:
        serve(app, place, certificate, on_ready=lambda: print("ready", connection.graph, flush=True))
print("stopped", flush=True)
"""
PATIENCE = 30.0


@dataclass
class Running:
    """The server, once it has said that it is ready."""

    process: subprocess.Popen[str]
    data: Path

    @property
    def connection(self) -> dict[str, Any]:
        return json.loads((self.data / "connection.json").read_text())

    @property
    def port(self) -> int:
        return int(self.connection["graph"].rpartition(":")[2])

    def client(self, **options: Any) -> httpx2.Client:
        trust = ssl.create_default_context(cafile=self.data / "ca.pem")
        base = f"https://localhost:{self.port}"
        return httpx2.Client(base_url=base, verify=trust, trust_env=False, timeout=PATIENCE, **options)

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code, and the rest of what it said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@contextlib.contextmanager
def _server(data: Path, host: str = "127.0.0.1", port: int = 0) -> Generator[Running]:
    command = [sys.executable, "-c", SERVER, str(data), host, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        server = Running(process, data)
        try:
            said = server.line()
            if not said.startswith("ready "):
                raise AssertionError(f"{said}\n{process.communicate()[1]}")
            yield server
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with _server(tmp_path_factory.mktemp("server") / "data") as running_server:
        yield running_server


# -- while it runs ------------------------------------------------------------------------------------------------


def test_it_is_reached_over_tls_by_everyone_who_trusts_its_authority(server: Running):
    with server.client() as client:
        assert client.get("/").text == "https 1.1"
    with pytest.raises(httpx2.ConnectError), httpx2.Client(trust_env=False) as stranger:
        stranger.get(f"https://localhost:{server.port}/")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "graph.microsoft.com", "login.microsoftonline.com"])
def test_its_certificate_is_good_for_every_name(server: Running, name: str):
    trust = ssl.create_default_context(cafile=server.data / "ca.pem")
    with (
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as plain,
        trust.wrap_socket(plain, server_hostname=name) as secured,
    ):
        assert secured.version() in ("TLSv1.2", "TLSv1.3")


def test_the_connection_file_says_how_to_reach_it_to_its_owner_only(server: Running):
    connection = server.connection
    assert connection == {
        "tenant_id": "t",
        "authority": f"https://localhost:{server.port}",
        "graph": f"https://localhost:{server.port}",
        "ca": str(server.data / "ca.pem"),
        "client_id": "c",
        "certificate": str(server.data / "administrator.pem"),
        "pid": server.process.pid,
    }
    assert stat.S_IMODE((server.data / "connection.json").stat().st_mode) == 0o600
    now_running = running(server.data)
    assert now_running is not None
    assert now_running.pid == server.process.pid


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_of_today_is_spoken(server: Running, version: ssl.TLSVersion):
    trust = ssl.create_default_context(cafile=server.data / "ca.pem")
    trust.minimum_version = trust.maximum_version = version
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as plain:
        trust.wrap_socket(plain, server_hostname="localhost").close()


def test_nothing_is_answered_without_tls(server: Running):
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP" not in plain.recv(1000)


def test_a_connection_serves_many_requests(server: Running):
    with server.client() as client:
        assert [client.get("/").status_code for _ in range(20)] == [200] * 20
        assert client.post("/echo", content=b"x" * 1_000_000).text == "1000000"


def test_headers_beyond_the_limit_are_refused_and_shorter_ones_are_not(server: Running):
    with server.client() as client:
        assert client.get("/", headers={"X-Long": "x" * (LONGEST_HEADERS // 2)}).status_code == 200
        with contextlib.suppress(httpx2.TransportError):  # it may hang up before all of them were sent
            assert client.get("/", headers={"X-Long": "x" * LONGEST_HEADERS}).status_code == 431


# -- taking the place ---------------------------------------------------------------------------------------------


def test_a_port_in_use_is_named_and_nothing_is_written(server: Running, tmp_path: Path):
    with pytest.raises(Conflict, match=f"Port {server.port} on 127.0.0.1 is in use.*--port") as refused:
        claim(tmp_path / "new", host="127.0.0.1", port=server.port).__enter__()
    assert refused.value.code == "PortInUse"
    assert not (tmp_path / "new").exists()


def test_a_port_that_somebody_listens_on_is_in_use(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Conflict, match="in use"), claim(tmp_path / "new", host="127.0.0.1", port=port):
            pass


def test_a_directory_is_served_once(server: Running):
    with pytest.raises(Conflict, match=r"running on .* already"), claim(server.data, host="127.0.0.1", port=0):
        pass
    assert server.connection["pid"] == server.process.pid


def test_a_claim_ends_with_its_block(tmp_path: Path):
    with claim(tmp_path, host="127.0.0.1", port=0) as first:
        assert first.port > 0
        with pytest.raises(Conflict), claim(tmp_path, host="127.0.0.1", port=0):
            pass
    with claim(tmp_path, host="127.0.0.1", port=first.port) as second:
        assert second == first


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("no such host", 0),
        ("", 70_000),
        ("127.0.0.1", 70_000),
        ("127.0.0.1", -1),
        ("192.0.2.1", 0),
        ("ä" * 100, 0),
    ],
)
def test_what_cannot_be_listened_on_is_refused(tmp_path: Path, host: str, port: int):
    with pytest.raises(Invalid), claim(tmp_path / "new", host=host, port=port):
        pass
    assert not (tmp_path / "new").exists()


def test_a_file_is_no_data_directory(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Invalid, match="cannot be made a directory"), claim(tmp_path / "file", host="127.0.0.1", port=0):
        pass


# -- the end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals):
    with _server(tmp_path / "data") as server:
        with server.client() as client:  # a kept connection does not hold it up
            assert client.get("/").status_code == 200
            code, out, err = server.stop(number)
        assert (code, out, err) == (0, "stopped\n", "")
        assert not (server.data / "connection.json").exists()
        assert running(server.data) is None


def test_a_request_in_flight_is_answered_before_the_end(tmp_path: Path):
    with _server(tmp_path / "data") as server, server.client() as client:
        answers: list[str] = []
        asking = threading.Thread(target=lambda: answers.append(client.get("/slow?seconds=0.5").text))
        asking.start()
        assert server.line() == "slow"
        code, _, err = server.stop()
        asking.join(PATIENCE)
        assert answers == ["done"]
        assert (code, err) == (0, "")


def test_a_second_signal_does_not_wait(tmp_path: Path):
    with _server(tmp_path / "data") as server, server.client() as client:

        def ask() -> None:
            with contextlib.suppress(httpx2.TransportError):
                client.get("/slow?seconds=25")

        asking = threading.Thread(target=ask)
        asking.start()
        assert server.line() == "slow"
        begun = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert server.process.poll() is None
        ended = server.stop(signal.SIGINT)
        asking.join(PATIENCE)
        assert ended == (0, "stopped\n", "")
        assert time.monotonic() - begun < 15


def test_a_server_that_was_killed_leaves_nothing_that_stands_in_the_way(tmp_path: Path):
    with _server(tmp_path / "data") as server:
        port = server.port
        server.process.kill()
        server.process.wait(PATIENCE)
        assert running(server.data) is None
    with _server(tmp_path / "data", port=port) as again:
        assert again.port == port
        with again.client() as client:
            assert client.get("/").status_code == 200
        assert again.stop()[0] == 0


def test_it_is_one_process_and_leaves_none_behind(tmp_path: Path):
    with _server(tmp_path / "data") as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        if children.exists():
            assert children.read_text() == ""
        assert os.getpgid(server.process.pid) == os.getpgid(0)
        assert server.stop()[0] == 0


@pytest.mark.parametrize("data", ["nowhere", "empty"])
def test_where_nothing_runs_nothing_is_running(tmp_path: Path, data: str):
    (tmp_path / "empty").mkdir()
    assert running(tmp_path / data) is None


# -- bodies that do not come --------------------------------------------------------------------------------------


async def _call(app, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.sleep(PATIENCE)
        return {"type": "http.disconnect"}

    async def send(message) -> None:
        sent.append(message)

    in_flight: set[asyncio.Task[Any]] = set()
    await bounded(app, in_flight, body_within=0.05)({"type": "http"}, receive, send)
    assert not in_flight
    return sent


def _part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def _reading(scope, receive, send) -> None:
    """Reads the body, and says what came of it."""
    try:
        while (await receive()).get("more_body"):
            pass
    except Invalid as late:
        await send({"late": late.message})
    else:
        await send({"late": None})


@pytest.mark.parametrize("messages", [[], [_part(b"a", more=True)]], ids=["nothing", "a part"])
def test_a_body_that_does_not_come_is_given_up(messages: list[dict[str, Any]]):
    (answer,) = asyncio.run(_call(_reading, messages))
    assert answer["late"] == "The request's body did not arrive within 0.05 seconds."


def test_a_body_that_comes_is_read():
    parts = [_part(b"a", more=True), _part(b"b", more=False)]
    assert asyncio.run(_call(_reading, parts)) == [{"late": None}]


def test_waiting_for_the_client_to_hang_up_is_not_limited():
    async def waiting(scope, receive, send) -> None:
        await _reading(scope, receive, send)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(receive(), 0.1)
            await send({"late": "hung up"})

    assert asyncio.run(_call(waiting, [_part(b"", more=False)])) == [{"late": None}]


def test_a_request_that_is_given_up_ends_quietly():
    async def cancelled(scope, receive, send) -> None:
        raise asyncio.CancelledError

    assert asyncio.run(_call(cancelled, [])) == []
