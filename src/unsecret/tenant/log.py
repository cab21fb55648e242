"""The server's log: JSON lines on stderr, and nothing in them that opens a door.

Tracebacks are plain text, because a pretty one would show local variables, and those may hold a secret.
What still looks like a credential is blacked out on its way.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from unsecret.model.redaction import redacted


class _Lenient:
    """A file that may be full, or gone: a line is lost then, and never the request that it was about."""

    def __init__(self, file: TextIO):
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._file.flush()


def get_logger(name: str, *, file: TextIO | None = None) -> Any:
    """A logger that writes as this module says, whoever configured what before; to stderr unless to `file`."""
    return structlog.wrap_logger(
        structlog.PrintLogger(file=cast("TextIO", _Lenient(file or sys.stderr))),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        logger_name=name,
    )


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: blacks out whatever looks like a credential, in every value."""
    for name, value in event.items():
        event[name] = redacted(value) if isinstance(value, str) else value
    return event
