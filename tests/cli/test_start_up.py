"""Scripts ask for the version often: nothing heavy may be loaded for that, nor for a verb that needs none of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.snapshots import snapshot_of

HEAVY = (
    "alembic",
    "asyncio",
    "azure",
    "cryptography",
    "cyclopts",
    "duckdb",
    "granian",
    "httpx2",
    "jinja2",
    "joserfc",
    "msgspec",
    "odata_query",
    "rich",
    "sqlalchemy",
    "starlette",
    "structlog",
)
SERVER_ONLY = ("alembic", "granian", "odata_query", "sqlalchemy", "starlette")


def loaded_by(*arguments: str) -> tuple[str, set[str]]:
    """What `unsecret ARGUMENTS` prints, and the packages that it loads."""
    code = (
        "import sys\n"
        "from unsecret.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.splitlines()[-1].split())


def test_the_version_loads_nothing_heavy() -> None:
    printed, loaded = loaded_by("--version")
    assert printed.startswith("unsecret ")
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("verb", ["status", "block", "allow", "graph", "tenant", "up"])
def test_the_help_of_a_verb_loads_neither_server_nor_client(verb: str) -> None:
    printed, loaded = loaded_by(verb, "--help")
    assert f"unsecret {verb}" in printed
    assert loaded.isdisjoint((*SERVER_ONLY, "httpx2", "cryptography"))


def test_the_first_page_of_a_snapshot_needs_neither_duckdb_nor_a_command_line_library(tmp_path: Path) -> None:
    file = snapshot_of(
        tmp_path / "tenant.unsecret", {"applications": [{"id": "a", "appId": "b", "displayName": "Shop"}]}
    )
    printed, loaded = loaded_by("apps", "list", "--snapshot", str(file))
    assert "Shop" in printed
    assert loaded & set(HEAVY) <= {"msgspec"}
