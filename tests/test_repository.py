"""The rules that hold for every file of the repository, whoever wrote it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCKS = sorted(ROOT.glob("requirements/*.txt"))
LONGEST_SOURCE_FILE = 400  # lines; a longer one is two rooms in one

# Put together here so that this file does not hold what it forbids.
REGISTRY_HOSTS = tuple(".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org")))
MACHINE_PATHS = re.compile("|".join(rf"(?<![\w.~}}])/{folder}/\w" for folder in ("root", "work", "Users", "home")))


def tracked_files() -> list[Path]:
    """Every file that is committed, or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [file for name in listed.split("\0") if name and (file := ROOT / name).is_file()]


def texts() -> dict[str, str]:
    """The text files, by their path in the repository."""
    found = {}
    for file in tracked_files():
        content = file.read_bytes()
        if b"\0" not in content:
            found[str(file.relative_to(ROOT))] = content.decode()
    return found


def pins(lock: Path) -> dict[str, str]:
    """Package → version of a lock file."""
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", lock.read_text(), re.MULTILINE))


def test_no_file_names_a_package_registry() -> None:
    assert [name for name, text in texts().items() if any(host in text for host in REGISTRY_HOSTS)] == []


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    found = {name: MACHINE_PATHS.findall(text) for name, text in texts().items()}

    assert {name: paths for name, paths in found.items() if paths} == {}


def test_text_files_end_in_one_newline_and_have_no_trailing_blanks() -> None:
    untidy = [
        name
        for name, text in texts().items()
        if text and (not text.endswith("\n") or text.endswith("\n\n") or re.search(r"[ \t\r]$", text, re.MULTILINE))
    ]

    assert untidy == []


def test_no_merge_was_left_half_done() -> None:
    marker = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)

    assert [name for name, text in texts().items() if marker.search(text)] == []


def test_links_between_documents_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
    broken = [
        f"{name}: {target}"
        for name, text in texts().items()
        if name.endswith(".md")
        for target in link.findall(text)
        if not (ROOT / name).parent.joinpath(target).exists()
    ]

    assert broken == []


def test_no_module_is_a_drawer_for_what_has_no_name() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "base", "core", "manager", "misc"}
    found = [str(file.relative_to(ROOT)) for file in ROOT.glob("src/**/*") if file.stem in drawers]

    assert found == []


def test_no_test_patches_what_it_tests() -> None:
    patching = re.compile(r"\b(?:monkey" r"patch|unittest\.mock|mock" r"er)\b")  # split: this file is a test, too
    found = [name for name, text in texts().items() if name.startswith("tests/") and patching.search(text)]

    assert found == []


def test_source_files_are_short_enough_to_be_read() -> None:
    lengths = {str(file.relative_to(ROOT)): file.read_text().count("\n") for file in (ROOT / "src").rglob("*.py")}

    assert {name: length for name, length in lengths.items() if length >= LONGEST_SOURCE_FILE} == {}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_one_version_and_hashes(lock: Path) -> None:
    requirements = re.sub(r"\\\n", " ", lock.read_text()).splitlines()

    for line in requirements:
        if line and not line.lstrip().startswith("#"):
            assert re.match(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locks_name_no_place_to_fetch_from(lock: Path) -> None:
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links|--trusted-host", lock.read_text())


def test_every_dependency_is_locked_in_a_version_that_it_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = pins(ROOT / "requirements/run.txt")

    for dependency in map(Requirement, project["project"]["dependencies"]):
        assert locked[dependency.name] in dependency.specifier, dependency


def test_tests_run_on_the_versions_that_users_run_on() -> None:
    run, build, dev = (pins(ROOT / f"requirements/{name}.txt") for name in ("run", "build", "dev"))

    assert {name: version for name, version in dev.items() if (run | build).get(name, version) != version} == {}


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)

    held = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()

    package = [str(file.relative_to(ROOT / "src")) for file in tracked_files() if file.is_relative_to(ROOT / "src")]
    assert set(package) - set(held) == set()


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()

    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert re.findall(r"^  make (\S+)", listed, re.MULTILINE) == targets


def test_every_decision_has_a_number_of_its_own() -> None:
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [file.name.partition("-")[0] for file in files]

    assert len(set(numbers)) == len(numbers)
    assert [file.read_text().partition(" ")[2].partition(" ")[0] for file in files] == numbers
