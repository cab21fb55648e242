"""A short soak: nothing goes wrong under mixed load. How memory and latency go over time, `make soak` tells."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.hostile.soak import Seen, Soaked, Use, soak
from tests.running_tenant import EACH_ANSWER_COUNTS, RunningTenant

SECONDS = 6.0
SHORT = 0.6
"""How much memory may grow in so short a time, in which the server is still getting warm."""


def test_mixed_load_is_answered_and_memory_does_not_run_away(tmp_path: Path) -> None:
    with RunningTenant.start(tmp_path / "data", mischief=EACH_ANSWER_COUNTS) as running:
        soaked = asyncio.run(soak(running, seconds=SECONDS, full_seconds=2.0))
    assert soaked.seen.wrong == {}
    assert set(soaked.seen.done) >= {"token_by_secret", "token_by_certificate", "read_one", "secret_comes_and_goes"}
    assert soaked.growth_of_memory() < SHORT


@pytest.mark.parametrize(
    ("memory", "work", "wrong", "complaint"),
    [
        (100.0, 0.002, {}, None),
        (104.0, 0.0022, {}, None),
        (120.0, 0.002, {}, "memory grew by 20.0%"),
        (100.0, 0.010, {}, "took 4"),
        (100.0, 0.002, {"read_one: 500": 3}, "3 × read_one: 500"),
    ],
)
def test_what_grows_or_goes_wrong_is_said(
    memory: float, work: float, wrong: dict[str, int], complaint: str | None
) -> None:
    """Ten minutes with an act in each second; in the second half memory and work are as the case says."""
    seen = Seen(times=[(float(second), 0.01) for second in range(600)], wrong=Counter(wrong))
    used = [Use(float(second), 100.0, second * 0.002) for second in range(300)]
    used += [Use(float(second), memory, 0.6 + (second - 300) * work) for second in range(300, 600)]
    soaked = Soaked(full=100, offered=50, began=0.0, seen=seen, used=used, seconds=600.0)
    said = soaked.complaints()
    assert complaint in said[0] if complaint else said == [], said
    assert (complaint or "Nothing was wrong") in soaked.report()
