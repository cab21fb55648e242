"""What may be asked of a collection as it is, and what only as an advanced query.

https://learn.microsoft.com/en-us/graph/aad-advanced-queries: the directory answers some questions only with the
header `ConsistencyLevel: eventual` *and* `$count=true`. A client that forgets one of them works against nothing
but a tenant that does not care, so this one does. Which questions are answered at all is the store's to say.
"""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Mapping
from functools import cache

from msgspec import Struct, field

from unsecret.errors import Invalid
from unsecret.model.query import And, AnyOf, Comparison, Filter, Guid, Held, Not, Operator, Or, OrderBy

UNSUPPORTED = "Request_UnsupportedQuery"

MOST_ALTERNATIVES = 15
"""How many parts an `or`, and how many values an `in` may have unless the query is an advanced one."""

_SELECT = "Parsing OData Select and Expand failed"
_TRY = (
    "Try adding $count=true query parameter and ConsistencyLevel:eventual header. "
    "Refer to https://aka.ms/graph-docs/advanced-queries for more information"
)


class Collection(Struct, frozen=True, kw_only=True):
    """`type` is Graph's name of an element, `declared` all its properties.

    `plain` are the operators that work without the advanced query parameters: by property, by list for what
    `any()` asks about an element itself, by `list/member` for what it asks about a member. A property that is
    not in it is left to the store. None: nothing here needs those parameters (the logs). `plain_orders` are the
    properties that can be sorted by without them. `advanced` are properties about which, and about all that is in
    them, nothing can be asked without them.
    """

    type: str
    declared: frozenset[str]
    plain: Mapping[str, frozenset[Operator]] | None = None
    plain_orders: frozenset[str] = frozenset()
    advanced: frozenset[str] = frozenset()
    expandable: frozenset[str] = field(default_factory=frozenset)
    searchable: frozenset[str] = frozenset()
    guids: frozenset[str] = frozenset()
    sifted: Mapping[str, frozenset[Operator]] = {}
    default_top: int = 100
    max_top: int = 999


def check_filter(asked: Filter, collection: Collection, *, advanced: bool) -> Filter:
    """`asked` with property names as Graph spells them.

    Raises Invalid: Request_BadRequest for a property that does not exist, Request_UnsupportedQuery for what needs
    the advanced query parameters when they are not there.
    """
    return _Walk(collection, advanced=advanced or collection.plain is None).through(asked, "")


def check_select(names: tuple[str, ...], collection: Collection) -> tuple[str, ...]:
    """`names` as Graph spells them, each once. Raises Invalid for a name that the type does not declare."""
    return tuple(dict.fromkeys(_declared(name, collection, _SELECT) for name in names))


def check_expand(names: Names[str], collection: Collection, *, advanced: bool) -> tuple[str, ...]:
    """`names`, each of which can be expanded, as Graph spells them. Raises Invalid."""
    if names and advanced:
        raise _unsupported("$expand is not supported in advanced queries.", "$expand")
    known = _spellings(collection.expandable)
    for name in names:
        if name.lower() not in known:
            raise _unsupported(f"{_SELECT}: '{name[:64]}' of {collection.type} cannot be expanded.", "$expand")
    return tuple(known[name.lower()] for name in names)


def check_order(order: OrderBy, collection: Collection, *, advanced: bool) -> OrderBy:
    """`order` with the property's name as Graph spells it. Raises Invalid: the directory sorts next to nothing in a
    plain query."""
    first, slash, rest = order.property.partition("/")
    name = _declared(first, collection, "Invalid orderby clause") + slash + rest
    if collection.plain is not None and not advanced and name not in collection.plain_orders:
        raise _unsupported(f"Sorting not supported for current query. {_TRY}.", "$orderby")
    return OrderBy(name, order.descending)


