"""Patterns of names, the same in every verb and file: `*` is anything, `?` one character, everything else itself, in
small letters or capitals. Brackets mean nothing: names hold them.
"""

from __future__ import annotations

import re
from functools import lru_cache


def matches(pattern: str, name: str) -> bool:
    """Whether `name` is one that `pattern` speaks of."""
    return _compiled(pattern).fullmatch(name.lower()) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """What is between two `*` is taken where it is found first, for good: so no pattern takes long."""
    first, *others = (re.escape(one).replace(r"\?", ".") for one in pattern.lower().split("*"))
    last = others.pop() if others else None
    middle = "".join(f"(?>.*?{one})" for one in others)
    return re.compile(first if last is None else f"{first}{middle}.*{last}", re.DOTALL)


def like(pattern: str) -> str:
    r"""`pattern` for SQL's `lower(name) LIKE … ESCAPE '\'`, which says the same as `matches`."""
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern.lower())
    return escaped.replace("*", "%").replace("?", "_")


def may_be_an_id(pattern: str) -> bool:
    """Whether any GUID could match."""
    return re.fullmatch(r"[0-9a-f*?-]*", pattern.lower()) is not None
