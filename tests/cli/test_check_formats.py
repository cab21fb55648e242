"""What `unsecret check` says of a snapshot: each form, exit codes, filters, mutes and profiles from files."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.operate.policies import custom_policy, default_policy, entry, section
from tests.snapshots import snapshot_of
from unsecret.cli.app import run

APP = "00000001-0000-4000-8000-000000000000"
NAME = "<b>Payroll</b> \x1b[31m & =HYPERLINK(1)\ufffe"
Check = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenant with one secret that lives for years, an exemption, and custom policies that could not all be read."""
    secret = {
        "keyId": "00000003-0000-4000-8000-000000000000",
        "startDateTime": "2026-01-01T00:00:00Z",
        "endDateTime": "2028-01-01T00:00:00Z",
    }
    app = {"id": APP, "appId": APP, "displayName": NAME, "passwordCredentials": [secret]}
    blocks = section([entry("passwordAddition"), entry("symmetricKeyAddition")])
    lifting = {**custom_policy([entry("passwordAddition", state="disabled")]), "appliesTo": [{"id": APP}]}
    collections = {
        "applications": [app],
        "defaultAppManagementPolicy": [default_policy(applications=blocks, service_principals=blocks)],
        "appManagementPolicies": [lifting],
    }
    folder = tmp_path_factory.mktemp("formats")
    return snapshot_of(folder / "tenant.snapshot", collections, missing={"servicePrincipals": "refused"})


@pytest.fixture
def check(taken: Path, tmp_path: Path) -> Check:
    """Runs the command; gives its exit code and what it wrote into a file."""

    def checked(*arguments: str, profile: str = "cisa") -> tuple[int, str]:
        file = tmp_path / "answer"
        code = run(["check", "--snapshot", str(taken), "--profile", profile, "--output-file", str(file), *arguments])
        return code, file.read_text() if file.exists() else ""

    return checked


def test_json_says_everything(check: Check) -> None:
    code, text = check("-o", "json")

    report = json.loads(text)
    assert code == 3
    assert [(one["requirement"]["id"], one["outcome"]) for one in report["results"]] == [
        ("MS.AAD.5.5v1", "fails"),
        ("MS.AAD.5.6v1", "fails"),
        ("MS.AAD.5.7v1", "fails"),
        ("UNSECRET.1", "not known"),
        ("UNSECRET.2", "holds"),
        ("UNSECRET.3", "holds"),
    ]
    assert report["as_of"] == "2026-11-22T12:00:00Z"
    (secret,) = [one for one in report["findings"] if one["check"] == "credential-long-lived"]
    assert secret["subject"]["display_name"] == NAME
    assert secret["mend"].startswith("unsecret remove --app 00000001-")


def test_csv_has_a_row_for_each_finding_and_no_formulas(check: Check) -> None:
    _code, text = check("-o", "csv")

    rows = list(csv.DictReader(text.splitlines()))
    assert [row["check"] for row in rows] == [
        "weakened:disabled",
        "not-restricted",
        "credential-long-lived",
        "not-restricted",
    ]
    assert all(row["mend_with"].startswith("unsecret ") for row in rows)


def test_a_page_holds_no_markup_of_the_tenants(check: Check) -> None:
    _code, text = check("-o", "html")

    assert "&lt;b&gt;Payroll" in text
    assert "<b>" not in text
    assert "\x1b" not in text


def test_markdown_has_findings_requirements_and_what_is_not_known(check: Check) -> None:
    _code, text = check("-o", "md")

    assert "## Findings" in text
    assert "## Requirements" in text
    assert ("would cut its application off today" in text) == ("--force" in text)
    assert "Not known – servicePrincipals: refused" in text


def test_junit_has_a_test_for_each_requirement(check: Check) -> None:
    _code, text = check("-o", "junit")

    root = ElementTree.fromstring(text)
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "3",
        "errors": "1",
        "skipped": "0",
    }
    cases = {case.get("name", "").split(":")[0]: [part.tag for part in case] for case in root.iter("testcase")}
    assert cases["MS.AAD.5.5v1"] == ["failure"]
    assert cases["UNSECRET.1"] == ["error"]
    assert cases["UNSECRET.2"] == []
    failure = root.find(".//failure")
    assert failure is not None
    assert "unsecret block --policy" in (failure.text or "")


LEVELS = {"none", "note", "warning", "error"}


