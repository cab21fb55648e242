"""What a check found, as each kind of answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from unsecret.cli import junit, sarif
from unsecret.cli.answers import Answer, Cell, Sheet, put, write_file
from unsecret.cli.printing import answer, say
from unsecret.cli.words import counted, unknowns
from unsecret.model.times_in_words import instant_in_words
from unsecret.operate.checks.findings import Finding, Outcome, Report, Result

DOCUMENTS = {"junit": junit.document, "sarif": sarif.document}
"""Forms that other programs read, each with what writes it."""

OUTCOMES = {Outcome.FAILS: "not met", Outcome.NOT_KNOWN: "not known", Outcome.MUTED: "muted", Outcome.HOLDS: "met"}

FORCED = "--force"
"""What a command says that removes a credential with which an application can still sign in."""


def deliver(report: Report, *, output: str, query: str | None, file: Path | None, is_named: bool = True) -> None:
    """Print the report as `output`, or write it to `file`. Raises as `answers.put`. `is_named` says whether the
    commands name the tenant that they are for."""
    if query is not None or output not in DOCUMENTS:
        put(_answer(report, output=output, is_named=is_named), output=output, query=query, file=file)
        return
    text = DOCUMENTS[output](report)
    if file is None:
        answer(text.removesuffix("\n"))
    else:
        write_file(file, text)
        say(f"Written: {file}")


def _answer(report: Report, *, output: str, is_named: bool) -> Answer:
    findings = {"csv": _csv_sheet, "table": _short_sheet}.get(output, _findings)(report)
    mending = _commands(report, is_named=is_named) if output == "table" else _warning(report)
    return Answer(
        title=f"Check: {report.title}",
        content=report,
        facts=tuple(_facts(report)),
        sheets=(findings, _requirements(report)),
        notes=(*mending, *_notes(report)),
    )


def _facts(report: Report) -> Iterator[str]:
    yield f"{report.organisation or 'Tenant'} ({report.tenant_id}), as of {instant_in_words(report.as_of)}."
    yield f"Held against: {report.title}."
    met = sum(one.outcome is Outcome.HOLDS for one in report.results)
    said = [f"{met} of {len(report.results)} requirements are met"]
    for outcome in (Outcome.FAILS, Outcome.NOT_KNOWN, Outcome.MUTED):
        count = sum(one.outcome is outcome for one in report.results)
        said += [f"{count} {OUTCOMES[outcome]}"] if count else []
    yield f"{', '.join(said)}; {counted(report.found, 'finding')}."


def _short_sheet(report: Report) -> Sheet:
    """For a screen: commands stand below in lines of their own, so that they can be copied."""
    rows = [
        (number, one.severity.value, one.requirement, one.subject.words, _briefly(one))
        for number, one in enumerate(report.findings, 1)
    ]
    columns = ("NO", "SEVERITY", "REQUIREMENT", "WHAT", "WHY")
    return Sheet(title="Findings", columns=columns, rows=rows, head=4)


def _commands(report: Report, *, is_named: bool) -> Iterator[str]:
    """What mends the findings, to be copied; what would cut an application off today cannot be copied by accident."""
    numbers: dict[str, list[int]] = {}
    for number, one in enumerate(report.findings, 1):
        numbers.setdefault(one.mend, []).append(number)
    lines = {command: f"{command}    # {', '.join(map(str, mended))}" for command, mended in numbers.items()}
    safe = [line for command, line in lines.items() if FORCED not in command.split()]
    if safe:
        unnamed = f" (put the name of the tenant {report.tenant_id} in your settings for NAME; a local one has --data)"
        where = "" if is_named else unnamed
        yield f"What mends them{where}:"
        yield from (f"  {line}" for line in safe)
    if cutting := [line for command, line in lines.items() if FORCED in command.split()]:
        yield "Only once something in their place was seen signing in; today these would cut the application off:"
        yield from (f"  # {line}" for line in cutting)


def _warning(report: Report) -> Iterator[str]:
    if any(FORCED in one.mend.split() for one in report.findings):
        yield (
            f"A command with {FORCED} would cut its application off today: give it only once something in its place "
            "was seen signing in."
        )


def _findings(report: Report) -> Sheet:
    rows = [(one.severity.value, one.requirement, one.subject.words, _why(one), one.mend) for one in report.findings]
    return Sheet(title="Findings", columns=("SEVERITY", "REQUIREMENT", "WHAT", "WHY", "MEND WITH"), rows=rows)


def _why(one: Finding) -> str:
    return f"{one.why} ({'; '.join(one.evidence)})" if one.evidence else one.why


def _briefly(one: Finding) -> str:
    """Of a credential the reason tells one end of its term already, and `apps show` both."""
    return _why(replace(one, evidence=one.evidence[1:])) if one.subject.credential else _why(one)


def _csv_sheet(report: Report) -> Sheet:
    return Sheet(
        title="Findings",
        columns=(
            *("SEVERITY", "REQUIREMENT", "CHECK", "WHAT", "WHY", "EVIDENCE", "MEND WITH", "ADVICE", "STANDARDS"),
            *("DISPLAY NAME", "OBJECT ID", "APP ID", "KEY ID", "POLICY ID", "ID"),
        ),
        rows=[_csv_row(one) for one in report.findings],
    )


def _csv_row(one: Finding) -> tuple[Cell, ...]:
    about = one.subject
    return (
        *(one.severity.value, one.requirement, one.check, about.words, one.why, "; ".join(one.evidence), one.mend),
        *(one.advice, "; ".join(one.standards), about.display_name, about.object_id, about.app_id, about.key_id),
        *(about.policy_id, one.id),
    )


def _requirements(report: Report) -> Sheet:
    columns = ("REQUIREMENT", "ASKS", "SEVERITY", "OUTCOME", "FINDINGS", "MUTED", "STANDARDS")
    rows = [_requirement(one) for one in report.results]
    return Sheet(title="Requirements", columns=columns, rows=rows, spare=("STANDARDS", "MUTED"))


def _requirement(one: Result) -> tuple[Cell, ...]:
    asked = one.requirement
    standards = ", ".join(asked.standards)
    return (asked.id, asked.title, asked.severity.value, OUTCOMES[one.outcome], one.found, one.muted, standards)


def _notes(report: Report) -> Iterator[str]:
    listed: dict[str, int] = {}
    for finding in report.findings:
        listed[finding.requirement] = listed.get(finding.requirement, 0) + 1
    for one in report.results:
        shown = listed.get(one.requirement.id, 0)
        if shown < one.found:
            yield f"Of {one.requirement.id}, {shown} of {one.found} findings are listed; --limit lists more."
    unknown = {sentence for one in report.results for sentence in one.not_known}
    yield from unknowns(sorted(unknown))
    yield from report.notes
