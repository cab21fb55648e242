"""The proxy that answers for Microsoft's hosts: whom it connects, whom it refuses, and what it bears."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Generator
from typing import Any

import pytest

from unsecret.errors import Conflict, Invalid
from unsecret.tenant.interception import LONGEST_HEAD, Limits, intercepting
from unsecret.tenant.settings import MICROSOFT_HOSTS

PATIENCE = 20.0
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Echo(socketserver.StreamRequestHandler):
    """Says back what it hears until the other side has said all, and then goodbye."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionResetError):
            while heard := self.request.recv(65536):
                self.request.sendall(heard)
            self.request.sendall(b"goodbye")


@pytest.fixture(scope="module")
def behind() -> Generator[int]:
    """The port of what stands where a tenant would."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def proxied(port: int, **limits: Any) -> Generator[tuple[str, int]]:
    """Where the proxy is to be reached."""
    with intercepting("127.0.0.1", 0, to=("127.0.0.1", port), limits=Limits(**limits)) as url:
        assert url.startswith("http://127.0.0.1:")
        yield "127.0.0.1", int(url.rpartition(":")[2])


@pytest.fixture(scope="module")
def proxy(behind: int) -> Generator[tuple[str, int]]:
    with proxied(behind) as where:
        yield where


def connected(proxy: tuple[str, int]) -> socket.socket:
    return socket.create_connection(proxy, PATIENCE)


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side ends; a reset is an end, too."""
    heard = b""
    with contextlib.suppress(ConnectionResetError):
        while more := connection.recv(65536):
            heard += more
    return heard


def answer_to(proxy: tuple[str, int], request: bytes) -> bytes:
    with connected(proxy) as connection:
        connection.sendall(request)
        return all_of(connection)


def tunnel(proxy: tuple[str, int], host: str = "graph.microsoft.com:443") -> socket.socket:
    connection = connected(proxy)
    connection.sendall(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert connection.recv(len(ESTABLISHED), socket.MSG_WAITALL) == ESTABLISHED
    return connection


@pytest.mark.parametrize("host", [*sorted(MICROSOFT_HOSTS), "GRAPH.Microsoft.com", "graph.microsoft.com."])
def test_microsofts_hosts_lead_to_the_tenant(proxy: tuple[str, int], host: str) -> None:
    with tunnel(proxy, f"{host}:443") as connection:
        connection.sendall(b"hello")
        assert connection.recv(5, socket.MSG_WAITALL) == b"hello"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_a_client_that_asks_its_proxy_for_everything_gets_to_the_tenant(
    proxy: tuple[str, int], behind: int, name: str
) -> None:
    tunnel(proxy, f"{name}:{behind}").close()


def test_a_tunnel_carries_much_both_ways_and_ends_one_way_at_a_time(proxy: tuple[str, int]) -> None:
    sent = bytes(range(256)) * 20_000
    with tunnel(proxy) as connection:
        sending = threading.Thread(target=lambda: (connection.sendall(sent), connection.shutdown(socket.SHUT_WR)))
        sending.start()
        assert all_of(connection) == sent + b"goodbye"
        sending.join()


@pytest.mark.parametrize(
    "host",
    [
        "example.com:443",
        "graph.microsoft.us:443",
        "graph.microsoft.com.example.com:443",
        "graph.microsoft.com:80",
        "graph.microsoft.com:22",
        "localhost:22",
        "169.254.169.254:80",
        "[::ffff:127.0.0.1]:443",
    ],
)
def test_everything_else_is_refused_by_name_and_at_once(proxy: tuple[str, int], host: str) -> None:
    said = answer_to(proxy, f"CONNECT {host} HTTP/1.1\r\n\r\n".encode())

    assert said.startswith(
        f"HTTP/1.1 403 unsecret does not answer for {host.replace('[', '').replace(']', '')}".encode()
    )
    assert b"NO_PROXY" in said


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET http://graph.microsoft.com/v1.0/me HTTP/1.1",
        b"GET / HTTP/1.1",
        b"CONNECT graph.microsoft.com HTTP/1.1",
        b"CONNECT graph.microsoft.com:443 HTTP/2",
        b"CONNECT evil\x00host:443 HTTP/1.1",
        b"CONNECT a b:443 HTTP/1.1",
        b"CONNECT " + b"a" * 254 + b":443 HTTP/1.1",
        b"\x16\x03\x01 TLS",
        b"",
    ],
)
def test_what_is_no_connect_is_told_what_this_is(proxy: tuple[str, int], request_line: bytes) -> None:
    said = answer_to(proxy, request_line + b"\r\nHost: x\r\n\r\n")

    assert said.startswith(b"HTTP/1.1 501 ")
    assert b"set it as HTTPS_PROXY" in said


def test_headers_are_bounded(proxy: tuple[str, int]) -> None:
    request = b"CONNECT graph.microsoft.com:443 HTTP/1.1\r\nX: " + b"x" * (2 * LONGEST_HEAD)
    said = answer_to(proxy, request)
    assert said == b"" or said.startswith(b"HTTP/1.1 431 ")  # it may hang up before all of it was sent
    tunnel(proxy).close()


def test_headers_that_do_not_arrive_are_not_waited_for(behind: int) -> None:
    with proxied(behind, head_within=0.05) as proxy:
        assert answer_to(proxy, b"CONNECT graph").startswith(b"HTTP/1.1 408 ")


def test_a_client_that_hangs_up_at_once_is_no_trouble(proxy: tuple[str, int]) -> None:
    connected(proxy).close()
    tunnel(proxy).close()


def test_a_tunnel_in_which_nothing_moves_is_closed(behind: int) -> None:
    with proxied(behind, idle_for=0.1) as proxy, tunnel(proxy) as connection:
        assert all_of(connection) == b""


def test_connections_are_bounded_and_free_again_once_they_end(behind: int) -> None:
    with proxied(behind, tunnels=2) as proxy:
        with tunnel(proxy), tunnel(proxy):
            assert answer_to(proxy, b"CONNECT graph.microsoft.com:443 HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 503 ")
        deadline = threading.Event()
        for _ in range(200):
            with connected(proxy) as connection:
                connection.sendall(b"CONNECT graph.microsoft.com:443 HTTP/1.1\r\n\r\n")
                if connection.recv(len(ESTABLISHED)).startswith(ESTABLISHED):
                    return
            deadline.wait(0.01)
        pytest.fail("it never took a connection again")


def test_a_tenant_that_is_not_there_is_said_not_to_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    with proxied(nobody) as proxy:
        said = answer_to(proxy, b"CONNECT graph.microsoft.com:443 HTTP/1.1\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 502 ")


def test_it_ends_with_tunnels_open(behind: int) -> None:
    with proxied(behind) as proxy:
        connection = tunnel(proxy)
    with connection:
        assert all_of(connection) == b""
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)


def test_a_port_in_use_names_the_option_that_chooses_another(proxy: tuple[str, int]) -> None:
    with pytest.raises(Conflict, match=r"Choose another with --intercept") as refused:
        intercepting("127.0.0.1", proxy[1], to=("127.0.0.1", 1)).__enter__()
    assert refused.value.code == "PortInUse"
    with pytest.raises(Invalid, match="There is no port 65536"):
        intercepting("127.0.0.1", 65536, to=("127.0.0.1", 1)).__enter__()
