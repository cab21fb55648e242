"""The door: argv in, exit code out. Everything heavy is imported only by the command that needs it."""

from __future__ import annotations

import sys


def main() -> None:
    """The `unsecret` command."""
    from unsecret.cli.ending import exit_code_of

    raise SystemExit(exit_code_of(lambda: _answer(sys.argv[1:])))


def _answer(arguments: list[str]) -> int:
    from unsecret.cli.quick import answered

    if answered(arguments):
        return 0
    from unsecret.cli.app import run

    return run(arguments)
