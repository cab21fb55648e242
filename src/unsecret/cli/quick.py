"""What is asked so often, by scripts and by people, that it is answered before any library is loaded.

Only what is written in exactly this form; everything else, and whatever is amiss, goes the ordinary way, which gives
the same answer.
"""

from __future__ import annotations

from pathlib import Path

from unsecret import __version__


def answered(arguments: list[str]) -> bool:
    """Whether the command line was answered here: `--version`, and the first page of a snapshot's applications."""
    match arguments:
        case ["--version"]:
            from unsecret.cli.printing import answer

            answer(f"unsecret {__version__}")
            return True
        case ["apps", "list", "--snapshot", file]:
            return _first_page(Path(file))
    return False


def _first_page(file: Path) -> bool:
    from unsecret.config import read_settings

    if read_settings().output != "table":
        return False
    from unsecret.cli.app_pages import SHOWN, listing
    from unsecret.operate.applications.listing import first_page

    if (found := first_page(file, SHOWN)) is None:
        return False
    from unsecret.cli.answers import put

    put(listing(found), output="table")
    return True
