"""`$search`, as text, into the values of model/query.py.

https://learn.microsoft.com/en-us/graph/search-query-parameter: `"property:words"`, in double quotes, joined by AND and
OR. Every word has to begin a word of the property's value.
"""

from __future__ import annotations

import re

from unsecret.errors import Invalid
from unsecret.model.query import And, Comparison, Filter, Operator, Or
from unsecret.wire.queryable import UNSUPPORTED, Collection

LONGEST_SEARCH = 1024
MOST_WORDS = 32

_CLAUSE = r'"(?:[^"\\]|\\.)*"'
_WHOLE = re.compile(rf"\s*{_CLAUSE}(?:\s+(?:AND|OR)\s+{_CLAUSE})*\s*")
_PART = re.compile(rf"{_CLAUSE}|\bAND\b|\bOR\b")
_WORD = re.compile(r"[^\W_]+")


def parse_search(text: str, collection: Collection) -> Filter:
    """What `text` asks for. AND binds closer than OR. Raises Invalid."""
    if len(text) > LONGEST_SEARCH or not _WHOLE.fullmatch(text):
        raise Invalid(
            'Invalid $search clause: write "property:words" in double quotes, joined by AND or OR.', target="$search"
        )
    alternatives: list[list[Filter]] = [[]]
    for part in _PART.findall(text):
        if part == "OR":
            alternatives.append([])
        elif part != "AND":
            alternatives[-1].append(_clause(part[1:-1], collection))
    return _joined(Or, [_joined(And, clauses) for clauses in alternatives])


def _clause(text: str, collection: Collection) -> Filter:
    name, colon, words = re.sub(r"\\(.)", r"\1", text).partition(":")
    known = {property.lower(): property for property in collection.searchable}
    if not colon or name.strip().lower() not in known:
        raise Invalid(
            f"Property '{name.strip()[:64]}' cannot be searched. Search {' or '.join(sorted(known.values()))}.",
            code=UNSUPPORTED,
            target="$search",
        )
    found = _WORD.findall(words)
    if not 0 < len(found) <= MOST_WORDS:
        raise Invalid(f"A $search clause needs 1 to {MOST_WORDS} words after its colon.", target="$search")
    property = known[name.strip().lower()]
    return _joined(And, [Comparison(property, Operator.HAS_WORD, word) for word in found])


def _joined(of: type[And | Or], parts: list[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else of(tuple(parts))