class _Walk:
    """One walk through a filter. `within` is the list that the surrounding any() looks into, "" outside."""

    def __init__(self, collection: Collection, *, advanced: bool):
        self.collection = collection
        self.advanced = advanced
        self.spelling = _spellings(frozenset(collection.plain or ()))

    def through(self, asked: Filter, within: str) -> Filter:
        match asked:
            case Comparison():
                return self._comparison(asked, within)
            case AnyOf():
                return self._any_of(asked)
            case Not():
                self._require_advanced("not")
                return Not(self.through(asked.part, within))
            case And():
                return And(tuple(self.through(part, within) for part in asked.parts))
            case Or():
                self._require_few(len(asked.parts))
                return Or(tuple(self.through(part, within) for part in asked.parts))
            case Held():
                raise TypeError("No client can ask so: attributes are Comparisons until it is known who asks.")

    def _any_of(self, asked: AnyOf) -> AnyOf:
        name = self._spelt(asked.collection)
        if asked.where is None:
            self._require_advanced("$count")
            return AnyOf(name, None, asked.at_least)
        return AnyOf(name, self.through(asked.where, name))

    def _comparison(self, asked: Comparison, within: str) -> Comparison:
        path = self._spelt("/".join(part for part in (within, asked.property) if part))
        plain = (self.collection.plain or {}).get(path)
        if path.partition("/")[0] in self.collection.advanced or (plain is not None and asked.operator not in plain):
            self._require_advanced(asked.operator)
        if isinstance(asked.value, tuple):
            self._require_few(len(asked.value))
        if not within:  # which of a list's members are GUIDs to Graph is not known well enough
            self._require_type(path, asked)
        if asked.value == "" and asked.operator is Operator.EQ and self.collection.plain is not None:
            # An empty variable in somebody's script. Graph refuses it, so that the mistake shows.
            raise _unfilterable(path, self.collection)
        return Comparison(path[len(within) :].lstrip("/"), asked.operator, asked.value)

    def _spelt(self, path: str) -> str:
        if (known := self.spelling.get(path.lower())) is not None:
            return known
        first, slash, rest = path.partition("/")
        return _declared(first, self.collection, "Invalid filter clause") + slash + rest

    def _require_advanced(self, operator: str) -> None:
        if not self.advanced:
            raise _unsupported(
                f"Operator '{operator}' is not supported because the required parameters might be missing. {_TRY}",
                "$filter",
            )

    def _require_type(self, path: str, asked: Comparison) -> None:
        """A GUID stands without quotes, a string within them, whatever it looks like. Graph's words."""
        wants_guid = path in self.collection.guids
        for value in asked.value if isinstance(asked.value, tuple) else (asked.value,):
            if isinstance(value, str) and isinstance(value, Guid) is not wants_guid:
                types = "'Edm.Guid' and 'Edm.String'" if wants_guid else "'Edm.String' and 'Edm.Guid'"
                raise Invalid(
                    "Invalid filter clause: A binary operator with incompatible types was detected. "
                    f"Found operand types {types} for operator kind 'Equal'. Write the value of '{path[:64]}' "
                    f"{'without' if wants_guid else 'in single'} quotes.",
                    target="$filter",
                )

    def _require_few(self, alternatives: int) -> None:
        if alternatives > MOST_ALTERNATIVES and not self.advanced:
            raise _unsupported(
                "Too many child clauses specified in search filter expression containing 'OR' operators: "
                f"{alternatives}. Max allowed: {MOST_ALTERNATIVES}.",
                "$filter",
            )


def _declared(name: str, collection: Collection, context: str) -> str:
    """The name as the type declares it. Extension properties are added by the organisation and known to nobody else."""
    if (declared := _spellings(collection.declared).get(name.lower())) is not None:
        return declared
    if name.lower().startswith("extension_"):
        return name
    raise Invalid(f"{context}: Could not find a property named '{name[:64]}' on type '{collection.type}'.")


@cache
def _spellings(names: frozenset[str]) -> Mapping[str, str]:
    """Lower case → the name as Graph spells it. Remembered for the few collections that there are."""
    return {name.lower(): name for name in names}


def _unfilterable(path: str, collection: Collection) -> Invalid:
    resource = collection.type.rpartition(".")[2]
    resource = resource[:1].upper() + resource[1:]
    return _unsupported(
        f"Unsupported or invalid query filter clause specified for property '{path}' of resource '{resource}'.",
        "$filter",
    )


def _unsupported(message: str, target: str) -> Invalid:
    return Invalid(message, code=UNSUPPORTED, target=target)
