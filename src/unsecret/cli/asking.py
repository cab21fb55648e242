"""Asking before a change. Nobody there to answer means no."""

from __future__ import annotations

import sys

from unsecret.cli.printing import clear_progress, harmless, say
from unsecret.errors import Invalid
from unsecret.operate.graph.connection import Connection, Remote


def require_yes(question: str, *, to: Connection | Remote | None = None, yes: bool, can_rehearse: bool) -> None:
    """Return when the operator agrees. Raises Invalid when they do not, or when nobody can be asked.

    `to` is the tenant that the question is about: one that is not local is named in it, the last thing to be read
    before the answer, and with --yes too, so that a log tells what was changed. `can_rehearse` is whether the command
    has --dry-run. Ctrl-C is an answer, too: it is told what it means, and raised again.
    """
    if isinstance(to, Remote):
        question = f"{question.rstrip('?')}, in {to.words}?"
    if yes:
        if isinstance(to, Remote):
            say(f"{question} yes")
        return
    if not sys.stdin.isatty():
        raise Invalid(
            "Nothing was changed: this needs your yes, and there is no terminal to ask at.",
            hint="Add --yes to go ahead" + (", or --dry-run to see what would change." if can_rehearse else "."),
        )
    clear_progress()
    try:
        print(f"{harmless(question)} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        say("\nNothing was changed.")
        raise
    if not answer.endswith("\n"):
        say()
    if answer.strip().lower() not in ("y", "yes"):
        raise Invalid("Nothing was changed.")
