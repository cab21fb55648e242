"""`unsecret graph`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter

from unsecret.cli.asking import require_yes
from unsecret.cli.options import Data, TenantName, Yes
from unsecret.cli.printing import answer, as_json, say
from unsecret.cli.reaching import reach
from unsecret.config import read_settings
from unsecret.errors import Invalid

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
OURS = frozenset({"authorization", "host", "content-length"})
"""Headers that this command writes itself."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
"""RFC 9110 §5.1 and §5.5, without the bytes beyond ASCII that nobody reads the same."""

Body = Annotated[
    str | None,
    Parameter(
        name="--body",
        metavar="JSON",
        allow_leading_hyphen=True,
        help="JSON to send: the text itself, @FILE, or - for standard input.",
    ),
]
Headers = Annotated[
    tuple[str, ...],
    Parameter(name=["--header", "-H"], metavar="NAME:VALUE", help="A header to send. May be repeated."),
]
All = Annotated[bool, Parameter(name="--all", help="GET every page of a collection, as one.")]


def graph(
    method: str,
    path: str,
    /,
    *,
    body: Body = None,
    header: Headers = (),
    all_: All = False,
    yes: Yes = False,
    tenant: TenantName = None,
    data: Data = None,
) -> int:
    """Send one request to Microsoft Graph and print the answer as JSON.

    A refusal is printed as Graph's own message, and the exit code is 1. Everything but GET asks first.

    **Examples**

        unsecret graph GET /policies/defaultAppManagementPolicy
        unsecret graph GET "/beta/applications?$select=displayName" --all
        unsecret graph POST /applications --body '{"displayName": "Try me"}' --yes
        unsecret graph PATCH /policies/defaultAppManagementPolicy \\
          --body @policy.json

    Parameters
    ----------
    method
        GET, POST, PATCH, PUT or DELETE.
    path
        What to ask for, such as /applications; begins with /v1.0 or /beta, or /v1.0 is meant.
    """
    method = method.upper()
    if method not in METHODS:
        raise Invalid(f"{method} is not a method that Graph takes; it takes {', '.join(METHODS)}.")
    _require_meaning(method, body=body, all_=all_)
    content, headers = _body(body), _headers(header)
    with reach(read_settings(), data, tenant) as client:
        if method != "GET":
            say(f"{method} {client.url(path)}")
            require_yes("Send it?", to=client.connection, yes=yes, can_rehearse=False)
        elif all_:
            as_json({"value": list(client.pages(path, headers=headers))})
            return 0
        _send(client, method, path, content, headers)
    return 0


def _require_meaning(method: str, *, body: str | None, all_: bool) -> None:
    """An option that this method has no use for was meant for another, and is not passed over."""
    if method == "GET" and body is not None:
        raise Invalid("GET sends no --body; POST, PATCH and PUT do.")
    if method != "GET" and all_:
        raise Invalid(f"--all reads every page of a collection; {method} reads none.")


def _send(client: GraphClient, method: str, path: str, content: Any, headers: dict[str, str]) -> None:
    received = client.send(method, path, body=content, headers=headers)
    if received.body is None:
        say(f"{received.status}, no content")
    elif isinstance(received.body, str):
        answer(received.body)
    else:
        as_json(received.body)


def _body(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return msgspec.json.decode(_content(text))
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise Invalid(f"--body is not JSON: {problem}") from None
    except OSError as problem:
        raise Invalid(f"--body: {problem.filename} cannot be read: {problem.strerror}") from None


def _content(text: str) -> bytes:
    if text == "-":
        return sys.stdin.buffer.read()
    if text in ("", "@"):
        raise Invalid("--body is empty. It takes the JSON itself, @FILE, or - for standard input.")
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for one in given:
        name, colon, value = (part.strip() for part in one.partition(":"))
        if not colon or not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise Invalid(f"--header takes NAME:VALUE in plain ASCII; '{one}' is not that.")
        if name.lower() in OURS:
            raise Invalid(f"--header: {name} is written by unsecret itself.")
        headers[name] = value
    return headers
