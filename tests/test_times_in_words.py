"""Instants and lengths of time are told in the same words by every verb."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from unsecret.model.times_in_words import duration_in_words, instant_in_words


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(days=90), "90 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=12), "12 hours"),
        (timedelta(days=4, hours=12, minutes=30, seconds=5), "4 days 12 hours 30 minutes 5 seconds"),
        (timedelta(hours=1, minutes=1, seconds=1), "1 hour 1 minute 1 second"),
        (timedelta(microseconds=1), "0 seconds"),
        (None, "0 seconds"),
    ],
)
def test_durations_are_said_in_words(duration: timedelta | None, words: str) -> None:
    assert duration_in_words(duration) == words


def test_an_instant_is_told_in_utc_to_the_second() -> None:
    at = datetime(2026, 11, 22, 15, 2, 35, 630961, tzinfo=UTC)
    assert instant_in_words(at) == "2026-11-22 15:02:35 UTC"
    assert instant_in_words(at.astimezone(timezone(timedelta(hours=14)))) == "2026-11-22 15:02:35 UTC"
