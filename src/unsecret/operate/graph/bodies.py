"""What is in the body of an answer."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct, field


def decoded(content: bytes) -> Any:
    """JSON; text where it is none (metadata is XML, a proxy's error is HTML); None where there is nothing."""
    try:
        return msgspec.json.decode(content) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return content.decode("utf-8", "replace")


class RawPage(Struct):
    """A page of a collection whose items nobody has read yet."""

    value: list[Raw]
    next_link: str | None = field(default=None, name="@odata.nextLink")


def page_or_anything(content: bytes) -> Any:
    """A RawPage; what `decoded` gives where it is none."""
    try:
        return msgspec.json.decode(content, type=RawPage)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return decoded(content)
