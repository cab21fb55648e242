"""Files that only their owner may read: keys, the facts of a running server, and whatever is written about a tenant.

A private file is never readable by others, not even for the moment between its creation and a `chmod`, and
never half written: it is made beside its place with mode 0600, filled, and moved there.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from unsecret.errors import Invalid, Unavailable


def private_directory(path: Path) -> Path:
    """Make sure that `path` is a directory, and make it 0700 when it is made here. Returns it.

    Raises Invalid when it cannot be one.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"{path} cannot be made a directory: {error.strerror}. Choose another place.") from error
    return path


def write_private(path: Path, content: bytes) -> None:
    """Put `content` at `path`, all of it or nothing, durable, readable by the owner only.

    Raises Unavailable when the disk will not take it; what was at `path` is still there then.
    """
    try:
        _write(path, content)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}. Nothing was changed.") from error
    sync_names(path.parent)


def sync_names(directory: Path, sync: Callable[[int], None] = os.fsync) -> None:
    """Wait until the names of the files in `directory` are on the disk; without that, a file that is there may be
    nameless after a power cut. A file system that cannot do so is left in peace."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
