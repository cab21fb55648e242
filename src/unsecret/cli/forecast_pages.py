"""A forecast as an answer: sentences, applications with every scenario beside each, weeks, and the chart of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict

from unsecret.cli.answers import Answer, Cell, Sheet, day
from unsecret.cli.words import CREDENTIALS, USE, counted, owners_in_words, policy_in_words, unknowns
from unsecret.model.policy import RestrictionKind
from unsecret.model.times_in_words import duration_in_words
from unsecret.operate.forecasts.forecast import OUTCOMES
from unsecret.rules.restriction_words import restriction_in_words

if TYPE_CHECKING:
    from unsecret.operate.forecasts.forecast import Forecast, Summary, Week
    from unsecret.operate.forecasts.foreseen import Foreseen, Found, Reason, Renewal, Value

MOST_VALUES = 3
"""URIs of one application that a cell lists."""

_RESTRICTED = {
    "password": {RestrictionKind.PASSWORD_ADDITION, RestrictionKind.PASSWORD_LIFETIME},
    "certificate": {RestrictionKind.ASYMMETRIC_KEY_LIFETIME, RestrictionKind.TRUSTED_CERTIFICATE_AUTHORITY},
}
"""What restricts each kind of credential that the service makes, or that is put in its place."""

_LIMITS = {RestrictionKind.PASSWORD_LIFETIME, RestrictionKind.SYMMETRIC_KEY_LIFETIME}


def answer_of(forecast: Forecast, found: Sequence[Found], *, fail_within: timedelta | None) -> Answer:
    """What `unsecret forecast` says."""
    summaries = [forecast.summary(number) for number in range(len(forecast.scenarios))]
    manifest = forecast.snapshot.manifest
    listed = len(found[0].applications)
    applications = list(zip(*(one.applications for one in found), strict=True))
    more = f" (the first {listed} of {found[0].matching}; --top N lists more)" if listed < found[0].matching else ""
    return Answer(
        title="Forecast",
        content={
            "as_of": forecast.now,
            "tenant_id": manifest.tenant_id,
            "scenarios": [
                {**asdict(summary), "matching": one.matching, "listed": one.applications}
                for summary, one in zip(summaries, found, strict=True)
            ],
            "not_known": manifest.not_known,
        },
        sheets=(
            Sheet(
                title=f"Applications{more}",
                columns=_columns(found),
                rows=[_row(together, forecast) for together in applications],
                empty="No application is like that.",
                spare=("APP ID", "OWNERS", "NEW SECRET", "WHICH"),
                brief=[_row(together, forecast, briefly=True) for together in applications],
            ),
            _outcomes(summaries),
            _weeks(summaries),
        ),
        facts=tuple(_facts(forecast, summaries, fail_within)),
        notes=tuple(unknowns(manifest.not_known)),
        page="forecast.html",
        drawing=[chart(summary) for summary in summaries],
    )


def _facts(forecast: Forecast, summaries: Sequence[Summary], fail_within: timedelta | None) -> Iterator[str]:
    manifest = forecast.snapshot.manifest
    yield f"{manifest.display_name or 'Tenant'} ({manifest.tenant_id}), as of {day(forecast.now)}."
    for summary in summaries:
        yield from _sentences(summary)
    if fail_within is not None:
        number, term = forecast.fails_within(fail_within), duration_in_words(fail_within)
        yield f"Within {term} {number} lose the last credential and cannot be sure to renew it."


def _sentences(summary: Summary) -> Iterator[str]:
    ends, use = summary.outcomes["ends"], summary.cannot_renew_by_use
    applications = counted(summary.applications, "application")
    yield (
        f"{summary.scenario}: {ends} of {applications} will lose their last credential; "
        f"{summary.cannot_renew} of them could not renew it as it is "
        f"({use.used} seen in use, {use.unused} not seen, {use.unknown} not known)"
        + (f", of {summary.renewal_not_known} that is not known." if summary.renewal_not_known else ".")
    )
    yield (
        f"Refused then: new secrets of {counted(summary.new_secrets_refused, 'application')}, renewals of "
        f"{summary.renewals_refused}, URIs or audiences of {summary.values_refused}."
    )


def _columns(found: Sequence[Found]) -> tuple[str, ...]:
    scenarios = ("RENEWAL",) if len(found) == 1 else tuple(one.scenario.upper() for one in found)
    return ("APPLICATION", "LAST CREDENTIAL ENDS", "WHICH", *scenarios, "NEW SECRET", "IN USE", "OWNERS", "APP ID")


def _row(together: Sequence[Foreseen], forecast: Forecast, *, briefly: bool = False) -> tuple[Cell, ...]:
    """One application in all scenarios. What no policy decides is the same in all of them. For a screen: that the
    tenant default refuses goes without saying, and the first owner is enough."""
    one = together[-1]
    is_allowed = all(each.new_secret == "allowed" for each in together)
    new = f"allowed{_exempt(one, 'password')}" if is_allowed else _first_refusal(together, forecast, briefly)
    return (
        one.display_name,
        _end(one),
        f"{CREDENTIALS[one.last.kind]} {one.last.display_name or ''}".strip() if one.last else "–",
        *(_renewal(each, forecast.now, briefly) for each in together),
        new,
        USE[one.use] + (f" ({day(one.last_seen_at)})" if one.last_seen_at else ""),
        owners_in_words(one.owners, briefly=briefly),
        one.app_id,
    )


def _end(one: Foreseen) -> str:
    """The day, or why there is none."""
    if one.outcome == "ends":
        return "; ".join(
            (day(one.ends_at), *(f"none from {day(gap.start_at)} to {day(gap.end_at)}" for gap in one.gaps))
        )
    if one.outcome == "ended":
        return f"{day(one.ends_at)} (over)"
    return {"never": "never (federated)", "nothing": "has none"}.get(one.outcome, OUTCOMES[one.outcome])


def _renewal(one: Foreseen, now: datetime, briefly: bool) -> str:
    said = []
    if one.last and one.outcome == "ends":
        if one.renewal == "refused":
            said.append(f"refused{_reasons(one.last.refused_by, briefly)}")
        else:
            said.append(f"{one.renewal or '–'}{_exempt(one, one.last.kind)}")
    others = [
        each for each in one.credentials if each.renewal == "refused" and _is_live(each, now) and each is not one.last
    ]
    if others:
        by = _reasons(others[0].refused_by, briefly)
        said.append(f"{len(others)} more refused" if said else f"{len(others)} refused{by}")
    if one.values:
        said.append(f"not again: {_values(one.values)}")
    return "; ".join(said) or "–"


def _exempt(one: Foreseen, credential: str) -> str:
    """The last day on which it is exempt from what would restrict such a credential."""
    days = [until for kind, until in one.exempt_until.items() if kind in _RESTRICTED[credential]]
    return f" (exempt until {min(days).isoformat()})" if days else ""


def _is_live(credential: Renewal, now: datetime) -> bool:
    return credential.end_at is None or credential.end_at > now


def _first_refusal(together: Sequence[Foreseen], forecast: Forecast, briefly: bool) -> str:
    refused = [each for each in together if each.new_secret != "allowed"]
    reasons = refused[0].new_secret_refused_by
    is_shorter_allowed = {one.restriction for one in reasons} <= _LIMITS
    length = f" for {duration_in_words(forecast.new_secret)}" if is_shorter_allowed else ""
    words = f"refused{length}{_reasons(reasons, briefly)}"
    return words if len(refused) == len(together) else f"{words} (not in every scenario)"


def _reasons(reasons: Sequence[Reason], briefly: bool) -> str:
    """Which policies refuse, and what each of them restricts."""
    of: dict[str, list[str]] = {}
    for one in reasons:
        by = policy_in_words(one.policy, is_custom=one.is_custom)
        said = "" if briefly and not one.is_custom else f" by {by}"
        of.setdefault(said, []).append(restriction_in_words(one.restriction))
    return ",".join(f"{by} ({', '.join(dict.fromkeys(what))})" for by, what in of.items())


def _values(values: Sequence[Value]) -> str:
    more = f" and {len(values) - MOST_VALUES} more" if len(values) > MOST_VALUES else ""
    return ", ".join(one.value for one in values[:MOST_VALUES]) + more


def _outcomes(summaries: Sequence[Summary]) -> Sheet:
    """What becomes of how many. No policy decides about that, so one column is enough."""
    counts = summaries[0].outcomes
    rows = [(meaning, counts[word]) for word, meaning in OUTCOMES.items() if counts[word]]
    return Sheet(title="What becomes of them", columns=("AN APPLICATION", "HOW MANY"), rows=rows)


def _weeks(summaries: Sequence[Summary]) -> Sheet:
    heads = ("CANNOT RENEW",) if len(summaries) == 1 else tuple(f"CANNOT RENEW: {one.scenario}" for one in summaries)
    rows = [
        (_week(together[0]), together[0].ends, *(_cannot(week) for week in together))
        for together in zip(*(one.weeks for one in summaries), strict=True)
        if together[0].ends
    ]
    return Sheet(title="By week", columns=("WEEK FROM", "LOSE THE LAST", *heads), rows=rows, empty="None ends.")


def _week(week: Week) -> str:
    return f"{week.starts_on:%Y-%m-%d}" if week.starts_on else "later"


def _cannot(week: Week) -> str:
    return f"{week.refused} ({week.not_known} not known)" if week.not_known else str(week.refused)


# -- the chart ----------------------------------------------------------------------------------------------------

WIDE, HIGH, LEFT, TOP = 1060, 220, 44, 12
"""Of the drawing, in its own units: the room for bars, and what is beside and above it."""

MONTH = 66
"""The room that the name of a month takes."""


class Part(Struct, frozen=True):
    """A part of a bar: where it stands, and what it means (`renewable`, `unsure`, `refused`)."""

    meaning: str
    y: float
    height: float


class Bar(Struct, frozen=True):
    """One week."""

    x: float
    width: float
    parts: tuple[Part, ...]
    words: str
    month: str


class Chart(Struct, frozen=True):
    """A timeline: bars, and the lines of the scale (`y` and what it says)."""

    title: str
    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, int], ...]
    width: int = WIDE + LEFT
    height: int = HIGH + TOP + 28
    left: int = LEFT
    floor: int = HIGH + TOP
    later: int = 0


def chart(summary: Summary) -> Chart:
    """The weeks of a scenario as a drawing."""
    weeks = [week for week in summary.weeks if week.starts_on]
    step = _step(max((week.ends for week in weeks), default=0))
    top = max(1, -(-max((week.ends for week in weeks), default=1) // step)) * step
    pace = WIDE / max(len(weeks), 1)
    return Chart(
        title=summary.scenario,
        bars=tuple(_bar(week, LEFT + index * pace, pace, HIGH / top) for index, week in enumerate(weeks)),
        lines=tuple((TOP + HIGH - value * HIGH / top, value) for value in range(0, top + 1, step)),
        later=sum(week.ends for week in summary.weeks if week.starts_on is None),
    )


def _bar(week: Week, x: float, pace: float, scale: float) -> Bar:
    parts, floor = [], float(TOP + HIGH)
    renewable = week.ends - week.refused - week.not_known
    for meaning, number in (("refused", week.refused), ("unsure", week.not_known), ("renewable", renewable)):
        if number:
            floor -= number * scale
            parts.append(Part(meaning, round(floor, 2), round(number * scale, 2)))
    day = week.starts_on
    words = f"week from {day}: {week.ends} lose the last credential, {week.refused} cannot renew it"
    month = f"{day:%b %Y}" if day and day.day <= 7 and x + MONTH <= LEFT + WIDE else ""
    return Bar(round(x + pace * 0.12, 2), round(pace * 0.76, 2), tuple(parts), words, month)


def _step(most: int) -> int:
    """A round number of which at most five reach up to `most`."""
    return next(step for power in range(10) for step in (10**power, 2 * 10**power, 5 * 10**power) if step * 5 >= most)
