"""Recorded answers of Microsoft Graph, when they lie beside the project: the service's own bytes.

The recordings are VCR YAML whose bodies are single-quoted scalars; reading those needs no YAML library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "graph-recordings" / "azure-cli"

needs_recordings = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason=f"no recorded Graph traffic in {RECORDINGS.parent.parent.parent.name}/"
)

_ANSWER = re.compile(r"^ {6}string: '((?:[^']|'')*)'$", re.MULTILINE)
_FOLD = re.compile(r" *\n +")


@cache
def recorded_answers() -> tuple[dict[str, Any], ...]:
    """Every JSON object that the service answered with."""
    return tuple(_answers())


def _answers() -> Iterator[dict[str, Any]]:
    for file in sorted(RECORDINGS.glob("*.yaml")):
        for scalar in _ANSWER.findall(file.read_text(encoding="utf-8")):
            body = json.loads(_FOLD.sub(" ", scalar).replace("''", "'")) if scalar.startswith("{") else None
            if isinstance(body, dict):
                yield body


def recorded_objects(mark: str) -> list[dict[str, Any]]:
    """The recorded objects that have the property `mark`, alone or in a list, each once and without annotations."""
    found: dict[str, dict[str, Any]] = {}
    for body in recorded_answers():
        for item in [body, *(body["value"] if isinstance(body.get("value"), list) else [])]:
            if isinstance(item, dict) and mark in item:
                plain = {name: value for name, value in item.items() if "@" not in name}
                found[json.dumps(plain, sort_keys=True)] = plain
    return list(found.values())
