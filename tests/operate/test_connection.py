"""Finding the tenant that a command speaks to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unsecret.errors import Invalid, NotFound
from unsecret.operate.graph.connection import last_started, read_connection, remember_started, server_directory

WRITTEN = {
    "tenant_id": "11111111-2222-3333-4444-555555555555",
    "authority": "https://localhost:8443/",
    "graph": "https://localhost:8443",
    "ca": "ca.pem",
    "client_id": "aaaaaaaa-0000-0000-0000-000000000001",
    "certificate": "administrator.pem",
}


def tenant_in(directory: Path, **changed: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "connection.json").write_text(json.dumps({**WRITTEN, **changed}))
    return directory


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    connection = read_connection(tenant_in(tmp_path))
    assert connection.ca == tmp_path / "ca.pem"
    assert connection.certificate == tmp_path / "administrator.pem"
    assert connection.authority == "https://localhost:8443"


def test_an_added_tenant_shares_the_authority_of_its_server(tmp_path: Path) -> None:
    data = tenant_in(tmp_path / "tenants" / WRITTEN["tenant_id"], ca="../../ca.pem")
    connection = read_connection(data)
    assert connection.ca.resolve() == tmp_path / "ca.pem"
    assert connection.server_data == tmp_path


def test_a_directory_that_is_only_named_like_one_of_ours_is_a_servers_own(tmp_path: Path) -> None:
    data = tmp_path / "tenants" / "rehearsal"
    assert server_directory(data) == data


def test_a_directory_where_none_is_running_says_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refusal:
        read_connection(tmp_path)
    assert refusal.value.hint == f"Start it: unsecret up --data {tmp_path}"


def test_a_server_is_started_again_with_the_database_that_it_had(tmp_path: Path) -> None:
    (tmp_path / "started.json").write_text('{"database": "postgresql://db.example/unsecret"}')
    for data in (tmp_path, tmp_path / "tenants" / WRITTEN["tenant_id"]):
        with pytest.raises(NotFound) as refusal:
            read_connection(data)
        command = f"unsecret up --data {tmp_path} --database postgresql://db.example/unsecret"
        assert refusal.value.hint == f"Start it: {command}"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tenant_id": 1}', "{}"])
def test_a_file_that_says_nothing_useful_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "connection.json").write_text(text)
    with pytest.raises(Invalid, match=r"connection\.json cannot be read"):
        read_connection(tmp_path)


def test_the_tenant_started_last_is_remembered(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert last_started(state) is None
    remember_started(state, tmp_path / "one")
    remember_started(state, tmp_path / "two")
    assert last_started(state) == tmp_path / "two"


def test_a_broken_note_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "last-started.json").write_text("…")
    assert last_started(tmp_path) is None
