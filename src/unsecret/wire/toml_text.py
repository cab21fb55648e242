"""TOML that somebody hands over, read within bounds: a policy file, a profile or mutes may be a stranger's.

The reader of the standard library takes a time that grows with the square of a dotted key's length, and passes on what
Python says of a number that is too long; both are looked at here.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from unsecret.errors import Invalid

DEEPEST_KEY = 32
"""Parts of a dotted key; the longest that means anything to us has eight."""

_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+"""
_TOO_DEEP = re.compile(rf"(?<![A-Za-z0-9_\\-]){_PART}(?:\.[ \t]*+{_PART}){{{DEEPEST_KEY}}}")
"""Begins only where a word or a string may, and never goes back: its time grows with the text, whatever the text is."""


def read_toml(text: str, what: str) -> dict[str, Any]:
    """The content of `text`, which is `what` for a message. Raises Invalid, naming the line at fault."""
    if deep := _TOO_DEEP.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        raise Invalid(f"{what} has a key of more than {DEEPEST_KEY} parts (at line {line}); no key here is so long.")
    try:
        return tomllib.loads(text)
    except RecursionError as problem:
        raise Invalid(f"{what} is nested too deeply.") from problem
    except ValueError as problem:  # also of a number with thousands of digits
        raise Invalid(f"{what} is not TOML: {problem}.") from problem
