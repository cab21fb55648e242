"""Which findings are muted, and what each mute did: one that is past its day, or gives no reason, mutes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from unsecret.model.profile import Mute
from unsecret.rules.patterns import matches


class Mutes:
    """The mutes of one check, and how many findings each has muted."""

    def __init__(self, mutes: Sequence[Mute], today: date):
        self._mutes = mutes
        self._today = today
        self._muted = [0] * len(mutes)

    def of(self, requirement: str, check: str) -> tuple[int, ...]:
        """The numbers of the mutes that count, and speak of this kind of finding."""
        return tuple(
            number
            for number, mute in enumerate(self._mutes)
            if not mute.why_not(self._today) and matches(mute.requirement, requirement) and matches(mute.check, check)
        )

    def subject(self, number: int) -> str:
        """The pattern that names of what a finding is about are held against."""
        return self._mutes[number].subject

    def count(self, number: int, found: int = 1) -> None:
        """Remember that a mute muted `found` findings."""
        self._muted[number] += found

    def is_muted(self, requirement: str, check: str, names: Iterable[str]) -> bool:
        """Whether a finding about something with these names and ids is muted; remembers by which."""
        names = tuple(names)
        muting = [one for one in self.of(requirement, check) if any(self._says(one, name) for name in names)]
        for number in muting:
            self.count(number)
        return bool(muting)

    def notes(self) -> tuple[str, ...]:
        """A sentence for each mute."""
        return tuple(self._note(mute, muted) for mute, muted in zip(self._mutes, self._muted, strict=True))

    def _says(self, number: int, name: str) -> bool:
        return matches(self.subject(number), name)

    def _note(self, mute: Mute, muted: int) -> str:
        if why_not := mute.why_not(self._today):
            return f"The mute of '{mute.subject}' does not mute: {why_not}."
        if not muted:
            return f"The mute of '{mute.subject}' muted nothing; it can go."
        findings = "1 finding" if muted == 1 else f"{muted} findings"
        until = mute.until.isoformat() if mute.until else ""
        return f"The mute of '{mute.subject}' muted {findings} until {until}: {mute.reason}"
