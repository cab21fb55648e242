"""What a check found, as values: a report has a result for every requirement, and findings for those not met."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from unsecret.model.profile import Requirement, Severity


class Outcome(StrEnum):
    """What became of a requirement. What could not be looked at is not known, which is never the same as met."""

    FAILS = "fails"
    NOT_KNOWN = "not known"
    MUTED = "muted"
    HOLDS = "holds"


class Subject(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a finding is about: a policy, or a credential of an application. `path` is where Graph has it."""

    words: str
    path: str
    policy_id: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    app_id: str | None = None
    display_name: str | None = None
    credential: str | None = None
    key_id: str | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is not as the requirement asks, and the command that mends it.

    `check` is the kind of finding. `id` is the same in every run for the same thing.
    """

    id: str
    requirement: str
    check: str
    severity: Severity
    subject: Subject
    why: str
    evidence: tuple[str, ...]
    mend: str
    advice: str
    standards: tuple[str, ...]


class Result(Struct, frozen=True, kw_only=True):
    """What became of one requirement. `found` counts every finding that is not muted, also those not listed."""

    requirement: Requirement
    outcome: Outcome
    found: int = 0
    muted: int = 0
    not_known: tuple[str, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """The whole answer. `findings` are the ones that are listed, worst first; `notes` say what mutes did."""

    profile: str
    title: str
    tenant_id: str
    organisation: str | None
    as_of: datetime
    results: tuple[Result, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> int:
        """How many findings there are that are not muted."""
        return sum(one.found for one in self.results)

    @property
    def is_met(self) -> bool:
        """Whether every requirement is met as far as it is not muted, and nothing is unknown."""
        return all(one.outcome in (Outcome.HOLDS, Outcome.MUTED) for one in self.results)
