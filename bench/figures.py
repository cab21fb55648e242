"""What was measured, beside what was wanted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`measured` is a ratio (or what `unit` says); it should be `limit` at most, or at least when `at_least`."""

    area: str
    what: str
    measured: float
    limit: float
    at_least: bool = True
    unit: str = "×"
    bound_by: str = ""

    @property
    def holds(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def __str__(self) -> str:
        return f"{'ok    ' if self.holds else 'MISSED'}  {self.area}: {self.what}: {self.shown} (wanted {self.wanted})"

    @property
    def shown(self) -> str:
        digits = {"×": 2, "s": 1}.get(self.unit, 0)
        return f"{self.measured:.{digits}f} {self.unit}"

    @property
    def wanted(self) -> str:
        limit = f"{self.limit:g} {self.unit}"
        return f"{'≥' if self.at_least else '≤'} {limit}"
