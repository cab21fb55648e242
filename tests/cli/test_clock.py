"""`unsecret up --now` and `unsecret clock`: a tenant with a time of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.guides import blocks_of, come_true
from tests.running_tenant import RunningTenant


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def says(server: RunningTenant, *arguments: str) -> datetime:
    ran = server.run("clock", *arguments)
    assert ran.returncode == 0, ran.stderr
    return datetime.fromisoformat(ran.stdout.strip())


def test_a_tenant_begins_at_any_time_is_moved_and_goes_on_from_there(data: Path) -> None:
    with RunningTenant.start(data, "--empty", "--now", "2019-05-01") as server:
        begun = says(server)
        assert timedelta() <= begun - datetime(2019, 5, 1, tzinfo=UTC) < timedelta(minutes=5)
        assert says(server, "--set", "2020-01-01") == datetime(2020, 1, 1, tzinfo=UTC)
        moved = says(server, "--move", "P4000D")
        assert moved >= datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=4000)
        back = server.run("clock", "--set", "2021-01-01")
        assert back.returncode == 1
        assert "does not go back to 2021-01-01T00:00:00Z" in back.stderr
        assert server.run("block", "--yes").returncode == 0
        (added,) = json.loads(server.run("tenant", "add", "--name", "Other", "--empty", "-o", "json").stdout)
        other = says(server, "--data", added["directory"])
        assert abs(other - datetime.now(UTC)) < timedelta(minutes=5)
        says(server, "--data", added["directory"], "--move", "P4000D")
        assert says(server) < moved + timedelta(minutes=5)
    with RunningTenant.start(data) as again:
        assert says(again) > moved
        assert again.run("status").returncode == 0


def test_setting_the_clock_of_a_tenant_that_is_there_moves_it_forwards_only(data: Path) -> None:
    with RunningTenant.start(data, "--empty") as server:
        refused = server.run("clock")
        assert refused.returncode == 1
        assert "cannot be moved" in refused.stderr
        assert f"unsecret up --data {data} --now now" in refused.stderr
    with pytest.raises(AssertionError, match="does not go back"), RunningTenant.start(data, "--now", "2020-01-01"):
        pass
    with RunningTenant.start(data, "--now", "2099-01-31T10:00:00Z") as later:
        assert says(later).date().isoformat() == "2099-01-31"
        assert json.loads(later.run("clock", "-o", "json").stdout)["now"].startswith("2099-01-31T10:")
        assert "unsecret clock --move" in later.log.read_text()


@pytest.mark.parametrize(("text", "words"), [("soon", "expected a date such as"), ("3000-01-01", "can be set to any")])
def test_an_instant_that_no_clock_can_be_set_to_is_refused_before_anything_is_made(
    data: Path, text: str, words: str
) -> None:
    with pytest.raises(AssertionError, match=words), RunningTenant.start(data, "--now", text):
        pass
    assert not (data / "directory.sqlite").exists()


def test_the_guide_comes_true(tmp_path: Path) -> None:
    """Its blocks run in their order in one shell."""
    printed = come_true((block for _, block in blocks_of("walk-through-a-year.md")), tmp_path)
    counts = [line.split()[-3:] for line in printed.splitlines() if line.startswith("app registrations")]
    assert counts == [["2", "1", "0"], ["2", "1", "1"]]
