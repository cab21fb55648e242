"""Instants and durations: what is read, what is refused, and that nothing is lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unsecret.errors import Invalid
from unsecret.wire.instants import LONGEST_DURATION, format_duration, format_instant, parse_duration, parse_instant

INSTANTS = {
    "2021-09-09T19:50:29Z": datetime(2021, 9, 9, 19, 50, 29, tzinfo=UTC),
    "2021-09-09T19:50Z": datetime(2021, 9, 9, 19, 50, tzinfo=UTC),
    "2027-01-01T00:00:00.755Z": datetime(2027, 1, 1, 0, 0, 0, 755000, tzinfo=UTC),
    "2021-09-09T19:50:29.3086381Z": datetime(2021, 9, 9, 19, 50, 29, 308638, tzinfo=UTC),
    "2027-01-01T00:00:00+00:00": datetime(2027, 1, 1, tzinfo=UTC),
    "2027-01-01T01:30:00+01:30": datetime(2027, 1, 1, tzinfo=UTC),
    "2026-12-31T19:00:00-05:00": datetime(2027, 1, 1, tzinfo=UTC),
    "2027-02-20T04:31:56.313761": datetime(2027, 2, 20, 4, 31, 56, 313761, tzinfo=UTC),
    "0001-01-01T00:00:00Z": datetime(1, 1, 1, tzinfo=UTC),
    "9999-12-31T23:59:59.9999999Z": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
}


@pytest.mark.parametrize(("text", "instant"), INSTANTS.items())
def test_an_instant_is_read_in_every_form_that_clients_send(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2021-09-09",
        "2021-09-09 19:50:29Z",
        "2021-13-09T19:50:29Z",
        "2021-02-29T00:00:00Z",
        "2021-09-09T24:00:00Z",
        "2021-09-09T19:50:60Z",
        "2021-09-09T19:50:29.Z",
        "2021-09-09T19:50:29+0000",
        "2021-09-09T19:50:29+24:00",
        "0001-01-01T00:00:00+05:00",
        "٢٠٢١-09-09T19:50:29Z",
        "2021-09-09T19:50:29Z\n",
        "1/1/2021 3:37:00 PM",
        "/Date(-62135596800000)/",
        "x" * 100_000,
        1_600_000_000,
        True,
        None,
        {},
    ],
)
def test_anything_else_is_refused_with_the_property_and_what_is_expected(value: object) -> None:
    with pytest.raises(Invalid, match=r"(?s)'endDateTime'.*2026-01-31T10:00:00Z") as caught:
        parse_instant(value, target="endDateTime")
    assert caught.value.target == "endDateTime"
    assert len(caught.value.message) < 250


def test_the_fraction_is_written_only_when_there_is_one() -> None:
    assert format_instant(datetime(2021, 9, 9, 19, 50, 29, tzinfo=UTC)) == "2021-09-09T19:50:29Z"
    assert format_instant(datetime(2021, 9, 9, 19, 50, 29, 308638, tzinfo=UTC)) == "2021-09-09T19:50:29.308638Z"
    assert format_instant(parse_instant("2021-09-09T19:50:29+02:00")) == "2021-09-09T17:50:29Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_the_round_trip(instant: datetime) -> None:
    assert parse_instant(format_instant(instant)) == instant


DURATIONS = {
    "P90D": timedelta(days=90),
    "P4DT12H30M5S": timedelta(days=4, hours=12, minutes=30, seconds=5),
    "P30DT0H0M0S": timedelta(days=30),
    "PT36H": timedelta(hours=36),
    "PT0S": timedelta(),
    "PT0.5S": timedelta(milliseconds=500),
    "PT1.1234567S": timedelta(seconds=1, microseconds=123456),
    "P10675199D": LONGEST_DURATION,
}


@pytest.mark.parametrize(("text", "duration"), DURATIONS.items())
def test_a_duration_of_days_and_time_is_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "value",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "90",
        "90 days, 0:00:00",
        "P1Y",
        "P6M",
        "P2W",
        "-P90D",
        "P-90D",
        "+P90D",
        "p90d",
        "P1.5D",
        "PT1.5H",
        "P10675200D",
        "P99999999D",
        "P90D\n",
        "P９０D",
        7776000,
        None,
    ],
)
def test_any_other_duration_is_refused_with_the_property_and_what_is_expected(value: object) -> None:
    with pytest.raises(Invalid, match=r"'maxLifetime'.*a duration") as caught:
        parse_duration(value, target="maxLifetime")
    assert caught.value.target == "maxLifetime"


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(days=90), "P90D"),
        (timedelta(), "PT0S"),
        (timedelta(days=1, seconds=1), "P1DT1S"),
        (timedelta(hours=36), "P1DT12H"),
        (timedelta(minutes=5, microseconds=500), "PT5M0.0005S"),
    ],
)
def test_a_duration_is_written_as_short_as_it_can_be(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@given(st.timedeltas(min_value=timedelta(), max_value=LONGEST_DURATION))
def test_a_duration_survives_the_round_trip(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration
