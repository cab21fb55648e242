"""`$filter` on a collection that is short enough to be looked at element by element, in Graph's own shape.

Which properties it may name, and how they may be compared, is in `Collection.sifted`.
"""

from __future__ import annotations

from typing import Any

from unsecret.errors import Invalid
from unsecret.model.query import And, Comparison, Filter, Not, Operator, Or
from unsecret.wire.queryable import UNSUPPORTED, Collection

Shown = dict[str, Any]


def sifted(items: list[Shown], asked: Filter | None, collection: Collection) -> list[Shown]:
    """Those of `items` that meet the filter, in their order. Raises Invalid for what this collection is not filtered
    by, whether there are any items or not."""
    if asked is None:
        return items
    _require_known(asked, collection)
    return [item for item in items if _meets(item, asked)]


def _require_known(asked: Filter, collection: Collection) -> None:
    match asked:
        case And(parts) | Or(parts):
            for part in parts:
                _require_known(part, collection)
        case Not(part):
            _require_known(part, collection)
        case Comparison(name, operator, _) if operator in _known(name, operator, collection):
            return
        case _:
            raise _unsupported(asked, collection)


def _known(name: str, operator: Operator, collection: Collection) -> frozenset[Operator]:
    """`ne` is the same question the other way round; without an advanced query it was refused before."""
    known = collection.sifted.get(name, frozenset())
    return known | {Operator.NE} if operator is Operator.NE and Operator.EQ in known else known


def _meets(item: Shown, asked: Filter) -> bool:
    match asked:
        case And(parts):
            return all(_meets(item, part) for part in parts)
        case Or(parts):
            return any(_meets(item, part) for part in parts)
        case Not(part):
            return not _meets(item, part)
        case Comparison(name, operator, value):
            shown = _folded(item.get(name))
            wanted = _folded(value)
    match operator:
        case Operator.IN:
            return shown in wanted
        case Operator.STARTS_WITH:
            return isinstance(shown, str) and shown.startswith(wanted)
        case _:
            return (shown == wanted) is (operator is not Operator.NE)


def _folded(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_folded, value))
    return value.casefold() if isinstance(value, str) else value


def _unsupported(asked: Filter, collection: Collection) -> Invalid:
    name = asked.property if isinstance(asked, Comparison) else "any"
    by = ", ".join(f"{known} ({', '.join(operators)})" for known, operators in collection.sifted.items())
    can = f"It is filtered by {by}." if by else "It cannot be filtered."
    return Invalid(
        f"Filtering by '{name[:64]}' is not supported by this collection. {can} Choose among the answers yourself.",
        code=UNSUPPORTED,
        target="$filter",
    )
