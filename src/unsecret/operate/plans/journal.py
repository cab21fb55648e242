"""What was written to a tenant, noted before and after every write, so that an apply that was killed can be told from
one that ended, and says where it was.

One directory for each tenant, for its owner only:

    lock                    held by the apply that is under way; the system lets go of it when that process ends
    INSTANT.journal.ndjson  one apply: a line for each thing that happened
    INSTANT.rollback.toml   a policy file that gives back what was there before it
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from unsecret.errors import Conflict, Unavailable
from unsecret.operate.plans.steps import Action, Plan, Step
from unsecret.private_files import sync_names
from unsecret.wire.instants import format_instant

APPLIES, LOCK = "applies", "lock"
_JOURNAL, _ROLLBACK = ".journal.ndjson", ".rollback.toml"

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
"""A file of before is never written over."""

Clock = Callable[[], datetime]
Sync = Callable[[int], None]


class Interrupted(Struct, frozen=True, kw_only=True):
    """An apply that did not come to its end. `writing` is the step that was under way, in words, and `making` the name
    of the policy that it was to make: whether it was made is not known."""

    journal: Path
    begun_at: datetime
    source: str
    written: int
    steps: int
    writing: str | None = None
    making: str | None = None

    @property
    def rollback(self) -> Path:
        """The policy file that gives back what was there before it."""
        return self.journal.with_name(self.journal.name.removesuffix(_JOURNAL) + _ROLLBACK)

    @property
    def words(self) -> str:
        """What is known of it, for people."""
        where = f"; it was about to {self.writing}" if self.writing else ""
        return (
            f"An apply of {self.source}, begun at {format_instant(self.begun_at)}, did not come to its end: "
            f"{self.written} of {self.steps} changes were made{where}."
        )


def folder_of(state: Path, tenant_id: str) -> Path:
    """The directory for what is noted about a tenant."""
    return state / APPLIES / tenant_id


@contextmanager
def alone(folder: Path, *, now: datetime) -> Generator[None]:
    """Hold the tenant's lock meanwhile. Raises Conflict when another apply on this machine holds it."""
    try:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for one in missing:
            sync_names(one.parent)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise _unwritable(folder, problem) from problem
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode("utf-8", "replace").strip()
            raise Conflict(
                f"Another apply is under way on this tenant ({holder or 'it does not say which'}).",
                code="ApplyUnderWay",
                hint="Wait until it has ended; then see what is left to do: unsecret plan FILE",
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()}, since {format_instant(now)}".encode())
        yield
    finally:
        os.close(descriptor)


class Journal:
    """The journal of one apply. Every note is on the disk before anything else happens, and so is the rollback file."""

    def __init__(self, folder: Path, plan: Plan, *, rollback: str, clock: Clock, sync: Sync = os.fsync):
        """Begin: write the rollback file, then the first note. Raises Unavailable when they cannot be written. `sync`
        waits until what was written to a descriptor is on the disk."""
        self._clock, self._sync = clock, sync
        name = _free_name(folder, clock())
        self.path, self.rollback = folder / f"{name}{_JOURNAL}", folder / f"{name}{_ROLLBACK}"
        try:
            with os.fdopen(os.open(self.rollback, _NEW, 0o600), "w", encoding="utf-8", newline="\n") as file:
                file.write(rollback)
                file.flush()
                sync(file.fileno())
            self._file = os.open(self.path, _NEW | os.O_APPEND, 0o600)
        except OSError as problem:
            raise _unwritable(folder, problem) from problem
        self._note("begun", source=plan.source, steps=[step.words for step in plan.steps])
        sync_names(folder, sync)

    def writing(self, number: int, step: Step) -> None:
        """A write is about to be sent."""
        making = step.policy_name if step.action is Action.CREATE else None
        self._note("writing", step=number, words=step.words, making=making)

    def written(self, number: int, step: Step, policy_id: str | None) -> None:
        """The write was made, and read back."""
        self._note("written", step=number, words=step.words, policy_id=policy_id)

    def failed(self, number: int, step: Step, message: str) -> None:
        """The write was refused, or does not read back."""
        self._note("failed", step=number, words=step.words, message=message)

    def unsure(self, number: int, step: Step, message: str) -> None:
        """Whether the write was made is not known: no answer came, or what was written does not show."""
        making = step.policy_name if step.action is Action.CREATE else None
        self._note("unsure", step=number, words=step.words, making=making, message=message)

    def end(self) -> None:
        """The apply came to its end, and what became of each step is known."""
        self._note("ended")

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _note(self, event: str, **what: Any) -> None:
        try:
            os.write(self._file, _line(event, self._clock(), what))
            self._sync(self._file)
        except OSError as problem:
            raise _unwritable(self.path.parent, problem) from problem


def _line(event: str, at: datetime, what: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"event": event, "at": format_instant(at), **what}) + b"\n"


def _free_name(folder: Path, at: datetime) -> str:
    """Sorts by time, also within a second."""
    name = at.strftime("%Y%m%dT%H%M%SZ")
    return f"{name}-{sum(1 for _ in folder.glob(f'{name}*{_ROLLBACK}')) + 1:02}"


def interrupted(folder: Path) -> Interrupted | None:
    """The last apply on the tenant, if it did not come to its end."""
    journals = sorted(folder.glob(f"*{_JOURNAL}"), key=lambda one: (one.stat().st_mtime_ns, one.name))
    notes = _notes(journals[-1]) if journals else []
    if not notes or any(one["event"] in ("ended", "continued") for one in notes):
        return None
    begun, last = notes[0], notes[-1]
    is_writing = last["event"] in ("writing", "unsure")
    return Interrupted(
        journal=journals[-1],
        begun_at=datetime.fromisoformat(begun["at"]),
        source=str(begun.get("source")),
        written=sum(one["event"] == "written" for one in notes),
        steps=len(begun.get("steps") or ()),
        writing=last.get("words") if is_writing else None,
        making=last.get("making") if is_writing else None,
    )


def continued(before: Interrupted, *, now: datetime) -> None:
    """Note that a later apply took the matter up, so that nobody is told of it again."""
    with before.journal.open("ab") as file:
        file.write(_line("continued", now, {}))


def _notes(journal: Path) -> list[dict[str, Any]]:
    """The notes of a journal. What a kill left half written at its end is no note."""
    notes = []
    for line in journal.read_bytes().splitlines():
        try:
            note = msgspec.json.decode(line)
        except msgspec.DecodeError:
            break
        notes.append(note)
    return [one for one in notes if isinstance(one, dict) and "event" in one and "at" in one]


def _unwritable(folder: Path, problem: OSError) -> Unavailable:
    return Unavailable(
        f"The journal in {folder} could not be written ({problem.strerror}); nothing is changed without it."
    )
