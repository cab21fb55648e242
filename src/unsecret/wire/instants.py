"""Instants and durations as Graph writes them.

Edm.DateTimeOffset and Edm.Duration of OData 4.01
(https://docs.oasis-open.org/odata/odata/v4.01/os/abnf/odata-abnf-construction-rules.txt), plus the one
departure that Graph allows and the Graph SDK for Python sends: an instant without a zone is UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from unsecret.errors import Invalid

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?(Z|[+-]\d\d:\d\d)?",
    re.ASCII,
)
_DURATION = re.compile(
    r"P(?=.)(?:(\d{1,8})D)?(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,10})M)?(?:(\d{1,12})(?:\.(\d{1,12}))?S)?)?",
    re.ASCII,
)

LONGEST_DURATION = timedelta(days=10_675_199)
"""What the service itself can hold (a .NET TimeSpan); a longer Edm.Duration is not readable to it."""

_SHOWN = 64
"""How much of an unreadable value is repeated in the error."""


def parse_instant(value: object, *, target: str | None = None) -> datetime:
    """`value` as an aware UTC datetime, cut to microseconds.

    Takes `2026-01-31T10:00:00Z`, up to twelve fractional digits, a numeric offset, and no zone at all
    (UTC). A date alone, a Unix time and everything else raise Invalid, which names `target` when given.
    """
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _no_instant(value, target)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        local = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            _microseconds(fraction),
            _zone(zone),
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _no_instant(value, target) from None


def format_instant(instant: datetime) -> str:
    """An aware datetime as `2026-01-31T10:00:00Z`; the fraction is written only when it is not zero."""
    text = instant.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else instant.astimezone(UTC).isoformat()[:-6] + "Z"


def parse_duration(value: object, *, target: str | None = None) -> timedelta:
    """An Edm.Duration such as `P90D` or `P4DT12H30M5S`, cut to microseconds.

    Years, months and weeks have no fixed length and are not Edm.Duration; negative ones make no lifetime;
    `90 days, 0:00:00` is what the Graph SDK for Python sends by mistake. All raise Invalid.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _unreadable(value, target, "a duration in days and time such as P90D or P4DT12H30M5S")
    days, hours, minutes, seconds, fraction = match.groups()
    duration = timedelta(
        days=int(days or 0),
        hours=int(hours or 0),
        minutes=int(minutes or 0),
        seconds=int(seconds or 0),
        microseconds=_microseconds(fraction),
    )
    if duration > LONGEST_DURATION:
        raise _unreadable(value, target, "a duration of at most P10675199D")
    return duration


def format_duration(duration: timedelta) -> str:
    """A duration that is not negative as an Edm.Duration: `P90D`, `PT12H`, `PT0S`."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{duration.microseconds:06}".rstrip("0") if duration.microseconds else ""
    date = f"{duration.days}D" if duration.days else ""
    time = "".join((f"{hours}H" if hours else "", f"{minutes}M" if minutes else ""))
    if seconds or fraction or not (date or time):
        time += f"{seconds}{fraction}S"
    return f"P{date}T{time}" if time else f"P{date}"


def _microseconds(fraction: str | None) -> int:
    return int(fraction[:6].ljust(6, "0")) if fraction else 0


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _no_instant(value: object, target: str | None) -> Invalid:
    """Begins as Graph says it (https://github.com/Microsoft365DSC/Microsoft365DSC/issues/7291)."""
    shown = value[:_SHOWN] if isinstance(value, str) else type(value).__name__
    wanted = f"Property '{target}' takes" if target else "Expected"
    return Invalid(f"Invalid datetime value: {shown}. {wanted} an instant such as 2026-01-31T10:00:00Z.", target=target)


def _unreadable(value: object, target: str | None, expected: str) -> Invalid:
    shown = repr(value[:_SHOWN]) if isinstance(value, str) else type(value).__name__
    where = f" for property '{target}'" if target else ""
    return Invalid(f"Cannot read {shown}{where}; expected {expected}.", target=target)
