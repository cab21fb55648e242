"""One answer in every form."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from unsecret.cli.answers import Answer, Sheet, put, queried, write_file
from unsecret.errors import Invalid, Unavailable

NASTY = '=cmd|"/c calc"!A1 <script>alert(1)</script> | *bold* \x1b[31m'
FOUND = Answer(
    title="Applications",
    content={"applications": [{"name": NASTY, "secrets": 2}]},
    sheets=(
        Sheet(title="All", columns=("NAME", "SECRETS", "IN USE"), rows=[(NASTY, 2, True), ("Quiet", None, False)]),
        Sheet(title="Muted", columns=("NAME",), rows=[], empty="Nothing is muted."),
    ),
    facts=("As of today.",),
    notes=("Not known: usage.",),
)


def printed(capsys: pytest.CaptureFixture[str], output: str) -> str:
    put(FOUND, output=output)
    return capsys.readouterr().out


def test_a_table_says_facts_rows_and_notes(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "table")
    assert said.startswith("As of today.\n")
    assert "Nothing is muted." in said
    assert "Quiet" in said
    assert said.endswith("Not known: usage.\n")


@pytest.mark.parametrize("output", ["table", "csv", "md", "html"])
def test_nothing_in_a_name_steers_a_terminal(capsys: pytest.CaptureFixture[str], output: str) -> None:
    assert "\x1b" not in printed(capsys, output)


def test_a_name_begins_no_line_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    name = "Quiet\nPayroll   high"
    sheet = Sheet(title="All", columns=("NAME", "RISK"), rows=[(name, "low")])
    put(Answer(title="a", content={}, sheets=(sheet,), facts=(name,), notes=(name,)), output="table")
    assert not [line for line in capsys.readouterr().out.splitlines() if line.startswith("Payroll")]


def test_json_says_what_the_tenant_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(printed(capsys, "json")) == FOUND.content


def test_csv_is_the_first_sheet_and_no_cell_begins_a_formula(capsys: pytest.CaptureFixture[str]) -> None:
    head, first, second = csv.reader(io.StringIO(printed(capsys, "csv")))
    assert head == ["name", "secrets", "in_use"]
    assert first[0].startswith("'=cmd")
    assert second == ["Quiet", "", "no"]


@pytest.mark.parametrize("first", ["=", "@", "\n=", "\N{FULLWIDTH EQUALS SIGN}"])
def test_whatever_begins_a_formula_is_text_to_a_spreadsheet(capsys: pytest.CaptureFixture[str], first: str) -> None:
    put(Answer(title="a", content={}, sheets=(Sheet("All", ("NAME",), [(f"{first}1+1",)]),)), output="csv")
    _, (cell,) = csv.reader(io.StringIO(capsys.readouterr().out))
    assert cell.startswith("'")


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("Payroll;=1+1", "Payroll;'=1+1"),
        ('Payroll;"@A1"', 'Payroll;\'"@A1"'),
        ("Payroll\n+1", "Payroll\n'+1"),
        ("Payroll; and -more-", "Payroll; and -more-"),
    ],
)
def test_no_formula_begins_where_a_semicolon_ends_a_cell(
    capsys: pytest.CaptureFixture[str], name: str, cell: str
) -> None:
    put(Answer(title="a", content={}, sheets=(Sheet("All", ("NAME",), [(name,)]),)), output="csv")
    assert list(csv.reader(io.StringIO(capsys.readouterr().out)))[1] == [cell]


def test_markdown_keeps_its_columns_whatever_a_name_holds(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [line for line in printed(capsys, "md").splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {4}
    assert "<script>" not in "".join(rows)


def test_a_page_stands_by_itself_and_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(capsys, "html")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


def test_a_page_keeps_dates_whole_folds_addresses_where_parts_meet_and_marks_what_is_bad(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [("until 2026-12-02", "maria@contoso.<b>.example.com", "high 86", "–", "unsecret block")]
    sheet = Sheet(title="All", columns=("SECRETS", "OWNERS", "RISK", "FEDERATED", "MEND WITH"), rows=rows)
    put(Answer(title="Page", content={}, sheets=(sheet,)), output="html")
    page = capsys.readouterr().out
    assert '<span>until <span class="whole">2026-12-02</span></span>' in page
    assert "maria@<wbr>contoso.&lt;b&gt;.<wbr>example.<wbr>com" in page
    assert '<td role="cell" data-head="RISK" class="alarm">' in page
    assert '<td role="cell" data-head="FEDERATED" class="nothing">' in page
    assert "<code>unsecret block</code>" in page
    assert '<th role="columnheader" scope="col">RISK</th>' in page
    assert 'role="region" aria-label="All" tabindex="0"' in page


def test_a_query_is_jmespath_over_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    put(FOUND, output="table", query="applications[?secrets > `1`].secrets")
    assert json.loads(capsys.readouterr().out) == [2]
    put(FOUND, output="table", query="no_such_member")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("null\n", "note: --query finds nothing; -o json shows what there is.\n")


def test_a_query_that_cannot_be_understood_is_refused() -> None:
    with pytest.raises(Invalid, match="--query"):
        queried({}, "applications[")


@pytest.mark.parametrize("output", ["table", "json", "csv", "md", "html"])
def test_a_file_is_for_its_owner_only(tmp_path: Path, output: str) -> None:
    put(FOUND, output=output, file=tmp_path / "report")
    assert (tmp_path / "report").stat().st_mode & 0o777 == 0o600
    assert "Quiet" in (tmp_path / "report").read_text() or output == "json"
    assert [one.name for one in tmp_path.iterdir()] == ["report"]


def test_a_file_that_cannot_be_written_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be written"):
        put(FOUND, output="md", file=tmp_path / "nowhere" / "report")


def test_a_link_that_lies_where_a_file_is_made_leads_nowhere(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / ".report.new").symlink_to(precious)
    write_file(tmp_path / "report", "answer")
    assert (precious.read_text(), (tmp_path / "report").read_text()) == ("kept", "answer")
    assert (tmp_path / "report").stat().st_mode & 0o777 == 0o600


def test_a_query_that_nests_without_end_is_refused_in_plain_words() -> None:
    with pytest.raises(Invalid, match="nested too deeply"):
        queried({"a": 1}, "[" * 3000)
