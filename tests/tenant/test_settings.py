"""What a server goes by."""

from __future__ import annotations

from pathlib import Path

import pytest

from unsecret.errors import Invalid
from unsecret.tenant.settings import is_own_origin, origin, server_settings

DATA = Path("data")


@pytest.mark.parametrize(
    ("host", "port", "base_url"),
    [
        ("localhost", 8443, "https://localhost:8443"),
        ("127.0.0.1", 8443, "https://localhost:8443"),
        ("::1", 8443, "https://localhost:8443"),
        ("[::1]", 8443, "https://localhost:8443"),
        ("0.0.0.0", 8443, "https://localhost:8443"),
        ("::", 8443, "https://localhost:8443"),
        ("localhost", 443, "https://localhost"),
        ("Tenant.Example", 9000, "https://tenant.example:9000"),
        ("192.168.7.7", 9000, "https://192.168.7.7:9000"),
        ("fe80::1", 9000, "https://[fe80::1]:9000"),
    ],
)
def test_a_server_calls_itself_by_a_name_that_clients_can_reach(host: str, port: int, base_url: str):
    settings = server_settings(DATA, host=host, port=port)
    assert settings.base_url == base_url
    assert {base_url, f"{base_url}/"} <= settings.graph_audiences & settings.arm_audiences


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_every_interface_is_no_name(host: str):
    assert host not in server_settings(DATA, host=host).hosts


def test_a_base_url_of_its_own_is_a_name_too():
    settings = server_settings(DATA, base_url="https://Tenant.Example/")
    assert settings.base_url == "https://tenant.example"
    assert "tenant.example" in settings.hosts
    assert "https://tenant.example/" in settings.graph_audiences
    assert origin("tenant.example", settings) == "https://tenant.example"


@pytest.mark.parametrize(
    "base_url",
    ["http://localhost", "localhost:8443", "https://", "https://a/path", "https://a?b", "https://user@a", "ftp://a"],
)
def test_what_cannot_be_a_base_url_is_refused(base_url: str):
    with pytest.raises(Invalid, match="cannot be the base URL"):
        server_settings(DATA, base_url=base_url)


@pytest.mark.parametrize("host", ["", " ", "a b", "a/b", "a:b:c", "a@b", "ä.example", "a%b", "a?b", "a#b"])
def test_what_is_no_host_is_refused(host: str):
    with pytest.raises(Invalid, match="not a host name or an IP address"):
        server_settings(DATA, host=host)


@pytest.mark.parametrize(
    ("identifier", "own"),
    [
        ("https://localhost:8443", True),
        ("https://localhost:9999/", True),
        ("https://127.0.0.1", True),
        ("https://localhost:8443/api", False),
        ("https://graph.microsoft.com", False),
        ("http://localhost:8443", False),
        ("https://evil.example", False),
        ("https://localhost:0", False),
        ("https://localhost:99999", False),
        ("api://localhost", False),
        ("", False),
    ],
)
def test_a_resource_is_this_server_itself_on_any_port(identifier: str, own: bool):
    assert is_own_origin(identifier, server_settings(DATA)) is own
