"""Recorded exchanges with Microsoft Graph, when they lie beside the project: what was asked, and the service's answer.

The recordings are VCR's YAML as PyYAML writes it: one key a line, scalars plain or in quotes and folded over lines.
That much is read here; anything else raises ValueError, so that nothing is passed over in silence.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "graph-recordings" / "azure-cli"

needs_recordings = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="no recordings of Graph beside this repository: CONTRIBUTING.md, Tests"
)

GRAPH = "https://graph.microsoft.com"

_BLOCK = re.compile(r"^- request:$", re.MULTILINE)
_DATE = re.compile(r"^ {6}date:\n {6}- (.*)$", re.MULTILINE | re.IGNORECASE)
_FOLD = re.compile(r"[ \t]*\n(\n*)[ \t]*")
_YAML_ONLY = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([ eaNL_P0v])|(.))", re.DOTALL)
_CONTROL = {
    " ": " ",
    "0": "\0",
    "a": "\a",
    "e": "\x1b",
    "v": "\v",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}


@dataclass(frozen=True)
class Exchange:
    """One request and the answer that Microsoft's service gave. `url` is the whole address; `body` and `answer` are
    decoded JSON, or None; `at` is when it was answered."""

    recording: str
    number: int
    method: str
    url: str
    body: Any
    status: int
    answer: Any
    at: datetime

    @property
    def path(self) -> str:
        """The path below the version: `/applications/…`."""
        return re.sub(r"^/[^/]*", "", self.url.removeprefix(GRAPH).partition("?")[0])

    def __str__(self) -> str:
        return f"{self.recording}[{self.number}] {self.method} {self.url}"


def recording_names() -> list[str]:
    """The recordings that are there; none without the data."""
    return sorted(file.stem for file in RECORDINGS.glob("*.yaml"))


@cache
def exchanges(recording: str) -> tuple[Exchange, ...]:
    """The exchanges of one recording with Microsoft Graph, in order; those with other services are left out."""
    _, *blocks = _BLOCK.split((RECORDINGS / f"{recording}.yaml").read_text(encoding="utf-8"))
    found = (_exchange(recording, number, block) for number, block in enumerate(blocks))
    return tuple(exchange for exchange in found if exchange.url.startswith(f"{GRAPH}/"))


def _exchange(recording: str, number: int, block: str) -> Exchange:
    request, answer = block.split("\n  response:\n", 1)
    date = _DATE.search(answer)
    url = _scalar(request, "    uri")
    if date is None:
        raise ValueError(f"{recording}[{number}] has no date.")
    to_graph = url.startswith(f"{GRAPH}/")
    return Exchange(
        recording,
        number,
        _scalar(request, "    method"),
        url,
        _json(_scalar(request, "    body")) if to_graph else None,
        int(_scalar(answer, "      code")),
        _json(_scalar(answer, "      string")) if to_graph else None,
        parsedate_to_datetime(date[1]),
    )


def _json(text: str) -> Any:
    return json.loads(text) if text and text != "null" else None


def _scalar(text: str, key: str) -> str:
    """The value of `key`, which stands alone at its indentation and goes on in lines that are indented deeper."""
    value = re.search(rf"^{key}: ?(.*(?:\n(?:{' ' * _indent(key)} +.*)?)*)", text, re.MULTILINE)
    if value is None:
        raise ValueError(f"No '{key.strip()}' in a recorded exchange.")
    found = value[1].strip()
    if found.startswith("'"):
        return _folded(found[1:-1]).replace("''", "'")
    if found.startswith('"'):
        return _unescaped(found[1:-1])
    if found[:1] in "!|>&*?[{" and found:
        raise ValueError(f"'{key.strip()}' of a recorded exchange is not a plain or quoted scalar.")
    return _folded(found)


def _indent(key: str) -> int:
    return len(key) - len(key.lstrip())


def _folded(text: str) -> str:
    """A line break is a space; with empty lines after it, it is as many line breaks as those."""
    return _FOLD.sub(lambda fold: fold[1] or " ", text)


def _unescaped(text: str) -> str:
    """Double quotes: a line break after a backslash is nothing; the rest are JSON's escapes and a few more."""
    joined = _folded(re.sub(r"\\\n[ \t]*", "", text))
    return json.loads(f'"{_YAML_ONLY.sub(_json_escape, joined)}"', strict=False)


def _json_escape(found: re.Match[str]) -> str:
    hexadecimal, control, other = found.groups()
    if other:
        return f"\\{other}"
    character = chr(int(hexadecimal, 16)) if hexadecimal else _CONTROL[control]
    return json.dumps(character)[1:-1]
