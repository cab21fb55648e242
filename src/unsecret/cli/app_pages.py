"""Applications as answers: the listing, and the page of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from unsecret.cli.answers import Answer, Cell, Sheet, day
from unsecret.cli.words import (
    CREDENTIALS,
    ORIGINS,
    PURPOSES,
    STATES,
    USE,
    counted,
    entry_in_words,
    face_in_words,
    owners_in_words,
    unknowns,
)

if TYPE_CHECKING:
    from unsecret.operate.applications.governed import NewSecrets
    from unsecret.operate.applications.inventory import Application
    from unsecret.operate.applications.listing import Line, Listing
    from unsecret.operate.applications.one_application import Whole

SHOWN = 50
"""Applications that a table shows unless told otherwise."""

GLANCE = 60
"""Letters of reasons that a line of a screen has room for."""

COLUMNS = ("APPLICATION", "RISK", "SECRETS", "CERTIFICATES", "FEDERATED", "LAST SEEN", "OWNERS", "NEW SECRETS", "WHY")

COLUMNS_OF_POLICIES = ("ON THE", "RESTRICTION", "SAYS", "POLICY", "BINDS")


def listing(found: Listing, notes: tuple[str, ...] = ()) -> Answer:
    """Applications, one a line; `notes` stand before what is not known."""
    shown = len(found.lines)
    more = f"; listed: the first {shown}, --top N lists more" if shown < found.matching else ""
    return Answer(
        title="Applications",
        content={
            "as_of": found.as_of,
            "total": found.total,
            "matching": found.matching,
            "applications": found.applications,
            "not_known": found.not_known,
        },
        sheets=(
            Sheet(
                title="Applications",
                columns=COLUMNS,
                rows=[_row(line) for line in found.lines],
                empty="No application is like that.",
                spare=("FEDERATED", "CERTIFICATES", "NEW SECRETS", "OWNERS", "LAST SEEN"),
                brief=[_row(line, briefly=True) for line in found.lines],
            ),
        ),
        facts=(f"As of {day(found.as_of)}: {found.matching} of {counted(found.total, 'application')}{more}.",),
        notes=(*notes, *unknowns(found.not_known)),
    )


def _row(line: Line, *, briefly: bool = False) -> tuple[Cell, ...]:
    """A line in words; for a screen with the heaviest reasons, the first owner, and what is allowed without who says
    so."""
    return (
        *(line.name, line.risk, line.secrets, line.certificates, line.federated, USE.get(line.use, line.use)),
        owners_in_words(line.owners, briefly=briefly),
        _new_secrets(line.new_secrets, briefly=briefly),
        (_heaviest(line.why) if briefly else "; ".join(line.why)) or "–",
    )


def _heaviest(why: Sequence[str]) -> str:
    """As many reasons as are read at a glance."""
    said, others = "; ".join(why[:1]), list(why[1:])
    while others and len(said) + len(others[0]) < GLANCE:
        said += f"; {others.pop(0)}"
    return f"{said}; {len(others)} more" if others else said


def _new_secrets(found: Sequence[NewSecrets], *, briefly: bool = False) -> str:
    """What the policies say for each face; said once where both are the same."""
    said = {one.on: one.says if briefly or not one.policy else f"{one.says} by {one.policy}" for one in found}
    if len(set(said.values())) <= 1:
        return next(iter(said.values()), "")
    return "; ".join(f"{words} on the {face_in_words(on)}" for on, words in said.items())


def described(found: Whole, not_known: Iterable[str], at: datetime) -> Answer:
    """One application, whole."""
    application = found.application
    return Answer(
        title=application.display_name,
        content={"as_of": at, **_members(found), "not_known": tuple(not_known)},
        sheets=(
            _credentials(found),
            Sheet(
                title="Restrictions",
                columns=COLUMNS_OF_POLICIES,
                rows=policy_rows(found),
                empty="No policy restricts it.",
            ),
            _owners(found),
            Sheet(
                title="Permissions",
                columns=("PERMISSION", "KIND", "API", "DANGER"),
                rows=[(one.permission, one.kind, one.api, one.why or "–") for one in found.permissions],
                empty="It has none.",
            ),
        ),
        facts=(*_facts(application, at), *exemption_facts(found, at)),
        notes=tuple(unknowns(not_known)),
    )


def _credentials(found: Whole) -> Sheet:
    return Sheet(
        title="Credentials",
        columns=("KIND", "NAME", "HELD BY", "STATE", "FROM", "UNTIL", "DAYS", "USE", "FOR", "KEY ID"),
        rows=[
            (
                *(CREDENTIALS.get(one.kind, one.kind), one.display_name or "–", face_in_words(one.held_by)),
                *(STATES.get(one.state, one.state), day(one.start_at), day(one.end_at), one.days),
                *(_use(one.use, one.last_used_at), PURPOSES.get(one.purpose, one.purpose), one.key_id),
            )
            for one in found.credentials
        ],
        empty="It has none.",
        spare=("FOR", "DAYS", "HELD BY"),
        head=2,
    )


def _owners(found: Whole) -> Sheet:
    return Sheet(
        title="Owners",
        columns=("OWNER", "TYPE", "OWNS THE"),
        rows=[
            (one.user_principal_name or one.display_name, face_in_words(one.type), face_in_words(one.owns))
            for one in found.owners
        ],
        empty="Not known." if found.application.owners is None else "Nobody.",
    )


def policy_rows(found: Whole) -> list[tuple[str, ...]]:
    """Every restriction that governs a face of the application, and whether it binds."""
    return [
        (
            *(face_in_words(one.kind), entry_in_words(entry.kind, entry.kind), entry.says, entry.policy),
            f"no: {entry.why_not}" if entry.why_not else "yes",
        )
        for one in found.governed
        for entry in one.restrictions
    ]


def exemption_facts(found: Whole, at: datetime) -> list[str]:
    """Until when the application is exempt, and why."""
    terms = dict.fromkeys((one.term.until, one.term.reason) for one in found.governed if one.term)
    return [
        f"Exempt until {until}: {reason}."
        if at.date() <= until
        else f"Still exempt, though only until {until}: {reason}."
        for until, reason in terms
    ]


def _facts(found: Application, at: datetime) -> Iterator[str]:
    yield f"{found.display_name} (appId {found.app_id}), as of {day(at)}"
    origin = ORIGINS.get(found.origin, found.origin)
    yield f"Created {day(found.created_at)}; {'enabled' if found.is_enabled else 'disabled'}; {origin}."
    yield f"Last seen signing in: {_use(found.use, found.last_sign_in_at)}."
    by = "" if any(one.policy for one in found.new_secrets) else f" ({found.policy})"
    yield f"New secrets: {_new_secrets(found.new_secrets)}{by}."
    if found.renews_itself:
        yield f"{found.renews_itself}."
    yield f"Risk: {found.risk} ({found.score}){':' if found.grounds else '.'}"
    yield from (f"  +{ground.points} {ground.words}" for ground in found.grounds)


def _members(found: Whole) -> dict[str, object]:
    return {name: getattr(found, name) for name in found.__struct_fields__}


def _use(use: str, at: datetime | None) -> Cell:
    return day(at) if at else USE[use]
