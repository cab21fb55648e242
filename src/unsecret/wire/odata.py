"""The system query options of one request, and what they make of the answer.

https://learn.microsoft.com/en-us/graph/query-parameters
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote_plus

from msgspec import Struct

from unsecret.errors import Invalid, Unsupported
from unsecret.model.query import And, Filter, OrderBy, Query
from unsecret.wire.queryable import UNSUPPORTED, Collection, check_expand, check_filter, check_order, check_select

DIVERGENCES = "docs/reference/divergences.md"

LONGEST_CURSOR = 4 * 1024
MOST_NAMES = 256
"""How many names a $select may list."""

Names = Sequence[str] | None
"""What $select names; None is everything."""

_OPTIONS = frozenset(
    {"$filter", "$select", "$expand", "$top", "$skiptoken", "$orderby", "$count", "$search", "$format"}
)
_REFUSED = {
    "$skip": "'$skip' is not supported by the service.",
    "$deltatoken": "'$deltatoken' is not supported by the service.",
}
_EXPANSION = re.compile(r"(\s*([A-Za-z]\w*)\s*(\([^()]*\))?\s*)(?=,|$)")
_MAX_PAGE_SIZE = re.compile(r"(?:odata\.)?maxpagesize\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE)


class Asked(Struct, frozen=True, kw_only=True):
    """What the query string of a request asks for. `within` is what is selected of what is expanded, by its name."""

    query: Query
    select: tuple[str, ...] | None = None
    expand: tuple[str, ...] = ()
    within: Mapping[str, tuple[str, ...]] = {}

    @property
    def shown(self) -> Names:
        """The names of all that an answer shows: what `$select` asks for, and what `$expand` does."""
        return None if self.select is None else (*self.select, *self.expand)

    @property
    def named(self) -> Names:
        """The same as an `@odata.context` spells it: `id,owners()`."""
        names = (*(self.select or ()), *(f"{name}({','.join(self.within.get(name, ()))})" for name in self.expand))
        return names or None


def parse_query(
    params: Sequence[tuple[str, str]], headers: Mapping[str, str], *, collection: Collection, only_counts: bool = False
) -> Asked:
    """The system query options among `params`, which are decoded and in the order in which they were sent. `headers`
    are found by their names in lower case. What `only_counts`, at `…/$count`, needs no `$count=true` besides: scripts
    that count people of one kind by `ne` send the header alone, and are answered.

    Names are checked against `collection` and spelt as Graph spells them. Raises Invalid for an option that is unknown,
    given twice or not understood, and for what the collection cannot be asked; Unsupported for $search.
    """
    if not params:
        return Asked(query=Query(top=page_size(None, headers, collection)))
    options = _options(params)
    counted = _count(options.get("$count")) or only_counts
    # Entra's own troubleshooting page lets the header be a query parameter.
    eventual = is_eventual(headers) or is_eventual(dict(params))
    advanced = eventual and counted
    asked = _filter(options.get("$filter"), collection, advanced=advanced)
    query = Query(
        filter=_searching(asked, options.get("$search"), collection, eventual=eventual),
        order_by=_order_by(options.get("$orderby"), collection, advanced=advanced),
        top=page_size(options.get("$top"), headers, collection),
        after=_cursor(options.get("$skiptoken")),
        count=advanced,
    )
    names = _names(options.get("$select"), "$select")
    select = None if names is None else check_select(names, collection)
    within = _expand(options.get("$expand"))
    expand = check_expand(within, collection, advanced=advanced)
    return Asked(
        query=query,
        select=select,
        expand=expand,
        within={name: of for name, of in zip(expand, within.values(), strict=True) if of is not None},
    )


def is_eventual(headers: Mapping[str, str]) -> bool:
    """Whether `ConsistencyLevel: eventual` is there."""
    return any(
        name.lower() == "consistencylevel" and value.strip().lower() == "eventual" for name, value in headers.items()
    )


def require_eventual_for_count(headers: Mapping[str, str]) -> None:
    """Raise the Invalid with which Graph answers `…/$count` without `ConsistencyLevel: eventual`."""
    if not is_eventual(headers):
        raise Invalid("$count is not currently supported. Send the header ConsistencyLevel: eventual.")


def next_link(url: str, cursor: str) -> str:
    """The absolute `url` of this page, with its query options as they were sent, leading to the page after it."""
    base, _, query = url.partition("?")
    kept = [part for part in query.split("&") if part and _option(unquote_plus(part.partition("=")[0])) != "$skiptoken"]
    return f"{base}?" + "&".join([*kept, f"$skiptoken={quote(cursor, safe='')}"])


def context_url(base: str, version: str, collection: str, select: Names) -> str:
    """`https://host/v1.0/$metadata#applications(id,appId)`; `base` without and with a slash at its end."""
    suffix = f"({','.join(select)})" if select else ""
    return f"{base.rstrip('/')}/{version}/$metadata#{collection}{suffix}"


def select(body: dict[str, Any], names: Names) -> dict[str, Any]:
    """`body` with the members that `names` asks for, whatever their case, and its control information (`@odata.…`,
    and `name@odata.…` of what was asked for). A name that `body` does not have is passed over."""
    if names is None:
        return body
    wanted = {name.lower() for name in names} | {"@"}
    return {name: value for name, value in body.items() if (name.partition("@")[0].lower() or "@") in wanted}


def _options(params: Sequence[tuple[str, str]]) -> dict[str, str]:
    options: dict[str, str] = {}
    for sent, value in params:
        name = _option(sent)
        if name in _REFUSED:
            raise Invalid(_REFUSED[name], target=name)
        if name in options:
            raise Invalid(f"Query option '{name}' was specified more than once, but it must be specified at most once.")
        if name in _OPTIONS:
            options[name] = value
        elif name.startswith("$"):
            raise Invalid(f"The query parameter '{sent[:64]}' is not supported.", target=sent[:64])
    return options


def _option(name: str) -> str:
    """An option's name; the dollar may be left out (https://learn.microsoft.com/en-us/graph/query-parameters)."""
    lower = name.strip().lower()
    return f"${lower}" if f"${lower}" in _OPTIONS or f"${lower}" in _REFUSED else lower


