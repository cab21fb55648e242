"""What `block` and `allow` share: show the changes, ask, carry them out, show what has become of each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from unsecret.cli.asking import require_yes
from unsecret.cli.exit_codes import ERROR, OK, PENDING
from unsecret.cli.printing import as_json, progress, say, say_error
from unsecret.cli.tables import table
from unsecret.cli.words import entry_in_words
from unsecret.errors import UnsecretError
from unsecret.operate.policies.change import PolicyChange, apply

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

COLUMNS = ("WHAT", "BEFORE", "AFTER")


class Outcome(Struct, frozen=True):
    """What became of one planned change: `changed`, `unchanged`, `pending` or `failed`."""

    change: PolicyChange
    outcome: str
    error: UnsecretError | None = None


def carry_out(client: GraphClient, changes: Sequence[PolicyChange], *, yes: bool, dry_run: bool, output: str) -> int:
    """Do what is pending in `changes`, after asking. Gives the exit code.

    One that fails does not stop the others: each has its own outcome, and the exit code is 1 then.
    """
    pending = [change for change in changes if change.is_pending]
    _talk(changes)
    if pending and not dry_run:
        _ask(client, pending, yes=yes)
    outcomes = [_outcome(client, change, dry_run=dry_run) for change in changes]
    was_seen = bool(pending) and not (dry_run or yes) and sys.stdout.isatty()
    _print(outcomes, output, was_seen=was_seen)
    return _exit_code(outcomes)


def _talk(changes: Sequence[PolicyChange]) -> None:
    for change in changes:
        if not change.is_pending:
            say(f"Nothing to do: the {change.title} says so already.")
        for entry in change.activates:
            say(f"WARNING: the {change.title} is off. Switching it on also activates: {entry}")
        for note in change.notes:
            say(f"note: {note}")


def _ask(client: GraphClient, pending: Sequence[PolicyChange], *, yes: bool) -> None:
    if not yes:
        for change in pending:
            _change_table(change, to_stdout=False)
    activated = sum(len(change.activates) for change in pending)
    entries = "1 entry" if activated == 1 else f"{activated} entries"
    also = f", and activate the {entries} warned of above" if activated else ""
    question = f"Change the {', the '.join(change.title for change in pending)}{also}?"
    require_yes(question, to=client.connection, yes=yes, can_rehearse=True)


def _outcome(client: GraphClient, change: PolicyChange, *, dry_run: bool) -> Outcome:
    if not change.is_pending:
        return Outcome(change, "unchanged")
    if dry_run:
        return Outcome(change, "pending")
    try:
        apply(client, change, say=progress())
    except UnsecretError as error:
        return Outcome(change, "failed", error)
    except KeyboardInterrupt:
        say(f"Stopped while changing the {change.title}: look what has become of it with `unsecret status`.")
        raise
    return Outcome(change, "changed")


def _print(outcomes: Sequence[Outcome], output: str, *, was_seen: bool) -> None:
    """The answer. Where it would go to the screen on which the changes were shown with the question, it is left out."""
    if output == "json":
        as_json({"policies": [_as_json(one) for one in outcomes]})
    for one in outcomes:
        if one.error:
            say_error(one.error, about=f"{one.change.title}: ")
        elif output == "table" and one.outcome != "unchanged" and not was_seen:
            _change_table(one.change, to_stdout=True)
    said = {one.outcome for one in outcomes}
    if "pending" in said:
        say("Nothing was changed: this was a dry run.")
    if "changed" in said:
        say("Done, and read back: every other entry is as it was.")


def _change_table(change: PolicyChange, *, to_stdout: bool) -> None:
    rows = [(entry_in_words(line.what, line.kind), line.before, line.after) for line in change.lines]
    table(COLUMNS, rows, title=change.title, file=sys.stdout if to_stdout else sys.stderr)


def _as_json(one: Outcome) -> dict[str, Any]:
    change = one.change
    answer: dict[str, Any] = {
        "policy": change.title,
        "outcome": one.outcome,
        "changes": change.lines,
        "activates": change.activates,
        "notes": change.notes,
    }
    if one.outcome == "pending":
        answer["requests"] = [
            {"method": method, "path": path, "body": body} for method, path, body in change.requests()
        ]
    if one.error:
        answer["error"] = {"code": one.error.code, "message": one.error.message}
    return answer


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    said = {one.outcome for one in outcomes}
    if "failed" in said:
        return ERROR
    return PENDING if "pending" in said else OK
