"""How much a client secret of an application endangers the tenant, with every reason.

A rank for people who must begin somewhere, not a measurement: points of reasons are added up, and stand in one table.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from unsecret.rules.privileges import Grade, Privilege

LONG_DAYS = 180
"""The longest lifetime of a secret that Microsoft and CIS recommend."""

VERY_LONG_DAYS = 730
MANY = 3
"""More live secrets than a rotation with overlap needs."""


class Level(StrEnum):
    """What the points come to."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of one application. Counts are of credentials that it signs in with; `longest_days` is the longest
    lifetime among live secrets. `owners` is None where they could not be read."""

    live_secrets: int = 0
    used_secrets: int = 0
    unused_secrets: int = 0
    longest_days: int = 0
    expired: int = 0
    owners: int | None = 0
    is_multi_tenant: bool = False
    privileges: tuple[Privilege, ...] = ()


class Ground(Struct, frozen=True):
    """One reason and what it counts."""

    points: int
    words: str


class Risk(Struct, frozen=True):
    """The sum, and its reasons, the weightiest first."""

    score: int
    level: Level
    grounds: tuple[Ground, ...]


def risk_of(facts: Facts) -> Risk:
    """The rank of one application. Without a live secret there is nothing to steal, and what remains counts little."""
    grounds = tuple(sorted((*_of_secrets(facts), *_of_reach(facts), *_of_neglect(facts)), key=lambda one: -one.points))
    score = min(100, sum(ground.points for ground in grounds))
    return Risk(score, _level(score), grounds)


def _level(score: int) -> Level:
    if score >= 50:
        return Level.HIGH
    if score >= 25:
        return Level.MEDIUM
    return Level.LOW if score else Level.NONE


def _of_secrets(facts: Facts) -> Iterator[Ground]:
    if not facts.live_secrets:
        return
    yield Ground(10, "can sign in with a secret")
    if facts.used_secrets:
        yield Ground(10, "the secret is in use")
    if facts.longest_days > VERY_LONG_DAYS:
        yield Ground(15, f"a secret lives {facts.longest_days} days")
    elif facts.longest_days > LONG_DAYS:
        yield Ground(8, f"a secret lives {facts.longest_days} days")
    if facts.live_secrets >= MANY:
        yield Ground(5, f"{facts.live_secrets} secrets at a time")
    if facts.unused_secrets:
        yield Ground(8, f"{facts.unused_secrets} of its secrets not seen in use")


def _of_reach(facts: Facts) -> Iterator[Ground]:
    armed = bool(facts.live_secrets)
    for grade, points in ((Grade.TENANT, 40), (Grade.DATA, 20)):
        held = [one for one in facts.privileges if one.grade is grade]
        if held:
            more = f" and {len(held) - 1} more" if len(held) > 1 else ""
            yield Ground(points if armed else points // 4, f"{held[0].name}{more}: {held[0].why}")
    if facts.is_multi_tenant and armed:
        yield Ground(5, "open to other organisations")


def _of_neglect(facts: Facts) -> Iterator[Ground]:
    if facts.expired:
        yield Ground(3, f"{facts.expired} expired credential{'s' * (facts.expired != 1)} left")
    if facts.owners == 0:
        yield Ground(8 if facts.live_secrets else 2, "nobody owns it")
