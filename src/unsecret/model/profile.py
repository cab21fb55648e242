"""What a standard asks of a tenant, as values.

The standards themselves are rows in rules/profiles.py; an organisation can write its own, see wire/profile_files.py.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from msgspec import Struct

from unsecret.model.application import ObjectKind
from unsecret.model.policy import RestrictionKind


class Severity(StrEnum):
    """How bad it is when a requirement is not met, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return tuple(Severity).index(self)


class CredentialKind(StrEnum):
    """What a requirement may say about credentials that exist."""

    PASSWORD = "password"
    SYMMETRIC_KEY = "symmetricKey"
    CERTIFICATE = "certificate"


BOTH = (ObjectKind.APPLICATION, ObjectKind.SERVICE_PRINCIPAL)

CREDENTIAL_KINDS = (
    RestrictionKind.PASSWORD_ADDITION,
    RestrictionKind.PASSWORD_LIFETIME,
    RestrictionKind.CUSTOM_PASSWORD_ADDITION,
    RestrictionKind.SYMMETRIC_KEY_ADDITION,
    RestrictionKind.SYMMETRIC_KEY_LIFETIME,
    RestrictionKind.ASYMMETRIC_KEY_LIFETIME,
)
"""The restrictions that a requirement can ask for: those that say all there is to say by being there."""


class Requirement(Struct, frozen=True, kw_only=True):
    """One thing that a profile asks for.

    Policies must hold every one of `kinds` for every one of `sections`; nobody may hold any of `credentials`. With
    `longest`, both are about lifetimes: policies must allow no longer one, and only a longer credential is wrong.
    `or_blocked` says that a restriction counts as held where adding such credentials is blocked as such.
    """

    id: str
    title: str
    severity: Severity = Severity.MEDIUM
    kinds: tuple[RestrictionKind, ...] = ()
    sections: tuple[ObjectKind, ...] = BOTH
    credentials: tuple[CredentialKind, ...] = ()
    longest: timedelta | None = None
    accepts: timedelta | None = None
    or_blocked: bool = False
    standards: tuple[str, ...] = ()
    source: str = ""

    @property
    def longest_accepted(self) -> timedelta | None:
        """The longest lifetime that a policy may allow."""
        return self.accepts or self.longest


class Profile(Struct, frozen=True, kw_only=True):
    """A named list of requirements."""

    name: str
    title: str
    requirements: tuple[Requirement, ...]


class Mute(Struct, frozen=True, kw_only=True):
    """Findings that are known and borne, until a day and for a reason. In patterns `*` is anything, `?` one character.

    `subject` is held against the names and ids of what a finding is about.
    """

    subject: str
    requirement: str = "*"
    check: str = "*"
    reason: str | None = None
    until: date | None = None

    def why_not(self, today: date) -> str | None:
        """Why this mute does not mute; None when it does."""
        if not self.reason:
            return "it gives no reason"
        if self.until is None:
            return "it has no end date"
        if self.until < today:
            return f"it ended on {self.until.isoformat()}"
        return None
