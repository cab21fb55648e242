"""The server's log: JSON lines on stderr, and nothing in them that opens a door.

Tracebacks are plain text, because a pretty one would show local variables, and those may hold a secret.
What still looks like a credential is blacked out on its way.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from unsecret.model.redaction import redacted


def get_logger(name: str) -> Any:
    """A logger that writes as this module says, whoever configured what before."""
    return structlog.wrap_logger(
        structlog.PrintLogger(file=sys.stderr),
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
