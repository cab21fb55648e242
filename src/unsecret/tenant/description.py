"""What a handler says about itself beyond its name: the body it takes and the status it answers with.

`/openapi.json` is made from the route table; a handler that says nothing is in it all the same, less exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct

JSON_BODY = "application/json"

Schema = Mapping[str, Any]
H = TypeVar("H", bound=Callable[..., Any])


class Description(Struct, frozen=True, kw_only=True):
    """`takes` is the JSON Schema of the body on v1.0, `takes_in_beta` that on beta where it differs. `gives` are the
    statuses of success. `content` is the media type of the body."""

    takes: Schema | None = None
    takes_in_beta: Schema | None = None
    gives: tuple[int, ...] = ()
    needs_body: bool = True
    content: str = JSON_BODY

    def body(self, *, beta: bool) -> Schema | None:
        return self.takes_in_beta if beta and self.takes_in_beta is not None else self.takes


_NOTHING_SAID = Description()


def described(
    *gives: int,
    takes: Schema | None = None,
    takes_in_beta: Schema | None = None,
    needs_body: bool = True,
    content: str = JSON_BODY,
) -> Callable[[H], H]:
    """Say about a handler what `Description` holds."""
    said = Description(takes=takes, takes_in_beta=takes_in_beta, gives=gives, needs_body=needs_body, content=content)

    def note(handler: H) -> H:
        handler.__dict__["description"] = said
        return handler

    return note


def description_of(handler: Callable[..., Any]) -> Description:
    """What was said about the handler."""
    return vars(function_of(handler)).get("description", _NOTHING_SAID)


def said_by(handler: Callable[..., Any]) -> tuple[str, str]:
    """What the first paragraph of a handler's docstring says: the method and the path, and what is done there, which
    may be nothing more than those."""
    paragraph = (function_of(handler).__doc__ or "").strip().partition("\n\n")[0]
    where, _colon, what = " ".join(paragraph.split()).rstrip(".").partition(": ")
    return where, what


def function_of(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The function under a handler that one function serves for several kinds."""
    return handler.func if isinstance(handler, partial) else handler


def name_of(handler: Callable[..., Any]) -> str:
    """The function's name, which is the operation's."""
    return getattr(function_of(handler), "__name__", "")
