"""Scripts ask for the version often: nothing heavy may be loaded for that, nor for a verb that needs none of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "alembic",
    "asyncio",
    "cryptography",
    "cyclopts",
    "granian",
    "httpx2",
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