def _filter(text: str | None, collection: Collection, *, advanced: bool) -> Filter | None:
    if text is None:
        return None
    from unsecret.wire.filters import parse_filter

    return check_filter(parse_filter(text), collection, advanced=advanced)


def _order_by(text: str | None, collection: Collection, *, advanced: bool) -> OrderBy | None:
    if text is None:
        return None
    match text.split():
        case [name] if "," not in name:
            order = OrderBy(name)
        case [name, direction] if "," not in name and direction.lower() in ("asc", "desc"):
            order = OrderBy(name, direction.lower() == "desc")
        case _ if "," in text:
            raise Invalid("Sorting by more than one property is not supported.", code=UNSUPPORTED, target="$orderby")
        case _:
            raise Invalid("Invalid orderby clause: give one property, then asc or desc.", target="$orderby")
    return check_order(order, collection, advanced=advanced)


def page_size(text: str | None, headers: Mapping[str, str], collection: Collection) -> int:
    """The page size that `$top`, or a `Prefer` header, asks for. What a client prefers is a wish: it is cut to what is
    allowed. Raises Invalid."""
    if text is None:
        wish = _MAX_PAGE_SIZE.search(headers.get("prefer") or "")
        return min(max(int(wish[1]), 1), collection.max_top) if wish else collection.default_top
    size = int(text) if re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII) else None
    if size is None or not 1 <= size <= collection.max_top:
        raise Invalid(
            f"Invalid page size specified: '{text[:32]}'. Must be between 1 and {collection.max_top} inclusive.",
            code=UNSUPPORTED,
            target="$top",
        )
    return size


def _cursor(text: str | None) -> str | None:
    if text is not None and not 0 < len(text) <= LONGEST_CURSOR:
        raise Invalid("The $skiptoken is not one that this tenant gave out.", target="$skiptoken")
    return text


def _count(text: str | None) -> bool:
    word = "false" if text is None else text.strip().lower()
    if word not in ("true", "false"):
        raise Invalid(
            f"Invalid value '{word[:32]}' for $count query option found. Valid values are 'true' or 'false'.",
            target="$count",
        )
    return word == "true"


def _names(text: str | None, option: str) -> tuple[str, ...] | None:
    """The names in a $select; None for all of them."""
    if text is None:
        return None
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if "*" in names:
        return None
    if "" in names:
        raise Invalid("Parsing OData Select and Expand failed: An identifier was expected.", target=option)
    if len(names) > MOST_NAMES:
        raise Invalid(f"More than {MOST_NAMES} names are not supported.", code=UNSUPPORTED, target=option)
    return names


def _expand(text: str | None) -> dict[str, tuple[str, ...] | None]:
    """Name → what is selected of it. `$select` is the one option that there is inside the parentheses."""
    parts = _EXPANSION.findall(text or "")
    if text is not None and (not text.strip() or ",".join(whole for whole, *_ in parts) != text):
        raise Invalid("Parsing OData Select and Expand failed: an identifier was expected.", target="$expand")
    if len({name for _, name, _ in parts}) < len(parts) or len(parts) > MOST_NAMES:
        raise Invalid("Parsing OData Select and Expand failed: a name is there more than once.", target="$expand")
    return {name: _selected(options) if options else None for _, name, options in parts}


def _selected(options: str) -> tuple[str, ...] | None:
    name, equals, names = options[1:-1].partition("=")
    if not equals or name.strip().lower() != "$select" or ";" in names:
        raise Invalid("Of options inside $expand only $select is supported.", code=UNSUPPORTED, target="$expand")
    return _names(names, "$expand")


def _searching(asked: Filter | None, text: str | None, collection: Collection, *, eventual: bool) -> Filter | None:
    """`asked`, and what `$search` asks besides. Raises Invalid without the header that it needs."""
    if text is None:
        return asked
    if not eventual:
        raise Invalid(
            "Request with $search query parameter only works through MSGraph with a special request header: "
            "'ConsistencyLevel: eventual'",
            code=UNSUPPORTED,
            target="$search",
        )
    if not collection.searchable:
        raise Unsupported("$search is not supported here; use $filter.", hint=DIVERGENCES, target="$search")
    from unsecret.wire.searches import parse_search

    search = parse_search(text, collection)
    return search if asked is None else And((asked, search))
