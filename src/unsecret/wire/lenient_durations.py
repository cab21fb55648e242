"""Durations as people and other tools write them: every spelling of ISO 8601, and .NET's `90.00:00:00`.

Graph itself takes days and time only (`instants.parse_duration`). A year counts 365 days and a month 30, as .NET's
XmlConvert has it (https://learn.microsoft.com/en-us/dotnet/api/system.xml.xmlconvert.totimespan); whoever writes one is
shown the days.
"""

from __future__ import annotations

import re
from datetime import timedelta

from unsecret.errors import Invalid
from unsecret.wire.instants import LONGEST_DURATION

_NUMBER = r"(\d{1,12}(?:[.,]\d{1,12})?)"
_ISO = re.compile(
    rf"P(?=.)(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?=.)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.ASCII | re.IGNORECASE,
)
_SECONDS = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, 60, 1)
_TIME_SPAN = re.compile(r"(?:(\d{1,8})\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?", re.ASCII)


def parse_any_duration(value: object, *, target: str | None = None) -> timedelta:
    """`P90D`, `p3m`, `P13W`, `PT2160H`, `P1Y6M`, `P0.5D`, `90.00:00:00`. Raises Invalid, which names `target`."""
    duration = _read(value.strip()) if isinstance(value, str) else None
    if duration is None:
        shown = repr(value[:64]) if isinstance(value, str) else type(value).__name__
        where = f" for '{target}'" if target else ""
        raise Invalid(f"Cannot read {shown}{where}; expected a duration such as P90D or PT12H.", target=target)
    return duration


def _read(text: str) -> timedelta | None:
    try:
        if found := _ISO.fullmatch(text):
            parts = zip(found.groups(), _SECONDS, strict=True)
            seconds = sum(float((number or "0").replace(",", ".")) * each for number, each in parts)
            duration = timedelta(seconds=seconds)
        elif found := _TIME_SPAN.fullmatch(text):
            days, hours, minutes, whole, fraction = found.groups()
            duration = timedelta(int(days or 0), int(whole), int((fraction or "0").ljust(6, "0")[:6]), 0, int(minutes))
            duration += timedelta(hours=int(hours))
        else:
            return None
    except OverflowError:
        return None
    return duration if duration <= LONGEST_DURATION else None
