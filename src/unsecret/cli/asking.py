"""Asking before a change. Nobody there to answer means no."""

from __future__ import annotations

import sys

from unsecret.cli.printing import harmless, say
from unsecret.errors import Invalid


def require_yes(question: str, *, yes: bool, can_rehearse: bool) -> None:
    """Return when the operator agrees. Raises Invalid when they do not, or when nobody can be asked.

    `can_rehearse` is whether the command has --dry-run. Ctrl-C is an answer, too: it is told
    what it means, and raised again.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid(
            "Nothing was changed: this needs your yes, and there is no terminal to ask at.",
            hint="Add --yes to go ahead" + (", or --dry-run to see what would change." if can_rehearse else "."),
        )
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
