"""`python -m unsecret.testing.serving DIRECTORY ARGUMENTS`: `unsecret up ARGUMENTS` for as long as somebody wants it.

Who uses the server holds the pipe `DIRECTORY/users` open for writing. Once nobody does, because they have ended or
were killed, the server stops by itself. Joining and leaving take turns at the lock `DIRECTORY/joining`, so that nobody
joins a server that has already decided to stop.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import threading
from collections.abc import Generator
from pathlib import Path

USERS, JOINING, OPEN = "users", "joining", "open"


@contextlib.contextmanager
def alone(directory: Path) -> Generator[None]:
    """Nobody else joins or leaves meanwhile."""
    with (directory / JOINING).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def join(directory: Path) -> int:
    """Count among the users of the server in `directory`, until this descriptor is closed, by whatever."""
    with contextlib.suppress(FileExistsError):
        os.mkfifo(directory / USERS, 0o600)
    return os.open(directory / USERS, os.O_RDWR)  # with O_WRONLY it would wait for the server


def _stop_when_unused(directory: Path) -> None:
    """At the end of the pipe nobody has it open for writing; that is looked at again when nobody can join."""
    users = os.open(directory / USERS, os.O_RDONLY | os.O_NONBLOCK)
    while True:
        os.set_blocking(users, True)
        os.read(users, 1)
        with alone(directory), contextlib.suppress(BlockingIOError):
            os.set_blocking(users, False)
            os.read(users, 1)
            (directory / OPEN).unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGTERM)
            return


def main() -> int:
    """Run the server; its exit code."""
    from unsecret.cli.app import run

    threading.Thread(target=_stop_when_unused, args=(Path(sys.argv[1]),), daemon=True).start()
    return run(["up", *sys.argv[2:]])


if __name__ == "__main__":
    raise SystemExit(main())
