"""Finding the route of a request among hundreds.

Starlette compares a path with one pattern after the other. Most can be told apart by the words that they begin with and
the number of their segments, so the patterns that could match at all are looked up, and only they are compared, in
their own order: what is found is what comparing with all of them would find.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from starlette.routing import Match, Route, Router
from starlette.types import Scope

from unsecret.errors import MethodNotAllowed, NotFound
from unsecret.tenant.call import LONGEST_HEADER

NOT_ALLOWED = "Specified HTTP method is not allowed for the request target."
"""Graph's words (https://github.com/microsoftgraph/microsoft-graph-docs/issues/5869)."""

_MOST_SEGMENTS = 12
"""Longer paths are all looked up as one kind: nobody can fill the memory with kinds of paths."""

_MOST_KINDS = 4096
MOST_REMEMBERED_PATHS, LONGEST_REMEMBERED_PATH = 2048, 256
"""Where an address led is remembered: clients ask for the same ones again and again. Longer ones are looked at each
time, so that nobody can fill the memory with them."""
_TOLD_APART_BY = 3
"""Words: the version, the collection, and what follows in the place of an object's id, such as `$count`."""


class RouteIndex(Router):
    """Starlette's router over `routes`, whose parameters are texts. A path is taken as it is written, with a slash at
    its end or without."""

    def __init__(self, routes: Sequence[Route]):
        super().__init__(routes=routes, redirect_slashes=False)
        self._routes = routes
        self._words = [_words(routes, place) for place in range(_TOLD_APART_BY)]
        self._known: dict[tuple[int, tuple[str, ...]], list[Route]] = {}
        self._remembered = lru_cache(maxsize=MOST_REMEMBERED_PATHS)(self._first)

    def find(self, scope: Scope) -> Route:
        """The first route that takes the request; what its path says in the places of parameters is in the scope then.

        Raises NotFound, and MethodNotAllowed where there is one for another method only.
        """
        method, path = scope["method"], scope["path"]
        is_short = len(method) + len(path) <= LONGEST_REMEMBERED_PATH
        found = (self._remembered if is_short else self._first)(method, path)
        if found is not None:
            route, parameters = found
            scope["path_params"] = parameters.copy()
            return route
        shown = path[:LONGEST_HEADER]
        if any(route.matches(scope)[0] is Match.PARTIAL for route in self.routes_for(path)):
            raise MethodNotAllowed(f"{NOT_ALLOWED} {method} is not possible on {shown}.")
        raise NotFound(f"There is nothing at {shown}.", code="ResourceNotFound")

    def _first(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The first route that takes the request, and its parameters."""
        for route in self.routes_for(path):
            if method in (route.methods or ()) and (matched := route.path_regex.match(path)) is not None:
                return route, matched.groupdict()
        return None

    def routes_for(self, path: str) -> list[Route]:
        """The routes that could match, in their order."""
        segments = path.split("/", _MOST_SEGMENTS)[1:]
        words = tuple([word if word in known else "" for word, known in zip(segments, self._words, strict=False)])
        kind = (len(segments), words)
        if (routes := self._known.get(kind)) is None:
            routes = [route for route in self._routes if _could_match(route, *kind)]
            if len(self._known) < _MOST_KINDS:
                self._known[kind] = routes
        return routes


def _segments(route: Route) -> list[str]:
    """Of the route's pattern."""
    return route.path.split("/")[1:]


def _words(routes: Sequence[Route], place: int) -> frozenset[str]:
    """The words that patterns have in this place."""
    found = (segments[place] for route in routes if len(segments := _segments(route)) > place)
    return frozenset(word for word in found if "{" not in word)


def _could_match(route: Route, count: int, words: tuple[str, ...]) -> bool:
    """Whether the pattern could match a path of so many segments that begins with these words, of which those are empty
    that no pattern has."""
    pattern = _segments(route)
    if not any(":path}" in segment for segment in pattern) and len(pattern) != count and count < _MOST_SEGMENTS:
        return False
    return all(
        ":path}" in "".join(pattern[: place + 1]) or "{" in pattern[place] or pattern[place] == word
        for place, word in enumerate(words[: len(pattern)])
    )
