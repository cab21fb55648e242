"""The door: argv in, exit code out. Everything heavy is imported only by the command that needs it."""

from __future__ import annotations

import sys

from unsecret import __version__


def main() -> None:
    """The `unsecret` command."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:  # answered before any library is loaded: scripts ask this often
        print(f"unsecret {__version__}")
        return
    from unsecret.cli.app import run

    raise SystemExit(run(arguments))
