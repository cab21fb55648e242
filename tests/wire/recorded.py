"""What Microsoft Graph was recorded to answer: the service's own objects, whatever they were asked for with."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tests.recordings.cassettes import exchanges, needs_recordings, recording_names

__all__ = ["needs_recordings", "recorded_answers", "recorded_objects"]


@cache
def recorded_answers() -> tuple[dict[str, Any], ...]:
    """Every JSON object that the service answered with."""
    answers = (exchange.answer for recording in recording_names() for exchange in exchanges(recording))
    return tuple(answer for answer in answers if isinstance(answer, dict))


def recorded_objects(mark: str) -> list[dict[str, Any]]:
    """The recorded objects that have the property `mark`, alone or in a list, each once and without annotations."""
    found: dict[str, dict[str, Any]] = {}
    for body in recorded_answers():
        for item in [body, *(body["value"] if isinstance(body.get("value"), list) else [])]:
            if isinstance(item, dict) and mark in item:
                plain = {name: value for name, value in item.items() if "@" not in name}
                found[json.dumps(plain, sort_keys=True)] = plain
    return list(found.values())