def test_sarif_has_the_members_that_its_schema_requires(check: Check) -> None:
    """The required members and closed sets of the SARIF 2.1.0 schema, as far as they are written here."""
    _code, text = check("-o", "sarif")

    log = json.loads(text)
    assert log["version"] == "2.1.0"
    (ran,) = log["runs"]
    rules = ran["tool"]["driver"]["rules"]
    assert ran["tool"]["driver"]["name"] == "unsecret"
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in LEVELS
    for invocation in ran["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)
    assert ran["results"]
    for result in ran["results"]:
        _require_result(result, rules)
    assert len({one["partialFingerprints"]["finding/v1"] for one in ran["results"]}) == len(ran["results"])


def _require_result(result: dict[str, Any], rules: list[dict[str, Any]]) -> None:
    assert result["message"]["text"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in LEVELS
    assert result["kind"] in {"fail", "open"}
    assert (result["level"] == "none") == (result["kind"] != "fail")  # §3.27.10
    (location,) = result["locations"]
    assert not location["physicalLocation"]["artifactLocation"]["uri"].startswith("/")
    assert location["physicalLocation"]["region"]["startLine"] >= 1


def test_a_terminal_gets_neither_colours_nor_commands_of_the_tenants(
    taken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for output in ("table", "junit", "sarif", "csv"):
        assert run(["check", "--snapshot", str(taken), "-o", output]) == 3
        assert "\x1b" not in capsys.readouterr().out


def test_nothing_that_cuts_an_application_off_can_be_copied_by_accident(check: Check) -> None:
    _code, text = check("-o", "table", profile="zero-secrets")

    lines = [line.strip() for line in text.splitlines()]
    removals = [line for line in lines if "unsecret remove" in line]
    assert removals
    assert all(line.startswith("# ") for line in removals)
    assert any(line.startswith("What mends them (put the name of the tenant") for line in lines)
    commands = [line for line in lines if line.startswith(("unsecret ", "# unsecret "))]
    assert all(" --tenant NAME " in line for line in commands)


def test_exit_code_3_can_be_ignored(check: Check) -> None:
    assert check("-o", "json")[0] == 3
    assert check("-o", "json", "--ignore-exit-code-3")[0] == 0
    assert check("-o", "json", "-z")[0] == 0


def test_what_is_not_known_is_a_finding_to_the_exit_code(tmp_path: Path) -> None:
    refused = dict.fromkeys(("defaultAppManagementPolicy", "applications", "servicePrincipals"), "refused")
    nothing = snapshot_of(tmp_path / "nothing.snapshot", {}, missing=refused)

    assert run(["check", "--snapshot", str(nothing), "--profile", "cisa"]) == 3


def test_mutes_are_read_from_a_file_and_end(check: Check, tmp_path: Path) -> None:
    mutes = tmp_path / "known.toml"
    mutes.write_text('[[mute]]\nsubject = "*Payroll*"\nreason = "moves in May"\nuntil = 2027-05-31\n')

    _code, text = check("-o", "json", "--mutes", str(mutes))
    assert json.loads(text)["results"][1]["muted"] == 1
    _code, text = check("-o", "json", "--mutes", str(mutes), "--now", "2027-06-01")
    report = json.loads(text)
    assert report["results"][1]["muted"] == 0
    assert report["notes"] == ["The mute of '*Payroll*' does not mute: it ended on 2027-05-31."]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[[mute]]\nreason = 'x'", "has no subject"),
        ("[[mute]]\nsubject = 'x'\nuntil = '2027-01-01'", "date without quotes"),
        ("[[mute]]\nsubject = 'x'\nuntil = 2027-01-01T00:00:00", "date without quotes"),
        ("[[mute]]\nsubject = 'x'\nforever = true", "'forever' is not known"),
        ("[[silence]]\nsubject = 'x'", "'silence' is not known"),
        ("mute = 'x'", "needs 1 to 1000 tables"),
    ],
)
def test_what_is_wrong_with_mutes_is_named(
    check: Check, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    mutes = tmp_path / "known.toml"
    mutes.write_text(content)

    assert check("--mutes", str(mutes))[0] == 1
    assert words in capsys.readouterr().err


def test_a_profile_can_be_a_file(check: Check, tmp_path: Path) -> None:
    profile = tmp_path / "ours.toml"
    profile.write_text(
        '[[requirement]]\nid = "ORG.1"\ntitle = "None"\nseverity = "high"\nrestrictions = ["passwordAddition"]\n'
        'sections = ["servicePrincipals"]\n'
    )

    code, text = check("--severity", "high", "-o", "json", profile=str(profile))

    assert code == 3
    assert [one["outcome"] for one in json.loads(text)["results"]] == ["not known"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--profile", "nist"], "There is no profile 'nist'"),
        (["--mutes", "nowhere.toml"], "There is no file nowhere.toml"),
        (["--snapshot", "nowhere"], "There is no snapshot nowhere"),
        (["--severity", "awful"], "awful"),
        (["--output", "pdf"], "pdf"),
    ],
)
def test_what_is_not_there_is_named(
    taken: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    known = [] if "--snapshot" in arguments else ["--snapshot", str(taken)]

    assert run(["check", *known, *arguments]) == 1
    assert words in capsys.readouterr().err


def test_a_limit_says_how_many_are_not_listed(check: Check) -> None:
    _code, text = check("--limit", "0", "-o", "md")

    assert "0 of 2 findings are listed" in text


def test_a_question_can_be_asked_of_the_json(check: Check) -> None:
    _code, text = check("--query", "findings[].check | [0]")

    assert json.loads(text) == "weakened:disabled"


def test_a_command_for_a_tenant_that_nobody_can_name_does_nothing(
    check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    """Copied as it is, it must not mend whichever tenant is the usual one."""
    commands = {one["mend"] for one in json.loads(check("-o", "json")[1])["findings"]}
    for command in commands:
        assert run([*shlex.split(command)[1:], "--yes"]) == 1
        assert "There is no tenant 'NAME'" in capsys.readouterr().err
