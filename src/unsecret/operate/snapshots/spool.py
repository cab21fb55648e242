"""A directory beside a snapshot that is being taken: every answer that has come, so that an interrupted take goes on
where it was.

Each part is a file that appears whole or not at all, under a name that says what was asked. The directory is for this
user only; nothing in it could sign anybody in.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from unsecret.errors import Conflict, Unavailable

MAX_AGE = timedelta(days=1)
"""An older take is begun anew: too much will have changed."""

_BEGUN = "begun.json"
_LINES, _VALUE = ".ndjson", ".json"


class Begun(Struct, frozen=True, kw_only=True):
    """Whose answers these are, since when they are collected, and how long an audit log is to be among them."""

    software: str
    tenant_id: str
    graph: str
    at: datetime
    log: timedelta | None = None


class Spool:
    """The open directory. `begun.at` is when the take began that is continued; `continued` says that there was one."""

    def __init__(self, folder: Path, begun: Begun, *, continued: bool):
        self.folder = folder
        self.begun = begun
        self.continued = continued

    def lines(self, name: str, make: Callable[[], Iterable[Any]]) -> Path:
        """The file with the objects that `make` gives, one on a line; it is not asked when they are there already."""
        file = self.folder / f"{name}{_LINES}"
        if not file.exists():
            encoder = msgspec.json.Encoder()
            with _appearing(file) as opened:
                for one in make():
                    line = encoder.encode(one)
                    if b"\n" in line:  # JSON that was passed on as it came, by a tenant that writes it for people
                        line = encoder.encode(msgspec.json.decode(line))
                    opened.write(line + b"\n")
        return file

    def value(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, as JSON would give it back; likewise asked once."""
        file = self.folder / f"{name}{_VALUE}"
        if not file.exists():
            self.keep(name, make())
        return msgspec.json.decode(file.read_bytes())

    def keep(self, name: str, value: Any) -> None:
        """Keep a value."""
        with _appearing(self.folder / f"{name}{_VALUE}") as opened:
            opened.write(msgspec.json.encode(value))

    def kept(self, name: str) -> Any:
        """A value that was kept; None when none was."""
        file = self.folder / f"{name}{_VALUE}"
        return msgspec.json.decode(file.read_bytes()) if file.exists() else None


def lines_of(file: Path) -> Iterator[bytes]:
    """The lines of a file, each one object as JSON; none when there is no file."""
    if file.exists():
        with file.open("rb") as opened:
            yield from opened


@contextmanager
def open_spool(path: Path, begun: Begun) -> Generator[Spool]:
    """The spool of the snapshot `path`. It is removed when all went well, and stays when not.

    One that is there is continued when it is of the same tenant and software and younger than MAX_AGE.
    Raises Conflict when another process is at it, or when the directory is somebody else's; Unavailable when it cannot
    be written.
    """
    folder = path.with_name(f".{path.name}.taking")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _require_own(folder)
        lock = (folder / ".lock").open("w")
    except OSError as problem:
        raise Unavailable(f"The snapshot {path} could not be written: {problem.strerror}.") from problem
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(f"Another process is taking the snapshot {path}.", hint="Wait for it.") from None
        yield _continued(folder, begun) or _anew(folder, begun)
        shutil.rmtree(folder, ignore_errors=True)


def _require_own(folder: Path) -> None:
    """In a directory that others may write to somebody else can have been first, with answers of their own, or with a
    link to a directory that would be emptied. Raises Conflict."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Conflict(
            f"{folder} is not a directory of this user, and so is not used.",
            hint="Remove it, or write the snapshot to another directory.",
        )


def _continued(folder: Path, begun: Begun) -> Spool | None:
    try:
        was = msgspec.json.decode((folder / _BEGUN).read_bytes(), type=Begun)
    except (OSError, msgspec.DecodeError):
        return None
    if replace(was, at=begun.at) != begun or not timedelta(0) <= begun.at - was.at < MAX_AGE:
        return None
    return Spool(folder, was, continued=True)


def _anew(folder: Path, begun: Begun) -> Spool:
    for there in folder.iterdir():
        if there.name != ".lock":
            shutil.rmtree(there) if there.is_dir() else there.unlink()
    with _appearing(folder / _BEGUN) as opened:
        opened.write(msgspec.json.encode(begun))
    return Spool(folder, begun, continued=False)


@contextmanager
def _appearing(file: Path) -> Generator[Any]:
    """The file, there once it is whole. Raises Unavailable when it cannot be written."""
    unfinished = file.with_name(f"{file.name}.new")
    try:
        with unfinished.open("wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.replace(file)
    except OSError as problem:
        raise Unavailable(f"{file} could not be written: {problem.strerror}.") from problem
