"""A short soak: nothing goes wrong under mixed load. How memory and latency go over time, `make soak` tells."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.hostile.soak import Seen, Soaked, soak
from tests.running_tenant import RunningTenant

SECONDS = 6.0
SHORT = 0.6
"""How much memory may grow in so short a time, in which the server is still getting warm."""


def test_mixed_load_is_answered_and_memory_does_not_run_away(tmp_path: Path) -> None:
    with RunningTenant.start(tmp_path / "data") as running:
        soaked = asyncio.run(soak(running, seconds=SECONDS, full_seconds=2.0))
    assert soaked.seen.wrong == {}
    assert set(soaked.seen.done) >= {"token_by_secret", "token_by_certificate", "read_one", "secret_comes_and_goes"}
    assert soaked.growth_of_memory() < SHORT


@pytest.mark.parametrize(
    ("end", "late", "wrong", "complaint"),
    [
        (100.0, 0.01, {}, None),
        (104.0, 0.015, {}, None),
        (120.0, 0.01, {}, "memory grew by 20.0%"),
        (100.0, 0.05, {}, "answers came 400% later"),
        (100.0, 0.01, {"read: 500": 3}, "3 × read: 500"),
    ],
)
def test_what_grows_or_goes_wrong_is_said(
    end: float, late: float, wrong: dict[str, int], complaint: str | None
) -> None:
    seen = Seen(times=[(second, 0.01 if second < 300 else late) for second in range(600)], wrong=Counter(wrong))
    memory = [(float(second), 100.0 if second < 300 else end) for second in range(0, 600, 5)]
    soaked = Soaked(full=100, offered=50, began=0.0, seen=seen, memory=memory, seconds=600.0)
    said = soaked.complaints()
    assert complaint in said[0] if complaint else said == [], said
    assert (complaint or "Nothing was wrong") in soaked.report()
