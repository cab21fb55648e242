"""`unsecret forecast` as a person and as a script see it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.operate.test_forecast import STATE
from tests.snapshots import snapshot_of
from unsecret.cli.app import run


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(snapshot_of(tmp_path_factory.mktemp("forecast") / "tenant.unsecret", STATE))


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert run(["forecast", *words]) == code
    return capsys.readouterr().out


def test_a_table_tells_the_day_the_refusal_and_whom_to_tell(capsys: pytest.CaptureFixture[str], file: str) -> None:
    lines = said(capsys, "--snapshot", file, "--block").splitlines()
    assert any(
        "2 of them could not renew it as it is (0 seen in use, 2 not seen, 0 not known)" in line for line in lines
    )
    [row] = [line for line in lines if line.startswith("on its own")]
    assert "2026-12-27" in row
    assert "refused by the tenant default (new secrets)" in row
    [row] = [line for line in lines if line.startswith("exempt")]
    assert "allowed (exempt until 2027-03-31)" in row
    assert any(line.startswith("both") and "maria@x" in line for line in lines)
    assert any(line.startswith("federated") and "never (federated)" in line for line in lines)


def test_json_says_it_for_every_scenario(capsys: pytest.CaptureFixture[str], file: str) -> None:
    answer = json.loads(said(capsys, "--snapshot", file, "--block", "--profile", "cisa", "-o", "json"))
    assert [one["scenario"] for one in answer["scenarios"]] == ["cisa", "block new secrets"]
    assert [one["cannot_renew"] for one in answer["scenarios"]] == [3, 2]
    assert {one["display_name"] for one in answer["scenarios"][0]["listed"]} >= {"both", "over"}


def test_csv_has_a_row_for_each_application(capsys: pytest.CaptureFixture[str], file: str) -> None:
    head, *rows = csv.reader(io.StringIO(said(capsys, "--snapshot", file, "--block", "-o", "csv")))
    assert head[:3] == ["application", "last_credential_ends", "which"]
    assert len(rows) == 12


def test_a_query_and_what_is_chosen(capsys: pytest.CaptureFixture[str], file: str) -> None:
    query = "scenarios[0].listed[].display_name"
    words = ("--snapshot", file, "--block", "--within", "40d", "--query", query)
    assert json.loads(said(capsys, *words)) == ["on its own", "exempt"]
    assert json.loads(said(capsys, *words, "--top", "1")) == ["on its own"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--block", "--fail-within", "35d"), 3),
        (("--block", "--fail-within", "P34D"), 0),
        (("--block", "--fail-within", "35d", "--exempt", "on its own"), 0),
        (("--fail-within", "999d"), 0),
        (("--block", "--now", "2026-11-25", "--fail-within", "32d"), 0),
        (("--block", "--now", "2026-11-25", "--fail-within", "33d"), 3),
        (("--exempt", "nobody"), 1),
        (("--policy", "absent.toml"), 1),
    ],
)
def test_the_exit_code_is_for_scripts(
    capsys: pytest.CaptureFixture[str], file: str, words: tuple[str, ...], code: int
) -> None:
    said(capsys, "--snapshot", file, *words, code=code)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no file"),
        ("directory", "cannot be read: Is a directory."),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_policy_file_that_cannot_be_read_is_told_why(
    capsys: pytest.CaptureFixture[str], file: str, tmp_path: Path, content: str | bytes | None, words: str
) -> None:
    path = tmp_path / "policies.toml"
    if content == "directory":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    assert run(["forecast", "--snapshot", file, "--policy", str(path)]) == 1
    problem = capsys.readouterr().err
    assert words in problem
    assert "Errno" not in problem


def test_the_page_draws_every_scenario_and_runs_nothing(
    capsys: pytest.CaptureFixture[str], file: str, tmp_path: Path
) -> None:
    page = tmp_path / "forecast.html"
    said(capsys, "--snapshot", file, "--block", "--profile", "cis", "-o", "html", "--output-file", str(page))
    text = page.read_text()
    assert text.count("<svg") == 2
    assert text.count('class="refused" x=') >= 1
    assert "<script" not in text
    assert "1 more loses its last credential later." in text
    assert "vendor&#39;s" not in text  # whose credentials are elsewhere is not listed unless asked for


def test_an_empty_tenant_has_a_forecast(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    empty = snapshot_of(tmp_path / "empty", {}, missing={"owners": "not permitted"})
    for form in ("table", "md", "html", "csv", "json"):
        assert said(capsys, "--snapshot", str(empty), "-o", form)
    assert "Not known – owners: not permitted" in said(capsys, "--snapshot", str(empty))
